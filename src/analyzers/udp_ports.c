/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * UDP signatures that stand before the analyzers of protocols: what ports and addresses tell of
 * every packet, and the few rows that end one at once.
 */
#include "udp_stage.h"

static enum verdict udp_ports_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	udp_stage_run(pkt, ctx, UDP_STAGE_ALWAYS);
	return udp_stage_run(pkt, ctx, UDP_STAGE_EARLY);
}

const struct analyzer analyzer_udp_ports = {
	.name = "udp_ports",
	.match = {.layer = LAYER_UDP},
	.records = {REC_US, REC_UC, REC_RO},
	.run = udp_ports_run,
};
