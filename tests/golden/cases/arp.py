# SPDX-License-Identifier: GPL-3.0-or-later
"""ARP: MA records."""
from golden import case
from support.link import BROADCAST, arp, ether, vlan

CISCO = "00:00:0c:01:02:03"
APPLE = "00:0a:27:01:02:03"
NOBODY = "02:00:00:00:00:01"


def reply(mac, ip):
    return ether(arp(2, mac, ip, "02:00:00:00:00:02", "10.0.0.2"), src=mac)


@case
def replies():
    """A reply names the MAC address and its manufacturer"""
    yield reply(CISCO, "10.0.0.1")
    yield reply(NOBODY, "10.0.0.3")
    yield reply(CISCO, "10.0.0.1")  # known


@case(options=["--mac-notes"])
def locally_administered():
    """With --mac-notes an address that no registry gave is said to be locally administered"""
    yield reply(CISCO, "10.0.0.1")
    yield reply(NOBODY, "10.0.0.3")
    yield reply("52:54:00:12:34:56", "10.0.0.4")  # has a maker all the same


@case
def requests_and_others():
    """Requests, gratuitous ones too, and other operations tell nothing"""
    yield ether(arp(1, CISCO, "10.0.0.1", target_ip="10.0.0.2"), BROADCAST, CISCO)
    yield ether(arp(1, CISCO, "10.0.0.1", target_ip="10.0.0.1"), BROADCAST, CISCO)
    yield ether(arp(4, CISCO, "10.0.0.1"), src=CISCO)
    yield ether(arp(9, CISCO, "10.0.0.1"), src=CISCO)


@case
def sender_field():
    """The sender field counts, not the Ethernet source; 0.0.0.0 is a sender like any other"""
    yield ether(arp(2, APPLE, "10.0.0.1"), src=CISCO)
    yield ether(arp(2, APPLE, "0.0.0.0"), src=CISCO)


@case
def changed_mac():
    """A MAC address that changes and changes back is three lines"""
    yield reply(CISCO, "10.0.0.1")
    yield reply(APPLE, "10.0.0.1")
    yield reply(CISCO, "10.0.0.1")


@case
def in_vlan():
    """A tagged reply is a reply"""
    yield ether(vlan(100, arp(2, CISCO, "10.0.0.1")), src=CISCO)
    yield ether(vlan(5, vlan(100, arp(2, APPLE, "10.0.0.3")), tpid=0x88A8), src=APPLE)


@case
def other_addresses():
    """Only MAC and IPv4 addresses are read"""
    whole = arp(2, CISCO, "10.0.0.1")
    for at, value in ((1, 7), (3, 6), (4, 8), (5, 16)):
        yield ether(whole[:at] + bytes((value,)) + whole[at + 1 :], ethertype=0x0806)


@case
def ieee_802_hardware():
    """The hardware type of IEEE 802 networks means the same addresses"""
    whole = arp(2, CISCO, "10.0.0.1")
    yield ether(b"\0\6" + whole[2:], ethertype=0x0806)
