/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/fingerprint/addr_set.h>
#include <passer/fingerprint/signatures.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static bool has(const struct addr_set *s, const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return addr_set_has(s, &a);
}

static void add(struct addr_set *s, const char *text)
{
	struct err err;

	if (addr_set_add(s, span_str(text), &err) != 0) {
		fail_msg("%s", err.text);
	}
}

static void addresses_and_networks(void **state)
{
	static const struct {
		const char *member, *in, *out;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1", "192.0.2.2"},
		{"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
		{"192.0.2.0/24", "192.0.2.0", "192.0.1.255"},
		{"198.51.100.128/25", "198.51.100.128", "198.51.100.127"},
		{"198.51.100.4/31", "198.51.100.5", "198.51.100.6"},
		{"198.51.100.4/32", "198.51.100.4", "198.51.100.5"},
		{"127.0.0.0/8", "127.255.255.255", "128.0.0.0"},
		{"96.0.0.0/3", "127.255.255.255", "95.255.255.255"},
		{"0.0.0.0/0", "255.255.255.255", "::"},
		{"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
		{"::1", "::1", "::2"},
		{"::/0", "ffff::1", "0.0.0.1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr_set *s = addr_set_new();

		assert_non_null(s);
		assert_false(has(s, cases[i].in));
		add(s, cases[i].member);
		if (!has(s, cases[i].in) || has(s, cases[i].out)) {
			fail_msg("%s: %s in, %s out", cases[i].member, cases[i].in, cases[i].out);
		}
		addr_set_free(s);
	}
}

static void first_of_many(void **state)
{
	struct addr_set *s = addr_set_new();
	struct addr none = {.family = ADDR_NONE};
	struct addr first;
	char text[ADDR_TEXT_SIZE];

	(void)state;
	assert_int_equal(addr_set_first(s).family, ADDR_NONE);
	for (int i = 1; i <= 200; i++) {
		snprintf(text, sizeof(text), "10.0.%d.1", i);
		add(s, text);
	}
	for (int i = 1; i <= 200; i++) {
		snprintf(text, sizeof(text), "10.0.%d.1", i);
		assert_true(has(s, text));
	}
	assert_false(has(s, "10.0.201.1"));
	assert_false(addr_set_has(s, &none));
	first = addr_set_first(s);
	addr_format(&first, text);
	assert_string_equal(text, "10.0.1.1");
	addr_set_free(s);
	addr_set_free(NULL);
}

static void bad_addresses(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{"", "\"\" is not an address"},
		{"192.0.2", "\"192.0.2\" is not an address"},
		{"192.0.2.1/33", "\"33\" is not the length of a prefix"},
		{"192.0.2.1/", "\"\" is not the length of a prefix"},
		{"192.0.2.1/0024", "\"0024\" is not the length of a prefix"},
		{"192.0.2.1/2x", "\"2x\" is not the length of a prefix"},
		{"2001:db8::/129", "\"129\" is not the length of a prefix"},
		{"192.0.2.1/24", "192.0.2.1 has bits behind its prefix of 24"},
		{"2001:db8::1/127", "2001:db8::1 has bits behind its prefix of 127"},
		{"1111111111111111111111111111111111111111111111111111111111111111",
	         "too long for an address"},
	};
	struct addr_set *s = addr_set_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err;

		assert_int_equal(addr_set_add(s, span_str(cases[i].text), &err), -EINVAL);
		assert_string_equal(err.text, cases[i].reason);
	}
	addr_set_free(s);
}

static void shipped_tables(void **state)
{
	(void)state;
	for (size_t n = 0; signatures_file(n) != NULL; n++) {
		const char *file = signatures_file(n);
		struct addr_set *s = addr_set_new();
		struct rows_report report = {.tell = NULL};

		if (strncmp(file, "hosts_", 6) == 0 || strncmp(file, "nets_", 5) == 0) {
			assert_int_equal(addr_set_load(s, file, signatures_text(file), &report), 0);
			assert_int_equal(report.bad, 0);
			assert_true(report.good > 1);
		}
		addr_set_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_networks),
		cmocka_unit_test(first_of_many),
		cmocka_unit_test(bad_addresses),
		cmocka_unit_test(shipped_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
