#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loss ledger: whatever happens, the counters balance from NIC to record. Speaks TAP."""
import csv
import os
import pathlib
import random
import signal
import sys
import threading
import time
from typing import NamedTuple

import net
import traffic
from asking import ask, new_name, picture, wait_total
from live import case, check, check_equal, check_lines, main, variants
from sensor import Sensor, state_of, wait_until
from support import capture
from support.link import ether, tagged

BATCH = 500
TINY_RING = ("--ring-mib", 1, "--block-kib", 64, "--retire-ms", 5)
LOCAL_ETHERTYPE = 0x88B5  # for experiments (IEEE 802)
TICK_SECONDS = 1  # after two of them a loss shows in a running sensor


class Run(NamedTuple):
    """A sensor under a name of its own, what it hears, and its file of counters."""

    name: str
    sender: net.Sender
    sensor: Sensor
    stats: pathlib.Path


def started(lab, *options, cable=None):
    """A sensor at one end of a cable, the sender at the other."""
    name = new_name(lab)
    sender, here = cable or lab.wired()
    stats = lab.folder / f"{name}.csv"
    sensor = lab.listening(here, "-i", "eth0", "--name", name, "--stats", stats, *options)
    return Run(name, sender, sensor, stats)


def rows_of(path):
    with path.open(newline="", encoding="ascii") as file:
        return list(csv.DictReader(file))


def check_balance(run, sent):
    """At its end: every frame is walked, left out or dropped, and nothing is unaccounted for."""
    run.sensor.stop()
    check_equal(run.sensor.unaccounted, 0, "unaccounted")
    last = rows_of(run.stats)[-1]
    found = {key: int(value) for key, value in last.items() if value.isdigit()}
    check_equal(found["unaccounted"], 0, "unaccounted in the last line")
    check_equal(found["seen"], sent, "seen")
    check_equal(found["unwanted"] + found["filter_dropped"] + found["ring_drops"] +
                found["walked"] - found["from_files"], sent, "packets counted")


def stand_still(sensor):
    """Stops the workers when they have nothing to do; gives their pids."""
    pids = sensor.workers()
    for pid in pids:
        wait_until(lambda pid=pid: state_of(pid) == "S", "a worker to have nothing to do")
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda pid=pid: state_of(pid) == "T", "a worker to stand still")
    return pids


@variants(workers=(1, 2))
def ring_overrun(lab, workers):
    """Rings that overflow: drops are seen while it happens, and all is accounted for"""
    run = started(lab, "--workers", workers, *TINY_RING)
    name, sender, sensor, _ = run
    pids = stand_still(sensor)
    frames = traffic.facts(range(15000 * workers))
    sender.send(frames)
    found = wait_total(name, "seen", len(frames))
    total = found["total"]
    check(total["ring_drops"] > 1000, f"only {total['ring_drops']} dropped")
    check(total["ring_freezes"] >= workers, f"{total['ring_freezes']} freezes")
    check_equal(total["waiting"] + total["ring_drops"], len(frames), "waiting and dropped")
    check_equal(total["walked"], 0, "walked")
    check_equal(found["interfaces"][0]["rx_packets"], len(frames), "received by the interface")
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: picture(name)["total"]["waiting"] == 0, "the rings to be worked off")
    time.sleep(2 * TICK_SECONDS)
    total = picture(name)["total"]
    check_equal(total["walked"] + total["ring_drops"], len(frames), "walked and dropped")
    for ring in picture(name)["rings"]:
        geometry = ring["geometry"]
        check(ring["blocks_waiting_max"] == geometry["blocks"] == 16,
              f"{ring['blocks_waiting_max']} of {geometry['blocks']} blocks waited")
        check_equal(geometry["block_bytes"], 64 << 10, "bytes of a block")
        check_equal(geometry.get("fanout"), "host" if workers > 1 else None, "fanout")
    check_balance(run, len(frames))
    check_equal(sensor.dropped, total["ring_drops"], "packets dropped")
    check(sensor.has_message(r"passer: warning: \d+ packets found the ring full, .*"),
          "it does not say what helps")


@variants(workers=(1, 2))
def never_a_false_loss(lab, workers):
    """Asked again and again under traffic, it never speaks of loss; packets only become more"""
    run = started(lab, "--workers", workers, "--block-kib", 64, "--retire-ms", 2,
                  "--ring-mib", 16)
    name, sender, sensor, _ = run
    frames = traffic.office() * 8
    stream = threading.Thread(target=sender.send, args=(frames,))
    stream.start()
    asked, before = 0, None
    while stream.is_alive():
        total = picture(name)["total"]
        for key in ("seen", "ring_packets", "handed_out", "analysed", "offered", "lines"):
            check(before is None or total[key] >= before[key], f"{key} became less")
        asked, before = asked + 1, total
    stream.join()
    lab.note(f"--workers {workers}: asked {asked} times while {len(frames)} frames came")
    check(asked > 20, f"asked {asked} times only")
    check_balance(run, len(frames))


@variants(workers=(1, 2))
def workers_killed(lab, workers):
    """Workers that are killed in work: the frame that dies with each is accounted for"""
    kills, chance = 8, random.Random()
    run = started(lab, "--workers", workers, "--retire-ms", 1, "--block-kib", 64)
    name, sender, sensor, _ = run
    for number in range(kills):
        first = number * BATCH
        sender.send(traffic.facts(range(first, first + BATCH // 2)))
        os.kill(chance.choice(sensor.workers()), signal.SIGKILL)
        sender.send(traffic.facts(range(first + BATCH // 2, first + BATCH)))
        wait_until(lambda done=number + 1: sensor.restarts == done, f"restart {number + 1}")
        picture(name)
    found = wait_total(name, "handed_out", kills * BATCH)
    time.sleep(2 * TICK_SECONDS)
    found = picture(name)
    check_equal(sum(worker["restarts"] for worker in found["workers"]), kills, "restarts")
    check(found["total"]["died"] <= kills, f"{found['total']['died']} frames died")
    lab.note(f"{kills} kills: {found['total']['died']} frames were in work")
    check_balance(run, kills * BATCH)


@case
def worker_killed_while_nobody_reads(lab):
    """A reader stands still: the worker goes on; killed then, it leaves numbers that balance"""
    reading, writing = os.pipe()
    name = new_name(lab)
    sender, here = lab.wired()
    sensor = lab.sensor(here, "-i", "eth0", "--workers", 1, "--name", name, stdout=writing)
    os.close(writing)
    sensor.wait_listening()
    sender.send(traffic.facts(range(8000)))  # more lines than a pipe holds
    wait_total(name, "walked", 8000)
    os.kill(sensor.workers()[0], signal.SIGKILL)
    os.close(reading)
    wait_until(lambda: sensor.process.poll() is not None, "its end")
    sensor.wait_end()
    check_equal(sensor.unaccounted, 0, "unaccounted")


@variants(workers=(1, 2))
def down_and_up(lab, workers):
    """An interface goes down and comes up: counters go on"""
    here, there = lab.namespace(), lab.namespace()
    net.wire(there, here)
    sender = lab.keep(net.Sender(there))
    run = started(lab, "--workers", workers, cable=(sender, here))
    name, sender, sensor, _ = run
    heard = 0
    for number in range(3):
        before = picture(name)["total"]["seen"]
        wait_until(lambda: hears(name, sender, before), "the interface to be heard")
        seen = picture(name)["total"]["seen"]
        sender.send(traffic.facts(range(BATCH)))
        wait_total(name, "seen", seen + BATCH)
        here.ip("link set eth0 down")
        wait_until(lambda: not picture(name)["interfaces"][0]["is_up"], "it to be down")
        here.ip("link set eth0 up")
        wait_until(lambda: picture(name)["interfaces"][0]["is_up"], "it to be up")
        heard = picture(name)["total"]["seen"]
        check(heard >= (number + 1) * BATCH, f"{heard} heard")
    check(picture(name)["interfaces"][0]["carrier_changes"] >= 3, "carrier changes")
    check_balance(run, heard)


def hears(name, sender, before):
    sender.send(traffic.facts([0]))
    time.sleep(0.02)
    return picture(name)["total"]["seen"] > before


@variants(workers=(1, 2))
def gone_and_back(lab, workers):
    """An interface is deleted and made anew: what its closed rings counted is still there"""
    here, there = lab.namespace(), lab.namespace()
    net.wire(there, here)
    run = started(lab, "--workers", workers, cable=(lab.keep(net.Sender(there)), here))
    name, sender, sensor, _ = run
    sent = 0
    for number in range(3):
        sender.send(traffic.facts(range(BATCH)))
        sent += BATCH
        found = wait_total(name, "handed_out", sent)
        received = found["interfaces"][0]["rx_packets"]  # some before the rings were open
        check(sent <= received < sent + BATCH, f"{received} received, {sent} heard")
        count = len(sensor.messages)
        here.ip("link del eth0")
        wait_until(lambda: sensor.has_message(".* is gone; .*", count), "the interface to be gone")
        check(picture(name)["interfaces"][0]["is_gone"], "it is not said to be gone")
        net.wire(there, here)
        wait_until(lambda: sensor.has_message(".* is back", count), "the interface to be back")
        wait_until(lambda: all(r["is_open"] for r in picture(name)["rings"]) and
                   len(sensor.workers()) == workers, "the rings to be open")
        sender = lab.keep(net.Sender(there))
        before = picture(name)["total"]["seen"]
        wait_until(lambda before=before: hears(name, sender, before), "it to be heard")
        sent = wait_total(name, "seen", before + 1)["total"]["seen"]
        check(sent >= (number + 1) * BATCH, f"{sent} counted")
    check_balance(run, sent)


@variants(workers=(1, 2))
def profile_changed(lab, workers):
    """The profile is changed again and again under traffic: no frame is lost or unaccounted for"""
    run = started(lab, "--workers", workers, "--ring-mib", 32)
    name, sender, sensor, _ = run
    frames = traffic.office() * 6
    stream = threading.Thread(target=sender.send, args=(frames,))
    stream.start()
    words = ("names", "profile=all acks=none", "records=TS,DN acks=all udp=2", "macs", "all")
    changed = 0
    while stream.is_alive():
        answer = ask(name, f"profile {words[changed % len(words)]}")
        check("error" not in answer, answer)
        changed += 1
        picture(name)
    stream.join()
    ask(name, "profile unlimited")
    batch = range(BATCH)
    sender.send(traffic.facts(batch))
    sensor.wait_lines(traffic.fact_lines(batch))
    lab.note(f"--workers {workers}: changed {changed} times")
    check(changed > 10, f"changed {changed} times only")
    check_balance(run, len(frames) + BATCH)
    check_equal(sensor.dropped, 0, "packets dropped")


@case
def another_profile_is_the_same(lab):
    """A sensor whose profile was changed prints what one prints that began with it"""
    words = ("--records", "TS,DN", "--acks", "none")
    path = lab.folder / "office.pcap"
    path.write_bytes(capture.pcap(traffic.office()))
    wanted = lab.lines_of_file(path, *words)
    run = started(lab)
    name, sender, sensor, _ = run
    answer = ask(name, "profile records=TS,DN acks=none")
    check_equal(answer["records"], ["DN", "TS"], "records")
    sender.send(traffic.office())
    check_balance(run, len(traffic.office()))
    check_lines(sensor.lines, wanted)


@case
def dropped_but_heard(lab):
    """What the kernel counts as dropped since only taps take it is not told to be lost"""
    run = started(lab)
    run.sender.send([tagged(ether(b"?" * 50, ethertype=LOCAL_ETHERTYPE))] * BATCH)
    wait_total(run.name, "seen", BATCH)
    check_equal(picture(run.name)["interfaces"][0]["rx_dropped"], BATCH, "rx_dropped")
    check_balance(run, BATCH)
    check(run.sensor.has_message(rf"passer: eth0: {BATCH} packets dropped by the kernel: .*"),
          "it is not told")
    check(not run.sensor.has_message(r".* lost before anybody .*"), "they are told to be lost")


@case
def lines_of_counters(lab):
    """--stats appends whole lines, opens its file anew on SIGHUP, and ends with the final numbers"""
    run = started(lab, "--workers", 2, "--stats-interval", 1)
    _, sender, sensor, _ = run
    path, old = run.stats, lab.folder / "stats.csv.1"
    sender.send(traffic.facts(range(BATCH)))
    wait_until(lambda: any(row["scope"] == "sum" and row["analysed"] == str(BATCH)
                           for row in rows_of(path)), "a line with all frames")
    path.rename(old)
    sensor.process.send_signal(signal.SIGHUP)
    wait_until(path.exists, "the new file")
    sender.send(traffic.facts(range(BATCH, 2 * BATCH)))
    check_balance(run, 2 * BATCH)
    for file in (path, old):
        rows = rows_of(file)
        check(all(None not in row and None not in row.values() for row in rows), "a torn line")
        check_equal([row["scope"] for row in rows[:6]],
                    ["interface", "ring", "ring", "worker", "worker", "sum"], "scopes")
        check({row["unaccounted"] for row in rows if row["scope"] != "interface"} == {"0"},
              "something is unaccounted for")
    last = rows_of(path)[-1]
    check_equal((last["scope"], last["seen"], last["lines"]),
                ("sum", str(2 * BATCH), str(2 * BATCH)), "the last line")


@case
def files_too(lab):
    """A capture file balances, too, and is not counted as heard"""
    path = lab.folder / "office.pcap"
    path.write_bytes(capture.pcap(traffic.office()))
    run = started(lab, "-r", path, "--records", "TS", "-b", "tcp")
    name, sender, _, _ = run
    sender.send(traffic.facts(range(BATCH)))
    total = wait_total(name, "handed_out", BATCH)["total"]
    check_equal((total["from_files"], total["seen"]), (len(traffic.office()), BATCH), "counted")
    check(total["left_by_expression"] > 100 and total["left_by_profile"] > 100, total)
    check_balance(run, BATCH)


if __name__ == "__main__":
    sys.exit(main())
