/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections in progress: every short sequence of segments against a naive model. */
#include <passer/base/clock.h>
#include <passer/bpf_abi.h>
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
	bool has_begun[2], has_asked[2], has_answered[2];
	unsigned used[2];
};

static unsigned used_before(const struct model *m, int from)
{
	return m->has_begun[from] ? m->used[from] : BUDGET_USED_MAX;
}

static void step(const struct pair *p, struct model *m, enum event event, int from)
{
	const struct endpoint *src = &p->ends[from], *dst = &p->ends[1 - from];

	switch (event) {
	case SYN:
		m->has_begun[from] = m->has_asked[from] = true;
		m->has_asked[1 - from] = m->has_answered[0] = m->has_answered[1] = false;
		m->used[from] = 0;
		flow_open(flows, src, dst, 0);
		break;
	case SYNACK:
		m->has_begun[from] = m->has_answered[from] = true;
		m->used[from] = 0;
		flow_accept(flows, src, dst, 0);
		break;
	default:
		assert_int_equal(flow_spend(flows, src, dst, 1, 0), used_before(m, from));
		m->used[from] += m->has_begun[from];
		m->has_answered[from] = true;
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
		assert_int_equal(is_unanswered(p, from),
		                 m->has_asked[1 - from] && !m->has_answered[from]);
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
		struct model m = {.used = {0, 0}};
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
	flow_accept(flows, b, a, 0);
	for (unsigned i = 0; i < 3 * BUDGET_USED_MAX; i++) {
		unsigned used = i < BUDGET_USED_MAX ? i : BUDGET_USED_MAX;

		assert_int_equal(flow_spend(flows, b, a, 1, 0), used);
	}
	/* What is full does not spill into the other direction, nor into its flags. */
	assert_false(flow_is_unanswered(flows, b, a, 0));
	assert_int_equal(flow_spend(flows, a, b, 1, 0), 0);
	flow_open(flows, a, b, 0);
	assert_int_equal(flow_spend(flows, a, b, 1, 0), 0);
}

static void long_payloads_are_several_units(void **state)
{
	static const struct {
		uint32_t bytes;
		unsigned units;
	} rows[] = {
		{1, 1},
		{BUDGET_UNIT_BYTES, 1},
		{BUDGET_UNIT_BYTES + 1, 2},
		{3 * BUDGET_UNIT_BYTES, 3},
		{UINT32_MAX, BUDGET_USED_MAX},
	};

	(void)state;
	for (uint16_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct pair p = pair("10.4.0.1", i, "10.4.0.2", 80);

		flow_open(flows, &p.ends[0], &p.ends[1], 0);
		flow_spend(flows, &p.ends[0], &p.ends[1], rows[i].bytes, 0);
		assert_int_equal(flow_spend(flows, &p.ends[0], &p.ends[1], 1, 0), rows[i].units);
	}
}

/* Each direction has its window, which begins with its first packet; a clock may go back. */
static void windows_begin_anew(void **state)
{
	const struct pair p = pair("10.5.0.1", 4000, "10.5.0.2", 443);
	const struct endpoint *a = &p.ends[0], *b = &p.ends[1];
	const uint64_t begin = 1000 * NS_PER_S, end = begin + BUDGET_WINDOW_S * NS_PER_S;

	(void)state;
	assert_int_equal(flow_spend_window(flows, a, b, 0, begin), 0);
	assert_int_equal(flow_spend_window(flows, a, b, 0, end - 1), 1);
	assert_int_equal(flow_spend_window(flows, b, a, 0, end - 1), 0);
	assert_int_equal(flow_spend_window(flows, a, b, 0, end), 0);
	assert_int_equal(flow_spend_window(flows, b, a, 0, end), 1);
	assert_int_equal(flow_spend_window(flows, a, b, 0, begin), 0);
	/* A TCP connection of the same ends is another thing. */
	flow_open(flows, a, b, end);
	assert_int_equal(flow_spend(flows, a, b, 1, end), 0);
}

/* It stays when the connection opens, before or after, and is the same for both ends. */
static void the_mss_of_a_syn_is_kept(void **state)
{
	const struct pair p = pair("10.6.0.1", 1000, "10.6.0.2", 80);
	const struct endpoint *a = &p.ends[0], *b = &p.ends[1];

	(void)state;
	assert_int_equal(flow_mss(flows, a, b, 0), 0);
	flow_set_mss(flows, a, b, UINT16_MAX, 0);
	assert_false(flow_is_unanswered(flows, b, a, 0));
	flow_open(flows, a, b, 0);
	assert_int_equal(flow_mss(flows, a, b, 0), UINT16_MAX);
	assert_true(flow_is_unanswered(flows, b, a, 0));
	flow_set_mss(flows, a, b, 1460, 0);
	flow_accept(flows, b, a, 0);
	assert_int_equal(flow_mss(flows, a, b, 0), 1460);
	assert_int_equal(flow_mss(flows, b, a, 0), 1460);
	assert_false(flow_is_unanswered(flows, b, a, 0));
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
		flow_spend(flows, &others[i].ends[1], &others[i].ends[0], 1, 0);
	}
	assert_true(is_unanswered(&asked, 1));
}

/* A forged segment from a host to itself: one direction, and nothing breaks. */
static void an_end_may_be_both_ends(void **state)
{
	const struct pair p = pair("10.2.0.1", 80, "10.2.0.1", 80);

	(void)state;
	flow_open(flows, &p.ends[0], &p.ends[1], 0);
	assert_int_equal(flow_spend(flows, &p.ends[0], &p.ends[1], 1, 0), 0);
	assert_int_equal(flow_spend(flows, &p.ends[1], &p.ends[0], 1, 0), 1);
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
			unsigned used = flow_spend_window(few, &p.ends[0], &p.ends[1], 1, 0);

			assert_true(used == 0 || (round == 1 && used == 1));
			forgotten += round == 1 && used == 0;
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
		cmocka_unit_test(long_payloads_are_several_units),
		cmocka_unit_test(windows_begin_anew),
		cmocka_unit_test(the_mss_of_a_syn_is_kept),
		cmocka_unit_test(connections_are_told_apart),
		cmocka_unit_test(an_end_may_be_both_ends),
		cmocka_unit_test(evicted_connections_are_forgotten),
	};

	return cmocka_run_group_tests_name("flows", tests, open_flows, close_flows);
}
