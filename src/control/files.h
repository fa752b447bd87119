/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading capture files through one worker, with a progress line for people. */
#pragma once

#include "worker.h"

/* Asked between batches: true ends the reading. */
typedef bool files_stop_fn(void *user);

struct files_stop {
	files_stop_fn *must_stop;
	void *user;
	int wake_fd; /* readable when must_stop() should be asked while a pipe has nothing */
};

/*
 * Reads all files in their order. A file that cannot be opened or breaks off is one line on
 * standard error; the others are read all the same. Returns how many had such trouble.
 */
unsigned files_read(struct worker *w, const char *const *paths, unsigned count,
                    const struct files_stop *stop);
