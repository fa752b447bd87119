# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces that are only held by this process, so that none is left however it ends.

    with namespace:            what is opened or started here belongs to the namespace
        subprocess.Popen(…)

They are quiet: the kernel sends nothing of its own accord but what the tests ask it to.
"""
import ctypes
import json
import os
import socket
import subprocess
import time

CLONE_NEWNET = 0x40000000

FRAMES_AT_ONCE = 64  # then a pause, so that no queue of the kernel overflows
PAUSE_SECONDS = 0.001

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name, *args):
    if getattr(_libc, name)(*args) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def _current():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def trouble():
    """Why there can be no namespaces here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    try:
        Namespace().close()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no network namespaces here: {error}"
    return None


class Namespace:
    """A network namespace with a loopback interface that is up."""

    def __init__(self, has_ipv6=False):
        self._home = _current()
        _call("unshare", CLONE_NEWNET)
        try:
            self._fd = _current()
        finally:
            _call("setns", self._home, CLONE_NEWNET)
        with self:
            self._quiet(has_ipv6)
            self.ip("link set lo up")

    @staticmethod
    def _quiet(has_ipv6):
        """No duplicate address detection, no search for routers, or no IPv6 at all."""
        values = {"disable_ipv6": not has_ipv6, "accept_dad": 0, "dad_transmits": 0,
                  "router_solicitations": 0, "accept_ra": 0}
        for scope in ("all", "default"):
            for name, value in values.items():
                path = f"/proc/sys/net/ipv6/conf/{scope}/{name}"
                with open(path, "w", encoding="ascii") as file:
                    file.write(str(int(value)))

    def __enter__(self):
        _call("setns", self._fd, CLONE_NEWNET)
        return self

    def __exit__(self, *_):
        _call("setns", self._home, CLONE_NEWNET)

    @property
    def path(self):
        """A name for it that ip(8) takes."""
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    def run(self, *command, **options):
        """Runs a command to its end; CalledProcessError when it fails."""
        with self:
            return subprocess.run(
                command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                **options)

    def call(self, *command):
        """The exit status of a command, whatever it is."""
        with self:
            return subprocess.run(
                command, check=False, stdin=subprocess.DEVNULL, capture_output=True).returncode

    def ip(self, *lines):
        """Lines for ip(8)."""
        for line in lines:
            self.run("ip", *line.split())

    def interface(self, name="eth0"):
        """What ip(8) says of an interface, as a dict."""
        return json.loads(self.run("ip", "-json", "-details", "link", "show", name).stdout)[0]

    def close(self):
        """It is gone when its last process is."""
        os.close(self._fd)
        os.close(self._home)


def wire(one, other, name="eth0", other_name=None, is_up=True):
    """A cable (veth) between two namespaces, each end with its name."""
    other_name = other_name or name
    one.ip(f"link add name {name} type veth peer name {other_name} netns {other.path}")
    if is_up:
        one.ip(f"link set {name} up")
        other.ip(f"link set {other_name} up")


class Sender:
    """Puts frames on the cable as they are; counts them."""

    def __init__(self, namespace, interface="eth0"):
        with namespace:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self._socket.bind((interface, 0))
        self.sent = 0

    def send(self, frames, is_stopped=None):
        """Sends them all, or until the event is set; pauses bound the rate."""
        for number, frame in enumerate(frames, 1):
            if is_stopped and is_stopped.is_set():
                break
            self._socket.send(frame)
            self.sent += 1
            if number % FRAMES_AT_ONCE == 0:
                time.sleep(PAUSE_SECONDS)

    def close(self):
        self._socket.close()
