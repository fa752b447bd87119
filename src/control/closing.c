/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "closing.h"

#include <passer/base/log.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The words are the description here, so that the record makes nobody suspicious once more. */
static void emit_suspect(struct analyzer_ctx *ctx, const struct suspect *suspect, uint64_t time_ns)
{
	struct text *desc = &ctx->rec.desc;

	record_begin(&ctx->rec, REC_IP, &suspect->addr, "IP", PROTO_PLAIN, time_ns);
	text_add(&ctx->rec.state, "suspicious");
	geo_describe(ctx->db->geo, &suspect->addr, desc);
	ctx->rec.has_place = true;
	text_add(desc, desc->len > 0 ? " " : "");
	for (unsigned i = 0; i < suspect->word_count; i++) {
		text_add(desc, i == 0 ? "Warnings:" : ":");
		text_add(desc, warning_name((enum warning)suspect->words[i]));
	}
	emit(ctx);
}

int closing_run(const struct closing *closing, struct err *err)
{
	struct analyzer_ctx *ctx = closing->ctx;
	struct suspect *list;
	size_t count;
	int ret = suspects_list(ctx->ledger->suspects, &list, &count);

	if (ret < 0) {
		return err_set(err, ret, "suspicious hosts: %s", strerror(-ret));
	}
	for (size_t i = 0; i < count; i++) {
		emit_suspect(ctx, &list[i], closing->time_ns);
	}
	(void)csv_flush(ctx->csv); /* what fails is told by it */
	if (count > 0) {
		ret = host_files_save_suspicious(closing->files, ctx->db->trusted, list, count,
		                                 err);
	}
	free(list);
	return ret;
}
