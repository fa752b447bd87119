/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "payloads.h"

#include <passer/base/hash.h>
#include <passer/capture/pcapfile.h>
#include <passer/decode/pkt.h>

#include <stdio.h>
#include <stdlib.h>

#define TUNNELS_MAX 4

static void *checked(void *memory)
{
	if (memory == NULL) {
		fputs("out of memory\n", stderr);
		exit(EXIT_FAILURE);
	}
	return memory;
}

static uint64_t hash_of(const struct payload *p)
{
	static const struct hash_key key = {1, 2};
	struct hash h;

	hash_init(&h, &key);
	hash_add_u64(&h, (uint64_t)p->transport << 16 | p->port);
	hash_add(&h, p->bytes.data, p->bytes.len);
	return hash_final(&h);
}

/* The place of a hash in an open table: its own, or the empty one that it would take. */
static uint64_t *place_of(uint64_t *seen, size_t cap, uint64_t hash)
{
	size_t at = hash % cap;

	while (seen[at] != 0 && seen[at] != hash) {
		at = (at + 1) % cap;
	}
	return &seen[at];
}

static void grow(struct payloads *payloads)
{
	size_t cap = payloads->cap == 0 ? 1024 : 2 * payloads->cap;
	uint64_t *seen = checked(calloc(2 * cap, sizeof(seen[0])));

	for (size_t i = 0; i < payloads->seen_cap; i++) {
		if (payloads->seen[i] != 0) {
			*place_of(seen, 2 * cap, payloads->seen[i]) = payloads->seen[i];
		}
	}
	free(payloads->seen);
	payloads->seen = seen;
	payloads->seen_cap = 2 * cap;
	payloads->list = checked(realloc(payloads->list, cap * sizeof(payloads->list[0])));
	payloads->cap = cap;
}

void payloads_add(struct payloads *payloads, const struct payload *payload)
{
	struct payload p = *payload;
	uint64_t *place;
	uint8_t *copy;

	p.bytes.len = p.bytes.len < PAYLOAD_BYTES_MAX ? p.bytes.len : PAYLOAD_BYTES_MAX;
	if (payloads->count == payloads->cap) {
		grow(payloads);
	}
	place = place_of(payloads->seen, payloads->seen_cap, hash_of(&p));
	if (*place != 0) {
		return;
	}
	*place = hash_of(&p);
	/* A block of exactly its size: a sanitizer sees who reads beyond. */
	copy = checked(malloc(p.bytes.len));
	memcpy(copy, p.bytes.data, p.bytes.len);
	p.bytes.data = copy;
	payloads->list[payloads->count++] = p;
}

static void add_frame(void *user, const struct frame *frame)
{
	struct decode_counters counters = {0};
	struct pkt pkts[2];
	unsigned depth = 0;

	pkt_decode(&pkts[0], frame, &counters);
	do {
		const struct pkt *pkt = &pkts[depth % 2];

		if ((pkt->layer == LAYER_TCP || pkt->layer == LAYER_UDP) && pkt->payload.len > 0) {
			payloads_add(user, &(struct payload){pkt->layer == LAYER_TCP ? PROBE_TCP
			                                                             : PROBE_UDP,
			                                     pkt->sport, pkt->payload});
		}
		depth++;
	} while (depth < TUNNELS_MAX &&
	         pkt_decode_inner(&pkts[depth % 2], &pkts[(depth - 1) % 2], &counters));
}

void payloads_add_file(struct payloads *payloads, const char *path)
{
	struct source *source;
	struct err err;
	int state = pcapfile_open(path, &source, &err);

	if (state < 0) {
		return;
	}
	do {
		state = source_read(source, add_frame, payloads, &err);
	} while (state == SOURCE_MORE);
	source_close(source);
}

void payloads_fini(struct payloads *payloads)
{
	for (size_t i = 0; i < payloads->count; i++) {
		free((uint8_t *)(uintptr_t)payloads->list[i].bytes.data);
	}
	free(payloads->list);
	free(payloads->seen);
}

uint32_t payloads_random(uint64_t *state)
{
	/* Marsaglia, "Xorshift RNGs", 2003. */
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32);
}
