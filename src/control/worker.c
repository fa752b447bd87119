/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker.h"

#include "descriptors.h"
#include "faults.h"
#include "hang.h"

#include <passer/base/clock.h>
#include <passer/base/log.h>
#include <passer/ledger/suspects.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEPT_LINES_MS 20 /* how often lines that an output has not taken are thought of */

#define LENGTH_MAX 1500 /* IEEE 802.3: up to here the type field is a length */

struct csv worker_csv(const struct worker_common *common, struct worker_shared *shared,
                      int stdout_fd, int log_fd)
{
	return (struct csv){
		.buffer = &shared->buffer,
		.counters = &shared->csv,
		.stdout_fd = stdout_fd,
		.stdout_back_fd = common->stdout_back_fd,
		.files = common->csv_files,
		.log_fd = log_fd,
		.has_timestamp = common->has_timestamp,
	};
}

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
	w->csv = worker_csv(common, shared, stdout_fd, log_fd);
	w->ctx.ledger = common->ledger;
	w->ctx.flows = flows;
	w->ctx.db = common->db;
	w->ctx.products =
		common->db->probes != NULL ? service_matcher_new(common->db->probes) : NULL;
	w->ctx.options = common->analyzer_options;
	w->ctx.selection = common->selection;
	w->ctx.csv = &w->csv;
	w->ctx.counters = &shared->emit;
	w->ctx.rate.max = common->max_rate;
	w->ctx.running = &shared->running;
	w->ctx.fault = PASSER_FAULTS ? faults_run_in_analyzer : NULL;
	w->health = (struct health){
		.counters = &shared->health,
		.recent = common->recent,
		.flows = flows,
		.key = common->ledger->key,
		.mtu_bytes = common->mtu_bytes,
	};
}

void worker_fini(struct worker *w)
{
	service_matcher_free(w->ctx.products);
	w->ctx.products = NULL;
}

/* Does the user want it? The kernel may have been asked already. */
static bool is_wanted(const struct expression *expression, const struct frame *frame)
{
	return expression == NULL || frame->is_wanted || expression_matches(expression, frame);
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

/* Nothing was read behind the link header, and it is not IEEE 802.3, whose protocols we know of. */
static bool is_unknown(const struct pkt *pkt)
{
	return pkt->layer == LAYER_NONE && !(pkt->has_mac && pkt->ethertype <= LENGTH_MAX);
}

/* Asked when the packet has been worked on: it may be what made its host suspicious. */
static bool is_suspicious(const struct worker_common *common, const struct pkt *pkt)
{
	const struct suspects *suspects = common->ledger->suspects;

	return common->suspicious != NULL &&
	       (suspects_has(suspects, &pkt->src) || suspects_has(suspects, &pkt->dst));
}

/* The frame as it was captured, whatever packet in it was the reason; once into each file. */
static void dump(const struct worker *w, const struct frame *frame, bool is_unhandled,
                 bool is_of_suspect)
{
	struct pcapdump *unhandled = is_unhandled ? w->common->unhandled : NULL;
	struct pcapdump *suspicious = is_of_suspect ? w->common->suspicious : NULL;

	if (unhandled != NULL) {
		pcapdump_write(unhandled, w->id, frame);
	}
	if (suspicious != NULL && suspicious != unhandled) {
		pcapdump_write(suspicious, w->id, frame);
	}
}

/* A packet and all that are inside one another in it. */
static void analyse(struct worker *w, struct pkt pkts[2], bool has_inner)
{
	const struct frame *frame = pkts[0].frame;
	bool is_unhandled = is_unknown(&pkts[0]), is_of_suspect = false;
	unsigned at = 0;

	w->shared->last_time_ns = frame->time_ns;
	for (;;) {
		const struct pkt *pkt = &pkts[at];

		if (dispatch_run(w->common->dispatch, pkt, &w->ctx) == VERDICT_UNHANDLED) {
			is_unhandled = true;
		}
		is_of_suspect = is_of_suspect || is_suspicious(w->common, pkt);
		if (!has_inner) {
			break;
		}
		at = 1 - at;
		has_inner = pkt_decode_inner(&pkts[1 - at], &pkts[at], &w->shared->decode);
	}
	if (is_unhandled) {
		note_unhandled(w, &pkts[at]);
	}
	dump(w, frame, is_unhandled, is_of_suspect);
}

void worker_frame(void *user, const struct frame *frame)
{
	struct worker *w = user;
	const struct worker_common *common = w->common;
	struct pkt pkts[2]; /* a packet and the one inside it, in turn */
	bool has_inner;

	if (common->stops_at_unhandled && w->has_met_unhandled) {
		w->shared->behind_stop++; /* in its batch */
		return;
	}
	w->shared->frames++;
	if (!is_wanted(common->expression, frame)) {
		w->shared->unmatched++;
		return;
	}
	faults_meet(frame);
	pkt_decode(&pkts[0], frame, &w->shared->decode);
	ledger_expect(common->ledger, &pkts[0].src, &pkts[0].dst);
	has_inner = pkt_decode_inner(&pkts[1], &pkts[0], &w->shared->decode);
	if (has_inner) {
		ledger_expect(common->ledger, &pkts[1].src, &pkts[1].dst);
	}
	if (selection_wants(common->selection, w->flows, &pkts[0], has_inner ? &pkts[1] : NULL)) {
		health_note(&w->health, &pkts[has_inner]);
		analyse(w, pkts, has_inner);
		w->shared->analysed++;
	} else {
		w->shared->unselected++;
	}
}

int worker_flush(struct worker *w)
{
	const struct worker_common *common = w->common;

	if (common->unhandled != NULL) {
		pcapdump_flush(common->unhandled, w->id);
	}
	if (common->suspicious != NULL) {
		pcapdump_flush(common->suspicious, w->id);
	}
	return csv_flush(&w->csv);
}

uint64_t worker_stop_ns(const struct worker_common *common)
{
	return (2 * common->retire_ms + 20) * NS_PER_MS;
}

/* ---- a worker process ------------------------------------------------------------------------ */

/* What a worker process keeps beside the worker. */
struct live {
	struct worker *w;
	int control_fd;
	int epoll_fd;
	bool is_stopping, is_retiring;
	uint64_t stop_ns; /* when the last open block must have been handed over */
	bool has_reported_unhandled;
};

static void report(struct live *live, enum worker_report what)
{
	char byte = (char)what;

	if (send(live->control_fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		log_debug("worker %u: cannot report to the supervisor: %s", live->w->id,
		          strerror(errno));
	}
}

static void report_unhandled(struct live *live)
{
	const struct worker *w = live->w;

	if (w->common->stops_at_unhandled && w->has_met_unhandled &&
	    !live->has_reported_unhandled) {
		live->has_reported_unhandled = true;
		report(live, REPORT_UNHANDLED);
	}
}

static void begin_stop(struct live *live)
{
	live->is_stopping = true;
	live->stop_ns = clock_monotonic_ns() + worker_stop_ns(live->w->common);
}

static void reopen_log(struct live *live, int fd)
{
	if (fd < 0) {
		return;
	}
	(void)worker_flush(live->w);
	close(live->w->csv.log_fd);
	csv_set_log(&live->w->csv, fd);
}

static void obey(struct live *live)
{
	int fd;

	switch (order_hear(live->control_fd, &fd)) {
	case ORDER_HEARD_END:
		epoll_ctl(live->epoll_fd, EPOLL_CTL_DEL, live->control_fd, NULL);
		begin_stop(live);
		break;
	case ORDER_STOP:
		begin_stop(live);
		break;
	case ORDER_REOPEN:
		reopen_log(live, fd);
		break;
	case ORDER_RETIRE:
		live->is_retiring = true;
		break;
	default:
		break;
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

void worker_begin(struct worker_shared *shared)
{
	sigset_t none;

	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	hang_watch(shared);
}

static void live_setup(struct live *live)
{
	struct worker *w = live->w;

	worker_begin(w->shared);
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

/* What it needs from now on. Its other descriptors, those of eBPF maps and such, it loses. */
static struct calls_outputs keep_descriptors(const struct live *live)
{
	const struct worker *w = live->w;
	const struct pcapdump *dumps[] = {w->common->unhandled, w->common->suspicious};
	struct calls_outputs outputs = {
		.stdout_fd = w->csv.stdout_fd,
		.log_fd = w->csv.log_fd,
		.control_fd = live->control_fd,
	};
	int fds[INTERFACES_MAX + 8] = {STDERR_FILENO,  outputs.stdout_fd, w->csv.stdout_back_fd,
	                               outputs.log_fd, live->control_fd,  live->epoll_fd};
	size_t count = 6;

	for (size_t i = 0; i < 2; i++) {
		fds[count++] = dumps[i] != NULL ? pcapdump_fd(dumps[i]) : -1;
	}
	for (unsigned i = 0; i < w->ring_count; i++) {
		fds[count++] = source_fd(ring_source(w->rings[i]));
	}
	outputs.next_log_fd = descriptors_keep(fds, count, live->control_fd);
	return outputs;
}

static void confine(const struct live *live)
{
	const struct confinement *confinement = live->w->common->confinement;
	struct calls_outputs outputs = keep_descriptors(live);
	char name[32];
	struct err err;

	snprintf(name, sizeof(name), "worker %u", live->w->id);
	if (confine_process(confinement, ROLE_WORKER, name, &outputs, &err) < 0) {
		log_error("%s", err.text);
		_exit(EXIT_FAILURE);
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

/* How long nothing may happen before there is something to do all the same. */
static int patience_ms(const struct live *live, bool is_busy)
{
	if (is_busy) {
		return 0;
	}
	if (live->is_stopping) {
		return 10;
	}
	return csv_is_waiting(&live->w->csv) ? KEPT_LINES_MS : -1;
}

_Noreturn void worker_live(struct worker *w, int control_fd)
{
	struct live live = {.w = w, .control_fd = control_fd};
	struct epoll_event events[INTERFACES_MAX + 1];
	bool is_busy = true;

	live_setup(&live);
	confine(&live);
	while (!live.is_retiring && !is_drained(&live, is_busy)) {
		int n = epoll_wait(live.epoll_fd, events, INTERFACES_MAX + 1,
		                   patience_ms(&live, is_busy));

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == control_fd) {
				obey(&live);
			}
		}
		is_busy = drain_once(w);
		(void)worker_flush(w);
		report_unhandled(&live);
	}
	_exit(EXIT_SUCCESS);
}
