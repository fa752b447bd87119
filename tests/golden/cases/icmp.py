# SPDX-License-Identifier: GPL-3.0-or-later
"""ICMP: live and dead hosts, closed UDP ports, routers, scanners."""
from golden import case, decode_trouble
from hosts import ALICE, BOB, RESOLVER, ROUTER, datagram, ip_packet, packet
from support.dns import dns
from support.layer import layer
from support.link import tagged
from support.transport import echo_request, icmp, tcp, udp

UNREACHABLE, REDIRECT, TIME_EXCEEDED = 3, 5, 11


def client(number):
    return ALICE._replace(v4=f"10.0.1.{number}")


def quoted(payload, src=ALICE, dst=BOB):
    """The packet that an error is about, as far as routers quote it."""
    return ip_packet(src, dst, payload)[:28]


def error(code, quote, to=ALICE, kind=UNREACHABLE, src=ROUTER):
    return packet(src, to, icmp(kind, code, payload=quote))


UDP_161 = udp(40000, 161, b"x")
TCP_80 = tcp(40000, 80, "S")


@case
def echo():
    """Who answers a ping is alive, who sends one scans"""
    yield packet(BOB, ALICE, echo_request(is_reply=True))
    yield packet(ALICE, BOB, echo_request(b"abcdefgh"))
    yield packet(client(1), BOB, echo_request(b"liboping -- ICMP ping library <http://octo.it/>"))


@case
def dead_hosts():
    """Net and host unreachable and unknown; the router that says so"""
    for number, code in enumerate((0, 1, 6, 7), 1):
        dead = BOB._replace(v4=f"10.0.9.{number}")
        yield error(code, quoted(TCP_80, client(number), dead), client(number))


@case
def closed_udp_ports():
    """Port unreachable and the administrative codes for UDP; not for TCP and ICMP"""
    for code in (3, 9, 10, 11, 12, 13):
        yield error(code, quoted(udp(40000, 1000 + code, b"x")), src=BOB)
    for code in (3, 9, 10, 13):
        yield error(code, quoted(TCP_80), src=BOB)
        yield error(code, quoted(echo_request()), src=BOB)


@case
def other_unreachables():
    """Protocol unreachable tells a router; the other codes nothing"""
    yield error(2, quoted(UDP_161))
    for code in (4, 5, 8, 14, 15, 16):
        yield error(code, quoted(UDP_161), client(code))


@case
def torn_quotes():
    """A quote without IP header tells nothing, one without ports no port"""
    whole = quoted(UDP_161)
    yield error(0, whole[:19])
    yield error(3, whole[:27])
    yield error(3, whole[:20])
    yield error(1, whole[:20])


@case
def late_dns_answer():
    """A port that closed before the answer of a known DNS server came is not reported"""
    answer = udp(53, 40000, dns(is_response=True))
    yield error(3, quoted(answer, RESOLVER, ALICE), RESOLVER, src=ALICE)
    yield datagram(RESOLVER, ALICE, 53, 40000, dns(is_response=True))
    late = udp(53, 40001, dns(is_response=True))
    yield error(3, quoted(late, RESOLVER, ALICE), RESOLVER, src=ALICE)


@case
def routers():
    """Redirects, advertisements and time exceeded come from routers"""
    better = bytes((10, 0, 0, 253))
    for code in range(5):
        redirect = icmp(REDIRECT, code, better, quoted(TCP_80))
        yield packet(ROUTER, client(code + 1), redirect)
    yield packet(ROUTER, ALICE, icmp(9))
    yield error(0, quoted(TCP_80), client(11), TIME_EXCEEDED)
    yield error(1, quoted(TCP_80), client(12), TIME_EXCEEDED)
    yield packet(ROUTER, ALICE, icmp(REDIRECT, 1, better))  # quotes nothing
    of_ipv6 = ip_packet(client(13), BOB, TCP_80, v6=True)
    yield packet(ROUTER, client(13), icmp(REDIRECT, 1, better, of_ipv6))


@case
def router_once():
    """A router is one line for each description, whatever it said"""
    yield error(0, quoted(TCP_80), kind=TIME_EXCEEDED)
    yield error(2, quoted(TCP_80))
    yield error(0, quoted(TCP_80))


@case
def odd_types():
    """Deprecated and reserved types are a scan; the rest tells nothing"""
    for kind in (6, 15, 16, 17, 18, 30, 39, 44, 252):
        yield packet(ALICE, BOB, icmp(kind))
    for kind in (1, 2, 4, 7, 10, 12, 13, 14, 19, 29, 40, 43, 253, 255):
        yield packet(ALICE, BOB, icmp(kind))


@case(stderr=[decode_trouble(cut=1)])
def too_short():
    """ICMP without its four bytes is none"""
    yield packet(ALICE, BOB, layer(b"\x08\0\0", ip_proto=1))


@case
def in_vlan():
    """In a VLAN"""
    yield from map(tagged, [*dead_hosts(), *echo()])
