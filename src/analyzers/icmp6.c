/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ICMPv6 errors and echo replies (RFC 4443): live hosts, dead hosts, closed UDP ports, routers.
 * Neighbour discovery is ndp.c.
 */
#include "icmp_error.h"

enum {
	UNREACHABLE = 1,
	TOO_BIG = 2,
	TIME_EXCEEDED = 3,
	ECHO_REQUEST = 128,
	ECHO_REPLY = 129,
};

enum unreachable_code {
	NO_ROUTE = 0,
	PROHIBITED = 1,
	BEYOND_SCOPE = 2,
	ADDRESS_UNREACHABLE = 3,
	PORT_UNREACHABLE = 4,
	SOURCE_REFUSED = 5,
	ROUTE_REJECTED = 6,
	SOURCE_ROUTE_ERROR = 7,
};

struct icmp6_msg {
	uint8_t type, code;
	struct span body; /* behind checksum and the word that follows it */
};

static bool icmp6_parse(struct cursor c, struct icmp6_msg *m)
{
	m->type = cur_u8(&c);
	m->code = cur_u8(&c);
	cur_skip(&c, 6);
	m->body = cur_rest(&c);
	return cur_ok(&c);
}

static enum verdict on_port_unreachable(const struct pkt *pkt, const struct pkt *quoted,
                                        struct analyzer_ctx *ctx)
{
	switch (quoted->layer) {
	case LAYER_UDP:
		emit_closed_port(pkt, ctx, quoted);
		return VERDICT_DONE;
	case LAYER_TCP:
	case LAYER_ICMP6:
		return VERDICT_DONE;
	default:
		return VERDICT_UNHANDLED;
	}
}

static enum verdict on_unreachable(const struct pkt *pkt, const struct icmp6_msg *m,
                                   struct analyzer_ctx *ctx)
{
	struct pkt quoted;

	if (!pkt_decode_quoted(&quoted, m->body) || quoted.src.family != ADDR_V6) {
		return VERDICT_UNHANDLED;
	}
	switch (m->code) {
	case NO_ROUTE:
		emit_dead(pkt, ctx, &quoted, "net unreachable");
		emit_router(pkt, ctx, &pkt->src, "NetUn", "");
		return VERDICT_DONE;
	case ADDRESS_UNREACHABLE:
		emit_dead(pkt, ctx, &quoted, "host unreachable");
		emit_router(pkt, ctx, &pkt->src, "HostUn", "");
		return VERDICT_DONE;
	case PORT_UNREACHABLE:
		return on_port_unreachable(pkt, &quoted, ctx);
	case PROHIBITED:
	case BEYOND_SCOPE:
	case SOURCE_REFUSED:
	case ROUTE_REJECTED:
	case SOURCE_ROUTE_ERROR:
		return VERDICT_DONE;
	default:
		return VERDICT_UNHANDLED;
	}
}

static enum verdict icmp6_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct icmp6_msg m;

	if (!icmp6_parse(cur_of(pkt->payload), &m)) {
		return VERDICT_UNHANDLED;
	}
	switch (m.type) {
	case UNREACHABLE:
		return on_unreachable(pkt, &m, ctx);
	case TOO_BIG:
		emit_router(pkt, ctx, &pkt->src, "TooBig", "");
		return VERDICT_DONE;
	case TIME_EXCEEDED:
		if (m.code != 0) {
			return VERDICT_UNHANDLED;
		}
		emit_router(pkt, ctx, &pkt->src, "TTLEx", "");
		return VERDICT_DONE;
	case ECHO_REQUEST:
		return VERDICT_DONE;
	case ECHO_REPLY:
		emit_words(ctx, REC_IP, &pkt->src, "IP", PROTO_PLAIN, "live", "icmp echo reply",
		           (struct warnings){{0}}, pkt->frame->time_ns);
		return VERDICT_DONE;
	default:
		return VERDICT_UNHANDLED;
	}
}

const struct analyzer analyzer_icmp6 = {
	.name = "icmp6",
	.match = {.layer = LAYER_ICMP6},
	.records = {REC_IP, REC_RO, REC_US},
	.run = icmp6_run,
};
