/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor.h"

#include "closing.h"
#include "files.h"
#include "host_files.h"
#include "interfaces.h"
#include "worker.h"

#include <passer/base/clock.h>
#include <passer/base/log.h>
#include <passer/base/shm.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define AUTO_WORKERS_MAX 4
#define FLOWS_CAPACITY   (1u << 18) /* connections that a worker keeps apart, 16 bytes each */
#define STOP_PATIENCE_S  10         /* then a worker that does not end is killed */
#define EXIT_TROUBLE     1

/* What the supervisor keeps of a worker, whichever process it is at the moment. */
struct worker_slot {
	pid_t pid;      /* 0: none runs */
	int control_fd; /* -1: none */
	int cpu;
	unsigned restarts;
	bool is_given_up; /* it did not stop and is killed */
	struct worker_shared *shared;
	struct flows *flows;
	struct kernel_counters kernel;
};

enum phase {
	PHASE_RUNNING,
	PHASE_REOPENING, /* workers end so that rings can be replaced */
	PHASE_STOPPING,
};

struct supervisor {
	const struct options *options;
	struct databases db;
	struct ledger ledger;
	struct dispatch *dispatch;
	struct expression *expression;
	struct analyzer_options analyzer_options;
	struct worker_common common;
	struct host_files host_files;
	struct worker_slot slots[WORKERS_MAX];
	unsigned worker_count;
	struct interfaces interfaces;
	struct link_monitor *links;
	int stdout_fd; /* -1: nobody takes the lines */
	int log_fd;
	int signal_fd, timer_fd, epoll_fd;
	enum phase phase;
	uint64_t kill_ns; /* monotonic time at which patience with stopping workers ends */
	bool is_failed;
};

/* ---- set-up ---------------------------------------------------------------------------------- */

static bool wants_live(const struct options *o)
{
	return o->interface_count > 0 || o->file_count == 0;
}

static unsigned count_workers(const struct options *o, const cpu_set_t *cpus)
{
	unsigned count = (unsigned)CPU_COUNT(cpus);

	if (!wants_live(o)) {
		return 1;
	}
	if (o->workers != 0) {
		return o->workers;
	}
	return count < AUTO_WORKERS_MAX ? count : AUTO_WORKERS_MAX;
}

/* The n-th CPU of a set, counted round and round. */
static int nth_cpu(const cpu_set_t *cpus, unsigned n)
{
	n %= (unsigned)CPU_COUNT(cpus);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, cpus) && n-- == 0) {
			return cpu;
		}
	}
	return -1;
}

/* Named CPUs must be there; without names those that this process may run on. */
static int choose_cpus(const struct options *o, cpu_set_t *out_cpus, struct err *err)
{
	cpu_set_t allowed, both;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) {
		return err_set(err, -errno, "cannot learn the CPUs: %s", strerror(errno));
	}
	if (CPU_COUNT(&o->cpus) == 0) {
		*out_cpus = allowed;
		return 0;
	}
	CPU_AND(&both, &allowed, &o->cpus);
	if (!CPU_EQUAL(&both, &o->cpus)) {
		return err_set(err, -EINVAL,
		               "--cpus: not all of them may be used here; see nproc(1)");
	}
	*out_cpus = o->cpus;
	return 0;
}

static int make_slots(struct supervisor *s, struct err *err)
{
	cpu_set_t cpus;
	int ret = choose_cpus(s->options, &cpus, err);

	if (ret < 0) {
		return ret;
	}
	s->worker_count = count_workers(s->options, &cpus);
	for (unsigned i = 0; i < s->worker_count; i++) {
		struct worker_slot *slot = &s->slots[i];

		slot->cpu = nth_cpu(&cpus, i);
		slot->shared = shm_new(sizeof(*slot->shared));
		slot->flows = flows_new(FLOWS_CAPACITY, &s->ledger.key);
		if (slot->shared == NULL || slot->flows == NULL) {
			return err_set(err, -ENOMEM, "out of memory for %u workers",
			               s->worker_count);
		}
	}
	return 0;
}

static int load_hosts(struct supervisor *s, struct err *err)
{
	int ret = host_files_init(&s->host_files, s->options, err);

	if (ret == 0) {
		ret = host_files_load_trusted(&s->host_files, &s->db.trusted, err);
	}
	if (ret == 0) {
		host_files_load_suspicious(&s->host_files, s->db.trusted, s->ledger.suspects);
	}
	return ret;
}

static int open_dump(struct supervisor *s, const char *path, struct pcapdump **out_dump,
                     struct err *err)
{
	struct pcapdump_config config = {
		.path = path,
		.limit_bytes = s->options->dump_limit_bytes,
		.writers = s->worker_count,
	};

	return path != NULL ? pcapdump_open(&config, out_dump, err) : 0;
}

static int open_dumps(struct supervisor *s, struct err *err)
{
	const struct options *o = s->options;
	int ret = open_dump(s, o->unhandled_path, &s->common.unhandled, err);

	if (ret == 0 && o->unhandled_path != NULL && o->dump_path != NULL &&
	    strcmp(o->unhandled_path, o->dump_path) == 0) {
		s->common.suspicious = s->common.unhandled;
		return 0;
	}
	return ret == 0 ? open_dump(s, o->dump_path, &s->common.suspicious, err) : ret;
}

/* Signals come through a descriptor, in the order of work, never in the middle of something. */
static int open_signals(struct supervisor *s, struct err *err)
{
	sigset_t wanted;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGUSR1);
	sigaddset(&wanted, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &wanted, NULL) != 0) {
		return err_set(err, -errno, "signals: %s", strerror(errno));
	}
	s->signal_fd = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
	return s->signal_fd >= 0 ? 0 : err_set(err, -errno, "signals: %s", strerror(errno));
}

static int load(struct supervisor *s, struct err *err)
{
	const struct options *o = s->options;
	struct signature_files own = {
		.paths = o->signatures,
		.count = o->signature_count,
		.service_probes = o->service_probes,
	};
	int ret = databases_init(&s->db, own, err);

	if (ret < 0) {
		return ret;
	}
	if (ledger_init(&s->ledger) < 0 || (s->dispatch = dispatch_new()) == NULL) {
		return err_set(err, -ENOMEM, "out of memory for the ledger");
	}
	if (o->expression != NULL) {
		ret = expression_new(o->expression, &s->expression, err);
		if (ret < 0) {
			return ret;
		}
	}
	if (o->log_path != NULL) {
		s->log_fd = csv_open_log(o->log_path, err);
		if (s->log_fd < 0) {
			return s->log_fd;
		}
	}
	s->analyzer_options.wants_nxdomain = o->wants_nxdomain;
	s->analyzer_options.wants_creds = o->wants_creds;
	s->common = (struct worker_common){
		.db = &s->db,
		.dispatch = s->dispatch,
		.expression = s->expression,
		.analyzer_options = &s->analyzer_options,
		.ledger = &s->ledger,
		.drops_acks = o->drops_acks,
		.stops_at_unhandled = o->stops_at_unhandled && o->is_verbose,
		.has_timestamp = o->has_timestamp,
		.retire_ms = o->retire_ms,
	};
	return 0;
}

/* ---- files ----------------------------------------------------------------------------------- */

struct file_run {
	struct supervisor *s;
	struct worker worker;
	bool is_stopped;
};

static bool next_signal(struct supervisor *s, uint32_t *out_signal)
{
	struct signalfd_siginfo info;

	if (read(s->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
		return false;
	}
	*out_signal = info.ssi_signo;
	return true;
}

static void print_summary(struct supervisor *s);

static bool must_stop_reading(void *user)
{
	struct file_run *run = user;
	uint32_t signal;

	while (next_signal(run->s, &signal)) {
		if (signal == SIGUSR1) {
			print_summary(run->s);
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
	s->is_failed |= troubles > 0;
	return !run.is_stopped;
}

/* ---- worker processes ------------------------------------------------------------------------ */

static int watch(struct supervisor *s, int fd)
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
	slot->is_given_up = false;
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
	return watch(s, slot->control_fd);
}

static void order(const struct worker_slot *slot, enum worker_order what)
{
	char byte = (char)what;

	if (slot->control_fd >= 0 && send(slot->control_fd, &byte, 1, MSG_NOSIGNAL) < 0) {
		log_debug("worker %d: cannot be told: %s", (int)slot->pid, strerror(errno));
	}
}

static void order_with_fd(const struct worker_slot *slot, enum worker_order what, int fd)
{
	char byte = (char)what;
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

	memset(&control, 0, sizeof(control));
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	if (slot->control_fd >= 0 && sendmsg(slot->control_fd, &msg, MSG_NOSIGNAL) < 0) {
		log_warn("worker %d: cannot be given the new log file: %s", (int)slot->pid,
		         strerror(errno));
	}
}

static void order_all(struct supervisor *s, enum worker_order what)
{
	for (unsigned i = 0; i < s->worker_count; i++) {
		order(&s->slots[i], what);
	}
	s->kill_ns = clock_monotonic_ns() + STOP_PATIENCE_S * NS_PER_S;
}

static unsigned running(const struct supervisor *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->worker_count; i++) {
		n += s->slots[i].pid != 0;
	}
	return n;
}

/* ---- what happens ---------------------------------------------------------------------------- */

static void read_kernel_counters(struct supervisor *s)
{
	for (unsigned i = 0; i < s->worker_count; i++) {
		interfaces_read_drops(&s->interfaces, i, &s->slots[i].kernel.ring);
	}
}

static void sum_classes(struct supervisor *s, unsigned i)
{
	struct worker_slot *slot = &s->slots[i];
	struct class_counter now[FRAME_CLASS_COUNT];

	interfaces_read_classes(&s->interfaces, i, now);
	slot->kernel.filter_kept = 0;
	slot->kernel.filter_dropped = 0;
	for (int c = 0; c < FRAME_CLASS_COUNT; c++) {
		slot->kernel.filter_kept += now[c].kept;
		slot->kernel.filter_dropped += now[c].dropped;
	}
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

static void print_summary(struct supervisor *s)
{
	struct worker_summary summaries[WORKERS_MAX];
	bool is_live = s->interfaces.count > 0;

	for (unsigned i = 0; i < s->worker_count; i++) {
		struct worker_slot *slot = &s->slots[i];

		if (is_live) {
			sum_classes(s, i);
		}
		summaries[i] = (struct worker_summary){
			.shared = slot->shared,
			.kernel = is_live ? &slot->kernel : NULL,
			.cpu = slot->cpu,
			.restarts = slot->restarts,
		};
	}
	stats_summary(summaries, s->worker_count, &s->ledger);
	print_dump(s->common.unhandled, s->options->unhandled_path);
	if (s->common.suspicious != s->common.unhandled) {
		print_dump(s->common.suspicious, s->options->dump_path);
	}
}

static void begin_stop(struct supervisor *s)
{
	if (s->phase == PHASE_STOPPING) {
		return;
	}
	s->phase = PHASE_STOPPING;
	interfaces_mute(&s->interfaces);
	order_all(s, ORDER_STOP);
}

static void reopen_log(struct supervisor *s)
{
	struct err err;
	int fd;

	if (s->options->log_path == NULL) {
		return;
	}
	fd = csv_open_log(s->options->log_path, &err);
	if (fd < 0) {
		log_error("%s; the old file is still written", err.text);
		return;
	}
	for (unsigned i = 0; i < s->worker_count; i++) {
		order_with_fd(&s->slots[i], ORDER_REOPEN, fd);
	}
	close(s->log_fd);
	s->log_fd = fd;
	log_info("log file %s opened anew", s->options->log_path);
}

/* Lines and frames that the dead worker had ready leave now; what it was working on is lost with
 * it. */
static void flush_left(struct supervisor *s, unsigned i)
{
	struct csv csv = {
		.buffer = &s->slots[i].shared->buffer,
		.counters = &s->slots[i].shared->csv,
		.stdout_fd = s->stdout_fd,
		.log_fd = s->log_fd,
	};

	(void)csv_flush(&csv);
	if (s->common.unhandled != NULL) {
		pcapdump_flush(s->common.unhandled, i);
	}
	if (s->common.suspicious != NULL) {
		pcapdump_flush(s->common.suspicious, i);
	}
}

/* What it hung on was most likely a reader that takes nothing: nobody shall hang on that again. */
static void drop_left_lines(struct supervisor *s, struct worker_slot *slot)
{
	if (s->phase == PHASE_STOPPING) {
		slot->shared->buffer.used = 0;
		s->stdout_fd = -1;
	}
}

static void on_worker_end(struct supervisor *s, unsigned i, int status)
{
	struct worker_slot *slot = &s->slots[i];
	char how[64];
	int ret;

	slot->pid = 0;
	epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, slot->control_fd, NULL);
	close(slot->control_fd);
	slot->control_fd = -1;
	if (slot->is_given_up) {
		drop_left_lines(s, slot);
		return;
	}
	flush_left(s, i);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && s->phase != PHASE_RUNNING) {
		return;
	}
	snprintf(how, sizeof(how),
	         WIFSIGNALED(status) ? "was killed by signal %d" : "ended with status %d",
	         WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	slot->restarts++;
	ret = start_worker(s, i);
	if (ret < 0) {
		log_error("worker %u %s and cannot be started again: %s", i, how, strerror(-ret));
		s->is_failed = true;
		begin_stop(s);
		return;
	}
	log_warn("worker %u %s; a new one goes on in its ring", i, how);
	if (s->phase != PHASE_RUNNING) {
		order(slot, ORDER_STOP);
	}
}

static void reap(struct supervisor *s)
{
	int status;

	for (unsigned i = 0; i < s->worker_count; i++) {
		if (s->slots[i].pid != 0 && waitpid(s->slots[i].pid, &status, WNOHANG) > 0) {
			on_worker_end(s, i, status);
		}
	}
}

static void on_signals(struct supervisor *s)
{
	uint32_t signal;

	while (next_signal(s, &signal)) {
		switch (signal) {
		case SIGINT:
		case SIGTERM:
			begin_stop(s);
			break;
		case SIGHUP:
			reopen_log(s);
			break;
		case SIGUSR1:
			read_kernel_counters(s);
			print_summary(s);
			break;
		case SIGCHLD:
			reap(s);
			break;
		default:
			break;
		}
	}
}

static void on_timer(struct supervisor *s)
{
	uint64_t expirations;

	if (read(s->timer_fd, &expirations, sizeof(expirations)) < 0) {
		return;
	}
	read_kernel_counters(s);
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

static void on_link(void *user, const struct link_info *link)
{
	struct supervisor *s = user;

	if (interfaces_on_link(&s->interfaces, link) && s->phase == PHASE_RUNNING) {
		s->phase = PHASE_REOPENING;
		order_all(s, ORDER_STOP);
	}
}

static void on_report(struct supervisor *s, int fd)
{
	char byte;

	if (recv(fd, &byte, 1, MSG_DONTWAIT) == 1 && byte == REPORT_NO_READER &&
	    s->options->log_path == NULL) {
		begin_stop(s);
	}
}

static void on_event(struct supervisor *s, int fd)
{
	if (fd == s->signal_fd) {
		on_signals(s);
	} else if (fd == s->timer_fd) {
		on_timer(s);
	} else if (s->links != NULL && fd == link_monitor_fd(s->links)) {
		int ret = link_monitor_read(s->links, on_link, s);

		if (ret < 0) {
			log_warn("interfaces: no more news of them: %s", strerror(-ret));
			epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		}
	} else {
		on_report(s, fd);
	}
}

/* ---- the live run ---------------------------------------------------------------------------- */

static int start_workers(struct supervisor *s, struct err *err)
{
	struct worker_shared *shared[WORKERS_MAX];
	int ret;

	for (unsigned i = 0; i < s->worker_count; i++) {
		shared[i] = s->slots[i].shared;
	}
	ret = interfaces_open(&s->interfaces, shared, err);
	for (unsigned i = 0; i < s->worker_count && ret == 0; i++) {
		ret = start_worker(s, i);
		if (ret < 0) {
			err_set(err, ret, "worker %u: cannot be started: %s", i, strerror(-ret));
		}
	}
	return ret;
}

/* All workers have ended because an interface came back under another index. */
static int reopen_interfaces(struct supervisor *s, struct err *err)
{
	read_kernel_counters(s);
	interfaces_close_stale(&s->interfaces);
	s->phase = PHASE_RUNNING;
	return start_workers(s, err);
}

static int open_live(struct supervisor *s, struct err *err)
{
	struct itimerspec every_second = {{.tv_sec = 1}, {.tv_sec = 1}};
	int ret = interfaces_init(&s->interfaces, s->options, s->worker_count, err);

	if (ret < 0) {
		return ret;
	}
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (s->epoll_fd < 0 || s->timer_fd < 0 ||
	    timerfd_settime(s->timer_fd, 0, &every_second, NULL) != 0 ||
	    watch(s, s->signal_fd) != 0 || watch(s, s->timer_fd) != 0) {
		return err_set(err, -errno, "epoll: %s", strerror(errno));
	}
	databases_prepare(&s->db);
	ret = start_workers(s, err);
	if (ret == 0) {
		ret = link_monitor_open(&s->links, on_link, s, err);
	}
	return ret == 0 && watch(s, link_monitor_fd(s->links)) != 0
	               ? err_set(err, -errno, "epoll: %s", strerror(errno))
	               : ret;
}

static void announce(const struct supervisor *s)
{
	char names[INTERFACES_MAX * 18] = "";
	size_t ring = 0;

	for (unsigned k = 0; k < s->interfaces.count; k++) {
		const struct interface *iface = &s->interfaces.list[k];

		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
		         k > 0 ? ", " : "", iface->name);
		ring += iface->rings[0] != NULL ? ring_bytes(iface->rings[0]) : 0;
	}
	log_info("listening on %s: %u worker%s, %zu MiB of ring each%s", names, s->worker_count,
	         s->worker_count > 1 ? "s" : "", ring >> 20,
	         s->options->drops_acks ? ", TCP segments with only ACK are dropped in the kernel"
	                                : "");
}

static int live_loop(struct supervisor *s, struct err *err)
{
	struct epoll_event events[16];
	int ret = 0;

	while (running(s) > 0) {
		int n = epoll_wait(s->epoll_fd, events, 16, -1);

		for (int i = 0; i < n; i++) {
			on_event(s, events[i].data.fd);
		}
		if (running(s) == 0 && s->phase == PHASE_REOPENING) {
			ret = reopen_interfaces(s, err);
			if (ret < 0) {
				begin_stop(s);
			}
		}
	}
	return ret;
}

/* False when nothing could be heard at all. */
static bool run_live(struct supervisor *s)
{
	struct err err;
	int ret = open_live(s, &err);

	if (ret == 0) {
		announce(s);
	} else {
		log_error("%s", err.text);
		s->is_failed = true;
		begin_stop(s); /* whatever was started already */
	}
	if (live_loop(s, &err) < 0) {
		log_error("%s", err.text);
		s->is_failed = true;
	}
	read_kernel_counters(s);
	return ret == 0;
}

static void close_dumps(struct supervisor *s)
{
	if (s->common.suspicious != s->common.unhandled) {
		pcapdump_close(s->common.suspicious);
	}
	pcapdump_close(s->common.unhandled);
}

static void fini(struct supervisor *s)
{
	close_dumps(s);
	link_monitor_close(s->links);
	interfaces_close(&s->interfaces);
	for (unsigned i = 0; i < s->worker_count; i++) {
		flows_free(s->slots[i].flows);
		shm_free(s->slots[i].shared, sizeof(*s->slots[i].shared));
	}
	int fds[] = {s->log_fd, s->signal_fd, s->timer_fd, s->epoll_fd};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0) {
			close(fds[i]);
		}
	}
	expression_free(s->expression);
	dispatch_free(s->dispatch);
	ledger_fini(&s->ledger);
	databases_fini(&s->db);
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
	int ret;

	s.options = options;
	s.stdout_fd = STDOUT_FILENO;
	s.log_fd = s.signal_fd = s.timer_fd = s.epoll_fd = -1;
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		s.slots[i].control_fd = -1;
	}
	ret = load(&s, &err);
	if (ret == 0) {
		ret = make_slots(&s, &err);
	}
	if (ret == 0) {
		ret = load_hosts(&s, &err);
	}
	if (ret == 0) {
		ret = open_dumps(&s, &err);
	}
	if (ret == 0) {
		ret = open_signals(&s, &err);
	}
	if (ret < 0) {
		log_error("%s", err.text);
		fini(&s);
		return ret == -EINVAL ? 2 : EXIT_TROUBLE;
	}
	bool has_run = options->file_count > 0;
	bool goes_on = !has_run || read_files(&s);

	if (goes_on && wants_live(options)) {
		has_run |= run_live(&s);
	}
	if (has_run) {
		run_closing(&s);
		print_summary(&s);
	}
	fini(&s);
	return s.is_failed ? EXIT_TROUBLE : EXIT_SUCCESS;
}
