/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ICMP (RFC 792): live hosts, dead hosts, closed UDP ports, routers. Numbers of types and codes are
 * those of the IANA registry "ICMP Parameters".
 */
#include "icmp_error.h"

enum {
	ECHO_REPLY = 0,
	UNREACHABLE = 3,
	REDIRECT = 5,
	ECHO_REQUEST = 8,
	ROUTER_ADVERTISEMENT = 9,
	TIME_EXCEEDED = 11,
};

enum { TTL_EXCEEDED_IN_TRANSIT = 0, REDIRECT_CODE_MAX = 3 };

struct icmp_msg {
	uint8_t type, code;
	struct addr gateway; /* of a redirect */
	struct span body;    /* behind the eight bytes of the header */
};

static bool icmp_parse(struct cursor c, struct icmp_msg *m)
{
	m->type = cur_u8(&c);
	m->code = cur_u8(&c);
	cur_skip(&c, 2);
	m->gateway = addr_of(cur_take(&c, 4));
	m->body = cur_rest(&c);
	return cur_ok(&c);
}

/* What a destination unreachable with this code says. */
struct unreachable_row {
	const char *dead;   /* the quoted destination is dead, and why */
	const char *router; /* protocol column of the sender as a router */
	bool is_port;       /* a quoted UDP port is closed */
	bool is_known;
};

static const struct unreachable_row unreachable_rows[] = {
	[0] = {.dead = "net unreachable", .router = "NetUn", .is_known = true},
	[1] = {.dead = "host unreachable", .router = "HostUn", .is_known = true},
	[2] = {.router = "ProtoUn", .is_known = true},
	[3] = {.is_port = true, .is_known = true},
	[4] = {.is_known = true}, /* fragmentation needed: says nothing of a host */
	[6] = {.dead = "net unknown", .is_known = true},
	[7] = {.dead = "host unknown", .is_known = true},
	/* refused by policy: network, host, TOS of each, communication */
	[9] = {.is_port = true, .is_known = true},
	[10] = {.is_port = true, .is_known = true},
	[11] = {.is_port = true, .is_known = true},
	[12] = {.is_port = true, .is_known = true},
	[13] = {.is_port = true, .is_known = true},
};

static const struct unreachable_row *find_unreachable(uint8_t code)
{
	if (code >= sizeof(unreachable_rows) / sizeof(unreachable_rows[0])) {
		return NULL;
	}
	return unreachable_rows[code].is_known ? &unreachable_rows[code] : NULL;
}

static enum verdict on_unreachable(const struct pkt *pkt, const struct icmp_msg *m,
                                   struct analyzer_ctx *ctx)
{
	const struct unreachable_row *row = find_unreachable(m->code);
	struct pkt quoted;

	if (row == NULL || !pkt_decode_quoted(&quoted, m->body) || quoted.src.family != ADDR_V4) {
		return VERDICT_UNHANDLED;
	}
	if (row->dead != NULL) {
		emit_dead(pkt, ctx, &quoted, row->dead);
	}
	if (row->router != NULL) {
		emit_router(pkt, ctx, &pkt->src, row->router, "");
	}
	if (row->is_port && quoted.layer == LAYER_UDP) {
		emit_closed_port(pkt, ctx, &quoted);
	}
	return VERDICT_DONE;
}

static enum verdict on_redirect(const struct pkt *pkt, const struct icmp_msg *m,
                                struct analyzer_ctx *ctx)
{
	struct pkt quoted;

	if (m->code > REDIRECT_CODE_MAX || !pkt_decode_quoted(&quoted, m->body) ||
	    quoted.src.family != ADDR_V4) {
		return VERDICT_UNHANDLED;
	}
	emit_router(pkt, ctx, &pkt->src, "Redirect", "attempted_router ");
	emit_router(pkt, ctx, &m->gateway, "Redirect", "recommended_router ");
	return VERDICT_DONE;
}

static struct warnings two_warnings(enum warning first, enum warning second)
{
	struct warnings w = {{0}};

	warnings_add(&w, first);
	if (second != WARN_NONE) {
		warnings_add(&w, second);
	}
	return w;
}

static void emit_live(const struct pkt *pkt, struct analyzer_ctx *ctx, const char *how,
                      struct warnings warnings)
{
	emit_words(ctx, REC_IP, &pkt->src, "IP", PROTO_PLAIN, "live", how, warnings,
	           pkt->frame->time_ns);
}

static void on_echo_request(const struct pkt *pkt, const struct icmp_msg *m,
                            struct analyzer_ctx *ctx)
{
	bool is_oping = span_contains(m->body, span_str("liboping -- ICMP ping library"));

	emit_live(pkt, ctx,
	          is_oping ? "oping icmp echo request scanner" : "icmp echo request scanner",
	          two_warnings(WARN_SCAN, WARN_NONE));
}

/* Deprecated by RFC 6918 or reserved: nobody sends these but who tries out others. */
static const char *odd_type_text(uint8_t type)
{
	if (type == 6 || (type >= 15 && type <= 18) || (type >= 30 && type <= 39)) {
		return "Deprecated ICMP type scanner";
	}
	return type >= 44 && type <= 252 ? "Reserved ICMP type scanner" : NULL;
}

static enum verdict on_odd_type(const struct pkt *pkt, const struct icmp_msg *m,
                                struct analyzer_ctx *ctx)
{
	const char *text = odd_type_text(m->type);

	if (text == NULL) {
		return VERDICT_UNHANDLED;
	}
	emit_words(ctx, REC_IP, &pkt->src, "ICMP_type_", m->type, "open", text,
	           two_warnings(WARN_NONCOMPLIANT, WARN_SCAN), pkt->frame->time_ns);
	return VERDICT_DONE;
}

static enum verdict icmp_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct icmp_msg m;

	if (!icmp_parse(cur_of(pkt->payload), &m)) {
		return VERDICT_UNHANDLED;
	}
	switch (m.type) {
	case ECHO_REPLY:
		emit_live(pkt, ctx, "icmp echo reply", (struct warnings){{0}});
		return VERDICT_DONE;
	case UNREACHABLE:
		return on_unreachable(pkt, &m, ctx);
	case REDIRECT:
		return on_redirect(pkt, &m, ctx);
	case ECHO_REQUEST:
		on_echo_request(pkt, &m, ctx);
		return VERDICT_DONE;
	case ROUTER_ADVERTISEMENT:
		emit_words(ctx, REC_RO, &pkt->src, "RouterAdv", PROTO_PLAIN, "router", "",
		           (struct warnings){{0}}, pkt->frame->time_ns);
		return VERDICT_DONE;
	case TIME_EXCEEDED:
		if (m.code != TTL_EXCEEDED_IN_TRANSIT) {
			return VERDICT_UNHANDLED;
		}
		emit_router(pkt, ctx, &pkt->src, "TTLEx", "");
		return VERDICT_DONE;
	default:
		return on_odd_type(pkt, &m, ctx);
	}
}

const struct analyzer analyzer_icmp = {
	.name = "icmp",
	.match = {.layer = LAYER_ICMP},
	.records = {REC_IP, REC_RO, REC_US},
	.run = icmp_run,
};
