/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TCP services and their clients, as the flags of segments tell them (spec terms of RFC 9293), and
 * which services of TCP and UDP were asked for their product.
 * Shared by all workers, so that a service whose connections are spread over them is one service.
 */
#pragma once

#include <passer/ledger/ledger.h>

enum service_event {
	SERVICE_SYN,     /* a client asked for it */
	SERVICE_SYNACK,  /* it accepted */
	SERVICE_REFUSED, /* it refused a connection; a reset of an established one is no refusal */
	SERVICE_EVENT_COUNT
};

enum service_state {
	SERVICE_UNKNOWN, /* no SYN seen: answers say nothing, they may be forged or half a flow */
	SERVICE_ASKED,
	SERVICE_LISTENING,
	SERVICE_CLOSED,
	SERVICE_STATE_COUNT
};

/*
 * Tells the service an event. Returns its new state when the event changed it between asked,
 * listening and closed as far as users care (LISTENING or CLOSED: to be reported, for exactly one
 * caller), else SERVICE_UNKNOWN.
 */
enum service_state service_note(struct ledger *ledger, const struct endpoint *service,
                                enum service_event event, uint64_t time_ns);

enum service_state service_state(struct ledger *ledger, const struct endpoint *service,
                                 uint64_t time_ns);

/* The whole state machine, for its test. */
enum service_state service_next(enum service_state state, enum service_event event);

/* Flags of a service that are set once: each says "done" to exactly one caller. */
enum service_flag {
	SERVICE_DESCRIBED_BY_TABLE = 1 << 2,
	SERVICE_GOT_DATAGRAM = 1 << 3, /* of UDP, which has no handshake: a client asked it */
};

/* True when the flag was not set before. */
bool service_claim(struct ledger *ledger, const struct endpoint *service, enum service_flag flag,
                   uint64_t time_ns);
bool service_has(struct ledger *ledger, const struct endpoint *service, enum service_flag flag,
                 uint64_t time_ns);

/*
 * A service is asked for its product again and again, since another connection may tell more, and
 * since products change; yet not without end. May its text be looked at now? Says yes a limited
 * number of times in each ten minutes, and no more in those once service_identified() was told.
 */
bool service_may_identify(struct ledger *ledger, const struct endpoint *service, uint64_t time_ns);
void service_identified(struct ledger *ledger, const struct endpoint *service, uint64_t time_ns);

/* What is known of a service, by one look. */
struct service_view {
	enum service_state state;
	bool is_described; /* SERVICE_DESCRIBED_BY_TABLE */
	bool may_identify; /* as service_may_identify() would answer, which has the last word */
};

/* Looks at both ends of a packet. */
void service_look(struct ledger *ledger, const struct endpoint *const services[2], uint64_t time_ns,
                  struct service_view out_views[2]);

/* Flags of (client address, server port). */
enum client_flag {
	CLIENT_ACCEPTED = 1 << 0, /* a SYN/ACK from that port came to this client */
	CLIENT_FINISHED = 1 << 1, /* its FIN was reported */
	CLIENT_DESCRIBED = 1 << 2,
};

/* `client` is the client's address with the port of the server. */
bool client_claim(struct ledger *ledger, const struct endpoint *client, enum client_flag flag,
                  uint64_t time_ns);
bool client_has(struct ledger *ledger, const struct endpoint *client, enum client_flag flag,
                uint64_t time_ns);

/*
 * Remembers that `service` refused `client`; returns how many different services have so far, 0
 * when this one had done so before.
 */
unsigned client_refused(struct ledger *ledger, const struct addr *client,
                        const struct endpoint *service, uint64_t time_ns);
