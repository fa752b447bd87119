#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How passer starts, writes, is told things by signals, and ends. Speaks TAP."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time


import traffic
from live import case, check, check_equal, check_lines, check_once, main, variants
from sensor import wait_until
from support import capture
from support.user import AS_NOBODY

START_SECONDS_MAX = 10
HUPS = 40
BATCH = 50

# A frame that was handed to the cable may wait in the kernel for so long.
SETTLE_SECONDS = 0.05


def only_message(sensor, status):
    """The one line that a sensor leaves that cannot start."""
    sensor.wait_end(status)
    messages = sensor.messages
    check_equal(len(messages), 1, "messages")
    check_equal(sensor.lines, [], "records")
    return messages[0]


@variants(workers=(1, 2))
def start(lab, workers):
    """It hears within the bound after its start"""
    _, here = lab.wired()
    sensor = lab.sensor(here, "-i", "eth0", "--workers", workers, "--ring-mib", 64)
    seconds = sensor.wait_listening()
    sensor.stop()
    lab.note(f"--workers {workers}: listening after {seconds * 1000:.0f} ms")
    check(seconds < START_SECONDS_MAX, f"{seconds:.1f} s are too many")


@case
def wrong_interface(lab):
    """An interface that is not there: one line that names it, exit status 1"""
    sensor = lab.sensor(lab.namespace(), "-i", "nope0")
    check_equal(only_message(sensor, 1), "passer: error: no interface is named nope0", "message")


@case
def wrong_argument(lab):
    """A wrong argument: one line that names it, exit status 2"""
    sensor = lab.sensor(lab.namespace(), "--workers", "many")
    message = only_message(sensor, 2)
    check("--workers many" in message, message)


@case
def too_much(lab):
    """Rings and CPUs that the machine does not have: refused at once, with one line that names them"""
    _, here = lab.wired()
    for words, wanted in (
            (("--ring-mib", 65536, "--workers", 64), "--ring-mib 65536: 64 of them"),
            (("--cpus", 1023), "--cpus: CPU 1023 is not there")):
        message = only_message(lab.sensor(here, "-i", "eth0", *words), 2)
        check(message.startswith(f"passer: error: {wanted}"), message)


@case
def no_pattern(lab):
    """A file of service probes that has no pattern: a line says so"""
    _, here = lab.wired()
    probes = lab.folder / "probes"
    probes.write_text("Probe TCP NULL q||\n")
    lab.folder.chmod(0o755)
    sensor = lab.listening(here, "-i", "eth0", "--service-probes", probes)
    wanted = f"{probes}: no pattern of a product in it; TS and US records name few products"
    check(any(wanted in text for text in sensor.messages), *sensor.messages)
    sensor.stop()


def without(lab, *before):
    """The message of a passer that setpriv(1) takes privileges from."""
    _, here = lab.wired()
    program = shutil.copy(lab.passer, lab.folder)  # its folder may not be open to all
    lab.folder.chmod(0o755)
    lab.passer = program
    return only_message(lab.sensor(here, "-i", "eth0", before=before), 1)


@case
def no_privileges(lab):
    """Somebody without privileges is told in one line which are missing"""
    message = without(lab, *AS_NOBODY)
    check("CAP_NET_RAW" in message and "CAP_BPF" in message, message)


@case
def no_raw_sockets(lab):
    """So is root without CAP_NET_RAW"""
    message = without(lab, "setpriv", "--bounding-set=-net_raw")
    check("CAP_NET_RAW" in message, message)


@case
def no_bpf(lab):
    """So is root without CAP_BPF"""
    message = without(lab, "setpriv", "--bounding-set=-bpf,-sys_admin")
    check("CAP_BPF" in message, message)


@case
def few_privileges(lab):
    """CAP_NET_RAW and CAP_BPF are enough"""
    sender, here = lab.wired()
    before = ("setpriv", "--bounding-set=-all,+net_raw,+bpf")
    sensor = lab.sensor(here, "-i", "eth0", before=before)
    sensor.wait_listening()
    sender.send(traffic.facts(range(BATCH)))
    sensor.stop()
    check_lines(traffic.only_facts(sensor.lines), traffic.fact_lines(range(BATCH)))


@variants(by=("SIGINT", "SIGTERM"))
def stopped_in_a_burst(lab, by):
    """A signal stops it in order: what was sent before is printed"""
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--workers", 2)
    frames = traffic.facts(range(20000))
    is_stopped = threading.Event()
    stream = threading.Thread(target=sender.send, args=(frames,), kwargs={"is_stopped": is_stopped})
    stream.start()
    wait_until(lambda: sender.sent > 3000, "frames to be sent")
    sent = sender.sent
    time.sleep(SETTLE_SECONDS)
    sensor.stop(signal.Signals[by])
    is_stopped.set()
    stream.join()
    check(sent < len(frames), "the burst was over")
    lines = traffic.only_facts(sensor.lines)
    missing = set(traffic.fact_lines(range(sent))) - set(lines)
    check(not missing, f"{len(missing)} lines of {sent} frames sent before are missing", *missing)
    check_once(lines)
    check_equal((sensor.packets, sensor.dropped), (len(lines), 0), "packets, dropped")


@case
def supervisor_killed(lab):
    """Workers do not outlive a supervisor that is killed"""
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--workers", 2)
    workers = sensor.workers()
    check_equal(len(workers), 2, "workers")
    sender.send(traffic.facts(range(BATCH)))
    sensor.process.kill()
    wait_until(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in workers),
               "the workers to end")


@variants(workers=(1, 2))
def reader_gone(lab, workers):
    """`passer | head -1` ends by itself"""
    sender, here = lab.wired()
    reading, writing = os.pipe()
    with subprocess.Popen(["head", "-1"], stdin=reading, stdout=subprocess.PIPE) as head:
        os.close(reading)
        sensor = lab.sensor(here, "-i", "eth0", "--workers", workers, stdout=writing)
        os.close(writing)
        sensor.wait_listening()
        sender.send(traffic.facts(range(BATCH)))
        line = head.stdout.read()
    check(line.startswith(b"TC,") and line.endswith(b"\n"), f"head -1: {line!r}")
    sensor.wait_end()  # with nothing more to write


@case
def reader_stalled(lab):
    """A reader that takes nothing more does not keep it from ending"""
    sender, here = lab.wired()
    reading, writing = os.pipe()
    sensor = lab.sensor(here, "-i", "eth0", "--workers", 2, stdout=writing)
    os.close(writing)
    try:
        sensor.wait_listening()
        sender.send(traffic.facts(range(8000)))
        sensor.process.terminate()
        sensor.wait_end(1)
    finally:
        os.close(reading)
    check(sensor.has_message(r"passer: error: output: \d+ lines could not be written and are lost"),
          "it does not say that lines are lost")


@variants(workers=(1, 2))
def log_reopened(lab, workers):
    """SIGHUP opens the log anew, as logrotate wants it: nothing is lost, all lines are whole"""
    log = lab.folder / "passer.csv"
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "--workers", workers, "-l", log, "--retire-ms", 5,
                           "--block-kib", 64)
    for number in range(HUPS):
        sender.send(traffic.facts(range(number * BATCH, (number + 1) * BATCH)))
        log.rename(f"{log}.{number}")
        sensor.process.send_signal(signal.SIGHUP)
        wait_until(log.exists, "the new log")
    sensor.stop()
    lines = []
    for path in lab.folder.glob("passer.csv*"):
        text = path.read_text()
        check(not text or text.endswith("\n"), f"{path.name} ends in a torn line")
        lines += text.splitlines()
    check_lines(sensor.lines, lines)
    check_lines(traffic.only_facts(lines), traffic.fact_lines(range(HUPS * BATCH)))


@case
def log_appended(lab):
    """An existing log is kept and appended to"""
    log = lab.folder / "passer.csv"
    log.write_text("before\n")
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "-l", log)
    sender.send(traffic.facts(range(3)))
    sensor.stop()
    check_equal(log.read_text().splitlines(), ["before", *sensor.lines], "log")


@case
def files_first(lab):
    """With -r and -i files come first; what they told is not told again"""
    path = lab.folder / "first.pcap"
    path.write_bytes(capture.pcap(traffic.facts(range(BATCH))))
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0", "-r", path, "--workers", 2)
    sensor.wait_lines(traffic.fact_lines(range(BATCH)))
    sender.send(traffic.facts(range(BATCH // 2, 2 * BATCH)))
    sensor.stop()
    lines = traffic.only_facts(sensor.lines)
    check_lines(lines, traffic.fact_lines(range(2 * BATCH)))
    check_equal(lines[:BATCH], traffic.fact_lines(range(BATCH)), "lines of the file")
    check_equal(sensor.packets, BATCH + BATCH // 2 + BATCH, "packets")


@case
def summary_on_request(lab):
    """SIGUSR1 prints the summary so far"""
    sender, here = lab.wired()
    sensor = lab.listening(here, "-i", "eth0")
    sender.send(traffic.facts(range(BATCH)))
    sensor.wait_lines(traffic.fact_lines(range(BATCH)))
    sensor.process.send_signal(signal.SIGUSR1)
    sensor.wait_message(f"passer: {BATCH} packets, 0 dropped, .*")
    sensor.stop()


if __name__ == "__main__":
    sys.exit(main())
