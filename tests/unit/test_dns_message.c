/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DNS messages from annotated bytes: names above all, whose pointers are where parsers go wrong.
 * Each message is copied to memory of its very size, so that a sanitizer sees a slip.
 */
#include "analyzers/dns_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A literal with its length, NUL bytes inside included. */
#define BYTES(literal)                                          \
	{                                                       \
		(const uint8_t *)(literal), sizeof(literal) - 1 \
	}

/* ---- messages in memory of their own ---- */

struct message {
	uint8_t *bytes;
	struct cursor cur;
};

static struct message message_of(struct span bytes)
{
	struct message m = {.bytes = malloc(bytes.len + (bytes.len == 0))};

	assert_non_null(m.bytes);
	if (bytes.len > 0) {
		memcpy(m.bytes, bytes.data, bytes.len);
	}
	m.cur = cur_of(span_of(m.bytes, bytes.len));
	return m;
}

static void message_free(struct message *m)
{
	free(m->bytes);
}

static bool name_is(const struct dns_name *name, const char *text)
{
	return span_equal(dns_name_span(name), span_str(text));
}

/* ---- header ---- */

static const uint8_t header_bytes[] = {
	0x12, 0x34, /* id */
	0xae, 0xb3, /* response, opcode 5, all other bits, rcode 3 */
	0x00, 0x01, /* questions */
	0x02, 0x03, /* answers */
	0x04, 0x05, /* authorities */
	0xff, 0xff, /* additionals */
	0x77,       /* one over */
};

static void header_is_twelve_bytes(void **state)
{
	(void)state;
	for (size_t len = 0; len <= sizeof(header_bytes); len++) {
		struct message m = message_of(span_of(header_bytes, len));
		struct dns_header h;
		bool is_whole = dns_header_parse(&m.cur, &h);

		assert_int_equal(is_whole, len >= 12);
		assert_int_equal(m.cur.fault, is_whole ? CUR_OK : CUR_SHORT);
		assert_int_equal(cur_left(&m.cur), len == 13);
		message_free(&m);
	}
}

static void header_fields_are_read(void **state)
{
	struct cursor c = cur_of(span_of(header_bytes, 12));
	const uint8_t query[12] = {[2] = 0x7f, [3] = 0xf0};
	struct dns_header h;

	(void)state;
	assert_true(dns_header_parse(&c, &h));
	assert_int_equal(h.id, 0x1234);
	assert_true(h.is_response);
	assert_int_equal(h.opcode, 5);
	assert_int_equal(h.rcode, 3);
	assert_false(h.has_reserved);
	assert_int_equal(h.questions, 1);
	assert_int_equal(h.answers, 0x203);
	assert_int_equal(h.authorities, 0x405);
	assert_int_equal(h.additionals, 0xffff);
	c = cur_of(span_of(query, 12));
	assert_true(dns_header_parse(&c, &h));
	assert_false(h.is_response);
	assert_int_equal(h.opcode, 15);
	assert_int_equal(h.rcode, 0);
	assert_true(h.has_reserved);
}

/* ---- names ---- */

#define LABEL_10 "\12abcdefghij"
#define LABEL_60 "\74abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij"
#define LABEL_63 "\77abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc"
#define LABEL_64 "\100abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcd"
#define TEXT_60  "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij."
#define TEXT_63  "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc."

static const struct name_row {
	const char *about;
	struct span bytes;
	size_t start;
	const char *text; /* NULL: no name */
	size_t end;       /* where the cursor stands behind it */
} names[] = {
	{"root", BYTES("\0"), 0, ".", 1},
	{"one label", BYTES("\3www\0"), 0, "www.", 5},
	{"labels, more behind", BYTES("\3www\7Example\0\xff\xff"), 0, "www.Example.", 13},
	{"nothing at all", BYTES(""), 0, NULL, 0},
	{"no end", BYTES("\3www"), 0, NULL, 0},
	{"torn label", BYTES("\3ww"), 0, NULL, 0},
	{"torn behind the length", BYTES("\3"), 0, NULL, 0},
	{"label of 63", BYTES(LABEL_63 "\0"), 0, TEXT_63, 65},
	{"label of 64", BYTES(LABEL_64 "\0"), 0, NULL, 0},
	{"reserved label type 0x80", BYTES("\x80" LABEL_63 LABEL_63 LABEL_63 "\0"), 0, NULL, 0},
	{"reserved label type 0x40", BYTES("\x41" LABEL_63 LABEL_63 "\0"), 0, NULL, 0},
	{"254 bytes", BYTES(LABEL_63 LABEL_63 LABEL_63 LABEL_60 "\0"), 0,
         TEXT_63 TEXT_63 TEXT_63 TEXT_60, 254},
	{"255 bytes, the most", BYTES(LABEL_63 LABEL_63 LABEL_63 "\75" TEXT_60 "\0"), 0,
         TEXT_63 TEXT_63 TEXT_63 TEXT_60 ".", 255},
	{"256 bytes", BYTES(LABEL_63 LABEL_63 LABEL_63 "\76" TEXT_60 ".\0"), 0, NULL, 0},
	{"257 bytes", BYTES(LABEL_63 LABEL_63 LABEL_63 LABEL_63 "\0"), 0, NULL, 0},
	{"longer than all", BYTES(LABEL_63 LABEL_63 LABEL_63 LABEL_63 LABEL_63 "\0"), 0, NULL, 0},
	/* pointers */
	{"pointer back", BYTES("#\1a\0\1b\xc0\1"), 4, "b.a.", 8},
	{"pointer alone", BYTES("#\1a\0\xc0\1#"), 4, "a.", 6},
	{"pointer to the root", BYTES("#\0\1b\xc0\1"), 2, "b.", 6},
	{"pointer into a name", BYTES("#\1a\1b\0\1c\xc0\3"), 6, "c.b.", 10},
	{"pointer to a pointer", BYTES("#\1a\0\1b\xc0\1\1c\xc0\4"), 8, "c.b.a.", 12},
	{"pointer to a pointer alone", BYTES("#\1a\0\xc0\1\xc0\4"), 6, "a.", 8},
	{"label behind a pointer is not read", BYTES("#\1a\0\xc0\1\1b\0"), 4, "a.", 6},
	{"half a pointer", BYTES("#\1a\0\xc0"), 4, NULL, 0},
	{"half a pointer behind a label", BYTES("#\1a\0\1b\xc0"), 4, NULL, 0},
	{"pointer to offset 0", BYTES("\1a\0\xc0\0"), 3, NULL, 0},
	{"pointer to itself", BYTES("#\xc0\1"), 1, NULL, 0},
	{"pointer to its own name", BYTES("#\1a\xc0\1"), 1, NULL, 0},
	{"pointer behind its name's start", BYTES("#\1a\xc0\3"), 1, NULL, 0},
	{"pointer forward", BYTES("#\xc0\3\1a\0"), 1, NULL, 0},
	{"pointer to the end", BYTES("#\1a\0\xc0\6"), 4, NULL, 0},
	{"pointer far out", BYTES("#\1a\0\xff\xff"), 4, NULL, 0},
	{"two pointers to each other", BYTES("#\xc0\3\xc0\1"), 3, NULL, 0},
	{"pointer back, then forward", BYTES("#\1a\xc0\5\1b\0\xc0\1"), 8, NULL, 0},
	{"target is torn", BYTES("#\7a\0\xc0\1"), 4, NULL, 0},
	{"long by its pointer", BYTES("#" LABEL_63 LABEL_63 LABEL_60 "\0" LABEL_63 "\xc0\1"), 191,
         TEXT_63 TEXT_63 TEXT_63 TEXT_60, 257},
	{"too long by its pointer",
         BYTES("#" LABEL_63 LABEL_63 LABEL_60 "\0" LABEL_10 LABEL_63 "\xc0\1"), 191, NULL, 0},
};

static void check_name(const struct name_row *row, struct span bytes, const char *text)
{
	struct message m = message_of(bytes);
	struct dns_name name;

	cur_skip(&m.cur, row->start);
	assert_int_equal(dns_name_parse(&m.cur, &name), text != NULL);
	if (text != NULL) {
		assert_true(name_is(&name, text));
		assert_true(cur_ok(&m.cur));
		assert_int_equal(cur_offset(&m.cur), row->end);
	} else {
		assert_false(cur_ok(&m.cur));
		assert_int_equal(cur_left(&m.cur), 0);
	}
	message_free(&m);
}

static void names_are_read_with_their_pointers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		print_message("# %s\n", names[i].about);
		check_name(&names[i], names[i].bytes, names[i].text);
	}
}

/* A name that is cut anywhere is none, and what stands behind it does not matter. */
static void torn_names_are_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		for (size_t len = 0; len < names[i].bytes.len; len++) {
			bool is_whole = names[i].text != NULL && len >= names[i].end;

			check_name(&names[i], span_of(names[i].bytes.data, len),
			           is_whole ? names[i].text : NULL);
		}
	}
}

static void any_byte_stands_in_a_label(void **state)
{
	const struct span bytes = BYTES("\5a.\0\xff,\0");
	struct cursor c = cur_of(bytes);
	struct dns_name name;

	(void)state;
	assert_true(dns_name_parse(&c, &name));
	assert_int_equal(name.len, 6);
	assert_memory_equal(name.bytes, "a.\0\xff,.", 6);
}

/* A chain of pointers, each to the one before it. */
static void chains_of_pointers_have_a_limit(void **state)
{
	enum { LINKS = 40, LIMIT = 32 };
	uint8_t bytes[4 + 2 * LINKS] = {'#', 1, 'a', 0};
	struct dns_name name;

	(void)state;
	for (unsigned i = 0; i < LINKS; i++) {
		bytes[4 + 2 * i] = 0xc0;
		bytes[5 + 2 * i] = (uint8_t)(i == 0 ? 1 : 2 + 2 * i);
	}
	for (unsigned jumps = 1; jumps <= LINKS; jumps++) {
		struct cursor c = cur_of(span_of(bytes, 4 + 2 * jumps));

		cur_skip(&c, 2 + 2 * jumps);
		assert_int_equal(dns_name_parse(&c, &name), jumps <= LIMIT);
		assert_true(jumps > LIMIT || name_is(&name, "a."));
	}
}

/* Random bytes with many lengths and pointers among them: it ends, and within bounds. */
static void random_bytes_do_no_harm(void **state)
{
	enum { MESSAGE = 300, TURNS = 300 };
	static const uint8_t often[] = {0, 1, 2, 10, 63, 64, 0xc0, 0xc0, 0xc1, 0xff};
	uint8_t bytes[MESSAGE];
	uint32_t seed = 1;
	unsigned good = 0;

	(void)state;
	for (int turn = 0; turn < TURNS; turn++) {
		for (size_t i = 0; i < MESSAGE; i++) {
			seed = seed * 1664525u + 1013904223u;
			bytes[i] = seed >> 30 != 0 ? often[(seed >> 8) % COUNT(often)]
			                           : (uint8_t)(seed >> 16);
		}
		struct message m = message_of(span_of(bytes, MESSAGE));
		struct dns_name name;

		for (size_t start = 0; start < MESSAGE; start++) {
			struct cursor c = cur_at(&m.cur, start);

			if (dns_name_parse(&c, &name)) {
				good++;
				assert_in_range(name.len, 1, DNS_NAME_MAX);
				assert_int_equal(name.bytes[name.len - 1], '.');
			}
		}
		message_free(&m);
	}
	assert_in_range(good, 10 * TURNS, (MESSAGE - 10) * TURNS);
}

/* ---- questions and records ---- */

static const struct span question_bytes = BYTES("\1a\0"  /* a. */
                                                "\0\34"  /* AAAA */
                                                "\200\1" /* IN, unicast wanted */
                                                "#");

static void question_is_whole_or_none(void **state)
{
	(void)state;
	for (size_t len = 0; len <= question_bytes.len; len++) {
		struct message m = message_of(span_of(question_bytes.data, len));
		struct dns_question q;
		bool is_whole = dns_question_parse(&m.cur, &q);

		assert_int_equal(is_whole, len >= 7);
		assert_int_equal(cur_ok(&m.cur), is_whole);
		if (is_whole) {
			assert_true(name_is(&q.name, "a."));
			assert_int_equal(q.type, DNS_TYPE_AAAA);
			assert_int_equal(q.class, DNS_CLASS_IN_FLUSH);
			assert_int_equal(cur_offset(&m.cur), 7);
		}
		message_free(&m);
	}
}

#define RECORD_START 4 /* behind a name that the record points to */

static const struct span record_bytes = BYTES("#\1a\0"
                                              "\1b\xc0\1"  /* b.a. */
                                              "\0\14"      /* PTR */
                                              "\0\1"       /* IN */
                                              "\xff\1\2\3" /* time to live */
                                              "\0\5"       /* data length */
                                              "\2cc\xc0\4" /* cc.b.a. */
                                              "\1d\0");    /* behind it */
#define RECORD_END 23

static void record_is_whole_or_none(void **state)
{
	(void)state;
	for (size_t len = RECORD_START; len <= record_bytes.len; len++) {
		struct message m = message_of(span_of(record_bytes.data, len));
		struct dns_record r;

		cur_skip(&m.cur, RECORD_START);
		bool is_whole = dns_record_parse(&m.cur, &r);

		assert_int_equal(is_whole, len >= RECORD_END);
		assert_int_equal(cur_ok(&m.cur), is_whole);
		if (is_whole) {
			struct dns_name target;

			assert_true(name_is(&r.owner, "b.a."));
			assert_int_equal(r.type, DNS_TYPE_PTR);
			assert_int_equal(r.class, DNS_CLASS_IN);
			assert_true(r.ttl == 0xff010203);
			assert_int_equal(cur_left(&r.data), 5);
			assert_true(dns_name_parse(&r.data, &target));
			assert_true(name_is(&target, "cc.b.a."));
			assert_int_equal(cur_offset(&m.cur), RECORD_END);
		}
		message_free(&m);
	}
}

/* The data's length is believed, and a name inside does not reach over it. */
static void name_stays_in_the_data(void **state)
{
	uint8_t bytes[32];

	(void)state;
	memcpy(bytes, record_bytes.data, record_bytes.len);
	for (uint8_t len = 0; len <= 8; len++) {
		struct cursor c = cur_of(span_of(bytes, record_bytes.len));
		struct dns_name target;
		struct dns_record r;

		bytes[17] = len;
		cur_skip(&c, RECORD_START);
		assert_true(dns_record_parse(&c, &r));
		assert_int_equal(cur_left(&r.data), len);
		assert_int_equal(cur_offset(&c), 18 + len);
		assert_int_equal(dns_name_parse(&r.data, &target), len >= 5);
		assert_true(cur_ok(&c)); /* a child's fault is its own */
	}
	bytes[17] = 9;
	struct cursor c = cur_of(span_of(bytes, record_bytes.len));
	struct dns_record r;

	cur_skip(&c, RECORD_START);
	assert_false(dns_record_parse(&c, &r));
}

/* ---- strings ---- */

static void strings_have_a_length_byte(void **state)
{
	const struct span bytes = BYTES("\0\3a\0b\2c");
	struct message m = message_of(bytes);

	(void)state;
	assert_int_equal(dns_string_parse(&m.cur).len, 0);
	assert_true(cur_ok(&m.cur));
	assert_true(span_equal(dns_string_parse(&m.cur), span_of("a\0b", 3)));
	assert_int_equal(dns_string_parse(&m.cur).len, 0); /* torn */
	assert_int_equal(m.cur.fault, CUR_SHORT);
	assert_int_equal(dns_string_parse(&m.cur).len, 0); /* behind the end */
	message_free(&m);
}

/* ---- comparing ---- */

static const struct compare_row {
	struct span wire;
	const char *text;
	bool is, ends_with;
} compares[] = {
	{BYTES("\0"), ".", true, true},
	{BYTES("\0"), "", false, true},
	{BYTES("\0"), "a.", false, false},
	{BYTES("\1a\5LOCAL\0"), "a.local.", true, true},
	{BYTES("\1a\5LOCAL\0"), "A.Local.", true, true},
	{BYTES("\1a\5LOCAL\0"), ".local.", false, true},
	{BYTES("\1a\5LOCAL\0"), "local.", false, true},
	{BYTES("\1a\5LOCAL\0"), "local", false, false},
	{BYTES("\1a\5LOCAL\0"), "b.a.local.", false, false},
	{BYTES("\5local\0"), ".local.", false, false},
	{BYTES("\1[\0"), "{.", false, false}, /* neighbours of letters have no case */
	{BYTES("\1@\0"), "`.", false, false},
	{BYTES("\3a\0b\0"), "a.", false, false},
};

static void names_compare_without_case(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(compares); i++) {
		struct cursor c = cur_of(compares[i].wire);
		struct dns_name name;

		print_message("# row %zu: %s\n", i, compares[i].text);
		assert_true(dns_name_parse(&c, &name));
		assert_int_equal(dns_name_is(&name, compares[i].text), compares[i].is);
		assert_int_equal(dns_name_ends_with(&name, compares[i].text),
		                 compares[i].ends_with);
	}
}

/* What stands in the array behind a name does not belong to it. */
static void old_bytes_are_not_compared(void **state)
{
	const struct span longer = BYTES("\4abcd\0"), shorter = BYTES("\2ab\0");
	struct cursor c = cur_of(longer);
	struct dns_name name;

	(void)state;
	assert_true(dns_name_parse(&c, &name));
	c = cur_of(shorter);
	assert_true(dns_name_parse(&c, &name));
	assert_true(dns_name_is(&name, "ab."));
	assert_false(dns_name_is(&name, "abcd."));
	assert_false(dns_name_ends_with(&name, "cd."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_is_twelve_bytes),
		cmocka_unit_test(header_fields_are_read),
		cmocka_unit_test(names_are_read_with_their_pointers),
		cmocka_unit_test(torn_names_are_none),
		cmocka_unit_test(any_byte_stands_in_a_label),
		cmocka_unit_test(chains_of_pointers_have_a_limit),
		cmocka_unit_test(random_bytes_do_no_harm),
		cmocka_unit_test(question_is_whole_or_none),
		cmocka_unit_test(record_is_whole_or_none),
		cmocka_unit_test(name_stays_in_the_data),
		cmocka_unit_test(strings_have_a_length_byte),
		cmocka_unit_test(names_compare_without_case),
		cmocka_unit_test(old_bytes_are_not_compared),
	};

	return cmocka_run_group_tests_name("dns_message", tests, NULL, NULL);
}
