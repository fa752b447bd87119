#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real peers of many protocols: what passer says of their talk. Speaks TAP.

Each row of PEERS is a case: programs of the server's are started, the client asks until passer has
said every line. Programs that are not there are named, and the case is skipped.
"""
import dataclasses
import os
import pathlib
import shutil
import sys
import time
from collections.abc import Callable

import net
from live import Skipped, case, check, check_once, main
from sensor import Fault, wait_until
from servers import CLIENT, DHCP_SCRIPT, LEASE, SERVER, Office, long_v6, v4, v6

ADMIN_PATHS = ("/usr/sbin", "/sbin")  # many of the programs are there
UNPACKED = pathlib.Path(__file__).resolve().parents[2] / "build-unpacked"  # and more: tools/setup
PAUSE_SECONDS = 0.1  # between two rounds of questions

ROUTER, FAR = 3, 9
FAR4, FAR6 = "10.10.0.9", "2001:db8:10::9"

# {s4} and {s6} are the server, {c4} and {c6} the client; in lines IPv6 is written in full.
SHORT = {"s4": v4(SERVER), "s6": v6(SERVER), "c4": v4(CLIENT), "c6": v6(CLIENT),
         "r4": v4(ROUTER), "r6": v6(ROUTER), "far4": FAR4, "far6": FAR6, "lease": LEASE}
LONG = {**SHORT, "s6": long_v6(SERVER), "c6": long_v6(CLIENT), "r6": long_v6(ROUTER),
        "far6": "2001:0db8:0010:0000:0000:0000:0000:0009"}

SNMPD = """
[snmp] persistentDir {folder}
[snmpd] rocommunity  open-sesame
[snmpd] rocommunity6 open-sesame
"""

CHRONYD = """
local stratum 5
allow all
cmdport 0
bindcmdaddress /
pidfile {folder}/chronyd.pid
"""

AVAHI = """
[server]
host-name=printer
enable-dbus=no
[publish]
publish-hinfo=yes
publish-workstation=no
"""

AVAHI_SERVICE = """<?xml version="1.0"?>
<service-group>
 <name>Front desk</name>
 <service><type>_http._tcp</type><port>80</port><txt-record>path=/status</txt-record></service>
</service-group>
"""

# Its folders are built in: it is given others in a mount namespace.
AVAHI_START = "mount -t tmpfs tmpfs /run && mount --bind $0 /etc/avahi && exec $1 --no-drop-root"

SMB = """
[global]
netbios name = FILESERVER
workgroup = OFFICE
interfaces = eth0
bind interfaces only = yes
local master = no
lock directory = {folder}
state directory = {folder}
cache directory = {folder}
pid directory = {folder}
private dir = {folder}
nmbd:socket dir = {folder}/nmbd
"""

RSYSLOGD = """
global(workDirectory="{folder}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{folder}/log")
action(type="omfwd" target="10.9.0.2" port="514" protocol="udp"
       template="RSYSLOG_TraditionalForwardFormat")
action(type="omfwd" target="2001:db8:9::2" port="514" protocol="udp"
       template="RSYSLOG_ForwardFormat")
"""

RADVD = """
interface eth0 {{
	AdvSendAdvert on;
	MinRtrAdvInterval 3;
	MaxRtrAdvInterval 4;
	AdvCurHopLimit 61;
	prefix 2001:db8:9::/64 {{ }};
	RDNSS 2001:db8:9::1 {{ }};
}};
"""


@dataclasses.dataclass
class Peer:
    """A row: who talks, and what passer must say of it."""
    about: str
    lines: list[str] = ()  # patterns of records that must come
    never: list[str] = ()  # those that must not
    files: dict[str, str] = dataclasses.field(default_factory=dict)  # written for the server
    prepare: Callable[[Office], None] = None
    serve: list[str] = ()  # the server's program and its arguments
    ask: list[list[str]] = ()  # the client's commands
    ends: int = 0  # exit status of each of them when it was answered
    options: list[str] = ()  # passer's
    needs: list[str] = ()  # programs that neither of these begins with


def words(command, folder):
    """A command ready to be run."""
    return [word.format(**SHORT, folder=folder) for word in command]


class Talk:
    """A peer at work: the client asks, one round after the other, and passer listens."""

    def __init__(self, office, peer):
        self.office, self.peer = office, peer
        self.sensor = office.listen(*peer.options)
        self.names = {**LONG, "mac": office.server.interface()["address"].upper()}
        self.statuses = []
        for name, text in peer.files.items():
            (office.folder / name).parent.mkdir(exist_ok=True)
            office.write(name, text)
        if peer.prepare:
            peer.prepare(office)
        self.check_alive = lambda: None
        if peer.serve:
            self.check_alive = office.start(*words(peer.serve, office.folder))

    def said(self, patterns):
        """Those that passer has said."""
        return [pattern for pattern in patterns
                if self.sensor.stdout.time_of(pattern.format(**self.names)) is not None]

    def missing(self):
        said = self.said(self.peer.lines)
        return [pattern for pattern in self.peer.lines if pattern not in said]

    def ask(self):
        """A round of questions; is there nothing more to ask for?"""
        self.check_alive()
        self.statuses = [self.office.client.call(*words(command, self.office.folder))
                         for command in self.peer.ask]
        is_over = not self.missing() and all(
            status == self.peer.ends for status in self.statuses)
        if not is_over:
            time.sleep(PAUSE_SECONDS)
        return is_over

    def go_on(self):
        """Asks until every question is answered and every line has come."""
        try:
            wait_until(self.ask, "the answers")
        except Fault as fault:
            raise Fault(*fault.args, f"exit status of the client's commands: {self.statuses}",
                        "lines that did not come:", *self.missing()) from None


def run(lab, peer):
    """One case."""
    programs = {*peer.needs, *peer.serve[:1], *(command[0] for command in peer.ask)}
    absent = sorted(name for name in programs if not shutil.which(name))
    if absent:
        raise Skipped(f"no {', '.join(absent)} here")
    talk = Talk(Office(lab), peer)
    talk.go_on()
    talk.sensor.stop()
    check_once(talk.sensor.lines)
    found = talk.said(peer.never)
    check(not found, "lines came that must not:", *found)


def open_folder(office):
    """The server's program gives root away before it reads there."""
    office.folder.chmod(0o755)


def as_router(host):
    """It forwards packets."""
    with host:
        for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
                file.write("1")


def route_multicast(office):
    """The client has no default route that would do."""
    office.client.ip("route add 224.0.0.0/4 dev eth0")


def far_host(office):
    """A host behind a router."""
    router, far = office.host(ROUTER, "router"), office.lab.namespace(has_ipv6=True)
    net.wire(router, far, "eth1", "eth0")
    as_router(router)
    router.ip("address add 10.10.0.1/24 dev eth1", "address add 2001:db8:10::1/64 dev eth1 nodad")
    far.ip(f"address add {FAR4}/24 dev eth0", f"address add {FAR6}/64 dev eth0 nodad",
           "route add default via 10.10.0.1", "route add default via 2001:db8:10::1")
    office.client.ip(f"route add 10.10.0.0/24 via {v4(ROUTER)}",
                     f"route add 2001:db8:10::/64 via {v6(ROUTER)}")


def each(command, *places):
    """The same command for IPv4 and IPv6."""
    return [[word.format(place) if word == "{}" else word for word in command]
            for place in places]


def lease_client(office):
    """A client that got its address from dnsmasq, and renews it when it is told to."""
    office.start_dnsmasq()
    office.client.ip("address flush dev eth0 scope global")
    script = office.write("dhcp-script", DHCP_SCRIPT)
    script.chmod(0o755)
    office.start("udhcpc", "-f", "-i", "eth0", "-s", str(script), "-x", "hostname:reception",
                 "-p", f"{office.folder}/udhcpc.pid", host=office.client)


def lease_client_v6(office):
    """A client that asks for an IPv6 address until it has one."""
    office.start("dhclient", "-6", "-d", "-cf", "/dev/null", "-sf", "/bin/true",
                 "-lf", f"{office.folder}/client-leases", "-pf", f"{office.folder}/dhclient.pid",
                 "eth0", host=office.client)


RENEW = "ip address show dev eth0 | grep -q {lease}/ && kill -USR1 $(cat {folder}/udhcpc.pid)"

SNMPGET = each(["snmpget", "-v", "2c", "-c", "open-sesame", "-t", "1", "-r", "0", "{}",
                ".1.3.6.1.2.1.1.5.0"], "udp:{s4}", "udp6:[{s6}]")
SNMP = {"files": {"snmpd.conf": SNMPD}, "ask": SNMPGET,
        "serve": ["snmpd", "-f", "-Lo", "-C", "-c", "{folder}/snmpd.conf", "udp:161", "udp6:161"]}
COMMUNITY = "community: open-sesame Warnings:plaintext"

PEERS = {
    "dhcp": Peer(
        "dnsmasq and udhcpc: the server, a client that renews its lease, and its name",
        needs=["dnsmasq", "udhcpc"],
        prepare=lease_client,
        ask=[["sh", "-c", RENEW]],
        lines=["US,{s4},UDP_67,open,bootpordhcp/server",
               "UC,{lease},UDP_67,open,bootpordhcp/client",
               "NA,{lease},DHCP,reception,dhcp"]),
    "dhcp-ipv6": Peer(
        "dnsmasq and dhclient: the client",
        needs=["dhclient"],
        prepare=lease_client_v6,
        serve=["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root",
               "--pid-file", "--log-facility=-", "--port=0", "--interface=eth0",
               "--dhcp-range=2001:db8:9::50,2001:db8:9::60,64,1h",
               "--dhcp-leasefile={folder}/leases"],
        lines=["UC,fe80:.*,UDP_547,open,UDP DHCPv6"]),
    "mdns": Peer(
        "avahi-daemon: names, addresses, and a service that is listed",
        files={"avahi/avahi-daemon.conf": AVAHI, "avahi/services/desk.service": AVAHI_SERVICE},
        prepare=route_multicast,
        serve=["unshare", "--mount", "sh", "-c", AVAHI_START, "{folder}/avahi", "avahi-daemon"],
        ask=[["dig", "-p", "5353", "+tries=1", "+time=1", "@224.0.0.251", "PTR",
              "_services._dns-sd._udp.local"]],
        needs=["avahi-daemon"],
        ends=9,  # the answer is not from the group's address, so dig does not take it
        lines=["US,{s4},UDP_5353,open,mdns/server", "US,{s6},UDP_5353,open,mdns/server",
               "UC,{c4},UDP_5353,open,mdns/client", r"DN,{s4},A,printer\.local\.,",
               r"DN,{s6},AAAA,printer\.local\.,",
               r"DN,{s4},PTR,_services\._dns-sd\._udp\.local\.,_http\._tcp\.local\.",
               r"DN,{s4},PTR,_http\._tcp\.local\.,front desk\._http\._tcp\.local\.",
               r"DN,{s4},PTR,Front desk\._http\._tcp\.local\.,path=/status",
               r"DN,{s4},SRV,Front desk\._http\._tcp\.local\.,",
               r"DN,{s4},HINFO,printer\.local\.,cpu=.+ os=LINUX",
               "TS,{s4},TCP_80,listening,http/server not confirmed",
               "TS,{s6},TCP_80,listening,http/server not confirmed"]),
    "snmp-creds": Peer(
        "snmpd and snmpget, with --creds: the community is told",
        **SNMP, options=["--creds"],
        lines=["UC,{c4},UDP_161,open,snmp/client " + COMMUNITY,
               "US,{s4},UDP_161,open,snmp/server " + COMMUNITY,
               "UC,{c6},UDP_161,open,snmp/client " + COMMUNITY,
               "US,{s6},UDP_161,open,snmp/server " + COMMUNITY]),
    "snmp": Peer(
        "snmpd and snmpget, without --creds: no community, no record",
        **SNMP, never=[".*UDP_161,open,.*", ".*open-sesame.*"]),
    "snmp-product": Peer(
        "snmpd and nmap: the product",
        **{**SNMP, "ask": [["nmap", "-n", "-Pn", "-sU", "-sV", "-p", "161", "{s4}"]]},
        lines=["US,{s4},UDP_161,open,snmp://p/net-snmp/.*"]),
    "dns-product": Peer(
        "dnsmasq and dig: the product, over IPv6, too; names over TCP",
        serve=["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root",
               "--pid-file", "--log-facility=-", "--no-resolv", "--no-hosts", "--interface=eth0",
               "--address=/tcp.example/192.0.2.1"],
        ask=[*each(["dig", "+noedns", "+tries=1", "+time=1", "{}", "CH", "TXT", "version.bind"],
                   "@{s4}", "@{s6}"),
             ["dig", "+tcp", "+tries=1", "+time=1", "@{s4}", "A", "www.tcp.example"]],
        lines=["US,{s4},UDP_53,open,domain://p/dnsmasq/ v/.*",
               "US,{s6},UDP_53,open,domain://p/dnsmasq/ v/.*",
               r"DN,192\.0\.2\.1,A,www\.tcp\.example\.,"]),
    "ntp": Peer(
        "chronyd, as a server and as its client: the stratum",
        files={"chrony.conf": CHRONYD},
        serve=["chronyd", "-d", "-x", "-u", "root", "-f", "{folder}/chrony.conf"],
        ask=each(["chronyd", "-Q", "-u", "root", "-t", "5", "{}", "cmdport 0",
                  "bindcmdaddress /", "pidfile {folder}/client.pid"],
                 "server {s4} iburst maxsamples 1", "server {s6} iburst maxsamples 1"),
        lines=["UC,{c4},UDP_123,open,ntp/client", "UC,{c6},UDP_123,open,ntp/client",
               "US,{s4},UDP_123,open,ntp/server stratum=5 reference=127.127.1.1",
               "US,{s6},UDP_123,open,ntp/server stratum=5 reference=127.127.1.1"],
        never=["US,127.*"]),
    "syslog": Peer(
        "logger: who sends to whom, the name of the machine, and the program",
        ask=each(["logger", "--rfc3164", "-d", "-P", "514", "-t", "backup", "-n", "{}", "full"],
                 "{s4}", "{s6}"),
        lines=["UC,{c4},UDP_514,open,syslog/client Warnings:plaintext",
               "UC,{c6},UDP_514,open,syslog/client Warnings:plaintext",
               "US,{s4},UDP_514,open,syslog/server not confirmed Warnings:plaintext",
               "US,{s6},UDP_514,open,syslog/server not confirmed Warnings:plaintext",
               r"NA,{c4},PTR,[\w.-]+,syslog Warnings:plaintext",
               "IP,{c4},IP,live,running process: backup Warnings:plaintext",
               "US,{s4},UDP_514,closed,port unreachable"]),
    "rsyslog": Peer(
        "rsyslogd, which passes on what logger says: in the old form over IPv4, in its own over IPv6",
        files={"rsyslog.conf": RSYSLOGD},
        serve=["rsyslogd", "-n", "-f", "{folder}/rsyslog.conf", "-i", "{folder}/rsyslogd.pid"],
        ask=[["logger", "-u", "{folder}/log", "-t", "backup", "full"]],
        lines=["UC,{s4},UDP_514,open,syslog/client Warnings:plaintext",
               "UC,{s6},UDP_514,open,syslog/client Warnings:plaintext",
               "US,{c4},UDP_514,open,syslog/server not confirmed Warnings:plaintext",
               "US,{c6},UDP_514,open,syslog/server not confirmed Warnings:plaintext",
               r"NA,{s4},PTR,[\w.-]+,syslog Warnings:plaintext",
               "IP,{s4},IP,live,running process: backup Warnings:plaintext"]),
    "tftp": Peer(
        "in.tftpd and curl: the client",
        files={"tftp/boot.img": "welcome\n"},
        prepare=open_folder,
        serve=["in.tftpd", "-L", "--secure", "{folder}/tftp"],
        ask=each(["curl", "-sf", "--max-time", "2", "{}"],
                 "tftp://{s4}/boot.img", "tftp://[{s6}]/boot.img"),
        lines=["UC,{c4},UDP_69,open,tftp/client Warnings:plaintext:portpolicyviolation",
               "UC,{c6},UDP_69,open,tftp/client Warnings:plaintext:portpolicyviolation"]),
    "traceroute": Peer(
        "traceroute through a router: the router, and that the last host's port is closed",
        prepare=far_host,
        ask=each(["traceroute", "-n", "-q", "1", "-w", "2", "-m", "3", "{}"], "{far4}", "{far6}"),
        lines=["UC,{c4},UDP_33434,open,udptraceroute/client",
               "UC,{c6},UDP_33434,open,udptraceroute/client",
               "RO,{r4},TTLEx,router,client_ip={c4}", "RO,{r6},TTLEx,router,client_ip={c6}",
               r"US,{far4},UDP_33\d+,closed,port unreachable",
               r"US,{far6},UDP_33\d+,closed,port unreachable"]),
    "router-advertisement": Peer(
        "radvd: the router with its net and name server, and its MAC address",
        files={"radvd.conf": RADVD},
        prepare=lambda office: as_router(office.server),
        serve=["radvd", "-n", "-m", "stderr", "-p", "{folder}/radvd.pid",
               "-C", "{folder}/radvd.conf"],
        ask=[["ping", "-c", "1", "-W", "2", "{s6}"]],
        lines=["RO,fe80:.*,RouterAdv,router,hop_limit=61 net=2001:db8:9::/64 dns=2001:db8:9::1",
               "MA,fe80:.*,Ethernet,{mac},.*", "RO,{s6},NeighborAdvRouterFlag,router,"]),
    "netbios": Peer(
        "nmbd and nmblookup: who asks and how, the server and its name",
        files={"smb.conf": SMB},
        serve=["nmbd", "-F", "--no-process-group", "--debug-stdout", "-s", "{folder}/smb.conf"],
        ask=[["nmblookup", "-s", "{folder}/smb.conf", "-B", "10.9.0.255", "FILESERVER"],
             ["nmblookup", "-s", "{folder}/smb.conf", "-U", "{s4}", "FILESERVER"],
             ["nmblookup", "-s", "{folder}/smb.conf", "-A", "{s4}"]],
        lines=["UC,{c4},UDP_137,open,netbios-ns/broadcastclient",
               "UC,{c4},UDP_137,open,netbios-ns/unicastclient",
               "UC,{c4},UDP_137,open,netbios-ns/wildcardclient Warnings:amplification:spoofed",
               "US,{s4},UDP_137,open,netbios-ns", "NA,{s4},PTR,FILESERVER,netbios-ns",
               "US,{s4},UDP_138,open,netbios-dgm", "NA,{s4},PTR,FILESERVER,netbios-dgm"]),
}


def find_programs():
    """Adds where programs of servers are, and where one that was only unpacked has its modules."""
    unpacked = list(map(str, UNPACKED.glob("*/usr/sbin")))
    os.environ["PATH"] = os.pathsep.join(
        (os.environ.get("PATH", os.defpath), *ADMIN_PATHS, *unpacked))
    if (shutil.which("rsyslogd") or "").startswith(str(UNPACKED)):
        os.environ["RSYSLOG_MODDIR"] = str(next(UNPACKED.glob("rsyslog/usr/lib/*/rsyslog")))


def register(name, peer):
    """Makes a row a case."""
    def talk(lab):
        run(lab, peer)

    talk.__name__, talk.__doc__ = name, peer.about
    case(talk)


if __name__ == "__main__":
    find_programs()
    for each_name, each_peer in PEERS.items():
        register(each_name, each_peer)
    sys.exit(main())
