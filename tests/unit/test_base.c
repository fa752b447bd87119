/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Everything in base/: the cursor contracts first, by their numbers. */
#include <passer/base/addr.h>
#include <passer/base/cursor.h>
#include <passer/base/err.h>
#include <passer/base/hash.h>
#include <passer/base/heap.h>
#include <passer/base/log.h>
#include <passer/base/opening.h>
#include <passer/base/shm.h>
#include <passer/base/text.h>
#include <passer/base/warning.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A literal with its length, NUL bytes inside included. */
#define BYTES(literal)                                          \
	{                                                       \
		(const uint8_t *)(literal), sizeof(literal) - 1 \
	}

/* ---- span ---- */

static void span_compares_parts(void **state)
{
	const struct span s = span_str("passer");
	const struct span none = {0};

	(void)state;
	assert_true(span_equal(s, span_str("passer")));
	assert_false(span_equal(s, span_str("passes")));
	assert_false(span_equal(s, span_str("passe")));
	assert_true(span_equal(none, span_str("")));
	assert_true(span_has_prefix(s, span_str("pass")));
	assert_true(span_has_prefix(s, s));
	assert_true(span_has_prefix(s, none));
	assert_false(span_has_prefix(s, span_str("passers")));
	assert_true(span_has_suffix(s, span_str("ser")));
	assert_true(span_has_suffix(s, none));
	assert_false(span_has_suffix(s, span_str("sers")));
	assert_false(span_has_suffix(none, span_str("s")));
	assert_true(span_contains(s, span_str("sse")));
	assert_true(span_contains(s, none));
	assert_true(span_contains(none, none));
	assert_false(span_contains(none, span_str("s")));
	assert_false(span_contains(s, span_str("passers")));
}

/* ---- cursor ---- */

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

/* ---- addresses ---- */

enum addr_kind { PLAIN, UNSPECIFIED, LOOPBACK, MULTICAST };

static const struct addr_row {
	const char *text;
	const char *column;
	const char *compressed;
	enum addr_kind kind;
} addr_rows[] = {
	{"0.0.0.0", "0.0.0.0", "0.0.0.0", UNSPECIFIED},
	{"255.255.255.255", "255.255.255.255", "255.255.255.255", PLAIN},
	{"10.20.100.9", "10.20.100.9", "10.20.100.9", PLAIN},
	{"126.255.255.255", "126.255.255.255", "126.255.255.255", PLAIN},
	{"127.0.0.1", "127.0.0.1", "127.0.0.1", LOOPBACK},
	{"127.255.0.9", "127.255.0.9", "127.255.0.9", LOOPBACK},
	{"128.0.0.1", "128.0.0.1", "128.0.0.1", PLAIN},
	{"223.255.255.255", "223.255.255.255", "223.255.255.255", PLAIN},
	{"224.0.0.0", "224.0.0.0", "224.0.0.0", MULTICAST},
	{"239.255.255.255", "239.255.255.255", "239.255.255.255", MULTICAST},
	{"240.0.0.0", "240.0.0.0", "240.0.0.0", PLAIN},
	{"::", "0000:0000:0000:0000:0000:0000:0000:0000", "::", UNSPECIFIED},
	{"::1", "0000:0000:0000:0000:0000:0000:0000:0001", "::1", LOOPBACK},
	{"::2", "0000:0000:0000:0000:0000:0000:0000:0002", "::2", PLAIN},
	{"2001:DB8::8:800:200C:417A", "2001:0db8:0000:0000:0008:0800:200c:417a",
         "2001:db8::8:800:200c:417a", PLAIN},
	{"::ffff:1.2.3.4", "0000:0000:0000:0000:0000:ffff:0102:0304", "::ffff:1.2.3.4", PLAIN},
	{"fe80::1", "fe80:0000:0000:0000:0000:0000:0000:0001", "fe80::1", PLAIN},
	{"ff02::fb", "ff02:0000:0000:0000:0000:0000:0000:00fb", "ff02::fb", MULTICAST},
	{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", MULTICAST},
};

static const char *const not_addresses[] = {
	"",
	" 1.2.3.4",
	"1.2.3",
	"1.2.3.4.5",
	"1.2.3.256",
	"1.2.3.04",
	"1.2.3.4 ",
	"0x1.2.3.4",
	":",
	"1:2:3:4:5:6:7",
	"1:2:3:4:5:6:7:8:9",
	"1::2::3",
	"fe80::1%eth0",
	"12345::",
};

static void addresses_parse_and_format(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(addr_rows); i++) {
		const struct addr_row *row = &addr_rows[i];
		struct addr a, again;
		char text[ADDR_TEXT_SIZE];

		print_message("# %s\n", row->text);
		assert_true(addr_parse(row->text, &a));
		assert_int_equal(addr_format(&a, text), strlen(row->column));
		assert_string_equal(text, row->column);
		assert_int_equal(addr_format_short(&a, text), strlen(row->compressed));
		assert_string_equal(text, row->compressed);
		assert_true(addr_parse(text, &again));
		assert_true(addr_equal(&a, &again));
		assert_int_equal(addr_is_unspecified(&a), row->kind == UNSPECIFIED);
		assert_int_equal(addr_is_loopback(&a), row->kind == LOOPBACK);
		assert_int_equal(addr_is_multicast(&a), row->kind == MULTICAST);
	}
}

static void other_text_is_no_address(void **state)
{
	struct addr a = {.family = ADDR_NONE};

	(void)state;
	for (size_t i = 0; i < COUNT(not_addresses); i++) {
		print_message("# '%s'\n", not_addresses[i]);
		assert_false(addr_parse(not_addresses[i], &a));
		assert_int_equal(a.family, ADDR_NONE);
	}
}

static void addresses_are_four_or_sixteen_bytes(void **state)
{
	uint8_t bytes[18];
	const struct addr none = {.family = ADDR_NONE};
	char text[ADDR_TEXT_SIZE] = "x";

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		struct addr a = addr_of(span_of(bytes, len));

		assert_int_equal(a.family, len == 4 ? ADDR_V4 : len == 16 ? ADDR_V6 : ADDR_NONE);
		assert_int_equal(addr_equal(&a, &none), len != 4 && len != 16);
	}
	assert_int_equal(addr_format(&none, text), 0);
	assert_string_equal(text, "");
	assert_int_equal(addr_format_short(&none, text), 0);
	assert_false(addr_is_unspecified(&none));
	assert_false(addr_is_loopback(&none));
	assert_false(addr_is_multicast(&none));
}

/* 1.2.3.4 and 102:304:: have the same bytes. */
static void addresses_of_two_families_differ(void **state)
{
	struct addr v4, v6;

	(void)state;
	assert_true(addr_parse("1.2.3.4", &v4));
	assert_true(addr_parse("102:304::", &v6));
	assert_memory_equal(v4.bytes, v6.bytes, sizeof(v4.bytes));
	assert_false(addr_equal(&v4, &v6));
}

enum mac_kind { ONE, GROUP, ALL };

static const struct mac_row {
	struct mac mac;
	const char *text;
	enum mac_kind kind;
} mac_rows[] = {
	{{{0, 0, 0, 0, 0, 0}}, "00:00:00:00:00:00", ONE},
	{{{0x00, 0x0a, 0x27, 0xbc, 0xde, 0xf3}}, "00:0A:27:BC:DE:F3", ONE},
	{{{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff}}, "FE:FF:FF:FF:FF:FF", ONE},
	{{{0xff, 0xff, 0xff, 0xff, 0xff, 0xfe}}, "FF:FF:FF:FF:FF:FE", GROUP},
	{{{0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb}}, "01:00:5E:00:00:FB", GROUP},
	{{{0x33, 0x33, 0x00, 0x00, 0x00, 0x01}}, "33:33:00:00:00:01", GROUP},
	{{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, "FF:FF:FF:FF:FF:FF", ALL},
};

static void macs_format_and_cast(void **state)
{
	static const struct mac zero;

	(void)state;
	for (size_t i = 0; i < COUNT(mac_rows); i++) {
		const struct mac_row *row = &mac_rows[i];
		struct mac copy = mac_of(span_of(row->mac.bytes, 6));
		char text[MAC_TEXT_SIZE];

		assert_memory_equal(&copy, &row->mac, sizeof(copy));
		mac_format(&copy, text);
		assert_string_equal(text, row->text);
		assert_int_equal(mac_is_broadcast(&copy), row->kind == ALL);
		assert_int_equal(mac_is_multicast(&copy), row->kind != ONE);
		copy = mac_of(span_of(row->mac.bytes, 5));
		assert_memory_equal(&copy, &zero, sizeof(copy));
	}
}

/* ---- text ---- */

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
	{"tab, ESC", BYTES("\t\x1b[1m"), "\\x09\\x1b[1m"},
	{"0x1f, DEL", BYTES("\x1f\x7f"), "\\x1f\\x7f"},
	{"backslash stays", BYTES("\\x00"), "\\x00"},
	{"first of two bytes", BYTES("\xc2\x80"), "\xc2\x80"},
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

/* ---- hash ---- */

/*
 * SipHash-1-3 of the bytes 00 01 02 … by the reference implementation (github.com/veorq/SipHash,
 * built with one and three rounds) with the key 0.
 */
static const struct hash_row {
	size_t len;
	uint64_t value;
} hash_rows[] = {
	{0, 0xd1fba762150c532c},  {1, 0x68a914128e01e473},  {2, 0x010bac45c41e3669},
	{3, 0x4d4c9a4a8ef6e0ad},  {4, 0x7cc43f98813e4dbd},  {5, 0x5abe2169dff36275},
	{6, 0xe3c25f87624f1cdb},  {7, 0x2f098ab0c751325a},  {8, 0xead411e67ebe2eea},
	{9, 0x75927f9d95124362},  {15, 0xf30eb725bb91c9ea}, {16, 0x8972188433a5c5b7},
	{17, 0x4883c49a2c009c1d}, {24, 0x31185a47af932f3a},
};

static const struct hash_key zero_key;

static void fill(uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bytes[i] = (uint8_t)i;
	}
}

static uint64_t hash_of(const struct hash_key *key, const void *data, size_t len)
{
	struct hash h;

	hash_init(&h, key);
	hash_add(&h, data, len);
	return hash_final(&h);
}

static void hash_is_siphash_1_3(void **state)
{
	/* Key and value as Rust's standard library tests them: bytes dc c4 0f 05 58 01 ac ab. */
	const struct hash_key counting = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	uint8_t bytes[24];

	(void)state;
	fill(bytes, sizeof(bytes));
	for (size_t i = 0; i < COUNT(hash_rows); i++) {
		assert_true(hash_of(&zero_key, bytes, hash_rows[i].len) == hash_rows[i].value);
	}
	assert_true(hash_of(&counting, bytes, 0) == 0xabac0158050fc4dc);
}

/* Every length to 40 bytes, cut into three parts at every pair of places. */
static void hash_does_not_depend_on_parts(void **state)
{
	uint8_t bytes[40];

	(void)state;
	fill(bytes, sizeof(bytes));
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		uint64_t whole = hash_of(&zero_key, bytes, len);

		for (size_t a = 0; a <= len; a++) {
			for (size_t b = a; b <= len; b++) {
				struct hash h;

				hash_init(&h, &zero_key);
				hash_add(&h, bytes, a);
				hash_add(&h, bytes + a, b - a);
				hash_add(&h, bytes + b, len - b);
				assert_true(hash_final(&h) == whole);
			}
		}
	}
}

static void hash_takes_words_anywhere(void **state)
{
	uint8_t bytes[24];

	(void)state;
	fill(bytes, sizeof(bytes));
	for (size_t before = 0; before <= 16; before++) {
		uint64_t word = 0;
		struct hash h;

		for (size_t i = 8; i > 0; i--) {
			word = word << 8 | bytes[before + i - 1];
		}
		hash_init(&h, &zero_key);
		hash_add(&h, bytes, before);
		hash_add_u64(&h, word);
		hash_add(&h, bytes + before + 8, 16 - before);
		assert_true(hash_final(&h) == hash_of(&zero_key, bytes, 24));
	}
}

/* What is cheaper says the same: zeros up to a word, and the last bytes as a number. */
static void hash_has_cheap_ends(void **state)
{
	uint8_t bytes[24];

	(void)state;
	fill(bytes, sizeof(bytes));
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		uint8_t padded[32] = {0};
		struct hash h;

		memcpy(padded, bytes, len);
		hash_init(&h, &zero_key);
		hash_add_padded(&h, bytes, len);
		assert_true(hash_final(&h) == hash_of(&zero_key, padded, (len + 7) / 8 * 8));
	}
	for (unsigned len = 0; len < 8; len++) {
		uint64_t value = 0;
		struct hash h;

		for (unsigned i = 0; i < len; i++) {
			value |= (uint64_t)bytes[8 + i] << 8 * i;
		}
		hash_init(&h, &zero_key);
		hash_add(&h, bytes, 8);
		hash_add_part(&h, value, len);
		assert_true(hash_final(&h) == hash_of(&zero_key, bytes, 8 + len));
	}
}

static void hash_depends_on_the_key(void **state)
{
	struct hash_key a = hash_key_random();
	struct hash_key b = hash_key_random();

	(void)state;
	assert_memory_not_equal(&a, &b, sizeof(a));
	assert_true(hash_of(&a, "x", 1) != hash_of(&b, "x", 1));
	b = a;
	b.k1 ^= 1;
	assert_true(hash_of(&a, "x", 1) != hash_of(&b, "x", 1));
}

/* ---- warnings ---- */

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

/* ---- err, log, shm ---- */

static void err_holds_one_line(void **state)
{
	struct err err;
	char text[2 * sizeof(err.text)];

	(void)state;
	assert_int_equal(err_set(&err, -ENOENT, "%s: line %d", "a.tsv", 7), -ENOENT);
	assert_string_equal(err.text, "a.tsv: line 7");
	assert_int_equal(err_prefix(&err, -EINVAL, "signatures"), -EINVAL);
	assert_string_equal(err.text, "signatures: a.tsv: line 7");

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&err, -EIO, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_prefix(&err, -EIO, "a");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "a: xxx", 6);
	err_prefix(&err, -EIO, text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void log_levels_include_those_above(void **state)
{
	int evaluated = 0;

	(void)state;
	assert_true(log_is_on(LOG_LEVEL_INFO));
	assert_false(log_is_on(LOG_LEVEL_DEBUG));
	log_debug("%d", ++evaluated);
	assert_int_equal(evaluated, 0);
	log_set_level(LOG_LEVEL_ERROR);
	assert_true(log_is_on(LOG_LEVEL_ERROR));
	assert_false(log_is_on(LOG_LEVEL_WARN));
	log_set_level(LOG_LEVEL_INFO);
}

static void shared_memory_is_zero(void **state)
{
	const size_t bytes = 3 * 4096 + 1;
	uint8_t *memory = shm_new(bytes);

	(void)state;
	assert_non_null(memory);
	for (size_t i = 0; i < bytes; i++) {
		assert_int_equal(memory[i], 0);
	}
	memory[bytes - 1] = 1;
	shm_free(memory, bytes);
	shm_free(NULL, bytes);
	assert_null(shm_new(SIZE_MAX));
}

static void heap_is_usable_in_any_pages(void **state)
{
	struct heap_region region = heap_huge_begin();
	size_t bytes = (size_t)3 << 20;
	uint8_t *memory = malloc(bytes);

	(void)state;
	assert_non_null(memory);
	memset(memory, 0xaa, bytes);
	heap_huge_end(region);
	assert_true(region.start <=
	            region.end); /* both 0 with another malloc(3), as of a sanitizer */
	assert_int_equal(region.start % ((size_t)2 << 20), 0);
	assert_int_equal(region.end % ((size_t)2 << 20), 0);
	assert_int_equal(memory[0], 0xaa);
	assert_int_equal(memory[bytes - 1], 0xaa);
	free(memory);
	heap_huge_end((struct heap_region){0}); /* none was to be had */
}

/* In a folder like /tmp, where the kernel may refuse O_CREAT for what another owns. */
static void file_is_made_only_where_there_is_none(void **state)
{
	char folder[] = "/tmp/passer-open-XXXXXX", path[64];
	struct stat st;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 01777), 0);
	snprintf(path, sizeof(path), "%s/file", folder);
	fd = open_or_make(path, O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(fd, "kept", 4), 4);
	if (geteuid() == 0) {
		assert_int_equal(fchown(fd, 65534, (gid_t)-1), 0);
	}
	close(fd);
	fd = open_or_make(path, O_WRONLY | O_APPEND, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 4);
	close(fd);
	unlink(path);
	assert_true(open_or_make(folder, O_WRONLY, 0600) < 0);
	assert_int_equal(errno, EISDIR);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(span_compares_parts),
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
		cmocka_unit_test(addresses_parse_and_format),
		cmocka_unit_test(other_text_is_no_address),
		cmocka_unit_test(addresses_are_four_or_sixteen_bytes),
		cmocka_unit_test(addresses_of_two_families_differ),
		cmocka_unit_test(macs_format_and_cast),
		cmocka_unit_test(columns_are_cleaned),
		cmocka_unit_test(names_get_lower_case_letters),
		cmocka_unit_test(numbers_are_decimal),
		cmocka_unit_test(text_is_cut_between_characters),
		cmocka_unit_test(plain_text_fills_the_room),
		cmocka_unit_test(hash_is_siphash_1_3),
		cmocka_unit_test(hash_does_not_depend_on_parts),
		cmocka_unit_test(hash_takes_words_anywhere),
		cmocka_unit_test(hash_has_cheap_ends),
		cmocka_unit_test(hash_depends_on_the_key),
		cmocka_unit_test(warnings_parse_and_format),
		cmocka_unit_test(warnings_know_every_word),
		cmocka_unit_test(warnings_keep_order_and_bound),
		cmocka_unit_test(err_holds_one_line),
		cmocka_unit_test(log_levels_include_those_above),
		cmocka_unit_test(shared_memory_is_zero),
		cmocka_unit_test(file_is_made_only_where_there_is_none),
		cmocka_unit_test(heap_is_usable_in_any_pages),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
