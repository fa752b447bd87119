# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts that the golden cases speak of, and what they say to each other."""
from typing import NamedTuple

import golden  # noqa: F401  makes support/ importable
from support.ip import ipv4, ipv6
from support.link import BROADCAST, ether
from support.transport import MSS_1460, tcp, udp


class Host(NamedTuple):
    """A host with an address of each family."""

    mac: str
    v4: str
    v6: str


# Locally administered addresses: no manufacturer.
ALICE = Host("02:00:00:00:00:01", "10.0.0.1", "2001:db8::1")
BOB = Host("02:00:00:00:00:02", "10.0.0.2", "2001:db8::2")
ROUTER = Host("02:00:00:00:00:fe", "10.0.0.254", "fe80::fe")
RESOLVER = Host("02:00:00:00:00:53", "10.0.0.53", "2001:db8::53")
ALL_MDNS = Host("01:00:5e:00:00:fb", "224.0.0.251", "ff02::fb")
EVERYONE = Host(BROADCAST, "255.255.255.255", "ff02::1")


def ip_packet(src, dst, payload, v6=False, **ip_fields):
    """A packet from one host to another, without a link header."""
    if v6:
        return ipv6(src.v6, dst.v6, payload, **ip_fields)
    return ipv4(src.v4, dst.v4, payload, **ip_fields)


def packet(src, dst, payload, v6=False, **ip_fields):
    """The same on Ethernet."""
    return ether(ip_packet(src, dst, payload, v6, **ip_fields), dst.mac, src.mac)


class Connection:
    """A TCP connection, one segment after another. `wrap` puts a segment into a frame."""

    def __init__(self, client, server, port, sport=40000, v6=False, wrap=packet):
        self.ends = {"client": (client, sport), "server": (server, port)}
        self.seq = {"client": 1000, "server": 5000}
        self.v6 = v6
        self.wrap = wrap

    def segment(self, sender, flags, payload=b"", seq=None, options=b""):
        """A segment of "client" or "server"."""
        receiver = "server" if sender == "client" else "client"
        (src, sport), (dst, dport) = self.ends[sender], self.ends[receiver]
        seq = self.seq[sender] if seq is None else seq
        ack = self.seq[receiver] if "A" in flags else 0
        self.seq[sender] += len(payload) + ("S" in flags) + ("F" in flags)
        segment = tcp(sport, dport, flags, payload, seq=seq, ack=ack, options=options)
        return self.wrap(src, dst, segment, v6=self.v6)

    def syn(self):
        return self.segment("client", "S", options=MSS_1460)

    def synack(self):
        return self.segment("server", "SA", options=MSS_1460)

    def open(self):
        """The three segments of a handshake."""
        return [self.syn(), self.synack(), self.segment("client", "A")]

    def refuse(self):
        """What a closed port answers to a SYN."""
        return self.segment("server", "RA", seq=0)

    def client_says(self, payload):
        return self.segment("client", "PA", payload)

    def server_says(self, payload):
        return self.segment("server", "PA", payload)


def refused(client, server, port, sport=40000, v6=False):
    """A connection to a closed port: both segments."""
    connection = Connection(client, server, port, sport, v6)
    return [connection.syn(), connection.refuse()]


def datagram(src, dst, sport, dport, payload, v6=False, **ip_fields):
    """A UDP packet on Ethernet."""
    return packet(src, dst, udp(sport, dport, payload), v6, **ip_fields)
