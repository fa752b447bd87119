# SPDX-License-Identifier: GPL-3.0-or-later
"""Link layers, tags and ARP."""
import struct

from .layer import ip_bytes, layer, mac_bytes

BROADCAST = "ff:ff:ff:ff:ff:ff"
SOME_MAC = "02:00:00:00:00:01"
OTHER_MAC = "02:00:00:00:00:02"


def ether(payload, dst=OTHER_MAC, src=SOME_MAC, ethertype=None):
    """Ethernet II."""
    ethertype = payload.ethertype if ethertype is None else ethertype
    return mac_bytes(dst) + mac_bytes(src) + struct.pack(">H", ethertype) + payload


def ieee8023(payload, dst=OTHER_MAC, src=SOME_MAC):
    """IEEE 802.3: the payload begins with LLC."""
    return mac_bytes(dst) + mac_bytes(src) + struct.pack(">H", len(payload)) + payload


def llc_snap(payload):
    """802.2 LLC with SNAP (RFC 1042)."""
    return bytes.fromhex("aaaa03000000") + struct.pack(">H", payload.ethertype) + payload


def vlan(number, payload, tpid=0x8100, priority=0):
    """An 802.1Q tag, or with tpid=0x88a8 the outer one of 802.1ad."""
    return layer(struct.pack(">HH", priority << 13 | number, payload.ethertype) + payload, tpid)


def tagged(frame, number=7):
    """An Ethernet frame with an 802.1Q tag put in."""
    return frame[:12] + struct.pack(">HH", 0x8100, number) + frame[12:]


def mpls(labels, payload, ethertype=0x8847):
    """A stack of labels, the last one marked as the bottom (RFC 3032)."""
    stack = b"".join(
        struct.pack(">L", label << 12 | (i == len(labels) - 1) << 8 | 64)
        for i, label in enumerate(labels)
    )
    return layer(stack + payload, ethertype)


def mpls_ethernet(frame, control_word=b"\0\0\0\0"):
    """What an Ethernet pseudo-wire carries behind its labels (RFC 4448)."""
    return layer(control_word + frame)


def ppp(payload, hdlc=False):
    """PPP with a two-byte protocol field, with or without HDLC address and control."""
    protocol = {0x0800: 0x0021, 0x86DD: 0x0057, 0x8847: 0x0281}[payload.ethertype]
    return (b"\xff\x03" if hdlc else b"") + struct.pack(">H", protocol) + payload


def cisco_hdlc(payload):
    """Cisco's HDLC to one station: address, control, ethertype."""
    return b"\x0f\0" + struct.pack(">H", payload.ethertype) + payload


def pppoe(payload, session=1):
    """A PPPoE session frame (RFC 2516)."""
    inner = ppp(payload)
    return layer(struct.pack(">BBHH", 0x11, 0, session, len(inner)) + inner, 0x8864)


def null(payload, family=None, order="<"):
    """BSD null: an address family in the byte order of the capturing host. "loop" has order ">"."""
    family = family or {0x0800: 2, 0x86DD: 30}[payload.ethertype]
    return struct.pack(order + "L", family) + payload


def sll(payload, packet_type=0, src=SOME_MAC):
    """Linux cooked v1. Packet types: 0 to us, 1 broadcast, 2 multicast, 3 to others, 4 from us."""
    address = mac_bytes(src)
    return struct.pack(">HHH6sxxH", packet_type, 1, 6, address, payload.ethertype) + payload


def sll2(payload, packet_type=0, src=SOME_MAC, interface=2):
    """Linux cooked v2."""
    head = struct.pack(">HxxLHBB", payload.ethertype, interface, 1, packet_type, 6)
    return head + mac_bytes(src) + b"\0\0" + payload


def arp(operation, sender_mac, sender_ip, target_mac="00:00:00:00:00:00", target_ip="0.0.0.0"):
    """ARP for IPv4 on Ethernet: operation 1 asks, 2 answers."""
    head = struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation)
    sender = mac_bytes(sender_mac) + ip_bytes(sender_ip)
    target = mac_bytes(target_mac) + ip_bytes(target_ip)
    return layer(head + sender + target, 0x0806)
