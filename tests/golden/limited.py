#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit on the size of files (setrlimit(2)) is like a full disk: limited.py PASSER.

Packets that no rule knows are kept in files that may not become so large. passer must come to its
end, not die of a signal, and what is in the files must be whole. Speaks TAP.
"""
import re
import resource
import struct
import sys

import golden
from support import capture

FRAMES = 2000
ETHERTYPE = 0x88B5  # for local experiments (IEEE 802)


def unknown_frames():
    """Frames of a protocol that nobody knows."""
    head = b"\xff" * 6 + bytes.fromhex("000a27000001") + struct.pack(">H", ETHERTYPE)
    return [head + struct.pack(">I", number) + bytes(42) for number in range(FRAMES)]


def limited(limit, run):
    """What run() returns when no process may make a file larger than that."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        return run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def faults(passer, name):
    content = capture.pcap(unknown_frames(), capture.ETHERNET)
    result = limited(len(content) // 2, lambda: golden.run_passer(passer, {"-": content}, ("-u", name)))
    if result.status not in (0, 1) or f"{name}: is cut off at byte" not in result.stderr:
        return [f"exit status {result.status}", *result.stderr.splitlines()]
    again = golden.run_passer(passer, {name: result.made[name]})
    if again.status != 0 or not re.search(r"^passer: [1-9]\d* packets", again.stderr, re.MULTILINE):
        return ["what was kept cannot be read", *again.stderr.splitlines()]
    return []


def main(passer):
    tap = golden.Tap(2)
    for name in ("unhandled.pcap", "unhandled.pcapng"):
        tap.point(f"{name}: up to the limit", faults(passer, name))
    return tap.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
