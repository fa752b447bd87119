/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The addresses of a DNS name, learnt from answers, so that an alias (CNAME) seen later can be
 * reported for each of them.
 *
 * A name has a fixed number of slots; a further address replaces the oldest. Names live in small
 * buckets under a sequence lock. A reader that meets a writer for too long gives up, and so does a
 * writer: a worker that died in between costs the names of one bucket, never the sensor.
 */
#pragma once

#include <passer/base/addr.h>
#include <passer/base/hash.h>

#define NAME_ADDRS_MAX 24

struct names;

/* What names_new() takes at most. */
size_t names_bytes(size_t capacity);

/* Room for at least `capacity` names in shared memory. NULL with errno on failure. */
struct names *names_new(size_t capacity);
/* Accepts NULL. */
void names_free(struct names *names);

/* Remembers that `name` (its hash) has `addr`. */
void names_add(struct names *names, uint64_t name, const struct addr *addr, uint64_t time_ns);

/* Copies the addresses of a name; returns how many. */
unsigned names_find(struct names *names, uint64_t name, struct addr out_addrs[NAME_ADDRS_MAX]);

/*
 * Behind the death of a process that may have been writing, once a second as long as it returns
 * true: a bucket in which the same writer was a second before is emptied, and is of use again.
 */
bool names_mend(struct names *names);

struct names_counters {
	uint64_t entries, capacity;
	uint64_t evicted;   /* names that made room for others */
	uint64_t displaced; /* addresses that made room for newer ones of their name */
	uint64_t refused; /* addresses that were not noted, since another writer stood in the way */
};

struct names_counters names_counters(const struct names *names);
