# SPDX-License-Identifier: GPL-3.0-or-later
"""A running passer: what it prints, when, and how it ends."""
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

DEADLINE_SECONDS = 20  # generous: a sanitizer build on a busy machine still keeps it
POLL_SECONDS = 0.005

SUMMARY = re.compile(
    r"passer: (\d+) packets, (\d+) dropped, (\d+) left out by the filter, (\d+) records, "
    r"(\d+) known already, (\d+) unaccounted")
RESTART = re.compile(
    r"passer: warning: worker \d+ was killed by signal 9; a new one goes on in its ring")
SANITIZER = re.compile(r"Sanitizer|runtime error:")


def environment(home):
    """What passer finds set: a home of its own, where it keeps its files."""
    return {**os.environ, "HOME": str(home), "TZ": "UTC"}


class Fault(Exception):
    """What a case found wrong; each argument is a line for the reader."""


def wait_until(is_true, what, seconds=DEADLINE_SECONDS):
    """Polls until it is true; a fault when it never is."""
    end = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > end:
            raise Fault(f"waited {seconds} s in vain for {what}")
        time.sleep(POLL_SECONDS)


def state_of(pid):
    """What a process does: S sleeps, R runs, T stands still; proc(5)."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


class Lines:
    """The lines of a stream as they come, each with its time."""

    def __init__(self, stream):
        self.times = []
        self.texts = []
        self.rest = b""  # behind the last line end
        self._stream = stream
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while chunk := os.read(self._stream.fileno(), 1 << 16):
            now = time.monotonic()
            *lines, self.rest = (self.rest + chunk).split(b"\n")
            self.times += [now] * len(lines)  # first: whoever finds a line finds its time
            self.texts += [line.decode(errors="backslashreplace") for line in lines]

    def time_of(self, pattern):
        """When the first line that matches came; None: not yet."""
        matches = (i for i, text in enumerate(self.texts) if re.fullmatch(pattern, text))
        return next((self.times[i] for i in matches), None)

    def join(self):
        """Waits for the end of the stream."""
        self._thread.join(DEADLINE_SECONDS)
        if self._thread.is_alive():
            raise Fault("somebody still holds the sensor's output open")


class Sensor:
    """A passer process. Give it a pipe as stdout to read the lines elsewhere."""

    def __init__(self, command, namespace, home, stdout=subprocess.PIPE):
        with namespace:
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
                env=environment(home))
        self.stderr = Lines(self.process.stderr)
        self.stdout = Lines(self.process.stdout) if stdout == subprocess.PIPE else None

    @property
    def lines(self):
        """The records so far."""
        return self.stdout.texts

    @property
    def messages(self):
        """Standard error so far."""
        return self.stderr.texts

    def _wait(self, is_true, what):
        def is_over():
            return is_true() or self.process.poll() is not None

        wait_until(is_over, what)
        if not is_true():
            self._join()
            if not is_true():
                raise Fault(f"the sensor ended with {self.process.returncode} before {what}")

    def wait_message(self, pattern):
        """Waits for a message that matches; returns its time."""
        self._wait(lambda: self.stderr.time_of(pattern) is not None, f"the message {pattern!r}")
        return self.stderr.time_of(pattern)

    def wait_line(self, pattern):
        """Waits for a record that matches; returns its time."""
        self._wait(lambda: self.stdout.time_of(pattern) is not None, f"the line {pattern!r}")
        return self.stdout.time_of(pattern)

    def wait_lines(self, wanted):
        """Waits until all of these records are there."""
        wanted = set(wanted)
        self._wait(lambda: wanted <= set(self.lines), f"{len(wanted)} lines")

    def wait_listening(self):
        """Waits until it hears; returns how many seconds that took."""
        return self.wait_message(r"passer: listening on .*") - self.started

    def workers(self):
        """The pids of its workers."""
        pid = self.process.pid
        return [int(word) for word in
                pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def has_message(self, pattern, first=0):
        """Is there a message that matches, leaving out the first ones?"""
        return any(re.fullmatch(pattern, text) for text in self.messages[first:])

    @property
    def restarts(self):
        """How many workers it said were killed and replaced."""
        return sum(bool(RESTART.fullmatch(text)) for text in self.messages)

    def _join(self):
        for stream in (self.stdout, self.stderr):
            if stream:
                stream.join()

    def wait_end(self, status=0):
        """Waits until it has ended by itself, in order."""
        try:
            self.process.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            raise Fault("the sensor does not end") from None
        self._join()
        found = [text for text in self.messages if SANITIZER.search(text)]
        if self.process.returncode != status or found:
            raise Fault(f"exit status {self.process.returncode}, not {status}", *found)
        if self.stdout and self.stdout.rest:
            raise Fault(f"the last line is torn: {self.stdout.rest!r}")

    def stop(self, number=signal.SIGTERM):
        """Stops it and waits for its end."""
        self.process.send_signal(number)
        self.wait_end()
        return self

    def _summary(self, number):
        for text in reversed(self.messages):
            match = SUMMARY.fullmatch(text)
            if match:
                return int(match[number])
        raise Fault("no summary on standard error")

    @property
    def packets(self):
        """Packets walked, by the summary."""
        return self._summary(1)

    @property
    def dropped(self):
        """Packets lost, by the summary."""
        return self._summary(2)

    @property
    def left_out(self):
        """Packets that the filter kept away, by the summary."""
        return self._summary(3)

    @property
    def unaccounted(self):
        """What its counters do not account for, by the summary."""
        return self._summary(6)

    def close(self):
        """Whatever is left of it."""
        self.process.kill()
        self.process.wait()
        for stream in (self.stdout, self.stderr):
            if stream:
                stream.join()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
