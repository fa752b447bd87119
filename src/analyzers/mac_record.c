/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/analyzers/mac_record.h>
#include <passer/ledger/hosts.h>

/* RFC 9542, section 2.1: the bit that says that no registry gave the address. */
#define LOCALLY_ADMINISTERED 0x02

/* The maker; with --mac-notes, what is known of an address that has none. */
static void describe(struct analyzer_ctx *ctx, const struct mac *mac)
{
	const char *maker = oui_find(ctx->db->oui, mac);
	bool is_local = (mac->bytes[0] & LOCALLY_ADMINISTERED) != 0;

	text_add_clean(&ctx->rec.desc, span_str(maker));
	if (maker[0] == '\0' && is_local && ctx->options->wants_mac_notes) {
		text_add(&ctx->rec.desc, "locally administered");
	}
}

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
	describe(ctx, mac);
	ctx->rec.is_change = true;
	emit(ctx);
}
