/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * LLMNR (RFC 4795): queries, and whatever else is sent to its port, make no record. They are taken
 * here so that they are not mistaken for something that no analyzer knows by its port alone.
 */
#include "dns_message.h"

#include <passer/analyzers/analyzer.h>

#define PORT_LLMNR 5355

static enum verdict llmnr_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct cursor c = cur_of(pkt->payload);
	struct dns_header header;
	bool is_query = dns_header_parse(&c, &header) && !header.is_response;

	(void)ctx;
	return is_query || pkt->dport == PORT_LLMNR ? VERDICT_UNHANDLED : VERDICT_PASSED;
}

const struct analyzer analyzer_llmnr = {
	.name = "llmnr",
	.match = {.layer = LAYER_UDP, .ports = {PORT_LLMNR}},
	.run = llmnr_run,
};
