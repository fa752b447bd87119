/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * IPv6 neighbour discovery (RFC 4861): the MAC address of a neighbour from solicitations,
 * advertisements, router advertisements and redirects. A message that crossed a router (hop limit
 * not 255) is not believed where the RFC says so.
 */
#include <passer/analyzers/analyzer.h>
#include <passer/analyzers/mac_record.h>

enum {
	ROUTER_ADVERTISEMENT = 134,
	NEIGHBOUR_SOLICITATION = 135,
	NEIGHBOUR_ADVERTISEMENT = 136,
	REDIRECT = 137,
};

enum { OPTION_SOURCE_LINK = 1, OPTION_TARGET_LINK = 2 };

#define NDP_OPTIONS_MAX 16

struct ndp_msg {
	uint8_t type, code;
	struct addr target; /* of neighbour messages and redirects */
	bool has_source_mac, has_target_mac;
	struct mac source_mac, target_mac;
};

/* Bytes between the ICMPv6 checksum and the options; 0: a message without options that we read. */
static size_t body_bytes(uint8_t type)
{
	switch (type) {
	case ROUTER_ADVERTISEMENT:
		return 12;
	case NEIGHBOUR_SOLICITATION:
	case NEIGHBOUR_ADVERTISEMENT:
		return 20;
	case REDIRECT:
		return 36;
	default:
		return 0;
	}
}

static void parse_options(struct cursor *c, struct ndp_msg *m)
{
	for (int i = 0; i < NDP_OPTIONS_MAX && cur_left(c) > 0; i++) {
		uint8_t type = cur_u8(c);
		size_t len = (size_t)cur_u8(c) * 8;
		struct cursor option = cur_sub(c, len >= 2 ? len - 2 : SIZE_MAX);
		struct mac mac = mac_of(cur_take(&option, 6));

		if (!cur_ok(&option)) {
			continue;
		}
		if (type == OPTION_SOURCE_LINK) {
			m->has_source_mac = true;
			m->source_mac = mac;
		} else if (type == OPTION_TARGET_LINK) {
			m->has_target_mac = true;
			m->target_mac = mac;
		}
	}
}

static bool ndp_parse(struct cursor c, struct ndp_msg *m)
{
	*m = (struct ndp_msg){.type = cur_u8(&c)};
	m->code = cur_u8(&c);
	cur_skip(&c, 2);

	struct cursor body = cur_sub(&c, body_bytes(m->type));

	cur_skip(&body, 4);
	m->target = addr_of(cur_take(&body, 16));
	if (!cur_ok(&c)) {
		return false;
	}
	parse_options(&c, m);
	return true;
}

static enum verdict ndp_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct ndp_msg m;
	uint64_t now = pkt->frame->time_ns;
	bool is_local = pkt->ttl == 255;

	if (!ndp_parse(cur_of(pkt->payload), &m) || m.code != 0) {
		return VERDICT_PASSED;
	}
	switch (m.type) {
	case ROUTER_ADVERTISEMENT:
		if (m.has_source_mac) {
			emit_mac(ctx, &pkt->src, &m.source_mac, now);
		}
		return VERDICT_DONE;
	case NEIGHBOUR_SOLICITATION:
		if (is_local && (m.has_source_mac || pkt->has_mac)) {
			emit_mac(ctx, &pkt->src, m.has_source_mac ? &m.source_mac : &pkt->smac,
			         now);
		}
		return is_local ? VERDICT_DONE : VERDICT_UNHANDLED;
	case NEIGHBOUR_ADVERTISEMENT:
		if (is_local && pkt->has_mac) {
			emit_mac(ctx, &pkt->src, &pkt->smac, now);
		}
		return is_local ? VERDICT_DONE : VERDICT_UNHANDLED;
	case REDIRECT:
		if (is_local && m.has_target_mac) {
			emit_mac(ctx, &m.target, &m.target_mac, now);
		}
		return is_local ? VERDICT_DONE : VERDICT_UNHANDLED;
	default:
		return VERDICT_PASSED;
	}
}

const struct analyzer analyzer_ndp = {
	.name = "ndp",
	.match = {.layer = LAYER_ICMP6},
	.records = {REC_MA},
	.run = ndp_run,
};
