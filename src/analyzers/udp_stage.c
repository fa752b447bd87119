/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "udp_stage.h"

static struct udp_packet packet_of(const struct pkt *pkt)
{
	enum cast cast = pkt_cast(pkt);

	return (struct udp_packet){
		.src = pkt->src,
		.dst = pkt->dst,
		.sport = pkt->sport,
		.dport = pkt->dport,
		.ttl = pkt->ttl,
		.is_broadcast = cast == CAST_BROADCAST,
		.is_multicast = cast == CAST_MULTICAST,
		.is_mac_broadcast = pkt->has_mac && mac_is_broadcast(&pkt->dmac),
		.lacks_payload =
			pkt->payload.len == 0 && pkt->ip_payload_wire > pkt->ip_payload.len,
		.payload = pkt->payload,
	};
}

static void say(const struct udp_rule *rule, const struct udp_packet *packet,
                struct analyzer_ctx *ctx, uint64_t time_ns)
{
	static const enum record_type types[] = {
		[UDP_RECORD_CLIENT] = REC_UC,
		[UDP_RECORD_SERVER] = REC_US,
		[UDP_RECORD_ROUTER] = REC_RO,
	};
	int32_t number = rule->proto_port == UDP_SIDE_SRC   ? packet->sport
	                 : rule->proto_port == UDP_SIDE_DST ? packet->dport
	                                                    : PROTO_PLAIN;

	if (rule->record == UDP_RECORD_NONE) {
		return;
	}
	record_begin(&ctx->rec, types[rule->record], &packet->src, rule->proto, number, time_ns);
	text_add(&ctx->rec.state, rule->state);
	udp_rule_describe(rule, packet, &ctx->rec.desc, &ctx->rec.warnings);
	emit(ctx);
}

enum verdict udp_stage_run(const struct pkt *pkt, struct analyzer_ctx *ctx, enum udp_stage stage)
{
	const struct udp_packet packet = packet_of(pkt);
	const struct udp_rule *rule;
	struct udp_walk walk;

	udp_walk_begin(&walk, ctx->db->udp_rules, stage, &packet);
	while ((rule = udp_walk_next(&walk)) != NULL) {
		say(rule, &packet, ctx, pkt->frame->time_ns);
		if (rule->ends_walk) {
			return rule->is_unhandled ? VERDICT_UNHANDLED : VERDICT_DONE;
		}
	}
	return VERDICT_PASSED;
}
