/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Capture files, read by a process of their own: what is in them is no better than what is on a
 * network, so it is confined as a worker is. All that it learns is in shared memory.
 */
#pragma once

#include <stdbool.h>

struct supervisor;

/* Reads all files in their order. True when the run may go on to the interfaces. */
bool reader_run(struct supervisor *s);
