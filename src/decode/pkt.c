/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The walk from header to header, and what is asked of a packet as a whole. */
#include "decode.h"

static enum header (*const decoders[HEADER_END])(struct decode_state *) = {
	[HEADER_ETHERNET] = decode_ethernet,
	[HEADER_VLAN] = decode_vlan,
	[HEADER_LLC] = decode_llc,
	[HEADER_SLL] = decode_sll,
	[HEADER_SLL2] = decode_sll2,
	[HEADER_NULL] = decode_null,
	[HEADER_LOOP] = decode_loop,
	[HEADER_PPP] = decode_ppp,
	[HEADER_PPPOE] = decode_pppoe,
	[HEADER_MPLS] = decode_mpls,
	[HEADER_RADIOTAP] = decode_radiotap,
	[HEADER_80211] = decode_80211,
	[HEADER_ARP] = decode_arp,
	[HEADER_RAW_IP] = decode_raw_ip,
	[HEADER_IPV4] = decode_ipv4,
	[HEADER_IPV6] = decode_ipv6,
	[HEADER_IPV6_EXTENSION] = decode_ipv6_extension,
	[HEADER_IPV6_FRAGMENT] = decode_ipv6_fragment,
	[HEADER_TCP] = decode_tcp,
	[HEADER_UDP] = decode_udp,
	[HEADER_ICMP] = decode_icmp,
	[HEADER_ICMP6] = decode_icmp6,
};

static const enum header first_headers[LINK_TYPE_COUNT] = {
	[LINK_UNKNOWN] = HEADER_END,       [LINK_ETHERNET] = HEADER_ETHERNET,
	[LINK_RAW_IP] = HEADER_RAW_IP,     [LINK_NULL] = HEADER_NULL,
	[LINK_LOOP] = HEADER_LOOP,         [LINK_SLL] = HEADER_SLL,
	[LINK_SLL2] = HEADER_SLL2,         [LINK_PPP] = HEADER_PPP,
	[LINK_RADIOTAP] = HEADER_RADIOTAP, [LINK_80211] = HEADER_80211,
};

/* Copied rather than spelt out: gcc clears a struct of this size with a slow string instruction. */
static const struct pkt empty;

/* Returns the header at which it stopped: `stop`, one behind it, or an earlier one at the limit. */
static enum header walk(struct decode_state *s, enum header next, enum header stop)
{
	for (int depth = 0; next < stop && depth < DECODE_MAX_HEADERS; depth++) {
		next = decoders[next](s);
	}
	return next;
}

/* A length field that ends before a header does is the sender's doing, not our snap length's. */
static void count_fault(const struct cursor *c, const uint8_t *captured_end,
                        struct decode_counters *counters)
{
	if (c->fault == CUR_SHORT && c->end == captured_end) {
		counters->cut++;
	} else {
		counters->bad++;
	}
}

void pkt_decode(struct pkt *pkt, const struct frame *frame, struct decode_counters *counters)
{
	struct decode_state s = {.cur = cur_of(frame->bytes), .pkt = pkt};
	const uint8_t *captured_end = s.cur.end;

	*pkt = empty;
	pkt->frame = frame;
	if (frame->wire_bytes > frame->bytes.len) {
		s.lost_bytes = frame->wire_bytes - (uint32_t)frame->bytes.len;
	}
	if (frame->link >= LINK_TYPE_COUNT || first_headers[frame->link] == HEADER_END) {
		counters->unknown_link++;
		return;
	}
	if (walk(&s, first_headers[frame->link], HEADER_END) != HEADER_END) {
		counters->too_deep++;
	} else if (!cur_ok(&s.cur)) {
		count_fault(&s.cur, captured_end, counters);
	}
}

bool pkt_decode_inner(struct pkt *inner, const struct pkt *outer, struct decode_counters *counters)
{
	struct cursor c = cur_of(outer->payload);
	enum header next = decode_tunnel(outer, &c);

	if (next == HEADER_END || !cur_ok(&c)) {
		return false;
	}
	if (outer->depth == DECODE_MAX_TUNNELS) {
		counters->too_deep++;
		return false;
	}
	/* The tunnel's own word on the ethertype is not kept: only the outer link has one. */
	struct decode_state s = {.cur = cur_of(cur_rest(&c)), .pkt = inner, .is_inner = true};
	const uint8_t *captured_end = s.cur.end;

	*inner = empty;
	inner->frame = outer->frame;
	inner->depth = (uint8_t)(outer->depth + 1);
	if (walk(&s, next, HEADER_END) != HEADER_END) {
		counters->too_deep++;
	} else if (!cur_ok(&s.cur)) {
		count_fault(&s.cur, captured_end, counters);
	}
	return true;
}

bool pkt_decode_quoted(struct pkt *pkt, struct span quoted)
{
	struct decode_state s = {.cur = cur_of(quoted), .pkt = pkt};

	*pkt = empty;
	switch (walk(&s, HEADER_RAW_IP, HEADER_TCP)) {
	case HEADER_TCP:
		decode_quoted_tcp(&s);
		break;
	case HEADER_UDP:
		decode_quoted_udp(&s);
		break;
	case HEADER_ICMP:
		decode_icmp(&s);
		break;
	case HEADER_ICMP6:
		decode_icmp6(&s);
		break;
	default:
		break;
	}
	return pkt->src.family != ADDR_NONE;
}

enum cast pkt_cast(const struct pkt *pkt)
{
	static const struct addr all = {.bytes = {255, 255, 255, 255}, .family = ADDR_V4};

	if (addr_equal(&pkt->dst, &all)) {
		return CAST_BROADCAST;
	}
	return addr_is_multicast(&pkt->dst) ? CAST_MULTICAST : pkt->link_cast;
}
