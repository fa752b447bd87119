/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where frames come from: the one interface that a capture file and a TPACKET_V3 ring implement.
 * Neither side of it knows the other: a worker drains sources, whatever they are.
 */
#pragma once

#include <passer/base/err.h>
#include <passer/base/frame.h>

enum source_state {
	SOURCE_MORE, /* call again, frames may be waiting */
	SOURCE_IDLE, /* nothing now: wait for source_fd() to become readable */
	SOURCE_END,  /* nothing ever again */
};

/* The frame and its bytes are borrowed until the function returns. */
typedef void source_frame_fn(void *user, const struct frame *frame);

struct source;

struct source_ops {
	int (*read)(struct source *source, source_frame_fn *fn, void *user, struct err *err);
	int (*fd)(const struct source *source);
	void (*close)(struct source *source);
};

/* Embedded as the first member of each implementation. */
struct source {
	const struct source_ops *ops;
};

/*
 * Hands a bounded batch of frames (a block of the ring, some hundreds of a file) to fn.
 * Returns an enum source_state, or a negative errno with err set; after an error no further call
 * may follow but source_close(). Frames before the place of the error have been handed over.
 */
static inline int source_read(struct source *source, source_frame_fn *fn, void *user,
                              struct err *err)
{
	return source->ops->read(source, fn, user, err);
}

/* The descriptor to wait on, or -1 when there is nothing to wait for (a file). Borrowed. */
static inline int source_fd(const struct source *source)
{
	return source->ops->fd(source);
}

/* Frees it. Accepts NULL. */
static inline void source_close(struct source *source)
{
	if (source != NULL) {
		source->ops->close(source);
	}
}
