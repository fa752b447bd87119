/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cursor: its contracts first, by their numbers. */
#include <passer/base/cursor.h>

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

static uint64_t read_u8(struct cursor *c)
{
	return cur_u8(c);
}

static uint64_t read_be16(struct cursor *c)
{
	return cur_be16(c);
}

static uint64_t read_be24(struct cursor *c)
{
	return cur_be24(c);
}

static uint64_t read_be32(struct cursor *c)
{
	return cur_be32(c);
}

static uint64_t read_le16(struct cursor *c)
{
	return cur_le16(c);
}

static uint64_t read_le32(struct cursor *c)
{
	return cur_le32(c);
}

/* Contract 6: width and byte order are in the name. */
static const struct reader_row {
	const char *name;
	size_t width;
	uint64_t (*read)(struct cursor *);
	uint64_t value; /* of the bytes 81 82 83 … */
} readers[] = {
	{"u8", 1, read_u8, 0x81},
	{"be16", 2, read_be16, 0x8182},
	{"be24", 3, read_be24, 0x818283},
	{"be32", 4, read_be32, 0x81828384},
	{"be64", 8, cur_be64, 0x8182838485868788},
	{"le16", 2, read_le16, 0x8281},
	{"le32", 4, read_le32, 0x84838281},
	{"le64", 8, cur_le64, 0x8887868584838281},
};

static const uint8_t nine[] = {0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89};

/* Empty, one short, exact, one over; the copy has no byte more, so that a sanitizer sees a slip. */
static void readers_keep_to_their_width(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(readers); i++) {
		const struct reader_row *row = &readers[i];

		for (size_t len = 0; len <= row->width + 1; len++) {
			uint8_t *copy = malloc(len + (len == 0));

			assert_non_null(copy);
			memcpy(copy, nine, len);
			struct cursor c = cur_of(span_of(copy, len));
			uint64_t value = row->read(&c);
			bool fits = len >= row->width;

			print_message("# %s of %zu bytes\n", row->name, len);
			assert_int_equal(cur_ok(&c), fits);
			assert_int_equal(c.fault, fits ? CUR_OK : CUR_SHORT);
			assert_true(value == (fits ? row->value : 0));
			assert_int_equal(cur_left(&c), fits ? len - row->width : 0);
			free(copy);
		}
	}
}

static void contract_1_fault_is_sticky(void **state)
{
	struct cursor c = cur_of(span_of(nine, sizeof(nine)));
	struct span line;
	int turns = 0;

	(void)state;
	while (cur_left(&c) > 0) {
		cur_be16(&c);
		turns++;
	}
	assert_int_equal(turns, 5); /* four pairs, and the one that runs off the end */
	assert_int_equal(c.fault, CUR_SHORT);
	assert_int_equal(cur_offset(&c), sizeof(nine));
	for (size_t i = 0; i < COUNT(readers); i++) {
		assert_true(readers[i].read(&c) == 0);
	}
	assert_int_equal(cur_take(&c, 1).len, 0);
	assert_int_equal(cur_rest(&c).len, 0);
	assert_false(cur_line(&c, &line));
	cur_skip(&c, 0);
	assert_false(cur_ok(&c));
}

struct greeting {
	uint8_t version;
	uint16_t flags;
	uint32_t id;
};

/* Read all, check once, then use. */
static bool greeting_parse(struct cursor c, struct greeting *out_greeting)
{
	struct greeting g = {.version = cur_u8(&c), .flags = cur_be16(&c), .id = cur_be32(&c)};

	if (!cur_ok(&c)) {
		return false;
	}
	*out_greeting = g;
	return true;
}

static void contract_2_read_all_check_once(void **state)
{
	static const uint8_t zeros[8];

	(void)state;
	for (size_t len = 0; len <= sizeof(zeros); len++) {
		struct greeting g = {9, 9, 9};
		bool is_whole = greeting_parse(cur_of(span_of(zeros, len)), &g);

		/* Zero is a value like any other; nothing is written before the end is reached. */
		assert_int_equal(is_whole, len >= 7);
		assert_int_equal(g.version, is_whole ? 0 : 9);
		assert_int_equal(g.flags, is_whole ? 0 : 9);
		assert_int_equal(g.id, is_whole ? 0 : 9);
	}
}

static void contract_3_child_stays_in_its_part(void **state)
{
	struct cursor c = cur_of(span_of(nine, sizeof(nine)));
	struct cursor child;

	(void)state;
	cur_skip(&c, 1);
	child = cur_sub(&c, 3);
	assert_int_equal(cur_left(&child), 3);
	assert_int_equal(cur_left(&c), 5);
	assert_int_equal(cur_u8(&child), 0x82);
	assert_int_equal(cur_be32(&child), 0); /* the lie: four bytes where two are left */
	assert_int_equal(child.fault, CUR_SHORT);
	assert_int_equal(cur_u8(&c), 0x85);
	/* Nor does a child reach its siblings by an absolute offset. */
	child = cur_sub(&c, 2);
	struct cursor there = cur_at(&child, 7);

	assert_int_equal(cur_left(&there), 0);
	cur_u8(&there);
	assert_false(cur_ok(&there));
}

static void contract_4_fault_stays_in_the_child(void **state)
{
	struct cursor c = cur_of(span_of(nine, sizeof(nine)));
	struct cursor child = cur_sub(&c, 1);

	(void)state;
	cur_be16(&child);
	assert_false(cur_ok(&child));
	assert_true(cur_ok(&c));
	/* A part that is longer than what is left is the parent's matter, and the child is dead. */
	child = cur_sub(&c, 9);
	assert_int_equal(c.fault, CUR_SHORT);
	assert_int_equal(child.fault, CUR_SHORT);
	assert_int_equal(cur_left(&child), 0);
	child = cur_sub(&c, 0);
	assert_false(cur_ok(&child));
}

static void header_is_whole_or_a_fault(void **state)
{
	struct cursor c = cur_of(span_of(nine, sizeof(nine)));
	struct cursor h;

	(void)state;
	assert_true(cur_header(&c, 4, &h));
	assert_int_equal(cur_left(&h), 4);
	assert_int_equal(cur_u8(&h), nine[0]);
	cur_be32(&h); /* ends where the header does */
	assert_int_equal(h.fault, CUR_SHORT);
	assert_true(cur_header(&c, 5, &h));
	assert_int_equal(cur_left(&c), 0);
	assert_false(cur_header(&c, 1, &h));
	assert_int_equal(c.fault, CUR_SHORT);
	assert_false(cur_header(&c, 1, &h));
}

static void contract_5_short_and_bad_are_apart(void **state)
{
	struct cursor is_short = cur_of(span_of(nine, 1));
	struct cursor is_bad = is_short;

	(void)state;
	cur_be16(&is_short);
	cur_fail(&is_bad);
	assert_int_equal(is_short.fault, CUR_SHORT);
	assert_int_equal(is_bad.fault, CUR_BAD);
	assert_int_equal(cur_left(&is_bad), 0);
	/* The first fault is the cause, what comes behind it a consequence. */
	cur_fail(&is_short);
	cur_be16(&is_bad);
	assert_int_equal(is_short.fault, CUR_SHORT);
	assert_int_equal(is_bad.fault, CUR_BAD);
}

#define JUMPS_MAX 4

/* A name of DNS's kind: 0xc0 and an offset that must go strictly backwards. Jumps, or -1. */
static int count_jumps(struct cursor c)
{
	for (int jumps = 0; jumps < JUMPS_MAX; jumps++) {
		size_t here = cur_offset(&c);

		if (cur_u8(&c) != 0xc0) {
			return cur_ok(&c) ? jumps : -1;
		}
		size_t target = cur_u8(&c);

		if (!cur_ok(&c) || target >= here) {
			return -1;
		}
		c = cur_at(&c, target);
	}
	return -1;
}

static const struct jump_row {
	const char *name;
	struct span bytes;
	size_t start;
	int jumps;
} jump_rows[] = {
	{"no pointer", BYTES("\x01"), 0, 0},
	{"back once", BYTES("\x01\xc0\x00"), 1, 1},
	{"back twice", BYTES("\x01\xc0\x00\xc0\x01"), 3, 2},
	{"to itself", BYTES("\x01\xc0\x01"), 1, -1},
	{"forward", BYTES("\xc0\x02\x01"), 0, -1},
	{"cut pointer", BYTES("\x01\xc0"), 1, -1},
	{"limit", BYTES("\x01\xc0\x00\xc0\x01\xc0\x03\xc0\x05\xc0\x07"), 9, -1},
};

static void contract_7_jumps_go_back_and_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(jump_rows); i++) {
		struct cursor message = cur_of(jump_rows[i].bytes);

		print_message("# %s\n", jump_rows[i].name);
		assert_int_equal(count_jumps(cur_at(&message, jump_rows[i].start)),
		                 jump_rows[i].jumps);
	}
	/* Offsets count from the start of the message, in a child too, and end at its end. */
	struct cursor message = cur_of(span_of(nine, sizeof(nine)));
	struct cursor there = cur_at(&message, sizeof(nine));

	assert_true(cur_ok(&there));
	there = cur_at(&message, sizeof(nine) + 1);
	assert_int_equal(there.fault, CUR_SHORT);
	cur_skip(&message, 4);
	struct cursor child = cur_sub(&message, 2);

	assert_int_equal(cur_offset(&child), 4);
	there = cur_at(&child, 0);
	assert_int_equal(cur_u8(&there), 0x81);
}

/* Input never asserts: not the absent span, not lengths beyond all memory. */
static void contract_8_no_input_aborts(void **state)
{
	static const size_t sizes[] = {1, 10, SIZE_MAX / 2, SIZE_MAX - 1, SIZE_MAX};
	const struct span absent = {0};
	struct cursor c = cur_of(absent);
	struct span line;

	(void)state;
	assert_true(cur_ok(&c));
	assert_int_equal(cur_left(&c), 0);
	assert_int_equal(cur_rest(&c).len, 0);
	assert_false(cur_line(&c, &line));
	cur_skip(&c, 0);
	assert_true(cur_ok(&c));
	for (size_t i = 0; i < COUNT(sizes); i++) {
		c = cur_of(absent);
		assert_int_equal(cur_take(&c, sizes[i]).len, 0);
		assert_int_equal(c.fault, CUR_SHORT);
		c = cur_of(absent);
		struct cursor child = cur_sub(&c, sizes[i]);
		struct cursor there = cur_at(&c, sizes[i]);

		assert_int_equal(child.fault, CUR_SHORT);
		assert_int_equal(there.fault, CUR_SHORT);
	}
}

/* Whatever a filter let through: a length is believed as far as bytes are there. */
static void contract_9_nothing_is_a_precondition(void **state)
{
	(void)state;
	for (size_t claim = 0; claim <= 255; claim++) {
		const uint8_t message[] = {(uint8_t)claim, 1, 2, 3};
		struct cursor c = cur_of(span_of(message, sizeof(message)));
		struct span value = cur_take(&c, cur_u8(&c));

		assert_int_equal(cur_ok(&c), claim <= 3);
		assert_int_equal(value.len, claim <= 3 ? claim : 0);
	}
}

static const struct line_row {
	struct span text;
	const char *lines[3];
} line_rows[] = {
	{BYTES(""), {NULL}},           {BYTES("a"), {"a"}},
	{BYTES("a\n"), {"a"}},         {BYTES("a\r\n"), {"a"}},
	{BYTES("\n"), {""}},           {BYTES("\r"), {""}},
	{BYTES("\r\n\r\n"), {"", ""}}, {BYTES("a\rb\r\r\nc"), {"a\rb\r", "c"}},
};

static void lines_end_with_lf_or_crlf(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(line_rows); i++) {
		struct cursor c = cur_of(line_rows[i].text);
		struct span line;
		size_t n = 0;

		for (; cur_line(&c, &line); n++) {
			assert_non_null(line_rows[i].lines[n]);
			assert_true(span_equal(line, span_str(line_rows[i].lines[n])));
		}
		assert_null(line_rows[i].lines[n]);
		assert_true(cur_ok(&c));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_keep_to_their_width),
		cmocka_unit_test(contract_1_fault_is_sticky),
		cmocka_unit_test(contract_2_read_all_check_once),
		cmocka_unit_test(contract_3_child_stays_in_its_part),
		cmocka_unit_test(contract_4_fault_stays_in_the_child),
		cmocka_unit_test(header_is_whole_or_a_fault),
		cmocka_unit_test(contract_5_short_and_bad_are_apart),
		cmocka_unit_test(contract_7_jumps_go_back_and_end),
		cmocka_unit_test(contract_8_no_input_aborts),
		cmocka_unit_test(contract_9_nothing_is_a_precondition),
		cmocka_unit_test(lines_end_with_lf_or_crlf),
	};

	return cmocka_run_group_tests_name("cursor", tests, NULL, NULL);
}
