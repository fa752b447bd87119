# SPDX-License-Identifier: GPL-3.0-or-later
"""The same capture files read by passer and by its peers: packets/s, CPU seconds, memory."""
import json
import os
import shutil
import struct
import subprocess
from typing import NamedTuple

import generate
import report

COLUMNS = (
    ("capture", "capture"), ("program", "program"), ("kpps", "kpackets/s"),
    ("speed_ratio", "speed, first = 1"), ("cpu_seconds", "CPU s"), ("cpu_ratio", "CPU, first = 1"),
    ("ns_per_packet", "CPU ns/packet without start"), ("rss_mib", "peak RSS MiB"),
)


class Program(NamedTuple):
    """How a program reads a capture file. {file} is the capture, {folder} one to write to."""

    name: str
    command: tuple


PEERS = (
    Program("tcpdump -w", ("tcpdump", "-r", "{file}", "-w", "/dev/null")),
    Program("p0f", ("p0f", "-r", "{file}", "-o", "{folder}/p0f.log")),
    Program("prads", ("prads", "-r", "{file}", "-l", "{folder}/prads.log")),
    # ARP only; it wants its file of stations to be there.
    Program("arpwatch", ("arpwatch", "-d", "-r", "{file}", "-f", "{folder}/arp.dat")),
    Program("ndpiReader", ("ndpiReader", "-q", "-i", "{file}")),
    Program("tshark", ("tshark", "-n", "-r", "{file}")),
)


def passer(words, name="passer"):
    return Program(name, (*words, "-r", "{file}"))


def installed(programs):
    """Those that are here; one line says which are not."""
    absent = [program.name for program in programs if not shutil.which(program.command[0])]
    if absent:
        report.progress(f"not installed, so left out: {', '.join(absent)}")
    return [program for program in programs if program.name not in absent]


def measure(bench, program, path):
    """One run: seconds, CPU seconds, memory. None when it fails."""
    command = [word.format(file=path, folder=bench.folder) for word in program.command]
    receive, send = os.pipe()
    with open(receive, encoding="ascii") as answer:
        # The pipe as descriptor 3 is what measure.c writes to.
        subprocess.run(
            ["sh", "-c", f'exec "$@" 3>&{send}', "-", bench.measure, *command], pass_fds=(send,),
            env={**os.environ, "HOME": str(bench.folder)}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        os.close(send)
        run = json.loads(answer.readline())
    return run if run["status"] == 0 else None


def packets_in(path):
    """How many packets a plain pcap file holds; None: it is none, tcpdump is to count."""
    with open(path, "rb") as file:
        order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">",
                 b"\xa1\xb2\x3c\x4d": ">"}.get(file.read(24)[:4])
        count = 0
        while order and len(head := file.read(16)) == 16:
            file.seek(struct.unpack_from(order + "L", head, 8)[0], os.SEEK_CUR)
            count += 1
    if order:
        return count
    done = subprocess.run(["capinfos", "-Mrc", path], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


def alternate(bench, programs, paths):
    """Runs of all programs in turn, by (program, path); one that fails is left out with a word."""
    runs = {(program.name, path): [] for program in programs for path in paths}
    for number in range(bench.rounds):
        for program in programs:
            for path in paths:
                run = measure(bench, program, path)
                if run:
                    runs[program.name, path].append(run)
                elif number == 0:
                    report.progress(f"{program.name} cannot read {os.path.basename(path)}")
    return {key: report.medians(value) for key, value in runs.items() if value}


def rows_of(path, packets, programs, taken, empty):
    """A row for each program that read the file, against the first."""
    base = taken.get((programs[0].name, path))
    for program in programs:
        run, start = (taken.get((program.name, name)) for name in (path, empty))
        if run is None or base is None:
            continue
        net = run["cpu_seconds"] - start["cpu_seconds"] if start else None
        yield {"capture": os.path.basename(path), "program": program.name, "packets": packets,
               "kpps": packets / run["seconds"] / 1e3,
               "speed_ratio": base["seconds"] / run["seconds"],
               "cpu_seconds": run["cpu_seconds"],
               "cpu_ratio": run["cpu_seconds"] / base["cpu_seconds"],
               "ns_per_packet": net * 1e9 / packets if net else None,
               "rss_mib": run["rss_kib"] / 1024}


def captures(bench):
    """The generated capture, and those of the user."""
    path = str(bench.folder / "office.pcap")
    report.progress(f"generating {bench.capture_bytes >> 20} MiB")
    generate.capture(path, "office", bench.capture_bytes)
    return [path, *bench.captures]


def run(bench, programs):
    """All rows."""
    empty = str(bench.folder / "empty.pcap")
    (bench.folder / "arp.dat").touch()
    with generate.Writer(empty):
        pass
    rows = []
    for path in captures(bench):
        packets = packets_in(path)
        report.progress(f"offline: {os.path.basename(path)}, {packets} packets")
        taken = alternate(bench, programs, [empty, path])
        rows += rows_of(path, packets, programs, taken, empty)
    return rows
