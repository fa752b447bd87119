# SPDX-License-Identifier: GPL-3.0-or-later
"""IPv4 and IPv6 with options, fragments and extension headers."""
import struct

from .layer import checksum, ip_bytes, layer, with_checksum

DONT_FRAGMENT = 0x4000
MORE_FRAGMENTS = 0x2000


def ipv4(src, dst, payload, ttl=64, proto=None, options=b"", ident=1, flags=DONT_FRAGMENT, offset=0,
         total=None):
    """IPv4. offset counts bytes; total stands for a length field that lies."""
    src, dst = ip_bytes(src), ip_bytes(dst)
    proto = payload.ip_proto if proto is None else proto
    payload = with_checksum(payload, src, dst)
    options += b"\0" * (-len(options) % 4)
    length = 20 + len(options)
    head = struct.pack(
        ">BBHHHBBH4s4s", 0x40 | length // 4, 0, length + len(payload) if total is None else total,
        ident, flags | offset // 8, ttl, proto, 0, src, dst,
    ) + options
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return layer(head + payload, 0x0800, 4)


def ipv4_fragments(src, dst, payload, size, ident=7):
    """The payload in fragments of at most size bytes, a multiple of 8."""
    whole = with_checksum(payload, ip_bytes(src), ip_bytes(dst))
    for offset in range(0, len(whole), size):
        more = MORE_FRAGMENTS if offset + size < len(whole) else 0
        yield ipv4(src, dst, whole[offset : offset + size], proto=payload.ip_proto, ident=ident,
                   flags=more, offset=offset)


def ipv6(src, dst, payload, hop_limit=64, next_header=None, length=None, flow=0):
    """IPv6. length stands for a length field that lies."""
    src, dst = ip_bytes(src), ip_bytes(dst)
    next_header = payload.ip_proto if next_header is None else next_header
    payload = with_checksum(payload, src, dst)
    length = len(payload) if length is None else length
    head = struct.pack(">LHBB", 6 << 28 | flow, length, next_header, hop_limit)
    return layer(head + src + dst + payload, 0x86DD, 41)


def gre(payload, protocol=None, key=None):
    """Generic routing encapsulation (RFC 2784, RFC 2890) of an IP packet or what protocol says."""
    protocol = payload.ethertype if protocol is None else protocol
    head = struct.pack(">HH", 0 if key is None else 0x2000, protocol)
    head += b"" if key is None else struct.pack(">L", key)
    return layer(head + payload, ip_proto=47)


def pptp(payload):
    """GRE as PPTP has it (RFC 2637): version 1 with key and sequence number, PPP in it."""
    inner = b"\xff\x03" + struct.pack(">H", {0x0800: 0x0021, 0x86DD: 0x0057}[payload.ethertype])
    inner += payload
    return layer(struct.pack(">HHHHL", 0x3001, 0x880B, len(inner), 1, 1) + inner, ip_proto=47)


def _extension(number, head, payload):
    """An extension header in front of payload, whose checksum the IPv6 header still fills in."""
    made = layer(head + payload, ip_proto=number, checksum_at=payload.checksum_at)
    made.upper_at = len(head) + payload.upper_at
    made.upper_proto = payload.upper_proto
    return made


def options_header(payload, number=60):
    """Destination options (60) or hop-by-hop options (0), padded."""
    head = struct.pack(">BB", payload.ip_proto, 0) + b"\x01\x04\0\0\0\0"
    return _extension(number, head, payload)


def hop_by_hop(payload):
    """Hop-by-hop options."""
    return options_header(payload, 0)


def routing_header(payload):
    """A routing header with no segments left."""
    return _extension(43, struct.pack(">BBBB4x", payload.ip_proto, 0, 4, 0), payload)


def fragment_header(payload, offset=0, more=False, ident=7):
    """A fragment header; without offset and more it is an atomic fragment (RFC 6946)."""
    return _extension(44, struct.pack(">BxHL", payload.ip_proto, offset | more, ident), payload)
