/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --memory: the tables that fit, the least that does, and that no more is mapped than was planned.
 */
#include "control/memory.h"

#include <passer/ledger/flows.h>
#include <passer/ledger/ledger.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)

/* Shared memory without a file that this process has mapped. */
static uint64_t mapped(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	uint64_t sum = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		unsigned long from, to;
		char rights[8];

		if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 &&
		    strcmp(rights, "rw-s") == 0 && strstr(line, "/dev/zero") != NULL) {
			sum += to - from;
		}
	}
	fclose(maps);
	return sum;
}

static void check_mapped(const struct ledger_sizes *sizes)
{
	uint64_t before = mapped();
	struct ledger ledger;
	struct flows *flows;

	assert_int_equal(ledger_init_sized(&ledger, sizes), 0);
	flows = flows_new(sizes->capacities[LEDGER_FLOWS], &ledger.key);
	assert_non_null(flows);
	assert_int_equal(mapped() - before, ledger_sizes_bytes(sizes, 1));
	assert_true(table_counters(ledger.facts).capacity >= sizes->capacities[LEDGER_FACTS]);
	assert_int_equal(flows_counters(flows).capacity, sizes->capacities[LEDGER_FLOWS]);
	flows_free(flows);
	ledger_fini(&ledger);
	assert_int_equal(mapped(), before);
}

static void what_is_planned_is_mapped(void **state)
{
	struct ledger_sizes sizes = ledger_sizes_default();

	(void)state;
	check_mapped(&sizes);
	assert_true(ledger_sizes_fit(ledger_sizes_least(1), 1, &sizes));
	check_mapped(&sizes);
	assert_true(ledger_sizes_fit(50 * MIB, 1, &sizes));
	check_mapped(&sizes);
}

static unsigned log_2(uint64_t value)
{
	return 63 - (unsigned)__builtin_clzll(value);
}

/* Powers of two that fit; none that is grown is more than twice as large beside the others. */
static void check_fit(uint64_t bytes, unsigned workers)
{
	struct ledger_sizes sizes, usual = ledger_sizes_default(), least, larger;
	unsigned lowest = 64;

	assert_true(ledger_sizes_fit(ledger_sizes_least(workers), workers, &least));
	assert_true(ledger_sizes_fit(bytes, workers, &sizes));
	assert_true(ledger_sizes_bytes(&sizes, workers) <= bytes);
	for (int i = 0; i < LEDGER_TABLE_COUNT; i++) {
		unsigned level = 32 + log_2(sizes.capacities[i]) - log_2(usual.capacities[i]);

		assert_int_equal(sizes.capacities[i] & (sizes.capacities[i] - 1), 0);
		assert_true(sizes.capacities[i] >= least.capacities[i]);
		lowest = level < lowest ? level : lowest;
	}
	larger = sizes;
	for (int i = 0; i < LEDGER_TABLE_COUNT; i++) {
		unsigned level = 32 + log_2(sizes.capacities[i]) - log_2(usual.capacities[i]);

		assert_true(level <= lowest + 1 || sizes.capacities[i] == least.capacities[i]);
		larger.capacities[i] *= level == lowest ? 2 : 1;
	}
	assert_true(ledger_sizes_bytes(&larger, workers) > bytes);
}

static void the_largest_that_fit(void **state)
{
	static const unsigned workers[] = {1, 4, 64};

	(void)state;
	for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++) {
		uint64_t least = ledger_sizes_least(workers[i]);
		struct ledger_sizes sizes;

		assert_false(ledger_sizes_fit(0, workers[i], &sizes));
		assert_false(ledger_sizes_fit(least - 1, workers[i], &sizes));
		for (uint64_t bytes = least; bytes < 4096 * MIB; bytes += bytes / 7) {
			check_fit(bytes, workers[i]);
		}
	}
}

/* What the default comes to, given as a size, is the default. */
static void the_default_fits_itself(void **state)
{
	struct ledger_sizes sizes, usual = ledger_sizes_default();

	(void)state;
	assert_true(ledger_sizes_fit(ledger_sizes_bytes(&usual, 4), 4, &sizes));
	assert_memory_equal(&sizes, &usual, sizeof(sizes));
}

static void the_plan_keeps_to_the_option(void **state)
{
	struct options options = {.ring_bytes = 64 * MIB};
	struct memory_plan plan;
	struct err err;

	(void)state;
	for (options.memory_bytes = 16 * MIB; options.memory_bytes < 2048 * MIB;
	     options.memory_bytes += 37 * MIB) {
		uint64_t sum = 0;

		assert_int_equal(memory_plan(&options, 2, &plan, &err), 0);
		for (unsigned i = 0; i < plan.part_count; i++) {
			sum += plan.parts[i].bytes;
		}
		assert_int_equal(plan.bytes, sum);
		assert_true(plan.bytes <= options.memory_bytes);
		assert_true(plan.bytes > options.memory_bytes / 4);
		assert_int_equal(plan.ring_bytes, 128 * MIB);
	}
}

/* The least that the error names will do, and one less will not. */
static void the_least_is_told(void **state)
{
	struct options options = {.memory_bytes = MIB, .dump_path = "x", .unhandled_path = "y"};
	struct memory_plan plan;
	struct err err;
	unsigned long least;

	(void)state;
	assert_int_equal(memory_plan(&options, 3, &plan, &err), -EINVAL);
	assert_int_equal(
		sscanf(err.text, "--memory 1: too little for 3 workers; the least is %lu", &least),
		1);
	options.memory_bytes = (least - 1) * MIB;
	assert_int_equal(memory_plan(&options, 3, &plan, &err), -EINVAL);
	options.memory_bytes = least * MIB;
	assert_int_equal(memory_plan(&options, 3, &plan, &err), 0);
	assert_true(plan.bytes <= options.memory_bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_planned_is_mapped),
		cmocka_unit_test(the_largest_that_fit),
		cmocka_unit_test(the_default_fits_itself),
		cmocka_unit_test(the_plan_keeps_to_the_option),
		cmocka_unit_test(the_least_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
