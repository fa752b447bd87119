/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ethernet: an IP packet whose source is the broadcast address, which no station has. */
#include <passer/analyzers/analyzer.h>

static enum verdict ethernet_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	if (pkt->has_mac && pkt->src.family != ADDR_NONE && mac_is_broadcast(&pkt->smac)) {
		emit_words(ctx, REC_IP, &pkt->src, "Broadcast_source_mac", PROTO_PLAIN, "open",
		           "Source mac address is broadcast",
		           (struct warnings){{WARN_NONCOMPLIANT}}, pkt->frame->time_ns);
	}
	return VERDICT_PASSED;
}

const struct analyzer analyzer_ethernet = {
	.name = "ethernet",
	.match = {.layer = MATCH_ALL_LAYERS},
	.records = {REC_IP},
	.run = ethernet_run,
};
