/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the supervisor does for the outputs of its workers. */
#include "sensor.h"

#include <passer/base/clock.h>
#include <passer/base/log.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/stat.h>

#define DRAIN_PATIENCE_NS (3 * NS_PER_S) /* without anything being taken */
#define DRAIN_POLL_MS     10

void outputs_note_log(struct supervisor *s)
{
	struct stat st;

	s->log_has_name = fstat(s->log_fd, &st) == 0 && st.st_nlink > 0;
	s->is_log_missed = false;
}

static void regain_log(struct supervisor *s)
{
	struct err err;

	if (supervisor_reopen(s, &err) < 0 && !s->is_log_missed) {
		s->is_log_missed = true;
		log_error("%s; its lines are kept in memory", err.text);
	}
}

static uint64_t limited_of_type(const struct supervisor *s, int type)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < s->worker_count; i++) {
		sum += s->slots[i].shared->emit.limited_by_type[type];
	}
	return sum;
}

/* A flood is over when a tick has none of it. */
static void tell_limited(struct supervisor *s, int type)
{
	struct flood *flood = &s->floods[type];
	const char *name = record_type_name((enum record_type)type);
	uint64_t limited = limited_of_type(s, type);

	if (limited != flood->limited && !flood->is_on) {
		flood->is_on = true;
		flood->before = flood->limited;
		log_warn("output: more than %u %s lines a second; those over it are left out until "
		         "they are heard again",
		         s->options->max_rate, name);
	} else if (limited == flood->limited && flood->is_on) {
		flood->is_on = false;
		log_info("output: the flood of %s lines is over; %" PRIu64 " were left out", name,
		         limited - flood->before);
	}
	flood->limited = limited;
}

/* Does any worker keep lines since the log refuses them? */
static bool is_log_failing(const struct supervisor *s)
{
	bool is_failing = false;

	for (unsigned i = 0; i < s->worker_count; i++) {
		is_failing |= s->slots[i].shared->buffer.log.is_told != 0;
	}
	return is_failing;
}

/* Is something else, or nothing, where the log was, since its file system went away? */
static bool was_replaced(const struct supervisor *s, const struct stat *log)
{
	struct stat st;

	if (stat(s->options->log_path, &st) != 0) {
		return errno == ENOENT;
	}
	return st.st_dev != log->st_dev || st.st_ino != log->st_ino;
}

/*
 * As long as it can be written, a log that was renamed is written on: whoever rotates logs says so
 * by SIGHUP. One that fails is let go of, else the file system that it is on could not be mended.
 */
static void look_after_log(struct supervisor *s)
{
	struct stat st;

	if (!s->log_has_name || fstat(s->log_fd, &st) != 0) {
		return;
	}
	if (st.st_nlink == 0 || (is_log_failing(s) && was_replaced(s, &st))) {
		regain_log(s);
	}
}

void outputs_on_clock(struct supervisor *s)
{
	look_after_log(s);
	if (s->quarantine != NULL) {
		pcapdump_flush(s->quarantine, 0); /* what waits */
	}
	for (int type = REC_NONE + 1; type < REC_COUNT; type++) {
		tell_limited(s, type);
	}
}

/* Bytes that are kept, over all workers, when each has tried once more. */
static uint64_t try_again(struct supervisor *s)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < s->worker_count; i++) {
		struct worker_shared *shared = s->slots[i].shared;
		struct csv csv = worker_csv(&s->common, shared, s->stdout_fd, s->log_fd);

		(void)csv_flush(&csv);
		if (csv.has_no_reader) {
			s->stdout_fd = -1;
		}
		bytes += csv_waiting_bytes(&csv);
	}
	return bytes;
}

static void drop_all(struct supervisor *s)
{
	uint64_t lines = 0;

	for (unsigned i = 0; i < s->worker_count; i++) {
		struct csv csv =
			worker_csv(&s->common, s->slots[i].shared, s->stdout_fd, s->log_fd);

		lines += csv_drop(&csv);
	}
	log_error("output: %" PRIu64 " lines could not be written and are lost", lines);
	s->is_failed = true;
}

void outputs_drain(struct supervisor *s)
{
	uint64_t left = try_again(s), before = left;
	uint64_t deadline = clock_monotonic_ns() + DRAIN_PATIENCE_NS;

	while (left > 0 && clock_monotonic_ns() < deadline) {
		(void)poll(NULL, 0, DRAIN_POLL_MS);
		left = try_again(s);
		if (left < before) {
			deadline = clock_monotonic_ns() + DRAIN_PATIENCE_NS;
		}
		before = left;
	}
	if (left > 0) {
		drop_all(s);
	}
}

void outputs_finish_dumps(struct supervisor *s)
{
	struct pcapdump *const dumps[] = {
		s->common.unhandled,
		s->common.suspicious != s->common.unhandled ? s->common.suspicious : NULL,
		s->quarantine,
	};

	for (size_t i = 0; i < sizeof(dumps) / sizeof(dumps[0]); i++) {
		if (dumps[i] != NULL) {
			pcapdump_finish(dumps[i]);
		}
	}
}
