# SPDX-License-Identifier: GPL-3.0-or-later
"""ICMPv6: live and dead hosts, closed UDP ports, routers."""
from golden import case
from hosts import ALICE, BOB, RESOLVER, ROUTER, datagram, ip_packet, packet
from support.dns import dns
from support.ip import hop_by_hop
from support.link import tagged
from support.transport import icmp6, tcp, udp

UNREACHABLE, TOO_BIG, TIME_EXCEEDED, ECHO_REQUEST, ECHO_REPLY = 1, 2, 3, 128, 129

UDP_161 = udp(40000, 161, b"x")
TCP_80 = tcp(40000, 80, "S")


def client(number):
    return ALICE._replace(v6=f"2001:db8:1::{number}")


def quoted(payload, src=ALICE, dst=BOB):
    return ip_packet(src, dst, payload, v6=True)


def error(kind, code, quote, to=ALICE, src=ROUTER):
    return packet(src, to, icmp6(kind, code, b"\0\0\x05\0" + quote), v6=True)


@case
def echo():
    """Who answers a ping is alive; a ping itself tells nothing"""
    yield packet(BOB, ALICE, icmp6(ECHO_REPLY, body=bytes(4)), v6=True)
    yield packet(ALICE, BOB, icmp6(ECHO_REQUEST, body=bytes(4)), v6=True)
    yield packet(RESOLVER, BOB, hop_by_hop(icmp6(ECHO_REPLY, body=bytes(4))), v6=True)


@case
def unreachables():
    """No route, address and port; the other codes tell nothing"""
    for code in range(8):
        dead = BOB._replace(v6=f"2001:db8:9::{code}")
        yield error(UNREACHABLE, code, quoted(UDP_161, client(code), dead), client(code))
    yield error(UNREACHABLE, 4, quoted(TCP_80), src=BOB)
    yield error(UNREACHABLE, 4, quoted(icmp6(ECHO_REQUEST, body=bytes(4))), src=BOB)
    yield error(UNREACHABLE, 0, quoted(TCP_80)[:39])


@case
def routers():
    """Packet too big and time exceeded in transit come from routers"""
    yield error(TOO_BIG, 0, quoted(TCP_80), client(1))
    yield error(TIME_EXCEEDED, 0, quoted(TCP_80), client(2))
    yield error(TIME_EXCEEDED, 1, quoted(TCP_80), client(3))


@case
def late_dns_answer():
    """A port that closed before the answer of a known DNS server came is not reported"""
    late = udp(53, 40000, dns(is_response=True))
    unknown = udp(53, 40001, dns(is_response=True))
    yield datagram(RESOLVER, ALICE, 53, 40000, dns(is_response=True), v6=True)
    yield error(UNREACHABLE, 4, quoted(late, RESOLVER, ALICE), RESOLVER, ALICE)
    yield error(UNREACHABLE, 4, quoted(unknown, BOB, ALICE), BOB, ALICE)


@case
def others():
    """Multicast listener and node information messages tell nothing"""
    for kind in (130, 131, 132, 139, 140, 143, 200):
        yield packet(ALICE, BOB, icmp6(kind, body=bytes(20)), v6=True)


@case
def in_vlan():
    """In a VLAN"""
    yield from map(tagged, [*echo(), *unreachables()])
