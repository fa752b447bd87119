# SPDX-License-Identifier: GPL-3.0-or-later
"""Products of TCP servers, by the patterns in tests/golden/service-probes."""
from golden import case
from hosts import ALICE, BOB, Connection
from support.capture import at

SAID = (
    (70, b"GOPHERD/2.1 on gopher.example.com\r\n"),  # groups
    (19, b"cg a_b_c EXTRA more\r\n"),  # caseless; $SUBST
    (19, b"CG x\r\n"),  # a group that took no part
    (9000, b"FR\x00\x01\x02\xff"),  # $I and $P of bytes
    (9000, b"NOINFO"),  # nothing to say of these
    (9000, b"FLAGONLY"),
    (9001, b"GOPHERD unknown"),  # a softmatch gives the service alone
    (9001, b"SOFT spoken"),
    (9001, b"ANSWER"),  # a pattern for datagrams
    (8003, b"HTTP/1.1 200 OK\r\nServer: x\r\nX-Made-By: Hand, Inc.\r\n\r\n"),
    (8004, b"HTTP/1.1 200 OK\r\nX-Made-By: Hand\r\n\r\n"),  # of a port that is not listed
    (8000, b"GOPHERD/9 on gopher.example.com\r\n"),  # the port's patterns come first
)


@case
def said():
    """What servers send first, and what the patterns make of it"""
    for number, (port, text) in enumerate(SAID, 1):
        server = BOB._replace(v4=f"10.0.1.{number}")
        connection = Connection(ALICE, server, port, sport=40000 + number)
        yield from connection.open()
        yield connection.server_says(text)


@case
def over_ipv6():
    """The same over IPv6"""
    connection = Connection(ALICE, BOB, 70, v6=True)
    yield from connection.open()
    yield connection.server_says(b"GOPHERD/2.1 on gopher.example.com\r\n")


@case
def changed():
    """A product is not looked for again at once, and one that changed is named ten minutes later"""
    for number, (seconds, version) in enumerate(((0, b"1"), (1, b"2"), (1300, b"3"))):
        connection = Connection(ALICE, BOB, 70, sport=40000 + number)
        frames = [*connection.open(),
                  connection.server_says(b"GOPHERD/" + version + b".0 on a.example\r\n")]
        for frame in frames:
            yield at(seconds, frame)


@case
def softly_first():
    """A pattern that gives the service alone does not end the search for the product"""
    connection = Connection(ALICE, BOB, 9001)
    yield from connection.open()
    for text in (b"GOPHERD unknown", b"GOPHERD still unknown", b"CG 1\r\n", b"CG 2\r\n"):
        yield connection.server_says(text)
