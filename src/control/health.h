/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is what the sensor hears fit to learn from? Faults of a span port and of fanout, told from the
 * beginnings and ends of TCP connections, which every profile that learns from TCP keeps.
 */
#pragma once

#include <passer/decode/pkt.h>
#include <passer/ledger/flows.h>

#define HEALTH_VLANS  4096
#define HEALTH_RECENT 8192

/* TCP connections of a VLAN, by what was heard of their handshakes. */
struct health_vlan {
	uint32_t both_ways;
	uint32_t one_way; /* an answer without its question, or an end without an answer */
};

/* One per worker, in shared memory. */
struct health_counters {
	uint64_t truncated;  /* frames captured shorter than they were */
	uint64_t above_mtu;  /* frames longer than an interface carries: joined by offload */
	uint64_t checked;    /* SYN, SYN/ACK and FIN segments */
	uint64_t duplicates; /* of them, those heard twice within HEALTH_DUPLICATE_MS */
	uint64_t split;      /* answers whose question another worker heard */
	uint64_t displaced;  /* segments that made room while they were still looked for */
	struct health_vlan vlans[HEALTH_VLANS]; /* [0]: without a tag */
};

/* Segments heard lately, by any worker: shared, zero at first. Races cost a finding at most. */
struct health_recent {
	uint64_t cells[HEALTH_RECENT];
};

struct health {
	struct health_counters *counters; /* borrowed */
	struct health_recent *recent;     /* borrowed */
	struct flows *flows;              /* borrowed */
	struct hash_key key;
	uint32_t mtu_bytes; /* longest frame that is no fault; 0: not known, as of files */
};

/* Adds what one worker has counted to a sum. */
void health_add(struct health_counters *sum, const struct health_counters *part);

#define HEALTH_ADVICE_SIZE 256

/*
 * What is wrong and what helps, a line each, so far as enough was heard to tell. Calls fn with text
 * that it may borrow until it returns.
 */
void health_advise(const struct health_counters *counters, void (*fn)(void *user, const char *text),
                   void *user);

/* Do answers reach other workers than their questions, so that fanout or NIC must be set up? */
bool health_is_split(const struct health_counters *counters);

/* To be told every frame that is worked on, with its innermost packet, before the analyzers. */
void health_note(struct health *health, const struct pkt *pkt);
