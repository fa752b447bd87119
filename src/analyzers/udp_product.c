/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Products of UDP servers, by the patterns of nmap about what they answer.
 *
 * UDP has no handshake that tells the server from the client, and a wrong product is worse than
 * none. So only whole datagrams to one host are looked at, from a port that a probe lists, and only
 * when a client asked that port before or when the ports leave no doubt.
 */
#include "udp_emit.h"

#include <passer/ledger/services.h>

#define PORT_SYSTEM_END 1024 /* RFC 6335, section 6: System Ports are below */

/* A pattern says what stands at the end of a datagram, too: a part of one matches by accident. */
static bool is_whole(const struct pkt *pkt)
{
	return pkt->payload.len > 0 && !pkt->is_fragment &&
	       pkt->ip_payload.len == pkt->ip_payload_wire;
}

static bool is_listed(const struct analyzer_ctx *ctx, uint16_t port)
{
	return service_lists(ctx->products, PROBE_UDP, port);
}

static bool is_answer(const struct pkt *pkt, const struct endpoint *src, struct analyzer_ctx *ctx)
{
	return is_listed(ctx, pkt->sport) &&
	       ((pkt->sport < PORT_SYSTEM_END && pkt->dport >= PORT_SYSTEM_END) ||
	        service_has(ctx->ledger, src, SERVICE_GOT_DATAGRAM, pkt->frame->time_ns));
}

/* Clients send from a high port, or from the same one: the lists hold ports of clients, too. */
static bool is_question(const struct pkt *pkt, const struct analyzer_ctx *ctx)
{
	return pkt->sport >= pkt->dport && is_listed(ctx, pkt->dport);
}

static void identify(const struct pkt *pkt, const struct endpoint *src, struct analyzer_ctx *ctx)
{
	uint64_t time_ns = pkt->frame->time_ns;
	enum service_match match;
	struct record *rec;

	if (!service_may_identify(ctx->ledger, src, time_ns)) {
		return;
	}
	rec = udp_begin_server(ctx, pkt);
	match = service_match(ctx->products, PROBE_UDP, pkt->sport, pkt->payload, &rec->desc);
	if (match == SERVICE_MATCH_PRODUCT) {
		service_identified(ctx->ledger, src, time_ns);
	}
	if (match != SERVICE_MATCH_NONE) {
		emit(ctx);
	}
}

static enum verdict udp_product_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	const struct endpoint src = {pkt->src, pkt->sport, TRANSPORT_UDP};
	const struct endpoint dst = {pkt->dst, pkt->dport, TRANSPORT_UDP};

	if (ctx->products == NULL || !is_whole(pkt) || pkt_cast(pkt) != CAST_NONE) {
		return VERDICT_PASSED;
	}
	if (is_answer(pkt, &src, ctx)) {
		identify(pkt, &src, ctx);
	} else if (is_question(pkt, ctx)) {
		service_claim(ctx->ledger, &dst, SERVICE_GOT_DATAGRAM, pkt->frame->time_ns);
	}
	return VERDICT_PASSED;
}

const struct analyzer analyzer_udp_product = {
	.name = "udp_product",
	.match = {.layer = LAYER_UDP},
	.records = {REC_US},
	.run = udp_product_run,
};
