#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Damages the captures of the golden cases and asks only that passer stays sane: sweep.py PASSER.

Every frame is cut at every length, and every one of its first bytes is set to 0 and to 255; the
whole frame follows, so that later ones meet the state they need. Capture files are broken off and
overwritten in the same way. passer must take every frame, end with its usual status and without a
word from a sanitizer, and every line must have its five columns and a valid address. Speaks TAP.
"""
import ipaddress
import re
import sys

import golden
from support import capture

DAMAGED_BYTES = 120
FILE_CUTS = 40

LINE = re.compile(r"[A-Z]{2},([^,]+),[^,]+,[^,]*,[^,]*")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def overwritten(data):
    """Forms of data with one of its first bytes set to 0 or to 255."""
    for at in range(min(DAMAGED_BYTES, len(data))):
        for value in (0x00, 0xFF):
            if data[at] != value:
                yield data[:at] + bytes((value,)) + data[at + 1 :]


def damaged_frames(frame):
    """All cut and all overwritten forms of a frame."""
    for length in range(len(frame.data)):
        yield frame._replace(data=frame.data[:length])
    for data in overwritten(frame.data):
        yield frame._replace(data=data)


def damaged_files(content):
    """Some cut and all overwritten forms of a capture file, by name."""
    cuts = [content[: len(content) * i // FILE_CUTS] for i in range(FILE_CUTS)]
    return {str(i): data for i, data in enumerate([*cuts, *overwritten(content)])}


def line_fault(line):
    match = LINE.fullmatch(line)
    if not match or CONTROL.search(line):
        return True
    try:
        ipaddress.ip_address(match[1])
    except ValueError:
        return True
    return False


def output_faults(result, statuses):
    if result.status not in statuses or golden.SANITIZER.search(result.stderr):
        return [f"exit status {result.status}", *result.stderr.splitlines()]
    try:
        lines = result.stdout.decode().split("\n")[:-1]
    except UnicodeDecodeError as error:
        return [f"the output is not UTF-8: {error}"]
    return [f"not a record: {line!r}" for line in lines if line_fault(line)]


def frame_faults(passer, case, frames):
    items = []
    for frame in frames:
        items += [*damaged_frames(frame), frame]
    files = {golden.CAPTURE: capture.pcap(items, case.link)}
    result = golden.run_passer(passer, files, ("--profile", "unlimited"))
    found = output_faults(result, (0,))
    if not re.search(rf"^passer: {len(items)} packets, ", result.stderr, re.MULTILINE):
        found += [f"not all of the {len(items)} frames were counted", *result.stderr.splitlines()]
    return found


def file_faults(passer, case):
    for name, content in golden.files_of(case).items():
        result = golden.run_passer(passer, damaged_files(content or b""))
        found = output_faults(result, (0, 1))
        if found:
            return [f"damaged forms of {name}", *found]
    return []


def main(passer):
    cases = golden.all_cases()
    tap = golden.Tap(len(cases))
    for case in cases:
        frames = golden.frames_of(case)
        if frames is None:
            tap.point(f"{case.name}: files damaged", file_faults(passer, case))
        else:
            tap.point(f"{case.name}: frames damaged", frame_faults(passer, case, frames))
    return tap.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
