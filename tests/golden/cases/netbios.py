# SPDX-License-Identifier: GPL-3.0-or-later
"""NetBIOS over UDP: name service and datagrams."""
from golden import case
from hosts import ALICE, BOB, EVERYONE, RESOLVER, ROUTER, Host, datagram, ip_packet
from support.capture import SLL
from support.layer import layer
from support.link import ether, vlan
from support.transport import udp
from support.udp_protocols import (
    WILDCARD, nbns_answer, nbns_query, netbios_datagram, netbios_name)

SUBNET = Host(EVERYONE.mac, "10.0.0.255", "ff02::1")
CLIENT = netbios_name("SERVER")


@case
def queries():
    """Broadcast, unicast and wildcard queries"""
    yield datagram(ALICE, SUBNET, 137, 137, nbns_query(CLIENT))
    yield datagram(ALICE, BOB, 137, 137, nbns_query(CLIENT, 0x0100))
    yield datagram(BOB, ALICE, 137, 137, nbns_query(WILDCARD, 0x0000, 0x0021))
    yield datagram(BOB, SUBNET, 137, 137, nbns_query(WILDCARD))
    yield datagram(ROUTER, BOB, 40000, 137, nbns_query(CLIENT), v6=True)


@case
def other_queries():
    """Not registrations, two questions, or questions from the port; a torn one was asked"""
    yield datagram(ALICE, SUBNET, 137, 137, nbns_query(CLIENT, 0x2910))
    yield datagram(ALICE, SUBNET, 137, 137, nbns_query(CLIENT, questions=2))
    yield datagram(ALICE, BOB, 137, 40000, nbns_query(CLIENT))
    yield datagram(ALICE, BOB, 137, 137, nbns_query(CLIENT)[:-1])


@case
def answers():
    """A positive answer names a host; the first address counts"""
    yield datagram(BOB, ALICE, 137, 137, nbns_answer(netbios_name("BOB"), "10.0.0.2", "192.0.2.2"))
    yield datagram(BOB, ALICE, 137, 137, nbns_answer(netbios_name("FILES", fill=b"\0"), "10.0.0.3"))
    yield datagram(ROUTER, ALICE, 137, 137, nbns_answer(netbios_name("A,B\nC"), "10.0.0.4", flags=0x8580))


@case
def other_answers():
    """Negative answers, node status, answers from other ports and torn ones"""
    yield datagram(BOB, ALICE, 137, 137, nbns_answer(CLIENT, "10.0.0.2", flags=0x8503))
    yield datagram(BOB, ALICE, 137, 137, nbns_answer(WILDCARD, "10.0.0.2", flags=0x8400, kind=0x21))
    yield datagram(BOB, ALICE, 40000, 137, nbns_answer(CLIENT, "10.0.0.2"))
    yield datagram(BOB, ALICE, 137, 137, nbns_answer(CLIENT))


@case
def bad_letters():
    """A name that is none makes no name record; the rest of the message stands"""
    yield datagram(ALICE, SUBNET, 137, 137, nbns_query(CLIENT.replace(b"F", b"%")))
    yield datagram(ALICE, SUBNET, 137, 137, nbns_query(b"\5HELLO\0"))
    broken = netbios_datagram("ALICE").replace(b"\x20E", b"\x20Q", 1)
    yield datagram(ALICE, SUBNET, 138, 138, broken)


@case
def datagrams():
    """A datagram names its sender; from port 138 it is a server"""
    yield datagram(ALICE, SUBNET, 138, 138, netbios_datagram("ALICE"))
    yield datagram(BOB, SUBNET, 40000, 138, netbios_datagram("BOB"))
    yield datagram(ROUTER, BOB, 40000, 138, netbios_datagram("ROUTER", 0x10))
    yield datagram(BOB, ALICE, 138, 40000, netbios_datagram("BOB"))


@case
def other_datagrams():
    """Errors, queries and torn ones carry no name; other types and short ones are none"""
    yield datagram(ALICE, BOB, 138, 138, netbios_datagram("ALICE", 0x13)[:11])
    yield datagram(BOB, ALICE, 138, 138, netbios_datagram("BOB", 0x17))
    yield datagram(ROUTER, ALICE, 138, 138, netbios_datagram("ROUTER", 0x10)[:40])
    yield datagram(RESOLVER, ALICE, 138, 138, netbios_datagram("SHORT", 0x10)[:13])


@case
def scoped():
    """A name may have a scope"""
    scope = netbios_name("SCOPED")[:-1] + b"\7netbios\3com\0"
    yield datagram(BOB, ALICE, 137, 137, nbns_answer(scope, "10.0.0.2"))


@case
def tagged():
    """In a VLAN"""
    yield ether(vlan(7, ip_packet(ALICE, SUBNET, udp(137, 137, nbns_query(CLIENT)))),
                EVERYONE.mac, ALICE.mac)


@case(link=SLL)
def cooked():
    """A cooked link knows a broadcast, too"""
    query = ip_packet(ALICE, SUBNET, udp(137, 137, nbns_query(CLIENT)))
    yield bytes.fromhex("0001000100060200000000010000") + b"\x08\x00" + layer(query)
