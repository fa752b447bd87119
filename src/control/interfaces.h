/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The interfaces that the sensor hears and the rings on them: one ring per interface and worker.
 * Without names there is one entry, "all interfaces", that also hears those that appear later.
 * The supervisor owns them for the life of the sensor.
 */
#pragma once

#include "options.h"
#include "stats.h"

#include <passer/capture/link.h>
#include <passer/capture/ring.h>

struct interface {
	const char *name; /* borrowed from the options */
	unsigned ifindex; /* 0: all interfaces */
	bool is_gone;     /* not there, or not fit to be opened: passer waits for it */
	bool is_stale;    /* its rings belong to one that is gone */
	struct ring *rings[WORKERS_MAX]; /* NULL: not open */
};

struct interfaces {
	const struct options *options; /* borrowed */
	struct interface list[INTERFACES_MAX];
	unsigned count;
	unsigned workers;
	/* What the filters of rings that were closed had counted, by worker. */
	struct class_counter closed[WORKERS_MAX][FRAME_CLASS_COUNT];
};

/* Finds the named interfaces. 0, or a negative errno with err naming the one that is missing. */
int interfaces_init(struct interfaces *interfaces, const struct options *options, unsigned workers,
                    struct err *err);

/*
 * Opens the rings that are not open: all of them at first, later those of an interface that came
 * back. One that went again meanwhile, or is not up where the kernel wants it so, is waited for.
 * Progress of worker i on interface k is kept in shared[i].progress[k].
 */
int interfaces_open(struct interfaces *interfaces, struct worker_shared *const *shared,
                    struct err *err);

/*
 * What a change of a link means for the capture. A new interface is added to those that are set
 * promiscuous when all are heard. True when a named interface that was gone is there again and up:
 * the workers must end, then interfaces_close_stale() and interfaces_open() follow.
 */
bool interfaces_on_link(struct interfaces *interfaces, const struct link_info *link);

/* Closes the rings of interfaces that came back. The workers that walk them must have ended. */
void interfaces_close_stale(struct interfaces *interfaces);

/* Lets nothing more into any ring. */
void interfaces_mute(struct interfaces *interfaces);

/* Adds what the kernel has counted for the rings of a worker since the last call. */
void interfaces_read_drops(struct interfaces *interfaces, unsigned worker,
                           struct ring_counters *counters);

/* The filter's counters for all rings that a worker has had, by class. */
void interfaces_read_classes(const struct interfaces *interfaces, unsigned worker,
                             struct class_counter out_classes[FRAME_CLASS_COUNT]);

void interfaces_close(struct interfaces *interfaces);
