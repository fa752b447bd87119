/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading capture files through one worker, with a progress line for people. */
#pragma once

#include "worker.h"

/* Asked between batches: true ends the reading. */
typedef bool files_stop_fn(void *user);

/* Given the frame on which the process before this one has died: packet `number` of a file. */
typedef void files_keep_fn(void *user, const char *path, uint64_t number,
                           const struct frame *frame);

struct files_hooks {
	files_stop_fn *must_stop;
	files_keep_fn *keep;
	void *user;
	int wake_fd; /* readable when must_stop() should be asked while a pipe has nothing */
};

/* Where reading is, or was when the process died that did it. */
struct files_place {
	unsigned file;   /* its number */
	uint64_t frames; /* of it that were handed out */
};
struct files_place files_place(const struct file_progress *progress);

/* Gives up what is behind the place in its file: the next process begins with the next file. */
void files_skip_rest(struct file_progress *progress);

/*
 * Reads all files in their order, from the place on where an earlier process died. A file that
 * cannot be opened or breaks off is one line on standard error; the others are read all the same.
 * Returns how many had such trouble.
 */
unsigned files_read(struct worker *w, const char *const *paths, unsigned count,
                    const struct files_hooks *hooks);
