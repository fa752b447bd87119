/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/ledger/ledger.h>
#include <passer/ledger/names.h>
#include <passer/ledger/suspects.h>

#include <errno.h>

int ledger_init_sized(struct ledger *ledger, const struct ledger_sizes *sizes)
{
	const size_t *capacities = sizes->capacities;

	*ledger = (struct ledger){
		.key = hash_key_random(),
		.facts = table_new(capacities[LEDGER_FACTS], TABLE_KEEPS),
		.services = table_new(capacities[LEDGER_SERVICES], TABLE_KEEPS),
		.clients = table_new(capacities[LEDGER_CLIENTS], TABLE_KEEPS),
		.refusals = table_new(capacities[LEDGER_REFUSALS], TABLE_KEEPS),
		.hosts = table_new(capacities[LEDGER_HOSTS], TABLE_KEEPS),
		.names = names_new(capacities[LEDGER_NAMES]),
	};
	ledger->suspects = suspects_new(capacities[LEDGER_SUSPECTS], &ledger->key);
	if (ledger->facts == NULL || ledger->services == NULL || ledger->clients == NULL ||
	    ledger->refusals == NULL || ledger->hosts == NULL || ledger->names == NULL ||
	    ledger->suspects == NULL) {
		ledger_fini(ledger);
		return -ENOMEM;
	}
	return 0;
}

int ledger_init(struct ledger *ledger)
{
	struct ledger_sizes sizes = ledger_sizes_default();

	return ledger_init_sized(ledger, &sizes);
}

void ledger_prefault(struct ledger *ledger)
{
	table_prefault(ledger->facts);
	table_prefault(ledger->services);
}

void ledger_settle(struct ledger *ledger)
{
	table_settle(ledger->facts);
	table_settle(ledger->services);
	table_settle(ledger->clients);
	table_settle(ledger->refusals);
	table_settle(ledger->hosts);
}

void ledger_expect(struct ledger *ledger, const struct addr *src, const struct addr *dst)
{
	const uint64_t src_home = ledger_home(&ledger->key, src);
	const uint64_t dst_home = ledger_home(&ledger->key, dst);

	table_expect(ledger->facts, src_home);
	table_expect(ledger->services, src_home);
	table_expect(ledger->services, dst_home);
	table_expect(ledger->clients, dst_home);
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

/*
 * ---- Keys ----
 *
 * Of addresses and what else there is as few words as possible, since a round is paid for each.
 * Keys of one and of two endpoints, of IPv4 alone and of other addresses, differ in length.
 */

static uint32_t v4_word(const struct addr *a)
{
	uint32_t word;

	memcpy(&word, a->bytes, sizeof(word));
	return word;
}

static void add_addr(struct hash *h, const struct addr *a)
{
	uint64_t words[2];

	memcpy(words, a->bytes, sizeof(words));
	hash_add_u64(h, words[0]);
	hash_add_u64(h, words[1]);
}

static void add_one(struct hash *h, unsigned kind, const struct endpoint *e)
{
	uint32_t rest = e->port | (kind << 1 | e->transport) << 16;

	if (e->addr.family == ADDR_V4) {
		hash_add_part(h, (uint64_t)rest << 32 | v4_word(&e->addr), 7);
		return;
	}
	add_addr(h, &e->addr);
	hash_add_part(h, (uint32_t)e->addr.family << 24 | rest, 4);
}

static void add_two(struct hash *h, unsigned kind, const struct endpoint *a,
                    const struct endpoint *b)
{
	uint64_t rest = (uint64_t)(kind << 2 | a->transport << 1 | b->transport) << 32 |
	                (uint32_t)b->port << 16 | a->port;

	if (a->addr.family == ADDR_V4 && b->addr.family == ADDR_V4) {
		hash_add_u64(h, (uint64_t)v4_word(&b->addr) << 32 | v4_word(&a->addr));
		hash_add_part(h, rest, 5);
		return;
	}
	add_addr(h, &a->addr);
	add_addr(h, &b->addr);
	hash_add_part(h, (uint64_t)(a->addr.family << 4 | b->addr.family) << 40 | rest, 6);
}

uint64_t ledger_hash(const struct hash_key *key, unsigned kind, const struct endpoint *a,
                     const struct endpoint *b)
{
	struct hash h;

	hash_init(&h, key);
	if (b == NULL) {
		add_one(&h, kind, a);
	} else {
		add_two(&h, kind, a, b);
	}
	return hash_final(&h);
}
