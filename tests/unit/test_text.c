/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text in the making: cleaned for a column, cut between characters only. */
#include <passer/base/text.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A literal with its length, NUL bytes inside included. */
#define BYTES(literal)                                          \
	{                                                       \
		(const uint8_t *)(literal), sizeof(literal) - 1 \
	}

#define BROKEN "\xef\xbf\xbd" /* U+FFFD */

static const struct clean_row {
	const char *name;
	struct span bytes;
	const char *clean;
} clean_rows[] = {
	{"nothing", BYTES(""), ""},
	{"plain", BYTES("Apache/2.4 (Debian) ~"), "Apache/2.4 (Debian) ~"},
	{"line ends go", BYTES("a\r\nb\nc\r"), "abc"},
	{"comma", BYTES("a,b,,"), "a b  "},
	{"NUL", BYTES("a\0b"), "a\\x00b"},
	{"controls of two bytes", BYTES("\xc2\x80\xc2\x9b[1m\xc2\x9f"), "\\x80\\x9b[1m\\x9f"},
	{"tab, ESC", BYTES("\t\x1b[1m"), "\\x09\\x1b[1m"},
	{"0x1f, DEL", BYTES("\x1f\x7f"), "\\x1f\\x7f"},
	{"backslash stays", BYTES("\\x00"), "\\x00"},
	{"first of two bytes", BYTES("\xc2\xa0"), "\xc2\xa0"},
	{"last of two bytes", BYTES("\xdf\xbf"), "\xdf\xbf"},
	{"first of three bytes", BYTES("\xe0\xa0\x80"), "\xe0\xa0\x80"},
	{"before the surrogates", BYTES("\xed\x9f\xbf"), "\xed\x9f\xbf"},
	{"behind the surrogates", BYTES("\xee\x80\x80"), "\xee\x80\x80"},
	{"last of three bytes", BYTES("\xef\xbf\xbf"), "\xef\xbf\xbf"},
	{"first of four bytes", BYTES("\xf0\x90\x80\x80"), "\xf0\x90\x80\x80"},
	{"last of four bytes", BYTES("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf"},
	{"umlauts in words",
         BYTES("K\xc3\xbc"
               "che,5"),
         "K\xc3\xbc"
         "che 5"},
	{"lone follower",
         BYTES("a\x80"
               "b"),
         "a" BROKEN "b"},
	{"overlong slash", BYTES("\xc0\xaf"), BROKEN BROKEN},
	{"overlong, c1", BYTES("\xc1\xbf"), BROKEN BROKEN},
	{"overlong, three bytes", BYTES("\xe0\x9f\xbf"), BROKEN BROKEN BROKEN},
	{"overlong, four bytes", BYTES("\xf0\x8f\xbf\xbf"), BROKEN BROKEN BROKEN BROKEN},
	{"surrogate", BYTES("\xed\xa0\x80"), BROKEN BROKEN BROKEN},
	{"behind U+10FFFF", BYTES("\xf4\x90\x80\x80"), BROKEN BROKEN BROKEN BROKEN},
	{"never a lead", BYTES("\xf5\xff"), BROKEN BROKEN},
	{"two bytes broken off", BYTES("\xc3"), BROKEN},
	{"three bytes broken off", BYTES("\xe2\x82"), BROKEN},
	{"four bytes broken off", BYTES("\xf0\x9f\x98"), BROKEN},
	{"broken off by a letter",
         BYTES("\xf0\x9f\x98"
               "A"),
         BROKEN "A"},
	{"broken off by a lead", BYTES("\xe2\x82\xc3\xa9"), BROKEN "\xc3\xa9"},
	{"broken off by a line end", BYTES("\xe2\x82\n\xac"), BROKEN BROKEN},
};

static void columns_are_cleaned(void **state)
{
	char buf[64];
	struct text t;

	(void)state;
	for (size_t i = 0; i < COUNT(clean_rows); i++) {
		const struct clean_row *row = &clean_rows[i];

		print_message("# %s\n", row->name);
		text_init(&t, buf, sizeof(buf));
		text_add_clean(&t, row->bytes);
		assert_string_equal(buf, row->clean);
		assert_int_equal(t.len, strlen(row->clean));
		assert_false(t.cut);
	}
}

static void names_get_lower_case_letters(void **state)
{
	const struct span name = BYTES("@AZ[`az{\xc3\x9c,");
	char buf[32];
	struct text t;

	(void)state;
	text_init(&t, buf, sizeof(buf));
	text_add_clean_lower(&t, name);
	assert_string_equal(buf, "@az[`az{\xc3\x9c ");
}

static void numbers_are_decimal(void **state)
{
	char buf[32];
	struct text t;

	(void)state;
	text_init(&t, buf, sizeof(buf));
	text_add_uint(&t, 0);
	text_add(&t, " ");
	text_add_uint(&t, 10);
	text_add(&t, " ");
	text_add_uint(&t, UINT64_MAX);
	assert_string_equal(buf, "0 10 18446744073709551615");
	assert_true(span_equal(text_span(&t), span_str(buf)));
	text_clear(&t);
	assert_string_equal(buf, "");
	assert_int_equal(t.len, 0);
}

/* Escapes and characters are whole or absent, at every size of the buffer. */
static void text_is_cut_between_characters(void **state)
{
	static const struct span bytes = BYTES("a\x01\xe2\x82\xac\xff"
	                                       "b");
	static const char whole[] = "a\\x01\xe2\x82\xac" BROKEN "b";
	static const size_t edges[] = {0, 1, 5, 8, 11, 12}; /* where a character ends */

	(void)state;
	for (size_t cap = 1; cap <= sizeof(whole) + 1; cap++) {
		char *buf = malloc(cap);
		struct text t;
		size_t fits = 0;

		assert_non_null(buf);
		for (size_t i = 0; i < COUNT(edges); i++) {
			fits = edges[i] < cap ? edges[i] : fits;
		}
		text_init(&t, buf, cap);
		text_add_clean(&t, bytes);
		assert_int_equal(t.len, fits);
		assert_memory_equal(buf, whole, fits);
		assert_int_equal(buf[fits], '\0');
		assert_int_equal(t.cut, cap < sizeof(whole));
		/* What is cut stays cut: no later word is glued to the stump. */
		text_add(&t, "");
		text_add(&t, t.cut ? "x" : "");
		assert_int_equal(t.len, fits);
		text_clear(&t);
		assert_false(t.cut);
		free(buf);
	}
}

static void plain_text_fills_the_room(void **state)
{
	static const char whole[] = "plain";

	(void)state;
	for (size_t cap = 1; cap <= sizeof(whole) + 1; cap++) {
		char *buf = malloc(cap);
		struct text t;

		assert_non_null(buf);
		text_init(&t, buf, cap);
		text_add_clean_lower(&t, span_str("Plain"));
		assert_int_equal(t.len, cap <= strlen(whole) ? cap - 1 : strlen(whole));
		assert_memory_equal(buf, whole, t.len);
		assert_int_equal(buf[t.len], '\0');
		assert_int_equal(t.cut, cap < sizeof(whole));
		free(buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_cleaned),
		cmocka_unit_test(names_get_lower_case_letters),
		cmocka_unit_test(numbers_are_decimal),
		cmocka_unit_test(text_is_cut_between_characters),
		cmocka_unit_test(plain_text_fills_the_room),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
