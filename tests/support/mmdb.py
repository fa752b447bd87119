# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases in MaxMind's format (MaxMind DB File Format Specification 2.0), small ones."""
import ipaddress
import struct

STRING, UINT16, UINT32, MAP, UINT64, ARRAY = 2, 5, 6, 7, 9, 11

SEPARATOR = bytes(16)
METADATA = b"\xab\xcd\xefMaxMind.com"


def _head(kind, size):
    more = b""
    if size >= 29:
        size, more = 29, bytes([size - 29])
    if kind > 7:
        return bytes([size, kind - 7]) + more
    return bytes([kind << 5 | size]) + more


def _number(kind, value):
    data = value.to_bytes(8, "big").lstrip(b"\0")
    return _head(kind, len(data)) + data


def value_bytes(value):
    """A value: text, number (32 bits), dict, list, or bytes that are one already."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return _head(STRING, len(value.encode())) + value.encode()
    if isinstance(value, int):
        return _number(UINT32, value)
    if isinstance(value, list):
        return _head(ARRAY, len(value)) + b"".join(map(value_bytes, value))
    return _head(MAP, len(value)) + b"".join(
        value_bytes(part) for pair in value.items() for part in pair)


def _insert(nodes, network, ip_version, leaf):
    """Makes the way to a network; IPv4 lies in ::/96 of an IPv6 tree."""
    bits = f"{int(network.network_address):0{network.max_prefixlen}b}"[: network.prefixlen]
    if ip_version == 6 and network.version == 4:
        bits = "0" * 96 + bits
    at = 0
    for bit in bits[:-1]:
        if nodes[at][int(bit)] is None:
            nodes.append([None, None])
            nodes[at][int(bit)] = len(nodes) - 1
        at = nodes[at][int(bit)]
    nodes[at][int(bits[-1])] = leaf


def mmdb(networks, ip_version=6, kind="Test"):
    """A database of {network: value}; no network holds another."""
    nodes, data, leaves = [[None, None]], b"", []
    for text, value in networks.items():
        leaves.append(len(data))
        data += value_bytes(value)
        _insert(nodes, ipaddress.ip_network(text), ip_version, -len(leaves))

    def record(to):
        if to is None:
            return len(nodes)
        return to if to >= 0 else len(nodes) + len(SEPARATOR) + leaves[-to - 1]

    tree = b"".join(struct.pack(">L", record(to))[1:] for node in nodes for to in node)
    about = {
        "binary_format_major_version": _number(UINT16, 2),
        "binary_format_minor_version": _number(UINT16, 0),
        "build_epoch": _number(UINT64, 1500000000),
        "database_type": kind,
        "description": {"en": kind},
        "ip_version": _number(UINT16, ip_version),
        "languages": ["en"],
        "node_count": len(nodes),
        "record_size": _number(UINT16, 24),
    }
    return tree + SEPARATOR + data + METADATA + value_bytes(about)


class Reader:
    """Looks addresses up, for databases with records of 24, 28 and 32 bits."""

    def __init__(self, data):
        self.data = data
        self.about = self._value(data.rindex(METADATA) + len(METADATA), 0)[0]
        self.nodes, self.bits = self.about["node_count"], self.about["record_size"]
        self.start = self.nodes * self.bits // 4 + len(SEPARATOR)

    def find(self, address):
        """The value of an address; None: it is not known."""
        address = ipaddress.ip_address(address)
        if address.version > self.about["ip_version"]:
            return None
        bits = f"{int(address):0{128 if self.about['ip_version'] == 6 else 32}b}"
        at = 0
        for bit in bits:
            at = self._record(at, int(bit))
            if at >= self.nodes:
                break
        if at == self.nodes:
            return None
        return self._value(self.start + at - self.nodes - len(SEPARATOR), self.start)[0]

    def _record(self, node, side):
        size = self.bits // 4
        both = int.from_bytes(self.data[node * size : (node + 1) * size], "big")
        if self.bits != 28:
            return both & (1 << self.bits) - 1 if side else both >> self.bits
        middle = both >> 24 & 0xFF
        return (middle & 0x0F) << 24 | both & 0xFFFFFF if side else (
            (middle & 0xF0) << 20 | both >> 32)

    def _value(self, at, base):
        """A value and where the next one begins; base is what pointers count from."""
        head = self.data[at]
        kind, size, at = head >> 5, head & 0x1F, at + 1
        if kind == 1:
            extra = size >> 3
            to = int.from_bytes(self.data[at : at + extra + 1], "big")
            to += ((size & 7) << 8 * (extra + 1) if extra < 3 else 0) + (0, 2048, 526336, 0)[extra]
            return self._value(base + to, base)[0], at + extra + 1
        if kind == 0:
            kind, at = self.data[at] + 7, at + 1
        if size >= 29:
            extra = size - 28
            size = (29, 285, 65821)[extra - 1] + int.from_bytes(self.data[at : at + extra], "big")
            at += extra
        if kind == MAP:
            value = {}
            for _ in range(size):
                key, at = self._value(at, base)
                value[key], at = self._value(at, base)
            return value, at
        if kind == ARRAY:
            value = []
            for _ in range(size):
                item, at = self._value(at, base)
                value.append(item)
            return value, at
        data = self.data[at : at + size]
        return data.decode() if kind == STRING else int.from_bytes(data, "big"), at + size
