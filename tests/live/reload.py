#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases loaded anew while packets come. See live.py."""
import signal
import sys

import traffic  # first: it finds hosts
from hosts import ALICE, BOB
from live import case, check, check_equal, check_lines, main, variants

ROUNDS = 4
BATCH = 200

COLUMNS = "id\tstage\tdport\trecord\tdescription\texample\tsource\n"
ROW = 'mine\talways\t7777\tUC\tmine/client\th"00"\tthis test\n'
BAD_ROW = 'bad\talways\tseven\tUC\tmine/client\th"00"\tthis test\n'


@variants(workers=(1, 2))
def nothing_lost(lab, workers):
    """SIGHUP after SIGHUP under traffic: each fact comes out once, and the numbers balance"""
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--workers", workers, "--retire-ms", 5)
    for number in range(ROUNDS):
        sensor.process.send_signal(signal.SIGHUP)
        for part in range(10):
            begin = (number * 10 + part) * BATCH
            sender.send(traffic.facts(range(begin, begin + BATCH)))
        sensor.wait_lines(traffic.fact_lines(range((number + 1) * 10 * BATCH)))
    sensor.wait_message("passer: databases loaded anew")
    sensor.stop()
    check_lines(traffic.only_facts(sensor.lines), traffic.fact_lines(range(ROUNDS * 10 * BATCH)))
    check_equal(sensor.unaccounted, 0, "unaccounted packets")


@case
def new_rows(lab):
    """A row that was added is used; a bad one is named, and the rows from before stay"""
    rows = lab.folder / "own.tsv"
    rows.write_text(COLUMNS)
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--signatures", rows, "--retire-ms", 5)
    rows.write_text(COLUMNS + ROW)
    sensor.process.send_signal(signal.SIGHUP)
    sensor.wait_message("passer: databases loaded anew")
    sender.send([traffic.datagram(ALICE, BOB, 40000, 7777, b"x")])
    sensor.wait_line(f"UC,{ALICE.v4},UDP_7777,open,mine/client")
    rows.write_text(COLUMNS + BAD_ROW)
    sensor.process.send_signal(signal.SIGHUP)
    sensor.wait_message(r"passer: error: 1 bad rows; the old databases stay")
    check(sensor.has_message(rf"passer: .*{rows.name}:2: .*"), "the bad row is not named")
    sender.send([traffic.datagram(BOB, ALICE, 40000, 7777, b"x")])
    sensor.wait_line(f"UC,{BOB.v4},UDP_7777,open,mine/client")
    sensor.stop()


if __name__ == "__main__":
    sys.exit(main())
