/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of analyzers, src/analyzers/analyzers.def, as an array, and the dispatch of packets. */
#pragma once

#include <passer/analyzers/analyzer.h>

#define ANALYZERS_MAX 32 /* a port's analyzers are bits of a 32-bit word */

struct analyzer_row {
	const struct analyzer *analyzer;
	const char *about; /* one line for --list-analyzers */
};

/* All rows in dispatch order; *out_count is set to their number. */
const struct analyzer_row *analyzer_rows(size_t *out_count);

/* Which analyzers want a packet; made once before the fork, in shared memory. */
struct dispatch;

/* The memory that it takes. */
size_t dispatch_bytes(void);

/* NULL with errno when memory runs out. */
struct dispatch *dispatch_new(void);
void dispatch_free(struct dispatch *dispatch);

/*
 * Runs an analyzer no more, in this process and in all that were forked since dispatch_new().
 */
void dispatch_switch_off(struct dispatch *dispatch, unsigned row);
bool dispatch_is_off(const struct dispatch *dispatch, unsigned row);

/*
 * Runs the analyzers of the packet's layer and ports, in table order, until one is done.
 * VERDICT_PASSED when there was none.
 */
enum verdict dispatch_run(const struct dispatch *dispatch, const struct pkt *pkt,
                          struct analyzer_ctx *ctx);
