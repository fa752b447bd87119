/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "udp_emit.h"

static struct record *begin(struct analyzer_ctx *ctx, const struct pkt *pkt, enum record_type type,
                            uint16_t port)
{
	record_begin(&ctx->rec, type, &pkt->src, "UDP_", port, pkt->frame->time_ns);
	text_add(&ctx->rec.state, "open");
	return &ctx->rec;
}

struct record *udp_begin_client(struct analyzer_ctx *ctx, const struct pkt *pkt)
{
	return begin(ctx, pkt, REC_UC, pkt->dport);
}

struct record *udp_begin_server(struct analyzer_ctx *ctx, const struct pkt *pkt)
{
	return begin(ctx, pkt, REC_US, pkt->sport);
}

void udp_emit_client(struct analyzer_ctx *ctx, const struct pkt *pkt, const char *desc,
                     struct warnings warnings)
{
	emit_words(ctx, REC_UC, &pkt->src, "UDP_", pkt->dport, "open", desc, warnings,
	           pkt->frame->time_ns);
}

void udp_emit_server(struct analyzer_ctx *ctx, const struct pkt *pkt, const char *desc,
                     struct warnings warnings)
{
	emit_words(ctx, REC_US, &pkt->src, "UDP_", pkt->sport, "open", desc, warnings,
	           pkt->frame->time_ns);
}

const char *udp_cast_word(const struct pkt *pkt)
{
	static const char *const words[] = {
		[CAST_NONE] = "",
		[CAST_BROADCAST] = "broadcast",
		[CAST_MULTICAST] = "multicast",
	};

	return words[pkt_cast(pkt)];
}
