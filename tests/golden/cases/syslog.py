# SPDX-License-Identifier: GPL-3.0-or-later
"""Syslog over UDP."""
from golden import case
from hosts import ALICE, BOB, EVERYONE, ROUTER, datagram, ip_packet
from support.link import ether, vlan
from support.transport import udp

TIME = b"Mar  4 10:00:00 "


@case
def messages():
    """Sender, receiver, the sender's name and the program"""
    yield datagram(ALICE, BOB, 40000, 514, b"<13>" + TIME + b"alice sshd[123]: hello")
    yield datagram(ALICE, BOB, 40000, 514, b"<0>Dec 31 23:59:59 alice kernel: hello", v6=True)
    yield datagram(ROUTER, BOB, 514, 514, b"<191>" + TIME + b"10.0.0.254 dhcpd hello")
    yield ether(vlan(7, ip_packet(ALICE, ROUTER, udp(40000, 514, b"<13>" + TIME + b"tagged su: x"))))


@case
def without_header():
    """A message without time and host still has a sender and a receiver"""
    for text in (b"", b"1 2024-03-04T10:00:00Z host app - - - x", TIME, TIME + b"host",
                 TIME + b"host program", TIME + b" program: x", TIME + b"host : x",
                 TIME.replace(b"M", b"m") + b"host program: x",
                 TIME.replace(b" 4", b"xx") + b"host program: x"):
        yield datagram(ALICE, BOB, 40000, 514, b"<13>" + text)


@case
def no_priority():
    """What does not begin with a number in angle brackets is no syslog"""
    for text in (b"<", b"<>" + TIME, b"<1", b"<1234>" + TIME, b"<x>" + TIME, b"13>" + TIME, b""):
        yield datagram(ALICE, BOB, 40000, 514, text)
    yield datagram(ALICE, BOB, 514, 40000, b"<13>" + TIME + b"host program: x")


@case
def to_everyone():
    """A broadcast has no receiver that could be named"""
    yield datagram(ALICE, EVERYONE, 40000, 514, b"<13>" + TIME + b"alice su: x")


@case
def odd_names():
    """Names are cleaned"""
    yield datagram(ALICE, BOB, 40000, 514, b"<13>" + TIME + b"a,b\n\xff p,\x01q: x")
