# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP: clients, servers, flag scans, closed-port scans and what first segments say."""
from golden import case
from hosts import ALICE, BOB, ROUTER, Connection, Host, packet, refused
from support.capture import at
from support.ip import ipv4_fragments
from support.link import ether, tagged
from support.transport import tcp

LOOPBACK = Host("00:00:00:00:00:00", "127.0.0.1", "::1")
LOOPBACK_2 = Host("00:00:00:00:00:00", "127.0.0.2", "::1")


@case
def handshake():
    """A SYN names a client, an answered one a server; once each"""
    yield from Connection(ALICE, BOB, 8080).open()
    yield from Connection(ALICE, BOB, 8080, sport=40001).open()


@case
def handshake_ipv6():
    """The same over IPv6, addresses written out"""
    yield from Connection(ALICE, BOB, 8080, v6=True).open()


@case
def synack_alone():
    """A SYN/ACK whose SYN was not seen is not believed; nor is it when the SYN comes later"""
    connection = Connection(ALICE, BOB, 8080)
    yield connection.synack()
    yield connection.syn()


@case
def ecn_handshake():
    """ECE and CWR change nothing"""
    connection = Connection(ALICE, BOB, 8080)
    yield connection.segment("client", "SEC")
    yield connection.segment("server", "SAE")


@case
def policy_ports():
    """Services that a policy may forbid; the FIN's line does not say so"""
    for number, port in enumerate((7, 9, 11, 13, 17, 19, 21, 23, 79, 512, 513, 514, 623)):
        yield Connection(ALICE, BOB, port, sport=40000 + number).syn()
    connection = Connection(ALICE, BOB, 23, sport=41000)
    yield from connection.open()
    yield connection.segment("client", "FA")
    yield connection.segment("client", "FA")


@case
def fin_without_syn():
    """A FIN names a client when a server had accepted it; a FIN of the server does not"""
    connection = Connection(ALICE, BOB, 8080)
    yield connection.segment("client", "FA")  # nothing accepted yet
    yield connection.synack()
    yield connection.segment("server", "FA")
    yield connection.segment("client", "FA")
    yield connection.segment("client", "FA")


@case
def closed_port():
    """A refusal closes: RST+ACK with sequence number 0"""
    yield from refused(ALICE, BOB, 81)
    yield from refused(ALICE, BOB, 82, v6=True)
    yield from refused(ALICE, BOB, 23)  # no policy word on a closed port


@case
def closed_by_bare_reset():
    """So does any reset right after a SYN"""
    connection = Connection(ALICE, BOB, 81)
    yield connection.syn()
    yield connection.segment("server", "R", seq=77)


@case
def resets_that_say_nothing():
    """Resets without a SYN, of a client, and of an established connection"""
    yield Connection(ALICE, BOB, 81).refuse()
    connection = Connection(ALICE, BOB, 8080)
    yield connection.syn()
    yield connection.segment("client", "R")
    connection = Connection(ALICE, BOB, 8081)
    yield from connection.open()
    yield connection.client_says(b"hello")
    yield connection.server_says(b"hello yourself")
    yield connection.segment("server", "RA")
    yield connection.segment("server", "R")


@case
def listening_closed_listening():
    """Each change of a service's state is a line"""
    yield from Connection(ALICE, BOB, 8080, sport=40000).open()
    yield from refused(ALICE, BOB, 8080, sport=40001)
    yield from refused(ALICE, BOB, 8080, sport=40002)
    yield from Connection(ALICE, BOB, 8080, sport=40003).open()


@case
def closed_port_scan():
    """Fifteen closed services make a scanner, whatever the ports and servers"""
    carol = BOB._replace(v4="10.0.0.3")
    for number in range(10):
        yield from refused(ALICE, BOB, 1000 + number)
    for number in range(6):
        yield from refused(ALICE, carol, 1000 + number)


@case
def closed_port_scan_too_small():
    """Fourteen do not, and one asked again counts once"""
    for number in range(14):
        yield from refused(ALICE, BOB, 1000 + number)
    for number in range(5):
        yield from refused(ALICE, BOB, 1000, sport=41000 + number)


@case
def closed_port_scan_resets():
    """Servers that reset established connections make no scanner"""
    for number in range(16):
        connection = Connection(ALICE, BOB, 2000 + number)
        yield from connection.open()
        yield connection.server_says(b"busy")
        yield connection.segment("server", "RA")


@case
def land_attack():
    """A packet from a service to itself; not on loopback"""
    yield packet(ALICE, ALICE, tcp(139, 139, "S"))
    yield packet(ALICE, ALICE, tcp(139, 139, "S"), v6=True)
    yield packet(LOOPBACK, LOOPBACK, tcp(139, 139, "A"))
    yield packet(LOOPBACK_2, LOOPBACK_2, tcp(139, 139, "A"))
    yield packet(LOOPBACK, LOOPBACK, tcp(139, 139, "A"), v6=True)
    yield packet(ALICE, ALICE, tcp(140, 139, "A"))


@case
def flag_scans():
    """Flags that no connection has"""
    scans = ("", "P", "U", "FS", "FR", "SR", "FSR", "FSA", "FRA", "SRA", "FSRA", "FSRPAU")
    for number, flags in enumerate(scans):
        yield packet(ALICE, BOB, tcp(40000, 100 + number, flags))
    yield packet(ALICE, BOB, tcp(40000, 100, "", b"data"), v6=True)


@case
def flags_that_are_no_scan():
    """FIN, PSH and URG together count as FIN; ident ends with FIN, RST and ACK"""
    yield packet(ALICE, BOB, tcp(40000, 100, "FPU"))
    yield packet(ALICE, BOB, tcp(113, 40000, "FRA"))
    yield packet(ALICE, BOB, tcp(40000, 100, "A"))
    yield packet(ALICE, BOB, tcp(40000, 100, "PAU", b"x"))


@case
def options_and_extension_headers():
    """IP options are walked over"""
    yield packet(ALICE, BOB, tcp(40000, 8080, "S"), options=b"\x94\x04\0\0")  # router alert


@case
def fragments():
    """The first fragment has the ports; the others tell nothing"""
    whole = list(ipv4_fragments(ALICE.v4, BOB.v4, tcp(40000, 8080, "S", b"x" * 40), 24))
    yield from map(ether, reversed(whole))


@case
def padding():
    """Bytes behind the IP length are no payload"""
    connection = Connection(ALICE, BOB, 22)
    yield from connection.open()
    yield connection.segment("server", "A") + b"SSH-2.0-padding\r\n"


@case
def banner_budget():
    """The first four segments with payload of a server are read, the fifth is not"""
    for count, port in ((3, 25), (4, 110)):
        connection = Connection(ALICE, BOB, port)
        yield from connection.open()
        for _ in range(count):
            yield connection.segment("server", "A")  # no payload, not counted
            yield connection.server_says(b"...\r\n")
        yield connection.server_says({
            25: b"220 mail ESMTP Sendmail 8.17\r\n", 110: b"+OK POP3 Server Ready\r\n"}[port])


@case
def banner_behind_late_syn():
    """A SYN that comes twice, or behind the answer to it, does not end what the server says"""
    for number, server in enumerate((BOB, ROUTER)):
        yield from Connection(ALICE, server, 22, sport=40100).open()
        connection = Connection(ALICE, server, 22)
        if number == 0:
            yield connection.syn()
        yield connection.synack()
        yield connection.syn()
        yield connection.server_says(b"SSH-2.0-OpenSSH_9.2\r\n")


@case
def banner_of_later_connection():
    """A service without description is asked again by its next connection, a described one not"""
    greetings = (b"\0\0", b"SSH-2.0-OpenSSH_9.2\r\n", b"SSH-2.0-dropbear\r\n")
    for number, greeting in enumerate(greetings):
        connection = Connection(ALICE, BOB, 22, sport=40000 + number)
        yield from connection.open()
        yield connection.server_says(greeting)


@case
def banner_that_says_nothing():
    """A head that no row names leaves the service to be asked again"""
    connection = Connection(ALICE, BOB, 80)
    yield from connection.open()
    yield connection.server_says(b"HTTP/1.1 302 Found\r\nServer: x\r\n\r\n")
    yield connection.server_says(b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n")


@case
def banner_without_service():
    """Data of a service whose handshake was not seen says nothing"""
    connection = Connection(ALICE, BOB, 22)
    yield connection.server_says(b"SSH-2.0-OpenSSH_9.2\r\n")
    yield connection.client_says(b"SSH-2.0-OpenSSH_9.2\r\n")


@case
def banner_ipv6():
    """Banners over IPv6"""
    connection = Connection(ALICE, BOB, 22, v6=True)
    yield from connection.open()
    yield connection.server_says(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")
    yield connection.client_says(b"SSH-2.0-OpenSSH_8.4\r\n")


SERVERS = (
    (22, b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"),
    (22, b"SSH-1.99-OpenSSH_3.9p1\n"),
    (22, b"SSH-2.0-dropbear_2022.83\r\n"),
    (22, b"Exceeded MaxStartups, not SSH-2.0-OpenSSH_9\r\n"),
    (2222, b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    (25, b"220 mail.example.com ESMTP Sendmail 8.17.1/8.17.1; Fri, 14 Jul 2017\r\n"),
    (25, b"220 mail.example.com - Welcome to our SMTP server ESMTP\r\n"),
    (110, b"+OK POP3 Server Ready\r\n"),
    (143, b"* OK dovecot ready.\r\n"),
    (143, b"* OK [CAPABILITY IMAP4rev1 IDLE] example ready\r\n"),
    (783, b"SPAMD/1.1 0 PONG\r\n"),
    (3128, b"HTTP/1.1 200 OK\r\nServer: x\r\nVia: 1.1 proxy (squid/5.7)\r\n\r\n"),
    (80, b"HTTP/1.1 302 Found\r\nVia: 1.1 proxy (squid/5.7)\r\n\r\n"),
    (80, b"HTTP/1.1 302 Found\r\nServer: x\r\nVia: 1.1 proxy (squid/5.7)\r\n\r\n"),
    (80, b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n"),
    (80, b"HTTP/1.0 404 Not Found\r\nServer: x\r\n\r\n"),
    (80, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
)

WEB_SERVERS = (
    b"Apache/2.4.57 (Debian)", b"Embedded HTTP Server 1.0", b"gws", b"KFWebServer/2.5",
    b"micro_httpd", b"Microsoft-IIS/10.0", b"lighttpd/1.4.69", b"MIIxpc/4.2", b"mini_httpd/1.30",
    b"nc -l -p 80", b"nginx/1.22.1", b"nginx", b"Nucleus/4.3", b"RomPager/4.07", b"Server",
    b"Sun-ONE-Web-Server/6.1", b"TrustRank Frontend", b"YTS/1.20.28",
)


def greeted(number, port, greeting):
    """A connection to a server of its own, which speaks first."""
    server = BOB._replace(v4=f"10.0.1.{number}")
    connection = Connection(ALICE, server, port, sport=40000 + number)
    return [*connection.open(), connection.server_says(greeting)]


@case
def server_banners():
    """What servers say of themselves"""
    for number, (port, greeting) in enumerate(SERVERS, 1):
        yield from greeted(number, port, greeting)


@case
def web_servers():
    """The Server header"""
    for number, server in enumerate(WEB_SERVERS, 1):
        head = b"HTTP/1.1 301 Moved\r\nServer: " + server + b"\r\n\r\n"
        yield from greeted(number, 80, head)


CLIENTS = (
    (22, b"SSH-Latency-Measurement\r\n"),
    (22, b"SSH-2.-check_ssh_1.5\r\n"),
    (22, b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    (22, b"SSH-1.5-OpenSSH_3.9\n"),
    (22, b"SSH-2.0-PuTTY_Release_0.78\r\n"),
    (80, b"GET / HTTP/1.0\r\nUser-Agent: libwww-perl/6.67\r\n\r\n"),
    (80, b"GET / HTTP/1.0\r\nUser-Agent: Lynx/2.9.0\r\n\r\n"),
    (80, b"GET / HTTP/1.1\r\nUser-Agent: Mozilla/5.0 (X11; rv:109.0) Firefox/115.0\r\n\r\n"),
    (80, b"GET / HTTP/1.1\r\nUser-Agent: Mozilla/5.0 (X11) Chrome/115.0\r\n\r\n"),
    (80, b"GET / HTTP/1.1\r\nUser-Agent: Wget/1.21.3\r\n\r\n"),
    (3128, b"GET http://example.com/ HTTP/1.1\r\nUser-Agent: Wget/1.21.3\r\n\r\n"),
    (8080, b"GET / HTTP/1.1\r\nUser-Agent: Wget/1.21.3\r\n\r\n"),
    (143, b"A0001 CAPABILITY\r\n"),
    (783, b"PROCESS SPAMC/1.5\r\n"),
)


@case
def client_strings():
    """What clients say of themselves, once the service is known to listen"""
    for number, (port, words) in enumerate(CLIENTS, 1):
        client = ALICE._replace(v4=f"10.0.2.{number}")
        connection = Connection(client, BOB, port, sport=40000 + number)
        yield from connection.open()
        yield connection.client_says(words)


@case
def client_string_once():
    """The first description of a client stays"""
    connection = Connection(ALICE, BOB, 80)
    yield from connection.open()
    yield connection.client_says(b"GET / HTTP/1.0\r\n\r\n")
    yield connection.client_says(b"GET / HTTP/1.0\r\nUser-Agent: Wget/1.21.3\r\n\r\n")
    yield connection.client_says(b"GET / HTTP/1.0\r\nUser-Agent: Lynx/2.9.0\r\n\r\n")


@case(options=["--timestamp"])
def timestamps():
    """Capture time in whole seconds, cut, and in UTC"""
    connection = Connection(ALICE, BOB, 8080)
    yield at(0.75, connection.syn())
    yield at(86400.9999, connection.synack())


@case(options=["--acks", "none"])
def without_acks():
    """--acks none leaves out segments that have only ACK: servers and clients, but no banners"""
    connection = Connection(ALICE, BOB, 22)
    yield from connection.open()
    yield connection.server_says(b"SSH-2.0-OpenSSH_9.2\r\n")
    yield packet(ALICE, BOB, tcp(40000, 100, ""))


@case
def in_vlan():
    """In a VLAN, over IPv4 and IPv6"""
    yield from map(tagged, [*handshake(), *handshake_ipv6(), *closed_port()])
