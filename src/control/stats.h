/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What workers count, in memory that the supervisor shares, and the summary that is made of it.
 * Each counter has one writer: its worker; kernel counters are read by the supervisor alone.
 */
#pragma once

#include "options.h"

#include <passer/analyzers/analyzer.h>
#include <passer/capture/ring.h>
#include <passer/decode/pkt.h>
#include <passer/output/csv.h>

/* One per worker, in shared memory; outlives a worker that dies. */
struct worker_shared {
	uint64_t frames;       /* taken from sources */
	uint64_t filtered;     /* left out in user space: -b, and --acks none for files */
	uint64_t unhandled;    /* an analyzer's business, but no rule knew them */
	uint64_t last_time_ns; /* capture time of the packet that was worked on last */
	struct decode_counters decode;
	struct emit_counters emit;
	struct csv_counters csv;
	struct ring_progress progress[INTERFACES_MAX];
	struct csv_buffer buffer;
};

/* What the kernel counted for all rings of one worker. */
struct kernel_counters {
	struct ring_counters ring;
	uint64_t filter_dropped;
};

struct worker_summary {
	const struct worker_shared *shared;
	const struct kernel_counters *kernel; /* NULL: files only */
	int cpu;                              /* -1: not pinned */
	unsigned restarts;
};

/* The closing lines on standard error: the sum, and on interfaces each worker. */
void stats_summary(const struct worker_summary *workers, unsigned count,
                   const struct ledger *ledger);
