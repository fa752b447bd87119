/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Suspicious hosts: addresses that a record with warnings was about, each with the words of this
 * run in the order in which they came; and addresses that earlier runs found, which have no words
 * until this run finds some. In memory that all workers share, without locks, of fixed size: what
 * found no room is counted. Nothing is ever taken out.
 */
#pragma once

#include <passer/base/addr.h>
#include <passer/base/hash.h>
#include <passer/base/warning.h>

/* All words but `spoofed`, which makes nobody suspicious. */
#define SUSPECT_WORDS_MAX (WARN_COUNT - 2)

struct suspects;

/* A host that this run found. */
struct suspect {
	char text[ADDR_TEXT_SIZE];
	struct addr addr;
	uint8_t words[SUSPECT_WORDS_MAX]; /* enum warning */
	unsigned word_count;
};

struct suspects_counters {
	uint64_t taken; /* entries in use, of this run and earlier ones */
	uint64_t capacity;
	uint64_t refused; /* notes of hosts for which there was no room */
};

/* What suspects_new() takes at most. */
size_t suspects_bytes(size_t capacity);

/* NULL with errno on failure. */
struct suspects *suspects_new(size_t capacity, const struct hash_key *key);
/* Accepts NULL. */
void suspects_free(struct suspects *suspects);

/*
 * Adds the words of a record about addr. With `spoofed` among them nothing happens: the address is
 * then somebody else's. Cheap when nothing is new.
 */
void suspects_note(struct suspects *suspects, const struct addr *addr,
                   const struct warnings *warnings);

/* Adds a host that an earlier run found. */
void suspects_add_earlier(struct suspects *suspects, const struct addr *addr);

/* Is it suspicious, from this run or an earlier one? */
bool suspects_has(const struct suspects *suspects, const struct addr *addr);

/*
 * The hosts that this run found, in ascending order of their text, in memory that the caller frees.
 * 0 or -ENOMEM.
 */
int suspects_list(const struct suspects *suspects, struct suspect **out_list, size_t *out_count);

struct suspects_counters suspects_counters(const struct suspects *suspects);
