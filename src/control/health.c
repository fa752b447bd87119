/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "health.h"

#include <passer/base/clock.h>

#include <inttypes.h>
#include <stdio.h>

/* A port that mirrors both directions, or two VLANs of a path, shows a frame twice at once. TCP
 * itself repeats a SYN after a second, and nothing before 200 ms (RFC 6298, RFC 8985). */
#define HEALTH_DUPLICATE_MS 20
#define HEALTH_SPLIT_MS     3000 /* an answer that takes longer is not looked for */

/* A cell: a hash above, the capture time in milliseconds below. */
#define TIME_BITS 24
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)

enum control_segment { SEGMENT_OTHER, SEGMENT_SYN, SEGMENT_SYNACK, SEGMENT_FIN };

static enum control_segment segment_of(const struct pkt *pkt)
{
	if (pkt->layer != LAYER_TCP) {
		return SEGMENT_OTHER;
	}
	switch (pkt->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) {
	case TCP_SYN:
		return SEGMENT_SYN;
	case TCP_SYN | TCP_ACK:
		return SEGMENT_SYNACK;
	case TCP_FIN | TCP_ACK:
		return SEGMENT_FIN;
	default:
		return SEGMENT_OTHER;
	}
}

static uint64_t hash_segment(const struct health *h, enum control_segment what,
                             const struct endpoint *src, const struct endpoint *dst,
                             uint32_t number)
{
	struct hash hash;

	hash_init(&hash, &h->key);
	hash_add_u64(&hash, ledger_hash(&h->key, what, src, dst));
	hash_add_u64(&hash, number);
	return hash_final(&hash);
}

static uint64_t *cell_of(const struct health *h, uint64_t hash)
{
	return &h->recent->cells[hash % HEALTH_RECENT];
}

static uint64_t cell_value(uint64_t hash, uint64_t time_ns)
{
	return (hash & ~TIME_MASK) | (time_ns / NS_PER_MS & TIME_MASK);
}

/* Was this heard at most so many milliseconds before? */
static bool is_recent(const struct health *h, uint64_t hash, uint64_t time_ns, uint64_t ms)
{
	uint64_t cell = __atomic_load_n(cell_of(h, hash), __ATOMIC_RELAXED);
	uint64_t now = cell_value(hash, time_ns);

	return ((cell ^ now) & ~TIME_MASK) == 0 && ((now - cell) & TIME_MASK) <= ms;
}

static void remember(const struct health *h, uint64_t hash, uint64_t time_ns)
{
	uint64_t *cell = cell_of(h, hash);
	uint64_t old = __atomic_load_n(cell, __ATOMIC_RELAXED), new = cell_value(hash, time_ns);

	h->counters->displaced += old != 0 && ((old ^ new) & ~TIME_MASK) != 0 &&
	                          ((new - old) & TIME_MASK) <= HEALTH_SPLIT_MS;
	__atomic_store_n(cell, new, __ATOMIC_RELAXED);
}

/* The answer names the number that the question had (RFC 9293, section 3.5). */
static bool was_asked_elsewhere(const struct health *h, const struct pkt *pkt,
                                const struct endpoint *src, const struct endpoint *dst)
{
	uint64_t question = hash_segment(h, SEGMENT_SYN, dst, src, pkt->tcp_ack - 1);

	return is_recent(h, question, pkt->frame->time_ns, HEALTH_SPLIT_MS);
}

static void note_handshake(struct health *h, const struct pkt *pkt, enum control_segment what,
                           const struct endpoint *src, const struct endpoint *dst)
{
	struct health_vlan *vlan = &h->counters->vlans[pkt->vlan % HEALTH_VLANS];
	uint64_t time_ns = pkt->frame->time_ns;
	bool has_other = flow_has_begun(h->flows, dst, src, time_ns);

	if (what == SEGMENT_SYNACK && has_other) {
		vlan->both_ways++;
	} else if (what == SEGMENT_SYNACK && was_asked_elsewhere(h, pkt, src, dst)) {
		h->counters->split++;
	} else if (what == SEGMENT_SYNACK || (what == SEGMENT_FIN && !has_other &&
	                                      flow_has_begun(h->flows, src, dst, time_ns))) {
		vlan->one_way++;
	}
}

static void note_segment(struct health *h, const struct pkt *pkt, enum control_segment what)
{
	const struct endpoint src = {.addr = pkt->src, .port = pkt->sport};
	const struct endpoint dst = {.addr = pkt->dst, .port = pkt->dport};
	uint64_t hash = hash_segment(h, what, &src, &dst, pkt->tcp_seq);
	bool is_duplicate = is_recent(h, hash, pkt->frame->time_ns, HEALTH_DUPLICATE_MS);

	h->counters->checked++;
	if (is_duplicate) {
		h->counters->duplicates++;
		return;
	}
	note_handshake(h, pkt, what, &src, &dst);
	remember(h, hash, pkt->frame->time_ns);
}

void health_note(struct health *health, const struct pkt *pkt)
{
	const struct frame *frame = pkt->frame;
	enum control_segment what = segment_of(pkt);

	health->counters->truncated += frame->bytes.len < frame->wire_bytes;
	health->counters->above_mtu += health->mtu_bytes != 0 && !frame->is_outgoing &&
	                               frame->wire_bytes > health->mtu_bytes;
	if (what != SEGMENT_OTHER) {
		note_segment(health, pkt, what);
	}
}

/* ---- Saying it ---- */

void health_add(struct health_counters *sum, const struct health_counters *part)
{
	sum->truncated += part->truncated;
	sum->above_mtu += part->above_mtu;
	sum->checked += part->checked;
	sum->duplicates += part->duplicates;
	sum->split += part->split;
	sum->displaced += part->displaced;
	for (unsigned i = 0; i < HEALTH_VLANS; i++) {
		sum->vlans[i].both_ways += part->vlans[i].both_ways;
		sum->vlans[i].one_way += part->vlans[i].one_way;
	}
}

/* What makes a finding: so many seen, and so many of a hundred bad. */
#define SEEN_MIN       50
#define DUPLICATES_MIN 1
#define SPLIT_MIN      1
#define ONE_WAY_MIN    20
#define VLANS_TOLD_MAX 4

static bool is_finding(uint64_t bad, uint64_t seen, unsigned percent)
{
	return bad > 0 && seen >= SEEN_MIN && bad * 100 >= seen * percent;
}

bool health_is_split(const struct health_counters *counters)
{
	return is_finding(counters->split, counters->checked, SPLIT_MIN);
}

struct finding {
	uint64_t bad, seen;
	unsigned percent; /* at least so many of a hundred */
	const char *text; /* behind the share */
};

typedef void advice_fn(void *user, const char *text);

static void advise_of_vlans(const struct health_counters *c, advice_fn *fn, void *user)
{
	char text[HEALTH_ADVICE_SIZE];
	unsigned told = 0;

	for (unsigned i = 0; i < HEALTH_VLANS && told < VLANS_TOLD_MAX; i++) {
		const struct health_vlan *v = &c->vlans[i];
		uint64_t seen = (uint64_t)v->both_ways + v->one_way;

		if (!is_finding(v->one_way, seen, ONE_WAY_MIN)) {
			continue;
		}
		snprintf(text, sizeof(text),
		         "VLAN %u: %" PRIu64 " %% of TCP connections are heard in one direction "
		         "only: mirror both directions of the port, and all paths of an asymmetric "
		         "route",
		         i, v->one_way * UINT64_C(100) / seen);
		fn(user, text);
		told++;
	}
}

void health_advise(const struct health_counters *counters, advice_fn *fn, void *user)
{
	const struct health_counters *c = counters;
	const struct finding findings[] = {
		{c->duplicates, c->checked, DUPLICATES_MIN,
	         "frames heard twice: mirror a port in one direction, or only one VLAN of a routed "
	         "path"},
		{c->split, c->checked, SPLIT_MIN,
	         "answers that reach another worker than their question: --fanout host, or a "
	         "symmetric receive-side scaling (tools/nic-check)"},
		{c->truncated, SEEN_MIN, 0,
	         "frames that are cut short: raise the snap length of the mirror, or --block-kib"},
		{c->above_mtu, SEEN_MIN, 0,
	         "frames above the MTU, joined on receipt: ethtool -K INTERFACE gro off lro off"},
	};
	char text[HEALTH_ADVICE_SIZE];

	for (size_t i = 0; i < sizeof(findings) / sizeof(findings[0]); i++) {
		if (is_finding(findings[i].bad, findings[i].seen, findings[i].percent)) {
			snprintf(text, sizeof(text), "%" PRIu64 " %s", findings[i].bad,
			         findings[i].text);
			fn(user, text);
		}
	}
	advise_of_vlans(c, fn, user);
}
