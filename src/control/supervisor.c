/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor.h"

#include "closing.h"
#include "reader.h"
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
	outputs_note_log(s);
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

int supervisor_confine(struct supervisor *s, struct err *err)
{
	struct host_files *files = &s->host_files;
	int ret = confine_process(&s->confinement, ROLE_SUPERVISOR, "the supervisor", NULL, err);

	confine_reach(&s->confinement, files->trusted, sizeof(files->trusted));
	confine_reach(&s->confinement, files->suspicious, sizeof(files->suspicious));
	return ret;
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
	struct csv csv = worker_csv(&s->common, shared, s->stdout_fd, s->log_fd);
	struct closing closing = {
		.ctx = &ctx,
		.files = &s->host_files,
		.time_ns = last_time_ns(s),
	};
	struct err err;

	csv.is_patient = !setup_wants_live(s->options);
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
	bool goes_on = !has_run || reader_run(&s);

	if (goes_on && setup_wants_live(options)) {
		has_run |= live_run(&s);
	}
	if (has_run) {
		outputs_drain(&s);
		run_closing(&s);
		outputs_drain(&s);
		outputs_finish_dumps(&s);
		tables_watch(&s);
		supervisor_print(&s);
		supervisor_write_stats(&s);
	}
	setup_fini(&s);
	return s.is_failed ? EXIT_TROUBLE : EXIT_SUCCESS;
}
