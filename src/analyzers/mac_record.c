/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/analyzers/mac_record.h>
#include <passer/ledger/hosts.h>

void emit_mac(struct analyzer_ctx *ctx, const struct addr *addr, const struct mac *mac,
              uint64_t time_ns)
{
	char text[MAC_TEXT_SIZE];

	if (addr->family == ADDR_V6 && addr_is_unspecified(addr)) {
		return;
	}
	if (!host_mac_is_new(ctx->ledger, addr, mac, time_ns)) {
		ctx->counters->offered++;
		ctx->counters->known++;
		return;
	}
	mac_format(mac, text);
	record_begin(&ctx->rec, REC_MA, addr, "Ethernet", PROTO_PLAIN, time_ns);
	text_add(&ctx->rec.state, text);
	text_add_clean(&ctx->rec.desc, span_str(oui_find(ctx->db->oui, mac)));
	ctx->rec.is_change = true;
	emit(ctx);
}
