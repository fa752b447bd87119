#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selects record types: records.py PASSER. Speaks TAP.

Every golden case runs again with --records for each type that its lines are of, and must print
exactly those lines of the full run: what the filter leaves out for a type is of no use to it.
"""
import sys

import golden


def lines_of(text, record_type):
    return b"".join(line for line in text.splitlines(True) if line.startswith(record_type + b","))


def faults(passer, case):
    full = golden.expected_path(case).read_bytes()
    found = []
    for record_type in sorted({line[:2] for line in full.splitlines()}):
        options = (*case.options, "--records", record_type.decode())
        result = golden.run_passer(passer, golden.files_of(case), options, case.home)
        found += golden.difference(lines_of(full, record_type), result.stdout)
    return found


def main(passer):
    cases = golden.all_cases()
    tap = golden.Tap(len(cases))
    for case in cases:
        tap.point(case.name, faults(passer, case))
    return tap.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
