# SPDX-License-Identifier: GPL-3.0-or-later
"""LLMNR: no records, and none of another kind."""
from golden import case
from hosts import ALICE, BOB, Host, datagram
from support.dns import dns, question, rr
from support.link import tagged

GROUP = Host("01:00:5e:00:00:fc", "224.0.0.252", "ff02::1:3")


@case
def messages():
    """Queries, answers and nonsense"""
    asked = [question("alice")]
    yield datagram(BOB, GROUP, 40000, 5355, dns(asked))
    yield datagram(BOB, GROUP, 40000, 5355, dns(asked), v6=True)
    yield datagram(BOB, GROUP, 40000, 5355, b"nonsense", ttl=1)
    yield datagram(BOB, ALICE, 40000, 5355, b"")
    yield datagram(ALICE, BOB, 5355, 40000, dns(asked, [rr("alice", "A", "10.0.0.1")]))


@case
def in_vlan():
    """In a VLAN, over IPv4 and IPv6"""
    yield from map(tagged, [*messages()])
