/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The report as lines of a CSV file, --stats: for each time one line per interface, ring and worker
 * and one for the sum. Columns are those of counters.def; numbers count from the start of the
 * sensor, so that an interval is the difference of two lines.
 */
#pragma once

#include "report.h"

#include <passer/base/err.h>

struct stats_file;

/* Appends to a file; the header is written when it is empty. path is borrowed. */
int stats_file_open(const char *path, struct stats_file **out_file, struct err *err);

/* The same file anew, for it was renamed. 0, or a negative errno with err set: the old one stays.
 */
int stats_file_reopen(struct stats_file *file, struct err *err);

/* All lines of this time in one write. A failure is told once. */
void stats_file_write(struct stats_file *file, const struct report *report);

/* Accepts NULL. */
void stats_file_close(struct stats_file *file);
