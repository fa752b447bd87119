# SPDX-License-Identifier: GPL-3.0-or-later
"""Products of UDP servers, by the patterns in tests/golden/service-probes."""
from golden import case
from hosts import ALICE, ALL_MDNS, BOB, EVERYONE, ROUTER, Connection, datagram
from support.capture import at
from support.ip import MORE_FRAGMENTS, ipv4
from support.link import ether, tagged
from support.transport import udp

QUESTION = b"\0\1status"
ANSWER = b"\0\2state=ready version=1.2\0"
PORT = 7071


def talk(port, *answers, client=ALICE, server=BOB, sport=40000, **fields):
    """A question, and what comes back."""
    yield datagram(client, server, sport, port, QUESTION, **fields)
    for answer in answers:
        yield datagram(server, client, port, sport, answer, **fields)


def servers():
    """Addresses, each of a host of its own."""
    for number in range(1, 250):
        yield BOB._replace(v4=f"10.0.1.{number}")


@case
def answered():
    """A server that answers its client; beside other records, and with a service alone"""
    yield from talk(PORT, ANSWER)
    yield from talk(5060, b"\0\2unknown")


@case
def over_ipv6():
    """The same over IPv6"""
    yield from talk(PORT, ANSWER, v6=True)


@case
def not_asked():
    """Nobody asked: only a port below 1024 is a server's without a question"""
    for server, port in zip(servers(), (PORT, 161, 32768)):
        yield datagram(server, ALICE, port, 40000, ANSWER)


@case
def ends_of_one_port():
    """Between two equal ports who asks first is the client"""
    yield from talk(PORT, ANSWER, sport=PORT)
    yield datagram(ALICE, BOB, PORT, PORT, ANSWER)
    yield datagram(ALICE, BOB, 161, 161, ANSWER)  # asks, whatever it says


@case
def clients_on_listed_ports():
    """A client's port is no server's, though a probe lists it"""
    yield datagram(ALICE, ROUTER, 32768, 3478, QUESTION)
    yield datagram(ROUTER, ALICE, 3478, 32768, QUESTION)
    yield datagram(ALICE, ROUTER, 32768, 3478, ANSWER)


@case
def unlisted_ports():
    """Patterns are for the ports that their probe lists, and of UDP none is for every port"""
    yield from talk(7070, ANSWER)
    yield from talk(7074, ANSWER)
    yield from talk(7075, b"ANYWHERE")


@case
def said_to_many():
    """What is sent to everyone answers nobody"""
    for everyone in (EVERYONE, ALL_MDNS):
        yield datagram(ALICE, BOB, 40000, PORT, QUESTION)
        yield datagram(BOB, everyone, PORT, 40000, ANSWER)


@case
def parts():
    """A fragment or a cut datagram may look like what it is not"""
    whole = datagram(BOB, ALICE, PORT, 40000, ANSWER + bytes(40))
    yield datagram(ALICE, BOB, 40000, PORT, QUESTION)
    yield at(1, whole, cut=len(whole) - 40)
    yield ether(ipv4(BOB.v4, ALICE.v4, udp(PORT, 40000, ANSWER), flags=MORE_FRAGMENTS))


@case
def asked_sixteen_times():
    """A server is asked sixteen times in ten minutes, and no more once it is known"""
    for count, server in zip((15, 16), servers()):
        for sport in range(count):  # flows of their own: the budget of one is smaller
            yield from talk(PORT, b"other", server=server, sport=40000 + sport)
        yield from talk(PORT, ANSWER, server=server, sport=50000)
    known = BOB._replace(v4="10.0.2.1")
    yield from talk(PORT, ANSWER, ANSWER.replace(b"1.2", b"1.3"), server=known)
    for server in (known, *list(servers())[:2]):
        yield at(700, datagram(server, ALICE, PORT, 40000, ANSWER.replace(b"1.2", b"1.4")))


@case
def tcp_of_the_same_port():
    """TCP and UDP services of one port number are two services"""
    connection = Connection(ALICE, BOB, PORT)
    yield from connection.open()
    yield datagram(BOB, ALICE, PORT, 40000, ANSWER)
    yield from talk(PORT, ANSWER)


@case
def in_vlan():
    """In a VLAN, over IPv4 and IPv6"""
    yield from map(tagged, [*answered(), *over_ipv6()])
