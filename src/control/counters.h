/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of counters.def as names and values, for every form that the numbers leave in. */
#pragma once

#include "report.h"

#define COUNTERS_MAX 32 /* rows of one kind */

struct counters {
	unsigned count;
	uint64_t values[COUNTERS_MAX];
};

/* The names of each kind; *out_count is set to their number. */
const char *const *counters_link_names(unsigned *out_count);
const char *const *counters_ring_names(unsigned *out_count);
const char *const *counters_worker_names(unsigned *out_count);
const char *const *counters_sensor_names(unsigned *out_count);

/* The values in the same order. */
struct counters counters_of_link(const struct link_stats *c);
struct counters counters_of_ring(const struct ring_counts *c);
struct counters counters_of_worker(const struct worker_counts *c);
struct counters counters_of_sensor(const struct report *r);
