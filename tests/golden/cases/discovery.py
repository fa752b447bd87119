# SPDX-License-Identifier: GPL-3.0-or-later
"""Announcements of Brother printers, Stora disks and a trojan."""
from golden import case
from hosts import ALICE, BOB, EVERYONE, Host, datagram, ip_packet
from support.link import ether, vlan
from support.transport import udp

SUBNET = Host(EVERYONE.mac, "10.0.0.255", "ff02::1")


def brother(v4="10.0.0.9", first="fe80::9", second="2001:db8::9", port=54925, name="BRN001122"):
    return (f"HEAD;IP={v4}:{port};IPv6=[{first}]:{port},[{second}]:{port};"
            f'NODENAME="{name}";TAIL').encode()


@case
def brother_printer():
    """The sender and all addresses that it names, where they are addresses"""
    yield datagram(ALICE, SUBNET, 40000, 54925, brother())
    yield datagram(ALICE, SUBNET, 40000, 54926, brother("10.0.0.256", second="::1::2", port=54926))
    yield datagram(BOB, SUBNET, 40000, 54925, brother(), v6=True)


@case
def brother_without_addresses():
    """Another form of announcement names the sender only; one to a single host is none"""
    for text in (b'NODENAME="X"', brother(port=54927), brother(name="A B"), brother(first="x"),
                 b"IP=" * 30 + b"NODENAME="):
        yield datagram(ALICE, SUBNET, 40000, 54925, text)
    yield datagram(BOB, ALICE, 40000, 54925, brother())
    yield datagram(BOB, SUBNET, 40000, 54925, b"NODENAM=")
    yield datagram(BOB, SUBNET, 40000, 54927, brother())


@case
def stora():
    """A network disk that greets all"""
    text = b"Hello there. I am at 10.0.0.1 Hostname:<%s> Model:<x>"
    yield datagram(ALICE, SUBNET, 40000, 1234, text % b"stora-1.local")
    yield datagram(BOB, SUBNET, 40000, 1234, text % b"no name")
    yield datagram(BOB, ALICE, 40000, 1234, text % b"unicast")
    yield ether(vlan(7, ip_packet(BOB, SUBNET, udp(40000, 1234, text % b"tagged"))),
                SUBNET.mac, BOB.mac)


@case
def sharemouse():
    """The trojan, and the name that it tells"""
    yield datagram(ALICE, SUBNET, 1046, 1046, b"rc_iamhere:6555:0:0:PC, 1\n")
    yield datagram(BOB, SUBNET, 1046, 1046, b"rc_iamhere:6555:0:0:")
    yield datagram(BOB, SUBNET, 40000, 1046, b"rc_iamhere:6555:0:0:x")
    yield datagram(BOB, ALICE, 1046, 1046, b"rc_iamhere:6555:0:0:x")
    yield datagram(BOB, SUBNET, 1046, 1046, b"rc_iamhere:6555:0:1:x")
