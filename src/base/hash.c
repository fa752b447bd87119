/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/hash.h>
#include <passer/base/log.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct hash_key hash_key_random(void)
{
	struct hash_key key;

	if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key)) {
		log_error("hash: no random bytes from the kernel: %s", strerror(errno));
		exit(EXIT_FAILURE);
	}
	return key;
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
			hash_compress(h, h->tail);
			h->tail = 0;
		}
	}
	for (; len >= 8; len -= 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, sizeof(word));
		hash_compress(h, le64toh(word));
	}
	for (; len > 0; len--) {
		h->tail |= (uint64_t)*p++ << 8 * pending++;
	}
}

static uint32_t load_32(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return le32toh(value);
}

/* Fewer than eight bytes, the first one lowest: two halves that overlap, or one to three bytes. */
static uint64_t load_part(const uint8_t *p, size_t len)
{
	if (len >= 4) {
		return load_32(p) | (uint64_t)load_32(p + len - 4) << 8 * (len - 4);
	}
	if (len == 0) {
		return 0;
	}
	return p[0] | (uint64_t)p[len / 2] << 8 * (len / 2) | (uint64_t)p[len - 1] << 8 * (len - 1);
}

void hash_add_padded(struct hash *h, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (; len >= 8; len -= 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, sizeof(word));
		hash_add_u64(h, le64toh(word));
	}
	if (len > 0) {
		hash_add_u64(h, load_part(p, len));
	}
}
