# SPDX-License-Identifier: GPL-3.0-or-later
"""Capture files: pcap in either byte order and resolution, and pcapng with several interfaces."""
import struct
from typing import NamedTuple

# https://www.tcpdump.org/linktypes.html
(NULL, ETHERNET, PPP, PPP_HDLC, PPP_ETHER, RAW, CISCO_HDLC, WIFI, LOOP, SLL, RADIOTAP, IPV4, IPV6,
 SLL2) = (0, 1, 9, 50, 51, 101, 104, 105, 108, 113, 127, 228, 229, 276)

START_NS = 1_500_000_000 * 10**9  # 2017-07-14 02:40:00 UTC


class Frame(NamedTuple):
    """A captured frame: when, what, how long it was on the wire, on which interface (pcapng)."""

    time_ns: int
    data: bytes
    wire_bytes: int
    interface: int = 0


def frames(items, start_ns=START_NS, step_ns=1_000_000):
    """Frames of bytes, one step after another; a Frame among them keeps its own time."""
    now = start_ns
    for item in items:
        frame = item if isinstance(item, Frame) else Frame(now, bytes(item), len(item))
        yield frame
        now = frame.time_ns + step_ns


def at(seconds, data, cut=None, interface=0):
    """A frame at so many seconds after the start; cut: how many of its bytes were captured."""
    time_ns = START_NS + round(seconds * 10**9)
    return Frame(time_ns, bytes(data[:cut]), len(data), interface)


def pcap(items, link=ETHERNET, order="<", is_nanoseconds=False):
    """A pcap file."""
    magic, unit = (0xA1B23C4D, 1) if is_nanoseconds else (0xA1B2C3D4, 1000)
    out = [struct.pack(order + "LHHlLLL", magic, 2, 4, 0, 0, 262144, link)]
    for frame in frames(items):
        seconds, rest = divmod(frame.time_ns, 10**9)
        head = struct.pack(order + "LLLL", seconds, rest // unit, len(frame.data), frame.wire_bytes)
        out += [head, frame.data]
    return b"".join(out)


def frames_of_pcap(data):
    """The frames of a little-endian pcap file in nanoseconds."""
    at = 24
    while at < len(data):
        seconds, rest, length, wire = struct.unpack_from("<LLLL", data, at)
        at += 16
        yield Frame(seconds * 10**9 + rest, data[at : at + length], wire)
        at += length


def _block(order, kind, body):
    body += b"\0" * (-len(body) % 4)
    length = struct.pack(order + "L", len(body) + 12)
    return struct.pack(order + "L", kind) + length + body + length


def _option(order, code, data):
    return struct.pack(order + "HH", code, len(data)) + data + b"\0" * (-len(data) % 4)


def pcapng(items, links=(ETHERNET,), order="<", resolution=6):
    """One pcapng section, an interface for each link type; resolution: digits of a second."""
    section = struct.pack(order + "LHHq", 0x1A2B3C4D, 1, 0, -1)
    out = [_block(order, 0x0A0D0D0A, section)]
    for link in links:
        options = _option(order, 9, bytes((resolution,))) + _option(order, 0, b"")
        out.append(_block(order, 1, struct.pack(order + "HxxL", link, 262144) + options))
    for frame in frames(items):
        ticks = frame.time_ns // 10 ** (9 - resolution)
        head = struct.pack(order + "LLLLL", frame.interface, ticks >> 32, ticks & 0xFFFFFFFF,
                           len(frame.data), frame.wire_bytes)
        out.append(_block(order, 6, head + frame.data))
    return b"".join(out)
