/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Listening: one loop over signals, link changes, the clock and the workers' reports. */
#include "sensor.h"

#include <passer/base/clock.h>
#include <passer/base/log.h>
#include <passer/ledger/names.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void begin_stop(struct supervisor *s)
{
	if (s->phase == PHASE_STOPPING) {
		return;
	}
	s->phase = PHASE_STOPPING;
	interfaces_mute(&s->interfaces);
	crew_stop(s);
}

static void on_signals(struct supervisor *s)
{
	uint32_t signal;

	while (supervisor_next_signal(s, &signal)) {
		switch (signal) {
		case SIGINT:
		case SIGTERM:
			begin_stop(s);
			break;
		case SIGHUP:
			if (supervisor_hang_up(s)) {
				begin_stop(s);
			}
			break;
		case SIGUSR1:
			supervisor_print(s);
			break;
		case SIGCHLD:
			if (crew_reap(s) < 0) {
				begin_stop(s);
			}
			break;
		default:
			break;
		}
	}
}

/* As soon as it shows: what workers must see together is lost until it is mended. */
static void tell_split(struct supervisor *s)
{
	struct health_counters sum = {.checked = 0};

	for (unsigned i = 0; i < s->worker_count && !s->has_told_split; i++) {
		health_add(&sum, &s->slots[i].shared->health);
	}
	if (health_is_split(&sum)) {
		s->has_told_split = true;
		log_warn("the two directions of connections reach different workers, so that "
		         "servers are missed: use --fanout host, or a symmetric receive-side "
		         "scaling (tools/nic-check)");
	}
}

static void reload_when_due(struct supervisor *s)
{
	struct err err;

	if (s->must_reload && s->phase == PHASE_RUNNING) {
		s->must_reload = false;
		if (reload_databases(s, &err) < 0) {
			log_error("%s; the old databases stay", err.text);
		}
	}
}

/* Times that were missed are not made up for. */
static void write_stats_when_due(struct supervisor *s)
{
	uint64_t interval_ns = s->options->stats_interval_s * NS_PER_S;
	uint64_t now = clock_monotonic_ns();

	if (s->stats != NULL && now >= s->stats_due_ns) {
		supervisor_write_stats(s);
		s->stats_due_ns +=
			(now - s->stats_due_ns + interval_ns) / interval_ns * interval_ns;
	}
}

static void on_timer(struct supervisor *s)
{
	uint64_t expirations;

	if (read(s->timer_fd, &expirations, sizeof(expirations)) > 0) {
		gather_tick(s);
		outputs_on_clock(s);
		poison_watch(s);
		if (s->must_mend_names) {
			s->must_mend_names = names_mend(s->ledger.names);
		}
		tell_split(s);
		tables_watch(s);
		reload_when_due(s);
		write_stats_when_due(s);
		if (s->control != NULL) {
			control_socket_on_clock(s->control);
		}
		if (crew_on_clock(s) < 0) {
			begin_stop(s);
		}
	}
}

static void on_link(void *user, const struct link_info *link)
{
	struct supervisor *s = user;

	interfaces_on_link(&s->interfaces, link);
}

static void reopen_when_settled(struct supervisor *s)
{
	bool must_reopen = s->phase != PHASE_STOPPING && interfaces_settle(&s->interfaces);

	if (must_reopen && s->phase == PHASE_RUNNING) {
		s->phase = PHASE_REOPENING;
		crew_stop(s);
	}
	if (s->phase == PHASE_RUNNING && interfaces_are_lost(&s->interfaces)) {
		log_error("no interface is left to hear; whoever starts passer again has it hear");
		s->is_failed = true;
		begin_stop(s);
	}
}

static void on_report(struct supervisor *s, int fd)
{
	char byte;

	if (recv(fd, &byte, 1, MSG_DONTWAIT) != 1) {
		return;
	}
	if (byte == REPORT_UNHANDLED) {
		begin_stop(s);
	}
}

/*
 * A pipe whose reader went away says so by itself (epoll_ctl(2), EPOLLERR): no line has to come
 * first, and no process that notices it can die with the news. Files have no such end.
 */
static void watch_reader(struct supervisor *s)
{
	struct epoll_event errors = {.events = 0, .data.fd = s->stdout_fd};

	if (s->stdout_fd >= 0 && s->options->log_path == NULL) {
		(void)epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->stdout_fd, &errors);
	}
}

static void on_reader_gone(struct supervisor *s)
{
	epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, s->stdout_fd, NULL);
	begin_stop(s);
}

static void on_event(struct supervisor *s, int fd)
{
	if (fd == s->signal_fd) {
		on_signals(s);
	} else if (fd == s->timer_fd) {
		on_timer(s);
	} else if (fd == s->stdout_fd) {
		on_reader_gone(s);
	} else if (s->control != NULL && fd == control_socket_fd(s->control)) {
		control_socket_run(s->control);
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

/* All workers have ended because an interface came back under another index. */
static int reopen_interfaces(struct supervisor *s, struct err *err)
{
	interfaces_close_stale(&s->interfaces);
	s->phase = PHASE_RUNNING;
	return crew_start(s, err);
}

/* All that packets would have to wait for. */
static void prepare(struct supervisor *s)
{
	databases_prepare(&s->db);
	ledger_prefault(&s->ledger);
	for (unsigned i = 0; i < s->worker_count; i++) {
		flows_prefault(s->slots[i].flows);
	}
}

/* All that takes capabilities. */
static int open_live(struct supervisor *s, struct err *err)
{
	struct itimerspec every_second = {{.tv_sec = 1}, {.tv_sec = 1}};
	int ret = interfaces_init(&s->interfaces, s->options, s->selection, s->worker_count, err);

	if (ret < 0) {
		return ret;
	}
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (s->epoll_fd < 0 || s->timer_fd < 0 ||
	    timerfd_settime(s->timer_fd, 0, &every_second, NULL) != 0 ||
	    crew_watch(s, s->signal_fd) != 0 || crew_watch(s, s->timer_fd) != 0) {
		return err_set(err, -errno, "epoll: %s", strerror(errno));
	}
	s->common.mtu_bytes = interfaces_longest_frame(&s->interfaces);
	prepare(s);
	ret = crew_open_rings(s, err);
	if (ret == 0) {
		interfaces_lay_in(&s->interfaces);
	}
	return ret;
}

/* From here on no process has a capability: workers are born without any. */
static int start_live(struct supervisor *s, struct err *err)
{
	int ret = supervisor_confine(s, err);

	if (ret == 0) {
		ret = crew_start(s, err);
	}
	if (ret == 0) {
		ret = link_monitor_open(&s->links, on_link, s, err);
	}
	return ret == 0 && crew_watch(s, link_monitor_fd(s->links)) != 0
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
	log_info(
		"listening on %s: %u worker%s, %zu MiB of ring each; see --explain-filter for what "
		"the kernel drops",
		names, s->worker_count, s->worker_count > 1 ? "s" : "", ring >> 20);
}

/* --unconfined: the user has no name here. */
static void tell_no_control(const struct supervisor *s, int code, const struct err *err)
{
	const char *user = s->confinement.user.name;

	if (code == -EACCES && *user != '\0') {
		log_warn("%s; passerctl cannot reach this sensor; as root: install -d -o %s %s",
		         err->text, user, CONTROL_FOLDER);
	} else {
		log_warn("%s; passerctl cannot reach this sensor", err->text);
	}
}

/* Without it the sensor does its work all the same. */
static void open_control(struct supervisor *s)
{
	struct control_config config = {
		.folder = CONTROL_FOLDER,
		.name = s->options->name,
		.answer = requests_answer,
		.user = s,
	};
	struct err err;
	int ret = control_socket_open(&config, &s->control, &err);

	if (ret < 0) {
		tell_no_control(s, ret, &err);
		return;
	}
	confine_give(&s->confinement, CONTROL_FOLDER); /* to take the socket away at the end */
	snprintf(s->name, sizeof(s->name), "%s", control_socket_name(s->control));
	if (strcmp(s->name, s->options->name) != 0) {
		log_info("another sensor is named %s; this one is %s", s->options->name, s->name);
	}
	if (crew_watch(s, control_socket_fd(s->control)) != 0) {
		log_warn("control socket: epoll: %s", strerror(errno));
	}
}

/* Until an interface that is back has stayed long enough; -1: none is, or the run ends. */
static int patience_ms(const struct supervisor *s)
{
	uint64_t due = s->phase != PHASE_STOPPING ? interfaces_settled_ns(&s->interfaces) : 0;
	uint64_t now = clock_monotonic_ns();

	if (due == 0) {
		return -1;
	}
	return due > now ? (int)((due - now + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

static int live_loop(struct supervisor *s, struct err *err)
{
	struct epoll_event events[16];
	int ret = 0;

	while (crew_running(s) > 0) {
		int n = epoll_wait(s->epoll_fd, events, 16, patience_ms(s));

		for (int i = 0; i < n; i++) {
			on_event(s, events[i].data.fd);
		}
		reopen_when_settled(s);
		if (crew_running(s) == 0 && s->phase == PHASE_REOPENING) {
			ret = reopen_interfaces(s, err);
			if (ret < 0) {
				begin_stop(s);
			}
		}
	}
	return ret;
}

/* False when nothing could be heard at all. */
bool live_run(struct supervisor *s)
{
	struct err err;
	int ret = open_live(s, &err);

	confine_add_missing(ret, &err);
	if (ret == 0) {
		open_control(s);
		watch_reader(s);
		ret = start_live(s, &err);
	}
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
	return ret == 0;
}
