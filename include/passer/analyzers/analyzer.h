/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An analyzer learns facts from the packets of one protocol. It is one file in src/analyzers that
 * ends with a const descriptor, and one row in src/analyzers/analyzers.def; nothing else has to
 * know about it. docs/adding-an-analyzer.md leads through it.
 */
#pragma once

#include <passer/analyzers/databases.h>
#include <passer/analyzers/selection.h>
#include <passer/decode/pkt.h>
#include <passer/ledger/flows.h>
#include <passer/ledger/ledger.h>
#include <passer/output/csv.h>
#include <passer/output/record.h>

/* What an analyzer did with a packet. */
enum verdict {
	VERDICT_PASSED,    /* not its business: other analyzers of the layer may want it */
	VERDICT_DONE,      /* understood; nothing more to say about this packet */
	VERDICT_UNHANDLED, /* its business, but no rule knows it */
};

#define ANALYZER_PORTS_MAX   8
#define ANALYZER_RECORDS_MAX 8

/* For an analyzer that looks at every packet beside those of its layer; it returns PASSED. */
#define MATCH_ALL_LAYERS LAYER_COUNT

/* Options that analyzers look at. */
struct analyzer_options {
	bool wants_nxdomain;
	bool wants_creds;
	bool wants_mac_notes;
};

/* Counted per worker; single writer. */
struct emit_counters {
	uint64_t offered;    /* facts that analyzers stated */
	uint64_t suppressed; /* of a record type that is not selected */
	uint64_t known;      /* printed before */
	uint64_t printed;
	uint64_t invalid;   /* without a valid address, or empty */
	uint64_t unwritten; /* no output had room: to be stated again */
	uint64_t printed_by_type[REC_COUNT];
	uint64_t limited_by_type[REC_COUNT]; /* more than --max-rate: to be stated again */
};

/* How many records of a type may be printed in a second of packet time. */
struct record_rate {
	uint32_t max; /* 0: any number */
	uint32_t printed[REC_COUNT];
	uint64_t second[REC_COUNT]; /* in which these were */
};

/* What an analyzer may use. One per worker; everything in it is borrowed. */
struct analyzer_ctx {
	struct ledger *ledger;
	struct flows *flows;
	const struct databases *db;
	struct service_matcher *products; /* NULL: no patterns of products */
	const struct analyzer_options *options;
	const struct selection *selection;
	struct csv *csv;
	struct emit_counters *counters;
	struct record_rate rate;
	/* Shared: the row of the analyzer in work, counted from 1; 0: none. NULL: nobody asks. */
	uint32_t *running;
	/* NULL, but in builds with planted faults; shown all packets. */
	void (*fault)(const struct frame *frame);
	struct record rec; /* the one to fill: record_begin(&ctx->rec, …) … emit(ctx) */
};

struct analyzer {
	const char *name;
	struct {
		enum layer layer;
		/* TCP or UDP, either side; none: all packets of the layer. */
		uint16_t ports[ANALYZER_PORTS_MAX];
	} match;
	enum record_type records[ANALYZER_RECORDS_MAX]; /* what it can emit; REC_NONE ends */
	enum verdict (*run)(const struct pkt *pkt, struct analyzer_ctx *ctx);
};

/*
 * States the fact in ctx->rec: prints it unless it is known. A record without a valid address is
 * counted and dropped.
 */
void emit(struct analyzer_ctx *ctx);

/* The most common record: state "open" or the like and a description of our own words. */
void emit_words(struct analyzer_ctx *ctx, enum record_type type, const struct addr *addr,
                const char *proto, int32_t number, const char *state, const char *desc,
                struct warnings warnings, uint64_t time_ns);
