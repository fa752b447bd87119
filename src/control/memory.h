/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The memory that --memory bounds: all tables and buffers that the sensor makes for itself. It is
 * mapped at the start and touched as it fills, so what is planned here is what it can grow to.
 * Beside it are the rings, which have options of their own, databases, which are as large as their
 * files, and what an unpacker of capture files needs.
 */
#pragma once

#include "options.h"

#include <passer/ledger/sizes.h>

#define MEMORY_PARTS_MAX 20

/* A table, or a kind of buffer. */
struct memory_part {
	const char *name;
	uint64_t entries; /* 0: it has none */
	unsigned copies;  /* the entries are those of one */
	uint64_t bytes;   /* of all copies */
};

struct memory_plan {
	struct ledger_sizes sizes;
	struct memory_part parts[MEMORY_PARTS_MAX];
	unsigned part_count;
	uint64_t bytes;      /* of all parts */
	uint64_t ring_bytes; /* beside them */
};

/*
 * Plans for so many workers, by --memory or the default. 0, or -EINVAL with an err that names the
 * least that will do.
 */
int memory_plan(const struct options *options, unsigned workers, struct memory_plan *out_plan,
                struct err *err);

/* A line for each part. */
void memory_print(const struct memory_plan *plan, FILE *out);
