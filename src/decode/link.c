/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Link headers: Ethernet II (RFC 894), IEEE 802.3 with LLC/SNAP (RFC 1042), 802.1Q and 802.1ad
 * tags, Linux cooked captures (tcpdump.org/linktypes), BSD null and loop, PPP (RFC 1661, 1662),
 * PPPoE sessions (RFC 2516), MPLS (RFC 3032) with Ethernet pseudo-wires (RFC 4448), and ARP as a
 * whole.
 */
#include "decode.h"

#define ETHERNET_BYTES 14
#define VLAN_BYTES     4
#define VLAN_MASK      0x0fff /* number in the tag control information */
#define SNAP_BYTES     8
#define SLL_BYTES      16
#define SLL2_BYTES     20
#define PPPOE_BYTES    6
#define ARP_MIN_BYTES  8

#define LENGTH_MAX       1500 /* IEEE 802.3: up to here the type field is a length */
#define MPLS_BOTTOM      0x100
#define CONTROL_BYTES    4    /* the pseudo-wire control word */
#define PPPOE_VERSION    0x11 /* version 1, type 1 */
#define PPPOE_SESSION    0
#define HDLC_PPP         0xff03 /* address and control */
#define HDLC_CISCO       0x0f00
#define HDLC_CISCO_MCAST 0x8f00

enum ppp_protocol {
	PPP_IPV4 = 0x0021,
	PPP_IPV6 = 0x0057,
	PPP_MPLS = 0x0281,
	PPP_MPLS_MULTICAST = 0x0283,
};

bool is_vlan_type(uint16_t ethertype)
{
	return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_SERVICE_VLAN ||
	       ethertype == ETHERTYPE_OLD_QINQ;
}

static enum header header_of_type(uint16_t ethertype)
{
	switch (ethertype) {
	case ETHERTYPE_IPV4:
		return HEADER_IPV4;
	case ETHERTYPE_IPV6:
		return HEADER_IPV6;
	case ETHERTYPE_ARP:
		return HEADER_ARP;
	case ETHERTYPE_VLAN:
	case ETHERTYPE_SERVICE_VLAN:
	case ETHERTYPE_OLD_QINQ:
		return HEADER_VLAN;
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTICAST:
		return HEADER_MPLS;
	case ETHERTYPE_PPPOE:
		return HEADER_PPPOE;
	default:
		return ethertype <= LENGTH_MAX ? HEADER_LLC : HEADER_END;
	}
}

static enum header header_of_version(const struct decode_state *s)
{
	struct cursor peek = s->cur;

	switch (cur_u8(&peek) >> 4) {
	case 4:
		return HEADER_IPV4;
	case 6:
		return HEADER_IPV6;
	default:
		return HEADER_END;
	}
}

/* The type field that comes first: a tag that the kernel took out was before it. */
static void set_first_type(struct decode_state *s, uint16_t type)
{
	struct pkt *pkt = s->pkt;

	if (!s->is_inner) {
		pkt->outer_ethertype = pkt->frame->has_vlan ? ETHERTYPE_VLAN : type;
		pkt->ethertype = type;
		pkt->vlan = pkt->frame->has_vlan ? pkt->frame->vlan_tci & VLAN_MASK : 0;
	}
}

enum header decode_ethernet(struct decode_state *s)
{
	struct pkt *pkt = s->pkt;
	struct cursor h;

	if (!cur_header(&s->cur, ETHERNET_BYTES, &h)) {
		return HEADER_END;
	}
	struct span dmac = cur_take(&h, sizeof(pkt->dmac));
	struct span smac = cur_take(&h, sizeof(pkt->smac));
	uint16_t type = cur_be16(&h);

	pkt->has_mac = true;
	memcpy(&pkt->dmac, dmac.data, sizeof(pkt->dmac));
	memcpy(&pkt->smac, smac.data, sizeof(pkt->smac));
	pkt->link_cast = CAST_NONE;
	if (mac_is_multicast(&pkt->dmac)) {
		pkt->link_cast = mac_is_broadcast(&pkt->dmac) ? CAST_BROADCAST : CAST_MULTICAST;
	}
	set_first_type(s, type);
	return header_of_type(type);
}

enum header decode_vlan(struct decode_state *s)
{
	struct cursor h = cur_sub(&s->cur, VLAN_BYTES);

	uint16_t tci = cur_be16(&h);
	uint16_t type = cur_be16(&h);

	if (!cur_ok(&h)) {
		return HEADER_END;
	}
	if (!s->is_inner) {
		s->pkt->ethertype = type;
		s->pkt->vlan = tci & VLAN_MASK;
		s->pkt->tags++;
	}
	return header_of_type(type);
}

/* Only SNAP with an ethertype (RFC 1042) leads on; spanning tree, IS-IS and others end here. */
enum header decode_llc(struct decode_state *s)
{
	struct cursor h = s->cur;
	uint32_t llc = cur_be24(&h); /* DSAP, SSAP, control */
	uint32_t oui = cur_be24(&h);
	uint16_t type = cur_be16(&h);

	if (!cur_ok(&h) || llc != 0xaaaa03 || oui != 0 || type < ETHERTYPE_FIRST) {
		return HEADER_END;
	}
	cur_skip(&s->cur, SNAP_BYTES);
	s->is_inner = true;
	return header_of_type(type);
}

/* The protocol field is an ethertype, or a small number of the kernel's own (802.3, CAN …). */
static enum header cooked_protocol(struct decode_state *s, uint16_t protocol)
{
	set_first_type(s, protocol);
	return protocol >= ETHERTYPE_FIRST ? header_of_type(protocol) : HEADER_END;
}

static enum cast cooked_cast(unsigned packet_type)
{
	switch (packet_type) {
	case 1:
		return CAST_BROADCAST;
	case 2:
		return CAST_MULTICAST;
	default:
		return CAST_NONE;
	}
}

enum header decode_sll(struct decode_state *s)
{
	struct cursor h = cur_sub(&s->cur, SLL_BYTES);
	uint16_t packet_type = cur_be16(&h);

	cur_skip(&h, 12); /* ARPHRD, address length and address */
	uint16_t protocol = cur_be16(&h);

	if (!cur_ok(&h)) {
		return HEADER_END;
	}
	s->pkt->link_cast = cooked_cast(packet_type);
	return cooked_protocol(s, protocol);
}

enum header decode_sll2(struct decode_state *s)
{
	struct cursor h = cur_sub(&s->cur, SLL2_BYTES);
	uint16_t protocol = cur_be16(&h);

	cur_skip(&h, 8); /* reserved, interface, ARPHRD */
	uint8_t packet_type = cur_u8(&h);

	if (!cur_ok(&h)) {
		return HEADER_END;
	}
	s->pkt->link_cast = cooked_cast(packet_type);
	return cooked_protocol(s, protocol);
}

/* AF_INET is 2 everywhere; AF_INET6 differs: Linux, NetBSD and OpenBSD, FreeBSD, macOS. */
static enum header header_of_family(uint32_t family)
{
	switch (family) {
	case 2:
		return HEADER_IPV4;
	case 10:
	case 24:
	case 28:
	case 30:
		return HEADER_IPV6;
	default:
		return HEADER_END;
	}
}

/* In the byte order of the capturing host: the families are small, so the value tells the order. */
enum header decode_null(struct decode_state *s)
{
	uint32_t family = cur_be32(&s->cur);

	return header_of_family(family <= UINT16_MAX ? family : __builtin_bswap32(family));
}

enum header decode_loop(struct decode_state *s)
{
	return header_of_family(cur_be32(&s->cur));
}

static enum header header_of_ppp(uint16_t protocol)
{
	switch (protocol) {
	case PPP_IPV4:
		return HEADER_IPV4;
	case PPP_IPV6:
		return HEADER_IPV6;
	case PPP_MPLS:
	case PPP_MPLS_MULTICAST:
		return HEADER_MPLS;
	default:
		return HEADER_END;
	}
}

/*
 * With or without HDLC address and control; the protocol field is one byte where it was compressed:
 * its low bit tells (RFC 1661 section 2). Two other things come under the same link types: Cisco's
 * HDLC, and link type 51, which begins with a PPPoE header.
 */
enum header decode_ppp(struct decode_state *s)
{
	struct cursor peek = s->cur;
	uint16_t address = cur_be16(&peek);

	switch (address) {
	case HDLC_CISCO:
	case HDLC_CISCO_MCAST:
		cur_skip(&s->cur, 2);
		return cooked_protocol(s, cur_be16(&s->cur));
	case PPPOE_VERSION << 8 | PPPOE_SESSION:
		return HEADER_PPPOE;
	case HDLC_PPP:
		cur_skip(&s->cur, 2);
		break;
	default:
		break;
	}
	uint8_t high = cur_u8(&s->cur);

	if ((high & 1) != 0) {
		return header_of_ppp(high);
	}
	return header_of_ppp((uint16_t)(high << 8 | cur_u8(&s->cur)));
}

enum header decode_pppoe(struct decode_state *s)
{
	struct cursor h = cur_sub(&s->cur, PPPOE_BYTES);
	uint8_t version = cur_u8(&h);
	uint8_t code = cur_u8(&h);

	cur_skip(&h, 2); /* session */
	uint16_t len = cur_be16(&h);

	if (!cur_ok(&h)) {
		return HEADER_END;
	}
	if (version != PPPOE_VERSION) {
		cur_fail(&s->cur);
		return HEADER_END;
	}
	if (len < cur_left(&s->cur)) {
		s->cur = cur_sub(&s->cur, len);
	}
	s->is_inner = true;
	return code == PPPOE_SESSION ? HEADER_PPP : HEADER_END;
}

/* One label. What is below the last one is told by the first nibble (RFC 4928 section 3). */
enum header decode_mpls(struct decode_state *s)
{
	uint32_t label = cur_be32(&s->cur);

	if (!cur_ok(&s->cur)) {
		return HEADER_END;
	}
	if ((label & MPLS_BOTTOM) == 0) {
		return HEADER_MPLS;
	}
	struct cursor peek = s->cur;

	if (cur_u8(&peek) >> 4 != 0) {
		return header_of_version(s);
	}
	cur_skip(&s->cur, CONTROL_BYTES);
	s->is_inner = true;
	return HEADER_ETHERNET;
}

/* The fixed part must be there; the rest is for the analyzer. */
enum header decode_arp(struct decode_state *s)
{
	struct span message = cur_rest(&s->cur);

	cur_skip(&s->cur, ARP_MIN_BYTES);
	if (cur_ok(&s->cur)) {
		s->pkt->layer = LAYER_ARP;
		s->pkt->payload = message;
	}
	return HEADER_END;
}

enum header decode_raw_ip(struct decode_state *s)
{
	enum header next = header_of_version(s);

	if (next == HEADER_END) {
		cur_skip(&s->cur, 1); /* nothing there is another fault than no IP there */
		cur_fail(&s->cur);
	}
	return next;
}
