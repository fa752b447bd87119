/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * IPv6 neighbour discovery (RFC 4861): the MAC address of a neighbour, routers, and what routers
 * advertise: prefix and name servers (RFC 8106). A message that crossed a router (hop limit not
 * 255) is not believed where the RFC says so.
 */
#include "icmp_error.h"

#include <passer/analyzers/mac_record.h>

enum {
	ROUTER_SOLICITATION = 133,
	ROUTER_ADVERTISEMENT = 134,
	NEIGHBOUR_SOLICITATION = 135,
	NEIGHBOUR_ADVERTISEMENT = 136,
	REDIRECT = 137,
};

enum option {
	OPTION_SOURCE_LINK = 1,
	OPTION_TARGET_LINK = 2,
	OPTION_PREFIX = 3,
	OPTION_DNS_SERVERS = 25,
};

#define HOP_LIMIT_LOCAL 255  /* no router forwards with it */
#define FLAG_ROUTER     0x80 /* of a neighbour advertisement */

#define NDP_OPTIONS_MAX     64
#define NDP_DNS_SERVERS_MAX 48 /* fewer than a description holds */

struct ndp_msg {
	uint8_t type, code;
	uint8_t first;      /* byte behind the checksum: flags, or a router's hop limit */
	struct addr target; /* of neighbour messages and redirects */
	bool has_source_mac, has_target_mac, has_prefix, has_dns;
	struct mac source_mac, target_mac;
	struct addr prefix;
	uint8_t prefix_len;
	struct cursor dns; /* at the first of the addresses */
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

/* RFC 4861, section 4.6.2 */
static void parse_prefix(struct cursor c, struct ndp_msg *m)
{
	uint8_t len = cur_u8(&c);

	cur_skip(&c, 1 + 4 + 4 + 4); /* flags, lifetimes, reserved */
	struct addr prefix = addr_of(cur_take(&c, 16));

	if (cur_ok(&c) && !m->has_prefix) {
		m->has_prefix = true;
		m->prefix = prefix;
		m->prefix_len = len;
	}
}

/* RFC 8106, section 5.1; the first such option that has an address counts */
static void parse_dns_servers(struct cursor c, struct ndp_msg *m)
{
	cur_skip(&c, 2 + 4); /* reserved, lifetime */
	if (cur_left(&c) < 16 || m->has_dns) {
		return;
	}
	m->has_dns = true;
	m->dns = c;
}

static void parse_link_address(struct cursor c, bool *has, struct mac *mac)
{
	struct mac value = mac_of(cur_take(&c, 6));

	if (cur_ok(&c)) {
		*has = true;
		*mac = value;
	}
}

/* A length of 0 spoils the message (RFC 4861, section 4.6); where it is torn, what came before
 * stands. */
static bool parse_options(struct cursor *c, struct ndp_msg *m)
{
	for (int i = 0; i < NDP_OPTIONS_MAX && cur_left(c) > 0; i++) {
		uint8_t type = cur_u8(c);
		size_t len = (size_t)cur_u8(c) * 8;

		if (len == 0) {
			return !cur_ok(c);
		}
		struct cursor option = cur_sub(c, len - 2);

		switch (type) {
		case OPTION_SOURCE_LINK:
			parse_link_address(option, &m->has_source_mac, &m->source_mac);
			break;
		case OPTION_TARGET_LINK:
			parse_link_address(option, &m->has_target_mac, &m->target_mac);
			break;
		case OPTION_PREFIX:
			parse_prefix(option, m);
			break;
		case OPTION_DNS_SERVERS:
			parse_dns_servers(option, m);
			break;
		default:
			break;
		}
	}
	return true;
}

static bool ndp_parse(struct cursor c, struct ndp_msg *m)
{
	*m = (struct ndp_msg){.type = cur_u8(&c)};
	m->code = cur_u8(&c);
	cur_skip(&c, 2);

	struct cursor body = cur_sub(&c, body_bytes(m->type));

	m->first = cur_u8(&body);
	cur_skip(&body, 3);
	m->target = addr_of(cur_take(&body, 16));
	if (!cur_ok(&c)) {
		return false;
	}
	return parse_options(&c, m);
}

static void add_dns_servers(struct text *desc, struct cursor servers)
{
	char text[ADDR_TEXT_SIZE];

	for (int i = 0; i < NDP_DNS_SERVERS_MAX && cur_left(&servers) >= 16; i++) {
		struct addr server = addr_of(cur_take(&servers, 16));

		addr_format_short(&server, text);
		text_add(desc, " dns=");
		text_add(desc, text);
	}
}

static void on_router_advertisement(const struct pkt *pkt, const struct ndp_msg *m,
                                    struct analyzer_ctx *ctx)
{
	struct text *desc = &ctx->rec.desc;
	char addr[ADDR_TEXT_SIZE];

	record_begin(&ctx->rec, REC_RO, &pkt->src, "RouterAdv", PROTO_PLAIN, pkt->frame->time_ns);
	text_add(&ctx->rec.state, "router");
	text_add(desc, "hop_limit=");
	text_add_uint(desc, m->first);
	if (m->has_prefix) {
		addr_format_short(&m->prefix, addr);
		text_add(desc, " net=");
		text_add(desc, addr);
		text_add(desc, "/");
		text_add_uint(desc, m->prefix_len);
	}
	if (m->has_dns) {
		add_dns_servers(desc, m->dns);
	}
	emit(ctx);
	if (m->has_source_mac) {
		emit_mac(ctx, &pkt->src, &m->source_mac, pkt->frame->time_ns);
	}
}

static void on_solicitation(const struct pkt *pkt, const struct ndp_msg *m,
                            struct analyzer_ctx *ctx)
{
	if (m->has_source_mac || pkt->has_mac) {
		emit_mac(ctx, &pkt->src, m->has_source_mac ? &m->source_mac : &pkt->smac,
		         pkt->frame->time_ns);
	}
}

static void on_advertisement(const struct pkt *pkt, const struct ndp_msg *m,
                             struct analyzer_ctx *ctx)
{
	if ((m->first & FLAG_ROUTER) != 0) {
		emit_words(ctx, REC_RO, &pkt->src, "NeighborAdvRouterFlag", PROTO_PLAIN, "router",
		           "", (struct warnings){{0}}, pkt->frame->time_ns);
	}
	if (pkt->has_mac) {
		emit_mac(ctx, &pkt->src, &pkt->smac, pkt->frame->time_ns);
	}
}

static void on_redirect(const struct pkt *pkt, const struct ndp_msg *m, struct analyzer_ctx *ctx)
{
	emit_router(pkt, ctx, &pkt->src, "ND_Redirect_source", "");
	emit_router(pkt, ctx, &m->target, "ND_Redirect_target", "");
	if (m->has_target_mac) {
		emit_mac(ctx, &m->target, &m->target_mac, pkt->frame->time_ns);
	}
}

/* Routers speak with their link-local address (RFC 4861, sections 6.1.2 and 8.1). */
static bool is_link_local(const struct addr *a)
{
	return a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

static bool is_of_router(uint8_t type)
{
	return type == ROUTER_ADVERTISEMENT || type == REDIRECT;
}

static enum verdict ndp_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct ndp_msg m;

	if (!ndp_parse(cur_of(pkt->payload), &m) || m.type < ROUTER_SOLICITATION ||
	    m.type > REDIRECT) {
		return VERDICT_PASSED;
	}
	if (m.type == ROUTER_SOLICITATION) {
		return VERDICT_DONE;
	}
	if (m.code != 0 || pkt->ttl != HOP_LIMIT_LOCAL ||
	    (is_of_router(m.type) && !is_link_local(&pkt->src))) {
		return VERDICT_UNHANDLED;
	}
	switch (m.type) {
	case ROUTER_ADVERTISEMENT:
		on_router_advertisement(pkt, &m, ctx);
		break;
	case NEIGHBOUR_SOLICITATION:
		on_solicitation(pkt, &m, ctx);
		break;
	case NEIGHBOUR_ADVERTISEMENT:
		on_advertisement(pkt, &m, ctx);
		break;
	default:
		on_redirect(pkt, &m, ctx);
		break;
	}
	return VERDICT_DONE;
}

const struct analyzer analyzer_ndp = {
	.name = "ndp",
	.match = {.layer = LAYER_ICMP6},
	.records = {REC_MA, REC_RO},
	.run = ndp_run,
};
