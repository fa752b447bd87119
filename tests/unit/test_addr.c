/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses of IP and MACs: as text and back, and their kinds. */
#include <passer/base/addr.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_parse_and_format),
		cmocka_unit_test(other_text_is_no_address),
		cmocka_unit_test(addresses_are_four_or_sixteen_bytes),
		cmocka_unit_test(addresses_of_two_families_differ),
		cmocka_unit_test(macs_format_and_cast),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
