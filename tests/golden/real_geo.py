#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real database of countries, asked by passer and by our own reader: real_geo.py PASSER FOLDER.

The database is the npm package @ip-location-db/geo-whois-asn-country-mmdb (CC0); it is fetched into
FOLDER once. Without npm or a network there is nothing to test. Speaks TAP.
"""
import ipaddress
import pathlib
import random
import shutil
import subprocess
import sys
import tarfile

import golden
from hosts import ALICE, BOB, packet
from support import capture
from support.mmdb import Reader
from support.transport import tcp

PACKAGE = "@ip-location-db/geo-whois-asn-country-mmdb"
FILES = ("geo-whois-asn-country.mmdb", "geo-whois-asn-country-ipv4.mmdb")
FETCH_SECONDS = 60
ADDRESSES = 1000

# Networks of registries themselves, which do not move.
KNOWN = {"193.0.6.139": "NL", "2001:67c:2e8:22::c100:68b": "NL", "192.149.252.75": "US"}


def fetch(folder):
    """Makes the files be in the folder; False: it cannot."""
    if all((folder / name).exists() for name in FILES):
        return True
    folder.mkdir(parents=True, exist_ok=True)
    if not shutil.which("npm"):
        return False
    try:
        done = subprocess.run(
            ["npm", "pack", "--silent", PACKAGE], cwd=folder, capture_output=True, text=True,
            timeout=FETCH_SECONDS, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False
    with tarfile.open(folder / done.stdout.split()[-1]) as archive:
        for name in FILES:
            (folder / name).write_bytes(archive.extractfile(f"package/{name}").read())
    return True


def some_addresses():
    """Addresses of all over the Internet; the same in each run."""
    chosen = random.Random(1)
    for _ in range(ADDRESSES):
        yield str(ipaddress.ip_address(chosen.randrange(1 << 24, 224 << 24)))
        yield str(ipaddress.ip_address(0x2 << 124 | chosen.getrandbits(80) << 44))


def ask(passer, path, addresses):
    """What passer says of each address, by its text form in full; and its exit status."""
    frames = [packet(ALICE._replace(v6=a) if ":" in a else ALICE._replace(v4=a), BOB,
                     tcp(40000, 80, "S"), ":" in a) for a in addresses]
    result = golden.run_passer(passer, {golden.CAPTURE: capture.pcap(frames)},
                               ["--geoip", str(path)])
    lines = (line.split(",") for line in result.stdout.decode().splitlines())
    return {words[1]: words[4] for words in lines}, result.status


def country_faults(passer, path, addresses):
    """Where passer and the reader do not agree, of the addresses that are public."""
    reader = Reader(path.read_bytes())
    said, _ = ask(passer, path, addresses)
    found = []
    for address in addresses:
        value = reader.find(address) if ipaddress.ip_address(address).is_global else None
        wanted = f"cc={value['country_code']}" if value else ""
        got = said.get(ipaddress.ip_address(address).exploded)
        if got != wanted:
            found.append(f"{address}: {got!r}, wanted {wanted!r}")
    return found


def known_faults(passer, path):
    said, _ = ask(passer, path, KNOWN)
    wanted = {ipaddress.ip_address(a).exploded: f"cc={code}" for a, code in KNOWN.items()}
    return [] if said == wanted else [str(said)]


def torn_faults(passer, path, folder):
    torn = folder / "torn.mmdb"
    data = path.read_bytes()
    found = []
    for part in (0, 1, 2, 3):
        torn.write_bytes(data[: len(data) * part // 4])
        said, status = ask(passer, torn, ["8.8.8.8"])
        if status != 2 or said:
            found.append(f"{part}/4 of it: exit status {status}, {said}")
    return found


def main(passer, folder):
    folder = pathlib.Path(folder).resolve()
    if not fetch(folder):
        print(f"1..0 # SKIP cannot fetch {PACKAGE}")
        return 0
    addresses = list(dict.fromkeys(some_addresses()))
    tap = golden.Tap(4)
    for name in FILES:
        tap.point(f"{name}: as our reader says",
                  country_faults(passer, folder / name, addresses))
    tap.point("registries are where they are", known_faults(passer, folder / FILES[0]))
    tap.point("a torn file is refused", torn_faults(passer, folder / FILES[0], folder))
    return tap.status()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
