/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ledger as a whole, the facts that were printed, and what is known of hosts. */
#include <passer/ledger/hosts.h>
#include <passer/ledger/ledger.h>
#include <passer/ledger/seen.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "processes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct ledger ledger;

static struct table_key fact_of(uint64_t hash)
{
	return (struct table_key){.hash = hash, .home = hash};
}

static int open_ledger(void **state)
{
	(void)state;
	return ledger_init(&ledger);
}

static int close_ledger(void **state)
{
	(void)state;
	ledger_fini(&ledger);
	return 0;
}

static struct addr addr(const char *text)
{
	struct addr a = {.family = ADDR_NONE};

	assert_true(addr_parse(text, &a));
	return a;
}

static struct endpoint endpoint(const char *text, uint16_t port)
{
	return (struct endpoint){.addr = addr(text), .port = port};
}

/* ---- keys ---- */

/* Whatever differs in one part has another key, and the same has the same. */
static void keys_differ_in_each_part(void **state)
{
	const struct endpoint base = endpoint("1.2.3.4", 80);
	const struct endpoint others[] = {
		endpoint("1.2.3.5", 80),   endpoint("1.2.3.4", 81), endpoint("1.2.3.4", 80 + 256),
		endpoint("102:304::", 80), endpoint("::", 80),      endpoint("1.2.3.4", 0),
	};
	struct ledger other_key = ledger;
	uint64_t key = ledger_hash(&ledger.key, 1, &base, NULL);
	uint64_t pair = ledger_hash(&ledger.key, 1, &base, &others[0]);

	(void)state;
	assert_true(key == ledger_hash(&ledger.key, 1, &base, NULL));
	assert_true(key != ledger_hash(&ledger.key, 2, &base, NULL));
	assert_true(key != pair);
	assert_true(pair != ledger_hash(&ledger.key, 1, &others[0], &base));
	assert_true(pair != ledger_hash(&ledger.key, 2, &base, &others[0]));
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_true(key != ledger_hash(&ledger.key, 1, &others[i], NULL));
		assert_true(ledger_hash(&ledger.key, 1, &base, &base) !=
		            ledger_hash(&ledger.key, 1, &base, &others[i]));
	}
	/* Each byte of an address counts. */
	for (unsigned byte = 0; byte < 16; byte++) {
		const struct endpoint v6 = endpoint("2001:db8::1", 80);
		struct endpoint flipped = v6;

		flipped.addr.bytes[byte] ^= 1;
		assert_true(ledger_hash(&ledger.key, 1, &v6, NULL) !=
		            ledger_hash(&ledger.key, 1, &flipped, NULL));
	}
	/* So do the families of both ends, and TCP and UDP, which of a pair stand apart. */
	for (unsigned i = 0; i < 4; i++) {
		const struct endpoint ends[2] = {base, others[3]};
		struct endpoint tcp = ends[i % 2], udp = tcp;
		const struct endpoint *other = &ends[i / 2];

		udp.transport = TRANSPORT_UDP;
		assert_true(ledger_hash(&ledger.key, 1, &tcp, NULL) !=
		            ledger_hash(&ledger.key, 1, &udp, NULL));
		assert_true(ledger_hash(&ledger.key, 1, &tcp, other) !=
		            ledger_hash(&ledger.key, 1, &udp, other));
		assert_true(ledger_hash(&ledger.key, 1, other, &tcp) !=
		            ledger_hash(&ledger.key, 1, other, &udp));
		assert_true(ledger_hash(&ledger.key, 1, &udp, other) !=
		            ledger_hash(&ledger.key, 1, other, &udp));
	}
	assert_true(ledger_hash(&ledger.key, 1, &base, &others[3]) !=
	            ledger_hash(&ledger.key, 1, &others[3], &base));
	other_key.key.k1++;
	assert_true(key != ledger_hash(&other_key.key, 1, &base, NULL));
}

static void ledgers_end_twice(void **state)
{
	struct ledger a, b;
	struct endpoint e = endpoint("::1", 1);

	(void)state;
	assert_int_equal(ledger_init(&a), 0);
	assert_int_equal(ledger_init(&b), 0);
	assert_true(ledger_hash(&a.key, 0, &e, NULL) != ledger_hash(&b.key, 0, &e, NULL));
	assert_true(seen_is_new(&a, fact_of(1), 0));
	assert_true(seen_is_new(&b, fact_of(1), 0)); /* they share nothing */
	ledger_fini(&a);
	ledger_fini(&a);
	ledger_fini(&b);
}

static void keys_of_a_host_have_one_home(void **state)
{
	struct endpoint a = endpoint("10.0.0.1", 80), b = endpoint("10.0.0.1", 443);
	struct endpoint other = endpoint("10.0.0.2", 80), v6 = endpoint("2001:db8::1", 80);
	const uint64_t home = ledger_home(&ledger.key, &a.addr);

	(void)state;
	assert_true(ledger_key(&ledger.key, 1, &a, NULL).home == home);
	assert_true(ledger_key(&ledger.key, 2, &b, NULL).home == home);
	assert_true(ledger_key(&ledger.key, 1, &a, &other).home == home);
	assert_true(ledger_key(&ledger.key, 1, &a, NULL).hash !=
	            ledger_key(&ledger.key, 1, &b, NULL).hash);
	assert_true(ledger_home(&ledger.key, &other.addr) != home);
	assert_true(ledger_home(&ledger.key, &v6.addr) != home);
}

/* ---- facts ---- */

#define FACTS 5000

static void fact_is_new_once(void **state)
{
	(void)state;
	for (uint64_t fact = 1; fact < FACTS; fact++) {
		assert_true(seen_is_new(&ledger, fact_of(fact << 24 | fact), fact));
		assert_false(seen_is_new(&ledger, fact_of(fact << 24 | fact), 0));
	}
	assert_false(seen_is_new(&ledger, fact_of(1u << 24 | 1), UINT64_MAX));
}

static bool tell_facts(unsigned number, void *context)
{
	uint32_t *told = context;

	(void)number;
	for (uint64_t fact = 0; fact < FACTS; fact++) {
		if (seen_is_new(&ledger, fact_of((fact + FACTS) << 24 | 7), fact)) {
			__atomic_fetch_add(&told[fact], 1, __ATOMIC_RELAXED);
		}
	}
	return true;
}

static void fact_is_new_for_one_process(void **state)
{
	uint32_t *told = shm_new(FACTS * sizeof(*told));

	(void)state;
	assert_non_null(told);
	processes_run(tell_facts, told);
	for (unsigned fact = 0; fact < FACTS; fact++) {
		assert_int_equal(told[fact], 1);
	}
	shm_free(told, FACTS * sizeof(*told));
}

/* ---- hosts ---- */

static const struct mac nobody = {{0}};
static const struct mac one = {{0x00, 0x0a, 0x27, 0x01, 0x02, 0x03}};
static const struct mac all = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static const struct mac_row {
	const char *addr;
	const struct mac *mac;
	bool is_new;
} mac_rows[] = {
	{"10.0.0.1", &one, true},     {"10.0.0.1", &one, false},
	{"10.0.0.2", &one, true}, /* another address */
	{"a00:1::", &one, true},  /* the same bytes in IPv6 */
	{"10.0.0.1", &all, true},     {"10.0.0.1", &all, false},
	{"10.0.0.1", &one, true},    /* and back */
	{"10.0.0.1", &nobody, true}, /* all zero is a MAC, too */
	{"10.0.0.1", &nobody, false}, {"10.0.0.9", &nobody, true},
	{"10.0.0.9", &nobody, false}, {"0.0.0.0", &nobody, true},
	{"10.0.0.2", &one, false},
};

static void mac_is_new_when_it_differs_from_the_last(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(mac_rows); i++) {
		const struct addr a = addr(mac_rows[i].addr);

		print_message("# row %zu: %s\n", i, mac_rows[i].addr);
		assert_int_equal(host_mac_is_new(&ledger, &a, mac_rows[i].mac, i),
		                 mac_rows[i].is_new);
	}
}

/* Each of the six bytes counts. */
static void mac_is_compared_whole(void **state)
{
	const struct addr a = addr("10.1.0.1");
	struct mac mac = one;

	(void)state;
	assert_true(host_mac_is_new(&ledger, &a, &mac, 0));
	for (int i = 0; i < 6; i++) {
		mac.bytes[i] ^= 0x80;
		assert_true(host_mac_is_new(&ledger, &a, &mac, 0));
		assert_false(host_mac_is_new(&ledger, &a, &mac, 0));
	}
}

static void dns_server_is_marked(void **state)
{
	const struct addr server = addr("10.2.0.53"), other = addr("10.2.0.54");

	(void)state;
	assert_false(host_is_dns_server(&ledger, &server, 0));
	host_mark_dns_server(&ledger, &server, 0);
	host_mark_dns_server(&ledger, &server, 0);
	assert_true(host_is_dns_server(&ledger, &server, 1));
	assert_false(host_is_dns_server(&ledger, &other, 1));
	/* Beside its MAC. */
	assert_true(host_mac_is_new(&ledger, &server, &one, 2));
	assert_false(host_mac_is_new(&ledger, &server, &one, 2));
	assert_true(host_is_dns_server(&ledger, &server, 3));
	assert_true(host_mac_is_new(&ledger, &other, &one, 2));
	assert_false(host_is_dns_server(&ledger, &other, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_differ_in_each_part),
		cmocka_unit_test(ledgers_end_twice),
		cmocka_unit_test(keys_of_a_host_have_one_home),
		cmocka_unit_test(fact_is_new_once),
		cmocka_unit_test(fact_is_new_for_one_process),
		cmocka_unit_test(mac_is_new_when_it_differs_from_the_last),
		cmocka_unit_test(mac_is_compared_whole),
		cmocka_unit_test(dns_server_is_marked),
	};

	return cmocka_run_group_tests_name("ledger", tests, open_ledger, close_ledger);
}
