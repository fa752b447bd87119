# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS over TCP port 53: names in the responses."""
import struct

from golden import case
from hosts import ALICE, RESOLVER, Connection
from support.dns import CHAOS, dns, question, rr
from support.link import tagged

WWW = [question("www.example.com.")]
FOUND = [rr("www.example.com.", "A", "192.0.2.1")]


def framed(*messages, length=None):
    """Messages as a stream has them. length stands for a length that lies, of the last one."""
    lengths = [len(message) for message in messages[:-1]]
    lengths.append(len(messages[-1]) if length is None else length)
    return b"".join(struct.pack(">H", n) + message for n, message in zip(lengths, messages))


def answers(*payloads, port=53, v6=False):
    """A connection with these segments of the server."""
    connection = Connection(ALICE, RESOLVER, port, v6=v6)
    yield from connection.open()
    yield connection.client_says(framed(dns(WWW)))
    for payload in payloads:
        yield connection.server_says(payload)


@case
def answer():
    """The client and the server are known by their connection, the name by the response"""
    yield from answers(framed(dns(WWW, FOUND)))


@case
def over_ipv6():
    """The same over IPv6, with an IPv6 address and an alias"""
    records = [rr("WWW.example.com.", "CNAME", "host.example.com."),
               rr("host.example.com.", "AAAA", "2001:db8::80")]
    yield from answers(framed(dns([question("www.example.com.", "AAAA")], records)), v6=True)


@case
def several_messages():
    """All messages that begin in a segment are read; compression counts from the start of each"""
    yield from answers(framed(
        dns(WWW, FOUND),
        dns([question("two.example.com.")], [rr("two.example.com.", "A", "192.0.2.2")]),
        dns(answers=[rr("2.2.0.192.in-addr.arpa.", "PTR", "two.example.org.")])))


@case
def transfer():
    """A zone transfer: many messages of one record, not all with a question"""
    soa = rr("example.com.", "SOA", ("ns.example.com.", "admin.example.com.", 1, 2, 3, 4, 5))
    hosts = [rr(f"h{n}.example.com.", "A", f"192.0.2.{n}") for n in range(1, 20)]
    messages = [dns([question("example.com.", 252)], [soa]),
                *(dns(answers=[host]) for host in hosts), dns(answers=[soa])]
    yield from answers(framed(*messages[:12]), framed(*messages[12:]))


@case
def lying_lengths():
    """A length that is too small tears its message, one that is too large is a torn segment"""
    for number, length in enumerate((0, 11, 12, -1, +1, 0xFFFF)):
        name = f"lie-{number}.example.com."
        message = dns([question(name)], [rr(name, "A", "192.0.2.1"), rr(name, "A", "192.0.2.2")])
        lie = len(message) + length if abs(length) == 1 else length
        yield from answers(framed(message, length=lie))


@case
def goes_on():
    """Of a message in two segments, what is whole in the first is read, and the second is not"""
    many = [rr(f"h{n}.example.com.", "A", f"192.0.2.{n}") for n in range(1, 9)]
    stream = framed(dns(WWW, many), dns(WWW, FOUND))
    yield from answers(stream[:100], stream[100:])


@case
def length_alone():
    """A length in a segment of its own is not joined with its message"""
    stream = framed(dns(WWW, FOUND))
    yield from answers(stream[:2], stream[2:])


@case
def no_responses():
    """Queries, two questions, other opcodes, the reserved bit and failures tell no names"""
    for payload in (
            framed(dns(WWW, FOUND, is_response=False)),
            framed(dns(WWW * 2, FOUND)),
            framed(dns(WWW, FOUND, flags=0x2800)),
            framed(dns(WWW, FOUND, flags=0x0140)),
            framed(dns(WWW, FOUND, rcode=2)),
            b"HTTP/1.1 200 OK\r\n\r\n", b"\0" * 64, b"\xff" * 64):
        yield from answers(payload)


@case
def other_port():
    """Port 5353 and others are not read"""
    yield from answers(framed(dns(WWW, FOUND)), port=5353)


@case(options=["--nxdomain"])
def nxdomain():
    """With --nxdomain the names that do not exist"""
    yield from answers(framed(dns([question("No.example.com.")], is_response=True, rcode=3)))


@case
def chaos():
    """A server's version; who asked for it is a TCP client"""
    yield from answers(framed(
        dns(answers=[rr("version.bind.", "TXT", ["9.18.16-1,Debian"], dns_class=CHAOS)])))


@case
def in_vlan():
    """In a VLAN, over IPv4 and IPv6"""
    yield from map(tagged, [*answer(), *over_ipv6()])
