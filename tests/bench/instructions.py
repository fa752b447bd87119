# SPDX-License-Identifier: GPL-3.0-or-later
"""Instructions per packet by stage and function, counted by callgrind: exact on a busy machine, too.

A capture is read once and twice; what the second time costs is what a packet costs when the facts in
it are known. Start and end fall out.
"""
import collections
import os
import re
import shutil
import subprocess

import generate
import report

ROW = re.compile(r"^\s*([\d,]+) \(\s*[\d.]+%\)\s+(.+)$")
PLACE = re.compile(r"(?P<file>[^:]*):(?P<function>[^ \[]+)")
STAGE = re.compile(r"(?:^|/)(?:src|include/passer)/(\w+)/(\w+)")
FUNCTIONS_SHOWN = 15

STAGE_COLUMNS = (("program", "program"), ("stage", "stage"), ("instructions", "instructions/packet"),
                 ("share", "share"), ("ratio", "first = 1"))
FUNCTION_COLUMNS = (("program", "program"), ("function", "function"),
                    ("instructions", "instructions/packet"), ("share", "share"))


def unconfined(words):
    """The option by which a passer allows valgrind its system calls, where it has it."""
    done = subprocess.run([words[0], "--help"], capture_output=True, text=True, check=False)
    return ["--unconfined"] if "--unconfined" in done.stdout else []


def counts(bench, words, files):
    """Instructions by (file, function) of one run; None when callgrind cannot run it."""
    for old in bench.folder.glob("callgrind.out.*"):
        old.unlink()
    environment = {**os.environ, "HOME": str(bench.folder)}
    done = subprocess.run(
        ["valgrind", "--quiet", "--tool=callgrind",
         f"--callgrind-out-file={bench.folder}/callgrind.out.%p", *words, *unconfined(words), "-r",
         *files], env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        report.progress(f"callgrind: {done.stderr.decode(errors='replace').strip()[-200:]}")
        return None
    found = collections.Counter()
    for out in bench.folder.glob("callgrind.out.*"):  # one a process
        text = subprocess.run(
            ["callgrind_annotate", "--auto=no", "--threshold=100", out], env=environment,
            capture_output=True, text=True, check=True).stdout
        for count, place in (match.groups() for match in map(ROW.match, text.splitlines()) if match):
            where = PLACE.match(place)
            if where:
                found[where["file"], where["function"]] += int(count.replace(",", ""))
    return found


def per_packet(bench, words, path, packets):
    """What a packet costs when its facts are known, by (file, function)."""
    counts(bench, words, [path])  # so that both start with the suspicious hosts that it leaves
    once, twice = (counts(bench, words, [path] * times) for times in (1, 2))
    if not once or not twice:
        return None
    return {place: (count - once[place]) / packets for place, count in twice.items()
            if count != once[place]}


def sums(costs, key):
    """Costs by what key() makes of a place, the highest first."""
    total = collections.Counter()
    for place, cost in costs.items():
        total[key(*place)] += cost
    return total.most_common()


def stage_of(file, _):
    """The folder of src/ that a file belongs to, each analyzer by itself; else it is a library's."""
    stage = STAGE.search(file)
    if not stage:
        return "libraries"
    return "/".join(stage.groups()) if stage[1] == "analyzers" else stage[1]


def compare(rows):
    """Sets each stage against the same of the first program."""
    first = {}
    for row in rows:
        base = first.setdefault(row["stage"], row)
        row["ratio"] = None if base is row else report.ratio(row["instructions"], base["instructions"])


def rows_of(name, what, found, total):
    return [{"program": name, what: key, "instructions": cost, "share": cost / total}
            for key, cost in found]


def run(bench, programs):
    """Rows by stage and by function, of each (name, command)."""
    if not shutil.which("valgrind"):
        report.progress("instructions: left out: no valgrind")
        return {}
    path = str(bench.folder / "instructions.pcap")
    packets = generate.one_cycle(path, "office", 20)
    stages, functions = [], []
    for name, words in programs:
        report.progress(f"instructions: {name}, {packets} packets")
        costs = per_packet(bench, words, path, packets)
        if costs:
            total = sum(costs.values())
            by_stage = [("all", total), *sums(costs, stage_of)]
            stages += rows_of(name, "stage", by_stage, total)
            names = sums(costs, lambda _, function: function)[:FUNCTIONS_SHOWN]
            functions += rows_of(name, "function", names, total)
    compare(stages)
    return {"stages": stages, "functions": functions}
