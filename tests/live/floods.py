#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Floods of things that do not exist: memory stays flat, and what exists is still told. Speaks TAP.

Small tables overflow soon. With PASSER_SOAK_SECONDS they have their usual size, each flood lasts at
least so long, and has more than a million keys.
"""
import fcntl
import os
import subprocess
import sys
import termios
import time
from typing import NamedTuple

import traffic
from asking import new_name, passerctl, picture, total
from flooding import AT_ONCE, Flooder, Memory, flood_of, memory, seconds_wanted, tame_sanitizer
from live import case, check, check_equal, check_lines, main
from net import wire
from sensor import Sensor, wait_until

SECONDS = seconds_wanted(0)
WARM_KEYS, STEP_KEYS = (1 << 20, 1 << 18) if SECONDS else (32 << 10, 12 << 10)
MEMORY_MIB = 192 if SECONDS else 20
LOOK_KEYS = 1024  # between two looks at the sensor: their lines find room in its memory
PIPE_BYTES, UNREAD_BYTES_MAX = 1 << 20, 1 << 18  # as large as can be; what grep may have before it
BEHIND_MAX = 8192  # frames that may wait in the rings
FACTS_AT_ONCE = 8
FACTS_MAX = 60000  # traffic.fact() has numbers for so many

GROWTH_MAX_KIB = Memory(
    supervisor=2048,  # it is asked hundreds of times; what a sanitizer keeps
    workers=128,  # 5 bytes a key would be more
    shared=2048,  # pages of tables and of outputs that were not touched before
    reserved=0)
COST_GROWTH_MAX = 3  # of CPU time a frame; more than noise of a busy machine, less than a list
KEYS_TOLD_MIN = 0.9  # few keys come twice by chance

RATE = 500


class Run(NamedTuple):
    """A sensor in a flood, and who looks after its lines."""

    name: str
    sender: Flooder
    sensor: Sensor
    facts: subprocess.Popen
    path: object
    lines: int  # the pipe between the two

    def is_read(self):
        unread = fcntl.ioctl(self.lines, termios.FIONREAD, bytes(4))
        return int.from_bytes(unread, sys.byteorder) < UNREAD_BYTES_MAX


def started(lab, *options):
    """Its lines go through grep, which keeps the facts: there are millions of others."""
    here, there = lab.namespace(), lab.namespace()
    wire(there, here)
    name, path = new_name(lab), lab.folder / "facts"
    lines, writing = os.pipe()
    lab.stack.callback(os.close, lines)
    fcntl.fcntl(lines, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    with open(path, "wb") as file:
        facts = subprocess.Popen(
            ["grep", "-E", f"^TC,({traffic.FACTS_V4}|{traffic.FACTS_V6})"],
            stdin=lines, stdout=file, env={**os.environ, "LC_ALL": "C"})
    lab.stack.callback(facts.wait)
    try:
        sensor = lab.sensor(here, "-i", "eth0", "--name", name, "--workers", 2, "--block-kib", 64,
                            "--retire-ms", 5, "--ring-mib", 32, "--memory", MEMORY_MIB, *options,
                            stdout=writing)
    finally:
        os.close(writing)
    sensor.wait_listening()
    return Run(name, lab.keep(Flooder(there)), sensor, facts, path, lines)


class Tide:
    """A flood with facts in between."""

    def __init__(self, run, kind):
        self.run = run
        self.flood = flood_of(kind)
        self.keys = self.facts = 0

    def roll(self, keys, seconds):
        """At least so many new keys and so long; returns CPU milliseconds per 1000 frames."""
        name, sender, sensor = self.run[:3]
        before, frames = total(name, "cpu_ms"), sender.sent
        until, end = self.keys + keys, time.monotonic() + seconds
        while self.keys < until or time.monotonic() < end:
            for _ in range(LOOK_KEYS // AT_ONCE):
                sender.flood(self.flood)
            self.keys += LOOK_KEYS
            if self.facts < FACTS_MAX:
                sender.send(traffic.facts(range(self.facts, self.facts + FACTS_AT_ONCE)))
                self.facts += FACTS_AT_ONCE
            wait_until(lambda: total(name, "waiting") < BEHIND_MAX, "the rings to be worked off")
            wait_until(self.run.is_read, "the lines to be read")
        wait_until(lambda: total(name, "walked") == sender.sent, "all frames")
        check_equal(sensor.restarts, 0, "restarts")
        return 1000 * (total(name, "cpu_ms") - before) / (sender.sent - frames)

    def end(self):
        """Stops the sensor; all facts, each once."""
        run = self.run
        run.sensor.stop()
        check_equal(run.facts.wait(), 0, "exit status of grep")
        check_lines(run.path.read_text().splitlines(), traffic.fact_lines(range(self.facts)))
        check_equal((run.sensor.unaccounted, run.sensor.dropped), (0, 0), "unaccounted, dropped")
        check_equal(run.sensor.packets, run.sender.sent, "packets")


def check_flat(lab, before, after, keys):
    """The memory of two looks, with so many new keys in between."""
    lab.note(f"{keys} new keys, " + ", ".join(
        f"{name} {was} and {now} KiB" for name, was, now in zip(after._fields, before, after)))
    for name, was, now, most in zip(after._fields, before, after, GROWTH_MAX_KIB):
        check(now - was <= most, f"memory, {name}: {was} KiB have become {now}")


def check_tables(run, tide, names):
    """Each key had an entry in these tables; there are not more than they hold."""
    for name in names:
        table = picture(run.name)["tables"][name]
        entries, evicted = table["entries"], table["evicted"]
        check(entries <= table["capacity"], f"{entries} {name}, room for {table['capacity']}")
        check(entries + evicted >= tide.keys * KEYS_TOLD_MIN,
              f"{tide.keys} keys, but {entries} {name} and {evicted} evicted")
        check(evicted or tide.keys < table["capacity"] / 2, f"no {name} evicted")


def withstands(lab, kind, *tables):
    """A flood, whose keys go into these tables of the ledger."""
    run = started(lab)
    tide = Tide(run, kind)
    early = tide.roll(WARM_KEYS, SECONDS / 2)
    looks = [memory(run.sensor)]
    for _ in range(2):
        keys = tide.keys
        late = tide.roll(STEP_KEYS, SECONDS / 4)
        looks.append(memory(run.sensor))
        check_flat(lab, *looks[-2:], tide.keys - keys)
    check(looks[-1].reserved <= MEMORY_MIB << 10, f"{looks[-1].reserved} KiB are reserved")
    lab.note(f"{tide.keys} keys, CPU time a frame {early:.1f} and {late:.1f} microseconds")
    check(late <= early * COST_GROWTH_MAX, "a frame takes more and more time")
    check_tables(run, tide, tables)
    evicted = sum(table["evicted"] for table in picture(run.name)["tables"].values())
    tide.end()
    check(not evicted or run.sensor.has_message(r"passer: ledger: \d+ entries made room .*"),
          f"it does not tell of {evicted} evictions")


@case
def spoofed_clients(lab):
    """SYNs of clients that do not exist"""
    withstands(lab, "syn", "facts")


@case
def fake_servers(lab):
    """SYNs and answers of servers that do not exist"""
    withstands(lab, "servers", "services")


@case
def random_subdomains(lab):
    """DNS answers for names that are asked once"""
    withstands(lab, "dns", "facts", "names")


@case
def arp_flood(lab):
    """ARP answers of random MACs for random addresses"""
    withstands(lab, "arp", "hosts")


@case
def mdns_instances(lab):
    """mDNS announcements of random instances on random hosts"""
    withstands(lab, "mdns", "facts", "names")


@case
def neighbours(lab):
    """IPv6 neighbour solicitations and advertisements of random hosts"""
    withstands(lab, "neighbours", "hosts")


@case
def over_the_rate(lab):
    """With --max-rate the lines of a flood are bounded and counted, and the facts still come"""
    run = started(lab, "--max-rate", RATE)
    began = time.monotonic()
    tide = Tide(run, "dns")
    tide.roll(STEP_KEYS, SECONDS / 4)
    seconds = int(time.monotonic() - began) + 2  # the first and the last are not whole
    run.sensor.wait_message(rf"passer: warning: output: more than {RATE} DN lines a second; .*")
    run.sensor.wait_message(r"passer: output: the flood of DN lines is over; \d+ were left out")
    found = picture(run.name)["total"]
    printed, limited = found["printed_by_type"]["DN"], found["limited"]
    lab.note(f"{printed} DN lines in {seconds} s, {limited} left out")
    check(printed <= RATE * seconds, f"{printed} lines in {seconds} s")
    check(printed + limited >= tide.keys * KEYS_TOLD_MIN, "lines are missing")
    check("over --max-rate" in passerctl("stats", run.name), "passerctl does not tell")
    tide.end()


if __name__ == "__main__":
    tame_sanitizer()
    sys.exit(main())
