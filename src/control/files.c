/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files.h"

#include "confine.h"

#include <passer/base/clock.h>
#include <passer/base/log.h>
#include <passer/capture/pcapfile.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
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
static void wait_for(const struct source *source, const struct files_hooks *hooks)
{
	struct pollfd fds[] = {
		{.fd = source_fd(source), .events = POLLIN},
		{.fd = hooks->wake_fd, .events = POLLIN},
	};

	(void)poll(fds, 2, -1);
}

/* ---- the place ------------------------------------------------------------------------------- */

struct files_place files_place(const struct file_progress *progress)
{
	uint64_t place = __atomic_load_n(&progress->place, __ATOMIC_ACQUIRE);

	return (struct files_place){
		.file = (unsigned)(place >> FILE_FRAMES_BITS),
		.frames = place & FILE_FRAMES_MASK,
	};
}

void files_skip_rest(struct file_progress *progress)
{
	uint64_t next = files_place(progress).file + UINT64_C(1);

	progress->is_once = progress->must_keep = 0;
	__atomic_store_n(&progress->place, next << FILE_FRAMES_BITS, __ATOMIC_RELEASE);
}

/* ---- one file -------------------------------------------------------------------------------- */

struct open_file {
	struct worker *w;
	const struct files_hooks *hooks;
	const char *path;
	uint64_t met, skipped; /* frames; and how many of the first ones another process has had */
};

/* The last one that it had may be what it died of. */
static void skip_frame(struct open_file *f, const struct frame *frame)
{
	struct file_progress *progress = &f->w->shared->file;

	f->met++;
	if (f->met == f->skipped && progress->must_keep != 0) {
		progress->must_keep = 0;
		f->hooks->keep(f->hooks->user, f->path, f->met, frame);
	}
}

static void take_frame(void *user, const struct frame *frame)
{
	struct open_file *f = user;
	struct file_progress *progress = &f->w->shared->file;

	if (f->met < f->skipped) {
		skip_frame(f, frame);
		return;
	}
	/* Before it is handed out: it shall not kill the successor too. */
	__atomic_store_n(&progress->place, progress->place + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&progress->is_in_work, 1, __ATOMIC_RELEASE);
	worker_frame(f->w, frame);
	__atomic_store_n(&progress->is_in_work, 0, __ATOMIC_RELEASE);
}

static bool is_over(int state, const struct files_hooks *hooks)
{
	return state < 0 || state == SOURCE_END || hooks->must_stop(hooks->user);
}

/* False when the file had trouble. */
static bool read_source(struct open_file *f, struct source *source)
{
	struct progress progress = progress_begin(f->w);
	struct err err;
	int state;

	do {
		state = source_read(source, take_frame, f, &err);
		ledger_settle(f->w->common->ledger);
		if (worker_flush(f->w) == -EPIPE && f->w->csv.log_fd < 0) {
			break;
		}
		progress_show(&progress, f->w, f->path, pcapfile_progress(source));
		if (state == SOURCE_IDLE) {
			wait_for(source, f->hooks);
		}
	} while (!is_over(state, f->hooks));
	progress_wipe(&progress);
	if (state < 0) {
		log_error("%s", err.text);
	}
	return state >= 0;
}

static void add_limit(struct err *err)
{
	size_t len = strlen(err->text);

	snprintf(
		err->text + len, sizeof(err->text) - len,
		"; more files than may be open at once cannot be opened before passer gives up its "
		"rights: raise the limit (ulimit -n), or name fewer");
}

static int open_by_path(const struct open_file *f, bool is_over_limit, struct source **out_source,
                        struct err *err)
{
	int ret = pcapfile_open(f->path, out_source, err);

	if (ret == -EACCES && is_over_limit) {
		add_limit(err);
	}
	return ret;
}

/* One that was opened before the rights for it were given up, else by its path. */
static int open_source(const struct open_file *f, struct source **out_source, struct err *err)
{
	int fd = confine_take_file(f->w->common->confinement, f->path);

	if (fd == -EAGAIN || fd == -EMFILE) {
		return open_by_path(f, fd == -EMFILE, out_source, err);
	}
	return fd >= 0 ? pcapfile_open_fd(f->path, fd, out_source, err)
	               : err_set(err, fd, "%s: cannot open: %s", f->path, strerror(-fd));
}

static bool read_one(struct open_file *f)
{
	struct file_progress *progress = &f->w->shared->file;
	struct source *source;
	struct err err;

	if (progress->is_once != 0) {
		log_error("%s: cannot be read a second time; what is behind packet %" PRIu64
		          " was not read",
		          f->path, f->skipped);
		return false;
	}
	if (open_source(f, &source, &err) < 0) {
		log_error("%s", err.text);
		return false;
	}
	progress->is_once = source_fd(source) >= 0 || strcmp(f->path, "-") == 0;
	bool is_whole = read_source(f, source);

	source_close(source);
	return is_whole;
}

unsigned files_read(struct worker *w, const char *const *paths, unsigned count,
                    const struct files_hooks *hooks)
{
	struct files_place from = files_place(&w->shared->file);
	unsigned troubles = 0;

	for (unsigned i = from.file; i < count && !hooks->must_stop(hooks->user); i++) {
		struct open_file file = {
			.w = w,
			.hooks = hooks,
			.path = paths[i],
			.skipped = i == from.file ? from.frames : 0,
		};

		troubles += !read_one(&file);
		files_skip_rest(&w->shared->file);
	}
	return troubles;
}
