#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything at once, for long: floods, kills, full disks, dead links, SIGHUP, questions. Speaks TAP.

PASSER_SOAK_SECONDS says how long, PASSER_SOAK_SEED what is done in which order; see tools/soak.

A worker that is killed takes the frame in work with it, and `died` counts those. Planted facts are sent
once, also while a worker is killed: no more of them may be missing than frames died, one at most in an
act, since no act kills twice.
"""
import contextlib
import ctypes
import itertools
import os
import pathlib
import pwd
import random
import re
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter

import traffic  # first: it finds hosts
from asking import ask, new_name, passerctl, picture
from flooding import FLOODS, Flooder, Memory, flood_of, memory, seconds_wanted, tame_sanitizer
from hosts import BOB, Host, packet
from live import case, check, check_equal, main
from net import trouble, wire
from sensor import Fault, state_of, wait_until
from support.transport import tcp

SECONDS = seconds_wanted(25)
CLONE_NEWNS = 0x20000
USER = "nobody"
WORKERS = 2
MEMORY_MIB = 20  # so that tables overflow, and soon
RATE = 400  # lines a second of a type, so that floods cannot fill the log; facts are fewer

DISK_BYTES, LOG_BYTES_MAX = 4 << 20, 1 << 20
FACTS_AT_ONCE, FACTS_PAUSE_SECONDS = 16, 0.05  # fewer than the rate lets through
BURSTS_MAX = 60  # of a flood
BEHIND_MAX = 8192  # frames that may wait in the rings
KILL_BURSTS, KILL_SECONDS_MAX = 16, 0.05  # both workers are at work then
STORM = 10
PROFILES = ("names", "macs", "records=TS,DN acks=all", "no-tcp-strings", "profile=all acks=none")

# Between the looks of the second third and of the last one. Workers that were forked behind a reload have
# pages of their own that the others share; floods.py, without reloads, allows them less.
GROWTH_MAX_KIB = Memory(supervisor=8192, workers=16384, shared=4096, reserved=0)

ADDRESS, NAME = r"[0-9a-f.:]{7,39}", r"[a-z_.]+"
FACT = re.compile(r"TC,2001:0db8:0004:0000:0000:0000:([0-9a-f]{4}):([0-9a-f]{4}),TCP_8080,open,")
WHOLE_LINES = re.compile("|".join((
    rf"TC,{ADDRESS},TCP_\d+,open,", rf"TS,{ADDRESS},TCP_\d+,listening,",
    rf"IP,{ADDRESS},IP,live,.*\(\d+ hops away\)", rf"US,{ADDRESS},UDP_\d+,open,(dns|mdns)/server",
    rf"DN,{ADDRESS},(A|PTR|SRV),{NAME},({NAME})?",
    rf"MA,{ADDRESS},Ethernet,02:[0-9A-F:]{{14}},")))


def fact(number):
    """A frame that is like no other: a client of BOB's."""
    address = f"2001:db8:4::{number >> 16:x}:{number & 0xFFFF:x}"
    return packet(Host("02:00:00:00:00:04", "10.4.0.0", address), BOB, tcp(40000, 8080, "S"),
                  v6=True)


def fact_of(line):
    """The number of the fact that a line tells, or None."""
    match = FACT.fullmatch(line)
    return int(match[1] + match[2], 16) if match else None


class Logs:
    """The log and those before it: each fact in one of them, and whole lines only."""

    def __init__(self, path):
        self.path = path
        self.missing = {}  # planted facts that no log had so far, and when that was
        self.lines = 0

    def _take(self, line):
        self.lines += 1
        number = fact_of(line)
        if number is not None:
            check(number in self.missing, f"a fact comes twice: {line}")
            del self.missing[number]
        else:
            check(WHOLE_LINES.fullmatch(line), f"a torn line: {line!r}")

    def read(self, path):
        """Takes what a log holds that is no longer written."""
        text = path.read_text()
        check(text.endswith("\n") or not text, f"it ends in a torn line: {text[-80:]!r}")
        for line in text.splitlines():
            self._take(line)

    def rotate(self):
        """Reads and removes the log before the last one, and renames the present one."""
        older = self.path.with_suffix(".1")
        if older.exists():
            self.read(older)
        self.path.rename(older)

    def read_all(self, died):
        """At the end; so many frames died."""
        for path in (self.path.with_suffix(".1"), self.path):
            if path.exists():
                self.read(path)
        acts = Counter(self.missing.values())
        check(len(self.missing) <= died and all(count == 1 for count in acts.values()),
              f"{len(self.missing)} facts are missing, {died} frames died:",
              *(f"{count} in {act}" for act, count in acts.items()))


class Soak:
    """A sensor and what is done to it. Each act leaves it working, with all frames walked."""

    def __init__(self, lab, seed):
        self.lab = lab
        self.random = random.Random(seed)
        self.numbers = itertools.count()
        self.disk = small_disk(lab)
        self.logs = Logs(self.disk / "log.csv")
        self.here, self.there = lab.namespace(), lab.namespace()
        wire(self.there, self.here)
        self.sender = Flooder(self.there)
        lab.stack.callback(lambda: self.sender.close())  # whichever it is by then
        self.name = new_name(lab)
        self.sensor = lab.sensor(
            self.here, "-i", "eth0", "--name", self.name, "--user", USER, "--workers", WORKERS,
            "--ring-mib", 32, "--max-rate", RATE * WORKERS, "--memory", MEMORY_MIB, "-l",
            self.logs.path, stdout=subprocess.DEVNULL)
        self.sensor.stdout = None
        self.sensor.wait_listening()
        self.floods = [flood_of(kind, seed) for kind in FLOODS if kind != "syn"]  # as facts are
        self.unheard = 0  # frames that were sent while the link was not yet up
        self.kills = 0
        self.doing = "the beginning"
        self.looks = []
        self.descriptors = self._descriptors()

    # ---- What is sent ----

    def total(self, key):
        return picture(self.name)["total"][key]

    def restarts(self):
        return sum(worker["restarts"] for worker in picture(self.name)["workers"])

    def _has_walked(self):
        total = picture(self.name)["total"]
        return (total["seen"] == self.sender.sent - self.unheard and total["waiting"] == 0 and
                total["walked"] == total["handed_out"])

    def settle(self):
        """Waits until all frames are walked."""
        wait_until(self._has_walked, "all frames")

    def plant(self):
        """Facts that were never there, not too many in a second."""
        time.sleep(FACTS_PAUSE_SECONDS)
        self._plant_now()

    def _plant_now(self):
        numbers = list(itertools.islice(self.numbers, FACTS_AT_ONCE))
        self.logs.missing.update(dict.fromkeys(numbers, self.doing))
        self.sender.send([fact(number) for number in numbers])

    def surge(self):
        """Some thousand frames of a flood."""
        flood = self.random.choice(self.floods)
        for _ in range(self.random.randrange(1, BURSTS_MAX)):
            self.sender.flood(flood)
            if self.random.random() < 0.1:
                wait_until(lambda: self.total("waiting") < BEHIND_MAX, "the rings to drain")

    # ---- What is done ----

    def flood(self):
        """Facts in a flood."""
        self.surge()
        self.plant()
        self.surge()
        self.settle()

    def kill(self):
        """A worker dies in a flood of facts, too: some are in its ring, of some it has the lines."""
        before, flood = self.restarts(), self.random.choice(self.floods)
        for number in range(KILL_BURSTS):
            self.sender.flood(flood)
            if number == KILL_BURSTS // 2:
                self._plant_now()
        time.sleep(self.random.uniform(0, KILL_SECONDS_MAX))
        wait_until(lambda: len(self.sensor.workers()) == WORKERS, "both workers")
        pid = self.random.choice(self.sensor.workers())
        with contextlib.suppress(ProcessLookupError):  # it was about to end behind a reload
            os.kill(pid, signal.SIGKILL)
        self.plant()
        self.surge()
        wait_until(lambda: pid not in self.sensor.workers() and
                   len(self.sensor.workers()) == WORKERS, "a new worker")
        self.kills += self.restarts() - before
        self.settle()

    def fill(self):
        """The disk is full for a while, and a worker may die meanwhile."""
        filling, told = self.disk / "filling", len(self.sensor.messages)
        with open(filling, "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)) == 4096:
                    pass
            except OSError:
                pass
        wait_until(lambda: self.plant() or self.sensor.has_message(
            r"passer: error: output: the log file cannot be written: No space .*", told),
            "a full disk")
        self.settle()
        if self.random.random() < 0.5:
            self.kill()
        filling.unlink()
        wait_until(lambda: self.plant() or self.sensor.has_message(
            r"passer: output: the log file is written again; no line is lost", told), "room")
        self.settle()

    def link(self):
        """The cable is pulled at the other end and put in again."""
        before = self._carrier_changes()
        self.there.ip("link set eth0 down")
        wait_until(lambda: self._carrier_changes() > before, "the link to be down")
        self.there.ip("link set eth0 up")
        sent = self.sender.sent
        self.sender.close()
        self.sender = Flooder(self.there)
        self.sender.sent = sent
        before = self.total("seen")
        wait_until(lambda: self.sender.flood(self.floods[0]) or self.total("seen") > before,
                   "the link")
        time.sleep(0.1)  # until the kernel is done with what it has queued
        self.unheard = self.sender.sent - self.total("seen")
        self.settle()

    def _carrier_changes(self):
        return picture(self.name)["interfaces"][0]["carrier_changes"]

    def storm(self):
        """The log is renamed, and SIGHUP comes again and again."""
        loaded = self._loaded()
        self.logs.rotate()
        for _ in range(STORM):
            self.sensor.process.send_signal(signal.SIGHUP)
        self.plant()
        wait_until(lambda: self._loaded() > loaded and self.logs.path.exists(), "the new log")
        self.settle()

    def _loaded(self):
        return sum(text == "passer: databases loaded anew" for text in self.sensor.messages)

    def profile(self):
        """Another profile for a flood."""
        for words in self.random.sample(PROFILES, 2):
            check("error" not in ask(self.name, f"profile {words}"), words)
            self.surge()
        self.settle()
        ask(self.name, "profile all")
        self.plant()
        self.settle()

    def question(self):
        """Whoever asks gets an answer."""
        self.surge()
        for line in ("what-if", "profile"):
            check("error" not in ask(self.name, line), line)
        passerctl("stats", self.name)
        passerctl("stats", self.name, "--prometheus")
        self.settle()

    def look(self):
        """Memory; and the log must not fill the disk by itself."""
        self.looks.append(memory(self.sensor))
        if self.logs.path.stat().st_size > LOG_BYTES_MAX:
            self.storm()

    def live(self, seconds):
        """Does all of it, in a new order each time."""
        acts = [self.flood, self.flood, self.kill, self.kill, self.fill, self.link, self.storm,
                self.profile, self.question]
        self.storm()  # databases that were loaded anew take their place in another way
        end = time.monotonic() + seconds
        while True:
            self.random.shuffle(acts)
            for act in acts:
                self.doing = f"act {len(self.looks)}, {act.__name__}"
                try:
                    act()
                except Fault as fault:
                    raise Fault(f"in {self.doing}:", *fault.args) from None
                self.look()
                if time.monotonic() > end and len(self.looks) >= len(acts):
                    return

    # ---- What must hold ----

    def _descriptors(self):
        return len(os.listdir(f"/proc/{self.sensor.process.pid}/fd"))

    def check_flat(self):
        """The last third of the looks against those before: medians, since reloading takes twice."""
        third = len(self.looks) // 3
        before, after = (Memory(*map(statistics.median_low, zip(*looks)))
                         for looks in (self.looks[third:-third], self.looks[-third:]))
        self.lab.note(f"memory, KiB: {before}, then {after}")
        for name, was, now, most in zip(after._fields, before, after, GROWTH_MAX_KIB):
            check(now - was <= most, f"memory, {name}: {was} KiB have become {now}")

    def check_end(self):
        """What its counters say, and what the logs hold."""
        sensor, total = self.sensor, picture(self.name)["total"]
        check(all(state_of(pid) != "Z" for pid in sensor.workers()), "a zombie")
        check_equal(len(sensor.workers()), WORKERS, "processes")
        check_equal(self._descriptors(), self.descriptors, "descriptors of the supervisor")
        check_equal(self.restarts(), self.kills, "restarts")
        check_equal(sensor.restarts, self.kills, "restarts told")
        check(total["died"] <= self.kills, f"{self.kills} kills, {total['died']} frames died")
        for key in ("ring_drops", "lost_lines", "unwritten", "poisonous"):
            check_equal(total[key], 0, key)
        sensor.stop()
        check_equal(sensor.unaccounted, 0, "unaccounted")
        self.logs.read_all(total["died"])
        self.lab.note(f"{self.sender.sent} frames, {next(self.numbers)} facts, {self.logs.lines} "
                      f"lines, {self.kills} kills with {total['died']} frames, "
                      f"{total['limited']} lines over the rate")


def small_disk(lab):
    """A small file system that the user of the run may write."""
    folder = lab.folder / "disk"
    folder.mkdir()
    lab.folder.chmod(0o755)
    user = pwd.getpwnam(USER)
    options = f"size={DISK_BYTES},uid={user.pw_uid},gid={user.pw_gid},mode=755"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], check=True)
    lab.stack.callback(subprocess.run, ["umount", "-l", folder], check=False)
    return pathlib.Path(folder)


@case
def soak(lab):
    """Whatever is done to it, each fact is in the log once, and memory stays flat"""
    seed = int(os.environ.get("PASSER_SOAK_SEED", random.SystemRandom().randrange(10**6)))
    lab.note(f"PASSER_SOAK_SEED={seed}")
    run = Soak(lab, seed)
    run.live(SECONDS)
    run.check_flat()
    run.check_end()


def in_own_mounts():
    """What is mounted here is gone when this process is."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


if __name__ == "__main__":
    tame_sanitizer()
    if not trouble():
        in_own_mounts()
    sys.exit(main())
