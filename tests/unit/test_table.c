/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shared table: against a naive model, then under several processes. */
#include <passer/ledger/table.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "processes.h"

#define BUCKET_ENTRIES 8
#define STEP_NS        (UINT64_C(1) << 38) /* packet time is told apart in such steps */
#define STEPS_CIRCLE   (INT64_C(1) << 15)  /* and they come round */
#define VALUE_MAX      ((UINT64_C(1) << TABLE_VALUE_BITS) - 1)

/* A generator of our own, so that a failure comes again (SplitMix64). */
static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* A key that is at home with no other. */
static struct table_key alone(uint64_t hash)
{
	return (struct table_key){.hash = hash, .home = hash};
}

/* The n-th key of a series; never 0. */
static struct table_key key_of(uint64_t series, uint64_t n)
{
	uint64_t seed = series << 32 | n;
	uint64_t key = next_random(&seed);

	return alone(key != 0 ? key : 1);
}

/* The same, and so many keys in turn have one home. */
static struct table_key key_at_home(uint64_t series, uint64_t n, unsigned at_a_home)
{
	struct table_key key = key_of(series, n);

	key.home = key_of(series + 1000, n / at_a_home).hash;
	return key;
}

/* The value as it is, without using the entry: no value is all ones. */
static uint64_t peek(struct table *t, struct table_key key)
{
	uint64_t value = UINT64_MAX;

	assert_false(table_exchange(t, key, 0, &value, 0));
	return value;
}

static struct table *table_of(size_t capacity)
{
	struct table *t = table_new(capacity, TABLE_KEEPS);

	assert_non_null(t);
	return t;
}

/* ---- one process ---- */

static void capacity_is_at_least_what_was_asked(void **state)
{
	static const size_t asked[] = {0, 1, 8, 9, 16, 17, 1000};
	static const uint64_t given[] = {8, 8, 8, 16, 16, 32, 1040};

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct table *t = table_of(asked[i]);
		struct table_counters c = table_counters(t);

		assert_int_equal(c.capacity, given[i]);
		assert_int_equal(c.entries, 0);
		assert_int_equal(c.evicted, 0);
		table_free(t);
	}
	table_free(NULL);
	assert_null(table_new(SIZE_MAX / 64, TABLE_KEEPS));
}

static void values_are_whole(void **state)
{
	static const uint64_t values[] = {1, 2, VALUE_MAX / 2 + 1, VALUE_MAX};
	static const uint64_t times[] = {0, STEP_NS - 1, STEP_NS, UINT64_MAX};
	struct table *t = table_of(1);
	uint64_t present = 0;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		for (size_t j = 0; j < 4; j++) {
			assert_true(table_exchange(t, alone(7), times[j], &present, values[i]));
			present = table_get(t, alone(7), times[3 - j]);
			assert_true(present == values[i]);
		}
	}
	assert_int_equal(table_counters(t).entries, 1);
	table_free(t);
}

static void exchange_tells_the_present_value(void **state)
{
	struct table *t = table_of(1);
	uint64_t expected = 5;

	(void)state;
	assert_false(table_exchange(t, alone(1), 0, &expected, 6));
	assert_int_equal(expected, 0); /* absent */
	assert_int_equal(table_counters(t).entries, 0);
	assert_true(table_exchange(t, alone(1), 0, &expected, 6));
	assert_int_equal(expected, 0); /* as it was told */
	assert_false(table_exchange(t, alone(1), 0, &expected, 7));
	assert_int_equal(expected, 6);
	assert_true(table_exchange(t, alone(1), 0, &expected, 6)); /* to the same */
	assert_int_equal(table_get(t, alone(1), 0), 6);
	table_free(t);
}

static void bits_are_added(void **state)
{
	struct table *t = table_of(1);

	(void)state;
	assert_int_equal(table_set_bits(t, alone(1), 0, 4), 0);
	assert_int_equal(table_set_bits(t, alone(1), 0, 3), 4);
	assert_int_equal(table_set_bits(t, alone(1), 0, 1), 7);
	assert_int_equal(table_set_bits(t, alone(1), 0, 0), 7);
	assert_int_equal(table_get(t, alone(1), 0), 7);
	assert_int_equal(table_get(t, alone(2), 0), 0);
	table_free(t);
}

/* ---- the model: one full bucket, where keys push each other out ---- */

#define MODEL_KEYS  14
#define MODEL_TURNS 20000

struct model {
	struct table *table; /* of one bucket */
	struct {
		uint64_t value; /* 0: not there */
		int64_t step;   /* of its last use */
	} keys[MODEL_KEYS];
	uint64_t inserted, evicted;
};

static unsigned model_entries(const struct model *m)
{
	unsigned count = 0;

	for (unsigned k = 0; k < MODEL_KEYS; k++) {
		count += m->keys[k].value != 0;
	}
	return count;
}

/* A new key was put into a full bucket: one other is gone, and none was used before it. */
static void check_eviction(struct model *m, unsigned newcomer)
{
	int64_t first_use = INT64_MAX, use_of_gone = INT64_MIN;

	for (unsigned k = 0; k < MODEL_KEYS; k++) {
		if (k == newcomer || m->keys[k].value == 0) {
			continue;
		}
		if (m->keys[k].step < first_use) {
			first_use = m->keys[k].step;
		}
		if (peek(m->table, alone(k + 1)) == 0) {
			assert_true(use_of_gone == INT64_MIN);
			use_of_gone = m->keys[k].step;
			m->keys[k].value = 0;
		}
	}
	assert_true(use_of_gone == first_use);
	m->evicted++;
}

static void model_store(struct model *m, unsigned k, int64_t now, uint64_t value)
{
	bool is_new = m->keys[k].value == 0;
	bool is_full = model_entries(m) == BUCKET_ENTRIES;

	if (is_new && is_full) {
		check_eviction(m, k);
	}
	m->inserted += is_new;
	m->keys[k].value = value;
	m->keys[k].step = now;
}

static void check_model(const struct model *m)
{
	struct table_counters c = table_counters(m->table);

	for (unsigned k = 0; k < MODEL_KEYS; k++) {
		assert_true(peek(m->table, alone(k + 1)) == m->keys[k].value);
	}
	assert_int_equal(c.entries, m->inserted - m->evicted);
	assert_int_equal(c.evicted, m->evicted);
}

static void turn(struct model *m, uint64_t *seed, int64_t now)
{
	uint64_t dice = next_random(seed);
	unsigned k = dice % MODEL_KEYS;
	uint64_t value = m->keys[k].value;
	uint64_t time_ns = (uint64_t)now * STEP_NS + (dice >> 8) % STEP_NS;
	uint64_t fresh = next_random(seed) % VALUE_MAX + 1;
	uint64_t expected = value;

	switch (dice >> 56 & 3) {
	case 0:
		assert_true(table_get(m->table, alone(k + 1), time_ns) == value);
		m->keys[k].step = now;
		break;
	case 1:
		expected = value ^ 1;
		assert_false(table_exchange(m->table, alone(k + 1), time_ns, &expected, fresh));
		assert_true(expected == value);
		break;
	case 2:
		assert_true(table_exchange(m->table, alone(k + 1), time_ns, &expected, fresh));
		model_store(m, k, now, fresh);
		break;
	default:
		assert_true(table_set_bits(m->table, alone(k + 1), time_ns, fresh) == value);
		model_store(m, k, now, value | fresh);
		break;
	}
}

/* Time goes on, stands still and jumps back, and the circle of steps is closed on the way. */
static void model_agrees(void **state)
{
	struct model m = {.table = table_of(1)};
	uint64_t seed = 1;
	int64_t now = 200 * STEPS_CIRCLE - 500; /* in the year 2027 */

	(void)state;
	for (int i = 0; i < MODEL_TURNS; i++) {
		uint64_t dice = next_random(&seed) % 100;

		if (dice < 20) {
			now += (int64_t)dice % 4;
		} else if (dice == 20) {
			now -= 20;
		}
		turn(&m, &seed, now);
		check_model(&m);
	}
	assert_true(m.evicted > MODEL_TURNS / 20);
	assert_true(now > 200 * STEPS_CIRCLE + 500);
	table_free(m.table);
}

/* What is used stays, however many others come and go. */
static void used_entry_stays(void **state)
{
	struct table *t = table_of(1);
	uint64_t absent;

	(void)state;
	table_set_bits(t, alone(1000), 0, 42);
	for (uint64_t i = 1; i < 100; i++) {
		absent = 0;
		assert_int_equal(table_get(t, alone(1000), i * STEP_NS), 42);
		assert_true(table_exchange(t, alone(i), i * STEP_NS, &absent, 1));
	}
	assert_int_equal(table_get(t, alone(1000), 100 * STEP_NS), 42);
	assert_int_equal(table_counters(t).evicted, 99 - 7);
	table_free(t);
}

/* Keys of many buckets: each is found again, or was evicted. */
static void entries_and_evictions_add_up(void **state)
{
	enum { KEYS = 3000 };
	struct table *t = table_of(1024);
	struct table_counters c;
	uint64_t found = 0;

	(void)state;
	for (uint64_t n = 0; n < KEYS; n++) {
		uint64_t absent = 0;

		assert_true(table_exchange(t, key_of(1, n), n * STEP_NS / 100, &absent, n + 1));
	}
	for (uint64_t n = 0; n < KEYS; n++) {
		uint64_t value = peek(t, key_of(1, n));

		assert_true(value == 0 || value == n + 1);
		found += value != 0;
	}
	c = table_counters(t);
	assert_int_equal(found, c.entries);
	assert_int_equal(c.entries + c.evicted, KEYS);
	assert_true(c.entries > 1000 && c.entries <= c.capacity);
	table_free(t);
}

/* More keys than lie near each other, and room for all of them. */
static void keys_that_lie_far_are_found_as_well(void **state)
{
	enum { KEYS = 3000 };
	struct table *t = table_of(1u << 15);

	(void)state;
	for (uint64_t n = 0; n < KEYS; n++) {
		assert_int_equal(table_set_bits(t, key_of(1, n), 0, n + 1), 0);
	}
	for (uint64_t n = 0; n < KEYS; n++) {
		assert_int_equal(table_set_bits(t, key_of(1, n), STEP_NS, 0), n + 1);
	}
	assert_int_equal(table_counters(t).entries, KEYS);
	assert_int_equal(table_counters(t).evicted, 0);
	table_free(t);
}

/* Of keys that find no room at home, nearly all find some elsewhere, and none is told twice. */
static void keys_of_one_home_find_room(void **state)
{
	enum { KEYS = 3000, AT_A_HOME = 3 * BUCKET_ENTRIES };
	struct table *t = table_of(1u << 15);
	struct table_counters c;
	uint64_t found = 0;

	(void)state;
	for (uint64_t n = 0; n < KEYS; n++) {
		assert_int_equal(table_set_bits(t, key_at_home(1, n, AT_A_HOME), 0, n + 1), 0);
	}
	for (uint64_t n = 0; n < KEYS; n++) {
		const struct table_key key = key_at_home(1, n, AT_A_HOME);

		table_expect(t, key.home);
		const uint64_t value = table_get(t, key, STEP_NS);

		assert_true(value == 0 || value == n + 1);
		found += value != 0;
	}
	c = table_counters(t);
	assert_int_equal(found, c.entries);
	assert_int_equal(c.entries + c.evicted, KEYS);
	assert_in_range(c.evicted, 0, KEYS / 1000);
	table_free(t);
}

/* Pages of shared memory that this process has touched; proc_pid_status(5). */
static long shared_pages(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	long kib = -1;

	assert_non_null(status);
	while (kib < 0 && fgets(line, sizeof(line), status) != NULL) {
		(void)sscanf(line, "RssShmem: %ld kB", &kib);
	}
	fclose(status);
	assert_true(kib >= 0);
	return kib / 4;
}

/* Nothing in it changes, and no page is waited for any more. */
static void outgrown_table_is_taken_whole(void **state)
{
	enum { KEYS = 3000, PAGES_MAX = 5 };
	struct table *t = table_of(1u << 15);
	uint64_t n = 0;
	long before;

	(void)state;
	for (; n < KEYS; n++) {
		table_settle(t);
		table_set_bits(t, key_of(1, n), 0, n + 1);
	}
	before = shared_pages();
	for (; n < 2 * KEYS; n++) {
		table_set_bits(t, key_of(1, n), 0, n + 1);
	}
	assert_in_range(shared_pages() - before, 0, PAGES_MAX);
	for (n = 0; n < 2 * KEYS; n++) {
		assert_int_equal(table_get(t, key_of(1, n), 0), n + 1);
	}
	table_free(t);
}

/* As a sensor has it that listens: no part of it is small, and none of its pages is waited for. */
static void prefaulted_table_has_no_small_part(void **state)
{
	enum { CAPACITY = 1u << 15, KEYS = CAPACITY / 8, PAGES_MAX = 5 };
	struct table *t = table_of(CAPACITY);
	long before;

	(void)state;
	assert_true(table_counters(t).capacity > CAPACITY);
	table_prefault(t);
	assert_int_equal(table_counters(t).capacity, CAPACITY);
	before = shared_pages();
	for (uint64_t n = 0; n < KEYS; n++) {
		table_expect(t, key_of(1, n).home);
		table_set_bits(t, key_of(1, n), 0, n + 1);
	}
	assert_in_range(shared_pages() - before, 0, PAGES_MAX);
	for (uint64_t n = 0; n < KEYS; n++) {
		assert_int_equal(table_get(t, key_of(1, n), 0), n + 1);
	}
	table_free(t);
}

/* All keys lie in a sixty-fourth of 16,384 pages: two huge pages, where the kernel takes these. */
static void few_keys_take_few_pages(void **state)
{
	enum { KEYS = 10000, PAGES_MAX = 2048 };
	long before = shared_pages();
	struct table *t = table_of(1u << 22);

	(void)state;
	for (uint64_t n = 0; n < KEYS; n++) {
		table_set_bits(t, key_of(1, n), 0, 1);
	}
	assert_in_range(shared_pages() - before, 1, PAGES_MAX);
	table_free(t);
}

/* ---- several processes ---- */

#define RACE_KEYS   600
#define RACE_ROUNDS 20
#define MEET_EVERY  10 /* keys: nobody gets far ahead of the others */
#define COUNTERS    3
#define INCREMENTS  100000

struct race {
	struct table *table;
	unsigned at_a_home; /* keys; 1: none is at home with another */
	unsigned *meetings;
	uint32_t *winners; /* of each key: processes that were told it is new */
};

/* All processes insert the same keys in the same order, a step later than what was there. */
static bool insert_all(unsigned number, void *context)
{
	struct race *r = context;
	unsigned meetings = 0;

	(void)number;
	for (uint64_t round = 0; round < RACE_ROUNDS; round++) {
		for (unsigned n = 0; n < RACE_KEYS; n++) {
			uint64_t absent = 0;

			if (n % MEET_EVERY == 0) {
				processes_meet(r->meetings, ++meetings);
			}
			if (table_exchange(r->table, key_at_home(3 + round, n, r->at_a_home),
			                   STEP_NS * (round + 1), &absent, 1)) {
				__atomic_fetch_add(&r->winners[round * RACE_KEYS + n], 1,
				                   __ATOMIC_RELAXED);
			} else if (absent != 1) {
				return false;
			}
		}
	}
	return true;
}

static void check_one_winner_each(struct race *r)
{
	const size_t bytes = RACE_ROUNDS * RACE_KEYS * sizeof(*r->winners);

	r->winners = shm_new(bytes);
	r->meetings = shm_new(sizeof(*r->meetings));
	assert_non_null(r->winners);
	assert_non_null(r->meetings);
	processes_run(insert_all, r);
	for (unsigned n = 0; n < RACE_ROUNDS * RACE_KEYS; n++) {
		assert_int_equal(r->winners[n], 1);
	}
	shm_free(r->winners, bytes);
	shm_free(r->meetings, sizeof(*r->meetings));
}

static void key_is_new_for_one_process(void **state)
{
	struct race r = {.table = table_of(1u << 17), .at_a_home = 1};

	(void)state;
	check_one_winner_each(&r);
	assert_int_equal(table_counters(r.table).entries, RACE_ROUNDS * RACE_KEYS);
	assert_int_equal(table_counters(r.table).evicted, 0);
	table_free(r.table);
}

/* Also where the home of most is full. */
static void key_is_new_for_one_process_at_a_home(void **state)
{
	struct race r = {.table = table_of(1u << 18), .at_a_home = 100};

	(void)state;
	check_one_winner_each(&r);
	assert_int_equal(table_counters(r.table).entries, RACE_ROUNDS * RACE_KEYS);
	assert_int_equal(table_counters(r.table).evicted, 0);
	table_free(r.table);
}

/* Also where each new key takes the place of an old one. */
static void key_is_new_for_one_process_in_full_buckets(void **state)
{
	struct race r = {.table = table_of(1u << 17), .at_a_home = 20};
	struct table_counters c;
	uint64_t n = 0;

	(void)state;
	do {
		table_set_bits(r.table, key_of(2, n++), 0, 1);
		c = table_counters(r.table);
	} while (c.entries < c.capacity);
	uint64_t evicted = c.evicted;

	check_one_winner_each(&r);
	assert_int_equal(table_counters(r.table).evicted - evicted, RACE_ROUNDS * RACE_KEYS);
	table_free(r.table);
}

static bool count_up(unsigned number, void *context)
{
	struct table *t = context;

	(void)number;
	for (unsigned i = 0; i < INCREMENTS; i++) {
		struct table_key key = key_of(4, i % COUNTERS);
		uint64_t time_ns = i * (STEP_NS / 1000);
		uint64_t value = table_get(t, key, time_ns);

		while (!table_exchange(t, key, time_ns, &value, value + 1)) {
		}
	}
	return true;
}

static void no_increment_is_lost(void **state)
{
	struct table *t = table_of(4 * COUNTERS);
	uint64_t sum = 0;

	(void)state;
	processes_run(count_up, t);
	for (unsigned k = 0; k < COUNTERS; k++) {
		sum += table_get(t, key_of(4, k), 0);
	}
	assert_int_equal(table_counters(t).evicted, 0);
	assert_int_equal(table_counters(t).entries, COUNTERS);
	assert_int_equal(sum, PROCESSES * INCREMENTS);
	table_free(t);
}

/* Each bit of a key is set by one process alone, and none is lost. */
static bool set_own_bits(unsigned number, void *context)
{
	struct table *t = context;

	for (unsigned i = 0; i < 1000; i++) {
		for (unsigned bit = number; bit < TABLE_VALUE_BITS; bit += PROCESSES) {
			uint64_t mask = UINT64_C(1) << bit;

			if ((table_set_bits(t, key_of(5, i), 0, mask) & mask) != 0 ||
			    (table_set_bits(t, key_of(5, i), 0, mask) & mask) == 0) {
				return false;
			}
		}
	}
	return true;
}

static void no_bit_is_lost(void **state)
{
	struct table *t = table_of(1u << 16);

	(void)state;
	processes_run(set_own_bits, t);
	assert_int_equal(table_counters(t).evicted, 0);
	for (unsigned i = 0; i < 1000; i++) {
		assert_true(table_get(t, key_of(5, i), 0) == VALUE_MAX);
	}
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capacity_is_at_least_what_was_asked),
		cmocka_unit_test(values_are_whole),
		cmocka_unit_test(exchange_tells_the_present_value),
		cmocka_unit_test(bits_are_added),
		cmocka_unit_test(model_agrees),
		cmocka_unit_test(used_entry_stays),
		cmocka_unit_test(entries_and_evictions_add_up),
		cmocka_unit_test(key_is_new_for_one_process),
		cmocka_unit_test(keys_that_lie_far_are_found_as_well),
		cmocka_unit_test(keys_of_one_home_find_room),
		cmocka_unit_test(outgrown_table_is_taken_whole),
		cmocka_unit_test(prefaulted_table_has_no_small_part),
		cmocka_unit_test(key_is_new_for_one_process_at_a_home),
		cmocka_unit_test(few_keys_take_few_pages),
		cmocka_unit_test(key_is_new_for_one_process_in_full_buckets),
		cmocka_unit_test(no_increment_is_lost),
		cmocka_unit_test(no_bit_is_lost),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
