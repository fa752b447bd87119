# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP, UDP, ICMP and neighbour discovery."""
import struct

from .layer import ip_bytes, layer, mac_bytes

FLAGS = {"F": 0x01, "S": 0x02, "R": 0x04, "P": 0x08, "A": 0x10, "U": 0x20, "E": 0x40, "C": 0x80}

MSS_1460 = bytes.fromhex("020405b4")


def tcp(sport, dport, flags, payload=b"", seq=1000, ack=0, options=b"", window=64240,
        urgent=0):
    """TCP; flags as letters: "S", "SA", "PA", "" …"""
    options += b"\0" * (-len(options) % 4)
    bits = sum(FLAGS[letter] for letter in flags)
    head = struct.pack(">HHLLBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                       (20 + len(options)) // 4 << 4, bits, window, 0, urgent)
    return layer(head + options + payload, ip_proto=6, checksum_at=16)


def udp(sport, dport, payload=b"", length=None):
    """UDP. length stands for a length field that lies."""
    length = 8 + len(payload) if length is None else length
    head = struct.pack(">HHHH", sport, dport, length, 0)
    return layer(head + payload, ip_proto=17, checksum_at=6)


def icmp(kind, code=0, rest=b"\0\0\0\0", payload=b""):
    """ICMP: four bytes after the checksum, then what follows (a quoted packet, echo data)."""
    return layer(struct.pack(">BBH", kind, code, 0) + rest + payload, ip_proto=1, checksum_at=2)


def icmp6(kind, code=0, body=b""):
    """ICMPv6: everything after the checksum."""
    return layer(struct.pack(">BBH", kind, code, 0) + body, ip_proto=58, checksum_at=2)


def echo_request(payload=b"", is_reply=False):
    """Ping, IPv4."""
    return icmp(0 if is_reply else 8, 0, b"\0\x01\0\x01", payload)


def nd_option(kind, data):
    """An option of neighbour discovery, padded to 8 bytes."""
    data += b"\0" * (-(len(data) + 2) % 8)
    return struct.pack(">BB", kind, (len(data) + 2) // 8) + data


def source_mac(mac):
    """Source link-layer address option."""
    return nd_option(1, mac_bytes(mac))


def target_mac(mac):
    """Target link-layer address option."""
    return nd_option(2, mac_bytes(mac))


def prefix_information(prefix, length):
    """Prefix information option, on-link and autonomous."""
    return nd_option(3, struct.pack(">BBLL4x", length, 0xC0, 86400, 14400) + ip_bytes(prefix))


def dns_servers(*addresses):
    """Recursive DNS server option (RFC 8106)."""
    return nd_option(25, struct.pack(">xxL", 600) + b"".join(map(ip_bytes, addresses)))


def router_solicitation(options=b""):
    """RFC 4861 section 4.1."""
    return icmp6(133, body=bytes(4) + options)


def router_advertisement(options=b"", hop_limit=64):
    """RFC 4861 section 4.2."""
    return icmp6(134, body=struct.pack(">BBHLL", hop_limit, 0, 1800, 0, 0) + options)


def neighbour_solicitation(target, options=b"", code=0):
    """RFC 4861 section 4.3."""
    return icmp6(135, code, bytes(4) + ip_bytes(target) + options)


def neighbour_advertisement(target, options=b"", is_router=False):
    """RFC 4861 section 4.4, solicited and override."""
    flags = 0xE0000000 if is_router else 0x60000000
    return icmp6(136, body=struct.pack(">L", flags) + ip_bytes(target) + options)


def redirect(target, destination, options=b""):
    """RFC 4861 section 4.5."""
    return icmp6(137, body=bytes(4) + ip_bytes(target) + ip_bytes(destination) + options)
