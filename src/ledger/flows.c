/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/ledger/flows.h>

#include <stdlib.h>

/* The value of a flow: for each of its two directions a group of bits. */
#define DIRECTION_BITS 8
#define SEGMENTS_MASK  ((uint64_t)FLOW_SEGMENTS_MAX)
#define SYN_SENT       (UINT64_C(1) << 4)
#define ACCEPTED       (UINT64_C(1) << 5)

struct flows {
	struct table *table;
	struct hash_key key;
};

/* One value for both directions; `shift` is where the bits of the sender begin. */
struct flow_ref {
	uint64_t key;
	unsigned shift, other_shift;
};

struct flows *flows_new(size_t capacity, const struct hash_key *key)
{
	struct flows *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		return NULL;
	}
	f->key = *key;
	f->table = table_new(capacity);
	if (f->table == NULL) {
		free(f);
		return NULL;
	}
	return f;
}

void flows_free(struct flows *flows)
{
	if (flows != NULL) {
		table_free(flows->table);
		free(flows);
	}
}

static int compare(const struct endpoint *a, const struct endpoint *b)
{
	int order = memcmp(a->addr.bytes, b->addr.bytes, sizeof(a->addr.bytes));

	return order != 0 ? order : (int)a->port - (int)b->port;
}

static struct flow_ref ref_of(const struct flows *f, const struct endpoint *src,
                              const struct endpoint *dst)
{
	bool is_low = compare(src, dst) <= 0;

	return (struct flow_ref){
		.key = ledger_key(&f->key, 0, is_low ? src : dst, is_low ? dst : src),
		.shift = is_low ? 0 : DIRECTION_BITS,
		.other_shift = is_low ? DIRECTION_BITS : 0,
	};
}

/* One process writes here, so an exchange fails only when it was told an old value. */
static void store(struct flows *f, const struct flow_ref *ref, uint64_t time_ns, uint64_t old,
                  uint64_t new)
{
	while (old != new && !table_exchange(f->table, ref->key, time_ns, &old, new)) {
	}
}

void flow_open(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
               uint64_t time_ns)
{
	struct flow_ref ref = ref_of(flows, src, dst);

	store(flows, &ref, time_ns, table_get(flows->table, ref.key, time_ns),
	      SYN_SENT << ref.shift);
}

void flow_accept(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
                 uint64_t time_ns)
{
	struct flow_ref ref = ref_of(flows, src, dst);

	table_set_bits(flows->table, ref.key, time_ns, ACCEPTED << ref.shift);
}

unsigned flow_segment(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
                      uint64_t time_ns)
{
	struct flow_ref ref = ref_of(flows, src, dst);
	uint64_t value = table_get(flows->table, ref.key, time_ns);
	unsigned seen = (unsigned)(value >> ref.shift & SEGMENTS_MASK);

	if (seen < FLOW_SEGMENTS_MAX) {
		store(flows, &ref, time_ns, value, value + (UINT64_C(1) << ref.shift));
		seen++;
	}
	return seen;
}

bool flow_is_unanswered(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
                        uint64_t time_ns)
{
	struct flow_ref ref = ref_of(flows, src, dst);
	uint64_t value = table_get(flows->table, ref.key, time_ns);

	return (value >> ref.other_shift & SYN_SENT) != 0 &&
	       (value >> ref.shift & (ACCEPTED | SEGMENTS_MASK)) == 0;
}
