# SPDX-License-Identifier: GPL-3.0-or-later
"""How cost and memory grow: known hosts, start-up, workers."""
import contextlib
import statistics
from typing import NamedTuple

import generate
import live
import offline
import passes
import processes
import report

HOST_COLUMNS = (("hosts", "known hosts"), ("ns_new", "CPU ns/packet, new hosts"),
                ("ns_known", "CPU ns/packet, known hosts"), ("growth", "known, first row = 1"),
                ("rss_mib", "peak RSS MiB"))
START_COLUMNS = (("seconds", "start and end, s"), ("cpu_seconds", "CPU s"),
                 ("rss_mib", "peak RSS MiB"))
WORKER_COLUMNS = (("workers", "workers"), ("own_mib", "own memory of a worker MiB"),
                  ("all_mib", "all processes together MiB"))

RUNS_OF_A_ROUND = 5  # one is over in a second, and memory lies elsewhere in the next
KNOWN_FILES = 3  # of a run: what was asked a moment ago is in no cache


class Captures(NamedTuple):
    """So many hosts: the file in which they are new, and those in which they are known."""

    hosts: int
    packets: int  # of the first
    paths: tuple


def captures_of(bench, hosts):
    report.progress(f"scale: generating {hosts} hosts")
    paths = tuple(str(bench.folder / f"hosts-{hosts}-{number}.pcap")
                  for number in range(1 + KNOWN_FILES))
    packets = generate.new_hosts(paths[0], hosts)
    for seed, path in enumerate(paths[1:]):
        generate.known_hosts(path, hosts, bench.revisits, seed)
    return Captures(hosts, packets, paths)


def undisturbed(values):
    """The lower quartile: what else the machine does only adds."""
    return statistics.quantiles(values, n=4, method="inclusive")[0] if values[1:] else values[0]


def hosts_row(captures, revisits, costs):
    """What a packet costs when its hosts are new, and when they are known."""
    known = [seconds for cost in costs for seconds in cost.cpu_seconds[1:]]
    return {"hosts": captures.hosts,
            "ns_new": undisturbed([cost.cpu_seconds[0] for cost in costs]) * 1e9 / captures.packets,
            "ns_known": undisturbed(known) * 1e9 / revisits,
            "rss_mib": statistics.median(cost.rss_kib for cost in costs) / 1024}


def hosts_rows(bench):
    """All numbers of hosts in turn, as often as wanted; one that cannot be read is left out."""
    every = [captures_of(bench, hosts) for hosts in bench.hosts]
    costs = {captures: [] for captures in every}
    for number in range(bench.rounds * RUNS_OF_A_ROUND):
        report.progress(f"scale: run {number + 1} of {bench.rounds * RUNS_OF_A_ROUND}")
        for captures in every:
            cost = passes.measure(bench.folder, bench.passer, captures.paths)
            if cost:
                costs[captures].append(cost)
            elif number == 0:
                report.progress(f"passer cannot read {captures.hosts} hosts")
    rows = [hosts_row(captures, bench.revisits, runs) for captures, runs in costs.items() if runs]
    for row in rows:
        row["growth"] = report.ratio(row["ns_known"], rows[0]["ns_known"])
    return rows


def start_row(bench):
    """An empty capture: what start and end take, with everything in the cache."""
    empty = str(bench.folder / "empty.pcap")
    with generate.Writer(empty):
        pass
    program = offline.passer(bench.passer)
    offline.measure(bench, program, empty)
    run = offline.alternate(bench, [program], [empty])[program.name, empty]
    return {**run, "rss_mib": run["rss_kib"] / 1024}


def workers_row(bench, cable, workers):
    """Memory of a running sensor, its rings not counted."""
    sensor = live.passer(bench.passer, "passer", "--workers", str(workers), "--ring-mib", "8",
                         cpus="0,1")
    listening = live.Listening(bench, cable, sensor)
    pids = processes.tree(listening.process.pid)
    memory = [processes.memory_kib(pid) for pid in pids]
    listening.stop()
    own = [taken["private"] for taken in memory[1:]] or [0]
    return {"workers": workers, "own_mib": max(own) / 1024,
            "all_mib": sum(taken["pss"] for taken in memory) / 1024}


def workers_rows(bench):
    if live.net.trouble():
        return []
    with contextlib.ExitStack() as stack:
        cable = live.Cable(stack)
        return [workers_row(bench, cable, workers) for workers in (1, 2)]


def run(bench):
    """All rows, by table."""
    return {"start": [start_row(bench)], "hosts": hosts_rows(bench),
            "workers": workers_rows(bench)}
