# SPDX-License-Identifier: GPL-3.0-or-later
"""A small network with a bit of everything that docs/recipes.md asks for."""
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path += [str(TESTS), str(TESTS / "golden")]

from hosts import ALICE, EVERYONE, RESOLVER, ROUTER, Connection, datagram, packet, refused  # noqa: E402
from support.dns import dns, question, rr  # noqa: E402
from support.transport import icmp, udp  # noqa: E402
from support.udp_protocols import dhcp, dhcp_option, ntp  # noqa: E402

MAIL = ALICE._replace(v4="192.0.2.25")
OLD_MAIL = ALICE._replace(v4="192.0.2.250")  # differs from MAIL at the end only
ELSEWHERE = ALICE._replace(v4="192.0.20.5")  # not in 192.0.2.0/24
ALL_HSRP = EVERYONE._replace(v4="224.0.0.2")

UNHANDLED = ntp(4, 1)  # what a server sends, but not from its port
HSRP_HELLO = bytes.fromhex("0000100310640100") + b"cisco\0\0\0" + bytes((10, 0, 0, 254))


def answer(*records):
    questions = [question(records[0][0], records[0][1])]
    return datagram(RESOLVER, ALICE, 53, 4000, dns(questions, records))


def frames():
    """Names, a router, servers on ports that begin alike, closed ports."""
    yield datagram(ALICE, RESOLVER, 4000, 53, dns([question("www.example.com.")]))
    yield answer(rr("www.example.com.", "CNAME", "mail.example.com."),
                 rr("mail.example.com.", "A", MAIL.v4))
    yield answer(rr("mail.example.com.", "AAAA", "2001:db8::25"))
    yield answer(rr("25.2.0.192.in-addr.arpa.", "PTR", "MX1.Example.com."))
    yield answer(rr("notexample.com.", "A", ELSEWHERE.v4))
    yield datagram(ROUTER, ALL_HSRP, 1985, 1985, HSRP_HELLO, ttl=1)
    for server, port in ((MAIL, 25), (MAIL, 250), (OLD_MAIL, 80), (ELSEWHERE, 25)):
        yield from Connection(ALICE, server, port).open()
    yield from refused(ALICE, OLD_MAIL, 25)
    yield from refused(ALICE, OLD_MAIL, 25, 40001)
    asked = packet(ALICE, MAIL, udp(4001, 161, b"x"))
    yield asked
    yield packet(MAIL, ALICE, icmp(3, 3, payload=asked[14:42]))
    yield datagram(ALICE, MAIL, 4000, 123, UNHANDLED)
    for number, name in ((7, b"RO"), (8, b"closed")):  # names that look like other columns
        client = ALICE._replace(v4=f"10.0.0.{number}")
        yield datagram(client, ROUTER, 68, 67, dhcp(dhcp_option(12, name)))
