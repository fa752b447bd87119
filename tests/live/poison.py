#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets that kill a worker, or keep it busy for good. Speaks TAP.

They need a build with -Dfaults=true; see src/control/faults.h.
"""
import os
import pathlib
import signal
import sys
import time

import traffic
from asking import new_name, passerctl, picture, wait_total
from hosts import ALICE, BOB
from live import Skipped, case, check, check_equal, check_lines, main, variants
from sensor import wait_until

BATCH = 2000
KILLS = 30
RESTART_MS = 100  # aimed at; noted
RESTART_MS_MAX = 1000  # the bound of the test, on whatever machine
HANG_SECONDS_MAX = 8


def fault(word, number=0):
    """A packet that does harm in an analyzer."""
    return traffic.datagram(ALICE, BOB, 40000 + number, 40001,
                            f"passer-analyzer-fault:{word}".encode())


def started(lab, *options):
    if b"passer-analyzer-fault:" not in pathlib.Path(lab.passer).read_bytes():
        raise Skipped("this build has no faults to plant (-Dfaults=true)")
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
    """A worker that hangs on a packet is killed by the clock, and the packet is kept"""
    _, sender, sensor = started(lab, "--workers", 1)
    began = time.monotonic()
    sender.send([fault("hang")])
    sender.send(traffic.facts(range(BATCH)))
    told = sensor.wait_message(r"passer: warning: worker 0 was killed by signal 9 since it hung on "
                               r"a packet, in the analyzer fault; the packet is in .*")
    lab.note(f"killed after {told - began:.1f} s")
    check(told - began < HANG_SECONDS_MAX, "that is too late")
    sensor.wait_lines(traffic.fact_lines(range(BATCH)))
    sensor.stop()
    check_facts(sensor, range(BATCH))
    check_equal(quarantine(lab).read_bytes().count(b"passer-analyzer-fault:hang"), 1, "kept")


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


if __name__ == "__main__":
    sys.exit(main())
