/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Services and their clients: the whole state machine, then what is said once. */
#include <passer/ledger/services.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "processes.h"

static struct ledger ledger;

static int open_ledger(void **state)
{
	(void)state;
	return ledger_init(&ledger);
}

static int close_ledger(void **state)
{
	(void)state;
	ledger_fini(&ledger);
	return 0;
}

/* The n-th of many hosts. */
static struct endpoint endpoint(uint8_t net, uint8_t host, uint16_t port)
{
	const uint8_t bytes[4] = {10, net, 0, host};

	return (struct endpoint){.addr = addr_of(span_of(bytes, sizeof(bytes))), .port = port};
}

/* ---- the state machine ---- */

#define UNKNOWN   SERVICE_UNKNOWN
#define ASKED     SERVICE_ASKED
#define LISTENING SERVICE_LISTENING
#define CLOSED    SERVICE_CLOSED

/* All pairs: the state after the event, and what is to be reported. */
static const struct pair_row {
	enum service_state from;
	enum service_event event;
	enum service_state to;
	enum service_state report; /* UNKNOWN: nothing */
} pairs[] = {
	{UNKNOWN, SERVICE_SYN, ASKED, UNKNOWN},
	{UNKNOWN, SERVICE_SYNACK, UNKNOWN, UNKNOWN},
	{UNKNOWN, SERVICE_REFUSED, UNKNOWN, UNKNOWN},
	{ASKED, SERVICE_SYN, ASKED, UNKNOWN},
	{ASKED, SERVICE_SYNACK, LISTENING, LISTENING},
	{ASKED, SERVICE_REFUSED, CLOSED, CLOSED},
	{LISTENING, SERVICE_SYN, LISTENING, UNKNOWN},
	{LISTENING, SERVICE_SYNACK, LISTENING, UNKNOWN},
	{LISTENING, SERVICE_REFUSED, CLOSED, CLOSED},
	{CLOSED, SERVICE_SYN, CLOSED, UNKNOWN},
	{CLOSED, SERVICE_SYNACK, LISTENING, LISTENING},
	{CLOSED, SERVICE_REFUSED, CLOSED, UNKNOWN},
};

#define PAIR_COUNT (sizeof(pairs) / sizeof(pairs[0]))
_Static_assert(PAIR_COUNT == SERVICE_STATE_COUNT * SERVICE_EVENT_COUNT, "all pairs");

static void every_pair_has_its_row(void **state)
{
	bool has_row[SERVICE_STATE_COUNT][SERVICE_EVENT_COUNT] = {{false}};

	(void)state;
	for (size_t i = 0; i < PAIR_COUNT; i++) {
		bool *has = &has_row[pairs[i].from][pairs[i].event];

		assert_false(*has);
		*has = true;
		assert_int_equal(service_next(pairs[i].from, pairs[i].event), pairs[i].to);
	}
}

/* A service of its own for each row, brought into the state from which the row starts. */
static void lead_to(const struct endpoint *service, enum service_state wanted)
{
	if (wanted != UNKNOWN) {
		service_note(&ledger, service, SERVICE_SYN, 0);
	}
	if (wanted == LISTENING || wanted == CLOSED) {
		service_note(&ledger, service,
		             wanted == LISTENING ? SERVICE_SYNACK : SERVICE_REFUSED, 0);
	}
	assert_int_equal(service_state(&ledger, service, 0), wanted);
}

static void events_change_the_state_and_report_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < PAIR_COUNT; i++) {
		const struct pair_row *row = &pairs[i];
		const struct endpoint service = endpoint(1, (uint8_t)i, 80);

		print_message("# state %d, event %d\n", (int)row->from, (int)row->event);
		lead_to(&service, row->from);
		assert_int_equal(service_note(&ledger, &service, row->event, 1), row->report);
		assert_int_equal(service_state(&ledger, &service, 1), row->to);
	}
}

/* A state that came back is told again. */
static void changes_are_reported_each_time(void **state)
{
	const struct endpoint service = endpoint(2, 1, 80);

	(void)state;
	service_note(&ledger, &service, SERVICE_SYN, 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(service_note(&ledger, &service, SERVICE_SYNACK, 0), LISTENING);
		assert_int_equal(service_note(&ledger, &service, SERVICE_REFUSED, 0), CLOSED);
	}
}

static void services_are_told_apart(void **state)
{
	const struct endpoint a = endpoint(3, 1, 80), port = endpoint(3, 1, 81);
	const struct endpoint host = endpoint(3, 2, 80);
	struct endpoint datagrams = a;

	(void)state;
	datagrams.transport = TRANSPORT_UDP;
	lead_to(&a, LISTENING);
	assert_int_equal(service_state(&ledger, &datagrams, 0), UNKNOWN);
	assert_int_equal(service_state(&ledger, &port, 0), UNKNOWN);
	assert_int_equal(service_state(&ledger, &host, 0), UNKNOWN);
}

/* ---- flags ---- */

static void service_flag_is_claimed_once(void **state)
{
	const struct endpoint s = endpoint(4, 1, 22), other = endpoint(4, 1, 23);
	const enum service_flag flag = SERVICE_DESCRIBED_BY_TABLE;

	(void)state;
	lead_to(&s, LISTENING);
	assert_false(service_has(&ledger, &s, flag, 0));
	assert_true(service_claim(&ledger, &s, flag, 0));
	assert_false(service_claim(&ledger, &s, flag, 0));
	assert_true(service_has(&ledger, &s, flag, 0));
	assert_false(service_has(&ledger, &other, flag, 0));
	assert_true(service_claim(&ledger, &other, flag, 0));
}

/* The flag outlives the states and the states do not mind the flag. */
static void flags_and_states_are_apart(void **state)
{
	const enum service_flag flag = SERVICE_DESCRIBED_BY_TABLE;

	(void)state;
	for (size_t i = 0; i < PAIR_COUNT; i++) {
		const struct pair_row *row = &pairs[i];
		const struct endpoint service = endpoint(5, (uint8_t)i, 22);

		assert_true(service_claim(&ledger, &service, flag, 0));
		lead_to(&service, row->from);
		assert_int_equal(service_note(&ledger, &service, row->event, 0), row->report);
		assert_int_equal(service_state(&ledger, &service, 0), row->to);
		assert_true(service_has(&ledger, &service, flag, 0));
		assert_false(service_claim(&ledger, &service, flag, 0));
		assert_int_equal(service_state(&ledger, &service, 0), row->to);
	}
}

/* One look says of both ends what each question says of one. */
static void look_says_all_of_both(void **state)
{
	const struct endpoint known = endpoint(12, 1, 22), unknown = endpoint(12, 2, 22);
	struct service_view views[2];

	(void)state;
	lead_to(&known, LISTENING);
	service_look(&ledger, (const struct endpoint *const[]){&known, &unknown}, 0, views);
	assert_int_equal(views[0].state, LISTENING);
	assert_int_equal(views[1].state, UNKNOWN);
	assert_false(views[0].is_described);
	assert_true(views[0].may_identify && views[1].may_identify);

	service_claim(&ledger, &known, SERVICE_DESCRIBED_BY_TABLE, 0);
	service_identified(&ledger, &known, 0);
	service_look(&ledger, (const struct endpoint *const[]){&unknown, &known}, 0, views);
	assert_int_equal(views[1].state, LISTENING);
	assert_true(views[1].is_described);
	assert_false(views[1].may_identify);
	assert_false(views[0].is_described);
	assert_true(views[0].may_identify);
	assert_int_equal(service_state(&ledger, &unknown, 0), UNKNOWN); /* looking is no event */
}

static void client_flags_are_claimed_once_each(void **state)
{
	static const enum client_flag flags[] = {CLIENT_ACCEPTED, CLIENT_FINISHED,
	                                         CLIENT_DESCRIBED};
	const struct endpoint c = endpoint(6, 1, 22);

	(void)state;
	lead_to(&c, LISTENING); /* a host that is both has nothing in common with itself */
	for (int i = 0; i < 3; i++) {
		assert_false(client_has(&ledger, &c, flags[i], 0));
		assert_true(client_claim(&ledger, &c, flags[i], 0));
		for (int j = 0; j < 3; j++) {
			assert_int_equal(client_has(&ledger, &c, flags[j], 0), j <= i);
		}
		assert_false(client_claim(&ledger, &c, flags[i], 0));
	}
	assert_false(service_has(&ledger, &c, SERVICE_DESCRIBED_BY_TABLE, 0));
	assert_int_equal(service_state(&ledger, &c, 0), LISTENING);
}

/* ---- looking for the product ---- */

#define WINDOW_NS (UINT64_C(600) * 1000000000)

/* How often in a row a service may be looked at; it must end. */
static unsigned looks_at(const struct endpoint *service, uint64_t time_ns)
{
	unsigned looks = 0;

	while (service_may_identify(&ledger, service, time_ns)) {
		assert_true(++looks < 100);
	}
	return looks;
}

static void product_is_looked_for_within_bounds(void **state)
{
	const struct endpoint s = endpoint(9, 1, 443), other = endpoint(9, 2, 443);
	unsigned most = looks_at(&s, 0);

	(void)state;
	assert_true(most > 1);
	assert_int_equal(looks_at(&s, WINDOW_NS - 1), 0);
	assert_int_equal(looks_at(&other, 0), most);
	assert_int_equal(looks_at(&s, WINDOW_NS), most);
	assert_int_equal(looks_at(&s, WINDOW_NS), 0);
	assert_int_equal(looks_at(&s, 1000 * WINDOW_NS), most);
}

static void product_is_not_looked_for_once_known(void **state)
{
	const struct endpoint s = endpoint(9, 3, 443);

	(void)state;
	lead_to(&s, LISTENING);
	assert_true(service_claim(&ledger, &s, SERVICE_DESCRIBED_BY_TABLE, 0));
	assert_true(service_may_identify(&ledger, &s, WINDOW_NS));
	service_identified(&ledger, &s, WINDOW_NS + 1);
	assert_false(service_may_identify(&ledger, &s, 2 * WINDOW_NS - 1));
	assert_true(service_may_identify(&ledger, &s, 2 * WINDOW_NS)); /* products change */
	assert_int_equal(service_state(&ledger, &s, 0), LISTENING);
	assert_true(service_has(&ledger, &s, SERVICE_DESCRIBED_BY_TABLE, 0));
	assert_int_equal(service_note(&ledger, &s, SERVICE_REFUSED, 0), CLOSED);
	unsigned left = looks_at(&s, 2 * WINDOW_NS);

	assert_int_equal(left + 1, looks_at(&s, 3 * WINDOW_NS));
}

/* ---- refusals ---- */

static void refusals_count_distinct_services(void **state)
{
	const struct endpoint client = endpoint(7, 1, 0), other = endpoint(7, 2, 0);

	(void)state;
	for (uint16_t n = 1; n <= 20; n++) {
		const struct endpoint service = endpoint(7, 3, n);

		assert_int_equal(client_refused(&ledger, &client.addr, &service, n), n);
		assert_int_equal(client_refused(&ledger, &client.addr, &service, n), 0);
	}
	const struct endpoint elsewhere = endpoint(7, 4, 1), again = endpoint(7, 3, 1);

	assert_int_equal(client_refused(&ledger, &client.addr, &elsewhere, 21), 21);
	assert_int_equal(client_refused(&ledger, &client.addr, &again, 21), 0);
	assert_int_equal(client_refused(&ledger, &other.addr, &again, 21), 1);
}

#define RACE_SERVICES 500

/* Changes of one service, its flag, and refusals of one client, seen by several at once. */
struct race {
	uint32_t listening[RACE_SERVICES];
	uint32_t claimed[RACE_SERVICES];
	uint32_t counts[RACE_SERVICES + 1];
};

static void count(uint32_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static bool see_services(unsigned number, void *context)
{
	const struct endpoint client = endpoint(8, 1, 0);
	struct race *r = context;

	(void)number;
	for (uint16_t n = 0; n < RACE_SERVICES; n++) {
		const struct endpoint service = endpoint(8, 2, n);

		service_note(&ledger, &service, SERVICE_SYN, 0);
		if (service_note(&ledger, &service, SERVICE_SYNACK, 0) == LISTENING) {
			count(&r->listening[n]);
		}
		if (service_claim(&ledger, &service, SERVICE_DESCRIBED_BY_TABLE, 0)) {
			count(&r->claimed[n]);
		}
		unsigned refusals = client_refused(&ledger, &client.addr, &service, 0);

		if (refusals > RACE_SERVICES) {
			return false;
		}
		count(&r->counts[refusals]);
	}
	return true;
}

static void one_process_is_told(void **state)
{
	struct race *r = shm_new(sizeof(*r));

	(void)state;
	assert_non_null(r);
	processes_run(see_services, r);
	for (unsigned n = 0; n < RACE_SERVICES; n++) {
		assert_int_equal(r->listening[n], 1);
		assert_int_equal(r->claimed[n], 1);
		assert_int_equal(r->counts[n + 1], 1); /* each number once */
	}
	assert_int_equal(r->counts[0], (PROCESSES - 1) * RACE_SERVICES);
	shm_free(r, sizeof(*r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_has_its_row),
		cmocka_unit_test(events_change_the_state_and_report_it),
		cmocka_unit_test(changes_are_reported_each_time),
		cmocka_unit_test(services_are_told_apart),
		cmocka_unit_test(service_flag_is_claimed_once),
		cmocka_unit_test(flags_and_states_are_apart),
		cmocka_unit_test(look_says_all_of_both),
		cmocka_unit_test(client_flags_are_claimed_once_each),
		cmocka_unit_test(product_is_looked_for_within_bounds),
		cmocka_unit_test(product_is_not_looked_for_once_known),
		cmocka_unit_test(refusals_count_distinct_services),
		cmocka_unit_test(one_process_is_told),
	};

	return cmocka_run_group_tests_name("services", tests, open_ledger, close_ledger);
}
