# SPDX-License-Identifier: GPL-3.0-or-later
"""DHCP: servers, clients and their names."""
from golden import case
from hosts import ALICE, BOB, EVERYONE, ROUTER, Host, datagram, ip_packet
from support.link import ether, vlan
from support.transport import udp
from support.udp_protocols import dhcp, dhcp_option

NOBODY = Host(ALICE.mac, "0.0.0.0", "::")
ALL_AGENTS = Host("33:33:00:01:00:02", "255.255.255.255", "ff02::1:2")
MESSAGE_TYPE = dhcp_option(53, b"\3")
END = b"\xff"


def asks(options, client=ALICE):
    return datagram(client, EVERYONE, 68, 67, dhcp(options + END))


@case
def exchange():
    """A server answers; a client without an address is nobody yet"""
    yield asks(MESSAGE_TYPE + dhcp_option(12, b"early"), NOBODY)
    yield datagram(ROUTER, EVERYONE, 67, 68, dhcp(op=2))
    yield asks(MESSAGE_TYPE + dhcp_option(12, b"alice-laptop"))


@case
def names():
    """Padding, other options and a NUL at the end of a name are passed over; each name is a record"""
    yield asks(b"\0\0" + dhcp_option(60, b"MSFT 5.0") + dhcp_option(12, b"one\0")
               + dhcp_option(12, b"two"))
    yield asks(dhcp_option(12, b"a,b\n\xffc"), BOB)
    yield asks(dhcp_option(12, b"") + dhcp_option(12, b"\0"), ROUTER)


@case
def torn_options():
    """Options before a torn one stand; what stands behind the end is none"""
    yield asks(dhcp_option(12, b"whole") + dhcp_option(12, b"torn", length=200))
    yield datagram(BOB, EVERYONE, 68, 67, dhcp(END + dhcp_option(12, b"behind")))


@case
def bootp():
    """BOOTP has clients without options, or with others"""
    yield datagram(ALICE, EVERYONE, 68, 67, dhcp()[:236])
    yield datagram(BOB, EVERYONE, 68, 67, dhcp(dhcp_option(12, b"no"), cookie=1))


@case
def other_ports():
    """Relays and other ports are not taken for clients or servers"""
    yield datagram(ALICE, BOB, 67, 67, dhcp())
    yield datagram(ALICE, BOB, 68, 68, dhcp())
    yield datagram(ALICE, BOB, 68, 67, dhcp(), v6=True)


@case
def tagged():
    """In a VLAN"""
    packet = ip_packet(ALICE, EVERYONE, udp(68, 67, dhcp(dhcp_option(12, b"tagged") + END)))
    yield ether(vlan(7, packet), EVERYONE.mac, ALICE.mac)


@case
def version_6():
    """A DHCPv6 client asks all servers; answers and unicast requests make no record"""
    yield datagram(ALICE, ALL_AGENTS, 546, 547, b"\1abc", v6=True)
    yield datagram(BOB, ROUTER, 546, 547, b"\1abc", v6=True)
    yield datagram(ROUTER, ALICE, 547, 546, b"\2abc", v6=True)
