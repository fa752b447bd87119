/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to the pattern engine: nmap_load.c fills it, nmap_match.c asks it, nmap_text.c writes. */
#pragma once

#include "head.h"
#include "literal.h"

#include <passer/fingerprint/rows.h>
#include <passer/fingerprint/service_probes.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define GRAM_BYTES      4
#define GRAM_HASH_BITS  16
#define GRAM_SLOTS      (1u << GRAM_HASH_BITS)
#define GRAM_BLOOM_BITS 18 /* 32 KiB: says "no" to most positions without touching the slots */

/*
 * A pattern has two grams, a byte apart in one run of its literals: wherever that run is in a text,
 * one of them begins at an even offset, so the odd ones need not be looked at.
 */
#define GRAM_STRIDE 2
#define GRAM_RUN    (GRAM_BYTES + GRAM_STRIDE - 1) /* bytes that a run must have */

#define NO_GRAM UINT32_MAX

struct nmap_pattern {
	pcre2_code *code;   /* NULL: not compiled yet, or bad */
	struct span source; /* of the text of the file */
	uint32_t options;   /* PCRE2_CASELESS, PCRE2_DOTALL */
	bool is_bad;
	bool is_ready;       /* compiled for this machine, too, as far as that is possible */
	uint8_t trials;      /* how often it was asked before it was ready */
	const char *service; /* of the text arena */
	const char *info;    /* NULL: a softmatch */
	uint32_t line;
	uint32_t probe;
	uint32_t next_gram[GRAM_STRIDE]; /* in the chain of the slot, as `slots` has them */
	struct literal_prefix prefix;
	const uint8_t *literal; /* the whole run that the grams are of; NULL: no grams */
	uint16_t literal_len;
	uint16_t gram_offset; /* of the first gram within the run; the others follow */
};

#define GRAMLESS_PATTERNS 64

/*
 * Patterns without grams, a bit for each. Those that a text may begin with are found for all of
 * them at once: what its first bytes, or its end, leave of the bits.
 */
struct nmap_gramless {
	uint64_t heads[HEAD_LEN][HEAD_SYMBOLS];
	uint64_t any[HEAD_LEN]; /* those that take nearly any byte here; they are not in `heads` */
	uint32_t patterns[GRAMLESS_PATTERNS];
};

/* A bit for each port. */
struct nmap_ports {
	uint64_t words[(UINT16_MAX + 1) / 64];
};

struct nmap_probe {
	enum probe_transport transport;
	bool has_ports;                  /* a ports line */
	uint32_t first_range, end_range; /* of its ports, among those of all probes */
};

struct service_probes {
	struct nmap_pattern *patterns;
	uint32_t pattern_count;
	struct nmap_probe *probes;
	uint32_t probe_count;
	struct port_range *ranges;
	uint32_t range_count;
	struct nmap_ports listed[PROBE_TRANSPORT_COUNT]; /* by any probe */
	char *text;                                      /* the file, cut into strings */
	char *own_text;                                  /* the same of passer's own patterns */
	uint8_t *literals;                               /* of all patterns */
	uint32_t slots[GRAM_SLOTS]; /* GRAM_STRIDE * a pattern + which of its grams, or NO_GRAM */
	uint64_t bloom[(1u << GRAM_BLOOM_BITS) / 64];
	struct nmap_gramless *gramless;
	uint32_t gramless_count; /* of their patterns */
	pcre2_compile_context *context;
	pcre2_match_context *limits;
	pcre2_match_context *trial_limits; /* before a pattern is ready */
	struct service_probes_counts counts;
};

static inline void nmap_ports_add(struct nmap_ports *ports, unsigned port)
{
	ports->words[port / 64] |= UINT64_C(1) << port % 64;
}

static inline bool nmap_ports_has(const struct nmap_ports *ports, uint16_t port)
{
	return (ports->words[port / 64] >> port % 64 & 1) != 0;
}

/* Is the port on the ports line of the probe? Such a line has six ranges as a rule. */
static inline bool nmap_probe_lists(const struct service_probes *probes,
                                    const struct nmap_probe *probe, uint16_t port)
{
	for (uint32_t i = probe->first_range; i < probe->end_range; i++) {
		if (probes->ranges[i].first <= port && port <= probes->ranges[i].last) {
			return true;
		}
	}
	return false;
}

static inline uint32_t gram_slot(uint32_t gram)
{
	return gram * UINT32_C(0x9e3779b1) >> (32 - GRAM_HASH_BITS);
}

static inline uint32_t gram_bloom_bit(uint32_t gram)
{
	return gram * UINT32_C(0x85ebca6b) >> (32 - GRAM_BLOOM_BITS);
}

/* Four folded bytes as a number; the same wherever it is computed. */
static inline uint32_t gram_of(const uint8_t *bytes)
{
	uint32_t gram;

	memcpy(&gram, bytes, sizeof(gram));
	return gram;
}

/* Compiles a pattern unless it is. False when it is bad. */
bool nmap_compile(struct service_probes *probes, struct nmap_pattern *pattern);

/* Compiles one that is not bad for this machine, too, unless it is. */
void nmap_make_ready(struct nmap_pattern *pattern);

/*
 * Appends "service://info" with the groups of the match put in: $1 to $9, $P(1), $SUBST(1,"a","b")
 * and $I(1,">"). A group that took no part is empty. Commas of the info become semicolons.
 */
void nmap_describe(const struct nmap_pattern *pattern, struct span subject,
                   const pcre2_match_data *match, struct text *out_desc);
