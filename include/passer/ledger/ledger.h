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

/* table_settle() of all tables in which keys stay. */
void ledger_settle(struct ledger *ledger);

/* Two hosts of which much will be asked soon: see table_expect(). */
void ledger_expect(struct ledger *ledger, const struct addr *src, const struct addr *dst);

/*
 * The home of all keys about one host: a product is a weaker hash than that of keys, but whoever
 * guessed it could only make others look into a few buckets more.
 */
static inline uint64_t ledger_home(const struct hash_key *key, const struct addr *addr)
{
	__extension__ typedef unsigned __int128 product;
	uint64_t words[2];

	memcpy(words, addr->bytes, sizeof(words));
	product p = (product)(words[0] ^ key->k0) * (words[1] ^ key->k1);
	uint64_t home = (uint64_t)p ^ (uint64_t)(p >> 64);

	/* Of some keys addresses in a row would lie in a row. */
	home = (home ^ home >> 32) * UINT64_C(0x9e3779b97f4a7c15);
	return home ^ home >> 29;
}

/* Of (kind, endpoint) or (kind, two endpoints); kind, which is below 64, keeps uses apart. */
uint64_t ledger_hash(const struct hash_key *key, unsigned kind, const struct endpoint *a,
                     const struct endpoint *b);

/* The key of the same in a table, at home with the first endpoint. */
static inline struct table_key ledger_key(const struct hash_key *key, unsigned kind,
                                          const struct endpoint *a, const struct endpoint *b)
{
	return (struct table_key){
		.hash = ledger_hash(key, kind, a, b),
		.home = ledger_home(key, &a->addr),
	};
}
