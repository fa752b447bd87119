# SPDX-License-Identifier: GPL-3.0-or-later
"""SNMP: community strings, only when asked for."""
from golden import case
from hosts import ALICE, BOB, ROUTER, datagram, ip_packet
from support.link import ether, vlan
from support.transport import udp
from support.udp_protocols import ber, snmp


def messages():
    yield datagram(ALICE, BOB, 40000, 161, snmp(b"public", 0))
    yield datagram(BOB, ALICE, 161, 40000, snmp(b"s,3\ncret", 1, 0xA2))
    yield datagram(ROUTER, ALICE, 40000, 162, snmp(b"traps", 1, 0xA7, bytes(200)), v6=True)
    yield datagram(ALICE, BOB, 162, 40000, snmp(b"no"))


@case
def silent():
    """Without --creds there are no records"""
    yield from messages()


@case(options=("--creds",))
def communities():
    """With --creds the community strings of requests, answers and traps"""
    yield from messages()
    yield ether(vlan(7, ip_packet(ALICE, BOB, udp(40000, 161, snmp(b"tagged")))))


@case(options=("--creds",))
def others():
    """Version 3 has none, and what is no SNMP has none"""
    version_3 = ber(0x30, ber(2, b"\3") + ber(0x30, b"\2\1\1") + ber(4, b"secret"))
    yield datagram(ALICE, BOB, 40000, 161, version_3)
    yield datagram(ALICE, BOB, 40000, 161, snmp(version=2))
    yield datagram(ALICE, BOB, 40000, 161, snmp(pdu=0x30))
    yield datagram(ALICE, BOB, 40000, 161, snmp(pdu=0xA9))
    yield datagram(ALICE, BOB, 40000, 161, b"\x30\x80" + snmp()[2:])
    yield datagram(ALICE, BOB, 40000, 161, b"\x30\x84\0\0\0\x0d" + snmp()[2:])
    yield datagram(ALICE, BOB, 40000, 161, b"GET / HTTP/1.0")
    yield datagram(ALICE, BOB, 40000, 161, b"")
    yield datagram(ROUTER, BOB, 40000, 161, snmp(b""))
