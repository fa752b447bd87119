/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/analyzers/analyzer.h>
#include <passer/base/clock.h>
#include <passer/ledger/seen.h>
#include <passer/ledger/suspects.h>

/* A name record says nothing without its name, or a text about what has none. */
static bool is_sayable(const struct record *rec)
{
	return rec->addr.family != ADDR_NONE &&
	       (rec->type != REC_DN || rec->state.len > 0 || rec->desc.len > 0);
}

/* Whom a record warns of is suspicious, even when the line was printed before. */
static void note_suspect(const struct analyzer_ctx *ctx)
{
	const struct record *rec = &ctx->rec;
	const struct addr_set *trusted = ctx->db->trusted;

	if (rec->warnings.words[0] != WARN_NONE &&
	    (trusted == NULL || !addr_set_has(trusted, &rec->addr))) {
		suspects_note(ctx->ledger->suspects, &rec->addr, &rec->warnings);
	}
}

/* No part of the fact, which stays the same when a newer database knows better. */
static void add_place(struct analyzer_ctx *ctx)
{
	if (!ctx->rec.has_place) {
		geo_describe(ctx->db->geo, &ctx->rec.addr, &ctx->rec.desc);
	}
}

/* One more record of its type in its second? */
static bool is_within_rate(struct record_rate *rate, const struct record *rec)
{
	uint64_t second = rec->time_ns / NS_PER_S;

	if (rate->max == 0) {
		return true;
	}
	if (rate->second[rec->type] != second) {
		rate->second[rec->type] = second;
		rate->printed[rec->type] = 0;
	}
	return rate->printed[rec->type]++ < rate->max;
}

/* Counts why not. */
static bool may_print(struct analyzer_ctx *ctx)
{
	if (!is_within_rate(&ctx->rate, &ctx->rec)) {
		ctx->counters->limited_by_type[ctx->rec.type]++;
		return false;
	}
	if (csv_is_full(ctx->csv)) {
		ctx->counters->unwritten++;
		return false;
	}
	return true;
}

static void print(struct analyzer_ctx *ctx)
{
	ctx->counters->printed++;
	ctx->counters->printed_by_type[ctx->rec.type]++;
	add_place(ctx);
	csv_write(ctx->csv, &ctx->rec);
}

static struct table_key fact_of(const struct analyzer_ctx *ctx)
{
	const struct hash_key *key = &ctx->ledger->key;

	return (struct table_key){
		.hash = record_hash(&ctx->rec, key),
		.home = ledger_home(key, &ctx->rec.addr),
	};
}

void emit(struct analyzer_ctx *ctx)
{
	const struct record *rec = &ctx->rec;
	bool is_once = !rec->is_change && record_same(rec->type) != RECORD_SAME_NEVER;
	struct table_key fact = {.hash = 0};

	ctx->counters->offered++;
	if (!is_sayable(rec)) {
		ctx->counters->invalid++;
		return;
	}
	note_suspect(ctx);
	if ((ctx->selection->records >> rec->type & 1) == 0) {
		ctx->counters->suppressed++;
		return;
	}
	if (is_once) {
		fact = fact_of(ctx);
	}
	if (is_once && !seen_is_new(ctx->ledger, fact, rec->time_ns)) {
		ctx->counters->known++;
	} else if (may_print(ctx)) {
		print(ctx);
	} else if (is_once) {
		seen_forget(ctx->ledger, fact, rec->time_ns);
	}
}

void emit_words(struct analyzer_ctx *ctx, enum record_type type, const struct addr *addr,
                const char *proto, int32_t number, const char *state, const char *desc,
                struct warnings warnings, uint64_t time_ns)
{
	record_begin(&ctx->rec, type, addr, proto, number, time_ns);
	text_add(&ctx->rec.state, state);
	text_add(&ctx->rec.desc, desc);
	ctx->rec.warnings = warnings;
	emit(ctx);
}
