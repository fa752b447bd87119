#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/nic-check: what it says of cards, by stand-ins for ethtool and ip, and of a real veth.

Speaks TAP. A stand-in prints the file that is named like its arguments, or fails as a driver does
that does not offer something.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from typing import NamedTuple

import network
import golden

sys.path.append(str(network.TESTS / "live"))

import net  # noqa: E402

NIC_CHECK = network.TESTS.parent / "tools/nic-check"
TIMEOUT_SECONDS = 60

STAND_IN = """\
#!/bin/sh
file="$ANSWERS/$(basename "$0") $*"
[ -e "$file" ] && exec cat "$file"
echo "netlink error: Operation not supported" >&2
exit 1
"""

# In a sysfs that belongs to the namespace.
OWN_SYSFS = ("unshare", "--mount", "sh", "-c", 'mount -t sysfs sysfs /sys && exec "$@"', "-")

LINK = {"ifname": "eth1", "flags": ["BROADCAST", "NOARP", "UP"], "mtu": 9216, "max_mtu": 9702,
        "promiscuity": 0, "addr_info": []}
SYSFS = {"carrier": "1", "speed": "10000", "duplex": "full"}
TWO_QUEUES = {"queues/rx-0/rps_cpus": "0", "queues/rx-1/rps_cpus": "0"}
KEY = "RX flow hash indirection table for eth1 with 2 RX ring(s):\nRSS hash key:\n"


def ring(most, now):
    return (f"Ring parameters for eth1:\nPre-set maximums:\nRX:\t\t{most}\nTX:\t\t{most}\n"
            f"Current hardware settings:\nRX:\t\t{now}\nTX:\t\t{now}\n")


def addresses(*entries):
    return {"addr_info": [{"local": address, "prefixlen": 24, "scope": scope}
                          for address, scope in entries]}


class Case(NamedTuple):
    """A card: answers by arguments, files of its sysfs, and the finding that must come of it."""

    about: str
    name: str
    state: str
    value: str
    command: str = ""
    ethtool: dict = {}
    sysfs: dict = {}
    link: dict = {}
    proc: dict = {}


CASES = (
    Case("an offload that is on is to be set", "generic-receive-offload", "set", "on",
         "ethtool -K eth1 gro off", {"-k": "Features for eth1:\ngeneric-receive-offload: on\n"}),
    Case("one that is off is good", "large-receive-offload", "good", "off",
         ethtool={"-k": "large-receive-offload: off [fixed]\n"}),
    Case("one that the driver holds fast is not to be set", "rx-gro-hw", "-", "on, fixed",
         ethtool={"-k": "rx-gro-hw: on [fixed]\n"}),
    Case("one that was asked for in vain counts as it is", "tcp-segmentation-offload", "good",
         "off", ethtool={"-k": "tcp-segmentation-offload: off [requested on]\n"}),
    Case("of VLAN tags either is right", "rx-vlan-offload", "note", "on",
         ethtool={"-k": "rx-vlan-offload: on\n"}),
    Case("a driver without offloads", "generic-receive-offload", "-", "not offered by the driver"),
    Case("a ring below its maximum", "receive ring", "set", "512", "ethtool -G eth1 rx 8192",
         {"-g": ring(8192, 512)}),
    Case("a ring at its maximum", "receive ring", "good", "4096", ethtool={"-g": ring(4096, 4096)}),
    Case("a ring whose size is not told", "receive ring", "-", "not offered by the driver",
         ethtool={"-g": ring("n/a", "n/a")}),
    Case("an interrupt for every frame", "interrupt coalescing", "set", "1 us",
         "ethtool -C eth1 rx-usecs 125", {"-c": "Adaptive RX: off  TX: off\n\nrx-usecs:\t1\n"}),
    Case("adaptive interrupts", "interrupt coalescing", "good", "adaptive",
         ethtool={"-c": "Adaptive RX: on  TX: off\n\nrx-usecs:\t1\n"}),
    Case("a hash key that splits flows", "receive hash", "set", "not symmetric",
         "ethtool -X eth1 hkey 6d:5a:6d:5a:6d:5a",
         {"-x": KEY + "01:02:03:04:05:06\n"}, TWO_QUEUES),
    Case("a symmetric hash key", "receive hash", "good", "symmetric",
         ethtool={"-x": KEY + "6d:5a:6d:5a:6d:5a\n"}, sysfs=TWO_QUEUES),
    Case("a symmetric transformation", "receive hash", "good", "symmetric",
         ethtool={"-x": KEY + "01:02:03:04\nRSS input transformation:\n    symmetric-xor: on\n"},
         sysfs=TWO_QUEUES),
    Case("a transformation without a key", "receive hash", "set", "not symmetric",
         "ethtool -X eth1 xfrm symmetric-xor", {"-x": KEY + "    symmetric-xor: off\n"},
         TWO_QUEUES),
    Case("one queue needs no symmetric hash", "receive hash", "good", "one queue",
         sysfs={"queues/rx-0/rps_cpus": "0"}),
    Case("ports in the hash of datagrams", "hash fields of udp4", "set", "sdfn",
         "ethtool -N eth1 rx-flow-hash udp4 sd",
         {"-n rx-flow-hash udp4": "UDP over IPV4 flows use these fields:\nIP SA\nIP DA\n"
                                  "L4 bytes 0 & 1 [TCP/UDP src port]\n"
                                  "L4 bytes 2 & 3 [TCP/UDP dst port]\n"}, TWO_QUEUES),
    Case("frames that the kernel spreads, too", "RPS", "set", "on",
         "sh -c 'echo 0 >{root}/sys/class/net/eth1/queues/rx-1/rps_cpus'",
         sysfs={**TWO_QUEUES, "queues/rx-1/rps_cpus": "00000000,00000003"}),
    Case("more queues than CPUs", "queues", "set", "4096",
         f"ethtool -L eth1 combined {os.cpu_count()}",
         {"-l": "Combined:\t4096\nCurrent hardware settings:\nCombined:\t4096\n"}),
    Case("pause frames", "pause frames", "set", "rx on, tx on",
         "ethtool -A eth1 autoneg off rx off tx off",
         {"-a": "Pause parameters for eth1:\nAutonegotiate:\ton\nRX:\ton\nTX:\ton\n"}),
    Case("an MTU too short for jumbo frames", "MTU", "set", "1500", "ip link set dev eth1 mtu 9216",
         link={"mtu": 1500}),
    Case("an MTU that cannot be longer", "MTU", "good", "1500",
         link={"mtu": 1500, "max_mtu": 1500}),
    Case("an address", "addresses", "set", "192.0.2.1/24", "ip address flush dev eth1",
         link=addresses(("192.0.2.1", "global"))),
    Case("a link-local address goes with IPv6", "addresses", "good", "none",
         link=addresses(("fe80::1", "link"))),
    Case("IPv6 that makes noise", "IPv6", "set", "on",
         "sysctl -qw net/ipv6/conf/eth1/disable_ipv6=1",
         proc={"sys/net/ipv6/conf/eth1/disable_ipv6": "0"}),
    Case("ARP that answers", "ARP", "set", "on", "ip link set dev eth1 arp off",
         link={"flags": ["BROADCAST", "UP"]}),
    Case("a port that is down", "link", "set", "down", "ip link set dev eth1 up",
         link={"flags": ["NOARP"]}),
    Case("a port without a cable", "link", "hint", "no carrier", sysfs={"carrier": "0"}),
    Case("half duplex", "speed", "hint", "100 Mb/s, half duplex",
         sysfs={"speed": "100", "duplex": "half"}),
    Case("two queues on one CPU", "interrupts", "set", "40 on CPU 0, 41 on CPU 0",
         "sh -c 'echo 0 >{root}/proc/irq/40/smp_affinity_list'",
         sysfs={"device/msi_irqs/40": "msix", "device/msi_irqs/41": "msix",
                "device/msi_irqs/42": "msix"},
         proc={"interrupts": "  40: 1 PCI eth1-TxRx-0\n  41: 1 PCI eth1-TxRx-1\n  42: 1 PCI eth1\n",
               "irq/40/effective_affinity_list": "0", "irq/41/smp_affinity_list": "0"}),
    Case("losses of the card", "lost before the kernel", "note", "rx_missed_errors 7",
         sysfs={"statistics/rx_missed_errors": "7", "statistics/rx_crc_errors": "0"}),
)


def write(folder, files):
    for name, text in files.items():
        path = pathlib.Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")


def furnish(folder, case, routes=()):
    """A root with sys, proc, and stand-ins that know the case."""
    write(folder / "sys/class/net/eth1", {**SYSFS, **case.sysfs})
    write(folder / "proc", case.proc)
    ask = "-json {} show dev eth1"
    write(folder / "answers", {
        "ip " + ask.format("-details address"): json.dumps([{**LINK, **case.link}]),
        "ip " + ask.format("-4 route"): json.dumps(list(routes)),
        "ip " + ask.format("-6 route"): "[]"})
    for question, text in case.ethtool.items():
        option, _, words = question.partition(" ")
        write(folder / "answers", {f"ethtool {option} eth1 {words}".rstrip(): text})
    for name in ("ethtool", "ip"):
        path = folder / "bin" / name
        write(folder, {f"bin/{name}": STAND_IN})
        path.chmod(0o755)


def nic_check(folder, *words):
    return subprocess.run(
        [sys.executable, NIC_CHECK, "--root", str(folder), *words],
        env={"PATH": f"{folder}/bin:/bin:/usr/bin", "ANSWERS": f"{folder}/answers"},
        capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)


def case_faults(case):
    """How the finding differs from the one that is wanted."""
    with tempfile.TemporaryDirectory(prefix="passer-nic-") as root:
        root = pathlib.Path(root)
        furnish(root, case)
        done = nic_check(root, "eth1", "--json")
    if not done.stdout:
        return done.stderr.splitlines()
    findings = json.loads(done.stdout)["findings"]
    got = [f for f in findings if f["name"] == case.name]
    wanted = (case.state, case.value, case.command.format(root=root))
    found = [(f["state"], f["value"], "".join(f["commands"][:1])) for f in got]
    advice = any(f["state"] in ("set", "hint") for f in findings)
    return [] if found == [wanted] and done.returncode == advice else [
        f"wanted: {wanted}", f"found: {found}, exit status {done.returncode}"]


def in_use_faults():
    """A port that this host speaks through is never silenced."""
    with tempfile.TemporaryDirectory(prefix="passer-nic-") as root:
        root = pathlib.Path(root)
        furnish(root, CASES[0], routes=[{"dst": "default", "gateway": "192.0.2.254"}])
        done, applied = nic_check(root, "eth1"), nic_check(root, "eth1", "--apply")
    faults = [] if "hint  addresses: in use" in done.stdout else done.stdout.splitlines()
    return faults + ([] if applied.returncode == 2 else ["--apply did not refuse"])


def usage_faults():
    statuses = [nic_check("/", *words).returncode for words in
                ((), ("nosuch0",), ("../..",), ("eth1", "--aply"))]
    return [] if statuses == [2, 2, 2, 2] else [f"{statuses}"]


def veth_faults():
    """Applies to a real interface, and reads back."""
    namespace, peer = net.Namespace(has_ipv6=True), net.Namespace()
    try:
        net.wire(peer, namespace)
        namespace.ip("address add 192.0.2.1/24 dev eth0")
        command = (*OWN_SYSFS, sys.executable, str(NIC_CHECK), "eth0")
        first = namespace.call(*command)
        last = namespace.run(*command, "--apply").stdout.splitlines()[-1]
        second = namespace.call(*command)
        link = namespace.interface()
        features = namespace.run("ethtool", "-k", "eth0").stdout
        spoken = namespace.run("ip", "address", "show", "dev", "eth0").stdout
    finally:
        namespace.close()
        peer.close()
    ran = re.fullmatch(r"commands run: ([1-9]\d*) of \1; nothing is kept over a reboot", last)
    got = {"exit statuses": (first, second), "told": ran is not None, "MTU": link["mtu"],
           "ARP": "NOARP" not in link["flags"], "addresses": "inet" in spoken,
           "TSO": "tcp-segmentation-offload: on" in features}
    wanted = {"exit statuses": (1, 0), "told": True, "MTU": 9216, "ARP": False, "addresses": False,
              "TSO": False}
    return [] if got == wanted else [f"got: {got}", f"wanted: {wanted}"]


def main():
    tap = golden.Tap(len(CASES) + 3)
    for case in CASES:
        tap.point(case.about, case_faults(case))
    tap.point("a port that this host speaks through", in_use_faults())
    tap.point("words that cannot be understood", usage_faults())
    why = net.trouble()
    tap.point(f"a real veth # SKIP {why}" if why else "a real veth", [] if why else veth_faults())
    return tap.status()


if __name__ == "__main__":
    sys.exit(main())
