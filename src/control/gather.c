/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads every counter of the sensor into its report, in the order that report.h asks for. */
#include "sensor.h"

#include <passer/base/clock.h>
#include <passer/base/log.h>
#include <passer/capture/diag.h>

#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOAD(counter) __atomic_load_n(&(counter), __ATOMIC_ACQUIRE)

/* ---- Workers ---- */

/* What is behind a stage before what comes to it: lines, results, facts; and last the frames. */
static void read_shared(const struct worker_shared *shared, struct worker_counts *c)
{
	c->csv.lost_lines = LOAD(shared->csv.lost_lines);
	c->csv.lost_writes = LOAD(shared->csv.lost_writes);
	c->csv.lines = LOAD(shared->csv.lines);
	c->emit.known = LOAD(shared->emit.known);
	c->emit.suppressed = LOAD(shared->emit.suppressed);
	c->emit.invalid = LOAD(shared->emit.invalid);
	c->emit.printed = LOAD(shared->emit.printed);
	c->emit.unwritten = LOAD(shared->emit.unwritten);
	memcpy(c->emit.limited_by_type, shared->emit.limited_by_type,
	       sizeof(c->emit.limited_by_type));
	memcpy(c->emit.printed_by_type, shared->emit.printed_by_type,
	       sizeof(c->emit.printed_by_type));
	c->emit.offered = LOAD(shared->emit.offered);
	c->decode = shared->decode;
	c->unhandled = LOAD(shared->unhandled);
	c->by_expression = LOAD(shared->unmatched);
	c->by_selection = LOAD(shared->unselected);
	c->behind_stop = LOAD(shared->behind_stop);
	c->analysed = LOAD(shared->analysed);
}

/* All but what its rings handed out. */
static struct worker_counts read_worker(const struct supervisor *s, const struct worker_slot *slot)
{
	struct worker_counts c = {
		.died = slot->died,
		.poisonous = slot->poisonous,
		.records_died = slot->records_died,
		.lines_died = slot->lines_died,
		.cpu_ns = slot->ended_cpu_ns,
	};

	read_shared(slot->shared, &c);
	c.from_files =
		s->interfaces.count > 0 ? slot->from_files : slot->shared->frames + c.behind_stop;
	return c;
}

static uint64_t one_at_most(uint64_t before, uint64_t behind)
{
	return before > behind ? 1 : 0;
}

void gather_death(struct supervisor *s, unsigned i)
{
	struct worker_slot *slot = &s->slots[i];
	struct worker_counts c = read_worker(s, slot);

	c.handed_out = interfaces_handed_out(&s->interfaces, i);
	slot->died += one_at_most(worker_counts_walked(&c), worker_counts_done(&c));
	slot->records_died += one_at_most(c.emit.offered, worker_counts_results(&c));
	slot->lines_died += one_at_most(c.emit.printed, c.csv.lines + c.lines_died);
}

uint64_t gather_cpu_ns(pid_t pid)
{
	clockid_t clock;
	struct timespec t;

	if (pid == 0 || clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0) {
		return 0;
	}
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void gather_worker(struct supervisor *s, unsigned i)
{
	struct report *r = &s->report;
	const struct worker_slot *slot = &s->slots[i];
	struct report_worker *w = &r->workers[i];

	w->pid = slot->pid;
	w->cpu = slot->cpu;
	w->restarts = slot->restarts;
	w->counts = read_worker(s, slot);
	w->counts.cpu_ns += gather_cpu_ns(slot->pid);
	for (unsigned k = 0; k < s->interfaces.count; k++) {
		struct report_ring *ring = &r->rings[k][i];

		ring->is_open = s->interfaces.list[k].rings[i] != NULL;
		ring->counts = interfaces_read_ring(&s->interfaces, k, i, &r->filter);
		w->counts.handed_out += ring->counts.handed_out;
	}
}

static void gather_counters(struct supervisor *s)
{
	struct report *r = &s->report;

	r->interface_count = s->interfaces.count;
	r->worker_count = s->worker_count;
	r->is_live = s->interfaces.count > 0;
	r->is_final = crew_running(s) == 0 && (!r->is_live || s->phase == PHASE_STOPPING);
	r->filter = (struct filter_counters){0};
	for (unsigned i = 0; i < s->worker_count; i++) {
		gather_worker(s, i);
	}
}

/* ---- What was there before ---- */

/* The oldest mark is the one to compare with: it is a whole tick old at least. */
static void push_marks(struct supervisor *s)
{
	struct report *r = &s->report;

	for (unsigned i = 0; i < s->worker_count; i++) {
		struct report_worker *w = &r->workers[i];

		w->before = s->marks.workers[i];
		s->marks.workers[i] = report_worker_mark(w);
		for (unsigned k = 0; k < s->interfaces.count; k++) {
			r->rings[k][i].before = s->marks.rings[k][i];
			s->marks.rings[k][i] = report_ring_mark(&r->rings[k][i]);
		}
	}
}

void gather_tick(struct supervisor *s)
{
	gather_counters(s);
	push_marks(s);
}

/* ---- What the system says ---- */

static void gather_interfaces(struct supervisor *s)
{
	interfaces_read_links(&s->interfaces);
	for (unsigned k = 0; k < s->interfaces.count; k++) {
		const struct interface *iface = &s->interfaces.list[k];

		s->report.interfaces[k] = (struct report_interface){
			.name = iface->name,
			.ifindex = iface->ifindex,
			.is_gone = iface->is_gone,
			.is_up = iface->ifindex == 0 || iface->is_up,
			.mtu = iface->mtu,
			.carrier_changes = iface->tally.carrier_changes,
			.stats = iface->tally.sum,
		};
	}
}

static void take_geometry(void *user, const struct diag_socket *sock)
{
	struct supervisor *s = user;

	for (unsigned k = 0; k < s->interfaces.count; k++) {
		for (unsigned i = 0; i < s->worker_count; i++) {
			struct ring *ring = s->interfaces.list[k].rings[i];

			if (ring != NULL &&
			    diag_inode(source_fd(ring_source(ring))) == sock->inode) {
				s->report.rings[k][i].geometry = (struct ring_geometry){
					.block_bytes = sock->block_bytes,
					.blocks = sock->blocks,
					.retire_ms = sock->retire_ms,
					.fanout_id = sock->fanout_id,
					.fanout_type = sock->fanout_type,
				};
			}
		}
	}
}

static void gather_geometry(struct supervisor *s)
{
	int ret;

	for (unsigned k = 0; k < s->interfaces.count; k++) {
		for (unsigned i = 0; i < s->worker_count; i++) {
			s->report.rings[k][i].geometry = (struct ring_geometry){.fanout_id = -1};
		}
	}
	ret = diag_list(take_geometry, s);
	if (ret < 0) {
		log_debug("capture: the kernel does not tell its rings: %s", strerror(-ret));
	}
}

static void gather_health(struct supervisor *s)
{
	s->report.health = (struct health_counters){.checked = 0};
	for (unsigned i = 0; i < s->worker_count; i++) {
		health_add(&s->report.health, &s->slots[i].shared->health);
	}
}

static void gather_analyzers(struct supervisor *s)
{
	size_t count;
	const struct analyzer_row *rows = analyzer_rows(&count);
	struct report *r = &s->report;

	r->analyzer_count = 0;
	for (unsigned i = 0; i < count; i++) {
		if (s->deaths[i].count > 0) {
			r->analyzers[r->analyzer_count++] = (struct report_analyzer){
				.name = rows[i].analyzer->name,
				.deaths = s->deaths[i].count,
				.is_off = dispatch_is_off(s->dispatch, i),
			};
		}
	}
}

static void gather_sensor(struct supervisor *s)
{
	struct report *r = &s->report;

	snprintf(r->name, sizeof(r->name), "%s", s->name);
	r->pid = getpid();
	r->time_s = (uint64_t)time(NULL);
	r->uptime_ns = clock_monotonic_ns() - s->started_ns;
	r->cpu_ns = gather_cpu_ns(getpid());
	r->selection = *s->selection;
	r->profile = report_profile_name(s->selection);
}

const struct report *gather_report(struct supervisor *s)
{
	gather_sensor(s);
	tables_read(s);
	tables_read_dumps(s);
	gather_analyzers(s);
	gather_health(s);
	gather_interfaces(s);
	gather_geometry(s);
	gather_counters(s);
	return &s->report;
}
