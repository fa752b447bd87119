/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/shm.h>
#include <passer/ledger/names.h>

#include <stdlib.h>

#define BUCKET_NAMES   4
#define MENDED_AT_ONCE 64
#define PATIENCE       10000 /* turns, some tens of microseconds: many times what a writer needs */

struct name {
	uint64_t key; /* 0: empty */
	uint64_t used_ns;
	uint32_t count; /* addresses ever added; the newest NAME_ADDRS_MAX are kept */
	struct addr addrs[NAME_ADDRS_MAX];
};

struct bucket {
	uint32_t sequence; /* odd while a writer is in */
	struct name names[BUCKET_NAMES];
};

/* A bucket that had a writer when it was looked at last. */
struct suspect {
	uint64_t bucket;
	uint32_t sequence;
};

struct shared {
	uint64_t entries, evicted, displaced, refused;
	struct bucket buckets[];
};

/* Of each process its own: one that was taken over cannot lead the others astray. */
struct names {
	uint64_t mask;
	struct shared *shared;
	size_t capacity;                         /* asked for */
	struct suspect suspects[MENDED_AT_ONCE]; /* of names_mend() alone */
	unsigned suspect_count;
};

static size_t buckets_for(size_t capacity)
{
	size_t buckets = 1;

	while (buckets * BUCKET_NAMES < capacity) {
		buckets *= 2;
	}
	return buckets;
}

size_t names_bytes(size_t capacity)
{
	return sizeof(struct shared) + buckets_for(capacity) * sizeof(struct bucket);
}

struct names *names_new(size_t capacity)
{
	struct names *n = calloc(1, sizeof(*n));

	if (n == NULL) {
		return NULL;
	}
	n->shared = shm_new(names_bytes(capacity));
	if (n->shared == NULL) {
		free(n);
		return NULL;
	}
	n->mask = buckets_for(capacity) - 1;
	n->capacity = capacity;
	return n;
}

void names_free(struct names *names)
{
	if (names != NULL) {
		shm_free(names->shared, names_bytes(names->capacity));
		free(names);
	}
}

static struct bucket *bucket_of(struct names *n, uint64_t key)
{
	return &n->shared->buckets[(key >> 24) & n->mask];
}

static bool write_begin(struct bucket *b)
{
	for (int i = 0; i < PATIENCE; i++) {
		uint32_t sequence = __atomic_load_n(&b->sequence, __ATOMIC_RELAXED);

		if (sequence % 2 == 0 &&
		    __atomic_compare_exchange_n(&b->sequence, &sequence, sequence + 1, false,
		                                __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			__atomic_thread_fence(__ATOMIC_RELEASE);
			return true;
		}
	}
	return false;
}

static void write_end(struct bucket *b)
{
	__atomic_fetch_add(&b->sequence, 1, __ATOMIC_RELEASE);
}

/* The name, or the entry that it may take: an empty one, else the one used least recently. */
static struct name *find_or_victim(struct bucket *b, uint64_t key)
{
	struct name *victim = &b->names[0];

	for (int i = 0; i < BUCKET_NAMES; i++) {
		struct name *n = &b->names[i];

		if (n->key == key) {
			return n;
		}
		if (victim->key != 0 && (n->key == 0 || n->used_ns < victim->used_ns)) {
			victim = n;
		}
	}
	return victim;
}

static unsigned held(const struct name *n)
{
	/* One load: a reader may meet a writer, and what it copies must have room. */
	uint32_t count = __atomic_load_n(&n->count, __ATOMIC_RELAXED);

	return count < NAME_ADDRS_MAX ? count : NAME_ADDRS_MAX;
}

static bool has_addr(const struct name *n, const struct addr *addr)
{
	for (unsigned i = 0; i < held(n); i++) {
		if (addr_equal(&n->addrs[i], addr)) {
			return true;
		}
	}
	return false;
}

static void count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

void names_add(struct names *names, uint64_t name, const struct addr *addr, uint64_t time_ns)
{
	struct bucket *b = bucket_of(names, name);

	if (!write_begin(b)) {
		count(&names->shared->refused);
		return;
	}
	struct name *n = find_or_victim(b, name);

	if (n->key != name) {
		count(n->key != 0 ? &names->shared->evicted : &names->shared->entries);
		*n = (struct name){.key = name};
	}
	n->used_ns = time_ns;
	if (!has_addr(n, addr)) {
		if (n->count >= NAME_ADDRS_MAX) {
			count(&names->shared->displaced);
		}
		n->addrs[n->count++ % NAME_ADDRS_MAX] = *addr;
	}
	write_end(b);
}

static unsigned copy_addrs(const struct bucket *b, uint64_t key,
                           struct addr out_addrs[NAME_ADDRS_MAX])
{
	for (int i = 0; i < BUCKET_NAMES; i++) {
		const struct name *n = &b->names[i];

		if (n->key == key) {
			unsigned count = held(n);

			memcpy(out_addrs, n->addrs, count * sizeof(out_addrs[0]));
			return count;
		}
	}
	return 0;
}

unsigned names_find(struct names *names, uint64_t name, struct addr out_addrs[NAME_ADDRS_MAX])
{
	struct bucket *b = bucket_of(names, name);

	for (int i = 0; i < PATIENCE; i++) {
		uint32_t before = __atomic_load_n(&b->sequence, __ATOMIC_ACQUIRE);

		if (before % 2 != 0) {
			continue;
		}
		unsigned count = copy_addrs(b, name, out_addrs);

		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&b->sequence, __ATOMIC_RELAXED) == before) {
			return count;
		}
	}
	return 0;
}

static bool was_suspect(const struct names *n, uint64_t bucket, uint32_t sequence)
{
	for (unsigned i = 0; i < n->suspect_count; i++) {
		if (n->suspects[i].bucket == bucket && n->suspects[i].sequence == sequence) {
			return true;
		}
	}
	return false;
}

/* What a writer left torn. */
static void empty(struct names *names, struct bucket *b)
{
	for (int i = 0; i < BUCKET_NAMES; i++) {
		__atomic_fetch_sub(&names->shared->entries, b->names[i].key != 0, __ATOMIC_RELAXED);
	}
	memset(b->names, 0, sizeof(b->names));
}

bool names_mend(struct names *names)
{
	struct suspect found[MENDED_AT_ONCE];
	unsigned count = 0;

	for (uint64_t i = 0; i <= names->mask && count < MENDED_AT_ONCE; i++) {
		struct bucket *b = &names->shared->buckets[i];
		uint32_t sequence = __atomic_load_n(&b->sequence, __ATOMIC_ACQUIRE);

		if (sequence % 2 != 0 && was_suspect(names, i, sequence)) {
			empty(names, b);
			write_end(b);
		} else if (sequence % 2 != 0) {
			found[count++] = (struct suspect){i, sequence};
		}
	}
	memcpy(names->suspects, found, count * sizeof(found[0]));
	names->suspect_count = count;
	return count > 0;
}

struct names_counters names_counters(const struct names *names)
{
	return (struct names_counters){
		.entries = __atomic_load_n(&names->shared->entries, __ATOMIC_RELAXED),
		.capacity = (names->mask + 1) * BUCKET_NAMES,
		.evicted = __atomic_load_n(&names->shared->evicted, __ATOMIC_RELAXED),
		.displaced = __atomic_load_n(&names->shared->displaced, __ATOMIC_RELAXED),
		.refused = __atomic_load_n(&names->shared->refused, __ATOMIC_RELAXED),
	};
}
