# SPDX-License-Identifier: GPL-3.0-or-later
"""How cost and memory grow: known hosts, start-up, workers."""
import contextlib

import generate
import live
import offline
import processes
import report

HOST_COLUMNS = (("hosts", "known hosts"), ("ns_new", "CPU ns/packet, new hosts"),
                ("ns_known", "CPU ns/packet, known hosts"), ("growth", "known, first row = 1"),
                ("rss_mib", "peak RSS MiB"))
START_COLUMNS = (("seconds", "start and end, s"), ("cpu_seconds", "CPU s"),
                 ("rss_mib", "peak RSS MiB"))
WORKER_COLUMNS = (("workers", "workers"), ("own_mib", "own memory of a worker MiB"),
                  ("all_mib", "all processes together MiB"))

PACKETS_MIN = 30_000  # fewer drown in the noise of start and end


def hosts_row(bench, hosts, start):
    """The cost of packets of so many hosts that are known: with them, less without them."""
    revisits = bench.revisits
    first, both = (str(bench.folder / f"hosts-{what}.pcap") for what in ("new", "known"))
    report.progress(f"scale: {hosts} hosts")
    packets = generate.known_hosts(first, hosts, 0)
    generate.known_hosts(both, hosts, revisits)
    program = offline.passer(bench.passer)
    taken = offline.alternate(bench, [program], [first, both])
    new, known = (taken[program.name, path] for path in (first, both))
    is_many = packets >= PACKETS_MIN
    return {"hosts": hosts,
            "ns_new": (new["cpu_seconds"] - start) * 1e9 / packets if is_many else None,
            "ns_known": (known["cpu_seconds"] - new["cpu_seconds"]) * 1e9 / revisits,
            "rss_mib": known["rss_kib"] / 1024}


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
    start = start_row(bench)
    hosts = [hosts_row(bench, count, start["cpu_seconds"]) for count in bench.hosts]
    for row in hosts:
        row["growth"] = report.ratio(row["ns_known"], hosts[0]["ns_known"])
    return {"start": [start], "hosts": hosts, "workers": workers_rows(bench)}
