/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The packet inside a packet: IP in IP (RFC 2003, RFC 2473, RFC 4213), GRE (RFC 2784, RFC 2890),
 * PPTP's GRE (RFC 2637), ERSPAN (draft-foschiano-erspan), VXLAN (RFC 7348), Geneve (RFC 8926) and
 * L2TP (RFC 2661). Each function reads the tunnel's header and tells which header follows.
 */
#include "decode.h"

#define PORT_L2TP          1701
#define PORT_VXLAN         4789
#define PORT_VXLAN_LINUX   8472 /* what the kernel used before there was a number for it */
#define PORT_GENEVE        6081
#define ETHERTYPE_ETHERNET 0x6558 /* transparent Ethernet bridging */
#define ETHERTYPE_PPP      0x880b
#define ETHERTYPE_ERSPAN_2 0x88be
#define ETHERTYPE_ERSPAN_3 0x22eb

#define GRE_CHECKSUM 0x8000
#define GRE_ROUTING  0x4000
#define GRE_KEY      0x2000
#define GRE_SEQUENCE 0x1000
#define GRE_ACK      0x0080 /* version 1 only */
#define GRE_VERSION  0x0007

#define VXLAN_HAS_VNI 0x08

#define L2TP_IS_CONTROL 0x8000
#define L2TP_HAS_LENGTH 0x4000
#define L2TP_HAS_NUMBER 0x0800
#define L2TP_HAS_OFFSET 0x0200
#define L2TP_VERSION    0x000f

static enum header header_of_protocol(uint16_t protocol)
{
	switch (protocol) {
	case ETHERTYPE_IPV4:
		return HEADER_IPV4;
	case ETHERTYPE_IPV6:
		return HEADER_IPV6;
	case ETHERTYPE_ETHERNET:
		return HEADER_ETHERNET;
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTICAST:
		return HEADER_MPLS;
	case ETHERTYPE_PPP:
		return HEADER_PPP;
	default:
		return HEADER_END;
	}
}

/* Type II has a header of 8 bytes and a sequence number in GRE; type I has neither. */
static enum header decode_erspan_2(struct cursor *c, uint16_t gre_flags)
{
	cur_skip(c, (gre_flags & GRE_SEQUENCE) != 0 ? 8 : 0);
	return HEADER_ETHERNET;
}

/* 12 bytes; the lowest bit says that 8 more follow. */
static enum header decode_erspan_3(struct cursor *c)
{
	cur_skip(c, 11);
	uint8_t last = cur_u8(c);

	cur_skip(c, (last & 1) != 0 ? 8 : 0);
	return HEADER_ETHERNET;
}

static enum header decode_gre(struct cursor *c)
{
	uint16_t flags = cur_be16(c);
	uint16_t protocol = cur_be16(c);
	bool is_pptp = (flags & GRE_VERSION) == 1;

	if ((flags & GRE_VERSION) > 1 || (flags & GRE_ROUTING) != 0) {
		return HEADER_END;
	}
	cur_skip(c, (flags & GRE_CHECKSUM) != 0 ? 4 : 0);
	cur_skip(c, (flags & GRE_KEY) != 0 ? 4 : 0);
	cur_skip(c, (flags & GRE_SEQUENCE) != 0 ? 4 : 0);
	cur_skip(c, is_pptp && (flags & GRE_ACK) != 0 ? 4 : 0);
	if (is_pptp) {
		return protocol == ETHERTYPE_PPP && (flags & GRE_SEQUENCE) != 0 ? HEADER_PPP
		                                                                : HEADER_END;
	}
	switch (protocol) {
	case ETHERTYPE_ERSPAN_2:
		return decode_erspan_2(c, flags);
	case ETHERTYPE_ERSPAN_3:
		return decode_erspan_3(c);
	default:
		return header_of_protocol(protocol);
	}
}

static enum header decode_vxlan(struct cursor *c)
{
	uint8_t flags = cur_u8(c);

	cur_skip(c, 7);
	return (flags & VXLAN_HAS_VNI) != 0 ? HEADER_ETHERNET : HEADER_END;
}

static enum header decode_geneve(struct cursor *c)
{
	uint8_t version = cur_u8(c);

	cur_skip(c, 1);
	uint16_t protocol = cur_be16(c);

	cur_skip(c, 4 + (size_t)(version & 0x3f) * 4);
	return version >> 6 == 0 ? header_of_protocol(protocol) : HEADER_END;
}

static enum header decode_l2tp(struct cursor *c)
{
	uint16_t flags = cur_be16(c);

	if ((flags & L2TP_IS_CONTROL) != 0 || (flags & L2TP_VERSION) != 2) {
		return HEADER_END;
	}
	cur_skip(c, (flags & L2TP_HAS_LENGTH) != 0 ? 2 : 0);
	cur_skip(c, 4); /* tunnel and session */
	cur_skip(c, (flags & L2TP_HAS_NUMBER) != 0 ? 4 : 0);
	cur_skip(c, (flags & L2TP_HAS_OFFSET) != 0 ? cur_be16(c) : 0);
	return HEADER_PPP;
}

static enum header decode_udp_tunnel(uint16_t dport, struct cursor *c)
{
	switch (dport) {
	case PORT_VXLAN:
	case PORT_VXLAN_LINUX:
		return decode_vxlan(c);
	case PORT_GENEVE:
		return decode_geneve(c);
	case PORT_L2TP:
		return decode_l2tp(c);
	default:
		return HEADER_END;
	}
}

enum header decode_tunnel(const struct pkt *outer, struct cursor *c)
{
	if (outer->layer == LAYER_UDP) {
		return decode_udp_tunnel(outer->dport, c);
	}
	if (outer->layer != LAYER_IP || outer->fragment_offset != 0) {
		return HEADER_END;
	}
	switch (outer->ip_proto) {
	case IP_PROTO_IPIP:
		return HEADER_IPV4;
	case IP_PROTO_IPV6:
		return HEADER_IPV6;
	case IP_PROTO_GRE:
		return decode_gre(c);
	default:
		return HEADER_END;
	}
}
