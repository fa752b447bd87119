#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interfaces that go, come back and appear, and those that passer hears unasked. Speaks TAP."""
import fcntl
import itertools
import os
import socket
import struct
import sys
import time

import net
import traffic
from live import case, check, check_equal, check_lines, main, variants
from sensor import wait_until

IS_DOWN = r"passer: warning: eth0 is down or has no carrier; .*"
IS_GONE = r"passer: warning: eth0 is gone; .*"
IS_BACK = r"passer: eth0 is back"

IS_LOST = (r"passer: error: eth0 is back, but came and went too often: no socket is left to hear it; "
           r"restart passer")
FEW_SPARES = r"passer: warning: capture: the limit of open files leaves room for \d+ spare sockets .*"
OTHER_KIND = (r"passer: warning: capture: eth0: the filter expression is asked in user space: "
              r"the interface is of another link type than before")

TUNSETIFF = 0x400454CA  # linux/if_tun.h
TUN_IS_PLAIN = 0x1001  # IFF_TUN | IFF_NO_PI
ETHERNET_BYTES = 14

SPARES = 8  # sockets for a ring, RING_SPARES_MAX
FEW_DESCRIPTORS = 178  # room for two of each ring
FEWER_DESCRIPTORS = 145  # for no more than one or two
SETTLE_SECONDS = 1  # an interface that is back is heard when it has stayed so long

PROBE_SECONDS = 0.02  # between two of them
BATCH = 200


class Tun:
    """A program behind a tun interface: what it writes comes in there. No link header."""

    def __init__(self, namespace, name):
        with namespace:
            self._file = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(self._file, TUNSETIFF, struct.pack("16sH22x", name.encode(), TUN_IS_PLAIN))

    def send(self, frames):
        """Ethernet frames, without their headers."""
        for frame in frames:
            os.write(self._file, frame[ETHERNET_BYTES:])

    def close(self):
        """The interface goes with it."""
        os.close(self._file)


def listening(lab, here, *options, **how):
    """A sensor with many small blocks: a large one is used up by the few frames of 60 ms, and a worker
    that starts on a busy machine needs longer than four of them last."""
    return lab.listening(here, "--block-kib", 64, *options, **how)


def hear(sensor, sender, numbers):
    """Sends until something is heard, for a cable needs its time; from then on all must be."""
    sent = []

    def is_heard():
        number = next(numbers)
        sender.send([traffic.fact(number)])
        sent.append(traffic.fact_line(number))
        time.sleep(PROBE_SECONDS)
        return not set(sent).isdisjoint(sensor.lines)

    wait_until(is_heard, "the first frame")
    batch = list(itertools.islice(numbers, BATCH))
    sender.send(traffic.facts(batch))
    sensor.wait_lines(traffic.fact_lines(batch))


@variants(workers=(1, 2))
def down_and_up(lab, workers):
    """An interface goes down and comes up again, several times: capture goes on"""
    numbers = itertools.count()
    sender, here = lab.wired()
    sensor = listening(lab, here, "-i", "eth0", "--workers", workers)
    for _ in range(3):
        hear(sensor, sender, numbers)
        here.ip("link set eth0 down", "link set eth0 up")
    hear(sensor, sender, numbers)
    sensor.stop()
    check_equal(sensor.restarts, 0, "restarts")


@variants(workers=(1, 2))
def down_at_the_start(lab, workers):
    """An interface that is down is heard as soon as it is up"""
    here, there = lab.namespace(), lab.namespace()
    net.wire(there, here, is_up=False)
    sensor = listening(lab, here, "-i", "eth0", "--workers", workers)
    sensor.wait_message(IS_DOWN)
    here.ip("link set eth0 up")
    there.ip("link set eth0 up")
    hear(sensor, lab.keep(net.Sender(there)), itertools.count())
    sensor.stop()


@variants(workers=(1, 2))
def deleted_and_made_anew(lab, workers):
    """An interface is deleted and another gets its name: passer says so and goes on"""
    numbers = itertools.count()
    here, there = lab.namespace(), lab.namespace()
    net.wire(there, here)
    sensor = listening(lab, here, "-i", "eth0", "--workers", workers)
    hear(sensor, lab.keep(net.Sender(there)), numbers)
    for is_up in (True, False):
        count = len(sensor.messages)
        here.ip("link del eth0")
        wait_until(lambda: sensor.has_message(IS_GONE, count), "the message that it is gone")
        net.wire(there, here, is_up=is_up)
        if not is_up:  # it may be configured at leisure
            time.sleep(0.3)
            here.ip("link set eth0 up")
            there.ip("link set eth0 up")
        wait_until(lambda: sensor.has_message(IS_BACK, count), "the message that it is back")
        hear(sensor, lab.keep(net.Sender(there)), numbers)
    sensor.stop()
    check_equal(sensor.restarts, 0, "restarts")


@case
def deleted_again_and_again(lab):
    """An interface that comes and goes faster than passer can follow does not end it"""
    numbers = itertools.count()
    here, there = lab.namespace(), lab.namespace()
    net.wire(there, here)
    sensor = listening(lab, here, "-i", "eth0", "--workers", 2)
    for _ in range(20):
        here.ip("link del eth0")
        net.wire(there, here)
    hear(sensor, lab.keep(net.Sender(there)), numbers)
    sensor.stop()


@case
def flapping(lab):
    """One that comes and goes more often than there are sockets is opened at once, then when it stays"""
    here, there = lab.namespace(), lab.namespace()
    net.wire(there, here)
    sensor = listening(lab, here, "-i", "eth0", "--workers", 2)
    gone_and_back(here, there, sensor)
    before = len(sensor.messages)
    for _ in range(SPARES + 2):
        here.ip("link del eth0")
        net.wire(there, here)
        time.sleep(0.1)  # passer can follow
    stays = time.monotonic()
    wait_until(lambda: sensor.has_message(IS_BACK, before), "the message that it is back")
    waited = time.monotonic() - stays
    check(SETTLE_SECONDS - 0.3 < waited, f"opened {waited:.2f} s behind the last time")
    hear(sensor, lab.keep(net.Sender(there)), itertools.count())
    sensor.stop()
    check_equal(sum("is back" in text for text in sensor.messages), 2, "times that it was opened")
    check_equal(sensor.unaccounted, 0, "unaccounted")


@case
def old_one_goes(lab):
    """One that was renamed and is deleted later is not taken for the new one of its name"""
    here, there = lab.namespace(), lab.namespace()
    net.wire(there, here)
    sensor = listening(lab, here, "-i", "eth0", "--workers", 2)
    gone_and_back(here, there, sensor)
    before = len(sensor.messages)
    here.ip("link set eth0 down", "link set eth0 name old0")
    lab.keep(Tun(here, "eth0"))  # of which no late news comes, as of a cable
    here.ip("link set eth0 up", "link del old0")
    wait_until(lambda: sensor.has_message(IS_BACK, before), "the message that it is back")
    sensor.stop()
    check_equal(sensor.unaccounted, 0, "unaccounted")


def gone_and_back(here, there, sensor, count=0):
    """The interface is deleted and made anew; waits until passer has said so, or that it is lost."""
    here.ip("link del eth0")
    wait_until(lambda: sensor.has_message(IS_GONE, count), "the message that it is gone")
    net.wire(there, here)
    wait_until(lambda: sensor.has_message(IS_BACK, count) or sensor.has_message(IS_LOST),
               "the message that it is back")


@case
def out_of_sockets(lab):
    """A ring in a group needs a socket anew each time; when none is left that is told, once"""
    numbers = itertools.count()
    here, there = lab.namespace(), lab.namespace()
    for name in ("eth0", "eth1"):
        net.wire(there, here, name)
    other = lab.keep(net.Sender(there, "eth1"))
    few = ("prlimit", f"--nofile={FEW_DESCRIPTORS}:{FEW_DESCRIPTORS}", "setpriv",
           "--bounding-set=-sys_resource")
    sensor = listening(lab, here, "-i", "eth0,eth1", "--workers", 2, before=few)
    sensor.wait_message(FEW_SPARES)
    while not sensor.has_message(IS_LOST):
        check(sum("is back" in text for text in sensor.messages) < SPARES, "they do not run out")
        gone_and_back(here, there, sensor, len(sensor.messages))
        if not sensor.has_message(IS_LOST):  # when its rings are open they have taken sockets
            hear(sensor, lab.keep(net.Sender(there)), numbers)
    gone_and_back(here, there, sensor)
    hear(sensor, other, numbers)
    sensor.stop()
    check_equal(sum("no socket is left" in text for text in sensor.messages), 1, "messages")
    check_equal(sensor.unaccounted, 0, "unaccounted")


@case
def nothing_left_to_hear(lab):
    """When no interface has a socket left passer ends, and says so, for somebody to start it again"""
    numbers = itertools.count()
    here, there = lab.namespace(), lab.namespace()
    net.wire(there, here)
    few = ("prlimit", f"--nofile={FEWER_DESCRIPTORS}:{FEWER_DESCRIPTORS}", "setpriv",
           "--bounding-set=-sys_resource")
    sensor = listening(lab, here, "-i", "eth0", "--workers", 2, before=few)
    sensor.wait_message(FEW_SPARES)
    hear(sensor, lab.keep(net.Sender(there)), numbers)
    while not sensor.has_message(IS_LOST):
        check(sum("is back" in text for text in sensor.messages) < SPARES, "they do not run out")
        gone_and_back(here, there, sensor, len(sensor.messages))
    sensor.wait_end(1)
    check(sensor.has_message(r"passer: error: no interface is left to hear; .*"), sensor.messages)
    check_equal(sensor.unaccounted, 0, "unaccounted")


@case
def alone_for_ever(lab):
    """One worker gives its socket back, and so never runs out of them: it has one and a spare one"""
    numbers = itertools.count()
    here, there = lab.namespace(), lab.namespace()
    net.wire(there, here)
    sensor = listening(lab, here, "-i", "eth0", "--workers", 1)
    for _ in range(2):
        gone_and_back(here, there, sensor, len(sensor.messages))
        hear(sensor, lab.keep(net.Sender(there)), numbers)
    sensor.stop()
    check_equal(sensor.unaccounted, 0, "unaccounted")


@case
def another_kind_with_expression(lab):
    """An interface that comes back as another kind of link: -b is asked in user space, and works"""
    numbers = itertools.count()
    here, there = lab.namespace(), lab.namespace()
    net.wire(there, here)
    sensor = listening(lab, here, "-i", "eth0", "--workers", 2, "-b", "udp or tcp")
    hear(sensor, lab.keep(net.Sender(there)), numbers)
    here.ip("link del eth0")
    sensor.wait_message(IS_GONE)
    tun = Tun(here, "eth0")
    here.ip("link set eth0 up")
    sensor.wait_message(IS_BACK)
    sensor.wait_message(OTHER_KIND)
    hear(sensor, tun, numbers)
    tun.close()
    net.wire(there, here)
    wait_until(lambda: sum("is back" in text for text in sensor.messages) == 2, "it to be back")
    hear(sensor, lab.keep(net.Sender(there)), numbers)
    sensor.stop()
    check_equal(sum("asked in user space" in text for text in sensor.messages), 1, "messages")


@case
def moved_away_and_back(lab):
    """An interface that leaves the namespace and returns, with the index it had"""
    numbers = itertools.count()
    sender, here = lab.wired()
    other = lab.namespace()
    sensor = listening(lab, here, "-i", "eth0", "--workers", 2)
    hear(sensor, sender, numbers)
    index = here.interface()["ifindex"]
    here.ip(f"link set eth0 netns {other.path}")
    sensor.wait_message(IS_GONE)
    other.ip(f"link set eth0 netns {here.path}")
    here.ip("link set eth0 up")
    check_equal(here.interface()["ifindex"], index, "index")
    sensor.wait_message(IS_BACK)
    hear(sensor, sender, numbers)
    sensor.stop()


@case
def another_goes_on(lab):
    """While one interface is gone and comes back nothing of another is lost"""
    here, there = lab.namespace(), lab.namespace()
    for name in ("eth0", "eth1"):
        net.wire(there, here, name)
    sensor = listening(lab, here, "-i", "eth0,eth1", "--workers", 2)
    sender = lab.keep(net.Sender(there, "eth1"))
    steps = [lambda: here.ip("link del eth0"), lambda: net.wire(there, here),
             lambda: sensor.wait_message(IS_BACK)]
    for first, step in enumerate(steps):
        sender.send(traffic.facts(range(first * BATCH, first * BATCH + BATCH)))
        step()
    sender.send(traffic.facts(range(3 * BATCH, 4 * BATCH)))
    hear(sensor, lab.keep(net.Sender(there, "eth0")), itertools.count(4 * BATCH))
    sensor.stop()
    lines = [line for line in traffic.fact_lines(range(4 * BATCH)) if line in sensor.lines]
    check_lines(lines, traffic.fact_lines(range(4 * BATCH)))


@variants(workers=(1, 2))
def all_interfaces(lab, workers):
    """Without -i all interfaces are heard, also one that appears later"""
    sender, here = lab.wired()
    sensor = listening(lab, here, "--workers", workers)
    sender.send(traffic.facts(range(BATCH)))
    sensor.wait_lines(traffic.fact_lines(range(BATCH)))

    there = lab.namespace()
    net.wire(there, here, "late0")
    hear(sensor, lab.keep(net.Sender(there, "late0")), itertools.count(BATCH))
    for name in ("eth0", "late0"):
        wait_until(lambda name=name: here.interface(name)["promiscuity"] > 0,
                   f"{name} to become promiscuous")
    sensor.stop()


@variants(workers=(1, 2))
def loopback_once(lab, workers):
    """What a host says to itself is seen once, not on its way out and in again"""
    here = lab.namespace(has_ipv6=True)
    sensor = listening(lab, here, "--workers", workers, "--udp", "all")
    count = 0
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with here:
            ends = [socket.socket(family, socket.SOCK_DGRAM) for _ in range(2)]
        for end in ends:
            end.bind((address, 0))
        for _ in range(50):
            ends[0].sendto(b"hello", ends[1].getsockname())
            count += 1
        for end in ends:
            end.close()
    sensor.stop()
    check_equal(sensor.packets, count, "packets")


if __name__ == "__main__":
    sys.exit(main())
