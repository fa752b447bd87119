# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes of one protocol that know their number in the layer below, and the Internet checksum."""
import ipaddress
import struct


class Layer(bytes):
    """Bytes, and how they are announced. A transport layer leaves its checksum to the IP header."""

    ethertype = None  # in Ethernet, cooked, LLC/SNAP and tag headers
    ip_proto = None  # in IPv4 and IPv6 headers
    upper_at = 0  # where the transport header begins, behind IPv6 extension headers
    upper_proto = None
    checksum_at = None  # offset in the transport header


def layer(data, ethertype=None, ip_proto=None, checksum_at=None):
    """Marks bytes as a layer."""
    made = Layer(data)
    made.ethertype = ethertype
    made.ip_proto = made.upper_proto = ip_proto
    made.checksum_at = checksum_at
    return made


def mac_bytes(text):
    """"02:00:00:00:00:01" as six bytes."""
    return bytes.fromhex(text.replace(":", ""))


def ip_bytes(text):
    """An address of either family in network order."""
    return ipaddress.ip_address(text).packed


def checksum(data):
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def with_checksum(payload, src, dst):
    """The payload of an IP packet with its transport checksum filled in."""
    if getattr(payload, "checksum_at", None) is None:
        return bytes(payload)
    head, upper = payload[: payload.upper_at], payload[payload.upper_at :]
    pseudo = b""
    if len(src) == 16:
        pseudo = src + dst + struct.pack(">LxxxB", len(upper), payload.upper_proto)
    elif payload.upper_proto != 1:  # ICMP over IPv4 has no pseudo header
        pseudo = src + dst + struct.pack(">xBH", payload.upper_proto, len(upper))
    value = checksum(pseudo + upper)
    if value == 0 and payload.upper_proto == 17:
        value = 0xFFFF
    at = payload.checksum_at
    return head + upper[:at] + struct.pack(">H", value) + upper[at + 2 :]
