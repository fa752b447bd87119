/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A worker takes frames from sources, decodes and analyses them and writes records. Reading files
 * it runs inside the supervisor; live it is a process of its own that is pinned to a CPU and walks
 * its rings in place.
 */
#pragma once

#include "confine.h"
#include "orders.h"
#include "stats.h"

#include <passer/analyzers/registry.h>
#include <passer/capture/expression.h>
#include <passer/capture/ring.h>
#include <passer/output/pcapdump.h>

/* What all workers have in common; made before the fork and then only read. */
struct worker_common {
	const struct databases *db;
	const struct dispatch *dispatch;
	const struct confinement *confinement;
	const struct expression *expression; /* NULL: none */
	const struct analyzer_options *analyzer_options;
	struct ledger *ledger;
	struct pcapdump *unhandled;        /* for frames that no rule knows; NULL: none */
	struct pcapdump *suspicious;       /* for those of suspicious hosts; may be the same one */
	const struct selection *selection; /* shared; the supervisor may change it */
	struct health_recent *recent;      /* shared */
	uint32_t mtu_bytes;                /* 0: not known */
	bool stops_at_unhandled;
	bool has_timestamp;
	unsigned retire_ms;
	int stdout_back_fd;          /* see csv.h */
	struct csv_files *csv_files; /* shared */
	uint32_t max_rate; /* records of a type that a worker prints in a second; 0: any number */
};

struct worker {
	unsigned id;
	int cpu; /* -1: not pinned */
	const struct worker_common *common;
	struct worker_shared *shared; /* borrowed */
	struct flows *flows;          /* borrowed; shared memory, so that a successor goes on */
	struct ring *rings[INTERFACES_MAX]; /* borrowed */
	unsigned ring_count;
	struct csv csv;
	struct analyzer_ctx ctx;
	struct health health;
	bool has_met_unhandled;
};

/* The output of a worker over its share of the memory. Descriptors are borrowed; -1: none. */
struct csv worker_csv(const struct worker_common *common, struct worker_shared *shared,
                      int stdout_fd, int log_fd);

/* Makes a worker ready. Descriptors are borrowed; -1: none. */
void worker_init(struct worker *w, unsigned id, const struct worker_common *common,
                 struct worker_shared *shared, struct flows *flows, int stdout_fd, int log_fd);

/* Frees what worker_init() took. */
void worker_fini(struct worker *w);

/* A source_frame_fn; user is the struct worker. */
void worker_frame(void *user, const struct frame *frame);

/* Writes out the lines and frames that are ready; returns what csv_flush() does. */
int worker_flush(struct worker *w);

/*
 * How long a worker goes on behind ORDER_STOP: the kernel hands over an open block when its time is
 * up, and twice that is ample.
 */
uint64_t worker_stop_ns(const struct worker_common *common);

/*
 * What a process that works on frames does first: from then on it hears the supervisor alone, who
 * hears the terminal and the service manager, and watches itself (hang.h).
 */
void worker_begin(struct worker_shared *shared);

/* The life of a worker process: until ORDER_STOP or the end of the supervisor. Does not return. */
_Noreturn void worker_live(struct worker *w, int control_fd);
