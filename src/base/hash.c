/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/hash.h>
#include <passer/base/log.h>

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define COMPRESS_ROUNDS 1
#define FINAL_ROUNDS    3

struct hash_key hash_key_random(void)
{
	struct hash_key key;

	if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key)) {
		log_error("hash: no random bytes from the kernel: %s", strerror(errno));
		exit(EXIT_FAILURE);
	}
	return key;
}

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void rounds(uint64_t v[static 4], int n)
{
	for (int i = 0; i < n; i++) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static inline void compress(struct hash *h, uint64_t word)
{
	h->v[3] ^= word;
	rounds(h->v, COMPRESS_ROUNDS);
	h->v[0] ^= word;
}

void hash_init(struct hash *h, const struct hash_key *key)
{
	*h = (struct hash){.v = {
				   key->k0 ^ 0x736f6d6570736575u,
				   key->k1 ^ 0x646f72616e646f6du,
				   key->k0 ^ 0x6c7967656e657261u,
				   key->k1 ^ 0x7465646279746573u,
			   }};
}

void hash_add(struct hash *h, const void *data, size_t len)
{
	const uint8_t *p = data;
	unsigned pending = h->len_bytes % 8;

	h->len_bytes += len;
	while (pending != 0 && len > 0) {
		h->tail |= (uint64_t)*p++ << 8 * pending;
		len--;
		pending = (pending + 1) % 8;
		if (pending == 0) {
			compress(h, h->tail);
			h->tail = 0;
		}
	}
	for (; len >= 8; len -= 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, sizeof(word));
		compress(h, le64toh(word));
	}
	for (; len > 0; len--) {
		h->tail |= (uint64_t)*p++ << 8 * pending++;
	}
}

void hash_add_u64(struct hash *h, uint64_t value)
{
	if (h->len_bytes % 8 == 0) {
		h->len_bytes += sizeof(value);
		compress(h, value);
		return;
	}
	value = htole64(value);
	hash_add(h, &value, sizeof(value));
}

uint64_t hash_final(struct hash *h)
{
	compress(h, h->tail | h->len_bytes << 56);
	h->v[2] ^= 0xff;
	rounds(h->v, FINAL_ROUNDS);

	uint64_t value = h->v[0] ^ h->v[1] ^ h->v[2] ^ h->v[3];

	return value != 0 ? value : 1;
}
