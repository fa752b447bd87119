/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reader.h"

#include "files.h"
#include "sensor.h"

#include <passer/base/log.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Bits of its exit status; a runtime that ends it has others. */
#define EXIT_TROUBLE 0x10 /* a file could not be read to its end */
#define EXIT_STOPPED 0x20 /* it was told to stop, or has met what the run stops at */

/* ---- the process that reads ------------------------------------------------------------------ */

struct reading {
	struct worker worker;
	int control_fd;
	bool is_stopped;
};

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
	struct files_stop stop = {.must_stop = must_stop, .user = &r, .wake_fd = control_fd};
	const struct options *o = s->options;
	const struct worker_slot *slot = &s->slots[0];
	struct err err;
	int status = 0;

	if (confine_process(&s->confinement, ROLE_READER, "the reader of files", NULL, &err) < 0) {
		log_error("%s", err.text);
		exit(EXIT_TROUBLE);
	}
	r.control_fd = control_fd;
	worker_init(&r.worker, 0, &s->common, slot->shared, slot->flows, s->stdout_fd, s->log_fd);
	r.worker.csv.is_patient = true;
	status |= files_read(&r.worker, o->files, o->file_count, &stop) > 0 ? EXIT_TROUBLE : 0;
	status |= r.is_stopped ? EXIT_STOPPED : 0;
	worker_fini(&r.worker);
	exit(status);
}

/* ---- the supervisor meanwhile ---------------------------------------------------------------- */

static pid_t start(struct supervisor *s)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		sigset_t none;

		/* It hears the supervisor, who hears the terminal and the service manager. */
		signal(SIGINT, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		signal(SIGUSR1, SIG_IGN);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		close(pair[0]);
		close(s->signal_fd);
		read_all(s, pair[1]);
	}
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return -1;
	}
	s->slots[0].control_fd = pair[0];
	return pid;
}

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

static int wait_for(struct supervisor *s, pid_t pid)
{
	struct pollfd signals = {.fd = s->signal_fd, .events = POLLIN};
	bool is_told = false;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		(void)poll(&signals, 1, -1); /* SIGCHLD is one of them */
		on_signals(s, pid, &is_told);
	}
	return status;
}

/* It left what it had ready, and counts as far as it came. */
static void bury(struct supervisor *s, int status)
{
	uint64_t frames = s->slots[0].shared->frames;

	if (WIFSIGNALED(status)) {
		log_error("the reader of files was killed by signal %d at packet %" PRIu64
		          "; what is behind it was not read",
		          WTERMSIG(status), frames);
	} else {
		log_error("the reader of files ended with status %d at packet %" PRIu64,
		          WEXITSTATUS(status), frames);
	}
	gather_death(s, 0);
	s->is_failed = true;
}

bool reader_run(struct supervisor *s)
{
	struct worker_slot *slot = &s->slots[0];
	pid_t pid = start(s);
	struct err err;
	int status = 0;

	if (pid < 0) {
		log_error("the reader of files cannot be started: %s", strerror(errno));
		s->is_failed = true;
		return false;
	}
	if (!setup_wants_live(s->options) && supervisor_confine(s, &err) < 0) {
		log_error("%s", err.text);
		s->is_failed = true;
		crew_stop(s);
	}
	status = wait_for(s, pid);
	close(slot->control_fd);
	slot->control_fd = -1;
	slot->from_files = slot->shared->frames + slot->shared->behind_stop;
	if (!WIFEXITED(status) || (WEXITSTATUS(status) & ~(EXIT_TROUBLE | EXIT_STOPPED)) != 0) {
		bury(s, status);
		return true;
	}
	s->is_failed |= (WEXITSTATUS(status) & EXIT_TROUBLE) != 0;
	return (WEXITSTATUS(status) & EXIT_STOPPED) == 0;
}
