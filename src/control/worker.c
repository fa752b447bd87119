/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker.h"

#include <passer/base/clock.h>
#include <passer/base/log.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

void worker_init(struct worker *w, unsigned id, const struct worker_common *common,
                 struct worker_shared *shared, struct flows *flows, int stdout_fd, int log_fd)
{
	*w = (struct worker){
		.id = id,
		.cpu = -1,
		.common = common,
		.shared = shared,
		.flows = flows,
	};
	w->csv = (struct csv){
		.buffer = &shared->buffer,
		.counters = &shared->csv,
		.stdout_fd = stdout_fd,
		.log_fd = log_fd,
		.has_timestamp = common->has_timestamp,
	};
	w->ctx.ledger = common->ledger;
	w->ctx.flows = flows;
	w->ctx.db = common->db;
	w->ctx.options = common->analyzer_options;
	w->ctx.csv = &w->csv;
	w->ctx.counters = &shared->emit;
}

static bool is_left_out(const struct worker_common *common, const struct pkt *pkt)
{
	if (!common->drops_acks || pkt->layer != LAYER_TCP) {
		return false;
	}
	enum frame_class class = pkt_class(pkt);

	return class == FRAME_CLASS_TCP_ACK_EMPTY || class == FRAME_CLASS_TCP_ACK_DATA;
}

static void note_unhandled(struct worker *w, const struct pkt *pkt)
{
	w->shared->unhandled++;
	if (log_is_on(LOG_LEVEL_DEBUG)) {
		log_debug("packet %llu: %s: no rule knows it",
		          (unsigned long long)w->shared->frames, frame_class_name(pkt_class(pkt)));
	}
	w->has_met_unhandled = true;
}

void worker_frame(void *user, const struct frame *frame)
{
	struct worker *w = user;
	const struct worker_common *common = w->common;
	struct pkt pkts[2]; /* a packet and the one inside it, in turn */
	unsigned at = 0;

	w->shared->frames++;
	w->shared->bytes += frame->bytes.len;
	if (common->expression != NULL && !expression_matches(common->expression, frame)) {
		w->shared->filtered++;
		return;
	}
	pkt_decode(&pkts[0], frame, &w->shared->decode);
	if (is_left_out(common, &pkts[0])) {
		w->shared->filtered++;
		return;
	}
	do {
		const struct pkt *pkt = &pkts[at % 2];

		if (dispatch_run(common->dispatch, pkt, &w->ctx) == VERDICT_UNHANDLED) {
			note_unhandled(w, pkt);
		}
		at++;
	} while (pkt_decode_inner(&pkts[at % 2], &pkts[(at + 1) % 2], &w->shared->decode));
}

/* ---- a worker process ------------------------------------------------------------------------ */

/* What a worker process keeps beside the worker. */
struct live {
	struct worker *w;
	int control_fd;
	int epoll_fd;
	bool is_stopping;
	uint64_t stop_ns; /* when the last open block must have been handed over */
	bool has_reported_no_reader;
};

static void report(struct live *live, enum worker_report what)
{
	char byte = (char)what;

	if (send(live->control_fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		log_debug("worker %u: cannot report to the supervisor: %s", live->w->id,
		          strerror(errno));
	}
}

static void flush(struct live *live)
{
	if (csv_flush(&live->w->csv) == -EPIPE && !live->has_reported_no_reader) {
		live->has_reported_no_reader = true;
		report(live, REPORT_NO_READER);
	}
}

static void begin_stop(struct live *live)
{
	/* The kernel hands over an open block when its time is up; twice that is ample. */
	live->is_stopping = true;
	live->stop_ns = clock_monotonic_ns() + (2 * live->w->common->retire_ms + 20) * NS_PER_MS;
}

static void reopen_log(struct live *live, const struct msghdr *msg)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fd;

	if (c == NULL || c->cmsg_type != SCM_RIGHTS) {
		return;
	}
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	flush(live);
	close(live->w->csv.log_fd);
	live->w->csv.log_fd = fd;
}

static void obey(struct live *live)
{
	char byte = 0;
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(live->control_fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (n <= 0) { /* the supervisor is gone */
		epoll_ctl(live->epoll_fd, EPOLL_CTL_DEL, live->control_fd, NULL);
		begin_stop(live);
		return;
	}
	if (byte == ORDER_STOP) {
		begin_stop(live);
	} else if (byte == ORDER_REOPEN) {
		reopen_log(live, &msg);
	}
}

static int add_fd(struct live *live, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(live->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

static void pin(const struct worker *w)
{
	cpu_set_t one;

	if (w->cpu < 0) {
		return;
	}
	CPU_ZERO(&one);
	CPU_SET((unsigned)w->cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one) != 0) {
		log_warn("worker %u: cannot be pinned to CPU %d: %s", w->id, w->cpu,
		         strerror(errno));
	}
}

static void live_setup(struct live *live)
{
	struct worker *w = live->w;
	sigset_t none;

	/* The supervisor hears the terminal and the service manager; a worker hears the supervisor.
	 */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	pin(w);

	live->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (live->epoll_fd < 0 || add_fd(live, live->control_fd) != 0) {
		log_error("worker %u: epoll: %s", w->id, strerror(errno));
		_exit(EXIT_FAILURE);
	}
	for (unsigned i = 0; i < w->ring_count; i++) {
		if (add_fd(live, source_fd(ring_source(w->rings[i]))) != 0) {
			log_error("worker %u: epoll: %s", w->id, strerror(errno));
			_exit(EXIT_FAILURE);
		}
	}
}

/* One block of each ring; true when any had one. */
static bool drain_once(struct worker *w)
{
	bool is_busy = false;
	struct err err;

	for (unsigned i = 0; i < w->ring_count; i++) {
		int state = source_read(ring_source(w->rings[i]), worker_frame, w, &err);

		if (state < 0) {
			log_error("worker %u: %s", w->id, err.text);
			_exit(EXIT_FAILURE);
		}
		is_busy |= state == SOURCE_MORE;
	}
	return is_busy;
}

static bool is_drained(const struct live *live, bool is_busy)
{
	return live->is_stopping && !is_busy && clock_monotonic_ns() >= live->stop_ns;
}

_Noreturn void worker_live(struct worker *w, int control_fd)
{
	struct live live = {.w = w, .control_fd = control_fd};
	struct epoll_event events[INTERFACES_MAX + 1];
	bool is_busy = true;

	live_setup(&live);
	while (!is_drained(&live, is_busy)) {
		int timeout_ms = is_busy ? 0 : live.is_stopping ? 10 : -1;
		int n = epoll_wait(live.epoll_fd, events, INTERFACES_MAX + 1, timeout_ms);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == control_fd) {
				obey(&live);
			}
		}
		is_busy = drain_once(w);
		flush(&live);
	}
	_exit(EXIT_SUCCESS);
}
