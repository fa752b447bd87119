/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one shared table: keys with a small value each, in memory of fixed size that several
 * processes change at once without a lock.
 *
 * A key is a 64-bit keyed hash and is never 0. A value has TABLE_VALUE_BITS; an absent key has the
 * value 0, so storing 0 and not storing are the same thing to the caller. A bucket has eight
 * entries (two cache lines, the second of which is read only when the first one has neither the key
 * nor room).
 *
 * A key goes to the bucket of its home, and when that is full to one of two of its own. So what is
 * asked about one host, whose keys have one home, lies together and can be fetched before it is
 * known what will be asked. When its own are full, too, the entry in the last of them that was used
 * least recently makes room and the eviction is counted. "Recently" is packet time in steps of
 * about 4.6 minutes.
 *
 * Where keys stay and memory is taken as they come, a home and a key have a bucket each also in a
 * part that is small (a sixty-fourth) and so lies in few pages; it is filled first. Nothing is ever
 * evicted from there.
 *
 * A process that dies at any instant leaves the table whole: an entry changes in one 16-byte
 * compare-and-swap.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_VALUE_BITS 49

enum table_use {
	TABLE_KEEPS,  /* keys stay for the run */
	TABLE_CHURNS, /* keys are of use for minutes */
};

struct table;

struct table_key {
	uint64_t hash; /* the key */
	uint64_t home; /* a hash, too; the same as the key where nothing belongs together */
};

struct table_counters {
	uint64_t entries; /* in use */
	uint64_t evicted;
	uint64_t capacity;
};

/* What table_new() takes at most. */
size_t table_bytes(size_t capacity);

/* Room for at least `capacity` entries in shared memory. NULL with errno on failure. */
struct table *table_new(size_t capacity, enum table_use use);

/* Accepts NULL. */
void table_free(struct table *table);

/*
 * Before the first packet, and before others share the table: all of its memory is to be had at
 * once, see shm_prefault(), and a small part is not used.
 */
void table_prefault(struct table *table);

/*
 * Between packets, when nothing was prefaulted at the start: a table that outgrows its small part
 * is taken whole now, as by table_prefault(). Cheap when there is nothing to do.
 */
void table_settle(struct table *table);

/* Tells the CPU that keys of a home will be asked for soon: waiting for many is then one wait. */
void table_expect(struct table *table, uint64_t home);

/* The value of a key, 0 when it is absent. Counts as a use of the entry. */
uint64_t table_get(struct table *table, struct table_key key, uint64_t time_ns);

/*
 * Sets the value of key to `desired` if it is *expected now. Otherwise puts the present value into
 * *expected and returns false. So a read-modify-write is a loop, as with atomic_compare_exchange.
 */
bool table_exchange(struct table *table, struct table_key key, uint64_t time_ns, uint64_t *expected,
                    uint64_t desired);

/* Sets bits in the value of key; returns the value before. */
uint64_t table_set_bits(struct table *table, struct table_key key, uint64_t time_ns, uint64_t bits);

struct table_counters table_counters(const struct table *table);
