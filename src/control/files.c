/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files.h"

#include <passer/base/clock.h>
#include <passer/base/log.h>
#include <passer/capture/pcapfile.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define PROGRESS_EVERY_NS (NS_PER_S / 4)

/* A line on a terminal that is written over again and again. */
struct progress {
	bool is_shown; /* standard error is a terminal */
	bool is_dirty; /* there is something to wipe out */
	uint64_t started_ns, last_ns;
	uint64_t frames_before;
};

static struct progress progress_begin(const struct worker *w)
{
	uint64_t now = clock_monotonic_ns();

	return (struct progress){
		.is_shown = isatty(STDERR_FILENO) == 1,
		.started_ns = now,
		.last_ns = now,
		.frames_before = w->shared->frames,
	};
}

static void progress_show(struct progress *p, const struct worker *w, const char *path,
                          struct pcapfile_progress at)
{
	uint64_t now = p->is_shown ? clock_monotonic_ns() : 0;

	if (!p->is_shown || now - p->last_ns < PROGRESS_EVERY_NS) {
		return;
	}
	double seconds = (double)(now - p->started_ns) / (double)NS_PER_S;
	double rate = (double)(w->shared->frames - p->frames_before) / seconds;

	p->last_ns = now;
	p->is_dirty = true;
	if (at.size_bytes == 0 || at.read_bytes == 0) {
		fprintf(stderr, "\r\033[K%s: %.0f packets/s", path, rate);
		return;
	}
	double part = (double)at.read_bytes / (double)at.size_bytes;

	fprintf(stderr, "\r\033[K%s: %3.0f %%, %.0f packets/s, %.0f s left", path, part * 100.0,
	        rate, seconds / part - seconds);
}

static void progress_wipe(struct progress *p)
{
	if (p->is_dirty) {
		fprintf(stderr, "\r\033[K");
		p->is_dirty = false;
	}
}

/* Until the pipe has something, or somebody wants us to stop. */
static void wait_for(const struct source *source, const struct files_stop *stop)
{
	struct pollfd fds[] = {
		{.fd = source_fd(source), .events = POLLIN},
		{.fd = stop->wake_fd, .events = POLLIN},
	};

	(void)poll(fds, 2, -1);
}

static bool is_over(int state, const struct files_stop *stop)
{
	return state < 0 || state == SOURCE_END || stop->must_stop(stop->user);
}

/* False when the file had trouble. */
static bool read_one(struct worker *w, const char *path, const struct files_stop *stop)
{
	struct progress progress = progress_begin(w);
	struct source *source;
	struct err err;
	int state = pcapfile_open(path, &source, &err);

	if (state < 0) {
		log_error("%s", err.text);
		return false;
	}
	do {
		state = source_read(source, worker_frame, w, &err);
		if (worker_flush(w) == -EPIPE && w->csv.log_fd < 0) {
			break;
		}
		progress_show(&progress, w, path, pcapfile_progress(source));
		if (state == SOURCE_IDLE) {
			wait_for(source, stop);
		}
	} while (!is_over(state, stop));
	progress_wipe(&progress);
	source_close(source);
	if (state < 0) {
		log_error("%s", err.text);
	}
	return state >= 0;
}

unsigned files_read(struct worker *w, const char *const *paths, unsigned count,
                    const struct files_stop *stop)
{
	unsigned troubles = 0;

	for (unsigned i = 0; i < count && !stop->must_stop(stop->user); i++) {
		troubles += !read_one(w, paths[i], stop);
	}
	return troubles;
}
