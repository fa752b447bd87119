/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor.h"

#include "closing.h"
#include "files.h"
#include "sensor.h"

#include <passer/base/log.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define EXIT_TROUBLE   1
#define EXIT_ARGUMENTS 2

bool supervisor_next_signal(struct supervisor *s, uint32_t *out_signal)
{
	struct signalfd_siginfo info;

	if (read(s->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
		return false;
	}
	*out_signal = info.ssi_signo;
	return true;
}

static int reopen_log(struct supervisor *s, struct err *err)
{
	int fd = csv_open_log(s->options->log_path, err);

	if (fd < 0) {
		return fd;
	}
	crew_give_log(s, fd);
	close(s->log_fd);
	s->log_fd = fd;
	log_info("log file %s opened anew", s->options->log_path);
	return 0;
}

int supervisor_reopen(struct supervisor *s, struct err *err)
{
	struct err other;
	int ret = s->options->log_path != NULL ? reopen_log(s, err) : 0;
	int also = s->stats != NULL ? stats_file_reopen(s->stats, ret == 0 ? err : &other) : 0;

	return ret == 0 ? also : ret;
}

bool supervisor_hang_up(struct supervisor *s)
{
	struct err err;

	if (s->ends_on_hangup) {
		return true;
	}
	if (supervisor_reopen(s, &err) < 0) {
		log_error("%s; the old file is still written", err.text);
	}
	s->must_reload = true;
	return false;
}

/* Only when there is something to say. */
static void print_dump(const struct pcapdump *dump, const char *path)
{
	struct pcapdump_counters c = {.frames = 0};

	if (dump != NULL) {
		c = pcapdump_counters(dump);
	}
	if (c.other_links + c.over_limit + c.lost > 0) {
		log_warn("%s: %" PRIu64 " frames taken; left out: %" PRIu64
		         " of another link type, %" PRIu64 " over the limit; lost: %" PRIu64,
		         path, c.frames, c.other_links, c.over_limit, c.lost);
	}
}

void supervisor_print(struct supervisor *s)
{
	stats_summary(gather_report(s));
	print_dump(s->common.unhandled, s->options->unhandled_path);
	if (s->common.suspicious != s->common.unhandled) {
		print_dump(s->common.suspicious, s->options->dump_path);
	}
}

void supervisor_write_stats(struct supervisor *s)
{
	if (s->stats != NULL) {
		stats_file_write(s->stats, gather_report(s));
	}
}

struct file_run {
	struct supervisor *s;
	struct worker worker;
	bool is_stopped;
};

static bool must_stop_reading(void *user)
{
	struct file_run *run = user;
	uint32_t signal;

	while (supervisor_next_signal(run->s, &signal)) {
		if (signal == SIGUSR1) {
			supervisor_print(run->s);
		}
		if (signal == SIGHUP) {
			run->is_stopped |= supervisor_hang_up(run->s);
			csv_set_log(&run->worker.csv, run->s->log_fd);
		}
		run->is_stopped |= signal == SIGINT || signal == SIGTERM;
	}
	if (run->s->common.stops_at_unhandled && run->worker.has_met_unhandled) {
		run->is_stopped = true;
	}
	return run->is_stopped;
}

/* True when the run may go on to the interfaces. */
static bool read_files(struct supervisor *s)
{
	struct file_run run = {.s = s};
	struct files_stop stop = {
		.must_stop = must_stop_reading,
		.user = &run,
		.wake_fd = s->signal_fd,
	};
	const struct options *o = s->options;
	unsigned troubles;

	worker_init(&run.worker, 0, &s->common, s->slots[0].shared, s->slots[0].flows, s->stdout_fd,
	            s->log_fd);
	troubles = files_read(&run.worker, o->files, o->file_count, &stop);
	worker_fini(&run.worker);
	s->slots[0].from_files = s->slots[0].shared->frames + s->slots[0].shared->behind_stop;
	s->is_failed |= troubles > 0;
	return !run.is_stopped;
}

static uint64_t last_time_ns(const struct supervisor *s)
{
	uint64_t last = 0;

	for (unsigned i = 0; i < s->worker_count; i++) {
		uint64_t of_worker = s->slots[i].shared->last_time_ns;

		last = of_worker > last ? of_worker : last;
	}
	return last;
}

/* All workers have ended, so the first one's buffer and counters are free to use. */
static void run_closing(struct supervisor *s)
{
	static struct analyzer_ctx ctx; /* too large for a stack */
	struct worker_shared *shared = s->slots[0].shared;
	struct csv csv = {
		.buffer = &shared->buffer,
		.counters = &shared->csv,
		.stdout_fd = s->stdout_fd,
		.log_fd = s->log_fd,
		.has_timestamp = s->options->has_timestamp,
	};
	struct closing closing = {
		.ctx = &ctx,
		.files = &s->host_files,
		.time_ns = last_time_ns(s),
	};
	struct err err;

	ctx.ledger = &s->ledger;
	ctx.db = &s->db;
	ctx.options = &s->analyzer_options;
	ctx.selection = s->selection;
	ctx.csv = &csv;
	ctx.counters = &shared->emit;
	if (closing_run(&closing, &err) < 0) {
		log_error("%s; the suspicious hosts of this run are not kept", err.text);
		s->is_failed = true;
	}
}

int supervisor_run(const struct options *options)
{
	static struct supervisor s;
	struct err err;
	int ret = setup_init(&s, options, &err);

	if (ret < 0) {
		log_error("%s", err.text);
		setup_fini(&s);
		return ret == -EINVAL ? EXIT_ARGUMENTS : EXIT_TROUBLE;
	}
	bool has_run = options->file_count > 0;
	bool goes_on = !has_run || read_files(&s);

	if (goes_on && setup_wants_live(options)) {
		has_run |= live_run(&s);
	}
	if (has_run) {
		run_closing(&s);
		supervisor_print(&s);
		supervisor_write_stats(&s);
	}
	setup_fini(&s);
	return s.is_failed ? EXIT_TROUBLE : EXIT_SUCCESS;
}
