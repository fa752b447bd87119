/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one shared table: keys with a small value each, in memory of fixed size that several
 * processes change at once without a lock.
 *
 * A key is a 64-bit keyed hash and is never 0. A value has TABLE_VALUE_BITS; an absent key has the
 * value 0, so storing 0 and not storing are the same thing to the caller. A key lives in one bucket
 * of eight entries (two cache lines, the second of which is read only when the first one has
 * neither the key nor room); when its bucket is full the entry that was used least recently makes
 * room and the eviction is counted. "Recently" is packet time in steps of about 4.6 minutes.
 *
 * Where keys stay, the first ones go to a part that is small (a sixty-fourth) and so lies in few
 * pages and in the CPU's caches; when their bucket there is full they go to the large one. Nothing
 * is ever evicted from the small part.
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

/* Before the first packet: all of its memory is to be had at once; see shm_prefault(). */
void table_prefault(struct table *table);

/* Tells the CPU that a key will be asked for soon, so that waiting for several keys is one wait. */
void table_prefetch(struct table *table, uint64_t key);

/* The value of a key, 0 when it is absent. Counts as a use of the entry. */
uint64_t table_get(struct table *table, uint64_t key, uint64_t time_ns);

/*
 * Sets the value of key to `desired` if it is *expected now. Otherwise puts the present value into
 * *expected and returns false. So a read-modify-write is a loop, as with atomic_compare_exchange.
 */
bool table_exchange(struct table *table, uint64_t key, uint64_t time_ns, uint64_t *expected,
                    uint64_t desired);

/* Sets bits in the value of key; returns the value before. */
uint64_t table_set_bits(struct table *table, uint64_t key, uint64_t time_ns, uint64_t bits);

struct table_counters table_counters(const struct table *table);
