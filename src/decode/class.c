/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The class of a frame, as bpf/passer_filter.bpf.c gives it. The filter looks at less than the
 * decoder does (three tags, six extension headers, no PPPoE, MPLS or LLC) and does not mind where
 * the IP length ends, so the upper header is read here again, from all captured bytes. Links that
 * no filter sees, which come from files only, are classed by the IP header that was found.
 */
#include "decode.h"

#define FILTER_MAX_TAGS       3
#define FILTER_MAX_EXTENSIONS 6
#define TCP_MIN_BYTES         20
#define UDP_PORT_BYTES        4

#define TCP_CONTROL (TCP_FIN | TCP_SYN | TCP_RST)

static const char *const names[FRAME_CLASS_COUNT] = {
#define X(id, name) [FRAME_CLASS_##id] = name,
	FRAME_CLASSES(X)
#undef X
};

static bool has_type_field(enum link_type link)
{
	return link == LINK_ETHERNET || link == LINK_SLL || link == LINK_SLL2;
}

/* The class of what is not IP for the filter; FRAME_CLASS_COUNT for what is. */
static enum frame_class link_class(const struct pkt *pkt)
{
	const enum link_type link = pkt->frame->link;

	if (link == LINK_ETHERNET && !pkt->has_mac) {
		return FRAME_CLASS_SHORT;
	}
	if (is_vlan_type(pkt->ethertype) && pkt->tags < FILTER_MAX_TAGS) {
		return FRAME_CLASS_SHORT;
	}
	if (pkt->tags > FILTER_MAX_TAGS) {
		return FRAME_CLASS_L2_OTHER;
	}
	switch (pkt->ethertype) {
	case ETHERTYPE_ARP:
		return FRAME_CLASS_ARP;
	case ETHERTYPE_IPV4:
	case ETHERTYPE_IPV6:
		return pkt->src.family != ADDR_NONE ? FRAME_CLASS_COUNT : FRAME_CLASS_SHORT;
	default:
		break;
	}
	if (!has_type_field(link) && pkt->src.family != ADDR_NONE) {
		return FRAME_CLASS_COUNT;
	}
	return link == LINK_RAW_IP ? FRAME_CLASS_SHORT : FRAME_CLASS_L2_OTHER;
}

static enum frame_class tcp_class(const struct pkt *pkt, struct cursor c)
{
	struct cursor h = cur_sub(&c, TCP_MIN_BYTES);

	cur_skip(&h, 12); /* ports and numbers */
	size_t header = (size_t)(cur_u8(&h) >> 4) * 4;
	uint8_t flags = cur_u8(&h);

	if (header < TCP_MIN_BYTES) {
		return FRAME_CLASS_SHORT;
	}
	switch (flags & (TCP_CONTROL | TCP_ACK)) {
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
		return pkt->ip_payload_wire > header ? FRAME_CLASS_TCP_ACK_DATA
		                                     : FRAME_CLASS_TCP_ACK_EMPTY;
	default:
		return FRAME_CLASS_TCP_ODD;
	}
}

static bool is_dns_port(uint16_t port)
{
	return port == 53 || port == 5353 || port == 5355;
}

static bool is_dhcp_port(uint16_t port)
{
	return port == 67 || port == 68 || port == 546 || port == 547;
}

static enum frame_class udp_class(struct cursor c)
{
	struct cursor h = cur_sub(&c, UDP_PORT_BYTES);
	uint16_t sport = cur_be16(&h);
	uint16_t dport = cur_be16(&h);

	if (!cur_ok(&h)) {
		return FRAME_CLASS_SHORT;
	}
	if (is_dns_port(sport) || is_dns_port(dport)) {
		return FRAME_CLASS_UDP_DNS;
	}
	return is_dhcp_port(sport) || is_dhcp_port(dport) ? FRAME_CLASS_UDP_DHCP : FRAME_CLASS_UDP;
}

static enum frame_class ipv6_class(uint8_t proto)
{
	switch (proto) {
	case IP_PROTO_ICMP6:
		return FRAME_CLASS_ICMP6;
	case IP_PROTO_HOP_BY_HOP:
	case IP_PROTO_ROUTING:
	case IP_PROTO_FRAGMENT:
	case IP_PROTO_DESTINATION:
	case IP_PROTO_MOBILITY:
		return FRAME_CLASS_SHORT; /* the walk ended within one */
	default:
		return FRAME_CLASS_IP_OTHER;
	}
}

enum frame_class pkt_class(const struct pkt *pkt)
{
	enum frame_class link = link_class(pkt);
	struct cursor upper = cur_of(pkt->frame->bytes);

	if (link != FRAME_CLASS_COUNT) {
		return link;
	}
	if (pkt->extensions > FILTER_MAX_EXTENSIONS) {
		return FRAME_CLASS_SHORT;
	}
	if (pkt->fragment_offset != 0) {
		return FRAME_CLASS_FRAGMENT;
	}
	cur_skip(&upper, (size_t)(pkt->ip_payload.data - pkt->frame->bytes.data));
	switch (pkt->ip_proto) {
	case IP_PROTO_TCP:
		return tcp_class(pkt, upper);
	case IP_PROTO_UDP:
		return udp_class(upper);
	default:
		break;
	}
	if (pkt->src.family == ADDR_V6) {
		return ipv6_class(pkt->ip_proto);
	}
	return pkt->ip_proto == IP_PROTO_ICMP ? FRAME_CLASS_ICMP : FRAME_CLASS_IP_OTHER;
}

const char *frame_class_name(enum frame_class frame_class)
{
	return frame_class < FRAME_CLASS_COUNT ? names[frame_class] : "";
}
