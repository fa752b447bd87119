#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The prefilter of product patterns neither loses nor changes a match. Speaks TAP.

    winners.py ONE_BY_ONE [--every N] [--copies N]

one_by_one asks all patterns of the system's nmap-service-probes without the prefilter, about
payloads of the golden cases, of real servers (server_texts.py), damaged copies of both, and texts
made to be matched by every N-th pattern.
"""
import argparse
import importlib
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import warnings

import golden
from hosts import ALICE, BOB, Connection, datagram
from server_texts import SAID
from support import capture

PROBES = ("/usr/local/share/nmap/nmap-service-probes", "/usr/share/nmap/nmap-service-probes",
          golden.PROBES)  # the first two passer finds by itself, and adds its own
MATCH = re.compile(rb"(?:soft)?match \S+ m(.)(.*?)\1([is]*)(?: |$)")
PORTS = re.compile(rb"ports (\d+)")
REPEATS_MAX = 3
TEXT_BYTES_MAX = 4000

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    # Python's own reader of patterns, wherever this version has it.
    parser = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")

CATEGORIES = {"CATEGORY_DIGIT": b"7", "CATEGORY_NOT_DIGIT": b"x", "CATEGORY_SPACE": b" ",
              "CATEGORY_NOT_SPACE": b"x", "CATEGORY_WORD": b"w", "CATEGORY_NOT_WORD": b"-"}


class Example:
    """Makes a text that a pattern matches, as a rule; seeded, so the same in every run."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.groups = {}

    def of(self, items):
        return b"".join(self._one(str(kind), value) for kind, value in items)

    def _one(self, kind, value):
        maker = getattr(self, f"_{kind.lower()}", None)
        return maker(value) if maker else b""  # anchors and look-arounds have no text

    @staticmethod
    def _literal(value):
        return bytes([value])

    def _not_literal(self, value):
        return b"x" if value != ord("x") else b"y"

    def _any(self, _):
        return bytes([self.random.randrange(32, 127)])

    def _category(self, value):
        return CATEGORIES[str(value)]

    def _range(self, value):
        return bytes([self.random.randint(*value)])

    def _in(self, items):
        if str(items[0][0]) != "NEGATE":
            return self.of([self.random.choice(items)])
        unwanted = re.compile(b"[^%s]" % b"".join(
            re.escape(bytes([b])) for b in range(256) if not self._is_in(items[1:], b)) or b"^")
        return next(bytes([b]) for b in range(120, 376) if not unwanted.match(bytes([b % 256])))

    @staticmethod
    def _is_in(items, byte):
        for kind, value in items:
            kind, text = str(kind), bytes([byte])
            if (kind == "LITERAL" and byte == value
                    or kind == "RANGE" and value[0] <= byte <= value[1]
                    or kind == "CATEGORY" and Example._has(str(value), text)):
                return True
        return False

    @staticmethod
    def _has(category, text):
        letter = {"DIGIT": b"d", "SPACE": b"s", "WORD": b"w"}[category.rpartition("_")[2]]
        return bool(re.match(b"\\" + (letter.upper() if "NOT" in category else letter), text))

    def _max_repeat(self, value):
        least, most, items = value
        count = self.random.randint(least, max(least, min(int(most), least + REPEATS_MAX)))
        return b"".join(self.of(items) for _ in range(count))

    _min_repeat = _possessive_repeat = _max_repeat

    def _subpattern(self, value):
        number, items = value[0], value[-1]
        self.groups[number] = self.of(items)
        return self.groups[number]

    def _branch(self, value):
        return self.of(self.random.choice(value[1]))

    def _groupref(self, number):
        return self.groups.get(number, b"")


def example(pattern, seed):
    """A text that a pattern should match; None when Python does not read it."""
    try:
        text = Example(seed).of(parser.parse(pattern))
    except (re.error, OverflowError, StopIteration):
        return None
    return text[:TEXT_BYTES_MAX] or None


def examples(probes, every):
    """(is UDP, port, text) of every N-th pattern of the file."""
    is_udp, port, number = False, 1, 0
    for line in probes.read_bytes().splitlines():
        if line.startswith(b"Probe "):
            is_udp, port = line.startswith(b"Probe UDP"), 1
        listed, match = PORTS.match(line), MATCH.match(line)
        if listed:
            port = int(listed[1])
        if match:
            number += 1
            text = example(match[2], number) if number % every == 0 else None
            if text:
                yield is_udp, port, text


def frames_of_texts(texts):
    """A frame each."""
    for is_udp, port, text in texts:
        if is_udp:
            yield datagram(BOB, ALICE, port, 40000, text)
        else:
            yield Connection(ALICE, BOB, port).server_says(text)


def captures(folder, probes, every):
    """Writes the captures; their paths."""
    contents = [content for case in golden.all_cases()
                for content in golden.files_of(case).values() if content]
    contents.append(capture.pcap(frames_of_texts((False, port, text) for port, text in SAID)))
    contents.append(capture.pcap(frames_of_texts(examples(probes, every))))
    for number, content in enumerate(contents):
        path = pathlib.Path(folder, f"{number}.pcap")
        path.write_bytes(content)
        yield path


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("one_by_one")
    args.add_argument("--every", type=int, default=10)
    args.add_argument("--copies", type=int, default=1)
    args = args.parse_args()
    probes = next(pathlib.Path(path) for path in PROBES if pathlib.Path(path).exists())
    with tempfile.TemporaryDirectory(prefix="passer-winners-") as folder:
        paths = [str(path) for path in captures(folder, probes, args.every)]
        asked = str(probes) if probes == golden.PROBES else "-"
        done = subprocess.run([args.one_by_one, asked, str(args.copies), *paths],
                              capture_output=True, text=True, check=False)
    print(done.stdout, end="")
    tap = golden.Tap(1)
    tap.point("winners: one by one, the patterns give the same products",
              done.stderr.splitlines() + ["see above"] if done.returncode else [])
    return tap.status()


if __name__ == "__main__":
    sys.exit(main())
