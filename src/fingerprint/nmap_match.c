/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asking: one pass over the payload collects the patterns whose gram is there, its first bytes tell
 * which of those without grams may match, and all these are asked in the order of their rank until
 * one matches.
 */
#include "literal.h"
#include "nmap_internal.h"

#include <stddef.h>
#include <stdlib.h>

#define SUBJECT_MAX    1500 /* bytes of a payload that are looked at: what a frame carries */
#define CANDIDATES_MAX 256  /* patterns asked about one payload; of 80,000 real ones: 117 */
#define GROUPS_MAX     32
#define TRIALS_MAX     16 /* of a pattern before it is compiled for this machine */

struct candidate {
	uint32_t rank; /* what is asked first is lowest */
	uint32_t pattern;
};

/*
 * Where code cannot be compiled for this machine, PCRE2 keeps what it has to come back to in
 * frames, in memory that it doubles when there are more (from 10.41 on, it belongs to the match
 * data). It comes from here, so that a packet allocates nothing; a pattern that wants more does not
 * match.
 */
#define FRAMES_BYTES (320u << 10) /* a thousand of them, DEPTH_LIMIT, as a rule */

struct match_memory {
	struct {
		bool is_context, is_data, is_frames[2];
	} taken;
	_Alignas(max_align_t) uint8_t context[64];
	_Alignas(max_align_t) uint8_t data[4096];
	_Alignas(max_align_t) uint8_t frames[2][FRAMES_BYTES]; /* the old and the new ones */
};

struct service_matcher {
	struct service_probes *probes;
	struct match_memory memory;
	pcre2_match_data *match;
	uint32_t *stamps; /* of each pattern: the payload that it was last collected for */
	uint32_t stamp;
	uint64_t beginning; /* of the payload: literal_word() */
	uint32_t candidate_count;
	struct candidate candidates[CANDIDATES_MAX];
	uint8_t folded[SUBJECT_MAX];
};

static void *take(bool *is_taken, uint8_t *memory)
{
	*is_taken = true;
	return memory;
}

/* As malloc(3) and free(3) for PCRE2. */
static void *take_memory(size_t bytes, void *user)
{
	struct match_memory *m = user;

	if (bytes <= sizeof(m->context) && !m->taken.is_context) {
		return take(&m->taken.is_context, m->context);
	}
	if (bytes <= sizeof(m->data) && !m->taken.is_data) {
		return take(&m->taken.is_data, m->data);
	}
	for (int i = 0; i < 2; i++) {
		if (bytes <= sizeof(m->frames[i]) && !m->taken.is_frames[i]) {
			return take(&m->taken.is_frames[i], m->frames[i]);
		}
	}
	return NULL;
}

static void give_memory(void *memory, void *user)
{
	struct match_memory *m = user;

	m->taken.is_context = m->taken.is_context && memory != m->context;
	m->taken.is_data = m->taken.is_data && memory != m->data;
	for (int i = 0; i < 2; i++) {
		m->taken.is_frames[i] = m->taken.is_frames[i] && memory != m->frames[i];
	}
}

static pcre2_match_data *new_match_data(struct match_memory *memory)
{
	pcre2_general_context *context =
		pcre2_general_context_create(take_memory, give_memory, memory);
	pcre2_match_data *data =
		context != NULL ? pcre2_match_data_create(GROUPS_MAX, context) : NULL;

	pcre2_general_context_free(context);
	return data;
}

size_t service_matcher_bytes(void)
{
	return sizeof(struct service_matcher);
}

struct service_matcher *service_matcher_new(struct service_probes *probes)
{
	struct service_matcher *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		return NULL;
	}
	m->probes = probes;
	m->match = new_match_data(&m->memory);
	m->stamps = calloc(probes->pattern_count + 1, sizeof(m->stamps[0]));
	if (m->match == NULL || m->stamps == NULL) {
		service_matcher_free(m);
		return NULL;
	}
	return m;
}

void service_matcher_free(struct service_matcher *matcher)
{
	if (matcher != NULL) {
		pcre2_match_data_free(matcher->match);
		free(matcher->stamps);
		free(matcher);
	}
}

/* Bit 31: a softmatch. Bit 30: of a probe without ports. Then the place in the file. */
#define RANK_SOFT     UINT32_C(0x80000000)
#define RANK_ANY_PORT UINT32_C(0x40000000)

/* What a question is about. */
struct question {
	enum probe_transport transport;
	uint16_t port;
	bool is_any_port; /* ask all patterns, whatever their ports */
};

static bool is_asked(const struct service_probes *probes, const struct nmap_pattern *p,
                     const struct question *q)
{
	const struct nmap_probe *probe = &probes->probes[p->probe];

	return probe->transport == q->transport &&
	       (q->is_any_port || !probe->has_ports || nmap_probe_lists(probes, probe, q->port));
}

static void add_candidate(struct service_matcher *m, uint32_t index, const struct question *q)
{
	const struct nmap_pattern *p = &m->probes->patterns[index];
	uint32_t rank = index;

	if (!q->is_any_port) {
		rank |= !m->probes->probes[p->probe].has_ports ? RANK_ANY_PORT : 0;
		rank |= p->info == NULL ? RANK_SOFT : 0;
	}
	if (m->candidate_count < CANDIDATES_MAX) {
		m->candidates[m->candidate_count++] =
			(struct candidate){.rank = rank, .pattern = index};
	}
}

/* A bit for each pattern of the block that a text with these first bytes may match. */
static uint64_t gramless_left(const struct nmap_gramless *block, const unsigned symbols[HEAD_LEN])
{
	uint64_t left = UINT64_MAX;

	for (unsigned i = 0; i < HEAD_LEN; i++) {
		left &= block->heads[i][symbols[i]] | block->any[i];
	}
	return left;
}

static void collect_gramless(struct service_matcher *m, size_t len, const struct question *q)
{
	const struct service_probes *probes = m->probes;
	const struct nmap_gramless *block = probes->gramless;
	unsigned symbols[HEAD_LEN];

	for (size_t i = 0; i < HEAD_LEN; i++) {
		symbols[i] = i < len ? m->folded[i] : HEAD_END;
	}
	for (uint32_t at = 0; at < probes->gramless_count; at += GRAMLESS_PATTERNS, block++) {
		for (uint64_t left = gramless_left(block, symbols); left != 0; left &= left - 1) {
			uint32_t index = block->patterns[__builtin_ctzll(left)];

			if (literal_begins(m->beginning, probes->patterns[index].prefix) &&
			    is_asked(probes, &probes->patterns[index], q)) {
				add_candidate(m, index, q);
			}
		}
	}
}

/* Once for each payload, however often its gram is there. */
static void collect(struct service_matcher *m, uint32_t index, const struct question *q)
{
	const struct nmap_pattern *p = &m->probes->patterns[index];

	if (m->stamps[index] != m->stamp) {
		m->stamps[index] = m->stamp;
		if (is_asked(m->probes, p, q)) {
			add_candidate(m, index, q);
		}
	}
}

/* Is the whole run of the pattern around the gram that was found at this offset? */
static bool has_literal(const struct service_matcher *m, const struct nmap_pattern *p,
                        unsigned which, size_t offset, size_t len)
{
	size_t before = p->gram_offset + which;

	return literal_begins(m->beginning, p->prefix) && offset >= before &&
	       p->literal_len <= len - (offset - before) &&
	       memcmp(m->folded + offset - before, p->literal, p->literal_len) == 0;
}

static void collect_grams(struct service_matcher *m, size_t len, const struct question *q)
{
	const struct service_probes *probes = m->probes;

	for (size_t i = 0; i + GRAM_BYTES <= len; i += GRAM_STRIDE) {
		uint32_t gram = gram_of(m->folded + i);
		uint32_t bit = gram_bloom_bit(gram);

		if ((probes->bloom[bit / 64] >> bit % 64 & 1) == 0) {
			continue;
		}
		for (uint32_t at = probes->slots[gram_slot(gram)]; at != NO_GRAM;) {
			uint32_t index = at / GRAM_STRIDE, which = at % GRAM_STRIDE;
			const struct nmap_pattern *p = &probes->patterns[index];

			if (has_literal(m, p, which, i, len)) {
				collect(m, index, q);
			}
			at = p->next_gram[which];
		}
	}
}

/* Shell's sort: the C library's may allocate. */
static void sort_candidates(struct candidate *list, uint32_t count)
{
	static const uint32_t gaps[] = {301, 132, 57, 23, 10, 4, 1};

	for (size_t g = 0; g < sizeof(gaps) / sizeof(gaps[0]); g++) {
		for (uint32_t i = gaps[g]; i < count; i++) {
			struct candidate moved = list[i];
			uint32_t at = i;

			for (; at >= gaps[g] && list[at - gaps[g]].rank > moved.rank;
			     at -= gaps[g]) {
				list[at] = list[at - gaps[g]];
			}
			list[at] = moved;
		}
	}
}

static void collect_all(struct service_matcher *m, struct span subject, const struct question *q)
{
	m->candidate_count = 0;
	if (++m->stamp == 0) { /* went round: no old stamp may look like a new one */
		memset(m->stamps, 0, m->probes->pattern_count * sizeof(m->stamps[0]));
		m->stamp = 1;
	}
	for (size_t i = 0; i < subject.len; i++) {
		m->folded[i] = literal_fold(subject.data[i]);
	}
	m->beginning = literal_word(subject);
	collect_gramless(m, subject.len, q);
	collect_grams(m, subject.len, q);
	sort_candidates(m->candidates, m->candidate_count);
}

/* Code that was compiled for this machine is asked without a detour; see pcre2jit(3). */
static int match(struct service_matcher *m, const pcre2_code *code, struct span subject)
{
	pcre2_match_context *limits = m->probes->limits;
	int ret = pcre2_jit_match(code, subject.data, subject.len, 0, 0, m->match, limits);

	return ret != PCRE2_ERROR_JIT_BADOPTION
	               ? ret
	               : pcre2_match(code, subject.data, subject.len, 0, 0, m->match, limits);
}

/*
 * To compile a pattern for this machine takes as long as asking it many times without, and in a
 * capture file most are asked a few times only. False when there is no answer yet.
 */
static bool is_answered_by_trial(struct service_matcher *m, struct nmap_pattern *p,
                                 struct span subject, int *out_ret)
{
	if (p->is_ready || p->trials == TRIALS_MAX) {
		return false;
	}
	p->trials++;
	*out_ret = pcre2_match(p->code, subject.data, subject.len, 0, 0, m->match,
	                       m->probes->trial_limits);
	return *out_ret >= 0 || *out_ret == PCRE2_ERROR_NOMATCH;
}

static bool ask(struct service_matcher *m, struct nmap_pattern *p, struct span subject)
{
	int ret;

	if (!nmap_compile(m->probes, p)) {
		return false;
	}
	if (!is_answered_by_trial(m, p, subject, &ret)) {
		nmap_make_ready(p);
		ret = match(m, p->code, subject);
	}
	return ret >= 0; /* a limit that is reached is "no": it is too dear for this payload */
}

static struct span cut(struct span payload)
{
	return span_of(payload.data, payload.len < SUBJECT_MAX ? payload.len : SUBJECT_MAX);
}

bool service_lists(const struct service_matcher *matcher, enum probe_transport transport,
                   uint16_t port)
{
	return nmap_ports_has(&matcher->probes->listed[transport], port);
}

enum service_match service_match(struct service_matcher *matcher, enum probe_transport transport,
                                 uint16_t port, struct span payload, struct text *out_desc)
{
	struct question q = {.transport = transport, .port = port};
	struct span subject = cut(payload);

	if (subject.len == 0) {
		return SERVICE_MATCH_NONE;
	}
	collect_all(matcher, subject, &q);
	for (uint32_t i = 0; i < matcher->candidate_count; i++) {
		struct nmap_pattern *p = &matcher->probes->patterns[matcher->candidates[i].pattern];

		if (ask(matcher, p, subject)) {
			nmap_describe(p, subject, matcher->match, out_desc);
			return p->info != NULL ? SERVICE_MATCH_PRODUCT : SERVICE_MATCH_SOFT;
		}
	}
	return SERVICE_MATCH_NONE;
}

void service_match_all(struct service_matcher *matcher, enum probe_transport transport,
                       struct span payload, service_match_fn *fn, void *user)
{
	struct question q = {.transport = transport, .is_any_port = true};
	struct span subject = cut(payload);
	char buf[1024];
	struct text desc;

	text_init(&desc, buf, sizeof(buf));
	collect_all(matcher, subject, &q);
	for (uint32_t i = 0; i < matcher->candidate_count; i++) {
		struct nmap_pattern *p = &matcher->probes->patterns[matcher->candidates[i].pattern];

		if (ask(matcher, p, subject)) {
			text_clear(&desc);
			nmap_describe(p, subject, matcher->match, &desc);
			fn(user, p->line, desc.buf);
		}
	}
}
