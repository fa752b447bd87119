# SPDX-License-Identifier: GPL-3.0-or-later
"""Live cases: passer on a real interface of a network namespace that nobody else is in.

A case is a function under @case that is given a Lab; its docstring says what it shows. It raises
Fault when that does not hold. Every program here runs as `NAME.py PASSER [CASE…]` and speaks TAP.
"""
import contextlib
import pathlib
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter

import net
import traffic  # noqa: F401  first: it finds support
from sensor import Fault, Sensor, environment
from support.user import give

LITTLE = ("--ring-mib", "8", "--memory", "64")  # memory that is quickly had

LINES_SHOWN = 20

_cases = []


def case(function):
    """Registers a function as a case."""
    _cases.append(function)
    return function


def name_of(function):
    return function.__name__.replace("_", "-")


def variants(**values):
    """Registers one case for each value of a keyword: @variants(workers=(1, 2))."""
    (keyword, choices), = values.items()

    def register(function):
        for choice in choices:
            def chosen(lab, choice=choice):
                function(lab, **{keyword: choice})

            chosen.__name__ = f"{function.__name__}_{keyword}_{choice}"
            chosen.__doc__ = f"{function.__doc__} ({keyword}: {choice})"
            case(chosen)
        return function

    return register


class Skipped(Exception):
    """Raised by a case that cannot run here, with the reason."""


class Lab:
    """What a case is given: makes things, and takes them away at its end."""

    def __init__(self, passer, stack):
        self.passer = str(pathlib.Path(passer).resolve())
        self.stack = stack
        self.sensors = []
        self.folder = pathlib.Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="passer-live-")))
        give(self.folder)  # so that it can open its files anew

    @staticmethod
    def note(text):
        """A comment, such as a figure that was measured."""
        print(f"# {text}")

    def keep(self, thing):
        """Closes it at the end."""
        self.stack.callback(thing.close)
        return thing

    def namespace(self, **options):
        return self.keep(net.Namespace(**options))

    def wired(self):
        """A sender on one end of a cable and the namespace at the other; eth0 in both."""
        here, there = self.namespace(), self.namespace()
        net.wire(there, here)
        return self.keep(net.Sender(there)), here

    def sensor(self, namespace, *options, before=(), **how):
        """Starts passer, with a small ring unless options say more; `before` it stand others."""
        command = [*before, self.passer, *LITTLE, *map(str, options)]
        sensor = self.keep(Sensor(command, namespace, home=self.folder, **how))
        self.sensors.append(sensor)
        return sensor

    def listening(self, namespace, *options, **how):
        """The same, once it hears."""
        sensor = self.sensor(namespace, *options, **how)
        sensor.wait_listening()
        return sensor

    def lines_of_file(self, path, *options):
        """What passer prints of a capture file."""
        done = subprocess.run(
            [self.passer, *map(str, options), "-r", path], stdin=subprocess.DEVNULL,
            env=environment(self.folder), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Fault(f"passer -r: exit status {done.returncode}", *done.stderr.splitlines())
        return done.stdout.splitlines()


def check(is_true, *why):
    """A fault unless it is true."""
    if not is_true:
        raise Fault(*map(str, why))


def check_equal(got, wanted, what):
    check(got == wanted, f"{what}: {got}, not {wanted}")


def check_lines(got, wanted):
    """The same lines, each as often, in whatever order."""
    got, wanted = Counter(got), Counter(wanted)
    found = []
    for title, lines in (("missing", wanted - got), ("too many", got - wanted)):
        if lines:
            found.append(f"{lines.total()} lines {title}:")
            found += [f"  {line}" for line in list(lines.elements())[:LINES_SHOWN]]
    check(not found, *found)


def check_once(lines):
    """No line twice."""
    twice = [line for line, count in Counter(lines).items() if count > 1]
    check(not twice, f"{len(twice)} lines more than once:", *twice[:LINES_SHOWN])


def _faults(passer, function):
    """Runs a case; lines for the reader, none: it passed. Skipped goes through."""
    with contextlib.ExitStack() as stack:
        lab = Lab(passer, stack)
        try:
            function(lab)
            return []
        except Skipped:
            raise
        except Fault as fault:
            faults = list(fault.args)
        except Exception:  # pylint: disable=broad-except  # a case must not end the others
            faults = traceback.format_exc().splitlines()
        for sensor in lab.sensors:
            faults += ["its messages:", *sensor.messages[:LINES_SHOWN],
                       *sensor.messages[LINES_SHOWN:][-LINES_SHOWN:]]
            if sensor.stdout:
                faults += ["its last lines:", *sensor.lines[-LINES_SHOWN:]]
        return faults


def main():
    """Runs the cases of a program, or those that are named."""
    passer, *names = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    chosen = [function for function in _cases if name_of(function) in names or not names]
    trouble = net.trouble()
    if trouble:
        print(f"1..0 # SKIP {trouble}")
        return 0
    failed = 0
    print(f"1..{len(chosen)}")
    for number, function in enumerate(chosen, 1):
        about, faults = function.__doc__.splitlines()[0], []
        try:
            faults = _faults(passer, function)
        except Skipped as reason:
            about += f" # SKIP {reason}"
        failed += bool(faults)
        print(f"{'not ok' if faults else 'ok'} {number} - {name_of(function)}: {about}")
        for line in faults:
            print(f"# {line}")
        sys.stdout.flush()
    return 1 if failed else 0
