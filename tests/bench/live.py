# SPDX-License-Identifier: GPL-3.0-or-later
"""Listeners on one end of a cable in a namespace of its own, under as many frames as can be made.

The generator hands frames to the stack of the listener's end as if they had been received, on CPU
0; the listener has CPU 1. CPU seconds are those of the generator, in whose context the stack runs,
of the listener, and of ksoftirqd. The bare stack, with nobody listening, is measured as a row and
taken from the others.
"""
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

import generate
import mix
import offline
import processes
import report

sys.path.append(str(mix.TESTS / "live"))

import net  # noqa: E402

GENERATOR_CPU, LISTENER_CPU = "0", "1"
RING_MIB = 64
DEADLINE_SECONDS = 20
SETTLE_SECONDS = 0.5

COLUMNS = (
    ("mix", "frames"), ("program", "listener"), ("mpps", "Mframes/s"), ("delivered", "delivered"), ("records", "records"),
    ("dropped", "dropped"), ("cpu", "CPU s/M frames"), ("own", "without the bare stack"),
    ("own_ratio", "that, tcpdump = 1"), ("b_ratio", "that, A = 1"),
)
BASE, YARDSTICK = "bare stack", "tcpdump -w"


class Mix(NamedTuple):
    """Frames of one length, and after how many cycles their hosts come again."""

    name: str
    frames: str
    cycles: int


NEVER = 1 << 31
MIXES = (Mix("1400, hosts known", "1400", 2), Mix("60, hosts known", "60", 2),
         Mix("1400, hosts new", "1400", NEVER))


class Listener(NamedTuple):
    """A program that listens on eth0, and where its last words have its counts."""

    name: str
    command: tuple
    counts: str | None = None  # groups: delivered or received (dropped ones, too), dropped
    cpus: str = LISTENER_CPU


PASSER_COUNTS = (r"passer: (?P<delivered>\d+) packets, (?P<dropped>\d+) dropped, "
                 r"\d+ left out by the filter, (?P<records>\d+) records")

PEERS = (
    Listener(YARDSTICK,
             ("tcpdump", "-n", "-i", "eth0", "-B", str(RING_MIB << 10), "-w", "/dev/null"),
             r"(?P<delivered>\d+) packets captured(?s:.*?)(?P<dropped>\d+) packets dropped"),
    # Without a size its ring takes a quarter of a second to make, and nothing into it.
    Listener("netsniff-ng", ("netsniff-ng", "--in", "eth0", "--out", "/dev/null", "--silent",
                             "--ring-size", f"{RING_MIB}MiB"),
             r"(?P<delivered>\d+) +packets passed filter(?s:.*?)(?P<dropped>\d+) +packets failed"),
    Listener("p0f", ("p0f", "-i", "eth0", "-o", "{folder}/p0f-live.log"),
             r"Processed (?P<delivered>\d+) packets"),
    Listener("prads", ("prads", "-i", "eth0", "-l", "{folder}/prads-live.log"),
             r"Total packets received +: +(?P<received>\d+)\n.*dropped +: +(?P<dropped>\d+)"),
)


def passer(words, name, *options, cpus=LISTENER_CPU):
    command = (*words, "-i", "eth0", "--ring-mib", str(RING_MIB), "--cpus", cpus, *options)
    return Listener(name, command, PASSER_COUNTS, cpus)


def passers(words):
    """passer by what it keeps of bulk data, with one and two workers."""
    for workers, cpus in (("1", LISTENER_CPU), ("2", f"{LISTENER_CPU},{GENERATOR_CPU}")):
        for acks in ("none", "4", "all"):
            yield passer(words, f"passer --acks {acks} --workers {workers}", "--acks", acks,
                         "--workers", workers, cpus=cpus)


class Cable:
    """Two namespaces and a cable; frames arrive at `here`."""

    def __init__(self, stack):
        self.here, self.there = net.Namespace(), net.Namespace()
        stack.callback(self.here.close)
        stack.callback(self.there.close)
        net.wire(self.there, self.here)

    def is_heard(self):
        """Is there a packet socket that runs? Its column R; packet(7)."""
        with self.here:
            rows = pathlib.Path("/proc/thread-self/net/packet").read_text().splitlines()[1:]
        return any(row.split()[5] == "1" for row in rows)


def generator(bench, cable, path, cycles):
    """Sends; what it took. The fall-back is slower and has the same hosts again and again."""
    count = bench.frames
    pinned = ("taskset", "-c", GENERATOR_CPU)
    try:
        done = cable.here.run(*pinned, bench.generator, "eth0", path, str(count),
                              str(cycles))
        return json.loads(done.stdout)
    except subprocess.CalledProcessError as error:
        report.progress(f"{error.stderr.strip()}; tcpreplay instead")
    loops = max(1, count // offline.packets_in(path))
    with cable.there:
        run = offline.measure(bench, offline.Program("tcpreplay", (
            *pinned, "tcpreplay", "--quiet", "--topspeed", "--preload-pcap", f"--loop={loops}",
            "--intf1=eth0", path)), path)
    if run is None:
        raise SystemExit("bench: neither the generator nor tcpreplay can send here")
    return {"sent": loops * offline.packets_in(path), **run}


def counts_of(listener, said):
    """Frames delivered and dropped, as far as the program tells."""
    found = re.search(listener.counts, said)
    counts = {key: int(value) for key, value in found.groupdict().items()} if found else {}
    if "received" in counts:
        counts["delivered"] = counts.pop("received") - counts["dropped"]
    return counts


class Listening:
    """A listener that runs."""

    def __init__(self, bench, cable, listener):
        words = [word.format(folder=bench.folder) for word in listener.command]
        self.listener = listener
        self._said = tempfile.TemporaryFile("w+")
        with cable.here:
            self.process = subprocess.Popen(
                ["taskset", "-c", listener.cpus, *words], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if listener.counts == PASSER_COUNTS else self._said,
                stderr=self._said, env={**os.environ, "HOME": str(bench.folder)})
        self._wait(cable)

    def _wait(self, cable):
        end = time.monotonic() + DEADLINE_SECONDS
        while not cable.is_heard() and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(SETTLE_SECONDS)

    @property
    def runs(self):
        return self.process.poll() is None

    def cpu_seconds(self):
        return processes.cpu_seconds(processes.tree(self.process.pid))

    def work_off(self):
        """Waits until it has nothing more to do."""
        end = time.monotonic() + DEADLINE_SECONDS
        before = -1.0
        while (now := self.cpu_seconds()) - before > 0.01 and time.monotonic() < end:
            before = now
            time.sleep(0.2)

    def stop(self):
        """Ends it; its counts, and what it said."""
        if self.runs:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._said.seek(0)
        with self._said:
            said = self._said.read()
        return counts_of(self.listener, said), said


def measure(bench, cable, listener, path, cycles):
    """One run; None when the program does not listen, and a word about why."""
    threads = processes.softirq_threads()
    listening = Listening(bench, cable, listener) if listener.command else None
    if listening and not listening.runs:
        _, said = listening.stop()
        report.progress(f"{listener.name} does not listen: {said.strip().splitlines()[-1:]}")
        return None
    before = processes.cpu_seconds(threads) + (listening.cpu_seconds() if listening else 0)
    sent = generator(bench, cable, path, cycles)
    if listening:
        listening.work_off()
    after = processes.cpu_seconds(threads) + (listening.cpu_seconds() if listening else 0)
    counts, _ = listening.stop() if listening else ({}, "")
    million = sent["sent"] / 1e6
    used = sent["cpu_seconds"] + after - before
    return {"mpps": million / sent["seconds"], "cpu": used / million,
            **{key: count if key == "records" else count / sent["sent"]
               for key, count in counts.items()}}


def rows_of(name, listeners, runs):
    """A row for each listener, with the bare stack taken out and against the yardstick."""
    taken = {listener.name: report.medians(runs[listener.name]) for listener in listeners
             if runs[listener.name]}
    base = taken[BASE]["cpu"]
    yardstick, first = taken.get(YARDSTICK), taken.get("A")
    for program, figures in taken.items():
        own = figures["cpu"] - base
        row = {"mix": name, "program": program, **figures}
        if program != BASE:
            row["own"] = own
            row["own_ratio"] = report.ratio(own, yardstick["cpu"] - base) if yardstick else None
            row["b_ratio"] = report.ratio(own, first["cpu"] - base) if first else None
            row["cpu_runs"] = [run["cpu"] for run in runs[program]]
        yield row


def run_mix(bench, cable, mix_row, listeners):
    """All listeners in turn under one mix."""
    path = str(bench.folder / f"{mix_row.frames}.pcap")
    generate.one_cycle(path, mix_row.frames, rounds=100)
    runs = {listener.name: [] for listener in listeners}
    for number in range(bench.rounds):
        report.progress(f"live: {mix_row.name}, round {number + 1} of {bench.rounds}")
        for listener in [one for one in listeners if number == 0 or runs[one.name]]:
            run = measure(bench, cable, listener, path, mix_row.cycles)
            if run:
                runs[listener.name].append(run)
    return list(rows_of(mix_row.name, listeners, runs))


def run(bench, listeners):
    """All rows; none without root."""
    why = net.trouble()
    if why:
        report.progress(f"live: left out: {why}")
        return []
    listeners = [Listener(BASE, ()), *listeners]
    with contextlib.ExitStack() as stack:
        cable = Cable(stack)
        return [row for mix_row in MIXES for row in run_mix(bench, cable, mix_row, listeners)]
