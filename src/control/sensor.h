/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the supervisor keeps, and the parts that it is made of: setup.c makes and unmakes it, crew.c
 * has the worker processes, live.c the run on interfaces. Only these and supervisor.c include this.
 */
#pragma once

#include "host_files.h"
#include "interfaces.h"
#include "worker.h"

#include <sys/types.h>

/* What the supervisor keeps of a worker, whichever process it is at the moment. */
struct worker_slot {
	pid_t pid;      /* 0: none runs */
	int control_fd; /* -1: none */
	int cpu;
	unsigned restarts;
	unsigned quick_deaths; /* in a row, each within a second of its start */
	uint64_t born_ns;      /* monotonic time of its start */
	uint64_t rebirth_ns;   /* when it is started again; 0: not waiting for that */
	bool is_given_up;      /* it did not stop and is killed */
	struct worker_shared *shared;
	struct flows *flows;
	struct kernel_counters kernel;
};

enum phase {
	PHASE_RUNNING,
	PHASE_REOPENING, /* workers end so that rings can be replaced */
	PHASE_STOPPING,
};

struct supervisor {
	const struct options *options;
	struct databases db;
	struct ledger ledger;
	struct dispatch *dispatch;
	struct expression *expression;
	struct analyzer_options analyzer_options;
	struct worker_common common;
	struct host_files host_files;
	struct worker_slot slots[WORKERS_MAX];
	unsigned worker_count;
	struct interfaces interfaces;
	struct link_monitor *links;
	int stdout_fd; /* -1: nobody takes the lines */
	int log_fd;
	int signal_fd, timer_fd, epoll_fd;
	enum phase phase;
	uint64_t kill_ns;    /* monotonic time at which patience with stopping workers ends */
	bool ignores_hangup; /* SIGHUP was ignored when passer was started, as by nohup(1) */
	bool is_failed;
};

/* ---- setup.c --------------------------------------------------------------------------------- */

/* Does this run listen at all? */
bool setup_wants_live(const struct options *options);

/*
 * Loads, opens and allocates all that does not depend on interfaces. 0, or a negative errno with
 * err set; setup_fini() is due in either case.
 */
int setup_init(struct supervisor *s, const struct options *options, struct err *err);
void setup_fini(struct supervisor *s);

/* ---- crew.c ---------------------------------------------------------------------------------- */

/* Watches a descriptor for live_run(). 0 or a negative errno. */
int crew_watch(struct supervisor *s, int fd);

/* Opens the rings that are not open and forks all workers. 0, or a negative errno with err set. */
int crew_start(struct supervisor *s, struct err *err);

/* Workers that run, or will again. */
unsigned crew_running(const struct supervisor *s);

/* Tells all workers to work off their rings and end; patience with them begins to run. */
void crew_stop(struct supervisor *s);

/*
 * Starts those again that were waiting for it, and kills those that had their time to stop. A
 * negative errno when one cannot be started, and it has been logged.
 */
int crew_on_clock(struct supervisor *s);

/* Gives all workers a new log file; the descriptor is borrowed. */
void crew_give_log(struct supervisor *s, int fd);

/*
 * Sees which workers have ended. One that was not told to is replaced; a negative errno when that
 * cannot be done, and it has been logged.
 */
int crew_reap(struct supervisor *s);

/* ---- supervisor.c ---------------------------------------------------------------------------- */

/* The next signal that is due, without waiting. */
bool supervisor_next_signal(struct supervisor *s, uint32_t *out_signal);

/*
 * SIGHUP: opens the log file anew. Without one it means what it means to other programs; true says
 * that the run is to end.
 */
bool supervisor_hang_up(struct supervisor *s);

/* The kernel's counters since the last time; then what there was, on standard error. */
void supervisor_read_counters(struct supervisor *s);
void supervisor_print(struct supervisor *s);

/* ---- live.c ---------------------------------------------------------------------------------- */

/* Listens until a signal ends it. False when nothing could be heard at all. */
bool live_run(struct supervisor *s);
