#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the golden cases and compares what passer prints, byte for byte. Speaks TAP.

    run.py PASSER [CASE…]                 runs all cases, or these
    run.py PASSER --update CASE…          writes what passer prints to expected/; read the diff
    run.py --list                         names them
    run.py --captures FOLDER [CASE…]      writes the captures, to look at with tcpdump
"""
import argparse
import pathlib
import sys

import golden


def select(names):
    cases = golden.all_cases()
    unknown = set(names) - {case.name for case in cases}
    if unknown:
        sys.exit(f"no such case: {', '.join(sorted(unknown))}")
    return [case for case in cases if case.name in names or not names]


def write_captures(folder, cases):
    for case in cases:
        for name, content in golden.files_of(case).items():
            name = {golden.CAPTURE: "pcap", "-": "stdin"}.get(name, name)
            if content is not None:
                pathlib.Path(folder, f"{case.name}.{name}").write_bytes(content)


def update(passer, cases):
    for case in cases:
        result = golden.run_passer(passer, golden.files_of(case), case.options, case.home)
        golden.expected_path(case).write_bytes(result.stdout)
        print(f"{golden.expected_path(case)}: {result.stdout.count(10)} lines")


def faults(passer, case):
    path = golden.expected_path(case)
    if not path.exists():
        return [f"{path} is not there: write it, or --update {case.name} and read it"]
    result = golden.run_passer(passer, golden.files_of(case), case.options, case.home)
    found = []
    if result.status != case.status:
        found.append(f"exit status {result.status}, not {case.status}")
    found += golden.left_faults(case, result.made)
    found += golden.stderr_faults(case, result.stderr)
    expected = path.read_bytes()
    found += golden.difference(expected, result.stdout)
    return found + golden.difference(expected, result.made.get(case.log, expected))


def stale_files():
    known = {golden.expected_path(case) for case in golden.all_cases()}
    return [str(path) for path in sorted(golden.EXPECTED.iterdir()) if path not in known]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("passer", nargs="?")
    parser.add_argument("case", nargs="*", default=[])
    parser.add_argument("--update", nargs="+", metavar="CASE")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--captures", nargs="+", metavar=("FOLDER", "CASE"))
    args = parser.parse_args()

    if args.list:
        for case in golden.all_cases():
            print(f"{case.name:32} {case.about}")
        return 0
    if args.captures:
        write_captures(args.captures[0], select(args.captures[1:]))
        return 0
    if args.passer is None:
        parser.error("PASSER is missing")
    if args.update:
        update(args.passer, select(args.update))
        return 0

    cases = select(args.case)
    tap = golden.Tap(len(cases) + 1)
    for case in cases:
        tap.point(f"{case.name}: {case.about}", faults(args.passer, case))
    tap.point("every expected file has its case", stale_files())
    return tap.status()


if __name__ == "__main__":
    sys.exit(main())
