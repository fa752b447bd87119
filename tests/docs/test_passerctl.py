#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/passerctl: what goes into a hosts file, and what it says of bad files. Speaks TAP."""
import pathlib
import subprocess
import sys
import tempfile

import network
import golden

PASSERCTL = network.TESTS.parent / "tools/passerctl"
TIMEOUT_SECONDS = 60

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


def main():
    tap = golden.Tap(len(HOSTS) + 6)
    for about, lines, wanted in HOSTS:
        tap.point(about, faults(passerctl("hosts", "-", stdin=lines.encode()), wanted))
    files(tap)
    statuses = [passerctl(*words).returncode for words in ((), ("hosts",), ("guests", "-"))]
    tap.point("words that cannot be understood", [] if statuses == [2, 2, 2] else [f"{statuses}"])
    return tap.status()


if __name__ == "__main__":
    sys.exit(main())
