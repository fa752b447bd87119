/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An analyzer that does what a packet tells it, harm, to see what becomes of the sensor. It is in
 * the table of builds with -Dfaults=true only; control/faults.h has the words.
 */
#include <passer/analyzers/analyzer.h>

static enum verdict fault_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	if (ctx->fault != NULL) {
		ctx->fault(pkt->frame);
	}
	return VERDICT_PASSED;
}

const struct analyzer analyzer_fault = {
	.name = "fault",
	.match = {.layer = MATCH_ALL_LAYERS},
	.run = fault_run,
};
