/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/fingerprint/port_names.h>
#include <passer/fingerprint/signatures.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct messages {
	char text[1024];
};

static void tell(void *context, const char *message)
{
	struct messages *m = context;
	size_t len = strlen(m->text);

	assert_true(len + strlen(message) + 2 < sizeof(m->text));
	snprintf(m->text + len, sizeof(m->text) - len, "%s\n", message);
}

static const char *name_of(const struct port_names *p, uint16_t port)
{
	const struct port_name *found = port_names_find(p, port);

	return found != NULL ? found->name : "none";
}

static void policy_table(void **state)
{
	static const uint16_t ports[] = {7, 9, 11, 13, 17, 19, 23, 79, 512, 513, 514, 623};
	struct port_names *p = port_names_new();
	struct rows_report report = {.tell = NULL};
	size_t known = 0;

	(void)state;
	assert_int_equal(
		port_names_load(p, "policy_tcp.tsv", signatures_text("policy_tcp.tsv"), &report),
		0);
	assert_int_equal(report.bad, 0);
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		assert_non_null(port_names_find(p, ports[i]));
	}
	for (unsigned port = 0; port <= UINT16_MAX; port++) {
		known += port_names_find(p, (uint16_t)port) != NULL;
	}
	assert_int_equal(known, sizeof(ports) / sizeof(ports[0]));
	assert_string_equal(name_of(p, 23), "telnet");
	port_names_free(p);
}

static void bad_rows(void **state)
{
	static const char text[] = "ports\tname\twarnings\n"
				   "1,3-5\tone\tscan\n"
				   "5\tagain\n"
				   "x\ta,b\tscam\n"
				   "0,65535\tends\n";
	struct port_names *p = port_names_new();
	struct messages messages = {.text = ""};
	struct rows_report report = {.tell = tell, .context = &messages};

	(void)state;
	assert_int_equal(port_names_load(p, "u.tsv", span_str(text), &report), 0);
	assert_string_equal(
		messages.text,
		"u.tsv:3: ports: line 2 has port 5\n"
		"u.tsv:4: ports: \"x\" is neither a port nor a range of ports\n"
		"u.tsv:4: warnings: \"scam\" is not a list of at most 4 known warnings\n"
		"u.tsv:4: name: a comma would begin another column of the record\n");
	assert_int_equal(report.good, 2);
	assert_int_equal(report.bad, 2);
	assert_string_equal(name_of(p, 0), "ends");
	assert_string_equal(name_of(p, 1), "one");
	assert_string_equal(name_of(p, 2), "none");
	assert_string_equal(name_of(p, 4), "one");
	assert_string_equal(name_of(p, 5), "one");
	assert_string_equal(name_of(p, 6), "none");
	assert_string_equal(name_of(p, 65535), "ends");
	assert_int_equal(port_names_find(p, 1)->warnings.words[0], WARN_SCAN);
	port_names_free(p);
}

static void earlier_file_keeps_its_ports(void **state)
{
	struct port_names *p = port_names_new();
	struct rows_report report = {.tell = NULL};

	(void)state;
	assert_int_equal(port_names_load(p, "a", span_str("ports\tname\n5\ta\n"), &report), 0);
	assert_int_equal(port_names_load(p, "b", span_str("name\tports\nb\t4-6\n"), &report), 0);
	assert_int_equal(report.bad, 0);
	assert_string_equal(name_of(p, 4), "b");
	assert_string_equal(name_of(p, 5), "a");
	assert_string_equal(name_of(p, 6), "b");
	assert_int_equal(port_names_find(p, 6)->line, 2);
	port_names_free(p);
	port_names_free(NULL);
}

static void neighbours_are_one_range(void **state)
{
	static const char text[] = "ports\tname\n0\ta\n7-8, 10\tb\n9\tc\n65535\td\n";
	static const struct port_range expected[] = {{0, 0}, {7, 10}, {65535, 65535}};
	struct port_names *p = port_names_new();
	struct rows_report report = {.tell = NULL};
	struct port_range range;
	unsigned from = 0;

	(void)state;
	assert_false(port_names_next(p, 0, &range));
	assert_int_equal(port_names_load(p, "u", span_str(text), &report), 0);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_true(port_names_next(p, from, &range));
		assert_int_equal(range.first, expected[i].first);
		assert_int_equal(range.last, expected[i].last);
		from = range.last + 1u;
	}
	assert_false(port_names_next(p, from, &range));
	port_names_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policy_table),
		cmocka_unit_test(bad_rows),
		cmocka_unit_test(earlier_file_keeps_its_ports),
		cmocka_unit_test(neighbours_are_one_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
