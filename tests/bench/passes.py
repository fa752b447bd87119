# SPDX-License-Identifier: GPL-3.0-or-later
"""What each capture file costs within one run of passer, whatever its start and its end take.

Before, between and behind the files passer is given a named pipe with a capture without packets. It
sleeps until the pipe says something, and only then is its CPU time exact; so the pipe says nothing
until that time has been read. What a look itself costs is some system calls of opening a file.
"""
import contextlib
import errno
import os
import subprocess
import time
from typing import NamedTuple

import generate
import processes

LOOK_EVERY_SECONDS = 0.005
PATIENCE_SECONDS = 300  # for one file


class Cost(NamedTuple):
    """What a run took."""

    cpu_seconds: list  # of each file
    rss_kib: int  # the most of any of its processes


class Ended(Exception):
    """The program is not there to be looked at, or stands still."""


def wait_for(process, question):
    """Its answer, once it has one."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (answer := question()):
        if process.poll() is not None or time.monotonic() > end:
            raise Ended
        time.sleep(LOOK_EVERY_SECONDS)
    return answer


def writer_of(pipe):
    """The writing end of a named pipe, once somebody has opened the other one."""
    try:
        return open(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK), "wb", buffering=0)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
    return None


def asleep(pid):
    """A program and all that it has started, when nothing of it runs."""
    pids = processes.tree(pid)
    return pids if processes.are_asleep(pids) else None


def look(process, pipe):
    """CPU seconds and peak memory of the program when it has come to this pipe; then it goes on."""
    with wait_for(process, lambda: writer_of(pipe)) as writer:
        pids = wait_for(process, lambda: asleep(process.pid))
        used = processes.cpu_seconds(pids), processes.peak_kib(pids)
        writer.write(generate.PCAP_HEAD)
    return used


def look_at_all(process, pipes):
    """A look at each pipe; a program that does not come to the last of them is ended."""
    with contextlib.ExitStack() as stack:
        stack.callback(process.terminate)
        looks = [look(process, pipe) for pipe in pipes]
        stack.pop_all()
    return looks


def made_pipes(folder, count):
    pipes = [folder / f"pipe-{number}" for number in range(count)]
    for pipe in pipes:
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe)
    return pipes


def measure(folder, words, paths):
    """A run of `words` -r `paths`; None when it fails. The folder is for the pipes."""
    pipes = made_pipes(folder, len(paths) + 1)
    files = [pipes[0], *(file for both in zip(paths, pipes[1:]) for file in both)]
    with subprocess.Popen(
            [*words, "-r", *files], env={**os.environ, "HOME": str(folder)},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            looks = look_at_all(process, pipes)
        except (Ended, BrokenPipeError):
            return None
    seconds = [cpu for cpu, _ in looks]
    costs = [after - before for before, after in zip(seconds, seconds[1:])]
    return Cost(costs, looks[-1][1]) if process.returncode == 0 else None
