#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the seeds of the fuzz targets: seeds.py FOLDER DEPFILE STAMP.

Each target gets FOLDER/seeds/<target> with inputs in its own form (the head of its C file says
which), made from the golden cases, the tables of src/signatures and the expressions of tests/bpf.
Targets of text also get FOLDER/words/<target>, a dictionary for libFuzzer.
"""
import collections
import pathlib
import re
import shutil
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/golden"))

import golden  # noqa: E402  the path comes first
from hosts import ALICE, BOB, packet  # noqa: E402
from support import capture  # noqa: E402
from support.ip import gre  # noqa: E402
from support.layer import layer  # noqa: E402
from support.transport import tcp, udp  # noqa: E402

SIGNATURES = ROOT / "src/signatures"
EXPRESSIONS = ROOT / "tests/bpf/expressions.h"
FRAMES_MAX = 24  # of one case
SEED_BYTES_MAX = 16384

UDP, TCP, ICMP, ICMP6 = 17, 6, 1, 58
DNS_PORTS = {53, 5353, 5355}

# In the order of enum link_type.
LINKS = {link: number for number, links in enumerate((
    (), (capture.ETHERNET,), (capture.RAW, capture.IPV4, capture.IPV6, 12), (capture.NULL,),
    (capture.LOOP,), (capture.SLL,), (capture.SLL2,),
    (capture.PPP, capture.PPP_HDLC, capture.PPP_ETHER), (capture.RADIOTAP,), (capture.WIFI,)))
    for link in links}

TABLES = {
    "addr_set": "hosts_*.tsv nets_*.tsv",
    "banners": "tcp_*.tsv",
    "dns_any": "dns_any.tsv",
    "mdns_services": "mdns.tsv",
    "p0f": "os.fp",
    "port_names": "policy_*.tsv sip_ports.tsv udp_*.tsv",
    "udp_rules": "udp.tsv",
}

# Instructions of classic BPF: code, jt, jf, k (the kernel's Documentation/networking/filter.rst).
PROGRAMS = (
    [(0x06, 0, 0, 262144)],
    [(0x28, 0, 0, 12), (0x15, 0, 1, 0x800), (0x06, 0, 0, 96), (0x06, 0, 0, 0)],
    [(0x30, 0, 0, 23), (0x15, 0, 6, 17), (0x28, 0, 0, 20), (0x45, 4, 0, 0x1FFF), (0xB1, 0, 0, 14),
     (0x48, 0, 0, 16), (0x15, 0, 1, 53), (0x06, 0, 0, 1), (0x06, 0, 0, 0)],
    [(0x00, 0, 0, 7), (0x02, 0, 0, 3), (0x61, 0, 0, 3), (0x0C, 0, 0, 0), (0x34, 0, 0, 3),
     (0x07, 0, 0, 0), (0x50, 0, 0, 2), (0x80, 0, 0, 0), (0x3C, 0, 0, 0), (0x6C, 0, 0, 0),
     (0x05, 0, 0, 0), (0x16, 0, 0, 0)],
)

TEXTS = {
    "addr": ("192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "fe80:0:0:0:0:0:0:1", "scan:tunnel"),
    "condition": ('prefix a"SSH-" & contains h"0d0a"\0SSH-2.0\r\n',
                  '(len>=4 & byte[2]=h"00 ff") or suffix one of {a"x", a"\\r\\n"}\0abx',
                  "any", "empty\0", "nonempty & len<=5\0abc", 'equals a"a" h"00"\0a\0'),
    "host_files": ('["192.0.2.1", "2001:db8::/32"]', '{"192.0.2.1": ["scan", "tunnel"]}', "{}", "[",
                   '{"192.0.2.1": 1, "x": [], "2001:db8::1": ["\\u00e9"]}'),
    "options": ("-r\na.pcap\n-l\nlog", "-i\neth0,eth1\n--fanout\ncpu", "--profile\nservers",
                "--records\nTS,DN", "--acks\n3\n--udp\nall", "--workers\n2\n--ring-mb\n8", "-r\na\nb",
                "-b\nport 53\n-u\nu.pcapng\n--dump-limit\n10", "--stats\nf\n--stats-interval\n5"),
    "oui": ("000A27 Apple\n00000C Cisco Systems\n\0\0\x0a\x27", "00:0A:27  Apple\n\0\0\x0a\x27",
            'Registry,Assignment,Organization Name,Organization Address\n'
            'MA-L,000A27,"Apple, Inc.",1 Infinite Loop\nMA-S,70B3D5001,x,y\n\0\0\x0a\x27'),
    "requests": ("\xffstats\n", "\x05profile servers\n", "\xffprofile records=TS,DN acks=3 udp=all\n",
                 "\xffwhat-if\n", "\xffreopen\n", "\x02profile\nstats\n", "\xffprofile acks=none x=1\n"),
    "text": ("\xffa,b\r\n\x01", "\x10caf\xc3\xa9\xe2\x82", "\x20\xed\xa0\x80 plain"),
}


WORD = re.compile(rb"[A-Za-z_][\w-]{1,24}|[^\w\s\0-\x1f\x7f-\xff]{1,3}")
WORDS_MAX = 300  # of a dictionary, the most frequent ones
OF_TEXT = {*TABLES, *TEXTS, "expression", "literal", "p0f_find", "service_probes"}


class Seeds:
    """The folders; a seed that is there already is not written again."""

    def __init__(self, folder):
        self.folder = folder / "seeds"
        self.words_folder = folder / "words"
        self.words = collections.defaultdict(collections.Counter)
        self.seen = set()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.words_folder.mkdir(exist_ok=True)

    def add(self, target, name, content):
        content = content if isinstance(content, bytes) else content.encode("latin-1")
        if len(content) > SEED_BYTES_MAX and target not in TABLES:
            content = content[:SEED_BYTES_MAX]
        if (target, content) not in self.seen:
            self.seen.add((target, content))
            path = self.folder / target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if target in OF_TEXT:
                self.words[target].update(WORD.findall(content))

    def write_words(self):
        for target, words in self.words.items():
            lines = ['"' + "".join(f"\\x{byte:02x}" for byte in word) + '"'
                     for word, _ in words.most_common(WORDS_MAX)]
            (self.words_folder / target).write_text("\n".join(lines) + "\n")


def ip_of(data, link):
    """Where IP begins on a link without anything special; None: not here."""
    at = {capture.ETHERNET: 14, capture.RAW: 0, capture.SLL: 16}.get(link)
    return data[at:] if at is not None and len(data) > at + 20 else None


def message_of(data, link):
    """(protocol, is it IPv6, source, what IP carries), or None."""
    ip = ip_of(data, link)
    if ip and ip[0] >> 4 == 4:
        return ip[9], 0, ip[12:16], ip[(ip[0] & 15) * 4 : int.from_bytes(ip[2:4], "big")]
    if ip and ip[0] >> 4 == 6 and len(ip) > 40:
        return ip[6], 1, ip[8:24], ip[40 : 40 + int.from_bytes(ip[4:6], "big")]
    return None


def envelope(message, first):
    """An element of the input of messages.c."""
    protocol, is_v6, source, carried = message
    carried = carried[:4] + carried[8:] if protocol == UDP else carried
    head = struct.pack(">BBH", protocol, is_v6 | 2 * (source != first), len(carried))
    return head + carried


def add_payload(seeds, name, message):
    """What a server or client says goes to the targets of its own."""
    protocol, _, _, carried = message
    if protocol == UDP:
        source, dest = struct.unpack_from(">HH", carried.ljust(8, b"\0"))
        payload = carried[8:]
        if DNS_PORTS & {source, dest}:
            seeds.add("dns_message", name, payload)
    elif protocol == TCP and len(carried) >= 20:
        payload = carried[(carried[12] >> 4) * 4 :]
    else:
        return
    if payload:
        kind = bytes([protocol == UDP])
        seeds.add("service_match", name, kind + carried[:2] + payload)
        seeds.add("text", name, b"\xff" + payload[:300])


def add_segment(seeds, name, message, systems):
    """A SYN or SYN/ACK, or the head of HTTP, to p0f."""
    protocol, is_v6, _, carried = message
    if protocol != TCP or len(carried) < 20:
        return
    at = (carried[12] >> 4) * 4
    is_syn = carried[13] & 2
    if is_syn or carried[at : at + 4] in (b"GET ", b"HEAD", b"HTTP"):
        side = int(carried[13] & 0x12 == 0x12 or carried[at : at + 4] == b"HTTP")
        head = struct.pack(">BBHIH", side | 2 * is_v6, 64,
                           int.from_bytes(carried[14:16], "big"), 1, 1460)
        rest = carried[20:at] if is_syn else carried[at:]
        seeds.add("p0f_find", name, systems + b"\0" + head + rest)


def add_frames(seeds, case, frames):
    systems = golden.SYSTEMS.read_bytes()
    link = LINKS.get(case.link, 0)
    records, messages, first = bytes([link]), b"", None
    for number, frame in enumerate(frames[:FRAMES_MAX]):
        name = f"{case.name}-{number}"
        records += struct.pack(">HH", len(frame.data), 1) + frame.data
        seeds.add("decode", name, bytes([link, 0, 0]) + frame.data)
        message = message_of(frame.data, case.link)
        if message:
            first = first or message[2]
            messages += envelope(message, first)
            add_payload(seeds, name, message)
            add_segment(seeds, name, message, systems)
            seeds.add("expression", name, b"tcp port 80 or vlan\0" + frame.data[:100])
    seeds.add("frames", case.name, records)
    if messages:
        seeds.add("messages", case.name, messages)


def add_case(seeds, case):
    frames = golden.frames_of(case)
    if frames is not None:
        add_frames(seeds, case, frames)
    for number, content in enumerate(golden.files_of(case).values()):
        if content and (frames is None or len(content) < 600):
            name = f"{case.name}-{number}"
            seeds.add("pcapfile", name, content)
            seeds.add("pipe", name, b"\x80" + content)
            seeds.add("pcapdump", name, content)
    for name, content in case.home.items():
        target = "geo" if name.endswith(".mmdb") else "host_files"
        seeds.add(target, f"{case.name}-{name}", content)
    seeds.add("options", case.name, "\n".join(case.options))


def tunnels():
    """A frame in every kind of tunnel that no golden case has."""
    inner = packet(BOB, ALICE, tcp(80, 4000, "SA"))
    overlays = {
        "vxlan": (4789, b"\x08\0\0\0\0\0\x01\0" + inner),
        "vxlan-of-linux": (8472, b"\x08\0\0\0\0\0\x01\0" + inner),
        "geneve": (6081, b"\x01\0\x65\x58\0\0\x01\0" + bytes(4) + inner),
        "geneve-ip": (6081, b"\0\0\x08\0\0\0\x01\0" + inner[14:]),
        "l2tp": (1701, b"\0\x02\0\x01\0\x01\xff\x03\0\x21" + inner[14:]),
        "l2tp-offset": (1701, b"\x4a\x02\0\x10\0\x01\0\x01" + bytes(4) + b"\0\x01x\x21" + inner[14:]),
    }
    for name, (port, payload) in overlays.items():
        yield name, packet(ALICE, BOB, udp(port, port, payload))
    yield "erspan-2", packet(ALICE, BOB, gre(layer(bytes(8) + inner), 0x88BE))
    yield "erspan-3", packet(ALICE, BOB, gre(layer(bytes(12) + inner), 0x22EB))
    yield "erspan-3-more", packet(ALICE, BOB, gre(layer(bytes(11) + b"\1" + bytes(8) + inner), 0x22EB))


def add_tunnels(seeds):
    ethernet = bytes([LINKS[capture.ETHERNET]])
    for name, frame in tunnels():
        seeds.add("decode", name, ethernet + bytes(2) + frame)
        seeds.add("frames", name, ethernet + struct.pack(">HH", len(frame), 1) + frame)


def add_tables(seeds):
    for target, patterns in TABLES.items():
        for path in (path for pattern in patterns.split() for path in SIGNATURES.glob(pattern)):
            text = path.read_bytes()
            seeds.add(target, path.name, text)
            lines = [line for line in text.split(b"\n") if line and not line.startswith(b"#")]
            if target != "p0f":  # and each row by itself, below the names of the columns
                for number, line in enumerate(lines[1:]):
                    seeds.add(target, f"{path.name}-{number}", lines[0] + b"\n" + line + b"\n")
    seeds.add("p0f", "golden", golden.SYSTEMS.read_bytes())


def add_patterns(seeds):
    files = (golden.PROBES, SIGNATURES / "service_probes.txt")
    for number, path in enumerate(files):
        text = path.read_bytes()
        seeds.add("service_probes", path.name, text + b"\0SSH-2.0-OpenSSH_9.2\r\n")
        for line, pattern in enumerate(re.findall(rb"^(?:soft)?match \S+ m(?:\|([^|]*)\||=([^=]*)=)",
                                                  text, re.MULTILINE)):
            seeds.add("literal", f"{number}-{line}", b"\0" + b"".join(pattern) + b"\0SSH-2.0\r\n")
    for number, pattern in enumerate((r"^a(b|c)d{2,}e?\0abdde", r"(?:ab|cd)+[^x]\x20\Qy*\E\0ababz y*",
                                      r"(?=abc)a(?i:B)c\0abc", r"^\d+ [\w.]+(?!x)$\01 a.b")):
        seeds.add("literal", f"own-{number}", b"\x03" + pattern.replace(r"\0", "\0").encode())


SPOTS = 64  # at most; see supervised.c
SPOT_BYTES = 128  # most of a spot with numbers of 8 bytes
NUMBERS = (b"\xff", b"\0\1\0\0", b"\1" + bytes(7), b"\0\x40" + bytes(6))  # too large, and just right


def add_shared(seeds):
    """Every spot of the shared memory with numbers of each kind, one by one and all of them."""
    for kind, numbers in enumerate(NUMBERS):
        writes = [bytes((spot, 0, 255)) + (numbers * 255)[:255] for spot in range(SPOTS)]
        seeds.add("shared", f"{kind}-all", b"".join(writes))
        for spot, write in enumerate(writes):
            seeds.add("shared", f"{kind}-{spot}", write)
    for spot in range(SPOTS):
        for at in range(0, SPOT_BYTES, 8):
            seeds.add("shared", f"at-{spot}-{at}", bytes((spot, at, 8)) + b"\xff" * 8)


def block(frames, number, bytes_of_block, is_ours=True):
    """A block of TPACKET_V3 (linux/if_packet.h: tpacket_block_desc, tpacket3_hdr, sockaddr_ll)."""
    head = struct.pack("=6IQ16x", 1, 0, is_ours, len(frames), 48, 0, number)
    packets = b""
    for at, frame in enumerate(frames):
        size = -(-(80 + len(frame)) // 16) * 16
        header = struct.pack("=6I2H2I2H8x", 0 if at + 1 == len(frames) else size, 1, 2, len(frame),
                             len(frame), 0x51, 80, 94, 0, 5, 0x8100, 0)
        header += struct.pack("=HHiHBB8x", 17, 0, 2, 1, 0, 0)
        packets += (header.ljust(80, b"\0") + frame).ljust(size, b"\0")
    return (head + packets).ljust(bytes_of_block, b"\0")


def add_blocks(seeds):
    frames = [packet(ALICE, BOB, udp(1, port, b"x" * port)) for port in range(1, 6)]
    for name, first, second in (("one", frames, []), ("two", frames[:2], frames[2:]), ("none", [], [])):
        for is_ours in (True, False):
            memory = block(first, 1, 1024) + block(second, 2, 1024, is_ours)
            seeds.add("blocks", f"{name}-{is_ours}", b"\2\1" + memory)


def add_others(seeds):
    for number, text in enumerate(re.findall(r'^\t"([^"]+)",$', EXPRESSIONS.read_text(), re.MULTILINE)):
        seeds.add("expression", f"own-{number}", text.replace("\\\\", "\\") + "\0" + "x" * 60)
    for number, program in enumerate(PROGRAMS):
        for has_tags in (0, 1):
            insns = b"".join(struct.pack("=HBBI", *insn) for insn in program)
            seeds.add("cbpf", f"{number}-{has_tags}", bytes([has_tags]) + insns)
    for target, texts in TEXTS.items():
        for number, text in enumerate(texts):
            seeds.add(target, f"own-{number}", text)


def sources():
    """What the seeds are made from; folders, too, for files that come."""
    loaded = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    ours = [path for path in sorted(filter(None, loaded)) if path.startswith(str(ROOT))]
    return [*ours, ROOT / "tests/golden/cases", *sorted(SIGNATURES.iterdir()), golden.PROBES,
            golden.SYSTEMS, EXPRESSIONS]


def main():
    folder, depfile, stamp = map(pathlib.Path, sys.argv[1:])
    seeds = Seeds(folder)
    for case in golden.all_cases():
        add_case(seeds, case)
    add_tunnels(seeds)
    add_tables(seeds)
    add_patterns(seeds)
    add_others(seeds)
    add_shared(seeds)
    add_blocks(seeds)
    seeds.write_words()
    depfile.write_text(f"{stamp}: {' '.join(map(str, sources()))}\n")
    stamp.write_text(f"{len(seeds.seen)} seeds\n")


if __name__ == "__main__":
    main()
