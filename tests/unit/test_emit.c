/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Facts that cannot be printed now: no output has room, or their type has had its share. And
 * analyzers that are switched off.
 */
#include "sensor.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

static uint32_t running;

static int open_sensor(void **state)
{
	(void)state;
	open_ledger();
	running = 0;
	sensor.ctx.running = &running;
	return 0;
}

static int close_sensor(void **state)
{
	(void)state;
	close_ledger();
	return 0;
}

/* Fact number n of a type, at a second. */
static void state_fact(enum record_type type, int n, uint64_t second)
{
	const uint8_t bytes[4] = {10, 0, (uint8_t)(n >> 8), (uint8_t)n};
	const struct addr a = addr_of(span_of(bytes, sizeof(bytes)));

	emit_words(&sensor.ctx, type, &a, "TCP_", 80, "open", "", (struct warnings){{0}},
	           second * NS_PER_S);
}

static void check_balance(void)
{
	const struct emit_counters *c = &sensor.counters;
	uint64_t limited = c->limited_by_type[REC_TC] + c->limited_by_type[REC_UC];

	assert_int_equal(c->offered, c->known + c->printed + c->unwritten + limited);
	assert_int_equal(c->printed, sensor.csv_counters.lines);
}

static void rate_is_that_of_a_type_and_a_second(void **state)
{
	(void)state;
	sensor.ctx.rate.max = 3;
	for (int n = 0; n < 10; n++) {
		state_fact(REC_TC, n, 100);
	}
	assert_int_equal(sensor.counters.printed, 3);
	assert_int_equal(sensor.counters.limited_by_type[REC_TC], 7);
	state_fact(REC_UC, 0, 100);
	assert_int_equal(sensor.counters.printed, 4);
	for (int n = 0; n < 10; n++) {
		state_fact(REC_TC, n, 101);
	}
	assert_int_equal(sensor.counters.known, 3);
	assert_int_equal(sensor.counters.printed, 7);
	check_balance();
}

/* What is known already takes no share, and what was left out comes in time. */
static void all_facts_come_in_the_end(void **state)
{
	(void)state;
	sensor.ctx.rate.max = 1;
	for (uint64_t second = 1; second <= 10; second++) {
		for (int n = 0; n < 10; n++) {
			state_fact(REC_TC, n, second);
		}
	}
	assert_int_equal(sensor.counters.printed, 10);
	check_balance();
}

static void fact_without_room_is_stated_again(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	sensor.csv.stdout_fd = ends[1];
	sensor.buffer.standard.gap.lines = 1; /* it is losing lines */
	state_fact(REC_TC, 1, 1);
	assert_int_equal(sensor.counters.unwritten, 1);
	assert_int_equal(sensor.counters.printed, 0);
	sensor.buffer.standard.gap.lines = 0;
	state_fact(REC_TC, 1, 2);
	state_fact(REC_TC, 1, 3);
	assert_int_equal(sensor.counters.printed, 1);
	assert_int_equal(sensor.counters.known, 1);
	check_balance();
	close(ends[0]);
	close(ends[1]);
}

/* ---- analyzers that are switched off ---- */

/* A frame of ARP: 10.0.0.1 answers. */
static const uint8_t arp[] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,  0, 0, 0, 0, 1, 8, 6, /* Ethernet */
	0,    1,    8,    0,    6,    4,    0,  2,                   /* reply */
	2,    0,    0,    0,    0,    1,    10, 0, 0, 1,             /* sender */
	0,    0,    0,    0,    0,    0,    10, 0, 0, 2,             /* target */
};

static void run_arp(struct dispatch *dispatch)
{
	struct frame frame = {
		.bytes = span_of(arp, sizeof(arp)),
		.wire_bytes = sizeof(arp),
		.link = LINK_ETHERNET,
		.time_ns = NS_PER_S,
	};
	struct decode_counters counters = {0};
	struct pkt pkt;

	pkt_decode(&pkt, &frame, &counters);
	dispatch_run(dispatch, &pkt, &sensor.ctx);
}

static unsigned row_of(const char *name)
{
	size_t count;
	const struct analyzer_row *rows = analyzer_rows(&count);

	for (unsigned i = 0; i < count; i++) {
		if (strcmp(rows[i].analyzer->name, name) == 0) {
			return i;
		}
	}
	fail();
	return 0;
}

static void switched_off_analyzer_is_not_run(void **state)
{
	struct dispatch *dispatch = dispatch_new();

	(void)state;
	assert_non_null(dispatch);
	assert_false(dispatch_is_off(dispatch, row_of("arp")));
	run_arp(dispatch);
	assert_int_equal(sensor.counters.offered, 1);
	assert_int_equal(running, 0);
	dispatch_switch_off(dispatch, row_of("arp"));
	assert_true(dispatch_is_off(dispatch, row_of("arp")));
	assert_false(dispatch_is_off(dispatch, row_of("tcp")));
	run_arp(dispatch);
	assert_int_equal(sensor.counters.offered, 1);
	dispatch_free(dispatch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rate_is_that_of_a_type_and_a_second, open_sensor,
	                                        close_sensor),
		cmocka_unit_test_setup_teardown(all_facts_come_in_the_end, open_sensor,
	                                        close_sensor),
		cmocka_unit_test_setup_teardown(fact_without_room_is_stated_again, open_sensor,
	                                        close_sensor),
		cmocka_unit_test_setup_teardown(switched_off_analyzer_is_not_run, open_sensor,
	                                        close_sensor),
	};

	return cmocka_run_group_tests_name("emit", tests, NULL, NULL);
}
