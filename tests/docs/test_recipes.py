#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every command of docs/recipes.md as it is written there: test_recipes.py PASSER. Speaks TAP.

A command is a ```sh block. Its name is the comment in its first line, or the heading above it, and
must stand in EXPECTED. It runs in a folder that looks like a clone: tools/run is PASSER. LOG and
CAPTURE are what the test says, whatever the page proposes. sudo and tcpdump are stand-ins.
"""
import bz2
import gzip
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from typing import NamedTuple

import network
import golden
from support import capture

ROOT = network.TESTS.parent
PAGE = ROOT / "docs/recipes.md"
STAMPED = "stamped-"  # before the name of a log: the same with timestamps
TIMEOUT_SECONDS = 60

ASSIGNMENT = re.compile(r"[A-Z]+=\S+\n")  # a block that only names a file

LINES = """\
UC,10.0.0.1,UDP_53,open,dns/client
US,10.0.0.53,UDP_53,open,dns/server
DN,192.0.2.25,A,mail.example.com.,
DN,192.0.2.25,CNAME,www.example.com.,
DN,2001:0db8:0000:0000:0000:0000:0000:0025,AAAA,mail.example.com.,
DN,192.0.2.25,PTR,mx1.example.com.,
DN,192.0.20.5,A,notexample.com.,
UC,10.0.0.254,UDP_1985,open,hsrp/multicastclient
RO,10.0.0.254,HSRP,router,
TC,10.0.0.1,TCP_25,open,
TS,192.0.2.25,TCP_25,listening,
TC,10.0.0.1,TCP_250,open,
TS,192.0.2.25,TCP_250,listening,
TC,10.0.0.1,TCP_80,open,
TS,192.0.2.250,TCP_80,listening,
TS,192.0.20.5,TCP_25,listening,
TS,192.0.2.250,TCP_25,closed,
US,192.0.2.25,UDP_161,closed,port unreachable
UC,10.0.0.7,UDP_67,open,bootpordhcp/client
NA,10.0.0.7,DHCP,RO,dhcp
UC,10.0.0.8,UDP_67,open,bootpordhcp/client
NA,10.0.0.8,DHCP,closed,dhcp
"""

# What the stand-in for sudo adds, so that nothing listens: it shows that the words are understood.
NO_LISTENING = "--list-analyzers"
SUDO = f"""#!/bin/sh
[ "$1" != tools/run ] || exec "$@" {NO_LISTENING}
exec "$@"
"""
TCPDUMP = """#!/bin/sh
[ "$*" = "-i eth1 -U -w -" ] && cat "$CAPTURE"
"""


class Want(NamedTuple):
    """What a block must print, and the files that it must leave."""

    stdout: str = LINES
    files: dict = {}
    log: str = "run.csv"  # what LOG names
    is_answer: bool = False  # from LOG: silent on stderr, and the same from lines with timestamps


def lines(pattern, is_without=False):
    """The LINES that hold a pattern, or those that do not."""
    return "".join(line for line in LINES.splitlines(True)
                   if bool(re.search(pattern, line)) != is_without)


def answer(stdout, log="run.csv"):
    return Want(stdout, log=log, is_answer=True)


def listening(passer):
    """What a command prints that would listen."""
    done = subprocess.run([passer, NO_LISTENING], capture_output=True, text=True, check=True)
    return done.stdout


def expected(passer):
    """By the name of the block."""
    analyzers = listening(passer)
    usage = subprocess.run([passer, "-h"], capture_output=True, text=True, check=True).stdout
    return {
        "1. Remove the duplicates of several runs": answer(LINES, log="runs.csv"),
        "2. Group the records of each address": answer("""\
TC,10.0.0.1,TCP_25,open,
TC,10.0.0.1,TCP_250,open,
TC,10.0.0.1,TCP_80,open,
UC,10.0.0.1,UDP_53,open,dns/client
NA,10.0.0.7,DHCP,RO,dhcp
UC,10.0.0.7,UDP_67,open,bootpordhcp/client
NA,10.0.0.8,DHCP,closed,dhcp
UC,10.0.0.8,UDP_67,open,bootpordhcp/client
US,10.0.0.53,UDP_53,open,dns/server
RO,10.0.0.254,HSRP,router,
UC,10.0.0.254,UDP_1985,open,hsrp/multicastclient
DN,192.0.2.25,A,mail.example.com.,
DN,192.0.2.25,CNAME,www.example.com.,
DN,192.0.2.25,PTR,mx1.example.com.,
TS,192.0.2.25,TCP_25,listening,
TS,192.0.2.25,TCP_250,listening,
US,192.0.2.25,UDP_161,closed,port unreachable
TS,192.0.2.250,TCP_25,closed,
TS,192.0.2.250,TCP_80,listening,
DN,192.0.20.5,A,notexample.com.,
TS,192.0.20.5,TCP_25,listening,
DN,2001:0db8:0000:0000:0000:0000:0000:0025,AAAA,mail.example.com.,
"""),
        "3. Only DNS names and routers": answer("""\
DN,192.0.2.25,A,mail.example.com.,
DN,192.0.2.25,CNAME,www.example.com.,
DN,2001:0db8:0000:0000:0000:0000:0000:0025,AAAA,mail.example.com.,
DN,192.0.2.25,PTR,mx1.example.com.,
DN,192.0.20.5,A,notexample.com.,
RO,10.0.0.254,HSRP,router,
"""),
        "4. Everything about one address": answer("""\
DN,192.0.2.25,A,mail.example.com.,
DN,192.0.2.25,CNAME,www.example.com.,
DN,192.0.2.25,PTR,mx1.example.com.,
TS,192.0.2.25,TCP_25,listening,
TS,192.0.2.25,TCP_250,listening,
US,192.0.2.25,UDP_161,closed,port unreachable
"""),
        "5. Everything about one network": answer("""\
DN,192.0.2.25,A,mail.example.com.,
DN,192.0.2.25,CNAME,www.example.com.,
DN,192.0.2.25,PTR,mx1.example.com.,
TS,192.0.2.25,TCP_25,listening,
TS,192.0.2.25,TCP_250,listening,
TS,192.0.2.250,TCP_80,listening,
TS,192.0.2.250,TCP_25,closed,
US,192.0.2.25,UDP_161,closed,port unreachable
"""),
        "6. Servers that listen on TCP port 25": answer("""\
TS,192.0.2.25,TCP_25,listening,
TS,192.0.20.5,TCP_25,listening,
"""),
        "7. Leave out closed ports": answer(lines("^[TU]S.*,closed,", is_without=True)),
        "8. Only closed ports": answer("""\
TS,192.0.2.250,TCP_25,closed,
US,192.0.2.25,UDP_161,closed,port unreachable
"""),
        "9. All names below a domain": answer("""\
DN,192.0.2.25,A,mail.example.com.,
DN,192.0.2.25,CNAME,www.example.com.,
DN,2001:0db8:0000:0000:0000:0000:0000:0025,AAAA,mail.example.com.,
DN,192.0.2.25,PTR,mx1.example.com.,
"""),
        "10. A hosts file": answer("""\
192.0.2.25\tmail.example.com mx1.example.com www.example.com
192.0.20.5\tnotexample.com
2001:db8::25\tmail.example.com
"""),
        "all interfaces, also those that appear later": Want(analyzers),
        "one interface, or several: -i eth1,eth2": Want(analyzers),
        "as a user who has sudo: only passer is root, the file of lines is your own":
            Want("", {"passer.csv": analyzers.encode()}),
        "a capture file": Want(),
        "standard input": Want(),
        "standard input, from gzip; passer would also unpack it by itself": Want(),
        "standard input, from bzip2": Want(),
        "standard input, from tcpdump, which may run on another machine": Want(),
        "a log file beside standard output; each run appends to it":
            Want(files={"passer.csv": LINES.encode()}),
        "quiet: the lines alone": Want(),
        "all options": Want(usage),
        "keep the packets that no rule knows": Want(files={"unhandled.pcapng": network.UNHANDLED}),
        "no TCP data, and so no descriptions of TCP servers and clients: live, the kernel drops it": Want(),
        "no DNS": Want(lines("^DN|UDP_53,", is_without=True)),
        "one host, or one network: 'net 192.0.2.0/24'":
            Want(lines(r",192\.0\.2\.25,(TS|TCP|UDP)|^TC.*_25")),
    }


def blocks(page):
    """The name and the text of each ```sh block."""
    heading, block = "", None
    for line in page.splitlines(True):
        if line.startswith("```"):
            if block:
                first = block[0]
                yield first[1:].strip() if first.startswith("#") else heading, "".join(block)
            block = [] if line == "```sh\n" else None
        elif block is not None:
            block.append(line)
        elif line.startswith("#"):
            heading = line.lstrip("#").strip()


def write_program(path, text):
    path.write_text(text)
    path.chmod(0o755)


def furnish(folder, passer):
    """A folder like a clone, with captures and logs of one run, of several, and with timestamps."""
    for name in ("tools", "bin"):
        (folder / name).mkdir()
    # The signatures of systems that are installed change from version to version.
    write_program(folder / "tools/run", f'#!/bin/sh\nexec {passer} --p0f {golden.SYSTEMS} "$@"\n')
    (folder / "tools/passerctl").symlink_to(ROOT / "tools/passerctl")
    write_program(folder / "bin/sudo", SUDO)
    write_program(folder / "bin/tcpdump", TCPDUMP)

    packets = capture.pcap(network.frames())
    (folder / "capture.pcap").write_bytes(packets)
    (folder / "capture.pcap.gz").write_bytes(gzip.compress(packets))
    (folder / "capture.pcap.bz2").write_bytes(bz2.compress(packets))
    for log, runs in (("run.csv", 1), ("runs.csv", 2)):
        for options in (f"-l {log}", f"-l {STAMPED}{log} --timestamp"):
            for _ in range(runs):
                shell(folder, f"tools/run -r capture.pcap {options}")


def shell(folder, text, **variables):
    """Runs text as a shell does."""
    environment = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder),
                   "LC_ALL": "C.UTF-8", "CAPTURE": "capture.pcap", **variables}
    return subprocess.run(["sh", "-c", text], cwd=folder, env=environment, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=TIMEOUT_SECONDS, check=False)


def without_timestamps(text):
    return b"".join(b",".join(line.split(b",")[:5]) + b"\n" for line in text.splitlines())


def faults(folder, text, want):
    """What is wrong with a block."""
    done = shell(folder, text, LOG=want.log)
    said = [line for line in done.stderr.decode().splitlines()
            if want.is_answer or not golden.SUMMARY.fullmatch(line)]
    found = [f"on stderr: {line}" for line in said]
    found += [f"exit status {done.returncode}"] if done.returncode else []
    found += golden.difference(want.stdout.encode(), done.stdout)
    for name, content in want.files.items():
        path = folder / name
        if not path.exists() or content not in path.read_bytes():
            found.append(f"{name} is not what it should be")
        path.unlink(missing_ok=True)
    if want.is_answer and not found:
        stamped = shell(folder, text, LOG=STAMPED + want.log).stdout
        found += golden.difference(want.stdout.encode(), without_timestamps(stamped))
    return found


def main():
    passer = os.path.abspath(sys.argv[1])
    wanted = expected(passer)
    commands = [(name, text) for name, text in blocks(PAGE.read_text())
                if not ASSIGNMENT.fullmatch(text)]
    names = [name for name, _ in commands]

    tap = golden.Tap(len(commands) + 1)
    with tempfile.TemporaryDirectory(prefix="passer-recipes-") as folder:
        folder = pathlib.Path(folder)
        furnish(folder, passer)
        for name, text in commands:
            what = faults(folder, text, wanted[name]) if name in wanted else ["not in EXPECTED"]
            tap.point(name, what)
    tap.point("every expectation has its command, once",
              sorted(set(wanted) - set(names)) + sorted({n for n in names if names.count(n) > 1}))
    return tap.status()


if __name__ == "__main__":
    sys.exit(main())
