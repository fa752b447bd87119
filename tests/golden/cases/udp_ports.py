# SPDX-License-Identifier: GPL-3.0-or-later
"""UDP rows that speak of every packet, and those that end it before any analyzer."""
from golden import case
from hosts import ALICE, BOB, EVERYONE, datagram, ip_packet
from support.dns import dns, question
from support.link import ether, vlan
from support.transport import udp

QUALYS = ALICE._replace(v4="64.39.99.152")
QUALYS_NET = ALICE._replace(v4="64.39.96.7")
LOOPBACK = ALICE._replace(v4="127.0.0.2", v6="::1")


@case
def named_ports():
    """A port with a name is a client's or a server's, the client's first; a VLAN does not matter"""
    for v6 in (False, True):
        yield datagram(ALICE, BOB, 40000, 443, b"x", v6=v6)
        yield datagram(BOB, ALICE, 443, 40000, b"x", v6=v6)
        yield datagram(ALICE, BOB, 500, 1194, b"", v6=v6)  # no server on 500
    inner = ip_packet(BOB, ALICE, udp(1701, 40000, b"x"))
    yield ether(vlan(7, inner), ALICE.mac, BOB.mac)


@case
def policy():
    """Ports that a policy forbids: a warning beside what else is said"""
    yield datagram(ALICE, BOB, 40000, 9, b"x")
    yield datagram(BOB, ALICE, 9, 40000, b"x")
    yield datagram(ALICE, BOB, 7, 19, b"x")


@case
def port_zero():
    """Port 0 belongs to nobody"""
    yield datagram(ALICE, BOB, 40000, 0, b"x")
    yield datagram(ALICE, BOB, 0, 40000, b"x")
    yield datagram(ALICE, BOB, 40000, 0, b"\0\1\0cacti-monitoring-system\0")


@case
def land_attack():
    """The same address and port on both ends, but not on the loopback"""
    for v6 in (False, True):
        yield datagram(ALICE, ALICE, 9000, 9000, b"x", v6=v6)
        yield datagram(BOB, BOB, 9000, 9001, b"x", v6=v6)
        yield datagram(LOOPBACK, LOOPBACK, 9000, 9000, b"x", v6=v6)


@case
def qualys():
    """A scanner's address ends the packet, whatever is in it"""
    yield datagram(QUALYS, BOB, 40000, 123, b"\0")
    yield datagram(QUALYS, BOB, 40000, 9000, b"\0")
    yield datagram(QUALYS, BOB, 40000, 53, dns([question("www.example.com.")]))
    yield datagram(QUALYS_NET, BOB, 40000, 7, b"\0")
    yield datagram(QUALYS_NET, BOB, 40000, 7, b"\0\0")


OWN_ROWS = b"""\
# Rows of a user's.
id	stage	sport	dport	link	payload	record	description	warnings	example
own-dns	early		53		prefix h"00"	UC	own/{cast}client	scan	h"00"
own-any				cast broadcast	any	US	own/{sport}		a"x"
own-bad			99999		any	UC	own		a"x"
"""


@case(options=["--signatures", ".passer/own.tsv"], home={"own.tsv": OWN_ROWS},
      stderr=(r'passer: warning: \.passer/own\.tsv:5: dport: "99999" is neither a port nor a range '
              r"of ports",))
def own_signatures():
    """A user's rows come first: early ones before all analyzers, late ones behind them"""
    yield datagram(ALICE, BOB, 40000, 53, b"\0\1")
    yield datagram(ALICE, BOB, 40000, 53, dns([question("www.example.com.")], ident=0x1234))
    yield datagram(ALICE, EVERYONE, 53, 80, b"x")
    yield datagram(ALICE, EVERYONE, 40000, 68, b"x")


@case(options=["--signatures", "missing.tsv"], status=1,
      stderr=(r"passer: error: missing\.tsv: No such file or directory",))
def missing_signatures():
    """A file of rows that is not there ends the run"""
    yield datagram(ALICE, BOB, 40000, 443, b"x")


@case(options=["--check-signatures", ".passer/own.tsv"], home={"own.tsv": OWN_ROWS}, status=1)
def check_signatures():
    """Bad rows are told by file and line, and nothing else happens"""
    yield datagram(ALICE, BOB, 40000, 443, b"x")


HIDDEN_ROW = b"""\
id	dport	payload	record	description	example
all	1-9	any	UC	all	a"x"
some	7	prefix a"x"	UC	some	a"xy"
"""


@case(options=["--check-signatures", ".passer/own.tsv"], home={"own.tsv": HIDDEN_ROW}, status=1)
def check_hidden_row():
    """A row that an earlier one hides is bad, too"""
    yield datagram(ALICE, BOB, 40000, 443, b"x")


@case(options=["--check-signatures", ".passer/own.tsv"],
      home={"own.tsv": HIDDEN_ROW.replace(b"1-9", b"1-6")})
def check_good_signatures():
    """Good rows are counted"""
    yield datagram(ALICE, BOB, 40000, 443, b"x")
