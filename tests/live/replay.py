#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames put on a cable: what passer hears live is what it reads from a file. Speaks TAP."""
import os
import random
import signal
import sys


import traffic
from live import case, check, check_equal, check_lines, check_once, main, variants
from sensor import state_of, wait_until
from support import capture

BATCH = 500
SMALL_BLOCKS = ("--block-kib", 64)
KINDS = {"TS", "TC", "US", "UC", "DN", "MA", "IP"}


def office_file(lab):
    path = lab.folder / "office.pcap"
    path.write_bytes(capture.pcap(traffic.office()))
    return path


def same_lines(lab, *options):
    """Replays the office; the lines of a file and the count of its frames come out."""
    frames = traffic.office()
    wanted = lab.lines_of_file(office_file(lab), *options)
    kinds = {line[:2] for line in wanted}
    check(KINDS <= kinds and len(wanted) > 1000, f"{len(wanted)} lines of {sorted(kinds)}: too few")

    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", *options)
    sender.send(frames)
    sensor.stop()
    check_lines(sensor.lines, wanted)
    check_equal(sensor.packets + sensor.left_out, len(frames), "packets counted")
    check_equal(sensor.dropped, 0, "packets dropped")
    return sensor


@variants(workers=(1, 2))
def same_as_file(lab, workers):
    """Live lines are those of a capture file, and each frame is counted once"""
    sensor = same_lines(lab, "--workers", workers)
    check(sensor.left_out > 500, f"only {sensor.left_out} packets left out")


@case
def same_unlimited(lab):
    """So they are without budgets"""
    same_lines(lab, "--profile", "unlimited", "--workers", 2)


@variants(records=sorted(KINDS))
def same_of_one_type(lab, records):
    """--records TYPE gives the lines of that type that a full run gives"""
    full = [line for line in lab.lines_of_file(office_file(lab)) if line.startswith(records)]
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--workers", 2, "--records", records)
    sender.send(traffic.office())
    sensor.stop()
    check_lines(sensor.lines, full)


@variants(workers=(1, 2))
def same_without_acks(lab, workers):
    """So they are with --acks none, which keeps frames out in the kernel"""
    sensor = same_lines(lab, "--workers", workers, "--acks", "none")
    check(sensor.left_out > 1000, f"only {sensor.left_out} packets left out")


@case
def same_with_expression(lab):
    """So they are with -b"""
    frames = traffic.office()
    words = ("-b", "ip6 or arp or vlan", "--workers", 2)
    wanted = lab.lines_of_file(office_file(lab), *words)
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", *words)
    sender.send(frames)
    sensor.stop()
    check_lines(sensor.lines, wanted)
    check(len(wanted) > 100, f"{len(wanted)} lines: too few")


@variants(workers=(1, 2))
def small_blocks(lab, workers):
    """Many small blocks, the ring gone round several times: each frame once"""
    numbers = range(8000)
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--workers", workers, "--retire-ms", 20,
                           *SMALL_BLOCKS, "--ring-mib", 1)
    for first in range(0, len(numbers), BATCH):
        sender.send(traffic.facts(numbers[first : first + BATCH]))
        sensor.wait_lines(traffic.fact_lines(numbers[first : first + BATCH]))
    sensor.stop()
    check_lines(traffic.only_facts(sensor.lines), traffic.fact_lines(numbers))
    check_equal((sensor.packets, sensor.dropped), (len(numbers), 0), "packets, dropped")


@variants(workers=(1, 2))
def worker_killed(lab, workers):
    """A killed worker's successor goes on in its ring: every line once, every frame counted"""
    before, during, after = range(500), range(500, 1500), range(1500, 2000)
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--workers", workers)
    sender.send(traffic.facts(before))
    sensor.wait_lines(traffic.fact_lines(before))
    killed = sensor.workers()
    check_equal(len(killed), workers, "worker processes")
    for pid in killed:  # in no frame and in no line
        wait_until(lambda pid=pid: state_of(pid) == "S", "a worker to have nothing to do")
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda pid=pid: state_of(pid) == "T", "a worker to stand still")
    sender.send(traffic.facts(during))
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: sensor.restarts == workers, f"{workers} restarts")
    check(not set(killed) & set(sensor.workers()), "a killed worker is still there")
    sender.send(traffic.facts(after))
    sensor.stop()
    check_lines(traffic.only_facts(sensor.lines),
                traffic.fact_lines([*before, *during, *after]))
    check_equal((sensor.packets, sensor.dropped), (2000, 0), "packets, dropped")


@case
def workers_killed_at_work(lab):
    """Workers killed in the middle of their work lose the frame in work at most

    Lines that are just being written may come twice: nobody knows whether the dead one was done.
    """
    kills = 12
    chance = random.Random()
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--workers", 2, "--retire-ms", 1, *SMALL_BLOCKS,
                           "--ring-mib", 64)
    for number in range(kills):
        first = number * BATCH
        sender.send(traffic.facts(range(first, first + BATCH // 2)))
        os.kill(chance.choice(sensor.workers()), signal.SIGKILL)
        sender.send(traffic.facts(range(first + BATCH // 2, first + BATCH)))
        wait_until(lambda done=number + 1: sensor.restarts == done, f"restart {number + 1}")
    sensor.stop()
    lines = traffic.only_facts(sensor.lines)
    missing = kills * BATCH - len(set(lines))
    lab.note(f"{kills} kills: {missing} of {kills * BATCH} lines missing, "
             f"{len(lines) - len(set(lines))} twice")
    check(missing <= kills, f"{missing} lines missing after {kills} kills")
    check(kills * BATCH - sensor.packets <= kills, f"{sensor.packets} packets counted")


if __name__ == "__main__":
    sys.exit(main())
