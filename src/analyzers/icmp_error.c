/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "icmp_error.h"

#include <passer/ledger/hosts.h>

#define PORT_DNS 53

static const struct warnings no_warnings;

void emit_dead(const struct pkt *pkt, struct analyzer_ctx *ctx, const struct pkt *quoted,
               const char *why)
{
	emit_words(ctx, REC_IP, &quoted->dst, "IP", PROTO_PLAIN, "dead", why, no_warnings,
	           pkt->frame->time_ns);
}

void emit_router(const struct pkt *pkt, struct analyzer_ctx *ctx, const struct addr *router,
                 const char *proto, const char *prefix)
{
	char client[ADDR_TEXT_SIZE];

	addr_format(&pkt->dst, client);
	record_begin(&ctx->rec, REC_RO, router, proto, PROTO_PLAIN, pkt->frame->time_ns);
	text_add(&ctx->rec.state, "router");
	text_add(&ctx->rec.desc, prefix);
	text_add(&ctx->rec.desc, "client_ip=");
	text_add(&ctx->rec.desc, client);
	emit(ctx);
}

void emit_closed_port(const struct pkt *pkt, struct analyzer_ctx *ctx, const struct pkt *quoted)
{
	if (quoted->sport == PORT_DNS &&
	    host_is_dns_server(ctx->ledger, &quoted->src, pkt->frame->time_ns)) {
		return;
	}
	emit_words(ctx, REC_US, &quoted->dst, "UDP_", quoted->dport, "closed", "port unreachable",
	           no_warnings, pkt->frame->time_ns);
}
