# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS messages (RFC 1035) with name compression.

Names are texts ("www.example.com."), lists of labels where a label holds a dot or odd bytes, or
bytes that go into the message as they are.
"""
import struct

from .layer import ip_bytes

TYPES = {
    "A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "HINFO": 13, "MX": 15, "TXT": 16, "RP": 17,
    "AAAA": 28, "SRV": 33, "DNAME": 39, "OPT": 41, "DS": 43, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48,
    "HTTPS": 65, "ANY": 255,
}
IN, CHAOS = 1, 3
CACHE_FLUSH = UNICAST_WANTED = 0x8000


def question(name, kind="A", dns_class=IN):
    """One entry of the question section."""
    return name, kind, dns_class


def rr(owner, kind, data, ttl=300, dns_class=IN):
    """A resource record. data: see _Writer._data(); bytes go in as they are."""
    return owner, kind, data, ttl, dns_class


class _Writer:
    """A message in the making; remembers where names stand."""

    def __init__(self, compress):
        self.out = bytearray()
        self.places = {}
        self.compress = compress

    def pack(self, fmt, *values):
        self.out += struct.pack(">" + fmt, *values)

    def name(self, name):
        if isinstance(name, (bytes, bytearray)):
            self.out += name
            return
        if isinstance(name, str):
            name = [label for label in name.split(".") if label]
        labels = [label.encode() if isinstance(label, str) else label for label in name]
        while labels:
            key = tuple(labels)
            if self.compress and key in self.places:
                self.pack("H", 0xC000 | self.places[key])
                return
            if len(self.out) < 0x4000:
                self.places.setdefault(key, len(self.out))
            self.text(labels.pop(0))
        self.out += b"\0"

    def text(self, text):
        text = text.encode() if isinstance(text, str) else text
        self.pack("B", len(text))
        self.out += text

    def record(self, owner, kind, data, ttl, dns_class):
        self.name(owner)
        self.pack("HHLH", TYPES.get(kind, kind), dns_class, ttl, 0)
        start = len(self.out)
        self._data(kind, data)
        struct.pack_into(">H", self.out, start - 2, len(self.out) - start)

    def _data(self, kind, data):
        if isinstance(data, (bytes, bytearray)):
            self.out += data
        elif kind in ("A", "AAAA"):
            self.out += ip_bytes(data)
        elif kind in ("CNAME", "NS", "PTR", "DNAME"):
            self.name(data)
        elif kind in ("TXT", "HINFO"):
            for text in data:
                self.text(text)
        elif kind == "RP":
            for name in data:
                self.name(name)
        elif kind == "MX":
            self.pack("H", data[0])
            self.name(data[1])
        elif kind == "SRV":
            self.pack("HHH", *data[:3])
            self.name(data[3])
        elif kind == "SOA":
            self.name(data[0])
            self.name(data[1])
            self.pack("LLLLL", *data[2:])
        else:
            raise ValueError(f"{kind}: give its data as bytes")


def dns(questions=(), answers=(), authority=(), additional=(), ident=1, is_response=None, rcode=0,
        flags=0x0100, compress=True, counts=None):
    """A message; a response when it has answers or is_response says so. counts: false ones."""
    is_response = bool(answers) if is_response is None else is_response
    writer = _Writer(compress)
    sections = (questions, answers, authority, additional)
    writer.pack("HHHHHH", ident, is_response << 15 | flags | rcode,
                *(counts or [len(section) for section in sections]))
    for name, kind, dns_class in questions:
        writer.name(name)
        writer.pack("HH", TYPES.get(kind, kind), dns_class)
    for record in (*answers, *authority, *additional):
        writer.record(*record)
    return bytes(writer.out)
