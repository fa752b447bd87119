#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/passerctl: what it makes of lines and of the answers of sensors. Speaks TAP."""
import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading

import network
import golden

PASSERCTL = network.TESTS.parent / "tools/passerctl"
TIMEOUT_SECONDS = 60

# Modes say nothing to root.
WITHOUT_RIGHTS = (("setpriv", "--bounding-set=-dac_override,-dac_read_search")
                  if os.geteuid() == 0 else ())
FORBIDDEN = "passerctl: {}: Permission denied; sensors answer root and its group: sudo passerctl\n"

V6 = "2001:0db8:0000:0000:0000:0000:0000:0001"
LONG = ".".join(["a" * 63] * 4)  # 255 characters

# What it shows, lines of passer, hosts file.
HOSTS = (
    ("addresses by number, IPv4 first",
     f"""\
DN,{V6},AAAA,six.example.com.,
DN,192.0.2.10,A,ten.example.com.,
DN,192.0.2.9,A,nine.example.com.,
DN,fe80:0000:0000:0000:0000:0000:0000:0001,AAAA,near.local.,
""",
     """\
192.0.2.9\tnine.example.com
192.0.2.10\tten.example.com
2001:db8::1\tsix.example.com
fe80::1\tnear.local
"""),
    ("own names first, aliases last, each by the alphabet and once, whatever its case",
     """\
DN,192.0.2.1,CNAME,alias.example.com.,
DN,192.0.2.1,PTR,ptr.example.com.,
DN,192.0.2.1,A,www.example.com.,
DN,192.0.2.1,CNAME,www.example.com.,
DN,192.0.2.1,PTR,WWW.example.com.,
DN,192.0.2.1,CNAME,Both.example.com.,
DN,192.0.2.1,A,both.example.com.,
""",
     "192.0.2.1\tWWW.example.com both.example.com ptr.example.com alias.example.com\n"),
    ("with timestamps",
     "DN,192.0.2.1,A,a.example.com.,,1500000000.0,2017-07-14 02:40:00\n",
     "192.0.2.1\ta.example.com\n"),
    ("services of multicast DNS are no host names, hosts are",
     """\
DN,10.0.0.1,PTR,_http._tcp.local.,web._http._tcp.local.
DN,10.0.0.1,PTR,_presence._tcp.local.,
DN,10.0.0.1,PTR,printer.local.,txtvers=1
DN,10.0.0.1,PTR,MacBook.local.,
DN,10.0.0.1,PTR,_kerberos.mac.local.,Kerberos
""",
     "10.0.0.1\tMacBook.local\n"),
    ("names that no host can have are left out",
     f"""\
DN,192.0.2.1,A,a b.example.com.,
DN,192.0.2.1,A,be\\x07ll.example.com.,
DN,192.0.2.1,A,by\ufffdte.example.com.,
DN,192.0.2.1,A,caf\u00e9.example.com.,
DN,192.0.2.1,A,under_score.example.com.,
DN,192.0.2.1,A,*.example.com.,
DN,192.0.2.1,A,-a.example.com.,
DN,192.0.2.1,A,a-.example.com.,
DN,192.0.2.1,A,a..example.com.,
DN,192.0.2.1,A,{"a" * 64}.example.com.,
DN,192.0.2.1,A,{LONG}.,
DN,192.0.2.1,PTR,192.0.2.1.,
DN,192.0.2.1,A,.,
DN,192.0.2.1,A,,
DN,192.0.2.2,A,{"a" * 63}.3com.9-9.,
DN,192.0.2.3,A,single.,
""",
     f"192.0.2.2\t{'a' * 63}.3com.9-9\n192.0.2.3\tsingle\n"),
    ("addresses that no host has are left out",
     """\
DN,0.0.0.0,A,no.example.com.,NXDOMAIN
DN,0000:0000:0000:0000:0000:0000:0000:0000,AAAA,no.example.com.,NXDOMAIN
DN,224.0.0.251,A,many.example.com.,
DN,ff02:0000:0000:0000:0000:0000:0000:00fb,AAAA,many.example.com.,
DN,255.255.255.255,A,all.example.com.,
DN,127.0.0.1,A,self.example.com.,
DN,192.0.2.256,A,none.example.com.,
""",
     ""),
    ("other records and other lines are passed over",
     """\
Type,IPaddr,Proto,State,Description
NA,10.0.0.1,PTR,netbios,netbios-dgm
DN,10.0.0.1,TXT,9.18.16,Chaos/version.bind.
DN,10.0.0.1,HINFO,host.local.,cpu=X86 os=LINUX
DN,10.0.0.1,SRV,host.local.,
DN,10.0.0.1,MX,mail.example.com.,
DN,10.0.0.1,A,four.example.com.
DN,10.0.0.1,A,six.example.com.,,1500000000.0
 DN,10.0.0.1,A,blank.example.com.,

""",
     ""),
)


def passerctl(*words, stdin=b"", cwd=None):
    return subprocess.run([sys.executable, PASSERCTL, *words], input=stdin, capture_output=True,
                          cwd=cwd, timeout=TIMEOUT_SECONDS, check=False)


def faults(done, stdout, stderr="", status=0):
    """How a run differs from what is wanted."""
    found = golden.difference(stdout.encode(), done.stdout)
    found += golden.difference(stderr.encode(), done.stderr)
    return found + ([] if done.returncode == status else [f"exit status {done.returncode}"])


def files(tap):
    """Several files, torn ones, and those that cannot be read."""
    with tempfile.TemporaryDirectory(prefix="passer-passerctl-") as folder:
        pathlib.Path(folder, "a.csv").write_text("DN,192.0.2.1,A,a.example.com.,\n")
        pathlib.Path(folder, "torn.csv").write_text("DN,192.0.2.2,A,b.c.,\nDN,192.0.2.3,A,c.exam")
        pathlib.Path(folder, "bytes.csv").write_bytes(b"DN,192.0.2.1,A,\xff.c.,\n\x85\0,\r\n")
        pathlib.Path(folder, "empty.csv").write_bytes(b"")

        def hosts(*paths, stdin=b""):
            return passerctl("hosts", *paths, stdin=stdin, cwd=folder)

        torn = "passerctl: torn.csv: the last line is torn, it is left out\n"
        tap.point("several files, one of them torn",
                  faults(hosts("torn.csv", "a.csv"), "192.0.2.1\ta.example.com\n192.0.2.2\tb.c\n", torn))
        tap.point("standard input",
                  faults(hosts("-", stdin=b"DN,192.0.2.1,A,a.b.,\nDN,"), "192.0.2.1\ta.b\n",
                         torn.replace("torn.csv", "standard input")))
        tap.point("bytes that are no text, and an empty file",
                  faults(hosts("bytes.csv", "empty.csv"), ""))
        tap.point("a file that is not there",
                  faults(hosts("a.csv", "no.csv"), "",
                         "passerctl: no.csv: No such file or directory\n", 1))
        tap.point("a folder", faults(hosts("."), "", "passerctl: .: Is a directory\n", 1))


# Sensors: what they answer is made up here, with every counter of counters.def.

COUNTER = re.compile(r"^(LINK|RING|WORKER)_COUNTER\( +(\w+),", re.MULTILINE)
COUNTERS = COUNTER.findall((network.TESTS.parent / "src/control/counters.def").read_text())

SAMPLE = re.compile(r'(\w+)\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\} (\d+(?:\.\d+)?)')


def counters(kind, **values):
    return {name: values.get(name, 0) for kind_, name in COUNTERS if kind_ == kind}


def picture(name="span", **values):
    """Statistics with one interface, ring and worker, that have these values."""
    classes = {"tcp-syn": {"kept": 50, "dropped": 0, "kept_bytes": 3000, "dropped_bytes": 0},
               "tcp-ack-data": {"kept": 0, "dropped": 150, "kept_bytes": 0,
                                "dropped_bytes": 150000}}
    ring = {"seen": 200, "filter_dropped": 150, "kept": 50, "ring_packets": 50, "handed_out": 50,
            "blocks_waiting_max": 2, "filter_dropped_bytes": 150000, "kept_bytes": 3000, **values}
    worker = {"walked": 50, "analysed": 50, "offered": 20, "known": 5, "printed": 15, "lines": 15,
              "cpu_ms": 1, **values}
    types = values.get("types", {"TC": 10, "TS": 5})
    return {
        "name": name, "pid": 77, "version": "1.0", "time": 1500000000, "uptime_seconds": 3725.5,
        "supervisor_cpu_ms": 3, "is_final": False,
        "profile": {"name": "all", "records": ["TC", "TS"], "acks": 4, "udp": "all",
                    "classes": ["tcp-syn"]},
        "interfaces": [{"name": "eth0", "ifindex": 2, "is_gone": False, "is_up": True, "mtu": 1500,
                        "carrier_changes": 1, **counters("LINK", rx_packets=200, **values)}],
        "rings": [{"interface": "eth0", "worker": 0, "is_open": True,
                   "geometry": {"block_bytes": 1048576, "blocks": 64, "retire_ms": 60},
                   "classes": classes, "unaccounted": 0, **counters("RING", **ring)}],
        "workers": [{"worker": 0, "pid": 78, "cpu": 1, "restarts": 0, "printed_by_type": types,
                     "unaccounted": 0, **counters("WORKER", **worker)}],
        "total": {"classes": classes, "printed_by_type": types, **counters("RING", **ring),
                  **counters("WORKER", **worker)},
        "analyzers": [],
        "health": {"truncated": 0, "above_mtu": 0, "checked": 200, "duplicates": 4, "split": 0, "displaced": 0,
                   "vlans": [{"vlan": 7, "both_ways": 60, "one_way": 40}],
                   "advice": ["4 frames heard twice: mirror a port in one direction"]},
        "tables": {"facts": {"entries": 7, "capacity": 4096, "bytes": 69632, "evicted": 0,
                             "refused": 0, "displaced": 0, "is_short": False}},
        "dumps": {"unhandled": {"frames": 5, "other_links": 0, "over_limit": 0, "lost": 0}},
        "balance": {"ring": 0, "walk": 0, "analysis": 0, "records": 0, "lines": 0},
        "unaccounted": 0}


STATS = """\
span (pid 77), up 1 h 2 min, profile all: records TC,TS, acks 4, udp all

from NIC to record          count    share
received by the interfaces    200
  missed by the NIC             3    1.5 %    ethtool -G IF rx N; more queues
  unhandled, or dropped         0    0.0 %
heard by the filter           200
  dropped by the profile      150   75.0 %
  kept                         50   25.0 %
offered to the rings           50
  found the ring full          10   20.0 %    --ring-mib, --workers, or a profile that keeps less: passerctl what-if
  handed to a worker           40   80.0 %
walked by the workers          40
  analysed                     40  100.0 %
facts stated                   20
  known already                 5   25.0 %
  printed                      15   75.0 %
lines handed out               15
unaccounted                     0

ring  worker  seen  kept  full  waiting         blocks  most used  fanout
eth0       0   200    50    10        0  64 x 1024 KiB          2   alone

class         seen   share  kept    of it
tcp-syn         50  25.0 %    50  100.0 %
tcp-ack-data   150  75.0 %     0    0.0 %

worker  pid  cpu  restarts  CPU s  walked  printed
0        78    1         0   0.00      40       15

heard: 200 beginnings and ends of TCP connections, 2.0 % of them twice; 0 answers at another \
worker; 0 frames cut short, 0 above the MTU
VLAN 7: 40.0 % of 100 connections in one direction only
advice: 4 frames heard twice: mirror a port in one direction

records: 10 TC, 5 TS
"""

COMPARE = """\
A: a, up 1 h 2 min, profile all: records TC,TS, acks 4, udp all
B: b, up 1 h 2 min, profile all: records TC,TS, acks 4, udp all

                                   A       B
packets seen                     200     200
kept by the filter                50      50
  of those seen               25.0 %  25.0 %
found the ring full                0      10
  of those kept                0.0 %  20.0 %
analysed                          50      40
records printed                   15      15
CPU seconds per million seen   5.000   5.000
unaccounted                        0       0

class         A seen     kept  B seen     kept
tcp-syn           50  100.0 %      50  100.0 %
tcp-ack-data     150    0.0 %     150    0.0 %

records   A  B
TC       10  8  B loses 2 (20.0 %)
TS        5  5
"""


class Fake:
    """A sensor that answers from a dict, and notes what it was asked."""

    def __init__(self, folder, name, answers):
        self.asked = []
        self._answers = answers
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(f"{folder}/{name}.sock")
        self._socket.listen()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._socket.accept()
                with connection:
                    self._answer(connection)

    def _answer(self, connection):
        line = connection.recv(4096).decode().removesuffix("\n")
        if line:  # else somebody only looked whether we are here
            self.asked.append(line)
            connection.sendall(self._answers.get(line, b'{"error": "not that"}'))

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def encoded(answers):
    return {line: json.dumps(answer).encode() + b"\n" for line, answer in answers.items()}


def saved(tap):
    """stats and compare of saved files."""
    with tempfile.TemporaryDirectory(prefix="passer-passerctl-") as folder:
        lossy = {"ring_drops": 10, "handed_out": 40, "walked": 40, "analysed": 40}
        for name, one in (("span", picture(rx_missed=3, **lossy)), ("a", picture("a")),
                          ("b", picture("b", types={"TC": 8, "TS": 5}, **lossy))):
            pathlib.Path(folder, f"{name}.json").write_text(json.dumps(one))
        tap.point("the table of stats, with the cure for what was lost",
                  faults(passerctl("stats", "span.json", cwd=folder), STATS))
        tap.point("two side by side",
                  faults(passerctl("compare", "a.json", "./b.json", cwd=folder),
                         COMPARE))
        done = passerctl("stats", "--json", "a.json", cwd=folder)
        tap.point("what --json prints is what was read",
                  [] if json.loads(done.stdout) == picture("a") else ["it differs"])
        tap.point("metrics", metric_faults(passerctl("stats", "a.json", "--prometheus", cwd=folder)))
        pathlib.Path(folder, "bad.json").write_text("{")
        pathlib.Path(folder, "list.json").write_text("[]")
        pathlib.Path(folder, "other.json").write_text("{}")
        tap.point("files that are no statistics", [
            *faults(passerctl("stats", "other.json", cwd=folder), "",
                    "passerctl: other.json: not what passerctl stats --json prints\n", 1),
            *faults(passerctl("stats", "list.json", cwd=folder), "",
                    "passerctl: list.json: no object of JSON\n", 1),
            *faults(passerctl("compare", "a.json", "no.json", cwd=folder), "",
                    "passerctl: no.json: No such file or directory\n", 1),
            *([] if passerctl("stats", "bad.json", cwd=folder).returncode == 1 else ["bad.json"])])


def metric_faults(done):
    """What is wrong with text in Prometheus' format."""
    found, seen, typed = [], set(), {}
    for line in done.stdout.decode().splitlines():
        sample = SAMPLE.fullmatch(line)
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            found += [f"{name} twice"] if name in typed else []
            typed[name] = kind
        elif sample:
            name = sample[1]
            found += [f"{name} without a type before it"] if [*typed][-1:] != [name] else []
            found += [f"{line}: twice"] if sample.group(1, 2) in seen else []
            found += [f"{name}: no counter"] if (
                name.endswith("_total") != (typed.get(name) == "counter")) else []
            seen.add(sample.group(1, 2))
        elif not line.startswith("# HELP "):
            found.append(f"what is {line!r}?")
    shown = " ".join(typed)
    return found + [f"{name} is in no metric" for _, name in COUNTERS
                    if name != "cpu_ms" and not re.search(
                        rf"\bpasser_(link|ring|worker)_{name.removeprefix('ring_')}(_total)?\b", shown)]


def sensors(tap):
    """Sensors that run, were killed, or say no."""
    with tempfile.TemporaryDirectory(prefix="passer-passerctl-") as folder:
        def call(*words):
            return passerctl("--folder", folder, *words)

        profile = picture()["profile"]
        shown = ("profile all: records TC,TS, acks 4, udp all\n"
                 "classes kept in the kernel: tcp-syn\n")
        tap.point("no sensor", faults(call("stats"), "",
                                      f"passerctl: no sensor listens in {folder}\n", 1))
        one = Fake(folder, "span", encoded({
            "stats": picture(), "profile": profile, "profile records=TS acks=0": profile,
            "reopen": {"reopened": True},
            "what-if": {"seen_frames": 200, "seen_bytes": 1000,
                        "now": {"profile": profile, "frames": 50, "bytes": 100},
                        "profiles": [{"profile": profile, "frames": 50, "bytes": 100}]}}))
        tap.point("the only sensor needs no name", [
            *faults(call("profile"), shown), *faults(call("profile", "records=TS", "acks=0"), shown),
            *faults(call("reopen"), ""),
            *([] if one.asked == ["profile", "profile records=TS acks=0", "reopen"] else one.asked)])
        tap.point("what-if", faults(call("what-if"), """\
profile    frames   share  bytes   share
(seen)        200           1000
all (now)      50  25.0 %    100  10.0 %
all            50  25.0 %    100  10.0 %
"""))
        tap.point("a sensor that says no",
                  faults(call("profile", "nonsense"), "", "passerctl: span: not that\n", 1))
        two = Fake(folder, "zwei", {"stats": b"no JSON"})
        tap.point("of several one must be named", [
            *faults(call("reopen"), "",
                    "passerctl: several sensors run; name one: span zwei\n", 1),
            *faults(call("reopen", "span"), "")])
        usual = Fake(folder, "passer", encoded({"reopen": {"reopened": True}}))
        tap.point("but the one with the usual name", faults(call("reopen"), ""))
        usual.close()
        two.close()
        tap.point("nor must one when the others were killed", faults(call("reopen"), ""))
        listed = call("list")
        wanted = ("name  pid         up  interfaces  profile  seen  full  unaccounted\n"
                  "span   77  1 h 2 min        eth0      all   200     0            0\n")
        tap.point("a list, with what does not run any more on standard error", faults(
            listed, wanted, f"passerctl: passer: it does not run any more; rm {folder}/passer.sock\n"
                            f"passerctl: zwei: it does not run any more; rm {folder}/zwei.sock\n"))
        pathlib.Path(folder, "span").write_text("not to be read")
        pathlib.Path(folder, "vier").mkdir()
        tap.point("a file or folder of the same name is in nobody's way", [
            *([] if passerctl("--folder", folder, "stats", "span", cwd=folder).returncode == 0
              else ["span is not asked"]),
            *faults(passerctl("--folder", folder, "stats", "vier", cwd=folder), "",
                    "passerctl: vier: no sensor of that name runs; see passerctl list\n", 1)])
        tap.point("a socket of others, with and without its name", forbidden_faults(folder))
        tap.point("a folder of others", closed_faults())
        tap.point("a name that no sensor has", faults(
            call("stats", "drei"), "",
            "passerctl: drei: no sensor of that name runs; see passerctl list\n", 1))
        one.close()


def forbidden_faults(folder):
    """A socket that may not be written to."""
    path = pathlib.Path(folder, "span.sock")
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        dones = [subprocess.run(
            [*WITHOUT_RIGHTS, sys.executable, PASSERCTL, "--folder", folder, "stats", *words],
            capture_output=True, timeout=TIMEOUT_SECONDS, check=False) for words in (("span",), ())]
    finally:
        path.chmod(mode)
    return [fault for done in dones for fault in faults(done, "", FORBIDDEN.format(path), 1)]


def closed_faults():
    """So is a folder that cannot be looked into, as of a sensor with a umask of 077."""
    with tempfile.TemporaryDirectory(prefix="passer-passerctl-") as folder:
        path = pathlib.Path(folder, "closed")
        path.mkdir(mode=0)
        dones = {path / name if name else path: subprocess.run(
            [*WITHOUT_RIGHTS, sys.executable, PASSERCTL, "--folder", path, *words],
            capture_output=True, timeout=TIMEOUT_SECONDS, check=False)
                 for words, name in ((("stats",), ""), (("stats", "span"), "span.sock"))}
    return [fault for where, done in dones.items()
            for fault in faults(done, "", FORBIDDEN.format(where), 1)]


def main():
    tap = golden.Tap(len(HOSTS) + 23)
    for about, lines, wanted in HOSTS:
        tap.point(about, faults(passerctl("hosts", "-", stdin=lines.encode()), wanted))
    files(tap)
    saved(tap)
    sensors(tap)
    statuses = [passerctl(*words).returncode for words in ((), ("hosts",), ("guests", "-"))]
    tap.point("words that cannot be understood", [] if statuses == [2, 2, 2] else [f"{statuses}"])
    return tap.status()


if __name__ == "__main__":
    sys.exit(main())
