/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the supervisor keeps, and the parts that it is made of: setup.c makes and unmakes it, crew.c
 * has the worker processes, live.c the run on interfaces, gather.c reads all counters, requests.c
 * answers on the control socket. Only these, supervisor.c and check.c include this.
 */
#pragma once

#include "confine.h"
#include "control_socket.h"
#include "host_files.h"
#include "interfaces.h"
#include "memory.h"
#include "report.h"
#include "stats_file.h"
#include "worker.h"

#include <sys/types.h>

#define QUARANTINE_DEFAULT_PATH "/var/lib/passer/quarantine.pcapng"

#define ANALYZER_DEATHS_MAX 3 /* within a minute: then it is switched off */

/* Workers that died in an analyzer. */
struct analyzer_deaths {
	unsigned count;
	uint64_t at_ns[ANALYZER_DEATHS_MAX]; /* monotonic times of the last ones, in turn */
};

/* Records of a type over --max-rate. */
struct flood {
	bool is_on;
	uint64_t limited, before; /* left out up to the last tick; and before it began */
};

/* What tells whether a table is too small: see tables.c. */
struct eviction_mark {
	uint64_t evicted, time_ns; /* when the window began; monotonic time */
	bool is_told;
};

/* What the watchdog saw of a worker at first, as long as it is on the same frame. */
struct frame_watch {
	uint64_t frames, cpu_ns;
};

/* What the supervisor keeps of a worker, whichever process it is at the moment. */
struct worker_slot {
	pid_t pid;      /* 0: none runs */
	int control_fd; /* -1: none */
	int cpu;
	unsigned restarts;
	unsigned quick_deaths; /* in a row, each within a second of its start */
	uint64_t born_ns;      /* monotonic time of its start */
	uint64_t rebirth_ns;   /* when it is started again; 0: not waiting for that */
	bool is_hung;          /* it spent too long on a frame and is killed */
	struct frame_watch watch;
	bool is_given_up; /* it did not stop and is killed */
	bool is_retiring; /* it was told to make room for one with new databases */
	struct worker_shared *shared;
	struct flows *flows;
	uint64_t from_files;   /* frames of capture files that it read before it listened */
	uint64_t ended_cpu_ns; /* user and system time of its processes that have ended */
	uint64_t died, records_died, lines_died; /* in work when a process died */
	uint64_t poisonous;                      /* frames that a process died of */
};

enum phase {
	PHASE_RUNNING,
	PHASE_REOPENING, /* workers end so that rings can be replaced */
	PHASE_STOPPING,
};

/* What the last tick found, for the next ones to compare with; see report.h. */
struct marks {
	struct ring_mark rings[INTERFACES_MAX][WORKERS_MAX];
	struct worker_mark workers[WORKERS_MAX];
};

struct supervisor {
	const struct options *options;
	struct memory_plan memory;
	struct databases db;
	struct ledger ledger;
	struct dispatch *dispatch;
	struct expression *expression;
	struct analyzer_options analyzer_options;
	struct selection *selection; /* shared with the workers */
	struct health_recent *recent;
	struct csv_files *csv_files; /* shared with the workers */
	struct worker_common common;
	struct host_files host_files;
	struct confinement confinement;
	struct worker_slot slots[WORKERS_MAX];
	unsigned worker_count;
	struct interfaces interfaces;
	struct link_monitor *links;
	int stdout_fd;      /* -1: nobody takes the lines */
	int stdout_back_fd; /* see csv.h */
	int log_fd;
	int signal_fd, timer_fd, epoll_fd;
	enum phase phase;
	struct report report;
	struct marks marks;
	char name[REPORT_NAME_SIZE];    /* of this sensor among those that run */
	struct control_socket *control; /* NULL: none */
	struct stats_file *stats;       /* NULL: none */
	uint64_t stats_due_ns;          /* monotonic time of the next lines in it */
	uint64_t started_ns;            /* monotonic time */
	uint64_t kill_ns;    /* monotonic time at which patience with stopping workers ends */
	bool log_has_name;   /* there is a log file, and it had a name when it was opened */
	bool is_log_missed;  /* it was removed, cannot be opened anew, and that was told */
	bool has_told_split; /* that fanout takes the directions of flows apart */
	struct pcapdump *quarantine; /* NULL: none */
	struct analyzer_deaths deaths[ANALYZERS_MAX];
	struct flood floods[REC_COUNT];
	struct eviction_mark evictions[LEDGER_TABLE_COUNT];
	bool must_mend_names; /* a worker may have died within them */
	bool must_reload;     /* the databases, when the clock strikes: once for many signals */
	bool ends_on_hangup;  /* its terminal is gone then, and nobody else gets the lines */
	bool is_failed;
};

/* ---- setup.c --------------------------------------------------------------------------------- */

/* Does this run listen at all? */
bool setup_wants_live(const struct options *options);

/* The CPUs of workers and how many there will be. 0, or a negative errno with err set. */
int setup_workers(const struct options *options, cpu_set_t *out_cpus, unsigned *out_workers,
                  struct err *err);

/*
 * Loads, opens and allocates all that does not depend on interfaces. 0, or a negative errno with
 * err set; setup_fini() is due in either case.
 */
int setup_init(struct supervisor *s, const struct options *options, struct err *err);
void setup_fini(struct supervisor *s);

/*
 * Loads all databases into *db, the trusted hosts among them. 0, or a negative errno with err set;
 * databases_fini() is due in either case.
 */
int setup_load_databases(const struct supervisor *s, struct databases *db, struct err *err);

/* ---- crew.c ---------------------------------------------------------------------------------- */

/* Watches a descriptor for live_run(). 0 or a negative errno. */
int crew_watch(struct supervisor *s, int fd);

/* Opens the rings that are not open. 0, or a negative errno with err set. */
int crew_open_rings(struct supervisor *s, struct err *err);

/* The same, and forks all workers. */
int crew_start(struct supervisor *s, struct err *err);

/*
 * Lines and frames that a dead worker had ready leave now; what it was working on is lost with it.
 */
void crew_flush_left(struct supervisor *s, unsigned worker);

/* Workers that run, or will again. */
unsigned crew_running(const struct supervisor *s);

/* Tells all workers to work off their rings and end; patience with them begins to run. */
void crew_stop(struct supervisor *s);

/* "was killed by signal 11", by what wait(2) has told. */
void crew_tell_end(int status, struct text *how);

/*
 * Starts those again that were waiting for it, and kills those that had their time to stop. A
 * negative errno when one cannot be started, and it has been logged.
 */
int crew_on_clock(struct supervisor *s);

/* Lets a new process go on in the place of each worker, with the databases as they are now. */
void crew_renew(struct supervisor *s);

/* Gives all workers a new log file; the descriptor is borrowed. */
void crew_give_log(struct supervisor *s, int fd);

/*
 * Sees which workers have ended. One that was not told to is replaced; a negative errno when that
 * cannot be done, and it has been logged.
 */
int crew_reap(struct supervisor *s);

/* ---- reload.c -------------------------------------------------------------------------------- */

/*
 * Loads all databases anew and has them used from the next packet on; none is lost. When any of
 * them is bad the old ones stay: a negative errno with err set.
 */
int reload_databases(struct supervisor *s, struct err *err);

/* ---- supervisor.c ---------------------------------------------------------------------------- */

/* The next signal that is due, without waiting. */
bool supervisor_next_signal(struct supervisor *s, uint32_t *out_signal);

/*
 * SIGHUP: opens the files anew that are written, and has databases loaded anew soon. True says that
 * the run is to end, since that is what it means to a program on a terminal.
 */
bool supervisor_hang_up(struct supervisor *s);

/* Opens the log file and that of --stats anew. 0, or a negative errno with err set. */
int supervisor_reopen(struct supervisor *s, struct err *err);

/* Gives up what the supervisor needs no more. 0, or a negative errno with err set: it must end. */
int supervisor_confine(struct supervisor *s, struct err *err);

/* What there was so far, on standard error; and as lines of --stats, where there is one. */
void supervisor_print(struct supervisor *s);
void supervisor_write_stats(struct supervisor *s);

/* ---- poison.c -------------------------------------------------------------------------------- */

/*
 * Worker i has died: when it was of the frame in work, keeps the frame, blames the analyzer, and
 * says so in *how, which has "was killed by signal 11" or the like. Before its successor starts.
 */
void poison_on_death(struct supervisor *s, unsigned i, int status, struct text *how);

/*
 * Appends a frame to the quarantine; by one process at a time. What became of it, to be told before
 * the name of the file: "is in"; NULL when it cannot be kept.
 */
const char *poison_keep(const struct supervisor *s, const struct frame *frame);

/* Was its process ended by somebody else, or by a limit, so that no frame is to blame? */
bool poison_is_from_outside(const struct worker_slot *slot, int status);

/* The file of the quarantine, whether or not there is one. */
const char *poison_path(const struct supervisor *s);

/* Before a process of worker i starts: nothing is in work. */
void poison_forget(struct supervisor *s, unsigned i);

/* Once a second: kills workers that hang on a frame and whose own watch (hang.h) has failed. */
void poison_watch(struct supervisor *s);

/* ---- outputs.c ------------------------------------------------------------------------------- */

/* The log was opened: when it has a name it is missed as soon as that is gone. */
void outputs_note_log(struct supervisor *s);

/*
 * Once a second: a log that was removed is opened anew as soon as that can be done; a packet that
 * waits for the quarantine is written; the beginning and the end of a flood of records are told.
 */
void outputs_on_clock(struct supervisor *s);

/*
 * When all workers have ended: writes the lines that are kept, as long as somebody takes any. The
 * others are lost, which is told, and the run has failed.
 */
void outputs_drain(struct supervisor *s);

/* Likewise the files of packets: what cannot be written is cut off, so that they can be read. */
void outputs_finish_dumps(struct supervisor *s);

/* ---- gather.c -------------------------------------------------------------------------------- */

/* Reads the counters once a second, so that none runs over and the balance has what was before. */
void gather_tick(struct supervisor *s);

/* The whole picture, as it is now. Borrowed, and good until the next call of any of these. */
const struct report *gather_report(struct supervisor *s);

/* User and system time of a process that runs; 0: none does. */
uint64_t gather_cpu_ns(pid_t pid);

/* A worker process has ended: what it had in work is lost with it, and is counted as such. */
void gather_death(struct supervisor *s, unsigned worker);

/* ---- tables.c -------------------------------------------------------------------------------- */

/* Reads the tables alone, and the files of packets alone, into the report. */
void tables_read(struct supervisor *s);
void tables_read_dumps(struct supervisor *s);

/* Once a second, and at the end: says once of each table that loses much that it is too small. */
void tables_watch(struct supervisor *s);

/* ---- requests.c ------------------------------------------------------------------------------ */

/* The control socket's answer to a line, in memory that the caller frees; NULL: out of memory. */
char *requests_answer(void *supervisor, const char *line);

/* ---- live.c ---------------------------------------------------------------------------------- */

/* Listens until a signal ends it. False when nothing could be heard at all. */
bool live_run(struct supervisor *s);
