# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking a running sensor: over its control socket, and by tools/passerctl."""
import itertools
import json
import os
import pathlib
import socket
import subprocess
import sys

from sensor import DEADLINE_SECONDS, Fault, wait_until

FOLDER = pathlib.Path("/run/passer")
PASSERCTL = pathlib.Path(__file__).resolve().parents[2] / "tools/passerctl"

_numbers = itertools.count()


def new_name(lab):
    """A name for a sensor that no other one has; what a killed one leaves is taken away."""
    name = f"test-{os.getpid()}-{next(_numbers)}"
    lab.stack.callback((FOLDER / f"{name}.sock").unlink, missing_ok=True)
    return name


def connect(name):
    """A connection to a sensor."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(FOLDER / f"{name}.sock"))  # waits while many want to
    connection.settimeout(DEADLINE_SECONDS)
    return connection


def rest_of(connection):
    """All that comes until the sensor ends the connection."""
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def ask(name, line):
    """The answer to a line."""
    with connect(name) as connection:
        connection.sendall(line.encode() + b"\n")
        return json.loads(rest_of(connection))


def picture(name):
    """The statistics of a sensor, which must balance whenever they are asked for."""
    found = ask(name, "stats")
    if found["unaccounted"] != 0:
        raise Fault(f"unaccounted: {found['balance']}", json.dumps(found))
    return found


def total(name, key):
    return picture(name)["total"][key]


def wait_total(name, key, value):
    """Waits until a counter has reached a value; returns the picture."""
    wait_until(lambda: total(name, key) >= value, f"{key} to be {value}")
    return picture(name)


def passerctl(*words, status=0):
    """What passerctl prints."""
    done = subprocess.run([sys.executable, PASSERCTL, *map(str, words)], capture_output=True,
                          text=True, check=False, timeout=DEADLINE_SECONDS)
    if done.returncode != status:
        raise Fault(f"passerctl {words}: exit status {done.returncode}", done.stdout, done.stderr)
    return done.stdout if status == 0 else done.stderr
