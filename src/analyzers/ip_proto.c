/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Protocols above IP that have no ports: tunnels, IPsec, and the routing protocols that only
 * routers speak. What a tunnel carries is analysed as a packet of its own.
 */
#include <passer/analyzers/analyzer.h>

#define IPV4_PROTO_IPIP 4
#define MARKER          "this is not an attack" /* of a scanner that looks for open tunnels */

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
	const char *group_v4, *group_v6; /* only when sent to this address; NULL: to any */
};

static const struct proto_row rows[] = {
	{.ip_proto = 47,
         .record = REC_PC,
         .proto = "PROTO_",
         .number = 47,
         .state = "open",
         .desc = "gre/client",
         .warning = WARN_TUNNEL},
	{.ip_proto = 50,
         .record = REC_PC,
         .proto = "PROTO_",
         .number = 50,
         .state = "open",
         .desc = "ipsec-esp/client",
         .warning = WARN_TUNNEL},
	{.ip_proto = 50,
         .record = REC_PS,
         .is_about_dst = true,
         .proto = "PROTO_",
         .number = 50,
         .state = "open",
         .desc = "ipsec-esp/server unconfirmed",
         .warning = WARN_TUNNEL},
	{.ip_proto = 51,
         .record = REC_PC,
         .proto = "PROTO_",
         .number = 51,
         .state = "open",
         .desc = "ipsec-ah/client",
         .warning = WARN_TUNNEL},
	{.ip_proto = 51,
         .record = REC_PS,
         .is_about_dst = true,
         .proto = "PROTO_",
         .number = 51,
         .state = "open",
         .desc = "ipsec-ah/server unconfirmed",
         .warning = WARN_TUNNEL},
	/* RFC 7868 section 2.1, RFC 2328 appendix A.1 and RFC 5340, RFC 9568 section 5.1 */
	{.ip_proto = 88,
         .record = REC_RO,
         .proto = "EIGRP",
         .number = PROTO_PLAIN,
         .state = "router",
         .desc = "",
         .group_v4 = "224.0.0.10",
         .group_v6 = "ff02::a"},
	{.ip_proto = 89,
         .record = REC_RO,
         .proto = "OSPF",
         .number = PROTO_PLAIN,
         .state = "router",
         .desc = "",
         .group_v4 = "224.0.0.5",
         .group_v6 = "ff02::5"},
	{.ip_proto = 112,
         .record = REC_RO,
         .proto = "VRRP",
         .number = PROTO_PLAIN,
         .state = "router",
         .desc = "",
         .group_v4 = "224.0.0.18",
         .group_v6 = "ff02::12"},
};

static bool is_for(const struct proto_row *row, const struct pkt *pkt)
{
	const char *group = pkt->dst.family == ADDR_V4 ? row->group_v4 : row->group_v6;
	struct addr addr;

	if (row->ip_proto != pkt->ip_proto) {
		return false;
	}
	return group == NULL || (addr_parse(group, &addr) && addr_equal(&addr, &pkt->dst));
}

/* The marker stands behind the inner IPv4 header. */
static bool has_marker(const struct pkt *pkt)
{
	struct pkt inner;

	return pkt_decode_quoted(&inner, pkt->payload) &&
	       span_equal(inner.ip_payload, span_str(MARKER));
}

static enum verdict on_ipip(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct warnings warnings = {{WARN_TUNNEL}};
	struct pkt inner;

	if (!pkt_decode_quoted(&inner, pkt->payload) || inner.src.family != ADDR_V4) {
		return VERDICT_UNHANDLED;
	}
	if (has_marker(pkt)) {
		warnings_add(&warnings, WARN_SCAN);
	}
	emit_words(ctx, REC_IP, &pkt->src, "ipencap", PROTO_PLAIN, "open", "ipencap/client",
	           warnings, pkt->frame->time_ns);
	return VERDICT_DONE;
}

static enum verdict ip_proto_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	enum verdict verdict = VERDICT_UNHANDLED;

	if (pkt->fragment_offset != 0) {
		return VERDICT_UNHANDLED;
	}
	if (pkt->ip_proto == IPV4_PROTO_IPIP) {
		return on_ipip(pkt, ctx);
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
