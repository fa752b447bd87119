# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames to replay: an office whose hosts talk all at once, and facts that can be counted."""
import pathlib
import random
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path += [str(TESTS), str(TESTS / "golden")]

from hosts import ALL_MDNS, BOB, EVERYONE, Connection, Host, datagram, packet, refused  # noqa: E402
from support.dns import dns, question, rr  # noqa: E402
from support.link import arp, ether  # noqa: E402
from support.transport import (  # noqa: E402
    neighbour_advertisement, neighbour_solicitation, source_mac, target_mac, tcp)

FACTS_V4, FACTS_V6 = "10.4.", "2001:0db8:0004:0000:0000:0000:0000:"

CLIENTS, SERVERS = 40, 10
EACH_ASKS = 5  # servers

# Port, what the client says first, what the server says first.
SERVICES = (
    (22, b"SSH-2.0-OpenSSH_9.2p1\r\n", b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
    (80, b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: Wget/1.21.3\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n\r\n"),
    (23, b"\xff\xfd\x03", b"\xff\xfb\x01login: "),
    (783, b"PROCESS SPAMC/1.5\r\n", b"SPAMD/1.1 0 EX_OK\r\n"),
    (8080, b"x" * 1200, b"y" * 1200),
)


def _host(kind, number):
    return Host(f"02:00:00:{kind:02x}:00:{number:02x}", f"10.{kind}.0.{number}",
                f"2001:db8:{kind}::{number:x}")


_clients = [_host(1, n + 1) for n in range(CLIENTS)]
_servers = [_host(2, n + 1) for n in range(SERVERS)]
_scanner, _resolver = _host(3, 1), _host(3, 53)


def _tagged(number, frame):
    """The same frame in a VLAN."""
    return frame[:12] + b"\x81\x00" + number.to_bytes(2, "big") + frame[12:]


def _visit(client, server, service, sport, v6):
    """A connection from the handshake to the end."""
    port, client_says, server_says = service
    c = Connection(client, server, port, sport, v6)
    first = [c.server_says(server_says), c.client_says(client_says)]
    more = [c.server_says(b"z" * 1000) for _ in range(3)]
    return [*c.open(), *first, *more, c.segment("client", "FA"), c.segment("server", "FA"),
            c.segment("client", "A")]


def _visits():
    for number, client in enumerate(_clients):
        for i in range(EACH_ASKS):
            server = _servers[(number + i * 3) % SERVERS]
            service = SERVICES[(number + i) % len(SERVICES)]
            yield _visit(client, server, service, 40000 + i, v6=False)
            yield _visit(client, server, service, 50000 + i, v6=True)


def _lookups():
    for number, client in enumerate(_clients):
        for v6 in (False, True):
            name, alias = f"host-{number}.example.com.", f"www-{number}.example.com."
            kind, address = ("AAAA", client.v6) if v6 else ("A", client.v4)
            ask = dns([question(alias, kind)])
            answer = dns([question(alias, kind)],
                         [rr(alias, "CNAME", name), rr(name, kind, address)])
            yield [datagram(client, _resolver, 41000, 53, ask, v6),
                   datagram(_resolver, client, 53, 41000, answer, v6)]
        announce = dns(answers=[rr(f"pc-{number}.local.", "A", client.v4)])
        yield [datagram(client, ALL_MDNS, 5353, 5353, announce)]


def _neighbours():
    for host in (*_clients, *_servers, _resolver):
        yield [ether(arp(1, BOB.mac, BOB.v4, target_ip=host.v4), EVERYONE.mac, BOB.mac),
               ether(arp(2, host.mac, host.v4, BOB.mac, BOB.v4), BOB.mac, host.mac)]
        solicit = neighbour_solicitation(host.v6, source_mac(BOB.mac))
        advertise = neighbour_advertisement(host.v6, target_mac(host.mac))
        yield [packet(BOB, host, solicit, v6=True, hop_limit=255),
               packet(host, BOB, advertise, v6=True, hop_limit=255)]


def _scan():
    for number in range(20):
        for v6 in (False, True):
            yield refused(_scanner, _servers[number % SERVERS], 1000 + number, 42000, v6)


def office():
    """Some thousand frames; each conversation in order, all mixed, a third of them in VLANs."""
    talks = [*_visits(), *_lookups(), *_neighbours(), *_scan()]
    talks = [[_tagged(100 + i % 7, frame) for frame in talk] if i % 3 == 0 else list(talk)
             for i, talk in enumerate(talks)]
    order = [i for i, talk in enumerate(talks) for _ in talk]
    random.Random(1).shuffle(order)
    rest = [iter(talk) for talk in talks]
    return [next(rest[i]) for i in order]


def fact(number):
    """A frame that makes passer print fact_line(number); IPv4 and IPv6 in turn."""
    client = Host("02:00:00:00:00:04", f"10.4.{number >> 8}.{number & 255}",
                  f"2001:db8:4::{number:x}")
    return packet(client, BOB, tcp(40000, 8080, "S"), v6=number % 2 == 1)


def fact_line(number):
    """A client of BOB's."""
    is_v6 = number % 2 == 1
    address = FACTS_V6 + f"{number:04x}" if is_v6 else f"{FACTS_V4}{number >> 8}.{number & 255}"
    return f"TC,{address},TCP_8080,open,"


def facts(numbers):
    """The frames of these facts."""
    return [fact(number) for number in numbers]


def fact_lines(numbers):
    """Their lines."""
    return [fact_line(number) for number in numbers]


def only_facts(lines):
    """Without what else passer says of the same frames."""
    return [line for line in lines if line.startswith((f"TC,{FACTS_V4}", f"TC,{FACTS_V6}"))]
