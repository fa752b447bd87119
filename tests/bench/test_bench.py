#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench itself, no figure of it: test_bench.py PASSER. Speaks TAP."""
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

import generate
import live
import mix
import offline
import report
import golden  # mix makes it importable
from support.layer import checksum

LATE = (1, 253, 254, 10_000)  # cycles: the first, the last of the low word, beyond it

# The last words of each listener, and what they say.
LAST_WORDS = (
    ("tcpdump -w", "tcpdump: listening\n90 packets captured\n100 packets received by filter\n"
     "10 packets dropped by kernel\n", {"delivered": 90, "dropped": 10}),
    ("netsniff-ng", "         100  packets incoming (0 unread on exit)\n"
     "          90  packets passed filter\n          10  packets failed filter (out of space)\n",
     {"delivered": 90, "dropped": 10}),
    ("p0f", "All done. Processed 90 packets.\n", {"delivered": 90}),
    ("prads", "-- libpcap:\n-- Total packets received                 :         100\n"
     "-- Total packets dropped                  :          10\n", {"delivered": 90, "dropped": 10}),
    ("prads", "Killed\n", {}),
)


def checksum_fault(frame):
    """What is wrong with the checksums of an IPv4 frame: of its header, of TCP and of UDP."""
    head = frame[14:34]
    total = struct.unpack_from(">H", frame, 16)[0]
    upper = frame[34 : 14 + total]
    if checksum(head) != 0:
        return "IPv4"
    pseudo = head[12:20] + struct.pack(">xBH", head[9], len(upper))
    return "transport" if head[9] in (6, 17) and checksum(pseudo + upper) != 0 else None


def renumber_faults():
    """Checksums stay right, hosts are new, and no frame changes its length."""
    faults, hosts = [], set()
    templates = [generate.template(frame) for frame in mix.cycle("office", 1)]
    for frame, places in templates:
        for number in LATE:
            made = bytes(generate.renumber((frame, places), number))
            is_ipv4 = made[12:14] == b"\x08\0"
            fault = checksum_fault(made) if is_ipv4 else None
            if fault or len(made) != len(frame):
                faults.append(f"cycle {number}: {fault}: {made.hex()}")
            hosts |= {(number, made[26:30])} if is_ipv4 else set()
    per_cycle = [len({host for number, host in hosts if number == one}) for one in LATE]
    distinct = len({host for _, host in hosts})
    return faults + ([] if distinct == sum(per_cycle) else [f"{distinct} hosts of {per_cycle}"])


def reading_faults(passer):
    """Every frame of every mix is whole and well-formed to passer, and the files hold them all."""
    faults = []
    with tempfile.TemporaryDirectory(prefix="passer-bench-") as folder:
        for name in mix.MIXES:
            path = str(pathlib.Path(folder, f"{name}.pcap"))
            packets = generate.one_cycle(path, name, 2)
            done = subprocess.run([passer, "-r", path], env={**os.environ, "HOME": folder},
                                  capture_output=True, text=True, check=False)
            said = [line for line in done.stderr.splitlines() if "decode" in line]
            walked = re.search(r"passer: (\d+) packets, ", done.stderr)
            if said or not walked or not packets == int(walked[1]) == offline.packets_in(path):
                faults += [f"{name}: {packets} packets", *done.stderr.splitlines()]
    return faults


def words_faults():
    listeners = {listener.name: listener for listener in live.PEERS}
    found = [(name, live.counts_of(listeners[name], said)) for name, said, _ in LAST_WORDS]
    wanted = [(name, counts) for name, _, counts in LAST_WORDS]
    return [] if found == wanted else [f"{found}"]


def report_faults():
    """The median of each figure, and a table without empty columns."""
    runs = [{"name": "a", "x": x, "y": 100 * x} for x in (3, 1, 2)]
    row = report.medians(runs)
    wanted = "\nT\n\n| n | X |\n|---|---|\n| a | 2 |"
    got = report.table("T", [row], (("name", "n"), ("x", "X"), ("z", "Z")))
    return [] if got == wanted and row["y"] == 200 else [got, str(row)]


def main():
    tap = golden.Tap(5)
    tap.point("new hosts, right checksums", renumber_faults())
    tap.point("a mix is the same each time",
              [] if mix.cycle("office") == mix.cycle("office") else ["it is not"])
    tap.point("passer reads every mix to the end", reading_faults(os.path.abspath(sys.argv[1])))
    tap.point("the last words of listeners", words_faults())
    tap.point("medians and tables", report_faults())
    return tap.status()


if __name__ == "__main__":
    sys.exit(main())
