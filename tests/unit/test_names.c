/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The addresses of names: what is kept, what makes room, and readers that meet writers. */
#include <passer/ledger/names.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "processes.h"

#define BUCKET_NAMES 4

static struct names *names_of(size_t capacity)
{
	struct names *n = names_new(capacity);

	assert_non_null(n);
	return n;
}

/* 10.<name>.<n>: an address that tells the name it belongs to. */
static struct addr addr(uint8_t name, uint16_t n)
{
	const uint8_t bytes[4] = {10, name, (uint8_t)(n >> 8), (uint8_t)n};

	return addr_of(span_of(bytes, sizeof(bytes)));
}

static bool has(const struct addr *addrs, unsigned count, const struct addr *wanted)
{
	for (unsigned i = 0; i < count; i++) {
		if (addr_equal(&addrs[i], wanted)) {
			return true;
		}
	}
	return false;
}

static void check_has_range(struct names *names, uint8_t name, uint16_t first, uint16_t last)
{
	struct addr found[NAME_ADDRS_MAX];

	assert_int_equal(names_find(names, name, found), last - first + 1);
	for (uint16_t n = first; n <= last; n++) {
		const struct addr wanted = addr(name, n);

		assert_true(has(found, last - first + 1u, &wanted));
	}
}

static void unknown_name_has_none(void **state)
{
	struct addr found[NAME_ADDRS_MAX];
	struct names *names = names_of(1);
	const struct addr a = addr(1, 1);

	(void)state;
	assert_int_equal(names_find(names, 1, found), 0);
	names_add(names, 1, &a, 0);
	assert_int_equal(names_find(names, 2, found), 0);
	assert_int_equal(names_find(names, 1, found), 1);
	names_free(names);
	names_free(NULL);
}

static void address_is_kept_once(void **state)
{
	struct names *names = names_of(1);
	const struct addr v4 = addr(1, 1);
	struct addr v6 = v4, found[NAME_ADDRS_MAX];

	(void)state;
	v6.family = ADDR_V6;
	for (int i = 0; i < 3; i++) {
		names_add(names, 1, &v4, 0);
		names_add(names, 1, &v6, 0);
	}
	assert_int_equal(names_find(names, 1, found), 2);
	assert_true(has(found, 2, &v4));
	assert_true(has(found, 2, &v6));
	names_free(names);
}

static void newest_addresses_stay(void **state)
{
	struct names *names = names_of(1);

	(void)state;
	for (uint16_t n = 1; n <= 3 * NAME_ADDRS_MAX; n++) {
		const struct addr a = addr(7, n);

		names_add(names, 7, &a, 0);
		check_has_range(names, 7, n > NAME_ADDRS_MAX ? n - NAME_ADDRS_MAX + 1 : 1, n);
	}
	names_free(names);
}

/* One bucket of names; each further one takes the place of the one used least recently. */
static void oldest_name_makes_room(void **state)
{
	struct names *names = names_of(BUCKET_NAMES);
	struct addr found[NAME_ADDRS_MAX];

	(void)state;
	for (uint8_t name = 1; name <= BUCKET_NAMES; name++) {
		const struct addr a = addr(name, 1);

		names_add(names, name, &a, name);
	}
	assert_int_equal(names_counters(names).evicted, 0);
	const struct addr again = addr(1, 2), newcomer = addr(9, 1);

	names_add(names, 1, &again, 10); /* 1 was used, so 2 is the oldest */
	names_add(names, 9, &newcomer, 11);
	assert_int_equal(names_counters(names).evicted, 1);
	assert_int_equal(names_find(names, 2, found), 0);
	check_has_range(names, 1, 1, 2);
	check_has_range(names, 3, 1, 1);
	check_has_range(names, 4, 1, 1);
	check_has_range(names, 9, 1, 1);

	/* A name that comes back starts from nothing. */
	const struct addr back = addr(2, 5);

	names_add(names, 2, &back, 12);
	assert_int_equal(names_counters(names).evicted, 2);
	check_has_range(names, 2, 5, 5);
	assert_int_equal(names_find(names, 3, found), 0);
	names_free(names);
}

/* Names of many buckets: as many as were asked for find room, however they fall. */
static void names_are_told_apart(void **state)
{
	struct names *names = names_of(1024);
	struct addr found[NAME_ADDRS_MAX];
	unsigned present = 0;

	(void)state;
	for (uint64_t n = 1; n <= 200; n++) {
		const struct addr a = addr((uint8_t)n, (uint16_t)n);

		names_add(names, n * UINT64_C(0x9e3779b97f4a7c15), &a, n);
	}
	for (uint64_t n = 1; n <= 200; n++) {
		const struct addr a = addr((uint8_t)n, (uint16_t)n);
		unsigned count = names_find(names, n * UINT64_C(0x9e3779b97f4a7c15), found);

		assert_true(count <= 1);
		assert_true(count == 0 || addr_equal(&found[0], &a));
		present += count;
	}
	assert_int_equal(present + names_counters(names).evicted, 200);
	assert_true(present > 150);
	names_free(names);
}

/* ---- several processes ---- */

#define RACE_NAMES 6 /* more than the bucket holds */
#define RACE_TURNS 30000

/* Adds addresses to names that push each other out. */
static void write_names(struct names *names)
{
	for (uint32_t i = 0; i < RACE_TURNS; i++) {
		uint8_t name = (uint8_t)(1 + i % RACE_NAMES);
		const struct addr a = addr(name, (uint16_t)i);

		names_add(names, name, &a, i);
	}
}

/* Whatever is found belongs together; ends when enough was found. */
static bool read_names(struct names *names)
{
	struct addr found[NAME_ADDRS_MAX];

	for (uint32_t hits = 0, i = 0; hits < RACE_TURNS; i++) {
		uint8_t name = (uint8_t)(1 + i % RACE_NAMES);
		unsigned count = names_find(names, name, found);

		if (count > NAME_ADDRS_MAX) {
			return false;
		}
		for (unsigned a = 0; a < count; a++) {
			if (found[a].family != ADDR_V4 || found[a].bytes[0] != 10 ||
			    found[a].bytes[1] != name || has(found, a, &found[a])) {
				return false;
			}
		}
		hits += count > 0;
	}
	return true;
}

static bool read_or_write(unsigned number, void *context)
{
	if (number % 2 == 0) {
		return read_names(context);
	}
	write_names(context);
	return true;
}

static void readers_see_whole_names(void **state)
{
	struct names *names = names_of(BUCKET_NAMES);

	(void)state;
	write_names(names); /* so that the readers find something from the start */
	processes_run(read_or_write, names);
	assert_true(names_counters(names).evicted > 100);
	names_free(names);
}

/* ---- a writer that dies ---- */

/* Until it dies within its bucket, which is then of no use. */
static void kill_a_writer_inside(struct names *names)
{
	bool is_stuck = false;

	for (int i = 0; i < 1000 && !is_stuck; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			for (;;) {
				write_names(names);
			}
		}
		usleep(1000);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		is_stuck = names_mend(names);
	}
	assert_true(is_stuck);
}

static void bucket_of_a_dead_writer_is_of_use_again(void **state)
{
	struct names *names = names_of(BUCKET_NAMES);
	const struct addr a = addr(1, 1);

	(void)state;
	kill_a_writer_inside(names);
	names_add(names, 1, &a, 0); /* gives up */
	assert_int_equal(names_counters(names).refused, 1);
	assert_false(names_mend(names));
	names_add(names, 1, &a, 0);
	check_has_range(names, 1, 1, 1);
	assert_false(names_mend(names));
	names_free(names);
}

/* Names in use, those that made room, and addresses that did. */
static void all_is_counted(void **state)
{
	struct names *names = names_of(1);
	struct names_counters c;

	(void)state;
	for (uint16_t n = 0; n < NAME_ADDRS_MAX + 3; n++) {
		const struct addr a = addr(1, n);

		names_add(names, 1, &a, 0);
		names_add(names, 1, &a, 0);
	}
	for (uint8_t name = 2; name < BUCKET_NAMES + 3; name++) {
		const struct addr a = addr(name, 1);

		names_add(names, name, &a, name);
	}
	c = names_counters(names);
	assert_int_equal(c.capacity, BUCKET_NAMES);
	assert_int_equal(c.entries, BUCKET_NAMES);
	assert_int_equal(c.evicted, 2);
	assert_int_equal(c.displaced, 3);
	assert_int_equal(c.refused, 0);
	names_free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_name_has_none),
		cmocka_unit_test(address_is_kept_once),
		cmocka_unit_test(newest_addresses_stay),
		cmocka_unit_test(oldest_name_makes_room),
		cmocka_unit_test(names_are_told_apart),
		cmocka_unit_test(readers_see_whole_names),
		cmocka_unit_test(bucket_of_a_dead_writer_is_of_use_again),
		cmocka_unit_test(all_is_counted),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
