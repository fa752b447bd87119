/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UDP signatures for the packets that no analyzer of a protocol wanted. */
#include "udp_stage.h"

static enum verdict udp_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	return udp_stage_run(pkt, ctx, UDP_STAGE_LATE);
}

const struct analyzer analyzer_udp = {
	.name = "udp",
	.match = {.layer = LAYER_UDP},
	.records = {REC_US, REC_UC, REC_RO},
	.run = udp_run,
};
