# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts of a bench say: mixes of conversations, each the frames of one cycle.

A conversation is a function that gives the frames of a client and a server; a mix is a row of
MIXES. Clients are 10.0.0.n and servers 11.255.255.n, so that renumber() can make new hosts of them.
"""
import pathlib
import random
import sys
from typing import NamedTuple

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path += [str(TESTS), str(TESTS / "golden")]

from hosts import Connection, Host, datagram, packet, refused  # noqa: E402
from support.dns import dns, question, rr  # noqa: E402
from support.link import BROADCAST, arp, ether  # noqa: E402
from support.transport import echo_request, icmp, udp  # noqa: E402
from support.udp_protocols import ntp  # noqa: E402

FRAME_MIN = 60
SEGMENT_HEADERS = 54  # Ethernet, IPv4, TCP without options
HOSTS_MAX = 254  # clients of a cycle; more would not fit into renumber()'s words
AT_A_TIME = 64  # conversations
SEED = 7

GET = b"GET /index.html HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: curl/7.88.1\r\n\r\n"
PAGE = b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nContent-Type: text/html\r\n\r\n"
SSH = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u2\r\n"
SMTP = b"220 mx.example.com ESMTP Postfix (Debian/GNU)\r\n"
SIP = b"OPTIONS sip:office.example.com SIP/2.0\r\nUser-Agent: bench\r\n\r\n"


class Pair(NamedTuple):
    """Who talks: number n of the clients, and a server."""

    client: Host
    server: Host
    number: int

    @property
    def port(self):
        """The client's port."""
        return 20000 + self.number * 97 % 40000


def pair(number):
    """The hosts of conversation n; there are fewer servers than clients."""
    n, m = number % HOSTS_MAX + 1, number % 50 + 1
    return Pair(Host(f"02:00:0a:00:00:{n:02x}", f"10.0.0.{n}", f"2001:db8::10.0.0.{n}"),
                Host(f"02:00:0b:ff:ff:{m:02x}", f"11.255.255.{m}", f"2001:db8::11.255.255.{m}"),
                number)


# Conversations


def greeting(who, port, said, answer, bulk=0, size=1400, v6=False):
    """A TCP connection in which both sides say something, then the server sends bulk data."""
    link = Connection(who.client, who.server, port, who.port, v6)
    payload = b"x" * (size - SEGMENT_HEADERS)
    yield from link.open()
    yield link.client_says(said)
    yield link.server_says(answer)
    for number in range(bulk):
        yield link.segment("server", "PA" if number % 16 == 15 else "A", payload)
        if size > FRAME_MIN and number % 2:
            yield link.segment("client", "A")
    yield link.segment("server", "FA")
    yield link.segment("client", "FA")


def download(who, segments, size):
    """Nearly nothing but bulk data, one way, and its frames are all of one size."""
    link = Connection(who.client, who.server, (80, 22, 443, 25, 8080)[who.number % 5], who.port)
    payload = (PAGE + b"x" * size)[: size - SEGMENT_HEADERS]
    yield link.syn()
    yield link.synack()
    yield link.client_says(GET[: max(6, min(40, size - SEGMENT_HEADERS))])
    for _ in range(segments):
        yield link.segment("server", "A", payload)
    yield link.segment("client", "FA")


def names(who, v6=False):
    """A question and its answer with an alias and two addresses."""
    name, server = f"host{who.number}.example.com.", f"server{who.number % 50}.example.com."
    asked = [question(name)]
    yield datagram(who.client, who.server, who.port, 53, dns(asked), v6)
    answers = (rr(name, "CNAME", server), rr(server, "A", who.server.v4),
               rr(server, "A", "192.0.2.7"))
    yield datagram(who.server, who.client, 53, who.port, dns(asked, answers), v6)


def neighbours(who):
    """ARP: a question to all and its answer."""
    client, server = who.client, who.server
    yield ether(arp(1, client.mac, client.v4, target_ip=server.v4), BROADCAST, client.mac)
    yield ether(arp(2, server.mac, server.v4, client.mac, client.v4), client.mac, server.mac)


def pings(who):
    """Echo request and reply, and a datagram that is refused."""
    yield packet(who.client, who.server, echo_request(b"a" * 40))
    yield packet(who.server, who.client, echo_request(b"a" * 40, is_reply=True))
    asked = packet(who.client, who.server, udp(who.port, 161, b"x"))
    yield asked
    yield packet(who.server, who.client, icmp(3, 3, payload=asked[14:42]))


def clocks(who):
    """NTP, both ways."""
    yield datagram(who.client, who.server, 123, 123, ntp(3, 0))
    yield datagram(who.server, who.client, 123, 123, ntp(4, 2))


def calls(who):
    """SIP over UDP."""
    yield datagram(who.client, who.server, 5060, 5060, SIP)


def closed(who):
    """A port that nobody listens on."""
    yield from refused(who.client, who.server, 8443, who.port)


def single(who):
    """Four frames of two hosts that are facts each, and no text whose patterns would be asked."""
    link = Connection(who.client, who.server, 80, who.port)
    yield link.syn()
    yield link.synack()
    yield from clocks(who)


def of_size(size):
    """The mixes that show what a filter is good for: 92 % of the frames carry bulk data."""
    return ((1, download, {"segments": 92, "size": size}), (1, names, {}), (1, calls, {}),
            (1, neighbours, {}))


# A mix: how many of each conversation are in it.
MIXES = {
    "office": (
        (20, greeting, {"port": 80, "said": GET, "answer": PAGE, "bulk": 12}),
        (5, greeting, {"port": 8080, "said": GET, "answer": PAGE, "bulk": 4, "v6": True}),
        (10, greeting, {"port": 22, "said": SSH, "answer": SSH, "bulk": 10, "size": 150}),
        (5, greeting, {"port": 25, "said": b"EHLO x\r\n", "answer": SMTP, "bulk": 3, "size": 90}),
        (30, names, {}), (10, names, {"v6": True}), (15, neighbours, {}), (8, pings, {}),
        (5, clocks, {}), (3, calls, {}), (6, closed, {}),
    ),
    "1400": of_size(1400),
    "60": of_size(FRAME_MIN),
    "hosts": ((1, single, {}),),
}


def padded(frame):
    """As Ethernet has it on the wire."""
    return bytes(frame).ljust(FRAME_MIN, b"\0")


def interleaved(conversations, rng):
    """Frames of many conversations at a time, each in its own order."""
    waiting = iter(conversations)
    active = []
    while True:
        while len(active) < AT_A_TIME and (new := next(waiting, None)) is not None:
            active.append(iter(new))
        if not active:
            return
        at = rng.randrange(len(active))
        frame = next(active[at], None)
        if frame is None:
            active[at] = active[-1]
            active.pop()
        else:
            yield padded(frame)


def cycle(name, rounds=1):
    """The frames of one cycle of a mix: each conversation `rounds` times, the same in every run."""
    rng = random.Random(SEED)
    drawn = [(function, options) for count, function, options in MIXES[name]
             for _ in range(count * rounds)]
    rng.shuffle(drawn)
    return list(interleaved((function(pair(number), **options)
                             for number, (function, options) in enumerate(drawn)), rng))
