# SPDX-License-Identifier: GPL-3.0-or-later
"""IEEE 802.11 frames and the radiotap header in front of them."""
import struct

from .layer import mac_bytes
from .link import BROADCAST, OTHER_MAC, SOME_MAC, llc_snap

TO_STATION, TO_NETWORK, BETWEEN_POINTS, PROTECTED, ORDER = 0x02, 0x01, 0x03, 0x40, 0x80


def radiotap(frame, has_fcs=False, is_padded=False):
    """A short radiotap header: timestamp and flags. With has_fcs a frame check sequence follows."""
    flags = (0x10 if has_fcs else 0) | (0x20 if is_padded else 0)
    head = struct.pack("<BBHLQB", 0, 0, 17, 0x3, 1234567, flags)
    return head + frame + (b"\xde\xad\xbe\xef" if has_fcs else b"")


def _frame(control, flags, addresses, body):
    addresses = b"".join(mac_bytes(address) for address in addresses[:3])
    return struct.pack("<BBH", control, flags, 0) + addresses + b"\x10\0" + body


def wifi_data(payload, flags=TO_NETWORK, is_qos=False, addr1=OTHER_MAC, addr2=SOME_MAC,
              addr3=OTHER_MAC):
    """A data frame with LLC/SNAP; payload is an IP packet or ARP."""
    body = mac_bytes(SOME_MAC) if flags & BETWEEN_POINTS == BETWEEN_POINTS else b""
    body += b"\0\0" if is_qos else b""
    body += b"\0\0\0\0" if is_qos and flags & ORDER else b""  # HT control
    return _frame(0x88 if is_qos else 0x08, flags, (addr1, addr2, addr3), body + llc_snap(payload))


def element(number, data):
    """An information element; number 0 is the name of the network."""
    return bytes((number, len(data))) + data


# Frames that carry a network's name: subtype and what stands before the elements.
FIXED = {
    "association request": (0x00, struct.pack("<HH", 0x0401, 10)),
    "probe request": (0x40, b""),
    "probe response": (0x50, struct.pack("<QHH", 1, 100, 0x0401)),
    "beacon": (0x80, struct.pack("<QHH", 1, 100, 0x0401)),
}


def announcement(kind, elements, access_point=OTHER_MAC):
    """A management frame of one of these kinds."""
    control, fixed = FIXED[kind]
    return _frame(control, 0, (BROADCAST, SOME_MAC, access_point), fixed + elements)


def authentication(status, elements=b""):
    """The answer of an access point (open system, second message)."""
    body = struct.pack("<HHH", 0, 2, status) + elements
    return _frame(0xB0, 0, (SOME_MAC, OTHER_MAC, OTHER_MAC), body)


def deauthentication(addr1, addr2, addr3, reason=7, flags=0):
    """Deauthentication."""
    return _frame(0xC0, flags, (addr1, addr2, addr3), struct.pack("<H", reason))
