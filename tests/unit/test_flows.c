/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections in progress: every short sequence of segments against a naive model. */
#include <passer/ledger/flows.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct flows *flows;

static int open_flows(void **state)
{
	const struct hash_key key = {.k0 = 1, .k1 = 2};

	(void)state;
	flows = flows_new(1u << 16, &key);
	return flows != NULL ? 0 : -1;
}

static int close_flows(void **state)
{
	(void)state;
	flows_free(flows);
	flows_free(NULL);
	return 0;
}

/* Two ends of a connection; the number tells connections apart. */
struct pair {
	struct endpoint ends[2];
};

static struct endpoint endpoint(const char *text, uint16_t port)
{
	struct endpoint e = {.port = port};

	assert_true(addr_parse(text, &e.addr));
	return e;
}

static struct pair pair(const char *a, uint16_t a_port, const char *b, uint16_t b_port)
{
	return (struct pair){{endpoint(a, a_port), endpoint(b, b_port)}};
}

/* ---- against a model ---- */

#define SEQUENCE 5

enum event { SYN, SYNACK, DATA, EVENT_COUNT };

struct model {
	bool has_asked[2], has_accepted[2];
	unsigned segments[2];
};

static void step(const struct pair *p, struct model *m, enum event event, int from)
{
	const struct endpoint *src = &p->ends[from], *dst = &p->ends[1 - from];

	switch (event) {
	case SYN:
		*m = (struct model){.segments = {0, 0}};
		m->has_asked[from] = true;
		flow_open(flows, src, dst, 0);
		break;
	case SYNACK:
		m->has_accepted[from] = true;
		flow_accept(flows, src, dst, 0);
		break;
	default:
		m->segments[from]++;
		assert_int_equal(flow_segment(flows, src, dst, 0), m->segments[from]);
		break;
	}
}

static bool is_unanswered(const struct pair *p, int from)
{
	return flow_is_unanswered(flows, &p->ends[from], &p->ends[1 - from], 0);
}

static void check(const struct pair *p, const struct model *m)
{
	for (int from = 0; from < 2; from++) {
		assert_int_equal(is_unanswered(p, from), m->has_asked[1 - from] &&
		                                                 !m->has_accepted[from] &&
		                                                 m->segments[from] == 0);
	}
}

/* All sequences of SYN, SYN/ACK and data in both directions, each on a connection of its own. */
static void every_sequence_agrees_with_the_model(void **state)
{
	unsigned sequences = 1;

	(void)state;
	for (int i = 0; i < SEQUENCE; i++) {
		sequences *= 2 * EVENT_COUNT;
	}
	for (unsigned n = 0; n < sequences; n++) {
		const struct pair p = pair("10.0.0.1", (uint16_t)n, "10.0.0.2", 80);
		struct model m = {.segments = {0, 0}};
		unsigned rest = n;

		check(&p, &m);
		for (int i = 0; i < SEQUENCE; i++, rest /= 2 * EVENT_COUNT) {
			unsigned now = rest % (2 * EVENT_COUNT);

			step(&p, &m, (enum event)(now / 2), now % 2);
			check(&p, &m);
		}
	}
}

/* ---- bounds ---- */

static void counting_stops_at_the_bound(void **state)
{
	const struct pair p = pair("2001:db8::1", 1000, "2001:db8::2", 443);
	const struct endpoint *a = &p.ends[0], *b = &p.ends[1];

	(void)state;
	flow_open(flows, a, b, 0);
	for (unsigned i = 1; i < 3 * FLOW_SEGMENTS_MAX; i++) {
		unsigned counted = i < FLOW_SEGMENTS_MAX ? i : FLOW_SEGMENTS_MAX;

		assert_int_equal(flow_segment(flows, b, a, 0), counted);
	}
	/* What is full does not spill into the other direction, nor into its flags. */
	assert_true(flow_is_unanswered(flows, b, a, 0) == false);
	assert_int_equal(flow_segment(flows, a, b, 0), 1);
	flow_open(flows, a, b, 0);
	assert_int_equal(flow_segment(flows, b, a, 0), 1);
}

/* ---- which packets are one connection ---- */

static void connections_are_told_apart(void **state)
{
	const struct pair asked = pair("10.1.0.1", 1000, "10.1.0.2", 80);
	const struct pair others[] = {
		pair("10.1.0.1", 1001, "10.1.0.2", 80), pair("10.1.0.1", 1000, "10.1.0.2", 81),
		pair("10.1.0.3", 1000, "10.1.0.2", 80), pair("10.1.0.1", 1000, "10.1.0.3", 80),
		pair("10.1.0.1", 80, "10.1.0.2", 1000), pair("10.1.0.2", 1000, "10.1.0.1", 80),
		pair("a01:1::", 1000, "a01:2::", 80),
	};

	(void)state;
	flow_open(flows, &asked.ends[0], &asked.ends[1], 0);
	assert_true(is_unanswered(&asked, 1));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_false(is_unanswered(&others[i], 0));
		assert_false(is_unanswered(&others[i], 1));
		assert_int_equal(flow_segment(flows, &others[i].ends[1], &others[i].ends[0], 0), 1);
	}
	assert_true(is_unanswered(&asked, 1));
}

/* A forged segment from a host to itself: one direction, and nothing breaks. */
static void an_end_may_be_both_ends(void **state)
{
	const struct pair p = pair("10.2.0.1", 80, "10.2.0.1", 80);

	(void)state;
	flow_open(flows, &p.ends[0], &p.ends[1], 0);
	assert_int_equal(flow_segment(flows, &p.ends[0], &p.ends[1], 0), 1);
	assert_int_equal(flow_segment(flows, &p.ends[1], &p.ends[0], 0), 2);
}

/* In a small table old connections go; what comes after them starts from nothing. */
static void evicted_connections_are_forgotten(void **state)
{
	const struct hash_key key = {.k0 = 3, .k1 = 4};
	struct flows *few = flows_new(8, &key);
	unsigned forgotten = 0;

	(void)state;
	assert_non_null(few);
	for (int round = 0; round < 2; round++) {
		for (uint16_t n = 0; n < 32; n++) {
			const struct pair p = pair("10.3.0.1", n, "10.3.0.2", 80);
			unsigned count = flow_segment(few, &p.ends[0], &p.ends[1], 0);

			assert_true(count == 1 || (round == 1 && count == 2));
			forgotten += round == 1 && count == 1;
		}
	}
	assert_true(forgotten >= 32 - 8);
	flows_free(few);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sequence_agrees_with_the_model),
		cmocka_unit_test(counting_stops_at_the_bound),
		cmocka_unit_test(connections_are_told_apart),
		cmocka_unit_test(an_end_may_be_both_ends),
		cmocka_unit_test(evicted_connections_are_forgotten),
	};

	return cmocka_run_group_tests_name("flows", tests, open_flows, close_flows);
}
