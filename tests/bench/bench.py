#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures passer beside its peers, or two builds of it; docs/performance.md. Run by tools/bench."""
import argparse
import os
import pathlib
import shlex
import sys
import tempfile
from typing import NamedTuple

import kernel_filter
import instructions
import live
import offline
import report
import scale

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PARTS = ("offline", "live", "filter", "scale", "instructions")

SIZES = {  # what is measured how often
    "quick": {"rounds": 3, "capture_bytes": 120 << 20, "frames": 1_000_000, "revisits": 200_000,
              "hosts": (1_000, 10_000, 100_000)},
    "full": {"rounds": 5, "capture_bytes": 200 << 20, "frames": 3_000_000, "revisits": 500_000,
             "hosts": (1_000, 10_000, 100_000, 1_000_000)},
}


class Bench(NamedTuple):
    """What all parts are told."""

    folder: pathlib.Path  # for captures and logs
    passer: tuple  # its command
    generator: str
    measure: str
    captures: list
    rounds: int
    capture_bytes: int
    frames: int
    revisits: int
    hosts: tuple


def arguments():
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.partition(";")[0])
    size = parser.add_mutually_exclusive_group()
    for name, about in (("quick", "some minutes; this is the default"),
                        ("full", "longer runs, more of them, a million hosts")):
        size.add_argument(f"--{name}", dest="size", action="store_const", const=name,
                          default="quick", help=about)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part; repeatable")
    parser.add_argument("--capture", action="append", default=[], metavar="FILE",
                        help="read this one, too; repeatable")
    parser.add_argument("--compare", nargs=2, metavar=("A", "B"),
                        help="two commands of passer, with options, instead of its peers")
    parser.add_argument("--rounds", type=int, metavar="N", help="runs of each, in turn")
    parser.add_argument("--json", metavar="FILE", help="write all results there")
    parser.add_argument("--build", default=ROOT / "build-bench", type=pathlib.Path, metavar="DIR",
                        help="the build that is measured")
    return parser.parse_args()


def bench_of(args, folder):
    sizes = dict(SIZES[args.size])
    if args.rounds:
        sizes["rounds"] = args.rounds
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    built = [str(args.build / name)
             for name in ("src/passer", "tests/bench/generator", "tests/bench/measure")]
    return Bench(folder, (built[0],), *built[1:], args.capture, **sizes)


def commands_of(args, bench):
    """What is measured of passer, by name."""
    if not args.compare:
        return {"passer": bench.passer}
    return {name: tuple(shlex.split(command)) for name, command in zip("AB", args.compare)}


def listeners_of(args, commands):
    """Who listens: passer in its variants and its peers, or the commands that are compared."""
    if args.compare:
        return [live.passer(words, name) for name, words in commands.items()]
    return [*live.passers(commands["passer"]), *offline.installed(live.PEERS)]


def measured(args, bench):
    """The results of all parts that are wanted."""
    wanted = args.only or PARTS
    commands = commands_of(args, bench)
    results = {"machine": report.machine()}
    if "offline" in wanted:
        peers = [] if args.compare else offline.installed(offline.PEERS)
        results["offline"] = offline.run(
            bench, [offline.passer(words, name) for name, words in commands.items()] + peers)
    if "live" in wanted:
        results["live"] = live.run(bench, listeners_of(args, commands))
    if "filter" in wanted and not args.compare:
        results["filter"] = kernel_filter.run(bench, commands["passer"])
    if "scale" in wanted and not args.compare:
        results.update(scale.run(bench))
    if "instructions" in wanted:
        results.update(instructions.run(bench, commands.items()))
    return results


TABLES = (
    ("offline", "Capture files", offline.COLUMNS),
    ("live", "Live, on one end of a cable", live.COLUMNS),
    ("filter", "The filter in the kernel", kernel_filter.COLUMNS),
    ("start", "Start, with an empty capture", scale.START_COLUMNS),
    ("hosts", "Known hosts", scale.HOST_COLUMNS),
    ("workers", "Workers", scale.WORKER_COLUMNS),
    ("stages", "Instructions per packet, by stage", instructions.STAGE_COLUMNS),
    ("functions", "The same, by function", instructions.FUNCTION_COLUMNS),
)


def main():
    args = arguments()
    with tempfile.TemporaryDirectory(prefix="passer-bench-") as folder:
        results = measured(args, bench_of(args, pathlib.Path(folder)))
    print("{cpu}, {cpus} CPUs, Linux {kernel}, load {load:.1f}".format(**results["machine"]))
    for key, title, columns in TABLES:
        if results.get(key):
            print(report.table(title, results[key], columns))
    if args.json:
        report.save(args.json, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
