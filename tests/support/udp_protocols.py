# SPDX-License-Identifier: GPL-3.0-or-later
"""Payloads of protocols over UDP: DHCP, NTP, NetBIOS, SNMP."""
import struct

from .layer import ip_bytes


def dhcp(options=b"", op=1, cookie=0x63825363, client="0.0.0.0"):
    """A DHCP message (RFC 2131 section 2); options as bytes, see dhcp_option()."""
    head = struct.pack(">BBBBLHH", op, 1, 6, 0, 0x12345678, 0, 0) + ip_bytes(client) + bytes(12)
    return head + bytes(16 + 64 + 128) + struct.pack(">L", cookie) + options


def dhcp_option(code, data, length=None):
    """One option; length stands for a length byte that lies."""
    return struct.pack(">BB", code, len(data) if length is None else length) + data


def ntp(mode, stratum=0, reference=b"\0\0\0\0", version=4):
    """An NTP message (RFC 5905 section 7.3)."""
    return struct.pack(">BBbbLL4s", version << 3 | mode, stratum, 6, -20, 0, 0, reference) + bytes(32)


def ntp_private(request, is_response=False, version=2):
    """The head of a mode 7 message."""
    return struct.pack(">BBBB4x", is_response << 7 | version << 3 | 7, 0, 3, request)


def netbios_name(name, kind=0x20, fill=b" "):
    """A name in half-ASCII (RFC 1001 section 14.1), with its root."""
    name = name if isinstance(name, bytes) else name.encode()
    whole = name.ljust(15, fill) + bytes((kind,))
    halves = bytes(ord("A") + half for byte in whole for half in (byte >> 4, byte & 15))
    return b"\x20" + halves + b"\0"


WILDCARD = netbios_name("*", 0, b"\0")


def nbns_query(name, flags=0x0110, kind=0x0020, questions=1):
    """A name query (0x0110 broadcast, 0x0100 unicast) or node status request (kind 0x0021)."""
    return struct.pack(">HHHHHH", 1, flags, questions, 0, 0, 0) + name + struct.pack(">HH", kind, 1)


def nbns_answer(name, *addresses, flags=0x8500, kind=0x0020):
    """A positive name query response."""
    data = b"".join(b"\0\0" + ip_bytes(address) for address in addresses)
    return (struct.pack(">HHHHHH", 1, flags, 0, 1, 0, 0) + name
            + struct.pack(">HHLH", kind, 1, 300000, len(data)) + data)


def netbios_datagram(source, kind=0x11, name=None, text=b""):
    """A datagram (RFC 1002 section 4.4.2)."""
    names = netbios_name(source) + (netbios_name("WORKGROUP", 0x1d) if name is None else name)
    head = struct.pack(">BBH4sHHH", kind, 0x0E, 1, ip_bytes("10.0.0.1"), 138, len(names + text), 0)
    return head + names + text


def ber(tag, data):
    """One element of the Basic Encoding Rules."""
    length = bytes((len(data),)) if len(data) < 0x80 else b"\x82" + struct.pack(">H", len(data))
    return bytes((tag,)) + length + data


def snmp(community=b"public", version=1, pdu=0xA0, body=b""):
    """An SNMP message of version 1 (0) or 2c (1)."""
    return ber(0x30, ber(2, bytes((version,))) + ber(4, community) + ber(pdu, body))
