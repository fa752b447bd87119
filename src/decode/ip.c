/* SPDX-License-Identifier: GPL-3.0-or-later */
/* IPv4 (RFC 791), IPv6 and its extension headers (RFC 8200, RFC 6275). */
#include "decode.h"

#define IPV4_MIN_BYTES      20
#define IPV4_OFFSET         0x1fff /* in units of 8 bytes */
#define IPV4_FLAGS_SHIFT    13
#define IPV6_BYTES          40
#define IPV6_FLOW           0xfffff
#define IPV6_CLASS_SHIFT    20
#define IP_ECN              0x03
#define IPV6_FRAGMENT_BYTES 8
#define IPV6_OFFSET         0xfff8
#define IPV6_MORE_FRAGMENTS 0x0001

/* The packet was zeroed, so the bytes behind a short address are. */
static inline void set_addr(struct addr *a, struct span bytes, enum addr_family family)
{
	memcpy(a->bytes, bytes.data, bytes.len);
	a->family = (uint8_t)family;
}

static enum header fail(struct decode_state *s)
{
	cur_fail(&s->cur);
	return HEADER_END;
}

/*
 * Everything from here on is the payload, cut at the length that the IP header tells. A length that
 * makes no sense comes from segmentation offload: the whole rest of the frame belongs to the
 * packet.
 */
static void limit_payload(struct decode_state *s, bool has_len, size_t len)
{
	size_t left = cur_left(&s->cur);

	if (!has_len) {
		len = left + s->lost_bytes;
	}
	if (len < left) {
		s->cur = cur_sub(&s->cur, len);
	}
	s->pkt->ip_payload_wire = (uint32_t)len;
}

/* What the last header names as its payload. Extension headers exist in IPv6 only. */
static enum header next_protocol(struct decode_state *s, uint8_t proto)
{
	struct pkt *pkt = s->pkt;
	const bool is_v6 = pkt->src.family == ADDR_V6;

	pkt->layer = LAYER_IP;
	pkt->ip_proto = proto;
	pkt->ip_payload = pkt->payload = cur_rest(&s->cur);
	if (pkt->fragment_offset != 0) {
		return HEADER_END;
	}
	switch (proto) {
	case IP_PROTO_TCP:
		return HEADER_TCP;
	case IP_PROTO_UDP:
		return HEADER_UDP;
	case IP_PROTO_ICMP:
		return is_v6 ? HEADER_END : HEADER_ICMP;
	case IP_PROTO_ICMP6:
		return is_v6 ? HEADER_ICMP6 : HEADER_END;
	case IP_PROTO_HOP_BY_HOP:
	case IP_PROTO_ROUTING:
	case IP_PROTO_DESTINATION:
	case IP_PROTO_MOBILITY:
		return is_v6 ? HEADER_IPV6_EXTENSION : HEADER_END;
	case IP_PROTO_FRAGMENT:
		return is_v6 ? HEADER_IPV6_FRAGMENT : HEADER_END;
	default:
		return HEADER_END;
	}
}

enum header decode_ipv4(struct decode_state *s)
{
	struct pkt *pkt = s->pkt;
	struct cursor h;

	if (!cur_header(&s->cur, IPV4_MIN_BYTES, &h)) {
		return HEADER_END;
	}
	uint8_t version = cur_u8(&h);
	uint8_t service = cur_u8(&h);
	uint16_t total = cur_be16(&h);
	uint16_t id = cur_be16(&h);
	uint16_t fragment = cur_be16(&h);
	uint8_t ttl = cur_u8(&h);
	uint8_t proto = cur_u8(&h);

	cur_skip(&h, 2); /* checksum: often left to the NIC, so it proves nothing */
	struct span src = cur_take(&h, 4);
	struct span dst = cur_take(&h, 4);
	size_t header = (version & 15u) * 4;

	if (version >> 4 != 4 || header < IPV4_MIN_BYTES) {
		return fail(s);
	}
	set_addr(&pkt->src, src, ADDR_V4);
	set_addr(&pkt->dst, dst, ADDR_V4);
	pkt->ttl = ttl;
	pkt->ip_ecn = service & IP_ECN;
	pkt->ipv4_id = id;
	pkt->ipv4_flags = (uint8_t)(fragment >> IPV4_FLAGS_SHIFT);
	pkt->ip_header_bytes = (uint32_t)header;
	pkt->fragment_offset = (uint16_t)((fragment & IPV4_OFFSET) * 8);
	pkt->is_fragment =
		pkt->fragment_offset != 0 || (pkt->ipv4_flags & IPV4_MORE_FRAGMENTS) != 0;
	cur_skip(&s->cur, header - IPV4_MIN_BYTES);
	limit_payload(s, total >= header, (size_t)total - header);
	return next_protocol(s, proto);
}

enum header decode_ipv6(struct decode_state *s)
{
	struct pkt *pkt = s->pkt;
	struct cursor h;

	if (!cur_header(&s->cur, IPV6_BYTES, &h)) {
		return HEADER_END;
	}
	uint32_t word = cur_be32(&h); /* version, traffic class, flow label */
	uint16_t len = cur_be16(&h);
	uint8_t proto = cur_u8(&h);
	uint8_t hop_limit = cur_u8(&h);
	struct span src = cur_take(&h, 16);
	struct span dst = cur_take(&h, 16);

	if (word >> 28 != 6) {
		return fail(s);
	}
	set_addr(&pkt->src, src, ADDR_V6);
	set_addr(&pkt->dst, dst, ADDR_V6);
	pkt->ttl = hop_limit;
	pkt->ip_ecn = word >> IPV6_CLASS_SHIFT & IP_ECN;
	pkt->ipv6_flow = word & IPV6_FLOW;
	pkt->ip_header_bytes = IPV6_BYTES;
	limit_payload(s, len != 0, len); /* 0 in jumbograms too (RFC 2675) */
	return next_protocol(s, proto);
}

enum header decode_ipv6_extension(struct decode_state *s)
{
	uint8_t proto = cur_u8(&s->cur);
	uint32_t len = 8 + cur_u8(&s->cur) * 8u;

	cur_skip(&s->cur, len - 2);
	if (!cur_ok(&s->cur)) {
		return HEADER_END;
	}
	s->pkt->ip_payload_wire -= len;
	s->pkt->ip_header_bytes += len;
	s->pkt->extensions++;
	return next_protocol(s, proto);
}

enum header decode_ipv6_fragment(struct decode_state *s)
{
	struct pkt *pkt = s->pkt;
	struct cursor h = cur_sub(&s->cur, IPV6_FRAGMENT_BYTES);
	uint8_t proto = cur_u8(&h);

	cur_skip(&h, 1); /* reserved */
	uint16_t fragment = cur_be16(&h);

	if (!cur_ok(&h)) {
		return HEADER_END;
	}
	pkt->ip_payload_wire -= IPV6_FRAGMENT_BYTES;
	pkt->ip_header_bytes += IPV6_FRAGMENT_BYTES;
	pkt->extensions++;
	pkt->is_fragment = (fragment & (IPV6_OFFSET | IPV6_MORE_FRAGMENTS)) != 0;
	pkt->fragment_offset = fragment & IPV6_OFFSET;
	return next_protocol(s, proto);
}
