/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which classes a record type needs, profiles, and which frames a selection keeps. */
#include <passer/analyzers/selection.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CLASS(id)    (1u << FRAME_CLASS_##id)

/* ---- classes of record types ---- */

static void records_need_what_they_are_made_from(void **state)
{
	static const struct {
		uint32_t records, needed, useless;
	} rows[] = {
		{RECORD_BIT(MA), CLASS(ARP) | CLASS(ICMP6_ND), CLASS(TCP_SYN) | CLASS(UDP)},
		{RECORD_BIT(TS),
	         CLASS(TCP_SYN) | CLASS(TCP_SYNACK) | CLASS(TCP_RST) | CLASS(TCP_ACK_DATA),
	         CLASS(ARP) | CLASS(TCP_ACK_EMPTY) | CLASS(UDP_DHCP)},
		{RECORD_BIT(TC), CLASS(TCP_SYN) | CLASS(TCP_SYNACK) | CLASS(TCP_FIN), CLASS(UDP)},
		{RECORD_BIT(DN), CLASS(UDP_DNS) | CLASS(TCP_ACK_DNS),
	         CLASS(UDP) | CLASS(TCP_ACK_DATA)},
		{RECORD_BIT(US), CLASS(UDP) | CLASS(UDP_CONTROL) | CLASS(ICMP_ERROR), CLASS(ARP)},
		{RECORD_BIT(RO), CLASS(ICMP_ERROR) | CLASS(ICMP6_ERROR) | CLASS(ICMP6_ND),
	         CLASS(TCP_SYN)},
		{RECORD_BIT(PC), CLASS(IP_OTHER), CLASS(UDP) | CLASS(TCP_SYN)},
		{RECORD_BIT(IP), CLASS(TCP_SYN) | CLASS(UDP) | CLASS(ARP), CLASS(TCP_ACK_EMPTY)},
		{RECORDS_ALL, CLASS(ARP) | CLASS(UDP) | CLASS(TCP_ACK_DATA), CLASS(TCP_ACK_EMPTY)},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint32_t classes = selection_classes_of(rows[i].records);

		assert_int_equal(classes & rows[i].needed, rows[i].needed);
		assert_int_equal(classes & rows[i].useless, 0);
		assert_int_equal(classes & FRAME_CLASSES_ALWAYS_KEPT, FRAME_CLASSES_ALWAYS_KEPT);
	}
}

/* ---- profiles and words ---- */

static void profiles_are_sound(void **state)
{
	size_t count;
	const struct profile *rows = profile_rows(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		struct selection s = profile_selection(&rows[i]);

		assert_ptr_equal(profile_find(rows[i].name), &rows[i]);
		assert_true(strlen(rows[i].about) > 0);
		assert_true(s.records != 0 && (s.records & ~RECORDS_ALL) == 0);
		assert_true(s.tcp_budget <= BUDGET_ALL && s.udp_budget <= BUDGET_ALL);
		assert_int_equal(s.classes & FRAME_CLASSES_ALWAYS_KEPT, FRAME_CLASSES_ALWAYS_KEPT);
		/* What a profile says it leaves out is something that it would have. */
		assert_int_equal(rows[i].leaves_out & ~selection_classes_of(rows[i].records), 0);
	}
	assert_null(profile_find("al"));
}

static void words_change_one_thing(void **state)
{
	size_t count;
	struct selection s = profile_selection(profile_rows(&count));
	struct selection before = s;
	struct err err;

	(void)state;
	assert_int_equal(selection_set(&s, "acks", "all", &err), 0);
	assert_int_equal(s.tcp_budget, BUDGET_ALL);
	assert_int_equal(s.classes, before.classes);
	assert_int_equal(selection_set(&s, "records", "MA,RO", &err), 0);
	assert_int_equal(s.records, RECORD_BIT(MA) | RECORD_BIT(RO));
	assert_int_equal(s.classes, selection_classes_of(s.records));
	assert_int_equal(s.tcp_budget, BUDGET_ALL);
	before = s;
	assert_true(selection_set(&s, "profile", "nothing", &err) < 0);
	assert_non_null(strstr(err.text, "no-dns"));
	assert_true(selection_set(&s, "records", "", &err) < 0);
	assert_true(selection_set(&s, "record", "MA", &err) < 0);
	assert_memory_equal(&s, &before, sizeof(s));
}

/* ---- frames ---- */

#define ETHERNET            "\x02\0\0\0\0\2\x02\0\0\0\0\1\x08\0"
/* 10.0.0.1 to 10.0.0.2, total length and protocol; the checksum is nobody's business */
#define IPV4(length, proto) "\x45\0\0" length "\0\1\0\0\x40" proto "\0\0\x0a\0\0\1\x0a\0\0\2"
#define TCP(flags)          "\x10\0\0\x50\0\0\0\1\0\0\0\1\x50" flags "\x20\0\0\0\0\0"
#define UDP(length)         "\x10\0\x20\0\0" length "\0\0"

struct frame_row {
	const char *bytes;
	size_t len;
};

#define FRAME(...)                                   \
	{                                            \
		__VA_ARGS__, sizeof(__VA_ARGS__) - 1 \
	}

static const struct frame_row syn = FRAME(ETHERNET IPV4("\x28", "\x06") TCP("\x02"));
static const struct frame_row data = FRAME(ETHERNET IPV4("\x2a", "\x06") TCP("\x18") "hi");
static const struct frame_row empty = FRAME(ETHERNET IPV4("\x28", "\x06") TCP("\x10"));
static const struct frame_row datagram = FRAME(ETHERNET IPV4("\x1e", "\x11") UDP("\x0a") "hi");
static const struct frame_row in_gre =
	FRAME(ETHERNET IPV4("\x40", "\x2f") "\0\0\x08\0" IPV4("\x28", "\x06") TCP("\x10"));

static struct flows *flows;

static int open_flows(void **state)
{
	const struct hash_key key = {.k0 = 1, .k1 = 2};

	(void)state;
	flows = flows_new(1024, &key);
	return flows != NULL ? 0 : -1;
}

static int close_flows(void **state)
{
	(void)state;
	flows_free(flows);
	return 0;
}

static bool wants(const struct selection *s, const struct frame_row *row)
{
	struct frame frame = {
		.bytes = span_of(row->bytes, row->len),
		.wire_bytes = (uint32_t)row->len,
		.link = LINK_ETHERNET,
	};
	struct decode_counters counters = {0};
	struct pkt outer, inner;

	pkt_decode(&outer, &frame, &counters);
	bool has_inner = pkt_decode_inner(&inner, &outer, &counters);

	return selection_wants(s, flows, &outer, has_inner ? &inner : NULL);
}

/* Of five frames, whether each is kept: "11100". */
static void expect_kept(const struct selection *s, const struct frame_row *row, const char *kept)
{
	for (; *kept != '\0'; kept++) {
		assert_int_equal(wants(s, row), *kept == '1');
	}
}

static void tcp_data_has_a_budget(void **state)
{
	struct selection s = {.classes = FRAME_CLASSES_ALL, .tcp_budget = 2};

	(void)state;
	expect_kept(&s, &data, "00"); /* its beginning was not seen */
	assert_true(wants(&s, &syn));
	flow_open(flows,
	          &(struct endpoint){.addr = addr_of(span_of("\x0a\0\0\1", 4)), .port = 4096},
	          &(struct endpoint){.addr = addr_of(span_of("\x0a\0\0\2", 4)), .port = 80}, 0);
	expect_kept(&s, &data, "110");
	s.tcp_budget = BUDGET_ALL;
	expect_kept(&s, &data, "1111");
	s.classes &= ~CLASS(TCP_ACK_DATA);
	expect_kept(&s, &data, "00");
	expect_kept(&s, &empty, "1111");
	s.classes &= ~CLASS(TCP_ACK_EMPTY);
	expect_kept(&s, &empty, "0");
}

static void udp_has_a_budget(void **state)
{
	struct selection s = {.classes = FRAME_CLASSES_ALL, .udp_budget = 3};

	(void)state;
	expect_kept(&s, &datagram, "11100");
	s.udp_budget = BUDGET_ALL;
	expect_kept(&s, &datagram, "1");
}

/* Its first frames pass for its own sake, then what it carries decides. */
static void tunnels_pass_at_first(void **state)
{
	struct selection s = {.classes = FRAME_CLASSES_ALWAYS_KEPT};

	(void)state;
	expect_kept(&s, &in_gre, "111100");
	s.classes |= CLASS(TCP_ACK_EMPTY);
	expect_kept(&s, &in_gre, "11");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_need_what_they_are_made_from),
		cmocka_unit_test(profiles_are_sound),
		cmocka_unit_test(words_change_one_thing),
		cmocka_unit_test_setup_teardown(tcp_data_has_a_budget, open_flows, close_flows),
		cmocka_unit_test_setup_teardown(udp_has_a_budget, open_flows, close_flows),
		cmocka_unit_test_setup_teardown(tunnels_pass_at_first, open_flows, close_flows),
	};

	return cmocka_run_group_tests_name("selection", tests, NULL, NULL);
}
