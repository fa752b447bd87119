/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "counters.h"

#include <string.h>

#define NAME(name, value)  #name,
#define VALUE(name, value) value,

static const char *const link_names[] = {
#define LINK_COUNTER NAME
#include "counters.def"
};

static const char *const ring_names[] = {
#define RING_COUNTER NAME
#include "counters.def"
};

static const char *const worker_names[] = {
#define WORKER_COUNTER NAME
#include "counters.def"
};

static const char *const sensor_names[] = {
#define SENSOR_COUNTER NAME
#include "counters.def"
};

#define COUNT(names) ((unsigned)(sizeof(names) / sizeof((names)[0])))

_Static_assert(COUNT(link_names) <= COUNTERS_MAX && COUNT(ring_names) <= COUNTERS_MAX &&
                       COUNT(worker_names) <= COUNTERS_MAX && COUNT(sensor_names) <= COUNTERS_MAX,
               "more rows than COUNTERS_MAX");

const char *const *counters_link_names(unsigned *out_count)
{
	*out_count = COUNT(link_names);
	return link_names;
}

const char *const *counters_ring_names(unsigned *out_count)
{
	*out_count = COUNT(ring_names);
	return ring_names;
}

const char *const *counters_worker_names(unsigned *out_count)
{
	*out_count = COUNT(worker_names);
	return worker_names;
}

const char *const *counters_sensor_names(unsigned *out_count)
{
	*out_count = COUNT(sensor_names);
	return sensor_names;
}

static struct counters counters_from(const uint64_t *values, unsigned count)
{
	struct counters all = {.count = count};

	memcpy(all.values, values, count * sizeof(values[0]));
	return all;
}

struct counters counters_of_link(const struct link_stats *c)
{
	const uint64_t values[] = {
#define LINK_COUNTER VALUE
#include "counters.def"
	};

	return counters_from(values, COUNT(values));
}

struct counters counters_of_ring(const struct ring_counts *c)
{
	const uint64_t values[] = {
#define RING_COUNTER VALUE
#include "counters.def"
	};

	return counters_from(values, COUNT(values));
}

struct counters counters_of_worker(const struct worker_counts *c)
{
	const uint64_t values[] = {
#define WORKER_COUNTER VALUE
#include "counters.def"
	};

	return counters_from(values, COUNT(values));
}

struct counters counters_of_sensor(const struct report *r)
{
	const uint64_t values[] = {
#define SENSOR_COUNTER VALUE
#include "counters.def"
	};

	return counters_from(values, COUNT(values));
}
