# SPDX-License-Identifier: GPL-3.0-or-later
"""SSDP: searches and announcements."""
from golden import case
from hosts import ALICE, BOB, EVERYONE, ROUTER, Host, datagram, ip_packet
from support.link import ether, vlan
from support.transport import udp

GROUP = Host("01:00:5e:7f:ff:fa", "239.255.255.250", "ff02::c")
SEARCH = b'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\n\r\n'


def notify(*lines):
    return "\r\n".join(["NOTIFY * HTTP/1.1", *lines, "", ""]).encode()


@case
def searches():
    """To the groups, to everyone and to one host; on other ports a warning"""
    yield datagram(ALICE, GROUP, 40000, 1900, SEARCH)
    yield datagram(ALICE, BOB, 40000, 1900, SEARCH)
    yield datagram(BOB, EVERYONE, 40000, 1900, SEARCH.replace(b"M-", b"B-"))
    for scope in "258e":
        yield datagram(BOB, GROUP._replace(v6=f"ff0{scope}::c"), 40000, 1900, SEARCH, v6=True)
    yield datagram(ROUTER, GROUP._replace(v6="ff03::c"), 40000, 1900, SEARCH, v6=True)
    for port in (1990, 32412, 32414, 32413, 11211):
        yield datagram(ALICE, GROUP, 40000, port, SEARCH)
    yield datagram(ALICE, BOB, 40000, 32412, SEARCH)
    yield ether(vlan(7, ip_packet(ROUTER, GROUP, udp(40000, 1900, SEARCH))), GROUP.mac, ROUTER.mac)


@case
def announcements():
    """Location and server come along, each when it can be read"""
    location, server = "LOCATION: http://10.0.0.254:80/igd.xml", "SERVER: Linux, UPnP/1.0, M/2.0 "
    yield datagram(ROUTER, GROUP, 1900, 1900, notify(location, server))
    yield datagram(ROUTER, GROUP, 1900, 1900, notify("Location: http://h/", "Server:x"))
    yield datagram(ROUTER, GROUP, 1900, 1900, notify(location))
    yield datagram(ROUTER, GROUP, 1900, 1900, notify())
    yield datagram(ROUTER, GROUP, 1900, 1900, notify("LOCATION: http://h/?q=1", "SERVER: a(b)"))
    yield datagram(ROUTER, GROUP, 1900, 1900, notify("LOCATION: (", "X-LOCATION: http://2/"))
    yield datagram(ROUTER, GROUP, 1900, 1900, notify("LOCATION:  ", "SERVER:  "))
    yield datagram(ROUTER, GROUP, 1900, 1900, b"NOTIFY\r\nSERVER: no line end")
    yield datagram(BOB, GROUP, 1900, 1900, notify(location, server), v6=True)
    yield datagram(BOB, ALICE, 1900, 1900, notify(location))


@case
def scanner():
    """A bare GET to SSDP or memcached"""
    yield datagram(ALICE, BOB, 40000, 1900, b"GET / HTTP/1.1\r\n\r\n")
    yield datagram(ALICE, BOB, 40000, 11211, b"GET / HTTP/1.1\r\n\r\n")
    yield datagram(ALICE, BOB, 40000, 1990, b"GET / HTTP/1.1\r\n\r\n")
    yield datagram(ALICE, BOB, 40000, 1900, b"GET / HTTP/1.1\r\n\r\n.")


@case
def others():
    """Answers, and what is neither"""
    yield datagram(ALICE, BOB, 1900, 40000, b"HTTP/1.1 200 OK\r\nSERVER: x\r\n\r\n")
    yield datagram(ALICE, GROUP, 40000, 1900, b"m-search")
    yield datagram(ALICE, GROUP, 40000, 1900, b"")
