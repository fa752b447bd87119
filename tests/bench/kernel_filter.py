# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filter in the kernel takes for a frame, by the kernel's own count of time and runs.

kernel.bpf_stats_enabled is switched on for the while of it: two looks at the clock for each run of
any eBPF program, which are in the figure.
"""
import contextlib
import json
import pathlib
import shutil
import subprocess

import generate
import live
import report

COLUMNS = (("mix", "frames"), ("program", "listener"), ("ns", "filter, ns/frame"), ("runs", "runs"))
STATS = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
ACKS = ("none", "4", "all")


@contextlib.contextmanager
def counting():
    """The kernel counts time and runs of eBPF programs."""
    before = STATS.read_text()
    STATS.write_text("1\n")
    try:
        yield
    finally:
        STATS.write_text(before)


def filter_counts():
    """(nanoseconds, runs) of the filters that are loaded, over all of their rings."""
    done = subprocess.run(["bpftool", "--json", "prog", "show"], capture_output=True, text=True,
                          check=True)
    rows = [row for row in json.loads(done.stdout) if row.get("name", "").startswith("passer_filter")]
    # What is called at a frame's tail is in the time of its caller.
    return (sum(row.get("run_time_ns", 0) for row in rows), sum(row.get("run_cnt", 0) for row in rows))


def row_of(bench, cable, listener, path, mix_row):
    listening = live.Listening(bench, cable, listener)
    if not listening.runs:
        listening.stop()
        return None
    before = filter_counts()
    live.generator(bench, cable, path, mix_row.cycles)
    ns, runs = (after - earlier for after, earlier in zip(filter_counts(), before))
    listening.stop()
    return {"mix": mix_row.name, "program": listener.name, "ns": ns / runs if runs else None,
            "runs": runs}


def run(bench, words):
    """A row for each mix and budget; none where the kernel does not count."""
    if live.net.trouble() or not STATS.exists() or not shutil.which("bpftool"):
        report.progress("filter: left out: needs root, bpftool and kernel.bpf_stats_enabled")
        return []
    rows = []
    with contextlib.ExitStack() as stack:
        cable = live.Cable(stack)
        stack.enter_context(counting())
        for mix_row in live.MIXES:
            path = str(bench.folder / f"{mix_row.frames}.pcap")
            generate.one_cycle(path, mix_row.frames, rounds=100)
            report.progress(f"filter: {mix_row.name}")
            for acks in ACKS:
                rows.append(row_of(bench, cable, live.passer(
                    words, f"passer --acks {acks}", "--acks", acks, "--workers", "1"), path, mix_row))
    return [row for row in rows if row]
