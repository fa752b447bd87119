/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/ledger/services.h>

#define STATE_MASK 3u /* the state is the lowest bits of the value, flags follow */

enum { KIND_SERVICE, KIND_CLIENT, KIND_REFUSAL, KIND_REFUSAL_COUNT };

enum service_state service_next(enum service_state state, enum service_event event)
{
	static const uint8_t next[SERVICE_STATE_COUNT][SERVICE_EVENT_COUNT] = {
		/*                      SYN                SYNACK             REFUSED */
		[SERVICE_UNKNOWN] = {SERVICE_ASKED, SERVICE_UNKNOWN, SERVICE_UNKNOWN},
		[SERVICE_ASKED] = {SERVICE_ASKED, SERVICE_LISTENING, SERVICE_CLOSED},
		[SERVICE_LISTENING] = {SERVICE_LISTENING, SERVICE_LISTENING, SERVICE_CLOSED},
		[SERVICE_CLOSED] = {SERVICE_CLOSED, SERVICE_LISTENING, SERVICE_CLOSED},
	};

	return (enum service_state)next[state][event];
}

enum service_state service_note(struct ledger *ledger, const struct endpoint *service,
                                enum service_event event, uint64_t time_ns)
{
	struct table_key key = ledger_key(&ledger->key, KIND_SERVICE, service, NULL);
	uint64_t value = table_get(ledger->services, key, time_ns);
	enum service_state old, new;

	do {
		old = (enum service_state)(value & STATE_MASK);
		new = service_next(old, event);
		if (new == old) {
			return SERVICE_UNKNOWN;
		}
	} while (!table_exchange(ledger->services, key, time_ns, &value,
	                         (value & ~(uint64_t)STATE_MASK) | new));
	return new == SERVICE_ASKED ? SERVICE_UNKNOWN : new;
}

enum service_state service_state(struct ledger *ledger, const struct endpoint *service,
                                 uint64_t time_ns)
{
	struct table_key key = ledger_key(&ledger->key, KIND_SERVICE, service, NULL);

	return (enum service_state)(table_get(ledger->services, key, time_ns) & STATE_MASK);
}

bool service_claim(struct ledger *ledger, const struct endpoint *service, enum service_flag flag,
                   uint64_t time_ns)
{
	struct table_key key = ledger_key(&ledger->key, KIND_SERVICE, service, NULL);

	return (table_set_bits(ledger->services, key, time_ns, flag) & flag) == 0;
}

bool service_has(struct ledger *ledger, const struct endpoint *service, enum service_flag flag,
                 uint64_t time_ns)
{
	struct table_key key = ledger_key(&ledger->key, KIND_SERVICE, service, NULL);

	return (table_get(ledger->services, key, time_ns) & flag) != 0;
}

/* The value of a service: state, flags, attempts in this window, and the window's number. */
#define ATTEMPTS_SHIFT 8
#define ATTEMPTS_MAX   UINT64_C(16)
#define ATTEMPTS_MASK  (UINT64_C(31) << ATTEMPTS_SHIFT)
#define WINDOW_SHIFT   16
#define WINDOW_MASK    (((UINT64_C(1) << (TABLE_VALUE_BITS - WINDOW_SHIFT)) - 1) << WINDOW_SHIFT)
#define WINDOW_NS      (UINT64_C(600) * 1000000000)

static uint64_t window_of(uint64_t time_ns)
{
	return time_ns / WINDOW_NS << WINDOW_SHIFT & WINDOW_MASK;
}

static uint64_t attempts_of(uint64_t value, uint64_t window)
{
	return (value & WINDOW_MASK) == window ? (value & ATTEMPTS_MASK) >> ATTEMPTS_SHIFT : 0;
}

static void set_attempts(struct ledger *ledger, struct table_key key, uint64_t time_ns,
                         uint64_t value, uint64_t attempts)
{
	uint64_t window = window_of(time_ns);
	uint64_t next;

	do {
		next = (value & ~(WINDOW_MASK | ATTEMPTS_MASK)) | window |
		       attempts << ATTEMPTS_SHIFT;
	} while (!table_exchange(ledger->services, key, time_ns, &value, next));
}

void service_look(struct ledger *ledger, const struct endpoint *const services[2], uint64_t time_ns,
                  struct service_view out_views[2])
{
	uint64_t window = window_of(time_ns);

	for (int i = 0; i < 2; i++) {
		struct table_key key = ledger_key(&ledger->key, KIND_SERVICE, services[i], NULL);
		uint64_t value = table_get(ledger->services, key, time_ns);

		out_views[i] = (struct service_view){
			.state = (enum service_state)(value & STATE_MASK),
			.is_described = (value & SERVICE_DESCRIBED_BY_TABLE) != 0,
			.may_identify = attempts_of(value, window) < ATTEMPTS_MAX,
		};
	}
}

bool service_may_identify(struct ledger *ledger, const struct endpoint *service, uint64_t time_ns)
{
	struct table_key key = ledger_key(&ledger->key, KIND_SERVICE, service, NULL);
	uint64_t value = table_get(ledger->services, key, time_ns);
	uint64_t window = window_of(time_ns);
	uint64_t attempts = attempts_of(value, window);

	if (attempts >= ATTEMPTS_MAX) {
		return false;
	}
	set_attempts(ledger, key, time_ns, value, attempts + 1);
	return true;
}

void service_identified(struct ledger *ledger, const struct endpoint *service, uint64_t time_ns)
{
	struct table_key key = ledger_key(&ledger->key, KIND_SERVICE, service, NULL);

	set_attempts(ledger, key, time_ns, table_get(ledger->services, key, time_ns), ATTEMPTS_MAX);
}

bool client_claim(struct ledger *ledger, const struct endpoint *client, enum client_flag flag,
                  uint64_t time_ns)
{
	struct table_key key = ledger_key(&ledger->key, KIND_CLIENT, client, NULL);

	return (table_set_bits(ledger->clients, key, time_ns, flag) & flag) == 0;
}

bool client_has(struct ledger *ledger, const struct endpoint *client, enum client_flag flag,
                uint64_t time_ns)
{
	struct table_key key = ledger_key(&ledger->key, KIND_CLIENT, client, NULL);

	return (table_get(ledger->clients, key, time_ns) & flag) != 0;
}

unsigned client_refused(struct ledger *ledger, const struct addr *client,
                        const struct endpoint *service, uint64_t time_ns)
{
	struct endpoint whole_client = {.addr = *client};
	struct table_key pair = ledger_key(&ledger->key, KIND_REFUSAL, &whole_client, service);
	struct table_key count_key =
		ledger_key(&ledger->key, KIND_REFUSAL_COUNT, &whole_client, NULL);
	uint64_t absent = 0;

	if (!table_exchange(ledger->refusals, pair, time_ns, &absent, 1)) {
		return 0;
	}
	uint64_t count = table_get(ledger->refusals, count_key, time_ns);

	while (!table_exchange(ledger->refusals, count_key, time_ns, &count, count + 1)) {
	}
	return (unsigned)count + 1;
}
