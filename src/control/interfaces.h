/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The interfaces that the sensor hears and the rings on them: one ring per interface and worker.
 * Without names there is one entry, "all interfaces", that also hears those that appear later.
 * The supervisor owns them for the life of the sensor.
 */
#pragma once

#include "link_tally.h"
#include "options.h"
#include "report.h"
#include "stats.h"

#include <passer/capture/link.h>
#include <passer/capture/ring.h>

struct interface {
	const char *name;      /* borrowed from the options */
	unsigned ifindex;      /* 0: all interfaces */
	bool is_gone;          /* not there, or not fit to be opened: passer waits for it */
	bool is_stale;         /* its rings belong to one that is gone */
	bool is_lost;          /* it is gone for good: no sockets are left for it */
	unsigned back_ifindex; /* one of its name that is there and up, and is to stay; 0: none */
	uint64_t settled_ns;   /* monotonic time at which that one has stayed long enough */
	uint64_t reopened_ns;  /* monotonic time at which it was back last; 0: never */
	bool is_up;
	uint32_t mtu;
	struct link_tally tally;
	struct ring_stock *stocks[WORKERS_MAX]; /* what its rings are made of, one after another */
	struct ring *rings[WORKERS_MAX];        /* NULL: not open */
	struct ring_counters kernel[WORKERS_MAX]; /* what the kernel has told of these rings */
	struct ring_counts closed[WORKERS_MAX];   /* what rings before them have counted */
};

struct interfaces {
	const struct options *options;     /* borrowed */
	const struct selection *selection; /* borrowed; as it is when a ring is opened */
	struct interface list[INTERFACES_MAX];
	unsigned count;
	unsigned workers;
	struct worker_shared *shared[WORKERS_MAX]; /* borrowed; holds the progress in rings */
};

/* Finds the named interfaces. 0, or a negative errno with err naming the one that is missing. */
int interfaces_init(struct interfaces *interfaces, const struct options *options,
                    const struct selection *selection, unsigned workers, struct err *err);

/*
 * Opens the rings that are not open: all of them at first, later those of an interface that came
 * back. One that went again meanwhile, or is not up where the kernel wants it so, is waited for.
 * Progress of worker i on interface k is kept in shared[i].progress[k]; shared is borrowed.
 */
int interfaces_open(struct interfaces *interfaces, struct worker_shared *const *shared,
                    struct err *err);

/*
 * Lays in sockets for named interfaces that come back, as many as RLIMIT_NOFILE has room for, which
 * is raised where that is allowed. What takes capabilities is done then.
 */
void interfaces_lay_in(struct interfaces *interfaces);

/*
 * What a change of a link means for the capture. A new interface is added to those that are set
 * promiscuous when all are heard; a named one that was gone and is there again and up is noted.
 */
void interfaces_on_link(struct interfaces *interfaces, const struct link_info *link);

/*
 * Opening an interface anew costs sockets and ends all workers, so one that was opened so within
 * ten seconds is waited for until it has stayed for a second. True when any has: the workers must
 * end, then interfaces_close_stale() and interfaces_open() follow. One that is back when no sockets
 * are left for it is told, and is heard no more.
 */
bool interfaces_settle(struct interfaces *interfaces);

/* Is none left that is heard or waited for? */
bool interfaces_are_lost(const struct interfaces *interfaces);

/* The monotonic time at which interfaces_settle() is due next; 0: nothing is waited for. */
uint64_t interfaces_settled_ns(const struct interfaces *interfaces);

/* The longest frame that any of them carries, with link header and tags; 0 when all are heard. */
uint32_t interfaces_longest_frame(const struct interfaces *interfaces);

/* Closes the rings of interfaces that came back. The workers that walk them must have ended. */
void interfaces_close_stale(struct interfaces *interfaces);

/* Lets nothing more into any ring. */
void interfaces_mute(struct interfaces *interfaces);

/*
 * What the ring of a worker on an interface has counted, with those that it replaced: read against
 * the stream, as report.h wants it. What its filter has counted for all of them is added to
 * *filter, too.
 */
struct ring_counts interfaces_read_ring(struct interfaces *interfaces, unsigned k, unsigned worker,
                                        struct filter_counters *filter);

/* Frames that a worker was handed by all its rings. */
uint64_t interfaces_handed_out(const struct interfaces *interfaces, unsigned worker);

/* Asks the kernel what the links have counted. */
void interfaces_read_links(struct interfaces *interfaces);

/* Lets another selection through from now on; 0, or the negative errno of the ring that failed. */
int interfaces_select(struct interfaces *interfaces, const struct selection *selection);

void interfaces_close(struct interfaces *interfaces);
