#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control socket and passerctl with sensors that run. Speaks TAP."""
import json
import os
import pathlib
import signal
import socket
import stat
import sys
import time

import traffic
from asking import (
    FOLDER, ask, connect, new_name, passerctl, picture, rest_of, wait_total)
from live import case, check, check_equal, check_lines, main
from sensor import wait_until

BATCH = 500
PATIENCE_SECONDS = 5  # of the sensor with a client
CLIENTS = 8  # at once
LINE_BYTES = 512  # the longest request
SAME_CELL_MAX = 0.01  # of all frames may be dropped since two flows share a cell


def started(lab, *options):
    name = new_name(lab)
    sender, here = lab.wired()
    return name, sender, lab.listening(here, "-i", "eth0", "--name", name, *options)


def fails(name, line):
    """The error that a line is answered with."""
    answer = ask(name, line)
    check_equal(list(answer), ["error"], f"keys of the answer to {line!r}")
    return answer["error"]


@case
def socket_file(lab):
    """The socket is for root and its group, a stale one is replaced, and it is gone at the end"""
    name, _, sensor = started(lab)
    path = FOLDER / f"{name}.sock"
    check_equal(stat.S_IMODE(path.stat().st_mode), 0o660, "mode")
    check_equal(path.stat().st_uid, 0, "owner")
    sensor.process.kill()
    sensor.process.wait()
    check(path.exists(), "it took its socket away though it was killed")
    _, here = lab.wired()
    again = lab.listening(here, "-i", "eth0", "--name", name)
    check_equal(picture(name)["pid"], again.process.pid, "pid")
    again.stop()
    check(not path.exists(), "the socket is still there")


@case
def same_name(lab):
    """A second sensor of the same name gets its pid added, and says so"""
    name, _, first = started(lab)
    _, here = lab.wired()
    second = lab.listening(here, "-i", "eth0", "--name", name)
    other = f"{name}-{second.process.pid}"
    second.wait_message(f"passer: another sensor is named {name}; this one is {other}")
    check_equal(picture(name)["pid"], first.process.pid, "pid")
    check_equal(picture(other)["pid"], second.process.pid, "pid")
    first.stop()
    second.stop()


@case
def words(lab):
    """What it does not understand is answered with an error, and changes nothing"""
    name, _, sensor = started(lab)
    before = ask(name, "profile")
    for line in ("", " ", "stat", "stats now", "profile nonsense", "profile records=XX",
                 "profile acks=-1", "profile acks=", "profile =4", "profile records=TS foo=bar",
                 "profile all all all all all all all all", "reopen", "reload now", "what-if x",
                 "x" * (LINE_BYTES - 2), "x" * LINE_BYTES, "stats\nstats", "stats\t", "\x7f",
                 "\u00e4", "STATS"):
        fails(name, line)
    check_equal(ask(name, "profile"), before, "profile")
    check_equal(picture(name)["profile"], before, "profile in the statistics")
    sensor.stop()


@case
def bad_clients(lab):
    """Clients that are silent, slow, many or gone keep nobody from asking, and nothing is lost"""
    name, sender, sensor = started(lab, "--workers", 2)
    descriptors = pathlib.Path(f"/proc/{sensor.process.pid}/fd")
    open_before = len(list(descriptors.iterdir()))
    silent = [lab.keep(connect(name)) for _ in range(3 * CLIENTS)]
    check(picture(name)["pid"] == sensor.process.pid, "no answer beside silent clients")
    for connection in silent[-CLIENTS // 2:]:
        connection.sendall(b"sta")
    slow = lab.keep(connect(name))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    slow.sendall(b"stats\n")
    for number in range(200):  # gone before the answer, or in the middle of the question
        with connect(name) as connection:
            connection.sendall(b"stats\n" if number % 2 else b"st")
    sender.send(traffic.facts(range(BATCH)))
    wait_total(name, "analysed", BATCH)
    began = time.monotonic()
    for connection in silent:
        check_equal(rest_of(connection), b"", "what a silent client got")
    took = time.monotonic() - began
    check(took < PATIENCE_SECONDS + 3, f"silent clients were kept for {took:.1f} s")
    wait_until(lambda: len(list(descriptors.iterdir())) == open_before, "all to be dropped")
    sensor.stop()
    check_lines(traffic.only_facts(sensor.lines), traffic.fact_lines(range(BATCH)))


@case
def forked_meanwhile(lab):
    """A client whose request comes while workers are forked gets its answer and an end"""
    name, _, sensor = started(lab)
    connection = lab.keep(connect(name))
    wait_until(lambda: picture(name)["pid"], "an answer")  # so the client has been let in, too
    pid = sensor.workers()[0]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: sensor.restarts == 1, "the restart")
    connection.sendall(b"stats\n")
    check_equal(json.loads(rest_of(connection))["workers"][0]["restarts"], 1, "restarts")
    sensor.stop()


@case
def side_by_side(lab):
    """Two sensors with different profiles on one interface hear the same, and are compared"""
    a, b = new_name(lab), new_name(lab)
    sender, here = lab.wired()
    sensors = [lab.listening(here, "-i", "eth0", "--name", a, "--workers", 1),
               lab.listening(here, "-i", "eth0", "--name", b, "--workers", 2, "--profile",
                             "no-tcp-strings")]
    frames = traffic.office()
    sender.send(frames)
    found = [wait_total(name, "seen", len(frames))["total"] for name in (a, b)]
    wait_until(lambda: all(picture(n)["total"]["waiting"] == 0 and
                           picture(n)["total"]["analysed"] == picture(n)["total"]["kept"]
                           for n in (a, b)), "both to be done")
    found = [picture(name)["total"] for name in (a, b)]
    check_equal([total["seen"] for total in found], [len(frames)] * 2, "seen")
    check(found[0]["kept"] > found[1]["kept"] + 1000, "the profile drops nothing")
    text = passerctl("compare", a, b)
    check(f"A: {a}, up" in text and "profile no-tcp-strings" in text, text)
    rows = {line.split("  ")[0].strip(): line.split() for line in text.splitlines()}
    check_equal(rows["packets seen"][2:], [str(len(frames))] * 2, "packets seen")
    of_class = rows["tcp-ack-data"]
    check_equal([of_class[1], *of_class[4:]], ["2000", "2000", "0.0", "%"], "the class")
    check(float(of_class[2]) > 98, "segments with data that A keeps")
    lost = found[0]["printed_by_type"]["TS"] - found[1]["printed_by_type"]["TS"]
    check(lost > 50, "the same TCP servers with and without strings")
    check_equal(rows["TS"][3:6], ["B", "loses", str(lost)], "TS records")
    check_equal(rows["unaccounted"][1:], ["0", "0"], "unaccounted")
    for name in (a, b):
        (lab.folder / f"{name}.json").write_text(passerctl("stats", name, "--json"))
    saved = passerctl("compare", lab.folder / f"{a}.json", lab.folder / f"{b}.json")
    check_equal(saved.splitlines()[-12:], text.splitlines()[-12:], "compare of saved files")
    for sensor in sensors:
        sensor.stop()
        check_equal(sensor.unaccounted, 0, "unaccounted")


@case
def what_if(lab):
    """What-if foretells what another profile keeps of the same traffic

    To the frame for one sensor; two sensors have other flows that meet in a cell.
    """
    name, sender, sensor = started(lab)
    frames = traffic.office()
    sender.send(frames)
    wait_total(name, "seen", len(frames))
    answer = ask(name, "what-if")
    check_equal(answer["seen_frames"], len(frames), "frames seen")
    total = picture(name)["total"]
    check_equal((answer["now"]["frames"], answer["now"]["bytes"]),
                (total["kept"], total["kept_bytes"]), "kept now")
    text = passerctl("what-if", name)
    check("(now)" in text and "no-dns" in text, text)
    for one in answer["profiles"]:
        if one["profile"]["name"] not in ("unlimited", "no-tcp-strings", "names"):
            continue
        other, again, second = started(lab, "--profile", one["profile"]["name"])
        again.send(frames)
        kept = wait_total(other, "seen", len(frames))["total"]["kept"]
        check(abs(kept - one["frames"]) <= SAME_CELL_MAX * len(frames),
              f"{one['profile']['name']} keeps {kept}, not {one['frames']}")
        second.stop()
    sensor.stop()


@case
def by_passerctl(lab):
    """list, stats, profile and reopen with a sensor that runs"""
    log = lab.folder / "a.csv"
    name, sender, sensor = started(lab, "-l", log, "--workers", 2)
    sender.send(traffic.facts(range(BATCH)))
    wait_total(name, "analysed", BATCH)
    check(any(line.startswith(name) for line in passerctl("list").splitlines()), "list")
    text = passerctl("stats", name)
    for word in ("heard by the filter", "unaccounted", "tcp-syn", f"records: {BATCH} TC"):
        check(word in text, f"no {word!r}", text)
    check_equal(json.loads(passerctl("stats", name, "--json"))["total"]["printed"], BATCH, "printed")
    metrics = passerctl("stats", name, "--prometheus").splitlines()
    check(f'passer_records_total{{sensor="{name}",worker="0",type="TC"}} ' in
          "\n".join(metrics), "no metric of records", *metrics)
    check("profile macs" in passerctl("profile", "-n", name, "macs"), "profile")
    check("profile macs" in passerctl("profile", "-n", name), "profile shown")
    check("records TS" in passerctl("profile", "-n", name, "records=TS", "acks=0"), "records")
    error = passerctl("profile", "-n", name, "nonsense", status=1)
    check(error.startswith(f"passerctl: {name}: "), error)
    log.rename(f"{log}.1")
    passerctl("reopen", name)
    check(log.exists(), "the log was not opened anew")
    sensor.stop()
    check("no sensor of that name" in passerctl("stats", name, status=1), "the socket is still there")


if __name__ == "__main__":
    sys.exit(main())
