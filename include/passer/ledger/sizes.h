/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How large the ledger's tables are. Their memory is mapped at the start; what is not
 * prefaulted is touched as it fills, so the bytes here are what they can grow to. The rows are in
 * src/ledger/tables.def.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ledger_table {
	LEDGER_FACTS,
	LEDGER_SERVICES,
	LEDGER_CLIENTS,
	LEDGER_REFUSALS,
	LEDGER_HOSTS,
	LEDGER_NAMES,
	LEDGER_SUSPECTS,
	LEDGER_FLOWS, /* not in struct ledger: each worker has its own */
	LEDGER_TABLE_COUNT
};

/* Entries that there is room for, by table; powers of two. */
struct ledger_sizes {
	size_t capacities[LEDGER_TABLE_COUNT];
};

struct ledger_sizes ledger_sizes_default(void);

const char *ledger_table_name(enum ledger_table table);

/* Of one table of its kind, in whole pages. */
uint64_t ledger_table_bytes(enum ledger_table table, size_t capacity);

/* How many tables of the kind there are. */
unsigned ledger_table_copies(enum ledger_table table, unsigned workers);

/* Of all tables of a sensor with so many workers. */
uint64_t ledger_sizes_bytes(const struct ledger_sizes *sizes, unsigned workers);

/* The fewest bytes with which a sensor can be made. */
uint64_t ledger_sizes_least(unsigned workers);

/*
 * The largest tables that all together take no more than so many bytes, in the proportions of the
 * default: of two of them, one may be twice as large as it should be beside the other, and those
 * that have their fewest entries larger still. False when that is less than ledger_sizes_least().
 */
bool ledger_sizes_fit(uint64_t bytes, unsigned workers, struct ledger_sizes *out_sizes);
