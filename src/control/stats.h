/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What workers count, in memory that the supervisor shares, and the lines that people get of the
 * whole. Each counter has one writer: its worker.
 */
#pragma once

#include "health.h"
#include "options.h"

#include <passer/analyzers/analyzer.h>
#include <passer/capture/ring.h>
#include <passer/decode/pkt.h>
#include <passer/output/csv.h>

/* How far the reader of capture files has come; for one that goes on behind its death. */
struct file_progress {
	/* Number of the file and, in the lower FILE_FRAMES_BITS, how many of its frames were handed
	 * out, the one in work included: in one word, since a process may die between any two. */
	uint64_t place;
	uint32_t is_in_work; /* the last one has been handed out, and not come back */
	uint32_t is_once;    /* the file is a pipe or the like: nobody can read it a second time */
	uint32_t must_keep;  /* who comes next keeps the frame in work, since it is poisonous */
};

#define FILE_FRAMES_BITS 40
#define FILE_FRAMES_MASK ((UINT64_C(1) << FILE_FRAMES_BITS) - 1)

/* One per worker, in shared memory; outlives a worker that dies. */
struct worker_shared {
	uint64_t frames;       /* taken from sources */
	uint64_t unmatched;    /* left out by -b in user space */
	uint64_t unselected;   /* left out by the selection in user space: files, above all */
	uint64_t behind_stop;  /* not among the frames: -q, behind the packet that was the last */
	uint64_t analysed;     /* the rest, worked on to the end */
	uint64_t unhandled;    /* an analyzer's business, but no rule knew them */
	uint32_t running;      /* the analyzer in work: see struct analyzer_ctx */
	uint32_t has_hung;     /* the process ends by its own watch: see hang.h */
	uint64_t last_time_ns; /* capture time of the packet that was worked on last */
	struct decode_counters decode;
	struct emit_counters emit;
	struct csv_counters csv;
	struct health_counters health;
	struct ring_progress progress[INTERFACES_MAX];
	struct file_progress file;
	struct csv_buffer buffer;
};

struct report;

/*
 * The closing lines on standard error: the sum, on interfaces each worker, and what there is to say
 * about losses, with the cure.
 */
void stats_summary(const struct report *report);
