/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/ledger/ledger.h>
#include <passer/ledger/names.h>
#include <passer/ledger/suspects.h>

#include <errno.h>

/*
 * Entries of each table, 16 bytes each. Pages that were never written cost nothing, so these are
 * sizes for a large network: a few hundred thousand hosts.
 */
#define FACTS_CAPACITY    (1u << 22)
#define SERVICES_CAPACITY (1u << 20)
#define CLIENTS_CAPACITY  (1u << 20)
#define REFUSALS_CAPACITY (1u << 18)
#define HOSTS_CAPACITY    (1u << 19)
#define NAMES_CAPACITY    (1u << 16)
#define SUSPECTS_CAPACITY (1u << 18) /* 32 bytes each, and 16 for its buckets */

int ledger_init(struct ledger *ledger)
{
	*ledger = (struct ledger){
		.key = hash_key_random(),
		.facts = table_new(FACTS_CAPACITY),
		.services = table_new(SERVICES_CAPACITY),
		.clients = table_new(CLIENTS_CAPACITY),
		.refusals = table_new(REFUSALS_CAPACITY),
		.hosts = table_new(HOSTS_CAPACITY),
		.names = names_new(NAMES_CAPACITY),
	};
	ledger->suspects = suspects_new(SUSPECTS_CAPACITY, &ledger->key);
	if (ledger->facts == NULL || ledger->services == NULL || ledger->clients == NULL ||
	    ledger->refusals == NULL || ledger->hosts == NULL || ledger->names == NULL ||
	    ledger->suspects == NULL) {
		ledger_fini(ledger);
		return -ENOMEM;
	}
	return 0;
}

void ledger_fini(struct ledger *ledger)
{
	table_free(ledger->facts);
	table_free(ledger->services);
	table_free(ledger->clients);
	table_free(ledger->refusals);
	table_free(ledger->hosts);
	names_free(ledger->names);
	suspects_free(ledger->suspects);
	*ledger = (struct ledger){.facts = NULL};
}

static void add_endpoint(struct hash *h, const struct endpoint *e)
{
	uint64_t words[2];

	memcpy(words, e->addr.bytes, sizeof(words));
	hash_add_u64(h, words[0]);
	hash_add_u64(h, words[1]);
	hash_add_u64(h, (uint64_t)e->transport << 24 | (uint64_t)e->addr.family << 16 | e->port);
}

uint64_t ledger_key(const struct hash_key *key, unsigned kind, const struct endpoint *a,
                    const struct endpoint *b)
{
	struct hash h;

	hash_init(&h, key);
	add_endpoint(&h, a);
	if (b != NULL) {
		add_endpoint(&h, b);
	}
	hash_add_u64(&h, kind);
	return hash_final(&h);
}
