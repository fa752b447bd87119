/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/hash.h>
#include <passer/base/shm.h>
#include <passer/ledger/table.h>

#include <stdlib.h>

#define BUCKET_ENTRIES 8
#define LINE_ENTRIES   4 /* of one cache line */
#define VALUE_MASK     ((UINT64_C(1) << TABLE_VALUE_BITS) - 1)
#define AGE_BITS       (64 - TABLE_VALUE_BITS)
#define AGE_MASK       ((1u << AGE_BITS) - 1)
#define AGE_SHIFT_NS   38 /* 2^38 ns, about 4.6 minutes */
#define OWN_ROTATION   20 /* bits, which makes the choices independent */
#define NEAR_PART      64

__extension__ typedef unsigned __int128 entry_whole;

/* Read in halves, changed only as a whole. */
union entry {
	struct {
		uint64_t key;  /* 0: empty */
		uint64_t word; /* age in the upper bits, value in the lower */
	};
	entry_whole whole;
};

struct bucket {
	union entry entries[BUCKET_ENTRIES];
};

struct shared {
	uint64_t entries;
	uint64_t evicted;
	struct bucket buckets[] __attribute__((aligned(64)));
};

/* Of each process its own: one that was taken over cannot lead the others astray. */
struct table {
	uint64_t mask;
	size_t near_buckets; /* behind the others; a power of two, or 0: not used */
	struct shared *shared;
	size_t capacity;  /* asked for */
	bool is_far_used; /* more was asked for than the near part has */
	bool is_prefaulted;
};

static size_t buckets_for(size_t capacity)
{
	size_t buckets = 1;

	while (buckets * BUCKET_ENTRIES < capacity) {
		buckets *= 2;
	}
	return buckets;
}

static size_t bytes_of_buckets(size_t buckets)
{
	return sizeof(struct shared) + buckets * sizeof(struct bucket);
}

size_t table_bytes(size_t capacity)
{
	size_t buckets = buckets_for(capacity);

	return bytes_of_buckets(buckets + buckets / NEAR_PART);
}

struct table *table_new(size_t capacity, enum table_use use)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		return NULL;
	}
	t->shared = shm_new(table_bytes(capacity));
	if (t->shared == NULL) {
		free(t);
		return NULL;
	}
	t->mask = buckets_for(capacity) - 1;
	t->near_buckets = use == TABLE_KEEPS ? buckets_for(capacity) / NEAR_PART : 0;
	t->capacity = capacity;
	return t;
}

void table_free(struct table *table)
{
	if (table != NULL) {
		shm_free(table->shared, table_bytes(table->capacity));
		free(table);
	}
}

static uint64_t entry_count(const struct table *t)
{
	return __atomic_load_n(&t->shared->entries, __ATOMIC_RELAXED);
}

/* Where all pages are there from the start a small part is one more place to look at. */
void table_prefault(struct table *table)
{
	if (entry_count(table) == 0) {
		table->near_buckets = 0;
	}
	shm_prefault(table->shared, bytes_of_buckets(table->mask + 1 + table->near_buckets));
	table->is_prefaulted = true;
}

void table_settle(struct table *table)
{
	size_t few = table->near_buckets * BUCKET_ENTRIES;

	if (!table->is_prefaulted && entry_count(table) > few) {
		table_prefault(table);
	}
}

/* The upper half of a hash chooses: the lower one may serve a caller as well. */
static struct bucket *far_bucket(struct table *t, uint64_t hash)
{
	return &t->shared->buckets[(hash >> 24) & t->mask];
}

/* NULL when the table has none. */
static struct bucket *near_bucket(struct table *t, uint64_t home)
{
	if (t->near_buckets == 0) {
		return NULL;
	}
	return &t->shared->buckets[t->mask + 1 + ((home >> 24) & (t->near_buckets - 1))];
}

/* The buckets of a key, in the order in which they are filled; find() may ask FAR_HOME before. */
enum where {
	NEAR_HOME,
	NEAR_OWN, /* its home is full */
	FAR_HOME,
	FAR_OWN,
	FAR_LAST, /* one alone may be the full home of somebody */
	BUCKETS
};

/* NULL: there is none. Of a key that is its own home the first one of each part is all. */
static struct bucket *bucket_of(struct table *t, struct table_key key, enum where where)
{
	bool has_own = key.home != key.hash;

	switch (where) {
	case NEAR_HOME:
		return near_bucket(t, key.home);
	case NEAR_OWN:
		return has_own ? near_bucket(t, key.hash) : NULL;
	case FAR_HOME:
		t->is_far_used = true;
		return far_bucket(t, key.home);
	case FAR_OWN:
		return has_own ? far_bucket(t, hash_rotate(key.hash, OWN_ROTATION)) : NULL;
	case FAR_LAST:
		return has_own ? far_bucket(t, hash_rotate(key.hash, 2 * OWN_ROTATION)) : NULL;
	default:
		return NULL;
	}
}

/*
 * The i-th place of a key in a bucket. Keys begin at different places, so that at first each finds
 * its own at once; the first four are one cache line. All processes go the same way.
 */
static union entry *place_of(struct bucket *b, struct table_key key, unsigned i)
{
	return &b->entries[(key.hash % BUCKET_ENTRIES) ^ i];
}

static unsigned age_now(uint64_t time_ns)
{
	return (unsigned)(time_ns >> AGE_SHIFT_NS) & AGE_MASK;
}

static uint64_t word_of(unsigned age, uint64_t value)
{
	return (uint64_t)age << TABLE_VALUE_BITS | (value & VALUE_MASK);
}

static bool replace(union entry *e, union entry from, union entry to)
{
	return __sync_bool_compare_and_swap(&e->whole, from.whole, to.whole);
}

/* False when the entry was replaced meanwhile: the key is not the same before and after. */
static bool copy_entry(const union entry *e, union entry *out_copy)
{
	out_copy->key = __atomic_load_n(&e->key, __ATOMIC_ACQUIRE);
	out_copy->word = __atomic_load_n(&e->word, __ATOMIC_ACQUIRE);
	return __atomic_load_n(&e->key, __ATOMIC_ACQUIRE) == out_copy->key;
}

enum look { LOOK_FOUND, LOOK_ABSENT, LOOK_FULL };

/* An empty place ends the search: a new key takes the first one, and none is ever emptied. */
static enum look look_into(struct bucket *b, struct table_key key, union entry **out,
                           union entry *out_copy)
{
	for (unsigned i = 0; i < BUCKET_ENTRIES; i++) {
		union entry *e = place_of(b, key, i);
		uint64_t found = __atomic_load_n(&e->key, __ATOMIC_ACQUIRE);

		if (found == 0) {
			return LOOK_ABSENT;
		}
		if (found == key.hash && copy_entry(e, out_copy) && out_copy->key == found) {
			*out = e;
			return LOOK_FOUND;
		}
	}
	return LOOK_FULL;
}

/* Once there are more keys than the small part holds, most are at home in the large one. */
static bool is_mostly_far(const struct table *t)
{
	return t->is_prefaulted && t->near_buckets != 0;
}

/* Only a key for which one bucket is full can be in the next one. */
static union entry *find(struct table *t, struct table_key key, union entry *out_copy)
{
	union entry *e = NULL;
	enum look look = LOOK_FULL;

	if (is_mostly_far(t) &&
	    look_into(far_bucket(t, key.home), key, &e, out_copy) == LOOK_FOUND) {
		return e;
	}
	for (int where = NEAR_HOME; where < BUCKETS && look == LOOK_FULL; where++) {
		struct bucket *b = bucket_of(t, key, (enum where)where);

		look = b != NULL ? look_into(b, key, &e, out_copy) : LOOK_FULL;
	}
	return e;
}

/*
 * How long ago an entry was used. More than half the circle is a time ahead and negative: captures
 * may go back in time, and clocks of workers differ. All of them must find the same entry oldest,
 * so that one key is not inserted in two places.
 */
static int steps_since(union entry e, unsigned age)
{
	int steps = (int)((age - (unsigned)(e.word >> TABLE_VALUE_BITS)) & AGE_MASK);

	return steps <= (int)AGE_MASK / 2 ? steps : steps - (int)AGE_MASK - 1;
}

/*
 * Where a new key goes: an empty entry, or else the one used least recently. NULL when the bucket
 * changes under our eyes or has the key, because another process was faster. One look tells that
 * and the place, so of two processes that insert a key at the same time the slower one finds the
 * place taken.
 */
static union entry *find_victim(struct bucket *b, struct table_key key, unsigned age,
                                union entry *out_copy)
{
	union entry *oldest = NULL;
	int oldest_steps = 0;

	for (unsigned i = 0; i < BUCKET_ENTRIES; i++) {
		union entry *e = place_of(b, key, i);
		union entry copy;

		if (!copy_entry(e, &copy) || copy.key == key.hash) {
			return NULL;
		}
		if (copy.key == 0) {
			*out_copy = copy;
			return e;
		}
		int steps = steps_since(copy, age);

		if (oldest == NULL || steps > oldest_steps) {
			oldest = e;
			oldest_steps = steps;
			*out_copy = copy;
		}
	}
	return oldest;
}

static void refresh_age(union entry *e, union entry copy, unsigned age)
{
	union entry fresh = {{.key = copy.key, .word = word_of(age, copy.word)}};

	if (fresh.word != copy.word) {
		(void)replace(e, copy, fresh); /* somebody else's change is as good */
	}
}

/*
 * GCC takes a function that does nothing but prefetch for one without any effect, and leaves out
 * the calls of it. Of assembler it does not know that there is none.
 */
static void prefetch(const struct bucket *b)
{
	__builtin_prefetch(&b->entries[0]);
	__builtin_prefetch(&b->entries[LINE_ENTRIES]);
	__asm__ volatile("");
}

void table_expect(struct table *table, uint64_t home)
{
	if (table->near_buckets != 0) {
		prefetch(near_bucket(table, home));
	}
	if (table->is_far_used) {
		prefetch(far_bucket(table, home));
	}
}

uint64_t table_get(struct table *table, struct table_key key, uint64_t time_ns)
{
	union entry copy;
	union entry *e = find(table, key, &copy);

	if (e == NULL) {
		return 0;
	}
	refresh_age(e, copy, age_now(time_ns));
	return copy.word & VALUE_MASK;
}

/* As find_victim(): in the first bucket that has room; only in the last one it is a used entry. */
static union entry *find_room(struct table *t, struct table_key key, unsigned age,
                              union entry *out_copy)
{
	union entry *e = NULL;

	for (int where = NEAR_HOME; where < BUCKETS; where++) {
		struct bucket *b = bucket_of(t, key, (enum where)where);

		if (b == NULL) {
			continue;
		}
		e = find_victim(b, key, age, out_copy);
		if (e == NULL || out_copy->key == 0) {
			return e;
		}
	}
	return e;
}

static bool try_insert(struct table *t, struct table_key key, unsigned age, uint64_t value)
{
	union entry copy;
	union entry *e = find_room(t, key, age, &copy);
	union entry fresh = {{.key = key.hash, .word = word_of(age, value)}};

	if (e == NULL || !replace(e, copy, fresh)) {
		return false;
	}
	__atomic_fetch_add(copy.key == 0 ? &t->shared->entries : &t->shared->evicted, 1,
	                   __ATOMIC_RELAXED);
	return true;
}

bool table_exchange(struct table *table, struct table_key key, uint64_t time_ns, uint64_t *expected,
                    uint64_t desired)
{
	unsigned age = age_now(time_ns);

	/* Every failed turn means that another process succeeded, so this ends. */
	for (;;) {
		union entry copy;
		union entry *e = find(table, key, &copy);
		uint64_t value = e != NULL ? copy.word & VALUE_MASK : 0;

		if (value != *expected) {
			*expected = value;
			return false;
		}
		if (e == NULL) {
			if (try_insert(table, key, age, desired)) {
				return true;
			}
			continue;
		}
		union entry fresh = {{.key = key.hash, .word = word_of(age, desired)}};

		if (fresh.word == copy.word || replace(e, copy, fresh)) {
			return true;
		}
	}
}

uint64_t table_set_bits(struct table *table, struct table_key key, uint64_t time_ns, uint64_t bits)
{
	uint64_t value = table_get(table, key, time_ns);

	while ((value & bits) != bits &&
	       !table_exchange(table, key, time_ns, &value, value | bits)) {
	}
	return value;
}

struct table_counters table_counters(const struct table *table)
{
	return (struct table_counters){
		.entries = entry_count(table),
		.evicted = __atomic_load_n(&table->shared->evicted, __ATOMIC_RELAXED),
		.capacity = (table->mask + 1 + table->near_buckets) * BUCKET_ENTRIES,
	};
}
