#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""passer beside nmap: what nmap -sV finds out by asking, and what passer hears. Speaks TAP.

All servers of lab_servers that are installed run on one host. passer listens to nmap's own traffic,
then, anew, to usual clients. Both must give nmap's product and version, but for DIFFERENCES.
"""
import re
import shutil
import sys
import time
import xml.etree.ElementTree

import lab_servers
from live import Skipped, case, check, main
from products import products
from sensor import wait_until
from servers import SERVER, Office, v4

NMAP_SECONDS_MAX = 60
QUIET_SECONDS = 1.0  # after the last line nothing more is expected

NAMELESS = (None, None)
FROM_NMAP, FROM_CLIENTS = "nmap's traffic", "clients"

# Where passer does not say what nmap says: its product and version, and the reason. {version} is
# what the program says of itself.
DIFFERENCES = {
    ("postgresql", FROM_NMAP): (NAMELESS, "a softmatch, of which passer tells the service alone"),
    ("postgresql", FROM_CLIENTS): (("PostgreSQL DB", "{version}"), "from a login; nmap has none"),
    ("samba", FROM_CLIENTS): (NAMELESS, "SMB 2 and 3 do not tell the program; nmap asks by SMB 1"),
}

FIELD = re.compile(r"(?:^|\s)([pv])([^\w\s])(.*?)\2(?=\s|$)")


def named_by_passer(description):
    """Product and version of a description."""
    fields = {name: value for name, _, value in FIELD.findall(description.partition("://")[2])}
    return fields.get("p"), fields.get("v")


def named_by_nmap(text):
    """Product and version of each port in nmap's XML."""
    services = {int(port.get("portid")): port.find("service")
                for port in xml.etree.ElementTree.fromstring(text).iter("port")}
    return {port: NAMELESS if service is None else (service.get("product"), service.get("version"))
            for port, service in services.items()}


def heard(office, talk, ports):
    """What passer says of each port while somebody talks to them."""
    sensor = office.listen()
    talk()
    wait_until(lambda: sensor.stdout.times and
               time.monotonic() - sensor.stdout.times[-1] > QUIET_SECONDS, "the last line")
    sensor.stop()
    said = {port: products(sensor, port).get(v4(SERVER), "") for port in ports}
    return {port: named_by_passer(text) for port, text in said.items()}


def expectation(server, whence, by_nmap):
    """What passer should say, and why."""
    if (server.name, whence) not in DIFFERENCES:
        return by_nmap, "as nmap"
    (product, version), why = DIFFERENCES[server.name, whence]
    return (product, version and version.format(version=server.row.version())), why


@case
def nmap_itself(lab):
    """passer gives the products and versions that nmap gives"""
    if not shutil.which("nmap"):
        raise Skipped("no nmap here")
    office = Office(lab)
    servers = [lab_servers.Running(office, name) for name, row in lab_servers.SERVERS.items()
               if not lab_servers.absent(row)]
    ports = [server.row.port for server in servers]
    texts = []

    def scan():
        started = time.monotonic()
        texts.append(office.ask("nmap", "-n", "-Pn", "-sV", "-oX", "-",
                                "--host-timeout", f"{NMAP_SECONDS_MAX}s",
                                "-p", ",".join(map(str, ports)), v4(SERVER)))
        lab.note(f"nmap took {time.monotonic() - started:.0f} s")

    def ask():
        for server in servers:
            server.ask(v4(SERVER))

    talks = {FROM_NMAP: heard(office, scan, ports), FROM_CLIENTS: heard(office, ask, ports)}
    by_nmap = named_by_nmap(texts[0])
    faults = []
    for server in servers:
        wanted = by_nmap[server.row.port]
        lab.note(f"{server.name}: nmap says {wanted}")
        for whence, named in talks.items():
            got = named[server.row.port]
            expected, why = expectation(server, whence, wanted)
            lab.note(f"{server.name}: passer from {whence}: {got} ({why})")
            if got != expected:
                faults.append(f"{server.name}, from {whence}: {got}, not {expected}")
    check(not faults, *faults)


if __name__ == "__main__":
    lab_servers.find_programs()
    sys.exit(main())
