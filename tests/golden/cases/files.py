# SPDX-License-Identifier: GPL-3.0-or-later
"""Capture files: formats, byte orders, compression, several files, and files that break off."""
import bz2
import gzip
import lzma
import subprocess

from golden import case, decode_trouble
from hosts import ALICE, BOB, RESOLVER, Connection, datagram, ip_packet
from support import capture
from support.capture import at, pcap, pcapng
from support.dns import dns, rr


def handshake(port=8080):
    """A SYN just before a full second, its answer one nanosecond later."""
    connection = Connection(ALICE, BOB, port)
    return [at(0.999999999, connection.syn()), at(1, connection.synack())]


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


@case(options=["--timestamp"])
def byte_orders():
    """pcap in both byte orders and resolutions; the content tells, not the name"""
    return {
        "little.pcap": pcap(handshake(1), order="<"),
        "big.pcap": pcap(handshake(2), order=">"),
        "little-ns": pcap(handshake(3), order="<", is_nanoseconds=True),
        "big-ns.gz": pcap(handshake(4), order=">", is_nanoseconds=True),
    }


@case(options=["--timestamp"])
def pcapng_orders():
    """pcapng in both byte orders and three resolutions"""
    return {
        "little.pcapng": pcapng(handshake(1), order="<"),
        "big.pcapng": pcapng(handshake(2), order=">", resolution=9),
        "seconds.pcap": pcapng(handshake(3), resolution=3),
    }


@case
def pcapng_interfaces():
    """Two interfaces of different link types in one file, and two sections after each other"""

    def raw(src, dst, segment, v6):
        return ip_packet(src, dst, segment, v6)

    ethernet = Connection(ALICE, BOB, 8080)
    bare = Connection(ALICE, BOB, 8081, wrap=raw)
    first = pcapng([
        at(0, ethernet.syn(), interface=0), at(1, bare.syn(), interface=1),
        at(2, ethernet.synack(), interface=0), at(3, bare.synack(), interface=1),
    ], links=(capture.ETHERNET, capture.RAW))
    second = Connection(ALICE, BOB, 8082, wrap=raw)
    return {"two.pcapng": first + pcapng([at(4, second.syn())], links=(capture.RAW,), order=">")}


@case
def pcapng_other_blocks():
    """Blocks that hold no packet are passed over; a simple packet has no time"""
    whole = pcapng([at(0, Connection(ALICE, BOB, 1).syn())])
    statistics = bytes.fromhex("05000000 18000000 00000000 00000000 00000000 18000000")
    custom = bytes.fromhex("ad0b0000 10000000 01020304 10000000")
    frame = bytes(Connection(ALICE, BOB, 2).syn())
    padded = frame + b"\0" * (-len(frame) % 4)
    length = (16 + len(padded)).to_bytes(4, "little")
    simple = b"\3\0\0\0" + length + len(frame).to_bytes(4, "little") + padded + length
    return {"blocks.pcapng": whole + statistics + custom + simple}


@case
def compressed():
    """gzip, bzip2, xz and zstd, under any name"""
    return {
        "a.gz": gzip.compress(pcap(handshake(1)), mtime=0),
        "b.pcap": bz2.compress(pcap(handshake(2))),
        "c.pcap": lzma.compress(pcap(handshake(3))),
        "d.zst": zstd(pcap(handshake(4))),
        "e.pcapng": gzip.compress(pcapng(handshake(5)), mtime=0),
    }


@case
def compressed_members():
    """Packed pieces one after another are one file"""
    whole = pcap(handshake(1) + handshake(2))
    pieces = whole[:10], whole[10:100], whole[100:]
    return {
        "a.gz": b"".join(gzip.compress(piece, mtime=0) for piece in pieces),
        "b.bz2": b"".join(map(bz2.compress, [pcap(handshake(3))[:50], pcap(handshake(3))[50:]])),
    }


@case
def standard_input():
    """A dash is standard input, packed or not"""
    return {"-": gzip.compress(pcap(handshake()), mtime=0)}


@case
def several():
    """What one file taught counts in the next: services, names, and what was printed"""
    connection = Connection(ALICE, BOB, 8080)
    alias = rr("alias.example.com.", "CNAME", "host.example.com.")
    address = rr("host.example.com.", "A", "192.0.2.1")
    return {
        "1.pcap": pcap([
            connection.syn(), datagram(RESOLVER, ALICE, 53, 4000, dns(answers=[address]))]),
        "2.pcap": pcap([connection.synack(), connection.syn()]),
        "3.pcap": pcap([datagram(RESOLVER, ALICE, 53, 4000, dns(answers=[alias]))]),
    }


@case
def no_frames():
    """A capture without a packet is no trouble"""
    return {"empty.pcap": pcap([]), "empty.pcapng": pcapng([])}


@case(stderr=[decode_trouble(cut=3)])
def snap_length():
    """A frame that was cut when captured: the headers that are there count"""
    connection = Connection(ALICE, BOB, 22)
    yield from connection.open()
    yield at(1, connection.server_says(b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n"), cut=54 + 16)
    yield at(2, Connection(ALICE, BOB, 81).syn(), cut=54)
    yield at(3, Connection(ALICE, BOB, 82).syn(), cut=53)
    yield at(4, b"")


@case(status=1, stderr=[r"passer: error: torn\.pcap: breaks off in frame 2 at byte \d+: .+"])
def torn():
    """Frames before the break are read, a line tells the place, the next file is read"""
    frames = [Connection(ALICE, BOB, 1).syn(), Connection(ALICE, BOB, 2).syn()]
    return {"torn.pcap": pcap(frames)[:-5], "whole.pcap": pcap(handshake(3))}


@case(status=1, stderr=[r"passer: error: torn\.pcap\.gz: breaks off in frame \d+ at byte \d+: .+"])
def torn_gzip():
    """The same in a packed file; the place is one of the unpacked bytes"""
    frames = [Connection(ALICE, BOB, 1, sport=port).syn() for port in range(40000, 40400)]
    return {"torn.pcap.gz": gzip.compress(pcap(frames), mtime=0)[:-100]}


@case(status=1, stderr=[
    r"passer: error: absent\.pcap: .*No such file or directory",
    r"passer: error: empty: is empty",
    r"passer: error: text: not a capture file .+",
])
def no_captures():
    """Files that are absent, empty or something else; the others are read all the same"""
    return {"absent.pcap": None, "empty": b"", "text": b"hello, world\n" * 9,
            "whole.pcap": pcap(handshake())}


@case(options=["-b", "tcp port 81 or port 82"])
def filter_expression():
    """Only packets that match the expression count"""
    for port in (80, 81, 82):
        yield Connection(ALICE, BOB, port).syn()


@case(options=["-l", "out.csv"], log="out.csv")
def log_file():
    """-l writes the same lines to a file"""
    return handshake()
