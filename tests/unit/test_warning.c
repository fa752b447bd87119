/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of warnings. */
#include <passer/base/text.h>
#include <passer/base/warning.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct warning_row {
	const char *words;
	const char *list; /* NULL: refused */
} warning_rows[] = {
	{"", ""},
	{"scan", "scan"},
	{"scan:tunnel", "scan:tunnel"},
	{"tunnel:scan", "tunnel:scan"},
	{"scan:scan", "scan"},
	{"amplification:ddos:dos:external", "amplification:ddos:dos:external"},
	{"amplification:ddos:dos:external:small", NULL},
	{"scans", NULL},
	{"sca", NULL},
	{"Scan", NULL},
	{":", NULL},
	{"scan:", NULL},
	{":scan", NULL},
	{"scan::tunnel", NULL},
	{"scan tunnel", NULL},
};

static void warnings_parse_and_format(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(warning_rows); i++) {
		const struct warning_row *row = &warning_rows[i];
		struct warnings w = {{WARN_DOS}};
		char buf[64];
		struct text t;

		print_message("# '%s'\n", row->words);
		assert_int_equal(warnings_parse(span_str(row->words), &w), row->list != NULL);
		text_init(&t, buf, sizeof(buf));
		warnings_format(&w, &t);
		assert_string_equal(buf, row->list != NULL ? row->list : "dos");
	}
}

static void warnings_know_every_word(void **state)
{
	(void)state;
	for (int i = WARN_NONE + 1; i < WARN_COUNT; i++) {
		struct warnings w = {{0}}, again;
		char buf[32];
		struct text t;

		warnings_add(&w, (enum warning)i);
		text_init(&t, buf, sizeof(buf));
		warnings_format(&w, &t);
		assert_true(t.len > 0);
		assert_true(warnings_parse(text_span(&t), &again));
		assert_memory_equal(&w, &again, sizeof(w));
	}
}

static void warnings_keep_order_and_bound(void **state)
{
	static const enum warning words[] = {WARN_SCAN, WARN_NONE, WARN_DOS,   WARN_SCAN,
	                                     WARN_DDOS, WARN_DOS,  WARN_SMALL, WARN_TUNNEL};
	struct warnings w = {{0}};
	char buf[64];
	struct text t;

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		warnings_add(&w, words[i]);
	}
	text_init(&t, buf, sizeof(buf));
	warnings_format(&w, &t);
	assert_string_equal(buf, "scan:dos:ddos:small");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(warnings_parse_and_format),
		cmocka_unit_test(warnings_know_every_word),
		cmocka_unit_test(warnings_keep_order_and_bound),
	};

	return cmocka_run_group_tests_name("warning", tests, NULL, NULL);
}
