/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Flow budgets of the eBPF filter, frame by frame. Time does not pass here: the cells are made
 * older instead. Needs CAP_BPF, else skipped.
 */
#include "frames.h"
#include "kernel.h"

#include <stdio.h>

#define BUDGET 4u
#define FLOWS  20000u

/* A TCP segment between port 12345 of 10.0.0.1 and port 22 of 10.0.0.2, from either. */
#define THERE(flags, total) \
	ETH("0800")         \
	IPV4(total, "06") "3039 0016 00000001 00000002 50" flags "ffff 0000 0000 61626364"
#define BACK(flags, total)                                                                        \
	ETH("0800")                                                                               \
	"4500" total "0001 4000 4006 0000 0a000002 0a000001 0016 3039 00000001 00000002 50" flags \
	"ffff 0000 0000 61626364"
#define SYN    THERE("02", "0028")
#define SYNACK BACK("12", "0028")
#define EMPTY  THERE("10", "0028")
#define DATA   THERE("18", "002c")
#define ANSWER BACK("10", "002c")
#define FIN    THERE("11", "002c")

#define SIX(flags, payload) \
	ETH("86dd")         \
	IPV6(payload, "06") "3039 0016 00000001 00000002 50" flags "ffff 0000 0000 61626364"

#define DATAGRAM(sport, dport) \
	ETH("0800") IPV4("0024", "11") sport dport "0010 0000 6162636465666768 "
#define SMALL_DATAGRAM ETH("0800") IPV4("001d", "11") "3039 1389 0009 0000 61"

#define VXLAN   ETH("0800") IPV4("05dc", "11") "c039 12b5 05c8 0000 08000000 00000700 "
#define IN_GRE6 ETH("86dd") IPV6("05b4", "2f") "0000 0800 "

/* ---- Helpers ---- */

static bool passes(struct kernel *k, const char *hex)
{
	uint8_t bytes[FRAME_MAX];
	uint32_t verdict;

	assert_true(kernel_run(k, bytes, frame_parse(hex, bytes), &verdict));
	return verdict != 0;
}

/* Of so many frames in a row, the first ones pass; returns how many. */
static unsigned count_passing(struct kernel *k, const char *hex, unsigned sent)
{
	unsigned passed = 0;

	for (unsigned i = 0; i < sent; i++) {
		bool is_kept = passes(k, hex);

		assert_true(!is_kept || passed == i);
		passed += is_kept;
	}
	return passed;
}

/* Every cell is so many ticks older; those that are older than time are as old as can be. */
static void pass_ticks(struct kernel *k, uint64_t ticks)
{
	const int map = bpf_map__fd(k->skeleton->maps.flows);

	for (uint32_t i = 0; i < FLOW_CELLS; i++) {
		uint64_t cell;

		assert_int_equal(bpf_map_lookup_elem(map, &i, &cell), 0);
		if (cell != 0) {
			uint64_t time = (cell >> CELL_TIME_SHIFT) - ticks;
			uint64_t others = cell & ~((uint64_t)CELL_TIME_MASK << CELL_TIME_SHIFT);

			cell = others | (time & CELL_TIME_MASK) << CELL_TIME_SHIFT;
			assert_int_equal(bpf_map_update_elem(map, &i, &cell, BPF_ANY), 0);
		}
	}
}

static void expect_used(const struct filter_counters *counters, enum frame_class frame_class,
                        unsigned used, uint64_t kept, uint64_t dropped)
{
	const struct class_counter *c = &counters->classes[frame_class][used];

	if (c->kept != kept || c->dropped != dropped) {
		fail_msg("class %d after %u units: %lu kept, %lu dropped", (int)frame_class, used,
		         (unsigned long)c->kept, (unsigned long)c->dropped);
	}
}

/* ---- TCP ---- */

static void test_first_segments(void **state)
{
	struct kernel *k = *state;

	assert_true(passes(k, SYN));
	kernel_take_counters(k);
	assert_int_equal(count_passing(k, DATA, 20), BUDGET);
	const struct filter_counters counters = kernel_take_counters(k);

	for (unsigned i = 0; i < BUDGET_USED_MAX; i++) {
		expect_used(&counters, FRAME_CLASS_TCP_ACK_DATA, i, i < BUDGET, i >= BUDGET);
	}
	expect_used(&counters, FRAME_CLASS_TCP_ACK_DATA, BUDGET_USED_MAX, 0, 5);
	assert_int_equal(counters.flows_unknown, 0);
}

static void test_directions(void **state)
{
	struct kernel *k = *state;

	passes(k, SYN);
	assert_int_equal(count_passing(k, ANSWER, 5), 0);
	passes(k, SYNACK);
	assert_int_equal(count_passing(k, ANSWER, 2), 2);
	assert_int_equal(count_passing(k, DATA, 10), BUDGET);
	assert_int_equal(count_passing(k, ANSWER, 5), 2);
	/* A beginning is that of its sender. */
	passes(k, SYN);
	assert_int_equal(count_passing(k, ANSWER, 5), 0);
	assert_int_equal(count_passing(k, DATA, 10), BUDGET);
	passes(k, SYNACK);
	assert_int_equal(count_passing(k, DATA, 5), 0);
	assert_int_equal(count_passing(k, ANSWER, 10), BUDGET);
}

static void test_ipv6(void **state)
{
	struct kernel *k = *state;

	passes(k, SIX("02", "0014"));
	assert_int_equal(count_passing(k, SIX("18", "0018"), 10), BUDGET);
	passes(k, SIX("02", "0014"));
	assert_int_equal(count_passing(k, SIX("10", "0018"), 10), BUDGET);
}

/* A unit is begun by each 4096 bytes of payload: 20 bytes each are those of the headers. */
static void test_units(void **state)
{
	static const struct {
		const char *segment;
		unsigned passing;
	} rows[] = {
		{THERE("10", "0029"), 4}, {THERE("10", "1028"), 4}, {THERE("10", "1029"), 2},
		{THERE("10", "2028"), 2}, {THERE("10", "2029"), 2}, {THERE("10", "3028"), 2},
		{THERE("10", "4028"), 1}, {THERE("10", "ffff"), 1}, {SIX("10", "1014"), 4},
		{SIX("10", "1015"), 2},   {SIX("10", "ffff"), 1},
	};
	struct kernel *k = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		passes(k, SYN);
		passes(k, SIX("02", "0014"));
		assert_int_equal(count_passing(k, rows[i].segment, 10), rows[i].passing);
	}
}

static void test_in_the_middle(void **state)
{
	struct kernel *k = *state;

	kernel_take_counters(k);
	assert_int_equal(count_passing(k, DATA, 5), 0);
	kernel_select(k, FRAME_CLASSES_ALL, BUDGET_ALL, BUDGET_ALL);
	assert_int_equal(count_passing(k, DATA, 3), 3);
	const struct filter_counters counters = kernel_take_counters(k);

	assert_int_equal(counters.flows_unknown, 8);
	expect_used(&counters, FRAME_CLASS_TCP_ACK_DATA, BUDGET_USED_MAX, 3, 5);
}

/* Only payload segments with ACK spend. */
static void test_others_do_not_spend(void **state)
{
	struct kernel *k = *state;

	passes(k, SYN);
	assert_int_equal(count_passing(k, EMPTY, 20), 20);
	assert_int_equal(count_passing(k, FIN, 20), 20);
	assert_int_equal(count_passing(k, THERE("14", "002c"), 20), 20);
	assert_int_equal(count_passing(k, DATA, 10), BUDGET);
}

/* What begins and what counts is noted, whatever is kept. */
static void test_dropped_classes(void **state)
{
	struct kernel *k = *state;

	kernel_select(k, ~(FRAME_CLASS_BIT(TCP_SYN) | FRAME_CLASS_BIT(TCP_ACK_EMPTY)), BUDGET,
	              BUDGET);
	assert_false(passes(k, SYN));
	assert_false(passes(k, EMPTY));
	assert_int_equal(count_passing(k, DATA, 10), BUDGET);
	assert_false(passes(k, SYN));
	kernel_select(k, ~FRAME_CLASS_BIT(TCP_ACK_DATA), BUDGET, BUDGET);
	kernel_take_counters(k);
	assert_int_equal(count_passing(k, DATA, 3), 0);
	const struct filter_counters counters = kernel_take_counters(k);

	expect_used(&counters, FRAME_CLASS_TCP_ACK_DATA, 2, 0, 1);
}

static void test_dns(void **state)
{
	struct kernel *k = *state;

	passes(k, ETH("0800") IPV4("0028", "06") "3039 0035 00000001 00000002 5002 ffff 0000 0000");
	kernel_take_counters(k);
	assert_int_equal(count_passing(k,
	                               ETH("0800") IPV4("002a", "06") "3039 0035 00000001 00000002 "
	                                                              "5018 ffff 0000 0000 6162",
	                               10),
	                 BUDGET);
	const struct filter_counters counters = kernel_take_counters(k);

	expect_used(&counters, FRAME_CLASS_TCP_ACK_DNS, BUDGET, 0, 1);
}

/* The short way and the long one have the same cells. */
static void test_both_ways(void **state)
{
	const char *tagged = ETH("8100") "0005 0800" IPV4("002c", "06") TCP("18") "61626364";
	struct kernel *k = *state;

	passes(k, SYN);
	assert_int_equal(count_passing(k, tagged, 1), 1);
	assert_int_equal(count_passing(k, DATA, 10), BUDGET - 1);
	passes(k, SYN);
	assert_int_equal(count_passing(k, DATA, 3), 3);
	assert_int_equal(count_passing(k, tagged, 10), BUDGET - 3);
}

/* ---- UDP ---- */

static void test_udp(void **state)
{
	struct kernel *k = *state;

	kernel_take_counters(k);
	assert_int_equal(count_passing(k, DATAGRAM("3039", "1389"), 10), BUDGET);
	assert_int_equal(count_passing(k, DATAGRAM("1389", "3039"), 10), BUDGET);
	assert_int_equal(count_passing(k, SMALL_DATAGRAM, 10), 0);
	const struct filter_counters counters = kernel_take_counters(k);

	expect_used(&counters, FRAME_CLASS_UDP, 0, 2, 0);
	expect_used(&counters, FRAME_CLASS_UDP, BUDGET, 0, 2);
	assert_int_equal(counters.flows_unknown, 0);
}

static void test_udp_window(void **state)
{
	struct kernel *k = *state;

	assert_int_equal(count_passing(k, SMALL_DATAGRAM, 2), 2);
	pass_ticks(k, WINDOW_TICKS - 100);
	assert_int_equal(count_passing(k, SMALL_DATAGRAM, 10), BUDGET - 2);
	pass_ticks(k, 100);
	assert_int_equal(count_passing(k, SMALL_DATAGRAM, 10), BUDGET);
	/* The time in a cell has gone round. */
	pass_ticks(k, CELL_TIME_MASK - WINDOW_TICKS);
	assert_int_equal(count_passing(k, SMALL_DATAGRAM, 10), BUDGET);
}

static void test_tcp_has_no_window(void **state)
{
	struct kernel *k = *state;

	passes(k, SYN);
	assert_int_equal(count_passing(k, DATA, 2), 2);
	pass_ticks(k, 2 * WINDOW_TICKS);
	assert_int_equal(count_passing(k, DATA, 10), BUDGET - 2);
}

static void test_control_is_not_cut(void **state)
{
	struct kernel *k = *state;

	kernel_select(k, FRAME_CLASSES_ALL, 0, 0);
	assert_int_equal(count_passing(k, DATAGRAM("007b", "007b"), 100), 100);
	assert_int_equal(count_passing(k, DATAGRAM("3039", "0035"), 100), 100);
	assert_int_equal(count_passing(k, DATAGRAM("0044", "0043"), 100), 100);
	assert_int_equal(count_passing(k, DATAGRAM("3039", "076c"), 100), 100);
	assert_int_equal(count_passing(k, DATAGRAM("3039", "01bb"), 100), 0);
}

/* ---- Settings ---- */

static void test_other_budgets(void **state)
{
	struct kernel *k = *state;

	for (unsigned budget = 0; budget <= BUDGET_USED_MAX; budget++) {
		kernel_select(k, FRAME_CLASSES_ALL, budget, 0);
		passes(k, SYN);
		assert_int_equal(count_passing(k, DATA, 20), budget);
	}
	kernel_select(k, FRAME_CLASSES_ALL, BUDGET_ALL, 0);
	assert_int_equal(count_passing(k, DATA, 20), 20);
}

static void test_changed_in_a_flow(void **state)
{
	struct kernel *k = *state;

	passes(k, SYN);
	assert_int_equal(count_passing(k, DATA, 6), BUDGET);
	kernel_select(k, FRAME_CLASSES_ALL, 8, BUDGET);
	assert_int_equal(count_passing(k, DATA, 10), 2);
	kernel_select(k, FRAME_CLASSES_ALL, 2, BUDGET);
	assert_int_equal(count_passing(k, DATA, 5), 0);
	passes(k, SYN);
	assert_int_equal(count_passing(k, DATA, 5), 2);
}

/* ---- The table ---- */

/* One segment of each of many flows. Returns how many passed. */
static unsigned run_flows(struct kernel *k, const char *hex, uint8_t third)
{
	uint8_t bytes[FRAME_MAX];
	size_t len = frame_parse(hex, bytes);
	unsigned passed = 0;

	for (unsigned i = 0; i < FLOWS; i++) {
		uint32_t verdict;

		bytes[27] = third; /* of the source's address */
		bytes[34] = (uint8_t)(i >> 8);
		bytes[35] = (uint8_t)i;
		assert_true(kernel_run(k, bytes, len, &verdict));
		passed += verdict != 0;
	}
	return passed;
}

/* Who lost his cell is cut off, and both are counted. */
static void test_displaced(void **state)
{
	struct kernel *k = *state;

	kernel_take_counters(k);
	assert_int_equal(run_flows(k, SYN, 1), FLOWS);
	const uint64_t displaced = kernel_take_counters(k).flows_displaced;

	/* Of n flows in p pairs of cells, about n * n * n / 6p * p meet two others: 78. */
	assert_in_range(displaced, 30, 150);
	assert_int_equal(run_flows(k, DATA, 1), FLOWS - displaced);
	assert_int_equal(kernel_take_counters(k).flows_unknown, displaced);
	/*
	 * The same flows again displace the same, and where the machine is so slow that ticks go by
	 * one another, too: of three in a pair of cells not one, but all.
	 */
	assert_int_equal(run_flows(k, SYN, 1), FLOWS);
	assert_in_range(kernel_take_counters(k).flows_displaced, displaced, 3 * displaced);
	/* Nothing is lost by those that have been silent for a window. */
	pass_ticks(k, WINDOW_TICKS);
	assert_int_equal(run_flows(k, SYN, 2), FLOWS);
	assert_in_range(kernel_take_counters(k).flows_displaced, 30, 150);
}

/* A direction is in use as long as it is heard, though its budget is used. */
static void test_bulk_is_in_use(void **state)
{
	struct kernel *k = *state;

	run_flows(k, SYN, 1);
	for (int i = 0; i < 6; i++) {
		run_flows(k, DATA, 1);
	}
	pass_ticks(k, WINDOW_TICKS / 2);
	run_flows(k, DATA, 1);
	pass_ticks(k, WINDOW_TICKS / 2);
	kernel_take_counters(k);
	run_flows(k, SYN, 2);
	assert_in_range(kernel_take_counters(k).flows_displaced, 250, 800);
}

/* ---- Tunnels ---- */

static void test_tunnel(void **state)
{
	struct kernel *k = *state;

	kernel_select(k, FRAME_CLASSES_ALWAYS_KEPT, 0, 0);
	assert_int_equal(count_passing(k, VXLAN EMPTY, 20), TUNNEL_BUDGET);
	/* It is that of the two ends, whatever else runs between them. */
	assert_int_equal(count_passing(k, ETH("0800") IPV4("05dc", "2f") "0000 6558 " EMPTY, 5), 0);
	assert_int_equal(count_passing(k, IN_GRE6 IPV4("0028", "06") TCP("10"), 5), TUNNEL_BUDGET);
	pass_ticks(k, WINDOW_TICKS);
	kernel_take_counters(k);
	assert_int_equal(count_passing(k, VXLAN EMPTY, 20), TUNNEL_BUDGET);
	const struct filter_counters counters = kernel_take_counters(k);

	expect_used(&counters, FRAME_CLASS_TUNNEL, 0, TUNNEL_BUDGET, 0);
	expect_used(&counters, FRAME_CLASS_TCP_ACK_EMPTY, 0, 0, 20 - TUNNEL_BUDGET);
}

/* What is inside begins and spends, also in the frames that are kept for the tunnel's sake. */
static void test_inside_a_tunnel(void **state)
{
	struct kernel *k = *state;

	assert_true(passes(k, VXLAN SYN));
	assert_int_equal(count_passing(k, VXLAN DATA, 20), BUDGET);
	assert_true(passes(k, VXLAN SYN));
	assert_int_equal(count_passing(k, VXLAN DATA, 20), BUDGET);
	/* The flow is the same outside. */
	assert_int_equal(count_passing(k, DATA, 5), 0);
	/* A bulk flow of the tunnel itself is none. */
	assert_int_equal(count_passing(k, VXLAN EMPTY, 20), 20);
}

static int begin_test(void **state)
{
	struct kernel *k = *state;

	kernel_close(k);
	assert_true(kernel_open(k));
	kernel_select(k, FRAME_CLASSES_ALL, BUDGET, BUDGET);
	return 0;
}

#define TEST(name) cmocka_unit_test_prestate_setup_teardown(test_##name, begin_test, NULL, &k)

int main(void)
{
	struct kernel k;
	const struct CMUnitTest tests[] = {
		TEST(first_segments),
		TEST(directions),
		TEST(ipv6),
		TEST(units),
		TEST(in_the_middle),
		TEST(others_do_not_spend),
		TEST(dropped_classes),
		TEST(dns),
		TEST(both_ways),
		TEST(udp),
		TEST(udp_window),
		TEST(tcp_has_no_window),
		TEST(control_is_not_cut),
		TEST(other_budgets),
		TEST(changed_in_a_flow),
		TEST(displaced),
		TEST(bulk_is_in_use),
		TEST(tunnel),
		TEST(inside_a_tunnel),
	};

	if (!kernel_open(&k) && errno == EPERM) {
		puts("1..0 # SKIP needs CAP_BPF");
		return 0;
	}
	int failed = cmocka_run_group_tests_name("budget", tests, NULL, NULL);

	kernel_close(&k);
	return failed;
}
