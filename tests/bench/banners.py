#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What products cost: time of a banner, of the start, and memory. Needs root for the memory.

    banners.py [--build DIR] [--seconds N] [CAPTURE…]

Measured are the texts of tests/golden/server_texts.py, texts made to be matched by every tenth
pattern, and the captures named. --seconds is how long the dearest text is searched.
"""
import argparse
import contextlib
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import processes

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path += [str(ROOT / "tests/golden"), str(ROOT / "tests/live")]

import net  # noqa: E402
import winners  # noqa: E402
from sensor import Sensor  # noqa: E402
from server_texts import SAID  # noqa: E402
from support import capture  # noqa: E402

EVERY = 10
STARTS = 15
WORKERS = (1, 4)


def row(what, value, unit):
    print(f"{what:28} {value:10.1f} {unit}")


def texts_capture(folder):
    """A capture of what is measured unasked."""
    probes = next(path for path in map(pathlib.Path, winners.PROBES) if path.exists())
    texts = [(False, port, text) for port, text in SAID] + list(winners.examples(probes, EVERY))
    path = folder / "texts.pcap"
    path.write_bytes(capture.pcap(winners.frames_of_texts(texts)))
    return path


def measure_start(passer, folder):
    """From the start to the end of a run over a capture without frames."""
    path = folder / "empty.pcap"
    path.write_bytes(capture.pcap([]))
    seconds = []
    for _ in range(STARTS):
        started = time.monotonic()
        subprocess.run([passer, "-r", path], check=True, capture_output=True)
        seconds.append(time.monotonic() - started)
    row("start, half within", statistics.median(seconds) * 1000, "ms")


def measure_memory(passer, folder, workers):
    """Of all processes, without the rings; pages that several share count once."""
    here, there = net.Namespace(), net.Namespace()
    with contextlib.closing(here), contextlib.closing(there):
        net.wire(there, here)
        command = [passer, "-i", "eth0", "--workers", str(workers)]
        with contextlib.closing(Sensor(command, here, folder)) as sensor:
            sensor.wait_listening()
            sizes = [processes.memory_kib(pid) for pid in processes.tree(sensor.process.pid)]
    row(f"memory, {workers} workers", sum(size["pss"] for size in sizes) / 1024, "MiB")
    row("  of that, a worker's own", sizes[-1]["private"] / 1024, "MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=ROOT / "build-bench", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("capture", nargs="*")
    args = parser.parse_args()
    subprocess.run(["ninja", "-C", args.build, "src/passer", "tests/bench/banners"], check=True,
                   stdout=subprocess.DEVNULL)
    passer = args.build / "src/passer"
    with tempfile.TemporaryDirectory(prefix="passer-banners-") as name:
        folder = pathlib.Path(name)
        subprocess.run([args.build / "tests/bench/banners", "-", str(args.seconds),
                        texts_capture(folder), *args.capture], check=True)
        measure_start(passer, folder)
        trouble = net.trouble()
        if trouble:
            print(f"memory: {trouble}")
            return
        for workers in WORKERS:
            measure_memory(passer, folder, workers)


if __name__ == "__main__":
    main()
