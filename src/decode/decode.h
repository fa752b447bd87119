/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to decode/: one function per header. It reads its header from the cursor, writes what it
 * learned to the packet and returns the header that follows. A header that is incomplete or makes
 * no sense leaves a fault in the cursor; the packet keeps what the headers before it said.
 */
#pragma once

#include <passer/decode/pkt.h>

/* The most headers walked in one frame: every tag, label and extension header counts. */
#define DECODE_MAX_HEADERS 16

/* The most tunnels within one another. */
#define DECODE_MAX_TUNNELS 4

/* In the order of the layers, so that a walk can stop at one of them. */
enum header {
	HEADER_ETHERNET,
	HEADER_VLAN,
	HEADER_LLC,
	HEADER_SLL,
	HEADER_SLL2,
	HEADER_NULL,
	HEADER_LOOP,
	HEADER_PPP,
	HEADER_PPPOE,
	HEADER_MPLS,
	HEADER_RADIOTAP,
	HEADER_80211,
	HEADER_ARP,
	HEADER_RAW_IP,
	HEADER_IPV4,
	HEADER_IPV6,
	HEADER_IPV6_EXTENSION,
	HEADER_IPV6_FRAGMENT,
	HEADER_TCP, /* the first upper header */
	HEADER_UDP,
	HEADER_ICMP,
	HEADER_ICMP6,
	HEADER_END, /* nothing follows that we read */
};

enum ethertype {
	ETHERTYPE_FIRST = 0x0600, /* below it the field is a length (IEEE 802.3) */
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_MULTICAST = 0x8848,
	ETHERTYPE_PPPOE = 0x8864,
	ETHERTYPE_SERVICE_VLAN = 0x88a8,
	ETHERTYPE_OLD_QINQ = 0x9100,
};

enum ip_proto {
	IP_PROTO_HOP_BY_HOP = 0,
	IP_PROTO_ICMP = 1,
	IP_PROTO_IPIP = 4,
	IP_PROTO_TCP = 6,
	IP_PROTO_UDP = 17,
	IP_PROTO_IPV6 = 41,
	IP_PROTO_ROUTING = 43,
	IP_PROTO_FRAGMENT = 44,
	IP_PROTO_GRE = 47,
	IP_PROTO_ICMP6 = 58,
	IP_PROTO_DESTINATION = 60,
	IP_PROTO_MOBILITY = 135,
};

struct decode_state {
	struct cursor cur; /* at the next header; ends where the headers before it say */
	struct pkt *pkt;
	uint32_t lost_bytes; /* of the frame on the wire, behind the captured ones */
	bool is_inner;       /* inside another link layer: the ethertypes of the outer one stand */
};

bool is_vlan_type(uint16_t ethertype);

enum header decode_ethernet(struct decode_state *s);
enum header decode_vlan(struct decode_state *s);
enum header decode_llc(struct decode_state *s);
enum header decode_sll(struct decode_state *s);
enum header decode_sll2(struct decode_state *s);
enum header decode_null(struct decode_state *s);
enum header decode_loop(struct decode_state *s);
enum header decode_ppp(struct decode_state *s);
enum header decode_pppoe(struct decode_state *s);
enum header decode_mpls(struct decode_state *s);
enum header decode_arp(struct decode_state *s);

enum header decode_radiotap(struct decode_state *s);
enum header decode_80211(struct decode_state *s);

enum header decode_raw_ip(struct decode_state *s);
enum header decode_ipv4(struct decode_state *s);
enum header decode_ipv6(struct decode_state *s);
enum header decode_ipv6_extension(struct decode_state *s);
enum header decode_ipv6_fragment(struct decode_state *s);

enum header decode_tcp(struct decode_state *s);
enum header decode_udp(struct decode_state *s);
enum header decode_icmp(struct decode_state *s);
enum header decode_icmp6(struct decode_state *s);

/* The ports alone, from the start of a header that a quote may cut. */
void decode_quoted_tcp(struct decode_state *s);
void decode_quoted_udp(struct decode_state *s);

/*
 * What a packet carries as another packet: moves the cursor, which is at its payload, behind the
 * header of the tunnel. HEADER_END when it carries none.
 */
enum header decode_tunnel(const struct pkt *outer, struct cursor *c);
