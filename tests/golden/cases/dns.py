# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS over UDP port 53: servers, clients and names."""
from golden import case
from hosts import ALICE, RESOLVER, datagram
from support.dns import CHAOS, dns, question, rr
from support.link import tagged


def asks(message, sport=4000, **fields):
    return datagram(ALICE, RESOLVER, sport, 53, message, **fields)


def answers(message, dport=4000, **fields):
    return datagram(RESOLVER, ALICE, 53, dport, message, **fields)


def answer(*records, **fields):
    return answers(dns(answers=records, **fields))


@case
def query_and_answer():
    """A question names the client, an answer the server and the address"""
    asked = [question("WWW.Example.com.")]
    yield asks(dns(asked))
    yield answers(dns(asked, [rr("WWW.Example.com.", "A", "192.0.2.1")]))
    yield answers(dns(asked, [rr("www.example.COM.", "A", "192.0.2.1")]))  # known


@case
def over_ipv6():
    """The same over IPv6, with an IPv6 address"""
    asked = [question("www.example.com.", "AAAA")]
    yield asks(dns(asked), v6=True)
    yield answers(dns(asked, [rr("www.example.com.", "AAAA", "2001:db8::80")]), v6=True)


@case
def direction():
    """Who answers from another port, or asks another port, is neither server nor client"""
    found = [rr("www.example.com.", "A", "192.0.2.1")]
    yield asks(dns(answers=found))
    yield answers(dns([question("www.example.com.")]))
    yield asks(dns([question("www.example.com.")]), sport=53)


@case
def other_rcodes():
    """A server that has no answer is a server; its records are not believed"""
    found = [rr("www.example.com.", "A", "192.0.2.1")]
    for number, rcode in enumerate((1, 2, 3, 4, 5, 9), 1):
        server = RESOLVER._replace(v4=f"10.0.3.{number}")
        yield datagram(server, ALICE, 53, 4000, dns(answers=found, rcode=rcode))


@case(options=["--nxdomain"])
def nxdomain():
    """With --nxdomain the names that do not exist"""
    for kind in ("A", "AAAA", "NS", "PTR", "MX", "TXT"):
        asked = [question(f"No-{kind}.example.com.", kind)]
        yield answers(dns(asked, is_response=True, rcode=3))
    two = [question("one.example.com."), question("two.example.com.")]
    yield answers(dns(two, is_response=True, rcode=3))
    yield answers(dns([question("chaos.example.com.", "A", CHAOS)], is_response=True, rcode=3))


@case
def all_sections():
    """Records behind others that tell nothing, in every section"""
    yield answers(dns(
        [question("example.com.", "MX")],
        [rr("example.com.", "MX", (10, "mail.example.com.")),
         rr("example.com.", "SOA", ("ns.example.com.", "admin.example.com.", 1, 2, 3, 4, 5)),
         rr("sip.example.com.", "SRV", (0, 0, 5060, "mail.example.com.")),
         rr("a.example.com.", "A", "192.0.2.1")],
        [rr("example.com.", "NS", "ns.example.com."), rr("example.com.", "RRSIG", bytes(20))],
        [rr(".", "OPT", b"", dns_class=1232), rr("mail.example.com.", "A", "192.0.2.25"),
         rr("example.com.", "HTTPS", b"\0\1\0"), rr("ns.example.com.", "A", "192.0.2.53")]))


@case
def aliases():
    """An alias has the addresses of its target; links of a chain are taken from the last"""
    yield answer(
        rr("Alias.example.com.", "CNAME", "Host.example.com."),
        rr("host.example.com.", "A", "192.0.2.1"),
        rr("host.example.com.", "AAAA", "2001:db8::80"))
    yield answer(
        rr("www.example.org.", "CNAME", "cdn.example.org."),
        rr("cdn.example.org.", "CNAME", "edge.example.org."),
        rr("edge.example.org.", "A", "192.0.2.9"))


@case
def alias_of_earlier_name():
    """Addresses are remembered from message to message, from reverse names too; not backwards"""
    yield answer(rr("early.example.com.", "CNAME", "host.example.com."))
    yield answer(rr("host.example.com.", "A", "192.0.2.1"))
    yield answer(rr("7.2.0.192.in-addr.arpa.", "PTR", "other.example.com."))
    yield answer(rr("late.example.com.", "CNAME", "HOST.example.com."))
    yield answer(rr("too.example.com.", "CNAME", "other.example.com."))


@case
def reverse_names():
    """PTR names an address of either family"""
    nibbles = "1." + "0." * 23 + "8.B.d.0.1.0.0.2.ip6.arpa."
    yield answer(
        rr("1.2.0.192.in-addr.arpa.", "PTR", "Host.example.com."),
        rr("2.2.0.192.IN-ADDR.ARPA.", "PTR", "two.example.com."),
        rr(nibbles, "PTR", "Six.example.com."))


@case
def reverse_names_of_nothing():
    """Partial, classless and impossible reverse names, and the root, tell nothing"""
    for owner in ("2.0.192.in-addr.arpa.", "1.0/25.2.0.192.in-addr.arpa.",
                  "256.2.0.192.in-addr.arpa.", "1.2.3.4.5.in-addr.arpa.", "0.0.ip6.arpa.",
                  "host.example.com."):
        yield answer(rr(owner, "PTR", "name.example.com."))
    yield answer(rr("1.2.0.192.in-addr.arpa.", "PTR", "."))


@case
def responsible_person():
    """RP names the person who is responsible for a name"""
    yield answer(rr("Host.example.com.", "RP", ("Admin.example.com.", "txt.example.com.")))


@case
def texts_of_the_world():
    """TXT, HINFO and SRV of names outside .local tell nothing"""
    yield answer(
        rr("example.com.", "TXT", ["v=spf1 -all"]),
        rr("host.example.com.", "HINFO", ["PC", "Linux"]),
        rr("_sip._udp.example.com.", "SRV", (0, 0, 5060, "host.example.com.")))


@case
def chaos():
    """A server's version, and who asked for it"""
    yield answer(rr("Version.BIND.", "TXT", ["9.18.16-1,Debian"], dns_class=CHAOS))
    yield answer(rr("hostname.bind.", "TXT", ["ns1", "b"], dns_class=CHAOS))
    yield answer(rr("authors.bind.", "TXT", ["nobody"], dns_class=CHAOS))
    yield answer(rr("version.bind.", "TXT", [""], dns_class=CHAOS))  # it is kept secret
    yield answer(rr("version.bind.", "NS", "version.bind.", dns_class=CHAOS))


@case
def other_classes():
    """Only class IN gives addresses"""
    for dns_class in (0, 2, 4, 254, 255):
        yield answer(rr("www.example.com.", "A", "192.0.2.1", dns_class=dns_class))


@case
def odd_names():
    """What would break a line is taken out of names"""
    yield answer(
        rr([b"a,b", "example", "com"], "A", "192.0.2.1"),
        rr([b"li\r\nne", "example", "com"], "A", "192.0.2.2"),
        rr([b"be\x07ll", "example", "com"], "A", "192.0.2.3"),
        rr([b"by\xffte", "example", "com"], "A", "192.0.2.4"),
        rr(["a.dot", "example", "com"], "A", "192.0.2.5"),
        rr("1.2.0.192.in-addr.arpa.", "PTR", [b"x,\n,y", "example", "com"]))


@case
def bad_addresses():
    """Data of the wrong length is no address"""
    yield answer(
        rr("www.example.com.", "A", b"\1\2\3"),
        rr("www.example.com.", "A", b"\1\2\3\4\5"),
        rr("www.example.com.", "AAAA", bytes(15)))


@case
def compression_loop():
    """What stands before a name that loops or points forward is reported"""
    first = rr("www.example.com.", "A", "192.0.2.1")
    after = rr("after.example.com.", "A", "192.0.2.3")
    here = len(dns(answers=[first]))
    for target in (here, here + 2, here + 20):
        loop = bytes((0xC0 | target >> 8, target & 0xFF))
        yield answer(first, rr(loop, "A", "192.0.2.2"), after)
    ring = b"\1a" + bytes((0xC0, here))  # a label, then back to it
    yield answer(first, rr(ring, "A", "192.0.2.2"), after)


@case
def many_pointers():
    """A long chain of pointers ends, quickly"""
    targets = [23, *range(24, 1000, 2)]  # the root name at 23, then each the pointer before it
    pointers = b"".join(bytes((0xC0 | at >> 8, at & 0xFF)) for at in targets)
    yield answer(
        rr(".", "TXT", b"\0" + pointers),
        rr(pointers[-2:], "A", "192.0.2.2"))


@case
def torn_messages():
    """Whole records before the tear are reported; fewer than twelve bytes are no message"""
    whole = dns([question("www.example.com.")], [
        rr("www.example.com.", "A", "192.0.2.1"), rr("www.example.com.", "A", "192.0.2.2")])
    yield answers(whole[:-3])
    yield asks(dns([question("www.example.com.")])[:11])
    yield asks(dns([question("www.example.com.")])[:-1])  # asked, whatever it was


@case
def torn_early():
    """A message that is torn in its first question or record still has a sender, by its header"""
    asked = [question("www.example.com.")]
    whole = dns(asked, [rr("www.example.com.", "A", "192.0.2.1")])
    for last, message in enumerate((
            whole[:-1], whole[: len(dns(asked)) + 5], whole[:20], whole[:12], whole[:11],
            whole[:2] + b"\x80\x40" + whole[4:20], whole[:4] + b"\0\2" + whole[6:20],
            whole[:4] + b"\0\2" + whole[6:]), 1):  # one of two questions is there
        server = RESOLVER._replace(v4=f"10.0.4.{last}")
        yield datagram(server, ALICE, 53, 4000, message)


@case
def empty_and_trailing():
    """A bare header is a message; bytes behind the last record do not matter"""
    yield asks(dns() + b"trailing")
    yield answers(dns(answers=[rr("www.example.com.", "A", "192.0.2.1")]) + b"trailing")
    yield datagram(RESOLVER._replace(v4="10.0.0.54"), ALICE, 53, 4000, dns(is_response=True))


@case
def amplified():
    """Questions for names with long answers, by name and type"""
    for number, questions in enumerate((
            [question("isc.org.", "ANY")], [question("access-board.gov.", "ANY")],
            [question("067.cz.", "A")], [question("067.cz.", "AAAA")], [question("ORG.", "DNSKEY")],
            [question("rose-hulman.edu.", "RRSIG")], [question("www.xpaypalobjects.com.", "ANY")],
            [question("example.com.", "ANY")], [question("host.local.", "ANY")],
            [question("access-board.gov.", "ANY", CHAOS)],
            [question("access-board.gov.", "A")])):
        client = ALICE._replace(v4=f"10.0.1.{number}")
        yield datagram(client, RESOLVER, 4000, 53, dns(questions))


@case
def amplified_names():
    """All names that are asked with ANY, each once"""
    yield asks(dns([question("Example.com.", "ANY"), question("access-board.gov.", "ANY"),
                    question("example.COM.", "ANY"), question("a,b.example.", "ANY"),
                    question("www.example.com.", "A")]))
    yield asks(dns([question("067.cz.", "A")]), v6=True)


@case
def in_vlan():
    """In a VLAN, over IPv4 and IPv6"""
    yield from map(tagged, [*query_and_answer(), *over_ipv6()])
