/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The shared table when another process comes in between: before each single access of an operation
 * to the table's memory, in turn, a whole other operation happens. So every race of two is tried,
 * whatever the scheduler does.
 *
 * How: the page that the table shares is made inaccessible. Each access faults; the handler of the
 * fault lets it happen as a single step, and at the chosen one does the other operation first.
 */
#include <passer/ledger/table.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared_memory.h"

#ifdef __x86_64__

#define SINGLE_STEP    0x100 /* in the flags register */
#define ACCESSES_MAX   500   /* none takes so many, but an endless loop shall end */
#define BUCKET_ENTRIES 8
#define LATER_NS       (UINT64_C(1) << 38) /* a step of the table's time */

#define KEY   UINT64_C(1000) /* what both operations are about */
#define OTHER UINT64_C(2000) /* and what only the other one is */

static struct table_key key_of(uint64_t hash)
{
	return (struct table_key){.hash = hash, .home = hash};
}

/* Two operations, and what was left by them. */
struct scene {
	const char *name;
	unsigned entries; /* in the table at first, of other keys */
	uint64_t value;   /* of KEY at first */
	uint64_t (*mine)(struct table *);
	uint64_t (*other)(struct table *);
	void (*check)(struct table *t, uint64_t mine, uint64_t other);
	uint64_t first_ns, rest_ns; /* when the entries were used last; 0: long ago */
};

static struct {
	void *page;
	long page_bytes;
	struct table *table;
	const struct scene *scene;
	unsigned accesses, interrupted_at;
	uint64_t other; /* result of the other operation */
} trap;

static void protect(int protection)
{
	if (mprotect(trap.page, (size_t)trap.page_bytes, protection) != 0) {
		_exit(1);
	}
}

static void on_access(int number, siginfo_t *info, void *context)
{
	ucontext_t *interrupted = context;
	const char *at = info->si_addr, *page = trap.page;

	if (at < page || at >= page + trap.page_bytes || trap.accesses == ACCESSES_MAX) {
		signal(number,
		       SIG_DFL); /* a fault of another kind: comes again, and ends the test */
		return;
	}
	protect(PROT_READ | PROT_WRITE);
	if (trap.accesses++ == trap.interrupted_at) {
		trap.other = trap.scene->other(trap.table);
	}
	interrupted->uc_mcontext.gregs[REG_EFL] |= SINGLE_STEP;
}

static void on_step(int number, siginfo_t *info, void *context)
{
	ucontext_t *interrupted = context;

	(void)number;
	(void)info;
	protect(PROT_NONE);
	interrupted->uc_mcontext.gregs[REG_EFL] &= ~SINGLE_STEP;
}

static void *shared_page(void)
{
	size_t bytes = 0;
	void *page = shared_memory(&bytes);

	assert_int_equal(bytes, trap.page_bytes);
	return page;
}

/* The first operation with the other one before its n-th access. False when it has not so many. */
static bool run_interrupted(const struct scene *scene, unsigned n)
{
	struct table *t = table_new(1, TABLE_KEEPS);
	uint64_t mine;

	assert_non_null(t);
	for (unsigned i = 1; i <= scene->entries; i++) {
		table_set_bits(t, key_of(i), i == 1 ? scene->first_ns : scene->rest_ns, i);
	}
	table_set_bits(t, key_of(KEY), 0, scene->value);
	trap.page = shared_page();
	trap.table = t;
	trap.scene = scene;
	trap.accesses = 0;
	trap.interrupted_at = n;
	protect(PROT_NONE);
	mine = scene->mine(t);
	protect(PROT_READ | PROT_WRITE);

	bool was_interrupted = trap.accesses > n;

	if (was_interrupted) {
		scene->check(t, mine, trap.other);
	}
	table_free(t);
	return was_interrupted;
}

/* ---- operations ---- */

static bool change(struct table *t, uint64_t key, uint64_t from, uint64_t to)
{
	return table_exchange(t, key_of(key), LATER_NS, &from, to);
}

static uint64_t insert(struct table *t)
{
	return change(t, KEY, 0, 1);
}

static uint64_t insert_a_step_later(struct table *t)
{
	uint64_t absent = 0;

	return table_exchange(t, key_of(KEY), 2 * LATER_NS, &absent, 1);
}

static uint64_t insert_both(struct table *t)
{
	return change(t, OTHER, 0, 1) ? insert(t) : 2;
}

static uint64_t insert_both_in_turn(struct table *t)
{
	uint64_t is_mine = insert(t);

	return change(t, OTHER, 0, 1) ? is_mine : 2;
}

static uint64_t insert_other(struct table *t)
{
	return change(t, OTHER, 0, 7);
}

static uint64_t count_up(struct table *t)
{
	uint64_t value = table_get(t, key_of(KEY), LATER_NS);

	while (!table_exchange(t, key_of(KEY), LATER_NS, &value, value + 1)) {
	}
	return value;
}

static uint64_t set_bit_0(struct table *t)
{
	return table_set_bits(t, key_of(KEY), LATER_NS, 1);
}

static uint64_t set_bit_1(struct table *t)
{
	return table_set_bits(t, key_of(KEY), LATER_NS, 2);
}

static uint64_t look(struct table *t)
{
	return table_get(t, key_of(KEY), LATER_NS);
}

static uint64_t change_5_to_6(struct table *t)
{
	return change(t, KEY, 5, 6);
}

/* As many new keys as a bucket has entries: nothing old stays. */
static uint64_t fill_with_others(struct table *t)
{
	for (unsigned i = 0; i < BUCKET_ENTRIES; i++) {
		table_set_bits(t, key_of(OTHER + i), 2 * LATER_NS, 9);
	}
	return 0;
}

/* ---- what must have come of them ---- */

static void check_counters(const struct table *t, uint64_t entries, uint64_t evicted)
{
	assert_int_equal(table_counters(t).entries, entries);
	assert_int_equal(table_counters(t).evicted, evicted);
}

static void one_inserted_it(struct table *t, uint64_t mine, uint64_t other)
{
	const unsigned before = trap.scene->entries;

	assert_int_equal(mine + other, 1);
	assert_int_equal(look(t), 1);
	check_counters(t, before + (before < BUCKET_ENTRIES), before == BUCKET_ENTRIES);
}

static void one_inserted_it_beside_another(struct table *t, uint64_t mine, uint64_t other)
{
	const unsigned before = trap.scene->entries;
	const unsigned room = BUCKET_ENTRIES - before;

	assert_int_equal(mine + other, 1);
	assert_int_equal(look(t), 1);
	assert_int_equal(table_get(t, key_of(OTHER), LATER_NS), 1);
	check_counters(t, before + (room < 2 ? room : 2), room < 2 ? 2 - room : 0);
}

static void both_are_there(struct table *t, uint64_t mine, uint64_t other)
{
	assert_int_equal(mine, 1);
	assert_int_equal(other, 1);
	assert_int_equal(look(t), 1);
	assert_int_equal(table_get(t, key_of(OTHER), LATER_NS), 7);
}

static void both_were_counted(struct table *t, uint64_t mine, uint64_t other)
{
	const uint64_t before = trap.scene->value;

	assert_int_equal(mine + other, before + before + 1); /* one saw the other's */
	assert_int_equal(look(t), before + 2);
}

static void both_bits_are_set(struct table *t, uint64_t mine, uint64_t other)
{
	assert_int_equal(look(t), trap.scene->value | 3);
	assert_int_equal(mine & 1, 0);
	assert_int_equal(other & 2, 0);
	assert_true((mine & 2) != 0 || (other & 1) != 0 || trap.scene->value != 0);
}

static void change_stays(struct table *t, uint64_t mine, uint64_t other)
{
	assert_true(mine == 5 || mine == 6);
	assert_int_equal(other, 1);
	assert_int_equal(look(t), 6);
}

static void no_value_of_another(struct table *t, uint64_t mine, uint64_t other)
{
	(void)other;
	assert_true(mine == 5 || mine == 0);
	assert_int_equal(look(t), 0);
	check_counters(t, BUCKET_ENTRIES, trap.scene->entries + 1);
}

static const struct scene scenes[] = {
	{"insert the same, into an empty bucket", 0, 0, insert, insert, one_inserted_it, 0, 0},
	{"insert the same, with room", 3, 0, insert, insert, one_inserted_it, 0, 0},
	{"insert the same, into the last entry", 7, 0, insert, insert, one_inserted_it, 0, 0},
	{"insert the same, no room", 8, 0, insert, insert, one_inserted_it, 0, 0},
	/* Two clocks that differ must not lead to two places. */
	{"insert the same a step later, no room", 8, 0, insert, insert_a_step_later,
         one_inserted_it, 2 * LATER_NS, LATER_NS},
	{"insert the same a step earlier, no room", 8, 0, insert_a_step_later, insert,
         one_inserted_it, 2 * LATER_NS, LATER_NS},
	{"insert another and the same, room for both", 0, 0, insert, insert_both,
         one_inserted_it_beside_another, 0, 0},
	{"insert another and the same, room for one", 7, 0, insert, insert_both,
         one_inserted_it_beside_another, 0, 0},
	{"insert another and the same, no room", 8, 0, insert, insert_both,
         one_inserted_it_beside_another, 0, 0},
	{"insert the same and another, room for both", 0, 0, insert, insert_both_in_turn,
         one_inserted_it_beside_another, 0, 0},
	{"insert the same and another, room for one", 7, 0, insert, insert_both_in_turn,
         one_inserted_it_beside_another, 0, 0},
	{"insert the same and another, no room", 8, 0, insert, insert_both_in_turn,
         one_inserted_it_beside_another, 0, 0},
	{"insert another, no room", 8, 0, insert, insert_other, both_are_there, 0, 0},
	{"count the same, absent", 2, 0, count_up, count_up, both_were_counted, 0, 0},
	{"count the same", 2, 40, count_up, count_up, both_were_counted, 0, 0},
	{"set bits, absent", 2, 0, set_bit_0, set_bit_1, both_bits_are_set, 0, 0},
	{"set bits", 2, 4, set_bit_0, set_bit_1, both_bits_are_set, 0, 0},
	{"look while it changes", 0, 5, look, change_5_to_6, change_stays, 0, 0},
	{"look while it is pushed out", 7, 5, look, fill_with_others, no_value_of_another, 0, 0},
};

static void operations_may_meet_anywhere(void **state)
{
	struct sigaction access = {.sa_sigaction = on_access, .sa_flags = SA_SIGINFO};
	struct sigaction step = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
	struct sigaction old_access, old_step;

	(void)state;
	trap.page_bytes = sysconf(_SC_PAGESIZE);
	assert_int_equal(sigaction(SIGSEGV, &access, &old_access), 0);
	assert_int_equal(sigaction(SIGTRAP, &step, &old_step), 0);
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		unsigned n = 0;

		print_message("# %s\n", scenes[i].name);
		while (run_interrupted(&scenes[i], n)) {
			n++;
		}
		assert_true(n >= 3); /* else nothing was tried */
	}
	sigaction(SIGSEGV, &old_access, NULL);
	sigaction(SIGTRAP, &old_step, NULL);
}

#else

static void operations_may_meet_anywhere(void **state)
{
	(void)state;
	skip(); /* single steps are known of one processor only */
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations_may_meet_anywhere),
	};

	return cmocka_run_group_tests_name("table_between", tests, NULL, NULL);
}
