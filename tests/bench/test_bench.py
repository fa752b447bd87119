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
import passes
import report
import scale
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


def addresses_in(path):
    """The pairs of addresses of a capture of IPv4."""
    with open(path, "rb") as file:
        data = file.read()
    at, found = len(generate.PCAP_HEAD), set()
    while at < len(data):
        size = struct.unpack_from("<L", data, at + 8)[0]
        found.add(data[at + 16 + 26 : at + 16 + 34])
        at += 16 + size
    return found


def known_faults():
    """Who is in a capture of known hosts is in that of new ones; another seed draws others."""
    with tempfile.TemporaryDirectory(prefix="passer-bench-") as folder:
        path = str(pathlib.Path(folder, "hosts.pcap"))
        generate.new_hosts(path, 2000)
        new = addresses_in(path)
        drawn = []
        for seed in range(2):
            generate.known_hosts(path, 2000, 500, seed)
            drawn.append(addresses_in(path))
    strangers = [pair.hex() for pair in drawn[0] | drawn[1] if pair not in new]
    return strangers + (["always the same"] if drawn[0] == drawn[1] else [])


def passes_faults(passer):
    """A file's cost is told from that of its neighbours, and a run that fails is none."""
    with tempfile.TemporaryDirectory(prefix="passer-bench-") as name:
        folder = pathlib.Path(name)
        few, many = (str(folder / f"{hosts}.pcap") for hosts in (250, 20_000))
        for path, hosts in ((few, 250), (many, 20_000)):
            generate.new_hosts(path, hosts)
        cost = passes.measure(folder, [passer], [few, many, few])
        failed = [passes.measure(folder, words, [few])
                  for words in ([passer, "--no-such-option"], ["false"])]
        failed.append(passes.measure(folder, [passer], [str(folder / "absent.pcap")]))
    is_told = cost and len(cost.cpu_seconds) == 3 and cost.rss_kib > 0 and (
        cost.cpu_seconds[1] > 5 * max(cost.cpu_seconds[0], cost.cpu_seconds[2]) > 0)
    return ([] if is_told else [str(cost)]) + [str(one) for one in failed if one is not None]


def hosts_row_faults():
    """New and known hosts by packet, and what disturbs a few runs does not show."""
    costs = [passes.Cost([0.004 * slow, 0.001 * slow, 0.001], 2048) for slow in (1, 1, 9)]
    wanted = {"hosts": 7, "ns_new": 2000.0, "ns_known": 1000.0, "rss_mib": 2.0}
    row = scale.hosts_row(scale.Captures(7, 2000, ()), 1000, costs)
    got = {key: round(value, 6) for key, value in row.items()}
    alone = scale.hosts_row(scale.Captures(7, 2000, ()), 1000, costs[:1])  # all others failed
    return [str(one) for one, is_right in (
        (row, got == wanted), (alone, round(alone["ns_new"], 6) == 2000.0)) if not is_right]


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
    tap = golden.Tap(8)
    passer = os.path.abspath(sys.argv[1])
    tap.point("new hosts, right checksums", renumber_faults())
    tap.point("a mix is the same each time",
              [] if mix.cycle("office") == mix.cycle("office") else ["it is not"])
    tap.point("known hosts were new before", known_faults())
    tap.point("passer reads every mix to the end", reading_faults(passer))
    tap.point("the cost of each file of a run", passes_faults(passer))
    tap.point("known hosts, undisturbed", hosts_row_faults())
    tap.point("the last words of listeners", words_faults())
    tap.point("medians and tables", report_faults())
    return tap.status()


if __name__ == "__main__":
    sys.exit(main())
