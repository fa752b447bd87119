/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Protocols above IP that have no ports: tunnels, IPsec, and the routing protocols that only
 * routers speak. What a tunnel carries is analysed as a packet of its own.
 */
#include <passer/analyzers/analyzer.h>

#define IPV4_PROTO_IPIP 4
#define MARKER          "this is not an attack" /* behind the inner header: a scanner for tunnels */

/* One fact about the source or the destination of a packet of this protocol. */
struct proto_row {
	uint8_t ip_proto;
	enum record_type record;
	bool is_about_dst;
	const char *proto;
	int32_t number;
	const char *state;
	const char *desc;
	enum warning warning;
	struct addr group_v4, group_v6; /* only when sent to this address; ADDR_NONE: to any */
};

#define TUNNEL_ROW(proto_, type, to_dst, text)                                          \
	{                                                                               \
		.ip_proto = (proto_), .record = (type), .is_about_dst = (to_dst),       \
		.proto = "PROTO_", .number = (proto_), .state = "open", .desc = (text), \
		.warning = WARN_TUNNEL                                                  \
	}
#define ROUTER_ROW(proto_, name, v4, v6)                                                        \
	{                                                                                       \
		.ip_proto = (proto_), .record = REC_RO, .proto = (name), .number = PROTO_PLAIN, \
		.state = "router", .desc = "", .group_v4 = {{224, 0, 0, (v4)}, ADDR_V4},        \
		.group_v6 = {                                                                   \
			{0xff, 2, [15] = (v6)},                                                 \
			ADDR_V6                                                                 \
		}                                                                               \
	}

/* clang-format off */
static const struct proto_row rows[] = {
	TUNNEL_ROW(47, REC_PC, false, "gre/client"),
	TUNNEL_ROW(50, REC_PC, false, "ipsec-esp/client"),
	TUNNEL_ROW(50, REC_PS, true,  "ipsec-esp/server unconfirmed"),
	TUNNEL_ROW(51, REC_PC, false, "ipsec-ah/client"),
	TUNNEL_ROW(51, REC_PS, true,  "ipsec-ah/server unconfirmed"),
	ROUTER_ROW(88,  "EIGRP", 10, 0x0a), /* RFC 7868 section 2.1 */
	ROUTER_ROW(89,  "OSPF",   5, 0x05), /* RFC 2328 appendix A.1, RFC 5340 appendix A.1 */
	ROUTER_ROW(112, "VRRP",  18, 0x12), /* RFC 9568 section 5.1 */
};
/* clang-format on */

static bool is_for(const struct proto_row *row, const struct pkt *pkt)
{
	const struct addr *group = pkt->dst.family == ADDR_V4 ? &row->group_v4 : &row->group_v6;

	return row->ip_proto == pkt->ip_proto &&
	       (group->family == ADDR_NONE || addr_equal(group, &pkt->dst));
}

static enum verdict on_ipip(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct warnings warnings = {{WARN_TUNNEL}};
	struct pkt inner;

	if (!pkt_decode_quoted(&inner, pkt->payload) || inner.src.family != ADDR_V4) {
		return VERDICT_UNHANDLED;
	}
	if (span_equal(inner.ip_payload, span_str(MARKER))) {
		warnings_add(&warnings, WARN_SCAN);
	}
	emit_words(ctx, REC_IP, &pkt->src, "ipencap", PROTO_PLAIN, "open", "ipencap/client",
	           warnings, pkt->frame->time_ns);
	return VERDICT_DONE;
}

/* Each fragment names the protocol, so that later ones tell as much as the first one. */
static enum verdict ip_proto_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	enum verdict verdict = VERDICT_UNHANDLED;

	if (pkt->ip_proto == IPV4_PROTO_IPIP) {
		return pkt->fragment_offset == 0 ? on_ipip(pkt, ctx) : VERDICT_UNHANDLED;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct proto_row *row = &rows[i];

		if (is_for(row, pkt)) {
			emit_words(ctx, row->record, row->is_about_dst ? &pkt->dst : &pkt->src,
			           row->proto, row->number, row->state, row->desc,
			           (struct warnings){{(uint8_t)row->warning}}, pkt->frame->time_ns);
			verdict = VERDICT_DONE;
		}
	}
	return verdict;
}

const struct analyzer analyzer_ip_proto = {
	.name = "ip_proto",
	.match = {.layer = LAYER_IP},
	.records = {REC_IP, REC_PC, REC_PS, REC_RO},
	.run = ip_proto_run,
};
