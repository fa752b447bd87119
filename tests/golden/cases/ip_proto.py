# SPDX-License-Identifier: GPL-3.0-or-later
"""IP protocols without ports: tunnels and what is in them, IPsec, EIGRP."""
from golden import case, decode_trouble
from hosts import ALICE, BOB, ROUTER, Host, ip_packet, packet
from support.ip import gre, ipv4, ipv6, pptp
from support.layer import layer
from support.link import ether, tagged
from support.transport import tcp

ALL_EIGRP = Host("01:00:5e:00:00:0a", "224.0.0.10", "ff02::a")
ALL_OSPF = Host("01:00:5e:00:00:05", "224.0.0.5", "ff02::5")

INNER = ipv4("192.168.1.1", "192.168.1.2", tcp(40000, 80, "S"))
INNER_6 = ipv6("fd00::1", "fd00::2", tcp(40000, 80, "S"))


@case
def ip_in_ip():
    """A tunnel's client, and the packet in the tunnel"""
    yield packet(ALICE, BOB, INNER)


@case
def ip_in_ip_scan():
    """A marker that a scanner sends"""
    marker = layer(b"this is not an attack", ip_proto=253)
    yield packet(ALICE, BOB, ipv4("192.168.1.1", "192.168.1.2", marker))


@case
def gre_tunnels():
    """GRE with IPv4, IPv6 and Ethernet in it, with a key, and as PPTP has it"""
    yield packet(ALICE, BOB, gre(INNER))
    yield packet(BOB, ALICE, gre(INNER_6))
    inner = ipv4("192.168.2.1", "192.168.2.2", tcp(40000, 81, "S"))
    yield packet(ALICE, BOB, gre(layer(ether(inner)), 0x6558))
    yield packet(ALICE, BOB, gre(ipv4("192.168.3.1", "192.168.3.2", tcp(1, 82, "S")), key=7))
    yield packet(ROUTER, BOB, pptp(ipv4("192.168.4.1", "192.168.4.2", tcp(1, 83, "S"))))


@case(stderr=[decode_trouble(cut=1)])
def gre_of_nothing():
    """GRE that carries nothing we read still is a tunnel"""
    yield packet(ALICE, BOB, gre(layer(b""), 0x0800))
    yield packet(BOB, ALICE, gre(layer(bytes(20)), 0x1234))


@case
def ipsec():
    """ESP and AH: a client and perhaps a server"""
    yield packet(ALICE, BOB, layer(bytes(40), ip_proto=50))
    yield packet(ALICE, BOB, layer(b"\x3b\4\0\0" + bytes(20), ip_proto=51))


@case
def later_fragments():
    """Each fragment names the protocol; what is in a tunnel only the first one tells"""
    for client, proto in ((ALICE, 47), (BOB, 50), (ROUTER, 51), (ALICE, 4)):
        yield packet(client, BOB, layer(bytes(24), ip_proto=proto), offset=1480, flags=0)


@case
def eigrp():
    """Routers that speak EIGRP or OSPF, told by the multicast address of the protocol"""
    hello = layer(bytes(20), ip_proto=88)
    yield packet(ROUTER, ALL_EIGRP, hello)
    yield packet(ROUTER, ALL_EIGRP, hello, v6=True)
    yield packet(ALICE, BOB, hello)
    yield packet(ALICE, BOB, hello, v6=True)
    yield packet(ROUTER, ALL_OSPF, layer(bytes(24), ip_proto=89))


@case
def others():
    """IGMP, RSVP, PIM, VRRP, SCTP and unknown protocols tell nothing"""
    for proto in (2, 46, 103, 112, 132, 200, 255):
        yield packet(ALICE, BOB, layer(bytes(24), ip_proto=proto))
        yield packet(ALICE, BOB, layer(bytes(24), ip_proto=proto), v6=True)


@case
def tunnel_in_tunnel():
    """Tunnels in tunnels, down to a depth"""
    middle = ipv4("192.168.5.1", "192.168.5.2", gre(ipv4("192.168.6.1", "192.168.6.2", INNER)))
    yield ether(ip_packet(ALICE, BOB, middle))


@case
def in_vlan():
    """In a VLAN, over IPv4 and IPv6"""
    yield from map(tagged, [*ip_in_ip(), *gre_tunnels(), *ipsec(), *eigrp()])
