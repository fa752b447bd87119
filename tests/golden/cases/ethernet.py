# SPDX-License-Identifier: GPL-3.0-or-later
"""Ethernet: a source address that no host has."""
from golden import case
from hosts import ALICE, BOB, EVERYONE, ip_packet
from support.link import BROADCAST, arp, ether, vlan
from support.transport import tcp

SYN = tcp(40000, 8080, "S")


@case
def broadcast_source():
    """An IP packet from the broadcast address, told before what is in it"""
    for v6 in (False, True):
        yield ether(ip_packet(ALICE, BOB, SYN, v6), src=BROADCAST)
        yield ether(vlan(9, ip_packet(BOB, ALICE, SYN, v6)), src=BROADCAST)


@case
def broadcast_source_without_ip():
    """Nothing without IP; a broadcast destination is no trouble"""
    yield ether(arp(1, BROADCAST, "10.0.0.1"), src=BROADCAST)
    yield ether(ip_packet(ALICE, EVERYONE, SYN), dst=BROADCAST)
