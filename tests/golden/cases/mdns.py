# SPDX-License-Identifier: GPL-3.0-or-later
"""Multicast DNS: names, services and texts that hosts announce of themselves."""
from golden import case
from hosts import ALICE, ALL_MDNS, datagram
from support.dns import CACHE_FLUSH, IN, UNICAST_WANTED, dns, question, rr
from support.link import tagged


def sends(message, sport=5353, v6=False, hop_limit=255):
    limit = {"hop_limit" if v6 else "ttl": hop_limit}
    return datagram(ALICE, ALL_MDNS, sport, 5353, message, v6, **limit)


@case
def queries():
    """A multicast query names a client"""
    yield sends(dns([question("_http._tcp.local.", "PTR")]))
    yield sends(dns([question("_http._tcp.local.", "PTR", IN | UNICAST_WANTED)]), v6=True)


@case
def external_queries():
    """A query from beyond the link has another port and hop limit"""
    asked = dns([question("_http._tcp.local.", "PTR")])
    yield sends(asked, hop_limit=1)
    yield sends(asked, sport=40000, hop_limit=255)
    yield sends(asked, sport=40000, hop_limit=64)


@case
def announced_service():
    """What a printer says of itself"""
    service = "_ipp._tcp.local."
    name = ["Office, 2nd floor", "_ipp", "_tcp", "local"]
    yield sends(dns(
        answers=[rr(service, "PTR", name),
                 rr(name, "SRV", (0, 0, 631, "Printer.local."), dns_class=IN | CACHE_FLUSH),
                 rr(name, "TXT", ["txtvers=1", "ty=Laser,fast"], dns_class=IN | CACHE_FLUSH)],
        additional=[rr("Printer.local.", "A", "10.0.0.1", dns_class=IN | CACHE_FLUSH),
                    rr("Printer.local.", "AAAA", "fe80::1", dns_class=IN | CACHE_FLUSH),
                    rr("Printer.local.", "NSEC", b"\0\0\4\x40\0\0\x08")],
        flags=0x0400))


@case
def host_information():
    """HINFO and TXT keep the case of the owner; the name must end in lower-case .local."""
    yield sends(dns(answers=[
        rr("MacBook.local.", "HINFO", ["X86_64", "LINUX"]),
        rr("MacBook.local.", "TXT", [""]),
        rr("MacBook.LOCAL.", "TXT", ["not this"]),
        rr("MacBook.LOCAL.", "HINFO", ["not", "this"])]))


@case
def incomplete_host_information():
    """HINFO without its second string reports the first"""
    yield sends(dns(answers=[rr("old.local.", "HINFO", b"\3ARM")]))


@case
def presence():
    """A chat client's SRV and PTR"""
    name = "alice@host._presence._tcp.local."
    yield sends(dns(answers=[
        rr(name, "SRV", (0, 0, 5298, "host.local.")),
        rr("_workstation._tcp.local.", "PTR", "Host._workstation._tcp.local.")]))


@case
def reverse_name():
    """A reverse name by multicast is a reverse name"""
    yield sends(dns(answers=[
        rr("1.0.0.10.in-addr.arpa.", "PTR", "Host.local.", dns_class=IN | CACHE_FLUSH)]))


@case
def over_ipv6():
    """Facts about the sender carry its IPv6 address"""
    yield sends(dns(answers=[rr("_ssh._tcp.local.", "PTR", "host._ssh._tcp.local.")]), v6=True)


@case
def alias():
    """Names in .local have addresses for aliases, too"""
    yield sends(dns(answers=[rr("host.local.", "A", "10.0.0.1")]))
    yield sends(dns(answers=[rr("alias.local.", "CNAME", "host.local.")]))


def services(*names):
    return dns(answers=[rr("_services._dns-sd._udp.local.", "PTR", name) for name in names])


@case
def service_list():
    """What the services of a host tell of it: ports, kinds of hosts, or nothing"""
    yield sends(services("_airplay._tcp.local.", "_nfs._tcp.local.", "_tunnel._tcp.local."))
    yield sends(services("_workstation._tcp.local.", "_unheard-of._tcp.local."), v6=True)


@case
def service_names():
    """A service is known by its short names, too, and in any case of letters"""
    for number, name in enumerate(("_ftp.", "_ftp._tcp.", "_FTP._tcp.local.", "_ftp._udp.local.",
                                   "_ft.", "_ftpx.", ".", "_sub._ipp._tcp.local.")):
        host = ALICE._replace(v4=f"10.0.1.{number}")
        yield datagram(host, ALL_MDNS, 5353, 5353, services(name), ttl=255)


@case
def telling_instances():
    """Kerberos realms, kinds of devices and owners of a chat"""
    yield sends(dns(answers=[
        rr("_kerberos.Mac.local.", "PTR", "LKDC:SHA1.0123."),
        rr("_kerberos.Mac.local.", "PTR", "OTHER:SHA1."),
        rr("Big Mac._device-info._tcp.local.", "PTR", "Model.local."),
        rr("_presence._tcp.local.", "PTR", "Alice@Mac._presence._tcp.local."),
        rr("_presence._tcp.local.", "PTR", ".")]))


@case
def nonsense():
    """Not DNS: who sends it from nearby is a client all the same"""
    for number, (sport, dst, ttl) in enumerate((
            (40000, ALL_MDNS, 255), (40000, ALL_MDNS, 1), (40000, ALL_MDNS, 64), (40000, ALICE, 2),
            (5353, ALL_MDNS, 255))):
        host = ALICE._replace(v4=f"10.0.1.{number}", v6=f"2001:db8::1:{number}")
        yield datagram(host, dst, sport, 5353, b"nonsense", ttl=ttl)
        yield datagram(host, dst, sport, 5353, b"nonsense", v6=True, hop_limit=ttl)


@case
def in_vlan():
    """In a VLAN, over IPv4 and IPv6"""
    yield from map(tagged, [*announced_service(), *over_ipv6()])
