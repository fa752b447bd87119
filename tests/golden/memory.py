#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""--memory bounds what passer maps for itself; what found no room is counted and told. Speaks TAP.

    memory.py PASSER
"""
import csv
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import golden
from support import capture
from support.link import arp, ether

MIB = 1 << 20
SIZE = 8  # MiB
HOSTS = 20000  # more than its table has room for then
WAIT_SECONDS = 20


def mac(number):
    return f"02:00:00:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


def many_hosts():
    """ARP replies of many hosts, a second apart."""
    for number in range(HOSTS):
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        yield ether(arp(2, mac(number), address, mac(0), "10.0.0.2"), src=mac(number))


def mapped(pid):
    """Bytes of shared memory without a file that a process has mapped."""
    total = 0
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, rights, *_ = line.split()
        if rights == "rw-s" and "/dev/zero" in line:
            first, last = (int(end, 16) for end in span.split("-"))
            total += last - first
    return total


def mapping_faults(passer):
    """What a passer has mapped that waits for a capture on its standard input."""
    command = [os.path.abspath(passer), "--service-probes", golden.PROBES, "--p0f", golden.SYSTEMS,
               "--memory", str(SIZE), "-r", "-"]
    with tempfile.TemporaryDirectory(prefix="passer-memory-") as folder, subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            cwd=folder, env={**os.environ, "HOME": folder}) as process:
        end = time.monotonic() + WAIT_SECONDS
        total, before = 0, -1
        while (total == 0 or total != before) and time.monotonic() < end:
            before = total
            time.sleep(0.5)
            total = mapped(process.pid)
        process.communicate(capture.pcap([]))
    if SIZE * MIB // 2 < total <= SIZE * MIB:
        return []
    return [f"{total} bytes are mapped with --memory {SIZE}"]


def asked_too_little(passer):
    """The result of it, and the least that it names."""
    result = golden.run_passer(passer, {golden.CAPTURE: capture.pcap([])}, ("--memory", "1"))
    named = re.fullmatch(r"passer: error: --memory 1: too little for 1 worker; "
                         r"the least is (\d+)\n", result.stderr)
    return result, named[1] if named else "1"


def too_little_faults(refused, run):
    """One line that names the least, which then is enough."""
    if refused.status != 2 or run.status != 0:
        return [f"exit status {refused.status}, then {run.status}", *refused.stderr.splitlines()]
    return []


def run_short(passer, least):
    return golden.run_passer(passer, {golden.CAPTURE: capture.pcap(many_hosts())},
                             ("--memory", least, "--stats", "stats.csv"))


def eviction_faults(result):
    """Counted in --stats and told, with the cure, once."""
    if "stats.csv" not in result.made:
        return ["no stats.csv"]
    rows = list(csv.DictReader(result.made["stats.csv"].decode().splitlines()))
    evicted = int(rows[-1]["hosts_evicted"])
    faults = []
    if not HOSTS // 2 < evicted < HOSTS or rows[-1]["scope"] != "sum":
        faults.append(f"hosts_evicted {evicted} of {HOSTS}")
    told = [line for line in result.stderr.splitlines() if "--memory gives" in line]
    wanted = (f"passer: warning: ledger: the table of hosts is too small: {evicted} entries found "
              "no room or made room for others; --memory gives it more",
              f"passer: ledger: {evicted} entries made room for others; what they held may be "
              "printed again; --memory gives tables more room")
    if told != list(wanted):
        faults += ["stderr:", *result.stderr.splitlines()]
    return faults


def usual_faults(passer):
    """Without --memory there is room for all."""
    result = golden.run_passer(passer, {golden.CAPTURE: capture.pcap(many_hosts())})
    lines = len(result.stdout.splitlines())
    if lines == HOSTS and "--memory" not in result.stderr:
        return []
    return [f"{lines} lines of {HOSTS}", *result.stderr.splitlines()]


def main():
    (passer,) = sys.argv[1:]
    refused, least = asked_too_little(passer)
    short = run_short(passer, least)
    tap = golden.Tap(4)
    tap.point("memory: no more is mapped than --memory allows", mapping_faults(passer))
    tap.point("memory: too little is one line that names the least",
              too_little_faults(refused, short))
    tap.point("memory: what made room is counted and told once", eviction_faults(short))
    tap.point("memory: the default has room", usual_faults(passer))
    return tap.status()


if __name__ == "__main__":
    sys.exit(main())
