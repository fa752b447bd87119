# SPDX-License-Identifier: GPL-3.0-or-later
"""Suspicious and trusted hosts: closing lines, their files in ~/.passer, and packets that are kept."""
from golden import CAPTURE, case, decode_trouble
from hosts import ALICE, BOB, RESOLVER, packet
from support.capture import RAW, at, pcap
from support.ip import gre, ipv4
from support.layer import layer
from support.link import ether, ieee8023
from support.transport import echo_request, icmp, tcp

KEPT = ".passer/suspicious_ips.json"
ROOT_SERVER = RESOLVER._replace(v4="198.41.0.4")


def host(number):
    return ALICE._replace(v4=f"10.0.1.{number}", v6=f"2001:db8::{number:x}")


def ping(src, dst=BOB):
    """Warns of a scan."""
    return packet(src, dst, echo_request(b"abcdefgh"))


def reserved(src, dst=BOB):
    """An ICMP type that is noncompliant, and a scan."""
    return packet(src, dst, icmp(100))


def tunnel(src, dst=BOB, v6=False):
    return packet(src, dst, layer(bytes(40), ip_proto=50), v6=v6)


@case(options=["--timestamp"], leaves={KEPT: (
    b'{"10.0.1.10": ["scan", "noncompliant"], "10.0.1.9": ["noncompliant", "scan"], '
    b'"10.0.2.2": ["tunnel"], "2001:0db8:0000:0000:0000:0000:0000:0001": ["tunnel"]}')})
def closing_lines():
    """Each host once, in the order of the texts; words in that of their coming; the last time"""
    peer = BOB._replace(v4="10.0.2.2", v6="2001:db8::1")  # sends to itself: both ends are one
    yield reserved(host(9))
    yield ping(host(10))
    yield ping(host(10))
    yield reserved(host(10))
    yield ping(host(9))
    yield tunnel(peer, peer, v6=True)
    yield packet(peer, peer, layer(bytes(40), ip_proto=51))
    yield at(90.75, packet(BOB, ALICE, echo_request(is_reply=True)))


@case(home={"suspicious_ips.json": (
    b'{"2001:db8::1": ["scan"], "198.41.0.4": ["dos"], "10.0.1.1": ["dos", "scan"], "note": "mine", '
    b'"10.0.1.2": "small"}')},
      leaves={KEPT: (
          b'{"2001:0db8:0000:0000:0000:0000:0000:0001": ["scan", "tunnel"], '
          b'"10.0.1.1": ["dos", "scan", "noncompliant"], "note": "mine", '
          b'"10.0.1.2": ["small", "scan"], "10.0.0.2": ["tunnel"], '
          b'"2001:0db8:0000:0000:0000:0000:0000:0002": ["tunnel"]}')})
def merged():
    """What earlier runs found stays in its order; what is new comes behind it"""
    yield reserved(host(1))
    yield ping(host(2))
    yield tunnel(host(1), host(1)._replace(v6="2001:db8::2"), v6=True)
    yield tunnel(BOB)


@case(home={"suspicious_ips.json": b'["10.0.1.7", "10.0.1.1"]'},
      leaves={KEPT: b'{"10.0.1.7": [], "10.0.1.1": ["scan"]}'})
def earlier_array():
    """The file of suspicious hosts may be an array, too"""
    yield ping(host(1))


@case(home={"suspicious_ips.json": b""}, leaves={KEPT: b'{"10.0.1.1": ["scan"]}'})
def earlier_empty():
    """An empty file holds nothing, and is no trouble"""
    yield ping(host(1))


@case(status=1, home={"suspicious_ips.json": b'{"10.0.1.7": ["scan"],'},
      leaves={KEPT: b'{"10.0.1.7": ["scan"],'}, stderr=[
          r"passer: warning: .*/suspicious_ips\.json: is no JSON: line 1: .*; what earlier .*",
          r"passer: error: .*/suspicious_ips\.json: is no JSON: line 1: .*; .* are not kept"])
def earlier_broken():
    """A file that is no JSON is left alone, since somebody may mend it"""
    yield ping(host(1))


@case(status=1, options=["--suspicious-ips", "absent/hosts.json"], stderr=[
    r"passer: warning: absent/hosts\.json: user .* cannot replace it: .* cannot be kept; .*",
    r"passer: error: absent/hosts\.json\.lock: cannot be written: .*; .* are not kept"])
def unwritable():
    """The lines come even when the file cannot be written"""
    yield ping(host(1))


@case(options=["--suspicious-ips", "hosts.json"], leaves={
    "hosts.json": b'{"10.0.1.1": ["scan"]}', "hosts.json.lock": b""})
def named_file():
    """An option names the file"""
    yield ping(host(1))


@case
def nothing_suspicious():
    """Without suspicious hosts no file is made; a forged address is nobody's"""
    yield packet(BOB, ALICE, echo_request(is_reply=True))
    yield packet(ALICE, ALICE, tcp(80, 80, "S"))
    yield ping(ROOT_SERVER)


@case(home={"trusted_ips.json": b'["10.0.1.1", "2001:0db8:0:0::2", "10.0.3.0/24"]'})
def trusted_array():
    """Warnings of trusted hosts are printed, and that is all; networks may be trusted"""
    yield ping(host(1))
    yield ping(host(2))
    yield tunnel(BOB, host(2), v6=True)
    yield ping(ALICE._replace(v4="10.0.3.77"))
    yield ping(ROOT_SERVER)


@case(home={"trusted_ips.json": b'{"10.0.1.1": 1, "10.0.1.2": ["scan"]}'})
def trusted_object():
    """Of an object the keys count"""
    yield ping(host(1))
    yield ping(host(2))
    yield ping(host(3))


@case(home={"trusted_ips.json": b"[]"})
def trusted_empty():
    """Without trusted hosts in the file the root name servers are trusted"""
    yield ping(host(1))
    yield ping(ROOT_SERVER)


@case(home={"trusted_ips.json": b"10.0.1.1\n"}, stderr=[
    r"passer: warning: .*/\.passer/trusted_ips\.json: is no JSON: line 1: .*; the root name .*"])
def trusted_broken():
    """The same, with a line, when the file is no JSON"""
    yield ping(host(1))
    yield ping(ROOT_SERVER)


@case(home={"trusted_ips.json": b'["10.0.1.1", "10.0.1.999", 7, "host.example.com"]'}, stderr=[
    r'passer: warning: .*: 2 of its hosts are left out, the first: "10\.0\.1\.999" is not .*'])
def trusted_odd_words():
    """What is no address is left out of the trusted hosts"""
    yield ping(host(1))
    yield ping(host(2))


@case(options=["--trusted-ips", "absent.json"], stderr=[
    r"passer: warning: absent\.json: cannot be read: .*; the root name servers are trusted instead"])
def trusted_absent():
    """A named file that is absent deserves a line"""
    yield ping(ROOT_SERVER)


@case(options=["-u", "rest.pcap"], leaves={"rest.pcap": (2, 3, 5, 6, 8)},
      stderr=[decode_trouble(cut=1)])
def unhandled_packets():
    """Packets that no rule knows; once, as captured, also for the sake of one in a tunnel"""
    yield ieee8023(bytes.fromhex("424203") + bytes(35), "01:80:c2:00:00:00")
    yield packet(ALICE, BOB, tcp(40000, 80, "S"))
    yield packet(ALICE, BOB, icmp(4))
    yield ether(bytes(46), "01:80:c2:00:00:0e", ethertype=0x88CC)
    yield ping(ALICE)
    yield packet(ALICE, BOB, gre(ipv4("192.168.1.1", "192.168.1.2", icmp(4))))
    yield packet(ALICE, BOB, layer(bytes(8), ip_proto=2))
    yield packet(ALICE, BOB, tcp(40000, 12345, "PA", b"no rule knows this"))
    yield b"\2\0\0\0"


@case(options=["-s", "hosts.pcap"], home={"suspicious_ips.json": b'["10.0.1.7", "198.41.0.4"]'},
      leaves={"hosts.pcap": (1, 3, 4, 5, 7)})
def packets_of_suspects():
    """From the packet on that made a host suspicious, and of hosts from earlier runs; none trusted"""
    yield packet(host(1), BOB, tcp(40000, 80, "S"))
    yield ping(host(1))
    yield packet(BOB, ROOT_SERVER, tcp(40000, 80, "S"))
    yield packet(BOB, host(1), tcp(80, 40000, "SA"))
    yield packet(BOB, host(7), tcp(40000, 80, "S"))
    yield packet(ALICE, BOB, gre(ipv4("10.0.1.8", "10.0.1.9", tcp(40000, 80, "S"))))
    yield packet(host(8), host(9), tcp(40000, 80, "S"))
    yield packet(host(8), ALICE, tcp(40000, 80, "S"))


@case(options=["-s", "both.pcap", "-u", "both.pcap"], leaves={"both.pcap": (0, 1, 2)})
def one_file_for_both():
    """The same file for both takes each packet once"""
    yield ping(ALICE)
    yield packet(ALICE, BOB, icmp(4))
    yield packet(BOB, host(1), icmp(4))
    yield packet(BOB, host(1), tcp(40000, 80, "S"))


@case(options=["-u", "rest.pcap", "--dump-limit", "1"], leaves={"rest.pcap": tuple(range(691))},
      stderr=[
          r"passer: warning: rest\.pcap: has reached its limit of 1 MiB and takes no more frames;.*",
          r"passer: warning: rest\.pcap: 691 frames taken; .* 9 over the limit; lost: 0"])
def dump_limit():
    """A file of packets ends at its limit, and the analysis goes on"""
    for _ in range(700):
        yield ether(bytes(1486), ethertype=0x9000)
    yield packet(BOB, ALICE, echo_request(is_reply=True))


@case(options=["-u", "rest.pcap"], leaves={"rest.pcap": pcap(
    [ether(bytes(46), ethertype=0x9000)], is_nanoseconds=True)}, stderr=[
        r"passer: warning: rest\.pcap: is of the link type of its first frame, .* \.pcapng .*",
        r"passer: warning: rest\.pcap: 1 frames taken; left out: 1 of another link type, .*"])
def dump_of_two_links():
    """A pcap file has one link type"""
    return {CAPTURE: pcap([ether(bytes(46), ethertype=0x9000)]),
            "raw.pcap": pcap([ipv4("10.0.0.1", "10.0.0.2", icmp(4))], RAW)}


@case(status=1, options=["-u", CAPTURE], stderr=[
    r"passer: error: capture\.pcap: holds something else than little-endian pcap; name another file"])
def dump_into_something_else():
    """A file that is no capture is not written into"""
    return {CAPTURE: b"Dear diary,\n"}
