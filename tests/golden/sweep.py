#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Damages the captures of the golden cases and asks only that passer stays sane: sweep.py PASSER.

Every frame is cut at every length, and every one of its bytes is set to 0 and to 255; the whole
frame follows, so that later ones meet the state they need. Of equal frames in a case one is damaged.
Capture files are broken off everywhere and overwritten in the same way. passer must take every
frame, end with its usual status and without a word from a sanitizer, and every line must have its
five columns and a valid address. Speaks TAP.

Many cases go through one run; when it shows a fault, each of them runs alone, to name it.
"""
import ipaddress
import re
import sys

import golden
from support import capture

CASES_AT_ONCE = 50

LINE = re.compile(r"[A-Z]{2},([^,]+),[^,]+,[^,]*,[^,]*")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def damaged(data):
    """All cut forms of data, and all with one of its bytes set to 0 or to 255."""
    for at, byte in enumerate(data):
        yield data[:at]
        for value in {0x00, 0xFF} - {byte}:
            yield data[:at] + bytes((value,)) + data[at + 1 :]


def damaged_frames(frames):
    """All frames, each new one behind its damaged forms."""
    seen = set()
    for frame in frames:
        if frame.data not in seen:
            seen.add(frame.data)
            for data in damaged(frame.data):
                yield frame._replace(data=data)
        yield frame


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


def frame_faults(passer, captures):
    """Faults of a run over the damaged frames of some cases: (frames, link) by name."""
    items = {name: list(damaged_frames(frames)) for name, (frames, _) in captures.items()}
    files = {name: capture.pcap(items[name], link) for name, (_, link) in captures.items()}
    result = golden.run_passer(passer, files, ("--profile", "unlimited"))
    found = output_faults(result, (0,))
    total = sum(map(len, items.values()))
    if not re.search(rf"^passer: {total} packets, ", result.stderr, re.MULTILINE):
        found += [f"not all of the {total} frames were counted", *result.stderr.splitlines()]
    return found


def frame_points(passer, tap, captures):
    names = sorted(captures)
    for first in range(0, len(names), CASES_AT_ONCE):
        batch = {name: captures[name] for name in names[first : first + CASES_AT_ONCE]}
        found = frame_faults(passer, batch)
        alone = {name: frame_faults(passer, {name: batch[name]}) if found else [] for name in batch}
        for name, faults in alone.items():
            tap.point(f"{name}: frames damaged", faults if any(alone.values()) else found)


def file_faults(passer, case):
    for name, content in golden.files_of(case).items():
        files = {str(number): data for number, data in enumerate(damaged(content or b""))}
        found = output_faults(golden.run_passer(passer, files), (0, 1)) if files else []
        if found:
            return [f"damaged forms of {name}", *found]
    return []


def main(passer):
    cases = golden.all_cases()
    tap = golden.Tap(len(cases))
    frames = {case.name: (golden.frames_of(case), case.link) for case in cases}
    frame_points(passer, tap, {name: pair for name, pair in frames.items() if pair[0] is not None})
    for case in cases:
        if frames[case.name][0] is None:
            tap.point(f"{case.name}: files damaged", file_faults(passer, case))
    return tap.status()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
