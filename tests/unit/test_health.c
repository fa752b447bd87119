/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the beginnings and ends of connections say of the span port, the offloads and the fanout. */
#include "control/health.h"

#include <passer/base/clock.h>
#include <passer/base/text.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define CLIENT 1
#define SERVER 2

/* Two workers that share what was heard lately. */
struct sensor {
	struct health workers[2];
	struct health_counters counters[2];
	struct health_recent recent;
};

static struct sensor *sensor;

static int open_sensor(void **state)
{
	const struct hash_key key = {.k0 = 5, .k1 = 6};

	(void)state;
	sensor = calloc(1, sizeof(*sensor));
	for (int i = 0; i < 2; i++) {
		sensor->workers[i] = (struct health){
			.counters = &sensor->counters[i],
			.recent = &sensor->recent,
			.flows = flows_new(1024, &key),
			.key = key,
			.mtu_bytes = 1522,
		};
		assert_non_null(sensor->workers[i].flows);
	}
	return 0;
}

static int close_sensor(void **state)
{
	(void)state;
	flows_free(sensor->workers[0].flows);
	flows_free(sensor->workers[1].flows);
	free(sensor);
	return 0;
}

static struct addr host(uint8_t number)
{
	const uint8_t bytes[4] = {10, 0, 0, number};

	return addr_of(span_of(bytes, sizeof(bytes)));
}

/* A segment between port 1000 of the client and port 80 of the server, as a worker hears it. */
static void hear(int worker, uint8_t from, uint8_t flags, uint32_t seq, uint32_t ack, uint64_t ms)
{
	static const uint8_t byte;
	const struct frame frame = {
		.bytes = span_of(&byte, 1),
		.wire_bytes = 1,
		.time_ns = ms * NS_PER_MS,
	};
	const struct pkt pkt = {
		.frame = &frame,
		.layer = LAYER_TCP,
		.vlan = 7,
		.src = host(from),
		.dst = host(from == CLIENT ? SERVER : CLIENT),
		.sport = from == CLIENT ? 1000 : 80,
		.dport = from == CLIENT ? 80 : 1000,
		.tcp_flags = flags,
		.tcp_seq = seq,
		.tcp_ack = ack,
	};
	const struct endpoint src = {.addr = pkt.src, .port = pkt.sport};
	const struct endpoint dst = {.addr = pkt.dst, .port = pkt.dport};
	struct health *h = &sensor->workers[worker];

	health_note(h, &pkt);
	if (flags == TCP_SYN) {
		flow_open(h->flows, &src, &dst, frame.time_ns);
	} else if (flags == (TCP_SYN | TCP_ACK)) {
		flow_accept(h->flows, &src, &dst, frame.time_ns);
	}
}

static void expect(uint32_t both_ways, uint32_t one_way, uint64_t duplicates, uint64_t split)
{
	uint32_t both = 0, one = 0;
	uint64_t twice = 0, apart = 0;

	for (int i = 0; i < 2; i++) {
		both += sensor->counters[i].vlans[7].both_ways;
		one += sensor->counters[i].vlans[7].one_way;
		twice += sensor->counters[i].duplicates;
		apart += sensor->counters[i].split;
	}
	assert_int_equal(both, both_ways);
	assert_int_equal(one, one_way);
	assert_int_equal(twice, duplicates);
	assert_int_equal(apart, split);
}

static void a_whole_connection_is_heard_both_ways(void **state)
{
	(void)state;
	hear(0, CLIENT, TCP_SYN, 100, 0, 1000);
	hear(0, SERVER, TCP_SYN | TCP_ACK, 900, 101, 1001);
	hear(0, CLIENT, TCP_FIN | TCP_ACK, 200, 950, 1500);
	hear(0, SERVER, TCP_FIN | TCP_ACK, 950, 201, 1501);
	expect(1, 0, 0, 0);
	assert_int_equal(sensor->counters[0].checked, 4);
}

static void one_direction_shows(void **state)
{
	(void)state;
	hear(0, SERVER, TCP_SYN | TCP_ACK, 900, 101, 1001);
	expect(0, 1, 0, 0);
	hear(1, CLIENT, TCP_SYN, 300, 0, 2000);
	expect(0, 1, 0, 0); /* it may go unanswered for many reasons */
	hear(1, CLIENT, TCP_FIN | TCP_ACK, 400, 950, 2500);
	expect(0, 2, 0, 0);
}

/* A repeated SYN is no duplicate unless it comes at once. */
static void duplicates_come_at_once(void **state)
{
	(void)state;
	hear(0, CLIENT, TCP_SYN, 100, 0, 1000);
	hear(0, CLIENT, TCP_SYN, 100, 0, 2000);
	expect(0, 0, 0, 0);
	hear(0, CLIENT, TCP_SYN, 100, 0, 2000);
	hear(0, SERVER, TCP_SYN | TCP_ACK, 900, 101, 2001);
	hear(0, SERVER, TCP_SYN | TCP_ACK, 900, 101, 2002);
	expect(1, 0, 2, 0);
}

/* So many at once that cells are taken from one another; seconds later nobody looks for them. */
static void forgotten_segments_are_counted(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 4 * HEALTH_RECENT; i++) {
		hear(0, CLIENT, TCP_SYN, i, 0, 1000);
	}
	assert_in_range(sensor->counters[0].displaced, 3 * HEALTH_RECENT, 4 * HEALTH_RECENT);
	for (uint32_t i = 0; i < HEALTH_RECENT; i++) {
		hear(1, CLIENT, TCP_SYN, i, 0, 5000 + 4000 * (uint64_t)i);
	}
	assert_in_range(sensor->counters[1].displaced, 0, 10);
}

static void another_worker_heard_the_question(void **state)
{
	(void)state;
	hear(0, CLIENT, TCP_SYN, 100, 0, 1000);
	hear(1, SERVER, TCP_SYN | TCP_ACK, 900, 101, 1001);
	expect(0, 0, 0, 1);
	hear(1, SERVER, TCP_SYN | TCP_ACK, 900, 555, 1100); /* answers something else */
	expect(0, 1, 0, 1);
}

static void lengths_are_counted(void **state)
{
	static const uint8_t bytes[60];
	static const struct {
		size_t captured;
		uint32_t wire;
		unsigned truncated, above_mtu;
	} rows[] = {{60, 60, 0, 0}, {60, 61, 1, 0}, {60, 1522, 1, 0}, {60, 1523, 1, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct health_counters before = sensor->counters[0];
		const struct frame frame = {
			.bytes = span_of(bytes, rows[i].captured),
			.wire_bytes = rows[i].wire,
		};
		const struct pkt pkt = {.frame = &frame, .layer = LAYER_ARP};

		health_note(&sensor->workers[0], &pkt);
		assert_int_equal(sensor->counters[0].truncated - before.truncated,
		                 rows[i].truncated);
		assert_int_equal(sensor->counters[0].above_mtu - before.above_mtu,
		                 rows[i].above_mtu);
	}
}

/* ---- advice ---- */

static void count(void *user, const char *text)
{
	struct text *all = user;

	text_add(all, text);
	text_add(all, "\n");
}

static void expect_advice(const struct health_counters *counters, const char *word)
{
	char buffer[2048];
	struct text all;

	text_init(&all, buffer, sizeof(buffer));
	health_advise(counters, count, &all);
	if (word == NULL) {
		assert_string_equal(buffer, "");
	} else {
		assert_non_null(strstr(buffer, word));
		assert_ptr_equal(strchr(buffer, '\n'), buffer + all.len - 1); /* one line */
	}
}

static void advice_names_the_cure(void **state)
{
	struct health_counters *c = &sensor->counters[0];

	(void)state;
	expect_advice(c, NULL);
	*c = (struct health_counters){.checked = 1000, .duplicates = 9};
	expect_advice(c, NULL);
	*c = (struct health_counters){.checked = 1000, .duplicates = 10};
	expect_advice(c, "10 frames heard twice");
	*c = (struct health_counters){.checked = 1000, .split = 10};
	expect_advice(c, "--fanout host");
	*c = (struct health_counters){.truncated = 1};
	expect_advice(c, "snap length");
	*c = (struct health_counters){.above_mtu = 1};
	expect_advice(c, "gro off");
	*c = (struct health_counters){.vlans[7] = {.both_ways = 81, .one_way = 19}};
	expect_advice(c, NULL);
	health_add(c, &(struct health_counters){.vlans[7] = {.one_way = 6}});
	expect_advice(c, "VLAN 7: 23 %");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_sensor, close_sensor)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_whole_connection_is_heard_both_ways),
		TEST(one_direction_shows),
		TEST(duplicates_come_at_once),
		TEST(forgotten_segments_are_counted),
		TEST(another_worker_heard_the_question),
		TEST(lengths_are_counted),
		TEST(advice_names_the_cure),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
