# SPDX-License-Identifier: GPL-3.0-or-later
"""NTP: servers, clients, amplification."""
from golden import case
from hosts import ALICE, BOB, RESOLVER, ROUTER, Host, datagram, ip_packet, packet
from support.layer import ip_bytes
from support.link import ether, vlan
from support.transport import udp
from support.udp_protocols import ntp, ntp_private

VONAGE = Host(ROUTER.mac, "69.59.240.75", "2001:db8::75")
CLIENT, SERVER = 3, 4


@case
def client_and_server():
    """A client is a client, whatever port it uses; a server names its reference"""
    yield datagram(ALICE, BOB, 40000, 123, ntp(CLIENT))
    yield datagram(BOB, ALICE, 123, 40000, ntp(SERVER, 2, ip_bytes("192.0.2.1")))
    yield datagram(RESOLVER, BOB, 123, 123, ntp(CLIENT, 3, ip_bytes("192.0.2.2")))
    yield datagram(ALICE, BOB, 40000, 123, ntp(CLIENT), v6=True)
    yield datagram(BOB, ALICE, 123, 40000, ntp(SERVER, 1, b"GPS\0"), v6=True)


@case
def modes():
    """Peers and broadcasters on port 123 are servers; from other ports nothing is"""
    for mode in range(6):
        yield datagram(ALICE._replace(v4=f"10.0.1.{mode}"), BOB, 123, 123, ntp(mode, 1, b"PPS\0"))
        yield datagram(ALICE._replace(v4=f"10.0.2.{mode}"), BOB, 40000, 123, ntp(mode, 1, b"PPS\0"))
        yield datagram(ALICE._replace(v4=f"10.0.3.{mode}"), BOB, 123, 40000, ntp(mode, 1, b"PPS\0"))


@case
def references():
    """No time, a local clock and a server without time have no reference that is a host"""
    for last, stratum, reference in (
            (1, 0, "73.78.73.84"), (2, 2, "0.0.0.0"), (3, 5, "127.127.1.0"), (4, 15, "192.0.2.4"),
            (5, 16, "73.78.73.84"), (6, 2, "224.0.1.1")):
        yield datagram(BOB._replace(v4=f"10.0.0.{last}"), ALICE, 123, 40000,
                       ntp(SERVER, stratum, ip_bytes(reference)))


@case
def lengths():
    """48 bytes make a message, 47 do not; those behind the reference need not be captured"""
    yield datagram(ALICE, BOB, 40000, 123, ntp(CLIENT)[:47])
    yield datagram(RESOLVER, BOB, 40000, 123, ntp(CLIENT) + bytes(20))
    answer = datagram(BOB, ALICE, 123, 40000, ntp(SERVER, 2, ip_bytes("192.0.2.1")))
    yield answer[: 14 + 20 + 8 + 15]
    yield answer[: 14 + 20 + 8 + 16]
    to_traceroute = datagram(BOB, ALICE, 123, 33434, ntp(SERVER, 2, ip_bytes("192.0.2.1")))
    yield to_traceroute[: 14 + 20 + 8 + 15]  # most likely NTP all the same
    # 16 bytes by UDP, whatever IP says
    lie = udp(123, 40000, ntp(SERVER, 2, ip_bytes("192.0.2.9")), length=8 + 16)
    yield packet(RESOLVER, ALICE, lie)
    yield packet(RESOLVER, ALICE, lie)[: 14 + 20 + 8 + 16]


@case
def other_things():
    """What is no NTP is asked like a packet of any other port"""
    yield datagram(ALICE, BOB, 40000, 123, b"")
    yield datagram(ALICE, BOB, 40000, 123, b"\0\0\0\0abcdefgh", v6=True)
    yield datagram(BOB, ALICE, 123, 33434, b"probe")


@case
def private_and_control():
    """Monitor lists, asked and answered; peer lists; control messages"""
    yield datagram(ALICE, BOB, 40000, 123, ntp_private(42))
    yield datagram(BOB, ALICE, 123, 40000, ntp_private(42, is_response=True))
    yield datagram(RESOLVER, BOB, 40000, 123, ntp_private(32))
    yield datagram(RESOLVER, BOB, 40000, 123, ntp_private(20))
    yield datagram(RESOLVER, BOB, 123, 40000, ntp_private(20, is_response=True))
    yield datagram(ROUTER, BOB, 40000, 123, b"\x16\2" + bytes(10))
    yield datagram(BOB, ROUTER, 123, 40000, b"\x96\2" + bytes(10))
    yield datagram(ALICE, BOB, 40000, 123, ntp_private(42)[:4])
    yield datagram(ALICE, BOB, 40000, 123, b"")


@case
def vonage():
    """The time servers of a telephone company, whatever is sent"""
    yield datagram(ALICE, VONAGE, 40000, 123, ntp(CLIENT))
    yield datagram(VONAGE, ALICE, 123, 40000, b"x")


@case
def shellcode():
    """A script where a time request should be"""
    yield datagram(ALICE, BOB, 40000, 123, b"cd /tmp; x >/dev/null 2>&1\nchmod 777 x; ./x; " + bytes(20))


@case
def tagged():
    """In a VLAN"""
    yield ether(vlan(7, ip_packet(ALICE, BOB, udp(40000, 123, ntp(CLIENT)))))
