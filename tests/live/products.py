#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers: passer names product and version from one talk of a usual client. Speaks TAP.

Each row of lab_servers.SERVERS is a case, asked by IPv4 and by IPv6. A second sensor listens without
a budget of segments, and must say the same.
"""
import sys
import time

import lab_servers
from live import Skipped, case, check, check_equal, check_lines, check_once, main
from servers import SERVER, Office, long_v6, v4, v6

SOON_SECONDS = 5  # the bound of the test; one second is what is aimed at

PRINTED = {v4(SERVER): v4(SERVER), v6(SERVER): long_v6(SERVER)}


def products(sensor, port):
    """What was said of the products at a port, by address."""
    lines = [line.split(",", 4) for line in sensor.lines]
    return {words[1]: words[4] for words in lines
            if words[0] == "TS" and words[2] == f"TCP_{port}" and "://p/" in words[4]}


def check_named(lab, sensor, running, address):
    """The product comes soon after the talk was begun; notes how soon."""
    started = time.monotonic()
    running.ask(address)
    line = f"TS,{PRINTED[address]},TCP_{running.row.port},listening,{running.row.pattern()}"
    seconds = sensor.wait_line(line) - started
    lab.note(f"{running.name} at {address}: {seconds * 1000:.0f} ms after its first connection "
             "was begun")
    check(seconds < SOON_SECONDS, f"{running.name}: {seconds:.1f} s are too late")


def run(lab, name):
    """One case."""
    row = lab_servers.SERVERS[name]
    absent = lab_servers.absent(row)
    if absent:
        raise Skipped(f"no {', '.join(absent)} here: package {row.package}; see tools/lab servers")
    office = Office(lab)
    running = lab_servers.Running(office, name)
    sensor = office.listen()
    unlimited = office.listen("--acks", "all", "--name", "unlimited")
    for address in PRINTED:
        if running.row.unnamed:
            running.ask(address)
            sensor.wait_line(f"TS,{PRINTED[address]},TCP_{running.row.port},listening,")
        else:
            check_named(lab, sensor, running, address)
    for each in (sensor, unlimited):
        each.stop()
        check_once(each.lines)
    check_lines(sensor.lines, unlimited.lines)  # what a budget drops tells nothing more
    for address, product in products(sensor, running.row.port).items():
        lab.note(f"{name} at {address}: {product}")
    if running.row.unnamed:
        check_equal(products(sensor, running.row.port), {}, "products")


def register(name, row):
    """Makes a row a case."""
    def talk(lab):
        run(lab, name)

    talk.__name__ = name
    talk.__doc__ = f"is not named, for {row.unnamed}" if row.unnamed else "is named"
    case(talk)


if __name__ == "__main__":
    lab_servers.find_programs()
    for each_name, each_row in lab_servers.SERVERS.items():
        register(each_name, each_row)
    sys.exit(main())
