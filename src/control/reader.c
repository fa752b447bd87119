/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reader.h"

#include "files.h"
#include "sensor.h"

#include <passer/base/log.h>
#include <passer/ledger/names.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Processes that read, one after the other: the first one, and those that go on behind its death.
 * All are there from the start, since later the supervisor has neither the rights nor the sight of
 * the files that a reader needs. One more than the deaths that switch an analyzer off.
 */
#define READERS_MAX (ANALYZER_DEATHS_MAX + 1)

/* Bits of its exit status; a runtime that ends it has others. */
#define EXIT_TROUBLE 0x10 /* a file could not be read to its end */
#define EXIT_STOPPED 0x20 /* it was told to stop, or has met what the run stops at */

/* ---- the process that reads ------------------------------------------------------------------ */

struct reading {
	struct worker worker;
	const struct supervisor *supervisor; /* as it was when this process began */
	int control_fd;
	bool is_stopped;
};

/* False: its turn does not come. With its turn comes the log file, which may be another by now. */
static bool wait_turn(int control_fd, int *out_log_fd)
{
	struct pollfd p = {.fd = control_fd, .events = POLLIN};
	int order;

	do {
		(void)poll(&p, 1, -1);
		order = order_hear(control_fd, out_log_fd);
	} while (order == ORDER_HEARD_NOTHING);
	return order == ORDER_START;
}

static void keep_poison(void *user, const char *path, uint64_t number, const struct frame *frame)
{
	const struct reading *r = user;

	const char *kept = poison_keep(r->supervisor, frame);

	if (kept != NULL) {
		log_warn("%s: packet %" PRIu64 " %s %s", path, number, kept,
		         poison_path(r->supervisor));
	}
}

static void take_log(struct worker *w, int fd)
{
	(void)worker_flush(w);
	close(w->csv.log_fd);
	csv_set_log(&w->csv, fd);
}

static bool must_stop(void *user)
{
	struct reading *r = user;
	int order, fd;

	while ((order = order_hear(r->control_fd, &fd)) != ORDER_HEARD_NOTHING) {
		if (order == ORDER_REOPEN && fd >= 0) {
			take_log(&r->worker, fd);
		} else {
			r->is_stopped = true; /* told to, or the supervisor is gone */
			break;
		}
	}
	r->is_stopped |= r->worker.common->stops_at_unhandled && r->worker.has_met_unhandled;
	return r->is_stopped;
}

static _Noreturn void read_all(const struct supervisor *s, int control_fd)
{
	static struct reading r;
	struct files_hooks hooks = {
		.must_stop = must_stop,
		.keep = keep_poison,
		.user = &r,
		.wake_fd = control_fd,
	};
	const struct options *o = s->options;
	const struct worker_slot *slot = &s->slots[0];
	int status = 0, log_fd = -1;
	struct err err;

	if (confine_process(&s->confinement, ROLE_READER, "the reader of files", NULL, &err) < 0) {
		log_error("%s", err.text);
		exit(EXIT_TROUBLE);
	}
	if (!wait_turn(control_fd, &log_fd)) {
		_exit(EXIT_SUCCESS);
	}
	r.control_fd = control_fd;
	r.supervisor = s;
	worker_init(&r.worker, 0, &s->common, slot->shared, slot->flows, s->stdout_fd, log_fd);
	r.worker.csv.is_patient = true;
	status |= files_read(&r.worker, o->files, o->file_count, &hooks) > 0 ? EXIT_TROUBLE : 0;
	status |= r.is_stopped ? EXIT_STOPPED : 0;
	worker_fini(&r.worker);
	exit(status);
}

/* ---- the supervisor meanwhile: the processes ------------------------------------------------- */

struct reader {
	pid_t pid;
	int control_fd;
};

/* Those from `next` on wait for their turn. */
struct readers {
	struct reader list[READERS_MAX];
	unsigned count, next;
};

static _Noreturn void be_reader(const struct supervisor *s, const struct readers *before,
                                int control_fd)
{
	worker_begin(s->slots[0].shared);
	/* Else the others would not see the supervisor's end close. */
	for (unsigned i = 0; i < before->count; i++) {
		close(before->list[i].control_fd);
	}
	close(s->signal_fd);
	stats_file_close(s->stats);
	read_all(s, control_fd);
}

static int add_reader(const struct supervisor *s, struct readers *readers)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		return -errno;
	}
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		be_reader(s, readers, pair[1]);
	}
	int ret = pid < 0 ? -errno : 0;

	close(pair[1]);
	if (ret < 0) {
		close(pair[0]);
		return ret;
	}
	readers->list[readers->count++] = (struct reader){pid, pair[0]};
	return 0;
}

/* One will do; without the others reading ends with it. */
static int add_readers(const struct supervisor *s, struct readers *readers)
{
	int ret = 0;

	while (readers->count < READERS_MAX && ret == 0) {
		ret = add_reader(s, readers);
	}
	return readers->count > 0 ? 0 : ret;
}

/* Whose turn it is now. */
static pid_t start_next(struct supervisor *s, struct readers *readers)
{
	const struct reader *reader = &readers->list[readers->next++];

	poison_forget(s, 0);
	s->slots[0].control_fd = reader->control_fd;
	(void)order_send(reader->control_fd, ORDER_START, s->log_fd); /* else wait(2) will tell */
	return reader->pid;
}

static void end_others(const struct readers *readers)
{
	for (unsigned i = readers->next; i < readers->count; i++) {
		close(readers->list[i].control_fd);
		(void)waitpid(readers->list[i].pid, NULL, 0);
	}
}

/* ---- one that reads -------------------------------------------------------------------------- */

/* Who asks twice does not want to wait for a reader of the lines that takes nothing. */
static void stop(struct supervisor *s, pid_t pid, bool *is_told)
{
	if (*is_told) {
		kill(pid, SIGKILL);
	}
	*is_told = true;
	crew_stop(s);
}

static void on_signals(struct supervisor *s, pid_t pid, bool *is_told)
{
	uint32_t signal;

	while (supervisor_next_signal(s, &signal)) {
		if (signal == SIGUSR1) {
			supervisor_print(s);
		}
		if (signal == SIGINT || signal == SIGTERM ||
		    (signal == SIGHUP && supervisor_hang_up(s))) {
			stop(s, pid, is_told);
		}
	}
}

static int wait_for(struct supervisor *s, pid_t pid, bool *is_told)
{
	struct pollfd signals = {.fd = s->signal_fd, .events = POLLIN};
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		(void)poll(&signals, 1, -1); /* SIGCHLD is one of them */
		on_signals(s, pid, is_told);
	}
	close(s->slots[0].control_fd);
	s->slots[0].control_fd = -1;
	return status;
}

static bool has_died(int status)
{
	return !WIFEXITED(status) || (WEXITSTATUS(status) & ~(EXIT_TROUBLE | EXIT_STOPPED)) != 0;
}

/* What it was doing, for the line about its death. */
static void tell_place(const struct supervisor *s, bool is_in_work, struct text *how)
{
	const struct options *o = s->options;
	struct files_place place = files_place(&s->slots[0].shared->file);

	text_add(how, is_in_work ? ": it was packet " : ", behind packet ");
	text_add_uint(how, place.frames);
	text_add(how, " of ");
	text_add(how, place.file < o->file_count ? o->files[place.file] : "no file");
}

/* The quarantine is one of them: the last thing that it did may have been to keep a frame. */
static void mend_dumps(struct supervisor *s)
{
	struct pcapdump *const dumps[] = {s->common.unhandled, s->common.suspicious, s->quarantine};

	for (size_t i = 0; i < sizeof(dumps) / sizeof(dumps[0]); i++) {
		if (dumps[i] != NULL) {
			pcapdump_mend(dumps[i], 0);
		}
	}
}

/* It left what it had ready, and counts as far as it came. */
static void bury(struct supervisor *s, int status, struct text *how)
{
	struct worker_shared *shared = s->slots[0].shared;
	struct csv csv = worker_csv(&s->common, shared, s->stdout_fd, s->log_fd);
	bool is_in_work = shared->file.is_in_work != 0;

	csv_mend(&csv);
	mend_dumps(s);
	gather_death(s, 0);
	s->is_failed = true;
	(void)names_mend(s->ledger.names); /* what is torn is so at both looks */
	(void)names_mend(s->ledger.names);
	crew_tell_end(status, how);
	poison_on_death(s, 0, status, how);
	tell_place(s, is_in_work, how);
	/* What it died of then is how the file is made, and would be so again. */
	if (!is_in_work && !poison_is_from_outside(&s->slots[0], status)) {
		text_add(how, ", whose rest is not read");
		files_skip_rest(&shared->file);
	}
}

/* Until one comes to an end. Returns its exit status, or what that of the last one would be. */
static int run_all(struct supervisor *s, struct readers *readers)
{
	bool is_told = false;
	char buf[512];
	struct text how;
	int status;

	for (;;) {
		status = wait_for(s, start_next(s, readers), &is_told);
		if (!has_died(status)) {
			return WEXITSTATUS(status);
		}
		text_init(&how, buf, sizeof(buf));
		bury(s, status, &how);
		if (is_told || readers->next == readers->count) {
			log_error("the reader of files %s; what is behind it was not read",
			          how.buf);
			return is_told ? EXIT_STOPPED : 0;
		}
		log_warn("the reader of files %s; a new one goes on behind it", how.buf);
	}
}

bool reader_run(struct supervisor *s)
{
	struct worker_slot *slot = &s->slots[0];
	struct readers readers = {.count = 0};
	struct err err;
	int ret, status = 0;

	flows_prefault(slot->flows); /* connections touch its pages in any order */
	ret = add_readers(s, &readers);
	if (ret < 0) {
		log_error("the reader of files cannot be started: %s", strerror(-ret));
		s->is_failed = true;
		return false;
	}
	if (!setup_wants_live(s->options) && supervisor_confine(s, &err) < 0) {
		log_error("%s", err.text);
		s->is_failed = true;
	} else {
		status = run_all(s, &readers);
	}
	end_others(&readers);
	slot->from_files = slot->shared->frames + slot->shared->behind_stop;
	s->is_failed |= (status & EXIT_TROUBLE) != 0;
	return (status & EXIT_STOPPED) == 0;
}
