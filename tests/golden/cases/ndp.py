# SPDX-License-Identifier: GPL-3.0-or-later
"""IPv6 neighbour discovery: MA and RO records."""
from golden import case
from support.ip import hop_by_hop, ipv6
from support.link import ether, vlan
from support.transport import (dns_servers, neighbour_advertisement, neighbour_solicitation,
                               prefix_information, redirect, router_advertisement,
                               router_solicitation, source_mac, target_mac)

CISCO = "00:00:0c:01:02:03"
APPLE = "00:0a:27:01:02:03"
ALICE, BOB, ROUTER = "fe80::1", "fe80::2", "fe80::fe"


def nd(message, src=ALICE, dst=BOB, mac=CISCO, hop_limit=255):
    return ether(ipv6(src, dst, message, hop_limit=hop_limit), src=mac)


@case
def solicitation():
    """The source option tells the MAC address, without it the Ethernet source does"""
    yield nd(neighbour_solicitation(BOB, source_mac(APPLE)), mac=CISCO)
    yield nd(neighbour_solicitation(ALICE), src=BOB, mac=CISCO)


@case
def solicitation_not_believed():
    """Not from ::, not across a router, not with a code or an option of no length"""
    yield nd(neighbour_solicitation(ALICE), src="::", dst="ff02::1:ff00:1")
    yield nd(neighbour_solicitation(BOB, source_mac(APPLE)), hop_limit=64)
    yield nd(neighbour_solicitation(BOB, source_mac(APPLE), code=1))
    yield nd(neighbour_solicitation(BOB, source_mac(APPLE) + bytes(8)))


@case
def advertisement():
    """The Ethernet source of a neighbour advertisement; its target option is not used"""
    yield nd(neighbour_advertisement(ALICE, target_mac(APPLE)), mac=CISCO)
    yield nd(neighbour_advertisement(BOB), src=BOB, mac=CISCO, hop_limit=254)


@case
def router():
    """The source option of a router advertisement to all nodes"""
    options = prefix_information("2001:db8:1::", 64) + source_mac(CISCO)
    yield nd(router_solicitation(source_mac(APPLE)), dst="ff02::2", mac=APPLE)
    yield nd(router_advertisement(options), src=ROUTER, dst="ff02::1")
    yield nd(router_advertisement(), src=BOB, dst="ff02::1", mac=APPLE)
    yield nd(router_advertisement(), src="2001:db8::2", dst="ff02::1", mac=APPLE)  # RFC 4861 6.1.2


@case
def router_texts():
    """What a router advertises: its first prefix and its first list of DNS servers"""
    options = (prefix_information("2001:db8:1::", 64) + prefix_information("2001:db8:2::", 48)
               + dns_servers("2001:db8::53", "2001:4860:4860::8888") + dns_servers("::1"))
    yield nd(router_advertisement(options, hop_limit=0), src=ROUTER, dst="ff02::1")
    yield nd(router_advertisement(dns_servers("2001:db8::53")), src=ROUTER, dst="ff02::1")
    yield nd(router_advertisement(source_mac(CISCO)), src=BOB, dst=ALICE)  # to one node, RFC 4861 6.2.6


@case
def router_with_many_options():
    """All servers of the first list of DNS servers, and options behind many others"""
    prefixes = b"".join(prefix_information(f"2001:db8:{n}::", 64) for n in range(1, 21))
    servers = dns_servers(*(f"2001:db8::{n}" for n in range(1, 13)))
    yield nd(router_advertisement(prefixes + servers + source_mac(CISCO)), src=ROUTER, dst="ff02::1")


@case
def router_with_empty_option():
    """A list of DNS servers without any is none"""
    options = dns_servers() + dns_servers("2001:db8::53")
    yield nd(router_advertisement(options), src=ROUTER, dst="ff02::1")


@case
def router_flag():
    """A neighbour that says it is a router"""
    yield nd(neighbour_advertisement(ALICE, is_router=True))
    yield nd(neighbour_advertisement(BOB, is_router=True), src=BOB, hop_limit=64)


@case
def redirected():
    """A redirect names two routers; its target option belongs to the better one"""
    yield nd(redirect("fe80::99", "2001:db8:9::1", target_mac(APPLE)), src=ROUTER)
    yield nd(redirect("fe80::98", "2001:db8:9::1"), src=ROUTER)
    yield nd(redirect("fe80::97", "2001:db8:9::1", target_mac(APPLE)), src=ROUTER, hop_limit=63)


@case
def changed_mac():
    """A neighbour that changes its MAC address and changes it back is three lines"""
    for mac in (CISCO, CISCO, APPLE, CISCO):
        yield nd(neighbour_advertisement(ALICE), mac=mac)


@case
def in_vlan_and_behind_options():
    """Tags and hop-by-hop options are walked over"""
    message = neighbour_solicitation(BOB, source_mac(APPLE))
    yield ether(vlan(7, ipv6(ALICE, BOB, message, hop_limit=255)), src=APPLE)
    message = neighbour_solicitation(ALICE, source_mac(CISCO))
    yield ether(ipv6(BOB, ALICE, hop_by_hop(message), hop_limit=255), src=CISCO)
