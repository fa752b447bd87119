#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks p0f and passer about the same handshakes, where p0f is installed: p0f_peer.py PASSER.

Every TCP signature of p0f's own file gives a SYN, and for those of answers a SYN/ACK, that fits it,
and some that nearly do. What p0f names, passer must name the same, unless a row of its own is
better. Speaks TAP.
"""
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

import golden
from support import capture
from support.ip import ipv4, ipv6
from support.link import ether
from support.transport import tcp

SIGNATURES = pathlib.Path("/etc/p0f/p0f.fp")
OWN = golden.HERE.parent.parent / "src/signatures/os.fp"
VARIANTS = 6
HOPS = 5

SECTION = re.compile(r"\[(\w+):?(\w*)\]")
LABEL = re.compile(r"label\s*=\s*[sg]:[^:]*:(.*)")
SIG = re.compile(r"sig\s*=\s*(.*)")
LIVE = re.compile(r"IP,([^,]+),IP,live,(?!link: )(.*?)(?: \(\d+ hops? away\))?")

SERVER = 2  # the last part of the other end's address


class Sig(NamedTuple):
    """The fields of a signature."""

    is_answer: bool
    ver: str
    ittl: str
    olen: str
    mss: str
    wsize: str
    olayout: str
    quirks: str
    pclass: str


def labels_of(path):
    """The labels of a file as passer prints them."""
    return {" ".join(label.split(":")).strip().replace(",", ";")
            for label in LABEL.findall(path.read_text())}


def signatures():
    """Those of TCP."""
    section = None
    for line in SIGNATURES.read_text().splitlines():
        if match := SECTION.match(line):
            section = match.groups()
        elif section and section[0] == "tcp" and (match := SIG.match(line)):
            yield Sig(section[1] == "response", *match[1].split(":"))


def options_of(sig, mss, scale, is_answer):
    """The option bytes of a layout."""
    peer_time = b"\0\0\0\1" if is_answer or "ts2+" in sig.quirks else bytes(4)
    own_time = bytes(4) if "ts1-" in sig.quirks else b"\0\0\0\7"
    known = {"nop": b"\1", "mss": b"\2\4" + mss.to_bytes(2, "big"), "ws": bytes((3, 3, scale)),
             "sok": b"\4\2", "ts": b"\x08\x0a" + own_time + peer_time}
    made = b""
    for word in filter(None, sig.olayout.split(",")):
        made += bytes(1 + int(word[4:])) if word.startswith("eol+") else known[word]
    return made


def window_of(wsize, mss, header_bytes):
    size = wsize.partition(",")[0]
    if size == "*":
        return 4321
    if size[0] == "%":
        return 2 * int(size[1:])
    factor = int(size.rpartition("*")[2])
    if size.startswith("mss"):
        return mss * factor
    return (mss + header_bytes) * factor if size.startswith("mtu") else factor


def segment(sig, dice, src, dst, v6):
    """A packet that fits the signature, or nearly so; None where it cannot be."""
    is_exact = dice is None
    mss = int(sig.mss) if sig.mss != "*" else (1440 if v6 else 1460)
    scale = sig.wsize.partition(",")[2]
    scale = (6 if "ws" in sig.olayout else 0) if scale == "*" else int(scale)
    options = options_of(sig, mss, scale, sig.is_answer)
    window = window_of(sig.wsize, mss, 60 if v6 else 40)
    quirks = set(sig.quirks.split(","))
    ttl = max(int(re.match(r"\d+", sig.ittl)[0]) - HOPS, 1)
    if not is_exact:
        ttl = dice.choice((ttl, ttl, dice.randrange(1, 256)))
        window = dice.choice((window, window, dice.randrange(65536)))
        quirks ^= set(dice.choice((("df",), ("id+",), ("ecn",), ("df", "id+"), ("pushf+",), ())))
    if len(options) % 4 or window > 65535:
        return None
    flags = ("SA" if sig.is_answer else "S") + ("E" if "ecn" in quirks else "") \
        + ("P" if "pushf+" in quirks else "")
    made = tcp(80 if sig.is_answer else 40000, 40000 if sig.is_answer else 80, flags,
               options=options, window=window, urgent="uptr+" in quirks,
               ack=1001 if sig.is_answer else 0x01000000 * ("ack+" in quirks))
    if v6:
        return ether(ipv6(src, dst, made, hop_limit=ttl))
    has_df = "df" in quirks
    ident = int("id+" in quirks or (not has_df and "id-" not in quirks))
    return ether(ipv4(src, dst, made, ttl=ttl, flags=0x4000 * has_df, ident=ident))


def frames():
    """For each packet a host of its own; before an answer the SYN that it answers."""
    dice = random.Random(3)
    number = 0
    for sig in signatures():
        for v6 in (False, True):
            if sig.ver not in ("*", "6" if v6 else "4"):
                continue
            for variant in range(VARIANTS):
                number += 1
                prefix = f"fd00::{number:x}:" if v6 else f"10.{number >> 8}.{number & 255}."
                host, other = f"{prefix}1", f"{prefix}{SERVER}"
                made = segment(sig, dice if variant else None, host, other, v6)
                if made is not None:
                    if sig.is_answer:
                        syn = tcp(40000, 80, "S", options=b"\2\4\5\x78", window=1)
                        yield ether((ipv6 if v6 else ipv4)(other, host, syn))
                    yield made


def named_by_p0f(path, log):
    """What p0f says of each host, by address."""
    subprocess.run(["p0f", "-r", path, "-o", log], check=True, capture_output=True, timeout=60)
    named = {}
    for line in pathlib.Path(log).read_text().splitlines():
        fields = dict(field.split("=", 1) for field in line.split("] ", 1)[1].split("|"))
        name = fields.get("os", fields.get("app", "???"))
        if fields["mod"] in ("syn", "syn+ack") and name != "???":
            address = fields[fields["subj"]].rpartition("/")[0]
            if ":" in address:
                address = ":".join(f"{int(part, 16):04x}" for part in address.split(":"))
            named[address] = name.strip().replace(",", ";")
    return named


def main():
    if not shutil.which("p0f") or not SIGNATURES.exists():
        print("1..0 # SKIP p0f is not installed")
        return 0
    with tempfile.TemporaryDirectory(prefix="passer-p0f-") as folder:
        path = pathlib.Path(folder, "capture.pcap")
        path.write_bytes(capture.pcap(frames()))
        theirs = named_by_p0f(path, f"{folder}/log")
        result = golden.run_passer(sys.argv[1], {"capture.pcap": path.read_bytes()},
                                   systems=SIGNATURES)
    ours = dict(match.groups() for line in result.stdout.decode().splitlines()
                if (match := LIVE.fullmatch(line)))
    own_labels = labels_of(OWN)
    faults = [f"{host}: {ours.get(host)}, p0f says {name}" for host, name in theirs.items()
              if ours.get(host) != name and ours.get(host) not in own_labels]
    tap = golden.Tap(2)
    tap.point("p0f names most of them", [] if len(theirs) > 500 else [f"{len(theirs)} hosts"])
    tap.point("passer names them the same", faults)
    print(f"# {len(theirs)} hosts named by p0f, {len(ours)} by passer")
    return tap.status()


if __name__ == "__main__":
    sys.exit(main())
