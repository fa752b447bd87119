# SPDX-License-Identifier: GPL-3.0-or-later
"""Golden cases: a capture built by a function, passer's options, and the lines that must come out.

A case is a function in cases/<analyzer or topic>.py under @case. It gives frames, or a dict of file
names and contents where the file is what the case is about: "-" is standard input, None a file that
is not there. Its first docstring line says what it shows. Its lines stand in expected/<case>.csv.
"""
import difflib
import importlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from typing import Callable, NamedTuple

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from support import capture  # noqa: E402  the path comes first
from support.user import give  # noqa: E402

EXPECTED = HERE / "expected"
PROBES = HERE / "service-probes"  # patterns of our own: nmap's change from version to version
SYSTEMS = HERE / "p0f.fp"  # so do p0f's signatures
CAPTURE = "capture.pcap"
HOME = ".passer"
TIMEOUT_SECONDS = 120
FAULTS_SHOWN = 40

SUMMARY = re.compile(r"passer: \d+ packets, .*")  # the last word of every run
SANITIZER = re.compile(r"Sanitizer|runtime error:")


class Case(NamedTuple):
    """One golden case."""

    name: str
    about: str
    build: Callable
    link: int
    options: tuple
    status: int
    stderr: tuple  # one regular expression a line, in order
    log: str | None  # the file that must hold the same lines
    home: dict  # files in ~/.passer before the run
    leaves: dict  # files that the run must leave: bytes, or the numbers of the frames in it


class Result(NamedTuple):
    """What a run of passer gave."""

    status: int
    stdout: bytes
    stderr: str
    made: dict  # files that passer left in its folder, by name


_cases = []


def case(build=None, *, link=capture.ETHERNET, options=(), status=0, stderr=(), log=None,
         home=None, leaves=None):
    """Registers a function as a case; its name is <module>-<function>."""

    def register(function):
        words = (function.__module__.rpartition(".")[2], function.__name__)
        name = "-".join(words).replace("_", "-")
        about = function.__doc__.splitlines()[0].rstrip(".")
        _cases.append(
            Case(name, about, function, link, tuple(options), status, tuple(stderr), log,
                 home or {}, leaves or {}))
        return function

    return register(build) if build else register


def decode_trouble(cut=0, bad=0, deep=0, unknown=0):
    """The line on stderr about frames that could not be read to the end."""
    return (f"passer: decode: {cut} packets cut short, {bad} malformed, {deep} nested too deep, "
            f"{unknown} of an unknown link type")


def all_cases():
    """Every case, in the order of file names and of the functions in them."""
    if not _cases:
        for path in sorted((HERE / "cases").glob("*.py")):
            importlib.import_module(f"cases.{path.stem}")
    return _cases


def frames_of(case_):
    """The frames of a case; None for one that is about files."""
    built = case_.build()
    return None if isinstance(built, dict) else list(capture.frames(built))


def files_of(case_):
    """The capture files of a case, by name."""
    built = case_.build()
    return built if isinstance(built, dict) else {CAPTURE: capture.pcap(built, case_.link)}


def expected_path(case_):
    return EXPECTED / f"{case_.name}.csv"


def run_passer(passer, files, options=(), home=None, systems=SYSTEMS):
    """Runs passer -r on the files, "-" is its input, in an empty folder that is also its home."""
    with tempfile.TemporaryDirectory(prefix="passer-golden-") as folder:
        if os.geteuid() == 0:
            give(folder)
        for name, content in files.items():
            if name != "-" and content is not None:
                pathlib.Path(folder, name).write_bytes(content)
        for name, content in (home or {}).items():
            path = pathlib.Path(folder, HOME, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        command = [os.path.abspath(passer), "--service-probes", str(PROBES), "--p0f", str(systems),
                   *options]
        for name in files:
            command += ["-r", name]
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, "TZ": "UTC", "HOME": folder},
            input=files.get("-", b""), capture_output=True, timeout=TIMEOUT_SECONDS, check=False)
        made = {str(path.relative_to(folder)): path.read_bytes()
                for path in pathlib.Path(folder).rglob("*")
                if path.is_file() and path.name not in files}
        return Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"), made)


def difference(expected, got):
    """What a reader wants to see of two texts that should be equal."""
    lines = (text.decode(errors="backslashreplace").splitlines() for text in (expected, got))
    return list(difflib.unified_diff(*lines, "expected", "printed", lineterm=""))


def left_faults(case_, made):
    """How the files that passer left differ from the case's word; ~/.passer may hold what it will."""
    wanted = set(case_.leaves) | ({case_.log} if case_.log else set())
    names = {name for name in made if name in wanted or not name.startswith(HOME)}
    if names != wanted:
        return [f"files that it left: {sorted(made)}"]
    found = []
    for name, content in case_.leaves.items():
        if isinstance(content, bytes):
            found += difference(content, made[name])
            continue
        frames = frames_of(case_)
        dumped = [(frame.time_ns, frame.data, frame.wire_bytes) for frame in
                  capture.frames_of_pcap(made[name])]
        if dumped != [(frames[i].time_ns, frames[i].data, frames[i].wire_bytes) for i in content]:
            found += [f"{name}: {len(dumped)} frames, not the frames {content}"]
    return found


def stderr_faults(case_, stderr):
    """How stderr, but for the summary, differs from the case's word on it."""
    lines = [line for line in stderr.splitlines() if not SUMMARY.fullmatch(line)]
    wanted = list(case_.stderr)
    if len(lines) == len(wanted) and all(map(re.fullmatch, wanted, lines)):
        return []
    return ["stderr, wanted:", *(f"  {line}" for line in wanted),
            "stderr, printed:", *(f"  {line}" for line in lines)]


class Tap:
    """Test points on stdout (Test Anything Protocol)."""

    def __init__(self, planned):
        self.number = 0
        self.failed = 0
        print(f"1..{planned}")

    def point(self, name, faults):
        """One test point; faults are lines for the reader, none: it passed."""
        self.number += 1
        self.failed += bool(faults)
        print(f"{'not ok' if faults else 'ok'} {self.number} - {name}")
        for line in faults[:FAULTS_SHOWN]:
            print(f"# {line}")
        if len(faults) > FAULTS_SHOWN:
            print(f"# … {len(faults) - FAULTS_SHOWN} lines more")
        sys.stdout.flush()

    def status(self):
        """The exit status of the program."""
        return 1 if self.failed else 0
