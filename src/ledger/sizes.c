/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/shm.h>
#include <passer/ledger/names.h>
#include <passer/ledger/sizes.h>
#include <passer/ledger/suspects.h>
#include <passer/ledger/table.h>

#define CAPACITY_MAX (UINT64_C(1) << 30) /* of any table */

#define ONE            false
#define ONE_PER_WORKER true

static const struct {
	const char *name;
	size_t usual, fewest;
	bool is_per_worker;
} rows[] = {
#define LEDGER_TABLE(name, usual, fewest, is_per_worker) {#name, usual, fewest, is_per_worker},
#include "tables.def"
#undef LEDGER_TABLE
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) == LEDGER_TABLE_COUNT, "a row for each table");

#define LEDGER_TABLE(name, usual, fewest, is_per_worker)                                 \
	_Static_assert(((usual) & ((usual)-1)) == 0 && ((fewest) & ((fewest)-1)) == 0 && \
	                       (fewest) <= (usual),                                      \
	               #name ": powers of two");
#include "tables.def"
#undef LEDGER_TABLE

struct ledger_sizes ledger_sizes_default(void)
{
	struct ledger_sizes sizes;

	for (int i = 0; i < LEDGER_TABLE_COUNT; i++) {
		sizes.capacities[i] = rows[i].usual;
	}
	return sizes;
}

static struct ledger_sizes fewest(void)
{
	struct ledger_sizes sizes;

	for (int i = 0; i < LEDGER_TABLE_COUNT; i++) {
		sizes.capacities[i] = rows[i].fewest;
	}
	return sizes;
}

const char *ledger_table_name(enum ledger_table table)
{
	return rows[table].name;
}

uint64_t ledger_table_bytes(enum ledger_table table, size_t capacity)
{
	switch (table) {
	case LEDGER_NAMES:
		return shm_whole_pages(names_bytes(capacity));
	case LEDGER_SUSPECTS:
		return shm_whole_pages(suspects_bytes(capacity));
	default:
		return shm_whole_pages(table_bytes(capacity));
	}
}

unsigned ledger_table_copies(enum ledger_table table, unsigned workers)
{
	return rows[table].is_per_worker ? workers : 1;
}

uint64_t ledger_sizes_bytes(const struct ledger_sizes *sizes, unsigned workers)
{
	uint64_t sum = 0;

	for (int i = 0; i < LEDGER_TABLE_COUNT; i++) {
		enum ledger_table table = (enum ledger_table)i;

		sum += ledger_table_bytes(table, sizes->capacities[i]) *
		       ledger_table_copies(table, workers);
	}
	return sum;
}

uint64_t ledger_sizes_least(unsigned workers)
{
	struct ledger_sizes sizes = fewest();

	return ledger_sizes_bytes(&sizes, workers);
}

/* Is table a smaller beside its default than table b? */
static bool is_behind(const struct ledger_sizes *sizes, int a, int b)
{
	return (uint64_t)sizes->capacities[a] * rows[b].usual <
	       (uint64_t)sizes->capacities[b] * rows[a].usual;
}

/* Doubles those that are furthest behind, in the order of rows, as far as they fit. */
static bool grow(struct ledger_sizes *sizes, uint64_t bytes, unsigned workers)
{
	const struct ledger_sizes before = *sizes;
	bool has_grown = false;
	int last = 0;

	for (int i = 1; i < LEDGER_TABLE_COUNT; i++) {
		last = is_behind(&before, i, last) ? i : last;
	}
	for (int i = 0; i < LEDGER_TABLE_COUNT; i++) {
		struct ledger_sizes larger = *sizes;

		larger.capacities[i] *= 2;
		if (!is_behind(&before, last, i) && larger.capacities[i] <= CAPACITY_MAX &&
		    ledger_sizes_bytes(&larger, workers) <= bytes) {
			*sizes = larger;
			has_grown = true;
		}
	}
	return has_grown;
}

bool ledger_sizes_fit(uint64_t bytes, unsigned workers, struct ledger_sizes *out_sizes)
{
	if (bytes < ledger_sizes_least(workers)) {
		return false;
	}
	*out_sizes = fewest();
	while (grow(out_sizes, bytes, workers)) {
	}
	return true;
}
