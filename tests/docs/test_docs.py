#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares the documents with the program: test_docs.py PASSER COMPILER… Speaks TAP."""
import pathlib
import re
import subprocess
import sys

import network
import golden

ROOT = network.TESTS.parent
DOCS = ROOT / "docs"

HELP_LINE = re.compile(r"^ {2}(?:(-\w)|  ) (--[\w-]+)", re.MULTILINE)
RECORD = re.compile(r"^RECORD\( (\w+),", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
C_BLOCK = re.compile(r"^```c\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"ANALYZER\( (\w+),")
COUNTER = re.compile(r"^(?:LINK|RING|WORKER|SENSOR)_COUNTER\( +(\w+),", re.MULTILINE)


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def options_of(passer):
    """Every option of --help, in both of its forms."""
    found = [word for pair in HELP_LINE.findall(output_of(passer, "--help")) for word in pair if word]
    return found or ["--help names no options"]


def in_manual(option):
    """Does it begin an entry of the manual page?"""
    roff = re.escape(option.replace("-", r"\-"))
    return re.search(rf"^\.TP\n\.BR? .*(?<![\w-]){roff}(?![\w\\])",
                     (DOCS / "passer.8").read_text(), re.MULTILINE)


def in_operating(option):
    """Does it stand in the first cell of the table of options?"""
    return re.search(rf"^\|[^|]*`{re.escape(option)}(?![\w-])",
                     (DOCS / "operating.md").read_text(), re.MULTILINE)


def undescribed_records():
    """Types that begin no row of docs/records.md."""
    page = (DOCS / "records.md").read_text()
    types = RECORD.findall((ROOT / "src/output/records.def").read_text())
    return [type_ for type_ in types if not re.search(rf"^\| [^|]*\b{type_}\b", page, re.MULTILINE)]


def undescribed_counters():
    """Counters that stand in no first cell of a table of docs/operating.md."""
    page = (DOCS / "operating.md").read_text()
    names = COUNTER.findall((ROOT / "src/control/counters.def").read_text())
    return [name for name in names if not re.search(rf"^\|[^|]*`{name}`", page, re.MULTILINE)]


def analyzers_without_case(passer):
    names = [line.split()[0] for line in output_of(passer, "--list-analyzers").splitlines()]
    return [name for name in names if name != "fault"  # does harm, in builds for tests
            and not (network.TESTS / f"golden/cases/{name}.py").exists()]


def dead_links():
    """Relative links that lead nowhere, as page: link."""
    found = []
    for page in (ROOT / "README.md", *sorted(DOCS.glob("*.md"))):
        for link in LINK.findall(page.read_text()):
            path = link.partition("#")[0]
            if ":" not in link and path and not (page.parent / path).exists():
                found.append(f"{page.name}: {link}")
    return found


def example_faults(compiler):
    """What the compiler says to the analyzer of docs/adding-an-analyzer.md."""
    row, *code = C_BLOCK.findall((DOCS / "adding-an-analyzer.md").read_text())
    text = "\n".join([*code, f"extern const struct analyzer analyzer_{ROW.match(row)[1]};"])
    done = subprocess.run(
        [*compiler, "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
         f"-I{ROOT}/include", f"-I{ROOT}/src", "-x", "c", "-"],
        input=text, capture_output=True, text=True, check=False)
    return done.stderr.splitlines() if done.returncode else []


def main():
    passer, *compiler = sys.argv[1:]
    options = options_of(passer)
    points = (
        ("each option has its entry in docs/passer.8", [o for o in options if not in_manual(o)]),
        ("each option has its row in docs/operating.md", [o for o in options if not in_operating(o)]),
        ("each record type has a row in docs/records.md", undescribed_records()),
        ("each counter has a row in docs/operating.md", undescribed_counters()),
        ("each analyzer has golden cases", analyzers_without_case(passer)),
        ("each relative link leads to a file", dead_links()),
        ("the analyzer of docs/adding-an-analyzer.md compiles", example_faults(compiler)),
    )
    tap = golden.Tap(len(points))
    for name, faults in points:
        tap.point(name, faults)
    return tap.status()


if __name__ == "__main__":
    sys.exit(main())
