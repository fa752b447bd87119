/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Suspicious hosts: against a naive model, when full, and under several processes. */
#include <passer/ledger/suspects.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "processes.h"
#include "shared_memory.h"

static struct suspects *suspects_of(size_t capacity)
{
	struct hash_key key = {1, 2};
	struct suspects *s = suspects_new(capacity, &key);

	assert_non_null(s);
	return s;
}

/* A generator of our own, so that a failure comes again (SplitMix64). */
static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* The n-th host: every other one is IPv6 with the bytes of an IPv4 one before it. */
static struct addr host(unsigned n)
{
	struct addr a = {.family = n % 2 == 0 ? ADDR_V4 : ADDR_V6};

	a.bytes[0] = (uint8_t)(n >> 9);
	a.bytes[1] = (uint8_t)(n >> 1);
	return a;
}

static struct warnings words(const char *text)
{
	struct warnings w;

	assert_true(warnings_parse(span_str(text), &w));
	return w;
}

static void note(struct suspects *s, unsigned n, const char *text)
{
	struct addr a = host(n);
	struct warnings w = words(text);

	suspects_note(s, &a, &w);
}

static bool has(const struct suspects *s, unsigned n)
{
	struct addr a = host(n);

	return suspects_has(s, &a);
}

static void check_list(const struct suspects *s, const char *expected)
{
	struct suspect *list;
	size_t count;
	char text[512] = "";

	assert_int_equal(suspects_list(s, &list, &count), 0);
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(text);

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s ", list[i].text);
		for (unsigned w = 0; w < list[i].word_count; w++) {
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
			                        w > 0 ? ":" : "",
			                        warning_name((enum warning)list[i].words[w]));
		}
		snprintf(text + len, sizeof(text) - len, "; ");
	}
	free(list);
	assert_string_equal(text, expected);
}

static void words_come_once_in_their_order(void **state)
{
	struct suspects *s = suspects_of(16);

	(void)state;
	check_list(s, "");
	note(s, 20, "");
	assert_false(has(s, 20));
	note(s, 20, "scan:malicious");
	note(s, 4, "tunnel");
	note(s, 20, "dos:scan");
	note(s, 20, "ddos:scan:external:malicious");
	assert_true(has(s, 20));
	assert_false(has(s, 21));
	check_list(s, "0.10.0.0 scan:malicious:dos:ddos:external; 0.2.0.0 tunnel; ");
	assert_int_equal(suspects_counters(s).taken, 2);
	suspects_free(s);
}

static void all_words_fit(void **state)
{
	struct suspects *s = suspects_of(1);
	char expected[256] = "0.1.0.0 ";

	(void)state;
	for (int w = WARN_COUNT - 1; w > 0; w--) {
		const char *name = warning_name((enum warning)w);

		note(s, 2, name);
		if (w != WARN_SPOOFED) {
			size_t len = strlen(expected);

			snprintf(expected + len, sizeof(expected) - len, "%s%s", name,
			         w > 1 ? ":" : "; ");
		}
	}
	check_list(s, expected);
	suspects_free(s);
}

static void forged_addresses_are_nobodys(void **state)
{
	struct suspects *s = suspects_of(4);

	(void)state;
	note(s, 2, "malicious:spoofed");
	note(s, 2, "spoofed:scan");
	assert_false(has(s, 2));
	assert_int_equal(suspects_counters(s).taken, 0);
	suspects_free(s);
}

static void earlier_hosts_are_suspicious_and_not_new(void **state)
{
	struct suspects *s = suspects_of(4);
	struct addr a = host(2), b = host(3);

	(void)state;
	suspects_add_earlier(s, &a);
	suspects_add_earlier(s, &b);
	suspects_add_earlier(s, &a);
	assert_true(suspects_has(s, &a));
	check_list(s, "");
	note(s, 2, "scan");
	check_list(s, "0.1.0.0 scan; ");
	assert_int_equal(suspects_counters(s).taken, 2);
	suspects_free(s);
}

static void addresses_of_zeros_are_hosts(void **state)
{
	struct suspects *s = suspects_of(4);
	struct addr none = {.family = ADDR_NONE};

	(void)state;
	note(s, 0, "scan");
	assert_false(has(s, 1));
	note(s, 1, "tunnel");
	assert_true(has(s, 0));
	assert_false(suspects_has(s, &none));
	check_list(s, "0.0.0.0 scan; 0000:0000:0000:0000:0000:0000:0000:0000 tunnel; ");
	suspects_free(s);
}

static void a_full_set_counts_what_it_refuses(void **state)
{
	struct suspects *s = suspects_of(3);

	(void)state;
	for (unsigned n = 0; n < 5; n++) {
		note(s, n, "scan");
		note(s, n, "dos");
	}
	assert_true(has(s, 2));
	assert_false(has(s, 3));
	assert_int_equal(suspects_counters(s).taken, 3);
	assert_int_equal(suspects_counters(s).refused, 4);
	suspects_free(s);
}

/* ---- one that was taken over ---- */

/* No bucket is empty, and the set says that it has room, or none: each search ends all the same. */
static void full_buckets_hold_nobody_up(void **state)
{
	static const uint64_t counts_taken[] = {1, 15, 16, 17, UINT64_MAX};
	struct suspects *s = suspects_of(16);
	size_t bytes;
	uint8_t *memory = shared_memory(&bytes);

	(void)state;
	alarm(10);
	for (size_t i = 0; i < sizeof(counts_taken) / sizeof(counts_taken[0]); i++) {
		memset(memory, 0xff, bytes);
		memcpy(memory, &counts_taken[i], sizeof(counts_taken[i]));
		assert_false(has(s, 2));
		note(s, 2, "scan");
		assert_false(has(s, 2));
	}
	alarm(0);
	suspects_free(s);
}

/* ---- against a model ---- */

#define HOSTS 1000

struct model {
	uint8_t list[SUSPECT_WORDS_MAX];
	unsigned count;
};

static void model_note(struct model *m, const struct warnings *w)
{
	for (int i = 0; i < WARNINGS_MAX && w->words[i] != WARN_NONE; i++) {
		if (memchr(m->list, w->words[i], m->count) == NULL) {
			m->list[m->count++] = w->words[i];
		}
	}
}

static struct warnings random_words(uint64_t *seed)
{
	struct warnings w = {{0}};

	for (uint64_t n = next_random(seed) % (WARNINGS_MAX + 1); n > 0; n--) {
		enum warning word = (enum warning)(1 + next_random(seed) % (WARN_COUNT - 1));

		if (word != WARN_SPOOFED) {
			warnings_add(&w, word);
		}
	}
	return w;
}

static void check_model(const struct suspects *s, const struct model *models)
{
	struct suspect *list;
	size_t count, expected = 0;

	assert_int_equal(suspects_list(s, &list, &count), 0);
	for (unsigned n = 0; n < HOSTS; n++) {
		expected += models[n].count > 0;
		assert_int_equal(has(s, n), models[n].count > 0);
	}
	assert_int_equal(count, expected);
	for (size_t i = 0; i < count; i++) {
		unsigned n = (unsigned)list[i].addr.bytes[0] << 9 |
		             (unsigned)list[i].addr.bytes[1] << 1 |
		             (list[i].addr.family == ADDR_V6);

		assert_true(i == 0 || strcmp(list[i - 1].text, list[i].text) < 0);
		assert_int_equal(list[i].word_count, models[n].count);
		assert_memory_equal(list[i].words, models[n].list, models[n].count);
	}
	free(list);
}

static void it_is_what_a_naive_list_is(void **state)
{
	static struct model models[HOSTS];
	struct suspects *s = suspects_of(HOSTS);
	uint64_t seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		unsigned n = (unsigned)(next_random(&seed) % HOSTS);
		struct addr a = host(n);
		struct warnings w = random_words(&seed);

		suspects_note(s, &a, &w);
		model_note(&models[n], &w);
		if (round % 1000 == 0) {
			check_model(s, models);
		}
	}
	check_model(s, models);
	suspects_free(s);
}

/* ---- several processes ---- */

static enum warning word_of(unsigned number)
{
	static const enum warning own[PROCESSES] = {WARN_SCAN, WARN_DOS, WARN_TUNNEL, WARN_SMALL};

	return own[number];
}

/* All bring the same hosts, each with a word of its own. */
static bool bring_hosts(unsigned number, void *context)
{
	struct suspects *s = context;
	struct warnings w = {{(uint8_t)word_of(number)}};

	for (unsigned n = 0; n < HOSTS; n++) {
		struct addr a = host(n);

		suspects_note(s, &a, &w);
		if (!suspects_has(s, &a)) {
			return false;
		}
	}
	return true;
}

static void processes_lose_nothing(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		/* An entry may be wasted whenever another process was faster. */
		struct suspects *s = suspects_of((size_t)HOSTS * PROCESSES);
		struct suspect *list;
		size_t count;

		processes_run(bring_hosts, s);
		assert_int_equal(suspects_list(s, &list, &count), 0);
		assert_int_equal(count, HOSTS);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(list[i].word_count, PROCESSES);
		}
		assert_int_equal(suspects_counters(s).refused, 0);
		free(list);
		suspects_free(s);
	}
}

static bool bring_hosts_forever(unsigned number, void *context)
{
	for (;;) {
		(void)bring_hosts(number, context);
	}
	return true;
}

/* Whenever a process dies, the others find the set whole. */
static void processes_that_die_leave_it_whole(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		struct suspects *s = suspects_of((size_t)HOSTS * (PROCESSES + 1));
		struct processes p;
		struct suspect *list;
		size_t count;

		processes_start(&p, bring_hosts_forever, s);
		usleep((useconds_t)round * 20);
		for (int i = 0; i < PROCESSES; i++) {
			kill(p.pids[i], SIGKILL);
			assert_int_equal(waitpid(p.pids[i], NULL, 0), p.pids[i]);
		}
		shm_free(p.ready, sizeof(*p.ready));
		assert_true(bring_hosts(0, s));
		assert_int_equal(suspects_list(s, &list, &count), 0);
		assert_int_equal(count, HOSTS);
		free(list);
		suspects_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_come_once_in_their_order),
		cmocka_unit_test(all_words_fit),
		cmocka_unit_test(forged_addresses_are_nobodys),
		cmocka_unit_test(earlier_hosts_are_suspicious_and_not_new),
		cmocka_unit_test(addresses_of_zeros_are_hosts),
		cmocka_unit_test(a_full_set_counts_what_it_refuses),
		cmocka_unit_test(full_buckets_hold_nobody_up),
		cmocka_unit_test(it_is_what_a_naive_list_is),
		cmocka_unit_test(processes_lose_nothing),
		cmocka_unit_test(processes_that_die_leave_it_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
