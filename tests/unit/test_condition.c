/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/text.h>
#include <passer/fingerprint/condition.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct condition *compile(const char *text)
{
	struct condition *c = NULL;
	struct err err = {.text = ""};
	int ret = condition_new(span_str(text), &c, &err);

	if (ret != 0) {
		print_error("%s: %s\n", text, err.text);
	}
	assert_int_equal(ret, 0);
	return c;
}

/* On the heap at its exact size, so that the sanitizer sees one byte too many. */
static struct span payload_of(const char *literal, uint8_t **out_bytes)
{
	uint8_t buf[512];
	size_t len;
	struct err err;

	assert_int_equal(literal_parse(span_str(literal), buf, sizeof(buf), &len, &err), 0);
	*out_bytes = len > 0 ? malloc(len) : NULL;
	if (len > 0) {
		assert_non_null(*out_bytes);
		memcpy(*out_bytes, buf, len);
	}
	return span_of(*out_bytes, len);
}

struct match_case {
	const char *condition;
	const char *payload; /* a literal */
	bool is_match;
};

static const struct match_case matches[] = {
	{"any", "a\"\"", true},
	{"any", "a\"x\"", true},
	{"empty", "a\"\"", true},
	{"empty", "a\"x\"", false},
	{"nonempty", "a\"\"", false},
	{"nonempty", "h\"00\"", true},

	{"prefix a\"BJNP\"", "a\"BJNP\"", true},
	{"prefix a\"BJNP\"", "a\"BJNPx\"", true},
	{"prefix a\"BJNP\"", "a\"BJN\"", false},
	{"prefix a\"BJNP\"", "a\"xBJNP\"", false},
	{"prefix a\"BJNP\"", "a\"\"", false},
	{"suffix a\"END\"", "a\"END\"", true},
	{"suffix a\"END\"", "a\"xEND\"", true},
	{"suffix a\"END\"", "a\"ENDx\"", false},
	{"suffix a\"END\"", "a\"ND\"", false},
	{"suffix a\"END\"", "a\"\"", false},
	{"contains a\"MID\"", "a\"MID\"", true},
	{"contains a\"MID\"", "a\"xMIDx\"", true},
	{"contains a\"MID\"", "a\"MI\"", false},
	{"contains a\"MID\"", "a\"\"", false},
	{"equals a\"\\n\"", "h\"0a\"", true},
	{"equals a\"\\n\"", "h\"0a0a\"", false},
	{"equals a\"\\n\"", "a\"\"", false},
	{"equals a\"\"", "a\"\"", true},
	{"equals a\"\"", "a\"x\"", false},
	{"byte[2]=a\">\"", "a\"<1>\"", true},
	{"byte[2]=a\">\"", "a\"<1\"", false},
	{"byte[2]=a\">\"", "a\"<>x\"", false},
	{"byte[0]=h\"00\"", "a\"\"", false},
	{"byte[1]=a\"ab\" or a\"cd\"", "a\"xcd\"", true},
	{"byte[9]=a\"a\"", "a\"x\"", false},

	{"len>=2", "a\"x\"", false},
	{"len>=2", "a\"xx\"", true},
	{"len<=2", "a\"xx\"", true},
	{"len<=2", "a\"xxx\"", false},
	{"len<=2", "a\"\"", false},
	{"len>=0", "a\"\"", false},
	{"len=2", "a\"xx\"", true},
	{"len=2", "a\"xxx\"", false},
	{"len = 2", "a\"xx\"", true},
	{"len=4 or len >= 8", "a\"12345\"", false},
	{"len=4 or len >= 8", "a\"1234\"", true},
	{"len=4 or len >= 8", "a\"12345678\"", true},

	{"equals h\"02\" or h\"0200\"", "h\"02\"", true},
	{"equals h\"02\" or h\"0200\"", "h\"0200\"", true},
	{"equals h\"02\" or h\"0200\"", "h\"00\"", false},
	{"prefix one of {a\"100@\", a\"CANCEL sip:\"}", "a\"CANCEL sip:x\"", true},
	{"prefix one of {a\"100@\", a\"CANCEL sip:\"}", "a\"100@x\"", true},
	{"prefix one of {a\"100@\", a\"CANCEL sip:\"}", "a\"200@x\"", false},
	{"contains any of {a\"x\"}", "a\"axa\"", true},
	{"contains any of { a\"x\" , h\"00\" }", "h\"0100\"", true},
	{"contains any of {a\"a, b\", a\"c or d\"}", "a\"c or d\"", true},

	{"prefix a\"8\" & suffix h\"fe0000000000\"", "a\"8x\" h\"FE0000000000\"", true},
	{"prefix a\"8\" & suffix h\"fe0000000000\"", "a\"8x\" h\"FE\"", false},
	{"contains a\"b\" & contains a\"a\"", "a\"ab\"", true},
	{"prefix a\"a\" or a\"b\" & suffix a\"z\"", "a\"az\"", true},
	{"prefix a\"a\" or a\"b\" & suffix a\"z\"", "a\"bz\"", true},
	{"prefix a\"a\" or a\"b\" & suffix a\"z\"", "a\"ax\"", false},
	{"prefix a\"<?xml\" or contains a\"://x/\"", "a\"<?xml\"", true},
	{"prefix a\"<?xml\" or contains a\"://x/\"", "a\" http://x/\"", true},
	{"prefix a\"<?xml\" or contains a\"://x/\"", "a\" <?xml\"", false},
	{"prefix a\"<\" & (byte[2]=a\">\" or byte[3]=a\">\")", "a\"<12>\"", true},
	{"prefix a\"<\" & (byte[2]=a\">\" or byte[3]=a\">\")", "a\"<123>\"", false},
	{"contains a\":id\" & ( (contains a\":i\" & contains a\":g\") or contains a\":p\" )",
         "a\":id:g\"", true},
	{"contains a\":id\" & ( (contains a\":q\" & contains a\":g\") or contains a\":p\" )",
         "a\":id:p\"", true},
	{"contains a\":id\" & ( (contains a\":q\" & contains a\":g\") or contains a\":p\" )",
         "a\":id:q\"", false},
	{"contains a\":id\" & ( (contains a\":q\" & contains a\":g\") or contains a\":p\" )",
         "a\":q:g\"", false},
	{"(any)", "a\"\"", true},
	{"empty or prefix a\"x\"", "a\"\"", true},
	{"  any  ", "a\"x\"", true},
	{"any&nonempty", "a\"x\"", true},
	{"prefix\ta\"x\"", "a\"x\"", true},
	{"prefix a\"x\"h\"00\"a\"y\"", "h\"780079\"", true},
	{"prefix a\"or\" or a\" or \"", "a\" or \"", true},
	{"equals a\"{\\\"a\\\": \\\\}\"", "h\"7b2261223a205c7d\"", true},
	{"equals a\"\\r\\n\\t\"", "h\"0d0a09\"", true},
};

static void conditions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		const struct match_case *m = &matches[i];
		struct condition *c = compile(m->condition);
		uint8_t *bytes;
		struct span payload = payload_of(m->payload, &bytes);

		if (condition_match(c, payload) != m->is_match) {
			fail_msg("%s on %s is not %d", m->condition, m->payload, m->is_match);
		}
		bool halves = condition_lead_match(c, payload) && condition_rest_match(c, payload);

		assert_int_equal(halves, m->is_match);
		assert_true(condition_same_lead(c, c));
		free(bytes);
		condition_free(c);
	}
}

struct error_case {
	const char *text;
	const char *message; /* how it begins */
};

static void errors_name_place_and_reason(void **state)
{
	static const struct error_case cases[] = {
		{"", "at 1: no test"},
		{"   ", "at 4: no test"},
		{"prefiks a\"x\"", "at 1: no test"},
		{"anything", "at 1: no test"},
		{"matches ^x", "at 1: no test"},
		{"a\"x\"", "at 1: no test"},
		{"prefix", "at 7: a literal"},
		{"prefix x", "at 8: a literal"},
		{"prefix \"x\"", "at 8: a literal"},
		{"prefix a\"x", "at 11: the closing quote is missing"},
		{"prefix a\"x\\\"", "at 13: the closing quote is missing"},
		{"prefix h\"00", "at 12: the closing quote is missing"},
		{"prefix a\"\\x\"", "at 10: unknown escape"},
		{"prefix a\"\\", "at 10: unknown escape"},
		{"prefix a\"\xc3\xbc\"", "at 10: not ASCII"},
		{"prefix h\"0\"", "at 10: half a byte"},
		{"prefix h\"000\"", "at 12: half a byte"},
		{"prefix h\"0g\"", "at 10: half a byte"},
		{"prefix h\"g0\"", "at 10: not a hex digit"},
		{"prefix h\"00 00\"", "at 12: not a hex digit"},
		{"prefix a\"\"", "at 8: an empty literal"},
		{"contains any of {a\"x\", h\"\"}", "at 24: an empty literal"},
		{"prefix a\"x\" or", "at 15: no test"},
		{"prefix a\"x\" a\"y\" prefix a\"z\"", "at 18: & is missing"},
		{"prefix a\"x\" & ", "at 15: no test"},
		{"prefix one {a\"x\"}", "at 12: \"of\" is missing"},
		{"prefix one of a\"x\"", "at 15: { is missing"},
		{"prefix one of {a\"x\"", "at 20: , or } is missing"},
		{"prefix one of {a\"x\" a\"y\" h}", "at 26: , or } is missing"},
		{"prefix one of {}", "at 16: a literal"},
		{"prefix one of {a\"x\",}", "at 21: a literal"},
		{"any & empty or any", "at 13: & and \"or\" are mixed"},
		{"any or empty & any", "at 14: & and \"or\" are mixed"},
		{"(any", "at 5: & or ) is missing"},
		{"any)", "at 4: & is missing, or this is too much"},
		{"()", "at 2: no test"},
		{"len>2", "at 5: len is compared"},
		{"len", "at 4: len is compared"},
		{"len>=", "at 6: a number is missing"},
		{"len>=65536", "at 6: a number above 65535"},
		{"len>=99999999999999999999", "at 6: a number above 65535"},
		{"byte 2=a\"x\"", "at 6: [ is missing"},
		{"byte[2=a\"x\"", "at 7: ]= is missing"},
		{"byte[2]a\"x\"", "at 8: ]= is missing"},
		{"byte[2]=\">\"", "at 9: a literal"},
		{"byte[2]=a\"\"", "at 9: an empty literal"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct condition *c = NULL;
		struct err err = {.text = ""};

		assert_int_equal(condition_new(span_str(cases[i].text), &c, &err), -EINVAL);
		assert_null(c);
		if (strncmp(err.text, cases[i].message, strlen(cases[i].message)) != 0) {
			fail_msg("%s: %s", cases[i].text, err.text);
		}
	}
}

/* Text of n openings, one test and n closings. */
static int compile_nested(size_t n)
{
	char text[256];
	struct condition *c = NULL;
	struct err err;

	snprintf(text, sizeof(text), "%.*sany%.*s", (int)n, "((((((((((((", (int)n, "))))))))))))");
	int ret = condition_new(span_str(text), &c, &err);

	condition_free(c);
	return ret;
}

/* n tests in a chain */
static int compile_chain(size_t n)
{
	char buf[2048];
	struct text text;
	struct condition *c = NULL;
	struct err err;

	text_init(&text, buf, sizeof(buf));
	text_add(&text, "any");
	for (size_t i = 1; i < n; i++) {
		text_add(&text, " & any");
	}
	int ret = condition_new(text_span(&text), &c, &err);

	if (ret == 0) {
		assert_true(condition_match(c, span_of(NULL, 0)));
	}
	condition_free(c);
	return ret;
}

static void size_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(compile_nested(8), 0);
	assert_int_equal(compile_nested(9), -EINVAL);
	assert_int_equal(compile_chain(127), 0);
	assert_int_equal(compile_chain(128), -EINVAL);
}

struct lead_case {
	const char *a, *b;
	bool is_same;
};

static void leads(void **state)
{
	static const struct lead_case cases[] = {
		{"contains a\"S\" & contains a\"x\"", "contains a\"S\" & len=1", true},
		{"contains a\"S\" & contains a\"x\"", "contains a\"S\"", true},
		{"contains a\"S\"", "contains h\"53\"", true},
		{"contains a\"S\"", "prefix a\"S\"", false},
		{"contains a\"S\"", "contains a\"T\"", false},
		{"contains a\"S\"", "contains a\"ST\"", false},
		{"contains a\"S\" or a\"T\" & any", "contains one of {a\"S\", a\"T\"}", true},
		{"contains a\"S\" or a\"T\"", "contains a\"S\"", false},
		{"len>=4", "len>=5", false},
		{"(any & empty) & any", "any & empty", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct condition *a = compile(cases[i].a);
		struct condition *b = compile(cases[i].b);

		assert_int_equal(condition_same_lead(a, b), cases[i].is_same);
		assert_int_equal(condition_same_lead(b, a), cases[i].is_same);
		condition_free(a);
		condition_free(b);
	}
}

static void literals(void **state)
{
	uint8_t out[4];
	size_t len = 99;
	struct err err;

	(void)state;
	assert_int_equal(literal_parse(span_str(" a\"ab\" h\"00ff\" "), out, 4, &len, &err), 0);
	assert_int_equal(len, 4);
	assert_memory_equal(out, "ab\x00\xff", 4);
	assert_int_equal(literal_parse(span_str("a\"abcde\""), out, 4, &len, &err), -EINVAL);
	assert_string_equal(err.text, "at 7: longer than 4 bytes");
	assert_int_equal(literal_parse(span_str("a\"a\" x"), out, 4, &len, &err), -EINVAL);
	assert_string_equal(err.text, "at 6: something stands behind the literal");
	assert_int_equal(literal_parse(span_str(""), out, 4, &len, &err), -EINVAL);
}

/* The search goes by one byte of the literal; near misses of any number must not mislead it. */
static void contains_among_near_misses(void **state)
{
	static const char *const literals[] = {"a:b", ":ab", "ab:", "aaa", ":::", "a"};
	char payload[128];

	(void)state;
	for (size_t l = 0; l < sizeof(literals) / sizeof(literals[0]); l++) {
		size_t len = strlen(literals[l]);
		struct condition *c;
		char text[64];
		struct err err;

		snprintf(text, sizeof(text), "contains a\"%s\"", literals[l]);
		assert_int_equal(condition_new(span_str(text), &c, &err), 0);
		for (size_t at = 0; at + len <= sizeof(payload); at++) {
			/* Every second byte is the one looked for, and then the literal once. */
			for (size_t i = 0; i < sizeof(payload); i++) {
				payload[i] = i % 2 == 0 && strchr(literals[l], ':') ? ':' : 'x';
			}
			assert_false(condition_match(c, span_of(payload, sizeof(payload))));
			memcpy(payload + at, literals[l], len);
			assert_true(condition_match(c, span_of(payload, sizeof(payload))));
			assert_true(condition_match(c, span_of(payload, at + len)));
			assert_true(condition_match(c, span_of(payload + at, len)));
			assert_false(condition_match(c, span_of(payload + at + 1, len - 1)));
		}
		condition_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions),      cmocka_unit_test(errors_name_place_and_reason),
		cmocka_unit_test(size_is_bounded), cmocka_unit_test(leads),
		cmocka_unit_test(literals),        cmocka_unit_test(contains_among_near_misses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
