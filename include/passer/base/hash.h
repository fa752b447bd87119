/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keyed hash of values that come from the network. The key is random per run, so nobody outside can
 * choose values that fall into one bucket. SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast
 * short-input PRF", 2012).
 *
 * Several keys are made for each packet, so what they need is here: of a sequence of whole words
 * and a part, the compiler makes straight code in registers.
 */
#pragma once

#include <passer/base/span.h>

#include <endian.h>

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

void hash_add(struct hash *h, const void *data, size_t len);

/*
 * Cheaper than hash_add(): the bytes, and zeros behind them up to a whole word. A length must be
 * hashed, too, and nothing may be pending.
 */
void hash_add_padded(struct hash *h, const void *data, size_t len);

static inline uint64_t hash_rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void hash_round(uint64_t v[static 4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = hash_rotate(v[1], 13) ^ v[0];
	v[3] = hash_rotate(v[3], 16) ^ v[2];
	v[0] = hash_rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = hash_rotate(v[1], 17) ^ v[2];
	v[3] = hash_rotate(v[3], 21) ^ v[0];
	v[2] = hash_rotate(v[2], 32);
}

static inline void hash_compress(struct hash *h, uint64_t word)
{
	h->v[3] ^= word;
	hash_round(h->v);
	h->v[0] ^= word;
}

static inline void hash_init(struct hash *h, const struct hash_key *key)
{
	*h = (struct hash){.v = {
				   key->k0 ^ 0x736f6d6570736575u,
				   key->k1 ^ 0x646f72616e646f6du,
				   key->k0 ^ 0x6c7967656e657261u,
				   key->k1 ^ 0x7465646279746573u,
			   }};
}

/* A 64-bit value, its lowest byte first; cheap when nothing is pending. */
static inline void hash_add_u64(struct hash *h, uint64_t value)
{
	if (h->len_bytes % 8 == 0) {
		h->len_bytes += sizeof(value);
		hash_compress(h, value);
		return;
	}
	value = htole64(value);
	hash_add(h, &value, sizeof(value));
}

/* Fewer than eight bytes, the last ones, in the low end of a value, where nothing is pending. */
static inline void hash_add_part(struct hash *h, uint64_t value, unsigned bytes)
{
	h->len_bytes += bytes;
	h->tail = value;
}

/* Never 0, so that 0 can mean "empty" in a table. */
static inline uint64_t hash_final(struct hash *h)
{
	hash_compress(h, h->tail | h->len_bytes << 56);
	h->v[2] ^= 0xff;
	hash_round(h->v);
	hash_round(h->v);
	hash_round(h->v);

	uint64_t value = h->v[0] ^ h->v[1] ^ h->v[2] ^ h->v[3];

	return value != 0 ? value : 1;
}
