/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The class of a frame, as bpf/passer_filter.bpf.c gives it. The filter has limits of its own (in
 * tags, labels, extension headers and tunnels), reads no more of a header than it needs, and does
 * not mind where the length of an IP packet ends, so that a frame is walked again here, from all
 * captured bytes, unless decoding has found an upper header where the filter does, too. Links that
 * no filter sees, which come from files only, are classed by the header behind their own.
 */
#include "decode.h"

#define LINK_HEADERS_MAX 8 /* tags, labels and Ethernet headers before an IP header */
#define EXTENSIONS_MAX   6

#define MAC_ADDRESSES_BYTES 12
#define LABEL_BOTTOM        0x100
#define CONTROL_BYTES       4 /* the pseudo-wire control word */

#define IPV4_BYTES      20
#define IPV4_OFFSET     0x1fff
#define IPV6_BYTES      40
#define IPV6_OFFSET     0xfff8
#define EXTENSION_BYTES 8
#define TCP_BYTES       20
#define UDP_BYTES       8

#define GRE_CHECKSUM   0x8000
#define GRE_ROUTING    0x4000
#define GRE_KEY        0x2000
#define GRE_SEQUENCE   0x1000
#define GRE_VERSION    0x0007
#define ERSPAN_3_MORE  0x01
#define VXLAN_HAS_VNI  0x08
#define GENEVE_OPTIONS 0x3f

#define TCP_CONTROL (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK)

/* Ethertypes that only tunnels name, and what is told beside ethertypes. */
enum {
	TYPE_802_2 = 0x0004, /* the kernel's number for frames of the kind */
	ETHERTYPE_ERSPAN_3 = 0x22eb,
	ETHERTYPE_ETHERNET = 0x6558,
	ETHERTYPE_ERSPAN_2 = 0x88be,
	NEXT_ETHERNET = 0x10000, /* an Ethernet header */
	NEXT_IP = 0x10001,       /* an IP header, whose version it tells itself */
	NEXT_UNKNOWN = 0x10002,
	NEXT_CUT = 0x10003, /* a header that breaks off, or makes no sense */
};

/* No class: the packet is a tunnel, and the one inside it has not been read yet. */
#define CLASS_OF_INNER FRAME_CLASS_COUNT

static const char *const names[FRAME_CLASS_COUNT] = {
#define X(id, name) [FRAME_CLASS_##id] = name,
	FRAME_CLASSES(X)
#undef X
};

/* A packet whose headers are being walked. */
struct walk {
	struct cursor cur;   /* at the next header; ends with the captured bytes */
	uint32_t next;       /* an ethertype, or NEXT_ */
	uint32_t lost_bytes; /* of the frame on the wire, behind the captured ones */
	bool is_v6;
	uint8_t proto;
	uint32_t len; /* of the upper header and its payload, by the IP header */
};

/* ---- Link headers ---- */

static uint32_t next_of_header(const struct decode_state *s, enum header header)
{
	if (s->pkt->ethertype != 0) {
		return s->pkt->ethertype;
	}
	switch (header) {
	case HEADER_IPV4:
		return ETHERTYPE_IPV4;
	case HEADER_IPV6:
		return ETHERTYPE_IPV6;
	case HEADER_MPLS:
		return ETHERTYPE_MPLS;
	case HEADER_PPPOE:
		return ETHERTYPE_PPPOE;
	default:
		return cur_ok(&s->cur) ? NEXT_UNKNOWN : NEXT_CUT;
	}
}

/* Links of files, whose own header the filter never sees. */
static void read_file_link(struct walk *w, const struct frame *frame)
{
	struct pkt scratch = {.frame = frame};
	struct decode_state s = {.cur = w->cur, .pkt = &scratch};
	enum header header = HEADER_END;

	switch (frame->link) {
	case LINK_NULL:
		header = decode_null(&s);
		break;
	case LINK_LOOP:
		header = decode_loop(&s);
		break;
	case LINK_PPP:
		header = decode_ppp(&s);
		break;
	case LINK_SLL:
		header = decode_sll(&s);
		break;
	case LINK_SLL2:
		header = decode_sll2(&s);
		break;
	default:
		break;
	}
	w->cur = s.cur;
	w->next = next_of_header(&s, header);
}

/* The first nibble tells; 0 is that of a control word, behind which an Ethernet frame comes. */
static uint32_t next_below_labels(struct cursor *c)
{
	struct cursor peek = *c;
	uint8_t version = cur_u8(&peek) >> 4;

	if (!cur_ok(&peek)) {
		return NEXT_CUT;
	}
	switch (version) {
	case 4:
		return ETHERTYPE_IPV4;
	case 6:
		return ETHERTYPE_IPV6;
	case 0:
		cur_skip(c, CONTROL_BYTES);
		return NEXT_ETHERNET;
	default:
		return NEXT_UNKNOWN;
	}
}

static void read_label(struct walk *w)
{
	uint32_t label = cur_be32(&w->cur);

	if (cur_ok(&w->cur) && (label & LABEL_BOTTOM) != 0) {
		w->next = next_below_labels(&w->cur);
	}
}

static void read_raw_ip(struct walk *w)
{
	struct cursor peek = w->cur;

	switch (cur_u8(&peek) >> 4) {
	case 4:
		w->next = ETHERTYPE_IPV4;
		break;
	case 6:
		w->next = ETHERTYPE_IPV6;
		break;
	default:
		w->next = NEXT_CUT;
	}
}

static bool is_link_header(uint32_t next)
{
	return next == NEXT_ETHERNET || next == NEXT_IP || next == ETHERTYPE_MPLS ||
	       next == ETHERTYPE_MPLS_MULTICAST ||
	       (next < NEXT_ETHERNET && is_vlan_type((uint16_t)next));
}

static void read_link_header(struct walk *w)
{
	switch (w->next) {
	case NEXT_ETHERNET:
		cur_skip(&w->cur, MAC_ADDRESSES_BYTES);
		w->next = cur_be16(&w->cur);
		break;
	case NEXT_IP:
		read_raw_ip(w);
		break;
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTICAST:
		read_label(w);
		break;
	default:
		cur_skip(&w->cur, 2); /* priority and VLAN number */
		w->next = cur_be16(&w->cur);
	}
}

static void read_first(struct walk *w, const struct frame *frame)
{
	switch (frame->link) {
	case LINK_ETHERNET: /* the filter begins behind it */
		w->next = NEXT_ETHERNET;
		read_link_header(w);
		break;
	case LINK_RAW_IP:
		w->next = NEXT_IP;
		break;
	case LINK_RADIOTAP:
	case LINK_80211:
		w->next = TYPE_802_2;
		break;
	default:
		read_file_link(w, frame);
	}
}

/* Up to what is no link header; too many of them are nonsense to the filter. */
static void read_link(struct walk *w)
{
	for (int i = 0; i < LINK_HEADERS_MAX && is_link_header(w->next); i++) {
		read_link_header(w);
	}
	if (!cur_ok(&w->cur) || is_link_header(w->next)) {
		w->next = NEXT_CUT;
	}
}

static enum frame_class class_of_next(uint32_t next)
{
	switch (next) {
	case ETHERTYPE_ARP:
		return FRAME_CLASS_ARP;
	case ETHERTYPE_PPPOE:
		return FRAME_CLASS_LLC;
	case NEXT_CUT:
		return FRAME_CLASS_SHORT;
	default:
		return next < ETHERTYPE_FIRST ? FRAME_CLASS_LLC : FRAME_CLASS_L2_OTHER;
	}
}

/* ---- IP ---- */

/* Without a sensible length, all of the frame belongs to the packet. */
static void set_len(struct walk *w, bool has_len, size_t len)
{
	w->len = (uint32_t)(has_len ? len : cur_left(&w->cur) + w->lost_bytes);
}

/* Of a packet whose upper header can be read; else its class. */
#define CLASS_OF_UPPER FRAME_CLASS_COUNT

static enum frame_class read_ipv4(struct walk *w)
{
	struct cursor h = cur_sub(&w->cur, IPV4_BYTES);
	uint8_t version = cur_u8(&h);

	cur_skip(&h, 1); /* service */
	uint16_t total = cur_be16(&h);

	cur_skip(&h, 2); /* identification */
	uint16_t fragment = cur_be16(&h);

	cur_skip(&h, 1); /* TTL */
	w->proto = cur_u8(&h);
	w->is_v6 = false;
	size_t header = (version & 15u) * 4;

	if (!cur_ok(&h) || version >> 4 != 4 || header < IPV4_BYTES) {
		return FRAME_CLASS_SHORT;
	}
	if ((fragment & IPV4_OFFSET) != 0) {
		return FRAME_CLASS_FRAGMENT;
	}
	cur_skip(&w->cur, header - IPV4_BYTES);
	set_len(w, total >= header, (size_t)total - header);
	return CLASS_OF_UPPER;
}

static bool is_extension(uint8_t proto)
{
	return proto == IP_PROTO_HOP_BY_HOP || proto == IP_PROTO_ROUTING ||
	       proto == IP_PROTO_FRAGMENT || proto == IP_PROTO_DESTINATION ||
	       proto == IP_PROTO_MOBILITY;
}

static enum frame_class read_extension(struct walk *w)
{
	const bool is_fragment = w->proto == IP_PROTO_FRAGMENT;
	struct cursor h = w->cur;
	uint8_t proto = cur_u8(&h);
	size_t more = (size_t)cur_u8(&h) * EXTENSION_BYTES;
	uint16_t fragment = cur_be16(&h);
	size_t len = EXTENSION_BYTES + (is_fragment ? 0 : more);

	cur_skip(&w->cur, len);
	if (!cur_ok(&w->cur) || w->len < len) {
		return FRAME_CLASS_SHORT;
	}
	w->len -= (uint32_t)len;
	w->proto = proto;
	return is_fragment && (fragment & IPV6_OFFSET) != 0 ? FRAME_CLASS_FRAGMENT : CLASS_OF_UPPER;
}

static enum frame_class read_ipv6(struct walk *w)
{
	struct cursor h = cur_sub(&w->cur, IPV6_BYTES);
	uint8_t version = cur_u8(&h);
	enum frame_class class = CLASS_OF_UPPER;

	cur_skip(&h, 3); /* class and flow label */
	uint16_t len = cur_be16(&h);

	w->proto = cur_u8(&h);
	w->is_v6 = true;
	if (!cur_ok(&h) || version >> 4 != 6) {
		return FRAME_CLASS_SHORT;
	}
	set_len(w, len != 0, len); /* 0 in jumbograms too (RFC 2675) */
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(w->proto); i++) {
		class = read_extension(w);
		if (class != CLASS_OF_UPPER) {
			return class;
		}
	}
	return is_extension(w->proto) ? FRAME_CLASS_SHORT : class;
}

/* ---- Tunnels ---- */

static enum frame_class enter(struct walk *w, struct cursor inner, uint32_t next)
{
	if (!cur_ok(&inner)) {
		return FRAME_CLASS_SHORT;
	}
	w->cur = inner;
	w->next = next;
	return CLASS_OF_INNER;
}

static enum frame_class enter_protocol(struct walk *w, struct cursor inner, uint16_t protocol)
{
	switch (protocol) {
	case ETHERTYPE_ETHERNET:
		return enter(w, inner, NEXT_ETHERNET);
	case ETHERTYPE_IPV4:
	case ETHERTYPE_IPV6:
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTICAST:
		return enter(w, inner, protocol);
	default:
		return FRAME_CLASS_TUNNEL;
	}
}

static enum frame_class enter_gre(struct walk *w)
{
	struct cursor c = w->cur;
	uint16_t flags = cur_be16(&c);
	uint16_t protocol = cur_be16(&c);
	const bool has_sequence = (flags & GRE_SEQUENCE) != 0;

	if (!cur_ok(&c)) {
		return FRAME_CLASS_SHORT;
	}
	if ((flags & (GRE_VERSION | GRE_ROUTING)) != 0) {
		return FRAME_CLASS_TUNNEL;
	}
	cur_skip(&c, (flags & GRE_CHECKSUM) != 0 ? 4 : 0);
	cur_skip(&c, (flags & GRE_KEY) != 0 ? 4 : 0);
	cur_skip(&c, has_sequence ? 4 : 0);
	switch (protocol) {
	case ETHERTYPE_ERSPAN_2:
		cur_skip(&c, has_sequence ? 8 : 0);
		return enter(w, c, NEXT_ETHERNET);
	case ETHERTYPE_ERSPAN_3:
		cur_skip(&c, 11);
		cur_skip(&c, (cur_u8(&c) & ERSPAN_3_MORE) != 0 ? 8 : 0);
		return enter(w, c, NEXT_ETHERNET);
	default:
		return enter_protocol(w, c, protocol);
	}
}

/* VXLAN and Geneve. What is shorter than their header is none of them. */
static enum frame_class enter_overlay(struct walk *w, uint16_t port)
{
	struct cursor c = w->cur;

	cur_skip(&c, UDP_BYTES);
	struct cursor h = cur_sub(&c, 8);
	uint8_t flags = cur_u8(&h);

	cur_skip(&h, 1);
	uint16_t protocol = cur_be16(&h);

	if (!cur_ok(&h)) {
		return FRAME_CLASS_UDP;
	}
	if (port != PORT_GENEVE) {
		return (flags & VXLAN_HAS_VNI) != 0 ? enter(w, c, NEXT_ETHERNET) : FRAME_CLASS_UDP;
	}
	if ((flags & ~GENEVE_OPTIONS) != 0) {
		return FRAME_CLASS_UDP;
	}
	cur_skip(&c, (size_t)flags * 4);
	return enter_protocol(w, c, protocol);
}

/* ---- Upper headers ---- */

static bool is_dns_flow(uint16_t sport, uint16_t dport)
{
	return sport == 53 || dport == 53;
}

static enum frame_class class_of_segment(uint8_t flags, bool has_payload, bool is_dns)
{
	switch (flags & TCP_CONTROL) {
	case TCP_SYN:
		return FRAME_CLASS_TCP_SYN;
	case TCP_SYN | TCP_ACK:
		return FRAME_CLASS_TCP_SYNACK;
	case TCP_FIN:
	case TCP_FIN | TCP_ACK:
		return FRAME_CLASS_TCP_FIN;
	case TCP_RST:
	case TCP_RST | TCP_ACK:
		return FRAME_CLASS_TCP_RST;
	case TCP_ACK:
		break;
	default:
		return FRAME_CLASS_TCP_ODD;
	}
	if (!has_payload) {
		return FRAME_CLASS_TCP_ACK_EMPTY;
	}
	return is_dns ? FRAME_CLASS_TCP_ACK_DNS : FRAME_CLASS_TCP_ACK_DATA;
}

static enum frame_class tcp_class(const struct walk *w)
{
	struct cursor c = w->cur;
	struct cursor h = cur_sub(&c, TCP_BYTES);
	uint16_t sport = cur_be16(&h);
	uint16_t dport = cur_be16(&h);

	cur_skip(&h, 8); /* numbers */
	size_t header = (size_t)(cur_u8(&h) >> 4) * 4;
	uint8_t flags = cur_u8(&h);

	if (header < TCP_BYTES) {
		return FRAME_CLASS_SHORT;
	}
	return class_of_segment(flags, w->len > header, is_dns_flow(sport, dport));
}

static enum frame_class class_of_ports(uint16_t sport, uint16_t dport)
{
	if (is_dns_port(sport) || is_dns_port(dport)) {
		return FRAME_CLASS_UDP_DNS;
	}
	if (is_dhcp_port(sport) || is_dhcp_port(dport)) {
		return FRAME_CLASS_UDP_DHCP;
	}
	if (is_control_port(sport) || is_control_port(dport)) {
		return FRAME_CLASS_UDP_CONTROL;
	}
	return is_tunnel_port(sport, dport) ? FRAME_CLASS_TUNNEL : FRAME_CLASS_UDP;
}

static enum frame_class udp_class(struct walk *w)
{
	struct cursor h = w->cur;
	uint16_t sport = cur_be16(&h);
	uint16_t dport = cur_be16(&h);

	if (!cur_ok(&h)) {
		return FRAME_CLASS_SHORT;
	}
	enum frame_class class = class_of_ports(sport, dport);

	return class == FRAME_CLASS_TUNNEL && dport != PORT_L2TP ? enter_overlay(w, dport) : class;
}

static enum frame_class icmp_class(struct cursor c)
{
	uint8_t type = cur_u8(&c);

	if (!cur_ok(&c)) {
		return FRAME_CLASS_SHORT;
	}
	switch (type) {
	case 3: /* RFC 792: unreachable, quench, redirect, time exceeded, parameter */
	case 4:
	case 5:
	case 11:
	case 12:
		return FRAME_CLASS_ICMP_ERROR;
	default:
		return FRAME_CLASS_ICMP;
	}
}

static enum frame_class icmp6_class(struct cursor c)
{
	uint8_t type = cur_u8(&c);

	if (!cur_ok(&c)) {
		return FRAME_CLASS_SHORT;
	}
	if (type >= 1 && type <= 4) { /* RFC 4443 */
		return FRAME_CLASS_ICMP6_ERROR;
	}
	return type >= 133 && type <= 137 ? FRAME_CLASS_ICMP6_ND : FRAME_CLASS_ICMP6; /* RFC 4861 */
}

static enum frame_class upper_class(struct walk *w)
{
	switch (w->proto) {
	case IP_PROTO_TCP:
		return tcp_class(w);
	case IP_PROTO_UDP:
		return udp_class(w);
	case IP_PROTO_ICMP:
		return w->is_v6 ? FRAME_CLASS_IP_OTHER : icmp_class(w->cur);
	case IP_PROTO_ICMP6:
		return w->is_v6 ? icmp6_class(w->cur) : FRAME_CLASS_IP_OTHER;
	case IP_PROTO_IPIP:
		return enter(w, w->cur, ETHERTYPE_IPV4);
	case IP_PROTO_IPV6:
		return enter(w, w->cur, ETHERTYPE_IPV6);
	case IP_PROTO_GRE:
		return enter_gre(w);
	default:
		return FRAME_CLASS_IP_OTHER;
	}
}

/* ---- The whole ---- */

static enum frame_class packet_class(struct walk *w)
{
	enum frame_class class;

	read_link(w);
	if (w->next != ETHERTYPE_IPV4 && w->next != ETHERTYPE_IPV6) {
		return class_of_next(w->next);
	}
	class = w->next == ETHERTYPE_IPV4 ? read_ipv4(w) : read_ipv6(w);
	return class == CLASS_OF_UPPER ? upper_class(w) : class;
}

static enum frame_class walk_class(const struct frame *frame)
{
	struct walk w = {.cur = cur_of(frame->bytes)};

	if (frame->wire_bytes > frame->bytes.len) {
		w.lost_bytes = frame->wire_bytes - (uint32_t)frame->bytes.len;
	}
	read_first(&w, frame);
	enum frame_class class = packet_class(&w);

	if (class == CLASS_OF_INNER) {
		class = packet_class(&w);
	}
	return class == CLASS_OF_INNER ? FRAME_CLASS_TUNNEL : class;
}

/* Did decoding come the same way as the filter does: Ethernet, tags, and one IP header? */
static bool is_plain(const struct pkt *pkt)
{
	return pkt->depth == 0 && pkt->frame->link == LINK_ETHERNET &&
	       (pkt->ethertype == ETHERTYPE_IPV4 || pkt->ethertype == ETHERTYPE_IPV6) &&
	       pkt->tags <= LINK_HEADERS_MAX && pkt->extensions == 0;
}

/* From what decoding has found; FRAME_CLASS_TUNNEL where the walk has to tell. */
static enum frame_class plain_class(const struct pkt *pkt)
{
	switch (pkt->layer) {
	case LAYER_TCP:
		return class_of_segment(pkt->tcp_flags,
		                        pkt->ip_payload_wire > pkt->tcp_header_bytes,
		                        is_dns_flow(pkt->sport, pkt->dport));
	case LAYER_UDP:
		return class_of_ports(pkt->sport, pkt->dport);
	case LAYER_ICMP:
		return icmp_class(cur_of(pkt->payload));
	case LAYER_ICMP6:
		return icmp6_class(cur_of(pkt->payload));
	default:
		return FRAME_CLASS_TUNNEL;
	}
}

enum frame_class pkt_class(const struct pkt *pkt)
{
	enum frame_class class = is_plain(pkt) ? plain_class(pkt) : FRAME_CLASS_TUNNEL;

	return class != FRAME_CLASS_TUNNEL ? class : walk_class(pkt->frame);
}

const char *frame_class_name(enum frame_class frame_class)
{
	return frame_class < FRAME_CLASS_COUNT ? names[frame_class] : "";
}
