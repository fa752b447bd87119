#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outputs that fail: full disks, removed folders, readers that stop. Speaks TAP.

Whatever happens to them, packets are analysed, and lines that found room in memory are not lost.
"""
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading

import traffic
from asking import new_name, picture, total, wait_total
from hosts import ALICE, BOB
from live import Skipped, case, check, check_equal, check_lines, check_once, main, variants
from net import trouble
from sensor import wait_until
from support.user import give

CLONE_NEWNS = 0x20000
BATCH = 1000
MANY = 40000  # more lines than the memory for them holds
KILLS = 40
DISK_BYTES = 4 << 20
LEFT_BYTES = 16 << 10


def mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True)


def started(lab, *options, **how):
    name = new_name(lab)
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--name", name, "--retire-ms", 5, "--block-kib", 64,
                           *options, **how)
    return name, sender, sensor


def small_disk(lab):
    """A folder of its own file system, and the file that fills it but for a little."""
    folder = lab.folder / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", folder)
    lab.stack.callback(subprocess.run, ["umount", "-l", folder], check=False)
    filling = folder / "filling"
    filling.write_bytes(bytes(DISK_BYTES - LEFT_BYTES))
    return folder, filling


def make_own(folder):
    """A folder that the user of the sensor may write to; it may be there."""
    folder.mkdir(exist_ok=True)
    give(folder)


def whole_lines(path):
    """The lines of a file, which must end in a line end."""
    text = path.read_text()
    check(text.endswith("\n") or not text, f"{path.name} ends in a torn line: {text[-80:]!r}")
    return text.splitlines()


@case
def disk_full(lab):
    """With a full disk lines wait, the file ends in a whole line, and all come when there is room"""
    folder, filling = small_disk(lab)
    log = folder / "log.csv"
    name, sender, sensor = started(lab, "--workers", 2, "-l", log)
    sender.send(traffic.facts(range(BATCH)))
    sensor.wait_message(r"passer: error: output: the log file cannot be written: No space left on "
                        r"device; its lines are kept in memory")
    sensor.wait_lines(traffic.fact_lines(range(BATCH)))  # standard output goes on
    check(len(whole_lines(log)) < BATCH, "there was room")
    filling.unlink()
    wait_until(lambda: len(whole_lines(log)) == BATCH, "the lines")
    check_lines(traffic.only_facts(whole_lines(log)), traffic.fact_lines(range(BATCH)))
    check_equal(total(name, "lost_lines"), 0, "lines lost")
    sensor.stop()
    check_equal(sensor.unaccounted, 0, "unaccounted")


@case
def memory_full(lab):
    """What finds no room in memory either is lost, counted, and told with its number"""
    folder, filling = small_disk(lab)
    log = folder / "log.csv"
    name, sender, sensor = started(lab, "--workers", 1, "-l", log, stdout=subprocess.DEVNULL)
    sensor.stdout = None
    sender.send(traffic.facts(range(MANY)))
    before = wait_total(name, "analysed", MANY)["total"]
    check(before["lost_lines"] > 0, "there was room")
    check_equal(before["unwritten"], 0, "facts without room, though standard output has it")
    filling.unlink()
    wait_until(lambda: any("is written again; lost" in text for text in sensor.messages), "the gap")
    told = sum(int(text.split(" lost ")[1].split()[0]) for text in sensor.messages
               if "is written again; lost" in text)
    after = picture(name)["total"]
    check_equal(told, after["lost_lines"], "lines told to be lost")
    check_equal(len(whole_lines(log)) + told, after["lines"], "lines written and lost")
    sensor.stop()
    check_once(whole_lines(log))


@case
def reader_stopped(lab):
    """A reader that stands still for a while holds nobody up and gets all lines"""
    path = lab.folder / "lines"
    reading, writing = os.pipe()
    with open(path, "wb") as file, subprocess.Popen(["cat"], stdin=reading, stdout=file) as cat:
        os.close(reading)
        name, sender, sensor = started(lab, "--workers", 2, stdout=writing)
        os.close(writing)
        cat.send_signal(signal.SIGSTOP)
        sender.send(traffic.facts(range(MANY // 2)))
        wait_total(name, "analysed", MANY // 2)
        check_equal(total(name, "lost_lines"), 0, "lines lost")
        cat.send_signal(signal.SIGCONT)
        wait_until(lambda: path.read_bytes().count(b"\n") == MANY // 2, "the lines")
        sensor.stop()
    check_lines(traffic.only_facts(path.read_text().splitlines()),
                traffic.fact_lines(range(MANY // 2)))


@case
def socket_stopped(lab):
    """So does one at the other end of a socket, as a service manager gives them"""
    reading, writing = socket.socketpair()
    name, sender, sensor = started(lab, "--workers", 2, stdout=writing)
    writing.close()
    sender.send(traffic.facts(range(MANY // 2)))
    wait_total(name, "analysed", MANY // 2)
    check_equal(total(name, "lost_lines"), 0, "lines lost")
    with reading, reading.makefile("rb") as stream:
        lines = [stream.readline().decode().rstrip("\n") for _ in range(MANY // 2)]
        sensor.stop()
        check_equal(stream.read(), b"", "behind the lines")
    check_lines(traffic.only_facts(lines), traffic.fact_lines(range(MANY // 2)))


@case
def reader_stopped_for_long(lab):
    """A fact that finds no room anywhere is not taken for printed, but stated again"""
    reading, writing = os.pipe()
    name, sender, sensor = started(lab, "--workers", 1, stdout=writing)
    os.close(writing)
    chunks = []
    try:
        sender.send(traffic.facts(range(MANY)))
        before = wait_total(name, "analysed", MANY)["total"]
        check(before["unwritten"] > 0, "there was room")
        reader = threading.Thread(target=lambda: chunks.extend(
            iter(lambda: os.read(reading, 1 << 16), b"")))
        reader.start()
        sensor.wait_message(r"passer: warning: output: standard output is written again; lost \d+ "
                            r"lines between \S+ and \S+")
        sender.send(traffic.facts(range(MANY)))
        after = wait_total(name, "analysed", 2 * MANY)["total"]
        sensor.stop()
        reader.join()
    finally:
        os.close(reading)
    lines = b"".join(chunks).decode().splitlines()
    check_once(lines)
    check_equal(len(lines) + after["lost_lines"], after["lines"], "lines written and lost")
    check(after["lost_lines"] < before["unwritten"], "most were not stated again")


@case
def reader_gone(lab):
    """With a log the run goes on when the reader of standard output is gone"""
    log = lab.folder / "log.csv"
    reading, writing = os.pipe()
    name, sender, sensor = started(lab, "-l", log, stdout=writing)
    os.close(writing)
    os.close(reading)
    sender.send(traffic.facts(range(BATCH)))
    wait_total(name, "analysed", BATCH)
    sender.send(traffic.facts(range(BATCH, 2 * BATCH)))
    sensor.stop()
    check_lines(traffic.only_facts(whole_lines(log)), traffic.fact_lines(range(2 * BATCH)))


def hear_without_log(lab, name, sender, sensor, restore):
    """The log was removed: what is heard meanwhile is in the new one."""
    log = lab.folder / "sub" / "log.csv"
    sensor.wait_message(r"passer: error: .*log\.csv: cannot append to it: .*; its lines are kept in "
                        r"memory")
    sender.send(traffic.facts(range(BATCH, 2 * BATCH)))
    wait_total(name, "analysed", 2 * BATCH)
    restore()
    sensor.wait_message(r"passer: log file .* opened anew")
    wait_until(lambda: log.exists() and len(whole_lines(log)) >= BATCH, "the lines")
    sensor.stop()
    check_lines(traffic.only_facts(whole_lines(log)), traffic.fact_lines(range(BATCH, 2 * BATCH)))


def with_log_in_folder(lab):
    folder = lab.folder / "sub"
    make_own(folder)
    name, sender, sensor = started(lab, "--workers", 2, "-l", folder / "log.csv")
    sender.send(traffic.facts(range(BATCH)))
    sensor.wait_lines(traffic.fact_lines(range(BATCH)))
    wait_until(lambda: len(whole_lines(folder / "log.csv")) == BATCH, "the log")
    return folder, name, sender, sensor


@case
def read_only(lab):
    """A log that is removed where nothing can be written is made anew once that is possible"""
    folder = lab.folder / "sub"
    folder.mkdir()
    mount("-t", "tmpfs", "none", folder)
    lab.stack.callback(subprocess.run, ["umount", "-l", folder], check=False)
    make_own(folder)
    name, sender, sensor = started(lab, "--workers", 2, "-l", folder / "log.csv")
    sender.send(traffic.facts(range(BATCH)))
    sensor.wait_lines(traffic.fact_lines(range(BATCH)))
    (folder / "log.csv").unlink()
    (folder / "log.csv").mkdir()  # nobody can open that
    hear_without_log(lab, name, sender, sensor, (folder / "log.csv").rmdir)


def disk_with_faults(lab):
    """A folder of its own ext4, which gets read-only by an error; a function that makes one."""
    folder, image = lab.folder / "disk", lab.folder / "image"
    make_own(folder)
    with open(image, "wb") as file:
        file.truncate(DISK_BYTES)
    try:
        subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", image], check=True,
                       stderr=subprocess.DEVNULL)
        mount("-o", "loop,errors=remount-ro", image, folder)
    except (OSError, subprocess.CalledProcessError) as trouble_here:
        raise Skipped(f"no ext4 of its own: {trouble_here}") from None
    lab.stack.callback(subprocess.run, ["umount", "-l", folder], check=False)
    make_own(folder)
    device = subprocess.run(["findmnt", "-n", "-o", "SOURCE", folder], check=True, text=True,
                            capture_output=True).stdout.strip()
    trigger = pathlib.Path("/sys/fs/ext4") / pathlib.Path(device).name / "trigger_fs_error"
    return folder, lambda: trigger.write_text("1")


@variants(count=(BATCH, MANY))
def file_system_read_only(lab, count):
    """An error makes the file system of the log read-only: lines wait until another is in its place"""
    folder, make_error = disk_with_faults(lab)
    log = folder / "log.csv"
    name, sender, sensor = started(lab, "--workers", 1, "-l", log, stdout=subprocess.DEVNULL)
    sensor.stdout = None
    sender.send(traffic.facts(range(BATCH)))
    wait_until(lambda: log.exists() and len(whole_lines(log)) == BATCH, "the log")
    stream = threading.Thread(target=sender.send, args=(traffic.facts(range(BATCH, BATCH + count)),))
    stream.start()
    wait_total(name, "analysed", BATCH + count // 10)
    make_error()
    stream.join()
    sender.send(traffic.facts(range(BATCH + count, 2 * BATCH + count)))  # the others may be written
    sensor.wait_message(r"passer: error: output: the log file cannot be written: Read-only file "
                        r"system; its lines are kept in memory")
    wait_total(name, "analysed", 2 * BATCH + count)
    before = whole_lines(log)
    subprocess.run(["umount", "-l", folder], check=True)
    mount("-t", "tmpfs", "none", folder)  # the umount at the end takes this one away
    make_own(folder)
    sensor.wait_message(r"passer: log file .* opened anew")
    sensor.wait_message(r"passer: (warning: )?output: the log file is written again; .*")
    told = sum(int(text.split(" lost ")[1].split()[0]) for text in sensor.messages
               if "is written again; lost" in text)
    after = picture(name)["total"]
    check_equal((told > 0, told), (count > BATCH, after["lost_lines"]), "lines told to be lost")
    check_equal(len(before) + len(whole_lines(log)) + told, after["lines"], "lines")
    sensor.stop()
    check_once([*before, *whole_lines(log)])
    check_equal(sensor.unaccounted, 0, "unaccounted")


@case
def folder_removed(lab):
    """So is one whose folder was removed, when the folder is made again"""
    folder, name, sender, sensor = with_log_in_folder(lab)
    shutil.rmtree(folder)
    hear_without_log(lab, name, sender, sensor, lambda: make_own(folder))


@case
def quarantine_full(lab):
    """Where a packet that killed a worker cannot be kept yet that is said, and it is kept later"""
    if b"passer-fault:" not in pathlib.Path(lab.passer).read_bytes():
        raise Skipped("this build has no faults to plant (-Dfaults=true)")
    folder, filling = small_disk(lab)
    kept, bad = folder / "kept.pcapng", b"passer-fault:crash".ljust(1400)
    _, sender, sensor = started(lab, "--workers", 1, "--quarantine", kept)
    with open(filling, "ab", buffering=0) as rest:
        rest.write(bytes(LEFT_BYTES))  # as much as there is room for; a page of the other file has some
    waits = rf".* signal 11 on a packet, in no analyzer; the packet waits to be written to {kept}; .*"
    for number in range(4):
        if not sensor.has_message(waits):
            sender.send([traffic.datagram(ALICE, BOB, 40000, 40001, bad)])
            wait_until(lambda number=number: sum("signal 11" in text for text in sensor.messages) > number,
                       "the message")
    check(sensor.has_message(waits), "no such message")
    told = sum(" on a packet, " in text for text in sensor.messages)
    filling.unlink()
    wait_until(lambda: kept.read_bytes().count(bad) == told, "the packets")
    sensor.stop()


@variants(output=("log", "stdout"))
def no_line_twice(lab, output):
    """Workers are killed again and again: a file has each line at most once, and whole"""
    log = lab.folder / "log.csv"
    with open(log if output == "stdout" else os.devnull, "wb") as stdout:
        name, sender, sensor = started(lab, "--workers", 2, *(["-l", log] * (output == "log")),
                                       stdout=stdout)
    is_over = threading.Event()
    stream = threading.Thread(target=sender.send, args=(traffic.facts(range(MANY)), is_over))
    stream.start()
    for number in range(KILLS):
        wait_until(lambda: len(sensor.workers()) == 2, "both workers")
        os.kill(sensor.workers()[number % 2], signal.SIGKILL)
        wait_until(lambda number=number: sensor.restarts == number + 1, "the restart")
    stream.join()
    wait_until(lambda: total(name, "waiting") == 0, "all frames")
    counted = picture(name)["total"]
    died = counted["died"] + counted["ring_drops"]
    sensor.stop()
    lines = traffic.only_facts(whole_lines(log))
    check_once(lines)
    check(len(lines) >= MANY - died, f"{MANY - len(lines)} lines missing, {died} frames died")


@case
def over_the_rate(lab):
    """--max-rate bounds the lines of a type, says so, and the facts come when heard again"""
    name, sender, sensor = started(lab, "--workers", 1, "--max-rate", 100)
    sender.send(traffic.facts(range(BATCH)))
    limited = wait_total(name, "analysed", BATCH)["total"]["limited"]
    check(limited > 0, "nothing was left out")
    check(len(traffic.only_facts(sensor.lines)) + limited >= BATCH, "lines are missing")
    sensor.wait_message(r"passer: warning: output: more than 100 TC lines a second; .*")

    def has_all():
        sender.send(traffic.facts(range(BATCH)))
        return len(set(traffic.only_facts(sensor.lines))) == BATCH

    wait_until(has_all, "the others")
    sensor.wait_message(r"passer: output: the flood of TC lines is over; \d+ were left out")
    sensor.stop()
    check_once(sensor.lines)


def in_own_mounts():
    """What is mounted here is gone when this process is."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    mount("--make-rprivate", "/")


if __name__ == "__main__":
    if not trouble():
        in_own_mounts()
    sys.exit(main())
