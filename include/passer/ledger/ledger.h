/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the sensor has learnt so far, in memory that all workers share: which facts were printed,
 * the state of services and their clients, the MAC of an address, the addresses of a name. It is
 * made before the workers are forked and keeps one truth however packets are spread over them.
 *
 * Everything is bounded: tables have a fixed size, evict what was used least recently and count it.
 * Times are packet times, so that a capture file replays exactly.
 */
#pragma once

#include <passer/base/addr.h>
#include <passer/base/hash.h>
#include <passer/ledger/sizes.h>
#include <passer/ledger/table.h>

struct names;
struct suspects;

enum transport { TRANSPORT_TCP, TRANSPORT_UDP };

/* An address and a TCP or UDP port. Those of one number are two services. */
struct endpoint {
	struct addr addr;
	uint16_t port; /* host byte order */
	enum transport transport;
};

struct ledger {
	struct hash_key key;
	struct table *facts;    /* seen.h */
	struct table *services; /* services.h */
	struct table *clients;
	struct table *refusals;
	struct table *hosts;       /* hosts.h */
	struct names *names;       /* names.h */
	struct suspects *suspects; /* suspects.h */
};

/* Allocates all tables, of the default sizes or of these. 0 or -ENOMEM; nothing to free then. */
int ledger_init(struct ledger *ledger);
int ledger_init_sized(struct ledger *ledger, const struct ledger_sizes *sizes);
void ledger_fini(struct ledger *ledger);

/* table_prefault() of the two tables that nearly every packet asks. */
void ledger_prefault(struct ledger *ledger);

/*
 * The key of (kind, endpoint) or (kind, two endpoints) in a table; kind, which is below 64, keeps
 * uses apart.
 */
uint64_t ledger_key(const struct hash_key *key, unsigned kind, const struct endpoint *a,
                    const struct endpoint *b);
