# SPDX-License-Identifier: GPL-3.0-or-later
"""Every link type and every header between the link and IP: the same handshakes on each."""
from golden import case, decode_trouble
from hosts import ALICE, BOB, Connection, ip_packet, packet
from support import capture
from support.ip import fragment_header, hop_by_hop, ipv6, options_header, routing_header
from support.link import (arp, cisco_hdlc, ether, ieee8023, mpls, mpls_ethernet, null, ppp, pppoe, sll,
                          sll2, vlan)
from support.transport import tcp
from support.wifi import BETWEEN_POINTS, TO_STATION, radiotap, wifi_data


def handshakes(*wraps):
    """A handshake over each family; each wrap makes a frame of an IP packet, in turn for a port."""
    for number, wrap in enumerate(wraps):

        def frame(src, dst, segment, v6, wrap=wrap):
            return wrap(ip_packet(src, dst, segment, v6))

        for v6 in (False, True):
            connection = Connection(ALICE, BOB, 8080 + number, v6=v6, wrap=frame)
            yield connection.syn()
            yield connection.synack()


@case
def ethernet():
    """Ethernet II"""
    return handshakes(ether)


@case
def tagged():
    """802.1Q, a priority tag, two tags of either kind, three tags"""
    return handshakes(
        lambda ip: ether(vlan(100, ip)),
        lambda ip: ether(vlan(0, ip, priority=5)),
        lambda ip: ether(vlan(5, vlan(100, ip))),
        lambda ip: ether(vlan(5, vlan(100, ip), tpid=0x88A8)),
        lambda ip: ether(vlan(5, vlan(100, ip), tpid=0x9100)),
        lambda ip: ether(vlan(4, vlan(5, vlan(100, ip)), tpid=0x88A8)))


@case
def mpls_labels():
    """MPLS with one and three labels, and an Ethernet pseudo-wire"""
    return handshakes(
        lambda ip: ether(mpls([16], ip)),
        lambda ip: ether(mpls([16, 17, 18], ip)),
        lambda ip: ether(mpls([16], mpls_ethernet(ether(ip)))),
        lambda ip: ether(vlan(3, mpls([16], ip))))


@case
def pppoe_sessions():
    """PPPoE, tagged and not"""
    return handshakes(lambda ip: ether(pppoe(ip)), lambda ip: ether(vlan(7, pppoe(ip))))


@case(stderr=[decode_trouble(bad=1)])
def not_ip():
    """Spanning tree, discovery protocols, PPPoE discovery and a port test tell nothing here"""
    yield ieee8023(bytes.fromhex("424203") + bytes(35), "01:80:c2:00:00:00")
    yield ether(bytes(46), "01:80:c2:00:00:0e", ethertype=0x88CC)
    yield ether(bytes.fromhex("11090000000401010000"), ethertype=0x8863)
    yield ether(bytes(46), ethertype=0x9000)
    yield ether(bytes(46), ethertype=0x0800)


@case
def extension_headers():
    """IPv6 extension headers in front of TCP"""
    for port, extend in enumerate((hop_by_hop, routing_header, options_header, fragment_header), 1):
        yield packet(ALICE, BOB, extend(tcp(40000, port, "S")), v6=True)
    every = hop_by_hop(routing_header(fragment_header(options_header(tcp(40000, 99, "S")))))
    yield packet(ALICE, BOB, every, v6=True)


@case
def ipv6_fragments():
    """The first IPv6 fragment has the ports; the others tell nothing"""
    segment = tcp(40000, 8080, "S", b"x" * 4)
    yield packet(ALICE, BOB, fragment_header(segment, more=True), v6=True)
    yield packet(ALICE, BOB, fragment_header(tcp(40000, 8081, "S"), offset=24), v6=True)


@case
def lying_lengths():
    """IP total length 0 comes from offloading; a packet shorter than its header says is read"""
    offloaded = Connection(ALICE, BOB, 22, wrap=lambda src, dst, segment, v6: packet(
        src, dst, segment, total=0))
    yield from offloaded.open()
    yield offloaded.server_says(b"SSH-2.0-OpenSSH_9.2\r\n")
    yield packet(ALICE, BOB, tcp(40000, 8081, "S"), total=1000)
    yield ether(ipv6(ALICE.v6, BOB.v6, tcp(40000, 8082, "S"), length=1000))


@case(link=capture.RAW)
def raw():
    """Raw IP: the version tells the family"""
    return handshakes(bytes)


@case(link=12)
def raw_12():
    """Raw IP under its other number"""
    return handshakes(bytes)


@case(link=capture.IPV4)
def ipv4_only():
    """Link type IPv4"""
    return list(handshakes(bytes))[:2]


@case(link=capture.IPV6)
def ipv6_only():
    """Link type IPv6"""
    return list(handshakes(bytes))[2:]


@case(link=capture.NULL)
def null_family():
    """BSD null in both byte orders, with the IPv6 families of all systems"""
    yield from handshakes(null, lambda ip: null(ip, order=">"))
    for family, port in ((10, 10), (24, 24), (28, 28), (30, 30)):
        yield null(ip_packet(ALICE, BOB, tcp(40000, port, "S"), v6=True), family)


@case(link=capture.LOOP)
def loop_family():
    """OpenBSD loop: the family in network order"""
    return handshakes(lambda ip: null(ip, order=">"))


@case(link=capture.SLL)
def cooked():
    """Linux cooked v1, with a tag too; ARP"""
    yield from handshakes(sll, lambda ip: sll(vlan(100, ip), packet_type=4))
    yield sll(arp(2, "00:00:0c:01:02:03", "10.0.0.9"))


@case(link=capture.SLL2)
def cooked_2():
    """Linux cooked v2, with a tag too; ARP"""
    yield from handshakes(sll2, lambda ip: sll2(vlan(100, ip), packet_type=4))
    yield sll2(arp(2, "00:00:0c:01:02:03", "10.0.0.9"))


@case(link=capture.PPP)
def ppp_link():
    """PPP with and without HDLC address and control"""
    return handshakes(ppp, lambda ip: ppp(ip, hdlc=True))


@case(link=capture.PPP_HDLC)
def ppp_hdlc_link():
    """PPP in HDLC framing"""
    return handshakes(lambda ip: ppp(ip, hdlc=True))


@case(link=capture.CISCO_HDLC)
def cisco_hdlc_link():
    """Cisco's HDLC, and PPP under the same number"""
    return handshakes(cisco_hdlc, lambda ip: ppp(ip, hdlc=True))


@case(link=capture.PPP_ETHER)
def ppp_ether_link():
    """PPPoE without its Ethernet header"""
    return handshakes(pppoe)


@case(link=capture.RADIOTAP)
def wifi():
    """802.11 data behind radiotap: plain, with QoS, with a checksum, from, to and between points"""
    return handshakes(
        lambda ip: radiotap(wifi_data(ip)),
        lambda ip: radiotap(wifi_data(ip, is_qos=True), has_fcs=True),
        lambda ip: radiotap(wifi_data(ip, TO_STATION)),
        lambda ip: radiotap(wifi_data(ip, BETWEEN_POINTS, is_qos=True)))


@case(link=capture.WIFI)
def wifi_without_radio():
    """802.11 without radiotap"""
    return handshakes(wifi_data, lambda ip: wifi_data(ip, is_qos=True))


@case(link=147, stderr=[decode_trouble(unknown=4)])
def unknown_link():
    """A link type that passer does not know is counted, not guessed"""
    return handshakes(ether)
