# SPDX-License-Identifier: GPL-3.0-or-later
"""Floods: frames that differ in some random bytes, as fast as the kernel takes them.

A flood is made of what the builders of tests/support return for the host and the names below. Where
their marks stand in a frame, each copy gets random bytes or letters of its own; checksums are not
mended, since passer does not ask them.
"""
import ctypes
import os
import pathlib
import random
import re
import time
from typing import NamedTuple

import net
import traffic  # noqa: F401  first: it finds hosts
from hosts import ALICE, ALL_MDNS, BOB, RESOLVER, Host, datagram, packet
from support.dns import CACHE_FLUSH, IN, dns, question, rr
from support.link import arp, ether
from support.transport import (
    MSS_1460, neighbour_advertisement, neighbour_solicitation, source_mac, target_mac, tcp)

MARK, LETTERS_MARK = b"\xf1\xf2\xf3\xf4", b"zzzzzzzz"
ANYBODY = Host("02:05:f1:f2:f3:f4", "11.242.243.244", "2001:db8:5::f1f2:f3f4")
ANY_NAME = LETTERS_MARK.decode()

AT_ONCE = 256  # copies: less than the kernel queues for a CPU (net.core.netdev_max_backlog)

MAPPING = re.compile(r"^([0-9a-f]+)-[0-9a-f]+ ...(.) \S+ \S+ \S+ *(.*)$")  # smaps, proc_pid_smaps(5)

_LETTERS = bytes(97 + i % 26 for i in range(256))

_libc = ctypes.CDLL(None, use_errno=True)


def _syn_flood():
    return [packet(ANYBODY, BOB, tcp(40000, 8080, "S", options=MSS_1460))]


def _fake_servers():
    return [packet(ALICE, ANYBODY, tcp(40000, 443, "S", options=MSS_1460), v6=True),
            packet(ANYBODY, ALICE, tcp(443, 40000, "SA", ack=1001, options=MSS_1460), v6=True)]


def _dns_answers():
    name = f"{ANY_NAME}.example.com."
    answer = dns([question(name)], [rr(name, "A", ANYBODY.v4)])
    return [datagram(RESOLVER, ALICE, 53, 41000, answer)]


def _arp_flood():
    return [ether(arp(2, ANYBODY.mac, ANYBODY.v4, ALICE.mac, ALICE.v4), ALICE.mac, ANYBODY.mac)]


def _mdns_instances():
    service, instance = "_ipp._tcp.local.", [ANY_NAME, "_ipp", "_tcp", "local"]
    host = f"{ANY_NAME}.local."
    return [datagram(ANYBODY, ALL_MDNS, 5353, 5353, dns(answers=[
        rr(service, "PTR", instance), rr(instance, "SRV", (0, 0, 631, host)),
        rr(host, "A", ANYBODY.v4, dns_class=IN | CACHE_FLUSH)]))]


def _neighbours():
    solicit = neighbour_solicitation(BOB.v6, source_mac(ANYBODY.mac))
    advertise = neighbour_advertisement(ANYBODY.v6, target_mac(ANYBODY.mac))
    return [packet(ANYBODY, BOB, solicit, v6=True, hop_limit=255),
            packet(ANYBODY, BOB, advertise, v6=True, hop_limit=255)]


class _Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("bytes", ctypes.c_size_t)]


class _Message(ctypes.Structure):
    """struct mmsghdr, sendmmsg(2)."""

    _fields_ = [("name", ctypes.c_void_p), ("name_bytes", ctypes.c_uint32),
                ("parts", ctypes.POINTER(_Iovec)), ("part_count", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("control_bytes", ctypes.c_size_t),
                ("flags", ctypes.c_int), ("sent", ctypes.c_uint32)]


class _Copies:
    """AT_ONCE copies of a frame in one piece of memory."""

    def __init__(self, frame):
        self.length = len(frame)
        self._bytes = bytearray(frame * AT_ONCE)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._bytes))
        self._places = [*self._find(frame, MARK), *self._find(frame, MARK[1:])]
        self._letters = list(self._find(frame, LETTERS_MARK))

    @staticmethod
    def _find(frame, mark):
        """(where, column) of each byte of a mark; columns count backwards: IPv4 has three."""
        at = frame.find(mark)
        while at >= 0:
            yield from ((at + i, i - len(mark)) for i in range(len(mark)))
            at = frame.find(mark, at + 1)

    def fill(self, columns, letters):
        """Gives each copy its own bytes."""
        for places, values in ((self._places, columns), (self._letters, letters)):
            for at, column in places:
                self._bytes[at :: self.length] = values[column]


class Flood:
    """Copies of some frames that belong together, all copies different."""

    def __init__(self, frames, seed=1):
        self._random = random.Random(seed)
        self._copies = [_Copies(frame) for frame in frames]
        count = AT_ONCE * len(frames)
        self._parts = (_Iovec * count)()
        self.messages = (_Message * count)()
        for i in range(count):
            copies = self._copies[i % len(frames)]
            self._parts[i] = _Iovec(copies.address + i // len(frames) * copies.length,
                                    copies.length)
            self.messages[i].parts = ctypes.pointer(self._parts[i])
            self.messages[i].part_count = 1

    def renew(self):
        """Other keys than before."""
        columns = [self._random.randbytes(AT_ONCE) for _ in MARK]
        letters = [self._random.randbytes(AT_ONCE).translate(_LETTERS) for _ in LETTERS_MARK]
        for copies in self._copies:
            copies.fill(columns, letters)


class Flooder(net.Sender):
    """A sender that can flood, too."""

    def flood(self, flood):
        """Sends AT_ONCE new keys, and pauses, so that no queue of the kernel overflows."""
        flood.renew()
        first, count = 0, len(flood.messages)
        while first < count:
            rest = ctypes.byref(flood.messages, first * ctypes.sizeof(_Message))
            done = _libc.sendmmsg(self._socket.fileno(), rest, count - first, 0)
            if done < 0:
                raise OSError(ctypes.get_errno(), "sendmmsg")
            first += done
        self.sent += count
        time.sleep(net.PAUSE_SECONDS)


FLOODS = {
    "syn": _syn_flood, "servers": _fake_servers, "dns": _dns_answers, "arp": _arp_flood,
    "mdns": _mdns_instances, "neighbours": _neighbours,
}


def flood_of(kind, seed=1):
    """One of FLOODS."""
    return Flood(FLOODS[kind](), seed)


def seconds_wanted(usual):
    """How long a run is to last: PASSER_SOAK_SECONDS, or as usual in the test suite."""
    return float(os.environ.get("PASSER_SOAK_SECONDS", usual))


def tame_sanitizer():
    """AddressSanitizer keeps what was freed, and frames of functions that returned: here, little."""
    words = (os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=1",
             "thread_local_quarantine_size_kb=64", "detect_stack_use_after_return=0")
    os.environ["ASAN_OPTIONS"] = ":".join(filter(None, words))


class Memory(NamedTuple):
    """What a sensor has in memory, KiB, without rings: those are the kernel's."""

    supervisor: int  # its own
    workers: int  # their own, all together
    shared: int  # by them, such as the ledger; counted once
    reserved: int  # for what is shared, touched or not


def _mappings(pid):
    """Of a process, if there still is one: (where, is it shared, {what: KiB}), without rings."""
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps").read_text()
    except OSError:
        return
    found = []
    for line in text.splitlines():
        mapping = MAPPING.match(line)
        if mapping:
            found.append((mapping[1], mapping[2] == "s", {}, mapping[3]))
        elif line.endswith(" kB"):
            what, kib, _ = line.split()
            found[-1][2][what[:-1]] = int(kib)
    for place, is_shared, sizes, name in found:
        if not name.startswith("socket:"):
            yield place, is_shared, sizes


def memory(sensor):
    """The memory of a sensor's processes."""
    own, shared, reserved = [], {}, {}
    for pid in (sensor.process.pid, *sensor.workers()):
        own.append(0)
        for place, is_shared, sizes in _mappings(pid):
            if is_shared:
                shared[place] = max(shared.get(place, 0), sizes["Rss"])
                reserved[place] = sizes["Size"]
            else:
                own[-1] += sizes["Private_Dirty"]
    return Memory(own[0], sum(own[1:]), sum(shared.values()), sum(reserved.values()))
