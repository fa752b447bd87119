/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The worker processes: started, told, replaced when they die. */
#include "sensor.h"

#include <passer/base/clock.h>
#include <passer/base/log.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUICK_DEATHS_MAX 50
#define STOP_PATIENCE_NS (10 * NS_PER_S) /* beside the time of a ring; then it is killed */

int crew_watch(struct supervisor *s, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

static void run_worker(struct supervisor *s, unsigned i, int control_fd)
{
	static struct worker w;
	struct worker_slot *slot = &s->slots[i];

	worker_init(&w, i, &s->common, slot->shared, slot->flows, s->stdout_fd, s->log_fd);
	w.cpu = slot->cpu;
	for (unsigned k = 0; k < s->interfaces.count; k++) {
		if (s->interfaces.list[k].rings[i] != NULL) {
			w.rings[w.ring_count++] = s->interfaces.list[k].rings[i];
		}
	}
	worker_live(&w, control_fd);
}

static int start_worker(struct supervisor *s, unsigned i)
{
	struct worker_slot *slot = &s->slots[i];
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		return -errno;
	}
	slot->is_given_up = slot->is_retiring = false;
	slot->born_ns = clock_monotonic_ns();
	poison_forget(s, i);
	slot->pid = fork();
	if (slot->pid == 0) {
		/* Else a worker would not see the supervisor's end of its siblings close. */
		for (unsigned other = 0; other < s->worker_count; other++) {
			if (s->slots[other].control_fd >= 0) {
				close(s->slots[other].control_fd);
			}
		}
		close(pair[0]);
		close(s->signal_fd);
		close(s->timer_fd);
		close(s->epoll_fd);
		control_socket_forget(s->control);
		run_worker(s, i, pair[1]);
	}
	int ret = slot->pid < 0 ? -errno : 0;

	close(pair[1]);
	if (ret < 0) {
		slot->pid = 0;
		close(pair[0]);
		return ret;
	}
	slot->control_fd = pair[0];
	return crew_watch(s, slot->control_fd);
}

/* With the descriptor, or -1. */
static void order(const struct worker_slot *slot, enum worker_order what, int fd)
{
	int ret = slot->control_fd >= 0 ? order_send(slot->control_fd, what, fd) : 0;

	if (ret < 0 && fd >= 0) {
		log_warn("worker %d: cannot be given the new log file: %s", (int)slot->pid,
		         strerror(-ret));
	} else if (ret < 0) {
		log_debug("worker %d: cannot be told: %s", (int)slot->pid, strerror(-ret));
	}
}

void crew_stop(struct supervisor *s)
{
	for (unsigned i = 0; i < s->worker_count; i++) {
		order(&s->slots[i], ORDER_STOP, -1);
		s->slots[i].rebirth_ns = 0; /* one that keeps dying would not work off its ring */
	}
	s->kill_ns = clock_monotonic_ns() + worker_stop_ns(&s->common) + STOP_PATIENCE_NS;
}

void crew_give_log(struct supervisor *s, int fd)
{
	for (unsigned i = 0; i < s->worker_count; i++) {
		order(&s->slots[i], ORDER_REOPEN, fd);
	}
}

void crew_renew(struct supervisor *s)
{
	for (unsigned i = 0; i < s->worker_count; i++) {
		s->slots[i].is_retiring = s->slots[i].pid != 0;
		order(&s->slots[i], ORDER_RETIRE, -1);
	}
}

unsigned crew_running(const struct supervisor *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->worker_count; i++) {
		n += s->slots[i].pid != 0 || s->slots[i].rebirth_ns != 0;
	}
	return n;
}

static void flush_dump(struct pcapdump *dump, unsigned i)
{
	if (dump != NULL) {
		pcapdump_mend(dump, i);
		pcapdump_flush(dump, i);
	}
}

void crew_flush_left(struct supervisor *s, unsigned i)
{
	struct csv csv = worker_csv(&s->common, s->slots[i].shared, s->stdout_fd, s->log_fd);

	csv_mend(&csv);
	(void)csv_flush(&csv);
	flush_dump(s->common.unhandled, i);
	flush_dump(s->common.suspicious, i);
}

/* The next process of a worker, in its ring, behind the frame that the last one worked on. */
static int succeed(struct supervisor *s, unsigned i)
{
	int ret = start_worker(s, i);

	if (ret < 0) {
		log_error("worker %u cannot be started again: %s", i, strerror(-ret));
		s->is_failed = true;
		return ret;
	}
	if (s->phase != PHASE_RUNNING) {
		order(&s->slots[i], ORDER_STOP, -1);
	}
	return 0;
}

static int replace_worker(struct supervisor *s, unsigned i, const char *how)
{
	log_warn("worker %u %s; a new one goes on in its ring", i, how);
	return succeed(s, i);
}

/* A worker that cannot even start must not fill the log and a CPU with its deaths. */
static bool must_wait(struct worker_slot *slot)
{
	bool is_quick = clock_monotonic_ns() - slot->born_ns < NS_PER_S;

	slot->quick_deaths = is_quick ? slot->quick_deaths + 1 : 0;
	return slot->quick_deaths > QUICK_DEATHS_MAX;
}

void crew_tell_end(int status, struct text *how)
{
	bool is_killed = WIFSIGNALED(status);

	text_add(how, is_killed ? "was killed by signal " : "ended with status ");
	text_add_uint(how, (unsigned)(is_killed ? WTERMSIG(status) : WEXITSTATUS(status)));
}

static int on_worker_end(struct supervisor *s, unsigned i, int status)
{
	struct worker_slot *slot = &s->slots[i];
	char buf[256];
	struct text how;

	slot->pid = 0;
	epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, slot->control_fd, NULL);
	close(slot->control_fd);
	slot->control_fd = -1;
	gather_death(s, i);
	crew_flush_left(s, i);
	if (slot->is_given_up) {
		return 0;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		if (slot->is_retiring) {
			return succeed(s, i);
		}
		if (s->phase != PHASE_RUNNING) {
			return 0;
		}
	}
	text_init(&how, buf, sizeof(buf));
	crew_tell_end(status, &how);
	poison_on_death(s, i, status, &how);
	s->must_mend_names = true;
	slot->restarts++;
	if (must_wait(slot) && s->phase == PHASE_RUNNING) {
		log_error(
			"worker %u %s once more right after its start; the next one waits a second",
			i, how.buf);
		slot->rebirth_ns = clock_monotonic_ns() + NS_PER_S;
		return 0;
	}
	return replace_worker(s, i, how.buf);
}

static uint64_t ns_of(struct timeval t)
{
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_usec * 1000;
}

int crew_reap(struct supervisor *s)
{
	struct rusage used;
	int status, ret = 0;

	for (unsigned i = 0; i < s->worker_count; i++) {
		struct worker_slot *slot = &s->slots[i];

		if (slot->pid != 0 && wait4(slot->pid, &status, WNOHANG, &used) > 0) {
			slot->ended_cpu_ns += ns_of(used.ru_utime) + ns_of(used.ru_stime);
			int one = on_worker_end(s, i, status);

			ret = ret == 0 ? one : ret;
		}
	}
	return ret;
}

static void kill_late(struct supervisor *s)
{
	if (s->phase == PHASE_RUNNING || clock_monotonic_ns() < s->kill_ns) {
		return;
	}
	for (unsigned i = 0; i < s->worker_count; i++) {
		if (s->slots[i].pid != 0) {
			log_error("worker %u does not stop and is killed", i);
			s->slots[i].is_given_up = true;
			s->is_failed |= s->phase == PHASE_STOPPING;
			kill(s->slots[i].pid, SIGKILL);
		}
	}
}

int crew_on_clock(struct supervisor *s)
{
	uint64_t now = clock_monotonic_ns();
	int ret = 0;

	for (unsigned i = 0; i < s->worker_count && ret == 0; i++) {
		if (s->slots[i].rebirth_ns != 0 && now >= s->slots[i].rebirth_ns) {
			s->slots[i].rebirth_ns = 0;
			ret = replace_worker(s, i, "has waited");
		}
	}
	kill_late(s);
	return ret;
}

int crew_open_rings(struct supervisor *s, struct err *err)
{
	struct worker_shared *shared[WORKERS_MAX];

	for (unsigned i = 0; i < s->worker_count; i++) {
		shared[i] = s->slots[i].shared;
	}
	return interfaces_open(&s->interfaces, shared, err);
}

int crew_start(struct supervisor *s, struct err *err)
{
	int ret = crew_open_rings(s, err);

	for (unsigned i = 0; i < s->worker_count && ret == 0; i++) {
		ret = start_worker(s, i);
		if (ret < 0) {
			err_set(err, ret, "worker %u: cannot be started: %s", i, strerror(-ret));
		}
	}
	return ret;
}
