#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets that kill a worker, or keep it busy for good. Speaks TAP.

They need a build with -Dfaults=true; see src/control/faults.h.
"""
import gzip
import os
import pathlib
import signal
import subprocess
import sys
import time

import traffic
from asking import new_name, passerctl, picture, wait_total
from hosts import ALICE, BOB
from live import Skipped, case, check, check_equal, check_lines, main, variants
from sensor import environment, wait_until
from support import capture

BATCH = 2000
KILLS = 30
RESTART_MS = 100  # aimed at; noted
RESTART_MS_MAX = 1000  # the bound of the test, on whatever machine
HANG_SECONDS = 1.2  # of CPU time, aimed at; noted
HANG_SECONDS_MAX = 10  # the bound of the test, on whatever machine
DEAF_SECONDS_MAX = 18
READERS = 4  # processes that read capture files one after the other, at most


def fault(word, number=0):
    """A packet that does harm in an analyzer."""
    return traffic.datagram(ALICE, BOB, 40000 + number, 40001,
                            f"passer-analyzer-fault:{word}".encode())


def need_faults(lab):
    if b"passer-analyzer-fault:" not in pathlib.Path(lab.passer).read_bytes():
        raise Skipped("this build has no faults to plant (-Dfaults=true)")


def started(lab, *options):
    need_faults(lab)
    name = new_name(lab)
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--name", name, "--quarantine", quarantine(lab),
                           "--retire-ms", 5, "--block-kib", 64, *options)
    return name, sender, sensor


def quarantine(lab):
    return lab.folder / "quarantine.pcapng"


def check_facts(sensor, numbers):
    check_lines(traffic.only_facts(sensor.lines), traffic.fact_lines(numbers))


@variants(workers=(1, 2))
def crash(lab, workers):
    """The packet is kept, its analyzer is named, and no other packet of the ring is lost"""
    name, sender, sensor = started(lab, "--workers", workers)
    sender.send(traffic.facts(range(BATCH)))
    sender.send([fault("crash")])
    sender.send(traffic.facts(range(BATCH, 2 * BATCH)))
    sensor.wait_lines(traffic.fact_lines(range(2 * BATCH)))
    total = picture(name)["total"]
    check_equal((total["poisonous"], total["died"]), (1, 1), "poisonous, died")
    check_equal(picture(name)["analyzers"], [{"name": "fault", "deaths": 1, "is_off": False}],
                "analyzers")
    sensor.stop()
    check_facts(sensor, range(2 * BATCH))
    check(sensor.has_message(
        r"passer: warning: worker . was killed by signal 11 on a packet, in the analyzer fault; "
        rf"the packet is in {quarantine(lab)}; a new one goes on in its ring"), "no such message")
    check_equal(quarantine(lab).read_bytes().count(b"passer-analyzer-fault:crash"), 1, "kept")
    check_equal(sensor.unaccounted, 0, "unaccounted")


@case
def crash_in_no_analyzer(lab):
    """So is a packet that kills the worker before any analyzer gets it; nobody is blamed"""
    name, sender, sensor = started(lab, "--workers", 1)
    sender.send([traffic.datagram(ALICE, BOB, 4, 5, b"passer-fault:crash")] * 5)
    sender.send(traffic.facts(range(BATCH)))
    sensor.wait_lines(traffic.fact_lines(range(BATCH)))
    check_equal(picture(name)["analyzers"], [], "analyzers")
    sensor.stop()
    check_facts(sensor, range(BATCH))
    check_equal(quarantine(lab).read_bytes().count(b"passer-fault:crash"), 5, "kept")


@case
def soon_again(lab):
    """The successor works soon: from the poisonous packet to the line of the one behind it"""
    _, sender, sensor = started(lab, "--workers", 1)
    took = []
    for number in range(4):
        began = time.monotonic()
        sender.send([traffic.datagram(ALICE, BOB, 4, 5, b"passer-fault:crash")] if number else [])
        sender.send(traffic.facts([number]))
        took.append(1000 * (sensor.wait_line(traffic.fact_line(number)) - began))
    usual, *behind = took
    lab.note(f"without a death {usual:.0f} ms, behind one " +
             ", ".join(f"{one:.0f}" for one in behind) + f" ms; aimed at: {RESTART_MS}")
    check(max(behind) < RESTART_MS_MAX, "that is too late")
    sensor.stop()


@case
def hang(lab):
    """A worker that hangs on a packet ends when its CPU time is up, and the packet is kept"""
    _, sender, sensor = started(lab, "--workers", 1)
    began = time.monotonic()
    sender.send([fault("hang")])
    sender.send(traffic.facts(range(BATCH)))
    told = sensor.wait_message(rf"passer: warning: worker 0 was killed by signal {int(signal.SIGXCPU)} "
                               r"since it hung on a packet, in the analyzer fault; the packet is in .*")
    lab.note(f"replaced after {told - began:.2f} s; aimed at: {HANG_SECONDS}")
    check(1 < told - began < HANG_SECONDS_MAX, "that is too soon, or too late")
    sensor.wait_lines(traffic.fact_lines(range(BATCH)))
    sensor.stop()
    check_facts(sensor, range(BATCH))
    check_equal(quarantine(lab).read_bytes().count(b"passer-analyzer-fault:hang"), 1, "kept")


@case
def no_cpu_time_left(lab):
    """A worker that a limit of CPU time ends (ulimit -t) blames no packet and no analyzer"""
    name, sender, sensor = started(lab, "--workers", 1)
    sender.send([fault("wait")])
    wait_total(name, "handed_out", 1)
    os.kill(sensor.workers()[0], signal.SIGXCPU)  # as the kernel does it
    sensor.wait_message(rf"passer: warning: worker 0 was killed by signal {int(signal.SIGXCPU)}, for its "
                        r"CPU time is used up \(ulimit -t\); a new one goes on in its ring")
    sender.send(traffic.facts(range(BATCH)))
    sensor.wait_lines(traffic.fact_lines(range(BATCH)))
    check_equal(picture(name)["total"]["poisonous"], 0, "poisonous")
    check_equal(picture(name)["analyzers"], [], "analyzers")
    sensor.stop()


@case
def hang_unnoticed(lab):
    """One whose own watch does not hear is killed by the supervisor"""
    _, sender, sensor = started(lab, "--workers", 1)
    began = time.monotonic()
    sender.send([fault("deaf")])
    sender.send(traffic.facts(range(BATCH)))
    told = sensor.wait_message(r"passer: warning: worker 0 was killed by signal 9 since it hung on "
                               r"a packet, in the analyzer fault; the packet is in .*")
    lab.note(f"replaced after {told - began:.1f} s")
    check(told - began < DEAF_SECONDS_MAX, "that is too late")
    sensor.wait_lines(traffic.fact_lines(range(BATCH)))
    sensor.stop()


@case
def no_hang(lab):
    """Packets that cost much each, or wait, are no reason; nor is a worker that stands still on one"""
    name, sender, sensor = started(lab, "--workers", 1)
    worker = sensor.workers()
    sender.send([fault("busy", number) for number in range(3)])
    sender.send([fault("wait")])
    sender.send([fault("busy", 4)])
    began = time.monotonic()
    time.sleep(0.3)  # within the first one
    os.kill(worker[0], signal.SIGSTOP)
    time.sleep(3)
    os.kill(worker[0], signal.SIGCONT)
    sender.send(traffic.facts(range(BATCH)))
    wait_total(name, "analysed", BATCH + 5)
    lab.note(f"{time.monotonic() - began:.1f} s")
    check_equal(sensor.workers(), worker, "workers")
    sensor.stop()
    check_facts(sensor, range(BATCH))


@case
def switched_off(lab):
    """An analyzer in which three workers die is switched off for all of them; the others go on"""
    name, sender, sensor = started(lab, "--workers", 2)
    for number in range(3):
        sender.send([fault("crash", number)])
        wait_total(name, "poisonous", number + 1)
    sensor.wait_message(r"passer: warning: analyzer fault: 3 workers died in it within a minute; "
                        r"it is switched off .*")
    sender.send([fault("crash", number) for number in range(20)])
    sender.send(traffic.facts(range(BATCH)))
    sensor.wait_lines(traffic.fact_lines(range(BATCH)))
    check_equal(picture(name)["analyzers"], [{"name": "fault", "deaths": 3, "is_off": True}],
                "analyzers")
    check("analyzer fault: 3 workers died in it; it is switched off" in passerctl("stats", name),
          "passerctl does not say so")
    sensor.stop()
    check_facts(sensor, range(BATCH))


@case
def killed_from_outside(lab):
    """Workers that somebody kills, or stops for a while, blame no packet and no analyzer"""
    name, sender, sensor = started(lab, "--workers", 2)
    for number in range(KILLS):
        sender.send(traffic.facts(range(number * 100, number * 100 + 100)))
        wait_until(lambda: len(sensor.workers()) == 2, "both workers")
        os.kill(sensor.workers()[number % 2], signal.SIGKILL)
        wait_until(lambda number=number: sensor.restarts == number + 1, "the restart")
    wait_until(lambda: len(sensor.workers()) == 2, "both workers")
    stopped = sensor.workers()
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(3)
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    check_equal(picture(name)["total"]["poisonous"], 0, "poisonous")
    check_equal(picture(name)["analyzers"], [], "analyzers")
    check_equal(sensor.workers(), stopped, "workers")
    sensor.stop()


def read(lab, *paths, **how):
    """passer -r: its exit status, its lines and its messages."""
    need_faults(lab)
    command = [lab.passer, "--quarantine", quarantine(lab), "-r", *paths]
    done = subprocess.run(command, env=environment(lab.folder), capture_output=True, check=False,
                          timeout=60, **how)
    return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode().splitlines()


def file_of(lab, name, frames):
    path = lab.folder / name
    content = capture.pcap(frames)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@variants(name=("a.pcap", "a.pcap.gz"))
def crash_in_a_file(lab, name):
    """Reading goes on behind such a packet of a capture file, which is kept; others come once"""
    path = file_of(lab, name, [*traffic.facts(range(BATCH)), fault("crash"),
                               *traffic.facts(range(BATCH, 2 * BATCH))])
    other = file_of(lab, "b.pcap", traffic.facts(range(2 * BATCH, 3 * BATCH)))
    status, lines, messages = read(lab, path, other)
    check_lines(traffic.only_facts(lines), traffic.fact_lines(range(3 * BATCH)))
    check_equal(status, 1, "exit status")
    check_equal(messages[:2], [
        "passer: warning: the reader of files was killed by signal 11 on a packet, in the analyzer "
        f"fault: it was packet {BATCH + 1} of {path}; a new one goes on behind it",
        f"passer: warning: {path}: packet {BATCH + 1} is in {quarantine(lab)}"], "messages")
    check(messages[2].startswith(f"passer: {3 * BATCH + 1} packets, 0 dropped,") and
          messages[2].endswith(" 0 unaccounted"), messages[2])
    check_equal(quarantine(lab).read_bytes().count(b"passer-analyzer-fault:crash"), 1, "kept")


@case
def hang_in_a_file(lab):
    """So it does behind one on which it hangs"""
    path = file_of(lab, "a.pcap", [fault("hang"), *traffic.facts(range(BATCH))])
    _, lines, messages = read(lab, path)
    check_lines(traffic.only_facts(lines), traffic.fact_lines(range(BATCH)))
    check("since it hung on a packet, in the analyzer fault" in messages[0], messages[0])


@case
def switched_off_in_a_file(lab):
    """The analyzer is switched off, so a file with many such packets is read to its end"""
    path = file_of(lab, "a.pcap", [fault("crash", n) for n in range(BATCH)] +
                   traffic.facts(range(BATCH)))
    _, lines, messages = read(lab, path)
    check_lines(traffic.only_facts(lines), traffic.fact_lines(range(BATCH)))
    check_equal(sum("a new one goes on behind it" in text for text in messages), 3, "deaths")
    check(any("analyzer fault: 3 workers died in it" in text for text in messages), *messages)


@case
def too_many_in_a_file(lab):
    """Where no analyzer is to blame, the deaths are bounded, and a line says what was not read"""
    before, behind = range(BATCH), range(BATCH, 2 * BATCH)
    crash = traffic.datagram(ALICE, BOB, 4, 5, b"passer-fault:crash")
    path = file_of(lab, "a.pcap", [*traffic.facts(before), *[crash] * READERS,
                                   *traffic.facts(behind)])
    status, lines, messages = read(lab, path)
    check_lines(traffic.only_facts(lines), traffic.fact_lines(before))
    check_equal(status, 1, "exit status")
    check(any(f"it was packet {BATCH + READERS} of {path}; what is behind it was not read" in text
              for text in messages), *messages)
    check_equal(quarantine(lab).read_bytes().count(b"passer-fault:crash"), READERS - 1, "kept")


@case
def crash_in_a_pipe(lab):
    """Of a pipe what is behind such a packet is lost, and the next file is read"""
    frames = capture.pcap([*traffic.facts(range(BATCH)), fault("crash"), *traffic.facts([BATCH])])
    other = file_of(lab, "b.pcap", traffic.facts(range(2 * BATCH, 3 * BATCH)))
    status, lines, messages = read(lab, "-", other, input=frames)
    check_lines(traffic.only_facts(lines),
                traffic.fact_lines([*range(BATCH), *range(2 * BATCH, 3 * BATCH)]))
    check_equal(status, 1, "exit status")
    check(f"passer: error: -: cannot be read a second time; what is behind packet {BATCH + 1} was "
          "not read" in messages, *messages)


if __name__ == "__main__":
    sys.exit(main())
