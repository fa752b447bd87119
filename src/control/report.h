/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loss ledger: one picture of the sensor from the NIC to the line, and the question whether it
 * balances. Pure data and arithmetic; gather.c reads the counters, and all that people or programs
 * are told is made from this struct.
 *
 * A packet goes through stages: kept by the filter, into the ring, to the worker, analysed. Each
 * stage has a counter before it and one behind it, read one after the other while packets flow.
 * They are read against the stream, the last one first, so what is behind a stage can never be more
 * than what is before it now; and it can never be less than what was before it at the tick before
 * (a second ago), apart from what the stage holds at the moment. What violates either is
 * unaccounted. So traffic never looks like loss, a loss shows a second later, and when all has been
 * worked off, both bounds are the same and the balance is exact.
 */
#pragma once

#include "health.h"
#include "options.h"

#include <passer/analyzers/registry.h>
#include <passer/capture/link.h>
#include <passer/capture/ring.h>
#include <passer/decode/pkt.h>
#include <passer/ledger/ledger.h>
#include <passer/output/csv.h>
#include <passer/output/pcapdump.h>

#include <sys/types.h>

#define REPORT_NAME_SIZE 64
#define REPORT_DUMPS_MAX 3

/* ---- One stage ---- */

struct stage {
	uint64_t before; /* what had come to the stage at the tick before */
	uint64_t now;    /* what has come to it, read after all the others */
	uint64_t out;    /* what has left it */
	uint64_t held;   /* what may be in it at the moment, by its own count or bound */
};

/* Packets, or records, that the stage lost, or made out of nothing. */
uint64_t stage_unaccounted(const struct stage *stage);

/* ---- The parts ---- */

/* What the kernel and the ring have counted, for one ring or for several. */
struct ring_counts {
	struct class_counter classes[FRAME_CLASS_COUNT];
	struct class_counter unwanted; /* by the user's filter */
	uint64_t flows_displaced, flows_unknown;
	struct ring_counters kernel;
	uint64_t handed_out;
	uint64_t torn;
	uint64_t waiting;   /* in the ring at the moment */
	uint64_t abandoned; /* were in the ring when it was closed */
	uint64_t blocks_waiting_max;
};

void ring_counts_add(struct ring_counts *sum, const struct ring_counts *part);

/* Takes over what a filter has counted, budgets summed up. */
void ring_counts_set_filter(struct ring_counts *counts, const struct filter_counters *filter);

void filter_counters_add(struct filter_counters *sum, const struct filter_counters *part);

/* Sums over the classes: what the filter kept, and what it dropped. */
struct class_counter ring_counts_filter(const struct ring_counts *counts);

/* All frames that the filter was asked about. */
uint64_t ring_counts_seen(const struct ring_counts *counts);

/* As the kernel tells it; all 0 when it does not. */
struct ring_geometry {
	uint32_t block_bytes, blocks, retire_ms;
	int fanout_id; /* -1: in no group */
	unsigned fanout_type;
};

/* What had come to the stages of a ring at some time. */
struct ring_mark {
	uint64_t kept;    /* by the filter */
	uint64_t in_ring; /* packets without drops */
};

struct report_ring {
	bool is_open;
	struct ring_counts counts; /* with those of the rings that it replaced */
	struct ring_geometry geometry;
	struct ring_mark before; /* at the tick before */
};

struct ring_mark report_ring_mark(const struct report_ring *ring);

struct report_interface {
	const char *name; /* borrowed */
	unsigned ifindex; /* 0: all interfaces */
	bool is_gone;
	bool is_up;
	uint32_t mtu;
	uint32_t carrier_changes; /* since the start of the sensor, as the next one */
	struct link_stats stats;
};

/* What a worker, all its processes, has counted. */
struct worker_counts {
	uint64_t from_files;    /* frames taken from capture files */
	uint64_t handed_out;    /* frames that its rings handed to it */
	uint64_t by_expression; /* left out in user space: -b */
	uint64_t by_selection;  /* left out in user space: not of the profile, over a budget */
	uint64_t behind_stop;   /* with -q: behind the packet that was to be the last one */
	uint64_t analysed;
	uint64_t died;      /* frames on which a process died */
	uint64_t poisonous; /* of these, the ones that it died of */
	uint64_t unhandled; /* an analyzer's business, but no rule knew them */
	uint64_t cpu_ns;    /* user and system time */
	uint64_t records_died, lines_died;
	struct decode_counters decode;
	struct emit_counters emit;
	struct csv_counters csv;
};

/* Facts of all types over the rate. */
uint64_t emit_limited(const struct emit_counters *counters);

void worker_counts_add(struct worker_counts *sum, const struct worker_counts *part);

/* Frames that it took from rings and files. */
uint64_t worker_counts_walked(const struct worker_counts *counts);

/* Frames that it left out, analysed, or died on. */
uint64_t worker_counts_done(const struct worker_counts *counts);

/* Facts that were printed, known, suppressed, invalid, or lost with a process. */
uint64_t worker_counts_results(const struct worker_counts *counts);

/* As struct ring_mark. */
struct worker_mark {
	uint64_t walked, offered, printed;
};

struct report_worker {
	pid_t pid; /* 0: none runs */
	int cpu;   /* -1: not pinned */
	unsigned restarts;
	struct worker_counts counts;
	struct worker_mark before; /* at the tick before */
};

struct worker_mark report_worker_mark(const struct report_worker *worker);

/* One in which workers died. */
struct report_analyzer {
	const char *name;
	unsigned deaths;
	bool is_off; /* it is not run any more */
};

struct report_table {
	const char *name;
	uint64_t entries, capacity, evicted;
	uint64_t refused;   /* found no room */
	uint64_t displaced; /* parts of an entry that made room for newer ones */
	uint64_t bytes;     /* that it can grow to */
	bool is_short;      /* too small for what is heard */
};

/* A file of packets. */
struct report_dump {
	const char *name;
	struct pcapdump_counters counters;
};

/* What does not balance, by stage. */
struct balance {
	uint64_t ring;     /* kept by the filter, but not offered to the ring */
	uint64_t walk;     /* in the ring, but never handed out */
	uint64_t analysis; /* handed out, but neither left out nor analysed */
	uint64_t records;  /* stated, but neither printed, known, suppressed nor invalid */
	uint64_t lines;    /* printed, but no line */
};

uint64_t balance_sum(const struct balance *balance);

/* ---- The whole ---- */

struct report {
	char name[REPORT_NAME_SIZE]; /* of the sensor */
	pid_t pid;
	uint64_t time_s;    /* of this picture, since 1970 */
	uint64_t uptime_ns; /* of the sensor */
	uint64_t cpu_ns;    /* of the supervisor */
	bool is_live;
	bool is_final; /* all has been worked off, or nobody is left to do it */
	struct selection selection;
	const char *profile; /* its name, "custom" when it has none */

	unsigned interface_count, worker_count;
	struct report_interface interfaces[INTERFACES_MAX];
	struct report_worker workers[WORKERS_MAX];
	struct report_ring rings[INTERFACES_MAX][WORKERS_MAX];
	struct filter_counters filter; /* of all rings, as a histogram of budgets */

	struct report_table tables[LEDGER_TABLE_COUNT];
	unsigned table_count;
	struct report_dump dumps[REPORT_DUMPS_MAX];
	unsigned dump_count;
	struct report_analyzer analyzers[ANALYZERS_MAX];
	unsigned analyzer_count;
	struct health_counters health; /* of all workers */
};

struct balance report_balance_ring(const struct report *report, unsigned interface,
                                   unsigned worker);
struct balance report_balance_worker(const struct report *report, unsigned worker);

/* Over all rings and workers. */
struct balance report_balance(const struct report *report);
struct pcapdump_counters report_dumps(const struct report *report);
struct link_stats report_links(const struct report *report);
struct ring_counts report_rings(const struct report *report);
struct worker_counts report_workers(const struct report *report);

/* ---- What-if ---- */

/* What a selection would have kept of all that the filters saw. */
struct what_if {
	uint64_t frames, bytes;
	uint64_t seen_frames, seen_bytes;
};

/*
 * Exact for any classes and budgets, since the filter counts each frame by its class and by the
 * units that its flow had used before; but for frames of tunnels, whose first ones have a class of
 * their own. What the user's filter dropped is not in it.
 */
struct what_if report_what_if(const struct filter_counters *filter,
                              const struct selection *selection);

/* The name of the profile that the selection is; "custom" when it is none. */
const char *report_profile_name(const struct selection *selection);
