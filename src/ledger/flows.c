/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/clock.h>
#include <passer/bpf_abi.h>
#include <passer/ledger/flows.h>

#include <stdlib.h>

/* The value of a TCP connection: for each of its two directions a group of bits. */
#define DIRECTION_BITS 8
#define USED_MASK      ((uint64_t)BUDGET_USED_MAX)
#define SYN_SENT       (UINT64_C(1) << 4)
#define BEGUN          (UINT64_C(1) << 5) /* its SYN or SYN/ACK was seen: the units count */
#define ANSWERED       (UINT64_C(1) << 6) /* SYN/ACK or data since the SYN of the other one */
#define MSS_SHIFT      16                 /* behind both: what the SYN offered */
#define MSS_MASK       ((uint64_t)UINT16_MAX << MSS_SHIFT)

/* The value of one direction without a beginning: units used, and the second of its first unit. */
#define SECOND_SHIFT 8

/* What keeps the two apart in the table. */
enum flow_kind { FLOW_CONNECTION, FLOW_WINDOW };

_Static_assert((BUDGET_USED_MAX & (BUDGET_USED_MAX + 1)) == 0, "the units are a group of bits");

struct flows {
	struct table *table;
	struct hash_key key;
};

/* One value for both directions; `shift` is where the bits of the sender begin. */
struct flow_ref {
	struct table_key key;
	unsigned shift, other_shift;
};

struct flows *flows_new(size_t capacity, const struct hash_key *key)
{
	struct flows *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		return NULL;
	}
	f->key = *key;
	f->table = table_new(capacity, TABLE_CHURNS);
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

struct table_counters flows_counters(const struct flows *flows)
{
	return table_counters(flows->table);
}

void flows_prefault(struct flows *flows)
{
	table_prefault(flows->table);
}

/* Any order of endpoints will do. */
static bool is_low(const struct endpoint *a, const struct endpoint *b)
{
	uint64_t x[2], y[2];

	memcpy(x, a->addr.bytes, sizeof(x));
	memcpy(y, b->addr.bytes, sizeof(y));
	if (x[0] != y[0]) {
		return x[0] < y[0];
	}
	return x[1] != y[1] ? x[1] < y[1] : a->port <= b->port;
}

/* A flow is one key, and hosts may have many: no home. */
static struct table_key key_of(const struct flows *f, enum flow_kind kind, const struct endpoint *a,
                               const struct endpoint *b)
{
	const uint64_t hash = ledger_hash(&f->key, kind, a, b);

	return (struct table_key){.hash = hash, .home = hash};
}

static struct flow_ref ref_of(const struct flows *f, const struct endpoint *src,
                              const struct endpoint *dst)
{
	bool is_src_low = is_low(src, dst);

	return (struct flow_ref){
		.key = key_of(f, FLOW_CONNECTION, is_src_low ? src : dst, is_src_low ? dst : src),
		.shift = is_src_low ? 0 : DIRECTION_BITS,
		.other_shift = is_src_low ? DIRECTION_BITS : 0,
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
	uint64_t value = table_get(flows->table, ref.key, time_ns);
	/* As in the kernel, which knows no connections: a SYN may be late, or come twice. */
	uint64_t kept = value & (MSS_MASK | (USED_MASK | BEGUN) << ref.other_shift);

	store(flows, &ref, time_ns, value, kept | (SYN_SENT | BEGUN) << ref.shift);
}

void flow_set_mss(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
                  uint16_t mss, uint64_t time_ns)
{
	struct flow_ref ref = ref_of(flows, src, dst);
	uint64_t value = table_get(flows->table, ref.key, time_ns);

	store(flows, &ref, time_ns, value, (value & ~MSS_MASK) | (uint64_t)mss << MSS_SHIFT);
}

uint16_t flow_mss(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
                  uint64_t time_ns)
{
	struct flow_ref ref = ref_of(flows, src, dst);

	return (uint16_t)(table_get(flows->table, ref.key, time_ns) >> MSS_SHIFT);
}

void flow_accept(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
                 uint64_t time_ns)
{
	struct flow_ref ref = ref_of(flows, src, dst);
	uint64_t value = table_get(flows->table, ref.key, time_ns);
	uint64_t begun = (value & ~(USED_MASK << ref.shift)) | (BEGUN | ANSWERED) << ref.shift;

	store(flows, &ref, time_ns, value, begun);
}

unsigned flow_spend(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
                    uint32_t payload_bytes, uint64_t time_ns)
{
	struct flow_ref ref = ref_of(flows, src, dst);
	uint64_t value = table_get(flows->table, ref.key, time_ns);
	uint64_t direction = value >> ref.shift;
	unsigned used =
		(direction & BEGUN) != 0 ? (unsigned)(direction & USED_MASK) : BUDGET_USED_MAX;
	uint64_t spent = (uint64_t)budget_add(used, payload_bytes) | ANSWERED;

	store(flows, &ref, time_ns, value,
	      (value & ~(USED_MASK << ref.shift)) | spent << ref.shift);
	return used;
}

unsigned flow_spend_window(struct flows *flows, const struct endpoint *src,
                           const struct endpoint *dst, uint32_t payload_bytes, uint64_t time_ns)
{
	const struct flow_ref ref = {.key = key_of(flows, FLOW_WINDOW, src, dst)};
	uint64_t value = table_get(flows->table, ref.key, time_ns);
	uint64_t now = time_ns / NS_PER_S & UINT32_MAX;
	uint64_t first = value >> SECOND_SHIFT;
	unsigned used = (unsigned)(value & USED_MASK);

	if (value == 0 || now < first || now - first >= BUDGET_WINDOW_S) {
		used = 0;
		first = now;
	}
	store(flows, &ref, time_ns, value, first << SECOND_SHIFT | budget_add(used, payload_bytes));
	return used;
}

bool flow_has_begun(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
                    uint64_t time_ns)
{
	struct flow_ref ref = ref_of(flows, src, dst);

	return (table_get(flows->table, ref.key, time_ns) >> ref.shift & BEGUN) != 0;
}

bool flow_is_unanswered(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
                        uint64_t time_ns)
{
	struct flow_ref ref = ref_of(flows, src, dst);
	uint64_t value = table_get(flows->table, ref.key, time_ns);

	return (value >> ref.other_shift & SYN_SENT) != 0 && (value >> ref.shift & ANSWERED) == 0;
}
