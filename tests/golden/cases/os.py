# SPDX-License-Identifier: GPL-3.0-or-later
"""Operating systems, links and HTTP programs by the signatures of tests/golden/p0f.fp and our own."""
from golden import case, decode_trouble
from hosts import ALICE, BOB, ROUTER, Connection, ip_packet, packet
from support.capture import at
from support.ip import fragment_header, gre, ipv4_fragments
from support.link import ether, tagged
from support.transport import tcp

MSS = bytes.fromhex("020405b4")
MSS_V6 = bytes.fromhex("020405a0")
SACK_OK = bytes.fromhex("0402")
TIMESTAMP = bytes.fromhex("080a0000000100000000")
ANSWERED_TIMESTAMP = bytes.fromhex("080a0000000200000001")
NOP = b"\x01"

RESERVED = 0x8000


def scale(shift):
    return bytes((3, 3, shift))


def mss(value):
    return bytes((2, 4, value >> 8, value & 0xFF))


def linux(shift, own_mss=MSS):
    return own_mss + SACK_OK + TIMESTAMP + NOP + scale(shift)


def syn(options, window, src=ALICE, dst=BOB, flags="S", v6=False, **ip_fields):
    """A SYN on Ethernet, or with "SA" a SYN/ACK."""
    sport, dport = (80, 40000) if "A" in flags else (40000, 80)
    segment = tcp(sport, dport, flags, ack=int("A" in flags), options=options, window=window)
    return packet(src, dst, segment, v6, **ip_fields)


@case
def match_order():
    """Exact goes before generic, generic before rough; a comma in a label becomes a semicolon"""
    yield syn(linux(2), 4 * 1460)
    yield syn(linux(3), 4 * 1460, src=BOB, dst=ALICE)
    yield syn(linux(2), 4 * 1460, src=ROUTER, flags="SEC")


@case
def distances():
    """Hops from the initial TTL, one line for each; out of range the next common one, when near"""
    for ttl in (64, 63, 62, 63, 29, 28, 120, 178, 1):
        yield syn(linux(2), 4 * 1460, ttl=ttl)


@case
def every_field():
    """Reserved bit, urgent pointer, sequence 0, odd options and payload, where asked for; else none"""
    options = mss(1452) + NOP + NOP + bytes((30, 2, 0, 0))
    for host, window, seq, urgent, ip_flags in (
            (ALICE, 3000, 0, 9, RESERVED), (BOB, 3001, 0, 9, RESERVED), (BOB, 3000, 1, 9, RESERVED),
            (BOB, 3000, 0, 0, RESERVED), (BOB, 3000, 0, 9, 0)):
        segment = tcp(40000, 80, "S", b"data", options=options, window=window, seq=seq,
                      urgent=urgent)
        yield packet(host, ROUTER, segment, ttl=250, ident=7, flags=ip_flags)


@case
def program():
    """A program that scans has no distance, since its TTLs are random; nor a link"""
    for ttl in (64, 51, 40, 65):
        yield packet(ALICE, BOB, tcp(40000, 80, "S", options=mss(1452) + NOP + NOP, window=1024),
                     ttl=ttl, ident=0, flags=0, options=bytes((1, 1, 1, 0)))


@case
def links():
    """The MTU by the MSS, when it is not Ethernet's and is known; none without an MSS"""
    for host, value in ((ALICE, 1452), (BOB, 1460), (ROUTER, 1400)):
        yield syn(mss(value), 1000, src=host, dst=BOB)
    yield syn(mss(1432), 1000, v6=True)
    yield syn(b"", 1000)


@case
def response():
    """SYN/ACKs have signatures of their own; some windows follow the client's MSS"""
    yield syn(mss(1234), 1000)
    yield syn(MSS + NOP + scale(4), 3 * 1234, src=BOB, dst=ALICE, flags="SA", ident=0)
    yield syn(MSS + NOP + scale(4), 3 * 1235, src=BOB, dst=ALICE, flags="SA", ident=0)


@case
def over_ipv6():
    """Flow label and ECN; DF and identification mean nothing there, and 4 is not 6"""
    options = MSS_V6 + scale(1) + NOP
    yield syn(options, 3000, v6=True, hop_limit=254, flow=5, flags="SE")
    yield syn(options, 3000, src=BOB, v6=True, hop_limit=254, flags="SE")
    yield syn(linux(2, MSS_V6), 4 * 1440, src=ROUTER, v6=True, hop_limit=60)


@case
def current_systems():
    """Rows of our own: Linux, Windows 10 and 11, macOS and iOS"""
    apple = NOP + scale(6) + NOP + NOP + TIMESTAMP + SACK_OK + b"\0\0"
    windows = NOP + scale(8) + NOP + NOP + SACK_OK
    yield syn(linux(7), 44 * 1460)
    yield syn(linux(10, mss(1400)), 46 * 1400)
    yield syn(linux(7, MSS_V6), 45 * 1440, v6=True, flow=77)
    yield syn(linux(9), 65535, src=ROUTER)
    yield syn(MSS + SACK_OK + ANSWERED_TIMESTAMP + NOP + scale(7), 45 * 1448, src=BOB, dst=ALICE,
              flags="SA", ident=0)
    yield syn(MSS_V6 + SACK_OK + ANSWERED_TIMESTAMP + NOP + scale(7), 45 * 1428, src=BOB, dst=ALICE,
              flags="SA", v6=True, flow=78)
    yield syn(MSS + windows, 64240, ttl=127)
    yield syn(MSS + windows, 65535, ttl=126)
    yield syn(MSS + apple, 65535, flags="SEC", ident=0)
    yield syn(MSS + apple, 65535, ident=0, ttl=63)


@case(stderr=[decode_trouble(cut=2)])
def not_whole():
    """Fragments, options that were not captured and options of a wrong length tell nothing"""
    segment = tcp(40000, 80, "S", options=linux(2), window=4 * 1460)
    yield from (ether(piece, BOB.mac, ALICE.mac)
                for piece in ipv4_fragments(ALICE.v4, BOB.v4, segment, 32))
    yield ether(ip_packet(ALICE, BOB, fragment_header(segment, more=True), v6=True), BOB.mac,
                ALICE.mac)
    yield at(1, syn(linux(2), 4 * 1460), cut=14 + 20 + 20 + 12)
    yield syn(linux(2, b"\x02\x03\x05\xb4"), 4 * 1460)


@case
def inside_a_tunnel():
    """The TTL is that of the packet inside"""
    inner = ip_packet(ALICE, BOB, tcp(40000, 80, "S", options=linux(2), window=4 * 1460), ttl=62)
    yield packet(ROUTER, BOB, gre(inner), ttl=10)


@case
def http():
    """Programs by the order of their headers; the system that an honest User-Agent names"""
    connection = Connection(ALICE, BOB, 8080)
    yield from connection.open()
    yield connection.client_says(b"GET / HTTP/1.1\r\nHost: bob\r\nUser-Agent: Fox/2 (Linux)\r\n"
                                 b"X-Other: 1\r\nConnection: keep-alive\r\n\r\n")
    yield connection.server_says(b"HTTP/1.1 200 OK\r\nServer: Serve/1.2\r\nDate: today\r\n\r\nbody")
    yield connection.client_says(b"HEAD /a HTTP/1.1\r\nHost: bob\r\nUser-Agent: Wolf (Windows)\r\n"
                                 b"Accept: */*\r\nConnection: keep-alive\r\n\r\n")
    yield connection.server_says(b"HTTP/1.1 200 OK\r\nServer: Other\r\nDate: today\r\n\r\n")
    other = Connection(BOB, ALICE, 80, v6=True)
    yield from other.open()
    yield other.client_says(b"GET /update HTTP/1.0\r\nHost: alice\r\n\r\n")


@case
def http_none():
    """Other orders, other methods and heads without an end are nobody's"""
    connection = Connection(ALICE, BOB, 8080)
    yield from connection.open()
    for request in (b"GET / HTTP/1.1\r\nUser-Agent: Fox/2\r\nHost: bob\r\nConnection: keep-alive\r\n\r\n",
                    b"POST / HTTP/1.0\r\nHost: bob\r\n\r\n",
                    b"GET / HTTP/1.0\r\nHost: bob\r\n"):
        yield connection.client_says(request)


@case
def in_vlan():
    """In a VLAN, over IPv4 and IPv6"""
    yield from map(tagged, [*links(), *over_ipv6()])
