# SPDX-License-Identifier: GPL-3.0-or-later
"""Capture files for the bench: a cycle of frames over and over, each time with new hosts."""
import random
import struct

import mix

PCAP_HEAD = struct.pack("<LHHlLLL", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
START_SECONDS = 1_500_000_000
STEP_MICROSECONDS = 10

CYCLES_OF_A_HOST = 8  # most of what is on a wire comes from hosts that are known

LOW_CYCLES = 254  # as many fit into the low word of an address
ARP = 0x0806
ARP_MAC_AT, ARP_IP_AT = 24, 28

# Where the last four bytes of both addresses are, by EtherType.
PLACES = {0x0800: (26, 30), ARP: (28, 38), 0x86DD: (34, 50)}
HOSTS = (10, 11)  # 10.0.0.0/8 and 11.0.0.0/8, also at the end of an IPv6 address

WORD = struct.Struct(">L")


def template(frame):
    """A frame and where its lower and its higher address are; None when it is left as it is."""
    ethertype = int.from_bytes(frame[12:14], "big")
    src, dst = PLACES.get(ethertype, (0, 0))
    if not src or frame[src] not in HOSTS or frame[dst] not in HOSTS:
        return bytearray(frame), None
    is_src_low = frame[src : src + 4] < frame[dst : dst + 4]
    return bytearray(frame), ((src, dst) if is_src_low else (dst, src)) + (ethertype == ARP,)


def renumber(made, number):
    """The frame in its cycle.

    16-bit words are added to the lower address and taken from the higher, so that every checksum
    stays right (RFC 1071). generator.bpf.c does the same.
    """
    frame, places = made
    if places is None or number == 0:
        return frame
    words = number // LOW_CYCLES << 16 | number % LOW_CYCLES << 8
    low_at, high_at, is_arp = places
    out = bytearray(frame)
    WORD.pack_into(out, low_at, WORD.unpack_from(frame, low_at)[0] + words)
    WORD.pack_into(out, high_at, WORD.unpack_from(frame, high_at)[0] - words)
    if is_arp:
        out[ARP_MAC_AT : ARP_MAC_AT + 4] = out[ARP_IP_AT : ARP_IP_AT + 4]
    return out


class Writer:
    """A pcap file in the making; counts."""

    def __init__(self, path):
        self._file = open(path, "wb", buffering=1 << 20)
        self._file.write(PCAP_HEAD)
        self.packets = 0
        self.bytes = len(PCAP_HEAD)

    def add(self, frame):
        seconds, micros = divmod(self.packets * STEP_MICROSECONDS, 10**6)
        seconds += START_SECONDS
        self._file.write(struct.pack("<LLLL", seconds, micros, len(frame), len(frame)) + frame)
        self.packets += 1
        self.bytes += 16 + len(frame)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()


def one_cycle(path, name, rounds):
    """One cycle of a mix, for the generator that renumbers in the kernel."""
    with Writer(path) as writer:
        for frame in mix.cycle(name, rounds):
            writer.add(frame)
        return writer.packets


def capture(path, name, size, rounds=10):
    """A mix of at least so many bytes. Returns the number of packets."""
    templates = [template(frame) for frame in mix.cycle(name, rounds)]
    number = 0
    with Writer(path) as writer:
        while writer.bytes < size:
            for made in templates:
                writer.add(renumber(made, number // CYCLES_OF_A_HOST))
            number += 1
        return writer.packets


def hosts_mix(hosts):
    """Templates, and how many cycles of them make so many hosts."""
    templates = [template(frame) for frame in mix.cycle("hosts", 250)]
    return templates, max(1, hosts // len({bytes(frame[26:30]) for frame, _ in templates}))


def new_hosts(path, hosts):
    """Every host says something, so many in all. Returns the number of packets."""
    templates, cycles = hosts_mix(hosts)
    with Writer(path) as writer:
        for number in range(cycles):
            for made in templates:
                writer.add(renumber(made, number))
        return writer.packets


def known_hosts(path, hosts, packets, seed):
    """Any of those hosts says again what it did, so many packets in all."""
    templates, cycles = hosts_mix(hosts)
    rng = random.Random(seed)
    with Writer(path) as writer:
        for _ in range(packets):
            writer.add(renumber(rng.choice(templates), rng.randrange(cycles)))
