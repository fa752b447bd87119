/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is left to do when the last packet has been worked on: a record for each host that this run
 * found suspicious, and the file that keeps them.
 */
#pragma once

#include "host_files.h"

#include <passer/analyzers/analyzer.h>

struct closing {
	struct analyzer_ctx *ctx; /* to state the records with; its csv is flushed */
	const struct host_files *files;
	uint64_t time_ns; /* of the last packet */
};

/* 0, or a negative errno with err set: not all was kept. */
int closing_run(const struct closing *closing, struct err *err);
