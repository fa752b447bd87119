/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hang.h"

#include "stats.h"

#include <passer/base/log.h>

#include <errno.h>
#include <string.h>
#include <sys/time.h>

/* A signal handler is given nothing, so what it looks at stands here. */
static struct {
	struct worker_shared *shared;
	uint64_t frames; /* handed out when the last tick came */
	unsigned ticks;  /* since then on the same one */
} watch;

static uint64_t frames_begun(const struct worker_shared *shared, bool *out_is_in_work)
{
	uint64_t frames = __atomic_load_n(&shared->file.place, __ATOMIC_RELAXED);
	bool is_in_work = __atomic_load_n(&shared->file.is_in_work, __ATOMIC_RELAXED) != 0;

	for (unsigned k = 0; k < INTERFACES_MAX; k++) {
		const struct ring_progress *ring = &shared->progress[k];

		frames += __atomic_load_n(&ring->frames, __ATOMIC_RELAXED);
		is_in_work |= __atomic_load_n(&ring->is_in_work, __ATOMIC_RELAXED) != 0;
	}
	*out_is_in_work = is_in_work;
	return frames;
}

/* The first tick within a frame comes when less than a whole one has been spent on it. */
static void on_tick(int number)
{
	bool is_in_work;
	uint64_t frames = frames_begun(watch.shared, &is_in_work);

	(void)number;
	if (!is_in_work || frames != watch.frames) {
		watch.frames = frames;
		watch.ticks = 0;
	} else if (++watch.ticks >= HANG_CPU_MAX_MS / HANG_TICK_MS) {
		__atomic_store_n(&watch.shared->has_hung, 1, __ATOMIC_RELEASE);
		raise(HANG_SIGNAL);
	}
}

void hang_watch(struct worker_shared *shared)
{
	const struct itimerval every_tick = {
		.it_interval.tv_usec = HANG_TICK_MS * 1000,
		.it_value.tv_usec = HANG_TICK_MS * 1000,
	};
	struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};

	watch.shared = shared;
	signal(HANG_SIGNAL, SIG_DFL);
	if (sigaction(SIGPROF, &action, NULL) != 0 ||
	    setitimer(ITIMER_PROF, &every_tick, NULL) != 0) {
		log_warn("no timer of CPU time: %s; a packet that keeps a process busy is noticed "
		         "later",
		         strerror(errno));
	}
}
