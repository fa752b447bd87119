#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of a span port and of fanout, which passer tells with their cure. Speaks TAP."""
import os
import sys

import traffic  # first: it finds hosts
from hosts import ALICE, BOB, Connection
from live import Skipped, case, check, main

CONNECTIONS = 100


def connections():
    """The frames of many connections, those of a connection in a list."""
    for number in range(CONNECTIONS):
        c = Connection(ALICE, BOB, 80, 20000 + number)
        yield [*c.open(), c.segment("client", "FA"), c.segment("server", "FA")]


def is_of(host, frame):
    return frame[6:12] == bytes.fromhex(host.mac.replace(":", ""))


@case
def one_direction(lab):
    """Only what servers say is mirrored"""
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0")
    sender.send([frame for c in connections() for frame in c if is_of(BOB, frame)])
    sensor.stop()
    check(sensor.has_message(r"passer: warning: VLAN 0: 100 % of TCP connections are heard in one "
                             r"direction only: mirror both .*"), "it does not say so")


@case
def both_directions(lab):
    """Of a good port there is nothing to say"""
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--workers", 2)
    sender.send([frame for c in connections() for frame in c])
    sensor.stop()
    check(not sensor.has_message(r"passer: warning: .*"), "it warns of something")


@case
def duplicates(lab):
    """Each frame comes twice"""
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0")
    sender.send([frame for c in connections() for frame in c for _ in range(2)])
    sensor.stop()
    check(sensor.has_message(rf"passer: warning: {4 * CONNECTIONS} frames heard "
                             r"twice: .*"), "it does not say so")


@case
def split_by_cpu(lab):
    """With --fanout cpu, the directions come on different CPUs: it warns while it listens"""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise Skipped("one CPU only")
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--workers", 2, "--fanout", "cpu")
    try:
        for c in connections():
            for frame in c:
                os.sched_setaffinity(0, {cpus[0] if is_of(ALICE, frame) else cpus[1]})
                sender.send([frame])
    finally:
        os.sched_setaffinity(0, cpus)
    sensor.wait_message(r"passer: warning: the two directions of connections reach different "
                        r"workers, .* --fanout host.*")
    sensor.stop()


if __name__ == "__main__":
    sys.exit(main())
