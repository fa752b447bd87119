/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A hash table with open addressing. Its buckets hold numbers of entries, and an entry is filled
 * before the one compare-and-swap that puts its number into a bucket: a process that dies in the
 * middle, or that another one was faster than, leaves an entry that nobody finds, and no more.
 */
#include <passer/base/shm.h>
#include <passer/ledger/suspects.h>

#include <errno.h>
#include <stdlib.h>

#define WORD_BITS    4
#define WORD_MASK    ((UINT64_C(1) << WORD_BITS) - 1)
#define LIST_BITS    64
#define NUMBER_BITS  32
#define NUMBER_MASK  ((UINT64_C(1) << NUMBER_BITS) - 1)
#define BUCKET_RATIO 2 /* buckets for each entry at least: so there is always an empty one */

_Static_assert(WARN_COUNT <= 1 << WORD_BITS, "a word is one nibble");
_Static_assert(SUSPECT_WORDS_MAX *WORD_BITS <= LIST_BITS, "all words fit into one integer");

struct entry {
	struct addr addr;
	uint64_t words; /* in their order from the lowest nibble on; 0: found by earlier runs only
	                 */
};

struct shared {
	uint64_t taken; /* entries in use, those that nobody finds included */
	uint64_t refused;
	uint64_t buckets[]; /* tag of the address above NUMBER_BITS, entry + 1 below; 0: empty */
};

/* Of each process its own: one that was taken over cannot lead the others astray. */
struct suspects {
	struct hash_key key;
	size_t capacity, bucket_mask;
	struct shared *shared;
	struct entry *entries; /* behind the buckets */
};

static size_t buckets_for(size_t capacity)
{
	size_t buckets = 1;

	while (buckets < capacity * BUCKET_RATIO) {
		buckets *= 2;
	}
	return buckets;
}

static size_t head_bytes(size_t capacity)
{
	return sizeof(struct shared) + buckets_for(capacity) * sizeof(uint64_t);
}

size_t suspects_bytes(size_t capacity)
{
	return head_bytes(capacity) + capacity * sizeof(struct entry);
}

struct suspects *suspects_new(size_t capacity, const struct hash_key *key)
{
	struct suspects *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return NULL;
	}
	s->shared = shm_new(suspects_bytes(capacity));
	if (s->shared == NULL) {
		free(s);
		return NULL;
	}
	s->key = *key;
	s->capacity = capacity;
	s->bucket_mask = buckets_for(capacity) - 1;
	s->entries = (struct entry *)((char *)s->shared + head_bytes(capacity));
	return s;
}

void suspects_free(struct suspects *suspects)
{
	if (suspects != NULL) {
		shm_free(suspects->shared, suspects_bytes(suspects->capacity));
		free(suspects);
	}
}

static uint64_t hash_of(const struct suspects *s, const struct addr *addr)
{
	struct hash h;
	uint64_t words[2];

	hash_init(&h, &s->key);
	memcpy(words, addr->bytes, sizeof(words));
	hash_add_u64(&h, words[0]);
	hash_add_u64(&h, words[1]);
	hash_add_u64(&h, addr->family);
	return hash_final(&h);
}

static uint64_t tag_of(uint64_t hash)
{
	return hash & ~NUMBER_MASK;
}

/* A number that no process of ours wrote may be any; it finds some entry. */
static struct entry *entry_of(const struct suspects *s, uint64_t bucket)
{
	return &s->entries[((bucket & NUMBER_MASK) - 1) % s->capacity];
}

/* Where a search is, and how many steps are left to it: buckets that are all full have no end. */
struct search {
	size_t at, left;
};

static struct search search_from(const struct suspects *s, uint64_t hash)
{
	return (struct search){.at = hash & s->bucket_mask, .left = s->bucket_mask + 1};
}

/* NULL when the address is not there; then the search is at an empty bucket, or nothing is left. */
static struct entry *find(const struct suspects *s, const struct addr *addr, uint64_t hash,
                          struct search *search)
{
	for (; search->left > 0; search->left--) {
		uint64_t bucket =
			__atomic_load_n(&s->shared->buckets[search->at], __ATOMIC_ACQUIRE);

		if (bucket == 0) {
			return NULL;
		}
		if (tag_of(bucket) == tag_of(hash) &&
		    addr_equal(&entry_of(s, bucket)->addr, addr)) {
			return entry_of(s, bucket);
		}
		search->at = (search->at + 1) & s->bucket_mask;
	}
	return NULL;
}

/* The number of an entry of our own, counted from 1; 0 when all are taken. */
static uint64_t take_entry(struct suspects *s)
{
	uint64_t taken = __atomic_load_n(&s->shared->taken, __ATOMIC_RELAXED);

	do {
		if (taken >= s->capacity) {
			__atomic_fetch_add(&s->shared->refused, 1, __ATOMIC_RELAXED);
			return 0;
		}
	} while (!__atomic_compare_exchange_n(&s->shared->taken, &taken, taken + 1, true,
	                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return taken + 1;
}

/* The entry of an address that was not found by the search. NULL: no room. */
static struct entry *insert(struct suspects *s, const struct addr *addr, uint64_t hash,
                            struct search search)
{
	uint64_t number = search.left > 0 ? take_entry(s) : 0;
	uint64_t bucket = tag_of(hash) | number;
	struct entry *found = NULL;

	if (number == 0) {
		return NULL;
	}
	entry_of(s, bucket)->addr = *addr;
	while (found == NULL && search.left > 0) {
		uint64_t empty = 0;

		if (__atomic_compare_exchange_n(&s->shared->buckets[search.at], &empty, bucket,
		                                false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
			return entry_of(s, bucket);
		}
		/* Whoever was faster may have brought the same. */
		found = find(s, addr, hash, &search);
	}
	return found;
}

static struct entry *find_or_insert(struct suspects *s, const struct addr *addr)
{
	uint64_t hash = hash_of(s, addr);
	struct search search = search_from(s, hash);
	struct entry *e = find(s, addr, hash, &search);

	return e != NULL ? e : insert(s, addr, hash, search);
}

/* The list with a word behind its last one, unless it is there. */
static uint64_t with_word(uint64_t list, uint64_t word)
{
	unsigned shift = 0;

	for (; shift < LIST_BITS && (list >> shift & WORD_MASK) != 0; shift += WORD_BITS) {
		if ((list >> shift & WORD_MASK) == word) {
			return list;
		}
	}
	return shift < LIST_BITS ? list | word << shift : list;
}

static uint64_t with_words(uint64_t list, const struct warnings *warnings)
{
	for (int i = 0; i < WARNINGS_MAX && warnings->words[i] != WARN_NONE; i++) {
		list = with_word(list, warnings->words[i]);
	}
	return list;
}

void suspects_note(struct suspects *suspects, const struct addr *addr,
                   const struct warnings *warnings)
{
	struct entry *e;
	uint64_t old, new;

	if (warnings->words[0] == WARN_NONE ||
	    memchr(warnings->words, WARN_SPOOFED, sizeof(warnings->words)) != NULL) {
		return;
	}
	e = find_or_insert(suspects, addr);
	if (e == NULL) {
		return;
	}
	old = __atomic_load_n(&e->words, __ATOMIC_RELAXED);
	do { /* released: whoever sees a word sees the address */
		new = with_words(old, warnings);
	} while (new != old && !__atomic_compare_exchange_n(&e->words, &old, new, true,
	                                                    __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

void suspects_add_earlier(struct suspects *suspects, const struct addr *addr)
{
	(void)find_or_insert(suspects, addr);
}

bool suspects_has(const struct suspects *suspects, const struct addr *addr)
{
	if (addr->family == ADDR_NONE ||
	    __atomic_load_n(&suspects->shared->taken, __ATOMIC_RELAXED) == 0) {
		return false;
	}
	uint64_t hash = hash_of(suspects, addr);
	struct search search = search_from(suspects, hash);

	return find(suspects, addr, hash, &search) != NULL;
}

/* False for a host that only earlier runs found, and for an entry that nobody finds. */
static bool fill(struct suspect *suspect, const struct entry *e)
{
	uint64_t words = __atomic_load_n(&e->words, __ATOMIC_ACQUIRE);

	*suspect = (struct suspect){.addr = e->addr};
	addr_format(&e->addr, suspect->text);
	for (; words != 0 && suspect->word_count < SUSPECT_WORDS_MAX; words >>= WORD_BITS) {
		uint8_t word = (uint8_t)(words & WORD_MASK);

		if (word < WARN_COUNT) {
			suspect->words[suspect->word_count++] = word;
		}
	}
	return suspect->word_count > 0;
}

static int compare(const void *a, const void *b)
{
	const struct suspect *x = a, *y = b;

	return strcmp(x->text, y->text);
}

int suspects_list(const struct suspects *suspects, struct suspect **out_list, size_t *out_count)
{
	/* Others may go on adding: what comes after this look is left out. */
	uint64_t taken = __atomic_load_n(&suspects->shared->taken, __ATOMIC_RELAXED);
	size_t max = taken < suspects->capacity ? taken : suspects->capacity;
	struct suspect *list = calloc(max + 1, sizeof(*list));
	size_t count = 0;

	if (list == NULL) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < max; i++) {
		count += fill(&list[count], &suspects->entries[i]);
	}
	qsort(list, count, sizeof(*list), compare);
	*out_list = list;
	*out_count = count;
	return 0;
}

struct suspects_counters suspects_counters(const struct suspects *suspects)
{
	return (struct suspects_counters){
		.taken = __atomic_load_n(&suspects->shared->taken, __ATOMIC_RELAXED),
		.capacity = suspects->capacity,
		.refused = __atomic_load_n(&suspects->shared->refused, __ATOMIC_RELAXED),
	};
}
