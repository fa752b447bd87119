/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts what this process allocates, by whatever library: malloc(3) and its kin, and, in builds
 * without a sanitizer, mmap(2). To be linked into the program itself.
 */
#pragma once

#include <stdint.h>

/* Begins to count; the first ones are shown with their callers on standard error. */
void allocations_begin(void);

/* How many there were since allocations_begin(); no more are counted. */
uint64_t allocations_end(void);
