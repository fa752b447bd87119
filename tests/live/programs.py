#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers and clients: what passer says of them, and how soon. Speaks TAP."""
import sys
import time

from live import case, check, check_once, main
from servers import CLIENT, DOMAIN, LEASE, SERVER, Office, long_v6, v4, v6

SOON_SECONDS = 5  # the bound of the test; one second is what is aimed at


def named_soon(office, sensor, what, ask, patterns):
    """Asks for the first time; the lines must come soon. Notes how soon."""
    started = time.monotonic()
    ask()
    seconds = max(sensor.wait_line(pattern) for pattern in patterns) - started
    office.lab.note(f"{what}: {seconds * 1000:.0f} ms after its first connection was begun")
    check(seconds < SOON_SECONDS, f"{what}: {seconds:.1f} s are too late")


@case
def web_server(lab):
    """nginx is named within a second of its first connection, IPv4 and IPv6; so are both systems"""
    office = Office(lab)
    office.start_nginx()
    sensor = office.listen()
    for address, host, printed in ((v4(SERVER), v4(SERVER), v4(SERVER)),
                                   (v6(SERVER), f"[{v6(SERVER)}]", long_v6(SERVER))):
        named_soon(office, sensor, f"nginx at {address}",
                   lambda host=host: office.ask("curl", "-s", f"http://{host}/"),
                   [f"TS,{printed},TCP_80,listening,", f"TS,{printed},TCP_80,listening,.*nginx.*"])
    for client in (v4(CLIENT), long_v6(CLIENT)):
        sensor.wait_line(f"TC,{client},TCP_80,open,")
    for host in (v4(CLIENT), v4(SERVER), long_v6(CLIENT), long_v6(SERVER)):
        sensor.wait_line(rf"IP,{host},IP,live,Linux .* \(0 hops away\)")
    sensor.stop()
    check_once(sensor.lines)


@case
def ssh_server(lab):
    """So is OpenSSH; its client is named, too"""
    office = Office(lab)
    office.start_sshd()
    sensor = office.listen()
    named_soon(office, sensor, "sshd",
               lambda: office.ask("ssh-keyscan", "-t", "ed25519", v4(SERVER)),
               [f"TS,{v4(SERVER)},TCP_22,listening,",
                f"TS,{v4(SERVER)},TCP_22,listening,.*(?i:openssh).*"])
    login = ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
             "-o", "UserKnownHostsFile=/dev/null", "-o", "IdentityFile=none", v6(SERVER), "true"]
    check(office.client.call(*login) == 255, "the server let us in")
    for pattern in (f"TS,{long_v6(SERVER)},TCP_22,listening,.*(?i:openssh).*",
                    f"TC,{long_v6(CLIENT)},TCP_22,open,.*(?i:openssh).*"):
        sensor.wait_line(pattern)
    sensor.stop()
    check_once(sensor.lines)


@case
def name_server(lab):
    """dnsmasq's answers give names and addresses, aliases and reverse names"""
    office = Office(lab)
    office.start_dnsmasq()
    sensor = office.listen()
    for server in (v4(SERVER), v6(SERVER)):
        for query in ((f"web.{DOMAIN}", "A"), (f"www.{DOMAIN}", "AAAA"), ("-x", v4(SERVER))):
            office.ask("dig", "+tries=1", "+time=5", f"@{server}", *query)
    for server, client in ((v4(SERVER), v4(CLIENT)), (long_v6(SERVER), long_v6(CLIENT))):
        sensor.wait_line(f"US,{server},UDP_53,open,dns/server.*")
        sensor.wait_line(f"UC,{client},UDP_53,open,dns/client.*")
    for line in (f"DN,{v4(SERVER)},A,www.{DOMAIN}.,", f"DN,{long_v6(SERVER)},AAAA,www.{DOMAIN}.,",
                 f"DN,{v4(SERVER)},CNAME,web.{DOMAIN}.,", f"DN,{v4(SERVER)},PTR,www.{DOMAIN}.,"):
        sensor.wait_line(line.replace(".", r"\."))
    sensor.stop()
    check_once(sensor.lines)


def mac_line(address, host):
    return f"MA,{address},Ethernet,{host.interface()['address'].upper()},.*"


@case
def address_server(lab):
    """A host that gets its address from dnsmasq is found there, and the server is told"""
    office = Office(lab)
    office.start_dnsmasq()
    guest = office.plug_in(lab.namespace(), "guest")
    sensor = office.listen()
    office.lease(guest)
    office.ask("ping", "-c", "1", "-W", "5", LEASE)
    sensor.wait_line(f"US,{v4(SERVER)},UDP_67,open,.*")
    sensor.wait_line(mac_line(LEASE, guest))
    sensor.stop()
    check_once(sensor.lines)


@case
def neighbours(lab):
    """ARP and neighbour discovery give the MAC addresses of the hosts"""
    office = Office(lab)
    sensor = office.listen()
    office.server.run("arping", "-c", "1", "-w", "5", "-I", "eth0", v4(CLIENT))
    for address in (v4(SERVER), v6(SERVER)):
        office.ask("ping", "-c", "1", "-W", "5", address)
    for line in (mac_line(v4(SERVER), office.server), mac_line(v4(CLIENT), office.client),
                 mac_line(long_v6(SERVER), office.server),
                 mac_line(long_v6(CLIENT), office.client)):
        sensor.wait_line(line)
    sensor.stop()
    check_once(sensor.lines)


if __name__ == "__main__":
    sys.exit(main())
