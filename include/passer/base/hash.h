/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keyed hash of values that come from the network. The key is random per run, so nobody outside can
 * choose values that fall into one bucket. SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast
 * short-input PRF", 2012).
 */
#pragma once

#include <passer/base/span.h>

struct hash_key {
	uint64_t k0, k1;
};

/* An unfinished hash. Parts are not delimited: hash a length or a separator where it matters. */
struct hash {
	uint64_t v[4];
	uint64_t tail;      /* bytes that do not fill a word yet */
	uint64_t len_bytes; /* all bytes so far */
};

/* A fresh key from the kernel's random source; exits the process when there is none. */
struct hash_key hash_key_random(void);

void hash_init(struct hash *h, const struct hash_key *key);
void hash_add(struct hash *h, const void *data, size_t len);
/* A 64-bit value; cheaper than eight bytes through hash_add when nothing is pending. */
void hash_add_u64(struct hash *h, uint64_t value);
/* Never 0, so that 0 can mean "empty" in a table. */
uint64_t hash_final(struct hash *h);
