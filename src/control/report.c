/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report.h"

#include <string.h>

/* ---- One stage ---- */

static uint64_t excess(uint64_t more, uint64_t less)
{
	return more > less ? more - less : 0;
}

uint64_t stage_unaccounted(const struct stage *stage)
{
	uint64_t out_of_nothing = excess(stage->out, stage->now);
	uint64_t lost = excess(stage->before, stage->out + stage->held);

	return out_of_nothing + lost;
}

/* ---- Sums ---- */

static void add_class(struct class_counter *sum, const struct class_counter *part)
{
	sum->kept += part->kept;
	sum->dropped += part->dropped;
	sum->kept_bytes += part->kept_bytes;
	sum->dropped_bytes += part->dropped_bytes;
}

void filter_counters_add(struct filter_counters *sum, const struct filter_counters *part)
{
	for (int c = 0; c < FRAME_CLASS_COUNT; c++) {
		for (int used = 0; used <= BUDGET_USED_MAX; used++) {
			add_class(&sum->classes[c][used], &part->classes[c][used]);
		}
	}
	add_class(&sum->unwanted, &part->unwanted);
	sum->flows_displaced += part->flows_displaced;
	sum->flows_unknown += part->flows_unknown;
}

void ring_counts_set_filter(struct ring_counts *counts, const struct filter_counters *filter)
{
	for (int c = 0; c < FRAME_CLASS_COUNT; c++) {
		counts->classes[c] = (struct class_counter){0};
		for (int used = 0; used <= BUDGET_USED_MAX; used++) {
			add_class(&counts->classes[c], &filter->classes[c][used]);
		}
	}
	counts->unwanted = filter->unwanted;
	counts->flows_displaced = filter->flows_displaced;
	counts->flows_unknown = filter->flows_unknown;
}

void ring_counts_add(struct ring_counts *sum, const struct ring_counts *part)
{
	for (int c = 0; c < FRAME_CLASS_COUNT; c++) {
		add_class(&sum->classes[c], &part->classes[c]);
	}
	add_class(&sum->unwanted, &part->unwanted);
	sum->flows_displaced += part->flows_displaced;
	sum->flows_unknown += part->flows_unknown;
	sum->kernel.packets += part->kernel.packets;
	sum->kernel.drops += part->kernel.drops;
	sum->kernel.freezes += part->kernel.freezes;
	sum->handed_out += part->handed_out;
	sum->torn += part->torn;
	sum->waiting += part->waiting;
	sum->abandoned += part->abandoned;
	if (sum->blocks_waiting_max < part->blocks_waiting_max) {
		sum->blocks_waiting_max = part->blocks_waiting_max;
	}
}

struct class_counter ring_counts_filter(const struct ring_counts *counts)
{
	struct class_counter sum = {0};

	for (int c = 0; c < FRAME_CLASS_COUNT; c++) {
		add_class(&sum, &counts->classes[c]);
	}
	return sum;
}

uint64_t ring_counts_seen(const struct ring_counts *counts)
{
	struct class_counter filter = ring_counts_filter(counts);

	return filter.kept + filter.dropped + counts->unwanted.dropped;
}

uint64_t emit_limited(const struct emit_counters *counters)
{
	uint64_t sum = 0;

	for (int type = 0; type < REC_COUNT; type++) {
		sum += counters->limited_by_type[type];
	}
	return sum;
}

static void add_emit(struct emit_counters *sum, const struct emit_counters *part)
{
	sum->offered += part->offered;
	sum->suppressed += part->suppressed;
	sum->known += part->known;
	sum->printed += part->printed;
	sum->invalid += part->invalid;
	sum->unwritten += part->unwritten;
	for (int type = 0; type < REC_COUNT; type++) {
		sum->printed_by_type[type] += part->printed_by_type[type];
		sum->limited_by_type[type] += part->limited_by_type[type];
	}
}

void worker_counts_add(struct worker_counts *sum, const struct worker_counts *part)
{
	sum->from_files += part->from_files;
	sum->handed_out += part->handed_out;
	sum->by_expression += part->by_expression;
	sum->by_selection += part->by_selection;
	sum->behind_stop += part->behind_stop;
	sum->analysed += part->analysed;
	sum->died += part->died;
	sum->poisonous += part->poisonous;
	sum->unhandled += part->unhandled;
	sum->cpu_ns += part->cpu_ns;
	sum->records_died += part->records_died;
	sum->lines_died += part->lines_died;
	sum->decode.unknown_link += part->decode.unknown_link;
	sum->decode.cut += part->decode.cut;
	sum->decode.bad += part->decode.bad;
	sum->decode.too_deep += part->decode.too_deep;
	add_emit(&sum->emit, &part->emit);
	sum->csv.lines += part->csv.lines;
	sum->csv.lost_lines += part->csv.lost_lines;
	sum->csv.lost_writes += part->csv.lost_writes;
}

uint64_t worker_counts_walked(const struct worker_counts *counts)
{
	return counts->from_files + counts->handed_out;
}

uint64_t worker_counts_done(const struct worker_counts *c)
{
	return c->by_expression + c->by_selection + c->behind_stop + c->analysed + c->died;
}

uint64_t worker_counts_results(const struct worker_counts *c)
{
	const struct emit_counters *e = &c->emit;

	return e->printed + e->known + e->suppressed + e->invalid + e->unwritten + emit_limited(e) +
	       c->records_died;
}

struct ring_mark report_ring_mark(const struct report_ring *ring)
{
	const struct ring_counters *kernel = &ring->counts.kernel;

	return (struct ring_mark){
		.kept = ring_counts_filter(&ring->counts).kept,
		.in_ring = kernel->packets - kernel->drops,
	};
}

struct worker_mark report_worker_mark(const struct report_worker *worker)
{
	return (struct worker_mark){
		.walked = worker_counts_walked(&worker->counts),
		.offered = worker->counts.emit.offered,
		.printed = worker->counts.emit.printed,
	};
}

struct link_stats report_links(const struct report *report)
{
	struct link_stats sum = {.rx_packets = 0};

	for (unsigned k = 0; k < report->interface_count; k++) {
		const struct link_stats *part = &report->interfaces[k].stats;

		sum.rx_packets += part->rx_packets;
		sum.rx_bytes += part->rx_bytes;
		sum.tx_packets += part->tx_packets;
		sum.rx_errors += part->rx_errors;
		sum.rx_dropped += part->rx_dropped;
		sum.rx_missed += part->rx_missed;
		sum.rx_fifo += part->rx_fifo;
		sum.rx_nohandler += part->rx_nohandler;
	}
	return sum;
}

struct pcapdump_counters report_dumps(const struct report *report)
{
	struct pcapdump_counters sum = {.frames = 0};

	for (unsigned i = 0; i < report->dump_count; i++) {
		const struct pcapdump_counters *part = &report->dumps[i].counters;

		sum.frames += part->frames;
		sum.other_links += part->other_links;
		sum.over_limit += part->over_limit;
		sum.lost += part->lost;
	}
	return sum;
}

struct ring_counts report_rings(const struct report *report)
{
	struct ring_counts sum = {.flows_unknown = 0};

	for (unsigned k = 0; k < report->interface_count; k++) {
		for (unsigned i = 0; i < report->worker_count; i++) {
			ring_counts_add(&sum, &report->rings[k][i].counts);
		}
	}
	return sum;
}

struct worker_counts report_workers(const struct report *report)
{
	struct worker_counts sum = {.analysed = 0};

	for (unsigned i = 0; i < report->worker_count; i++) {
		worker_counts_add(&sum, &report->workers[i].counts);
	}
	return sum;
}

/* ---- The balance ---- */

/* When nothing flows any more, both bounds are one: what has come has left, or is held. */
static uint64_t unaccounted(const struct report *report, struct stage stage, uint64_t in_work)
{
	if (report->is_final) {
		stage.before = stage.now;
		stage.out += stage.held;
		stage.held = 0;
	} else {
		stage.held += in_work;
	}
	return stage_unaccounted(&stage);
}

struct balance report_balance_ring(const struct report *report, unsigned interface, unsigned worker)
{
	const struct report_ring *ring = &report->rings[interface][worker];
	const struct ring_counts *c = &ring->counts;
	struct ring_mark now = report_ring_mark(ring);
	struct stage filter = {
		.before = ring->before.kept,
		.now = now.kept,
		.out = c->kernel.packets,
	};
	struct stage walk = {
		.before = ring->before.in_ring,
		.now = now.in_ring,
		.out = c->handed_out + c->torn + c->abandoned,
		.held = c->waiting,
	};

	return (struct balance){
		.ring = unaccounted(report, filter, 0),
		.walk = unaccounted(report, walk, 0),
	};
}

/* A worker has one frame, one record and one line in work at most. */
struct balance report_balance_worker(const struct report *report, unsigned worker)
{
	const struct report_worker *w = &report->workers[worker];
	struct worker_mark now = report_worker_mark(w);
	struct stage analysis = {
		.before = w->before.walked,
		.now = now.walked,
		.out = worker_counts_done(&w->counts),
	};
	struct stage records = {
		.before = w->before.offered,
		.now = now.offered,
		.out = worker_counts_results(&w->counts),
	};
	struct stage lines = {
		.before = w->before.printed,
		.now = now.printed,
		.out = w->counts.csv.lines + w->counts.lines_died,
	};

	return (struct balance){
		.analysis = unaccounted(report, analysis, 1),
		.records = unaccounted(report, records, 1),
		.lines = unaccounted(report, lines, 1),
	};
}

static void add_balance(struct balance *sum, struct balance part)
{
	sum->ring += part.ring;
	sum->walk += part.walk;
	sum->analysis += part.analysis;
	sum->records += part.records;
	sum->lines += part.lines;
}

struct balance report_balance(const struct report *report)
{
	struct balance sum = {.ring = 0};

	for (unsigned i = 0; i < report->worker_count; i++) {
		for (unsigned k = 0; k < report->interface_count; k++) {
			add_balance(&sum, report_balance_ring(report, k, i));
		}
		add_balance(&sum, report_balance_worker(report, i));
	}
	return sum;
}

uint64_t balance_sum(const struct balance *balance)
{
	return balance->ring + balance->walk + balance->analysis + balance->records +
	       balance->lines;
}

/* ---- What-if ---- */

/* Of a class with a budget, does a frame pass before which so many units had gone? */
static uint32_t budget_of(int frame_class, const struct selection *selection)
{
	switch (frame_class) {
	case FRAME_CLASS_TCP_ACK_DATA:
	case FRAME_CLASS_TCP_ACK_DNS:
		return selection->tcp_budget;
	case FRAME_CLASS_UDP:
		return selection->udp_budget;
	default:
		return BUDGET_ALL;
	}
}

struct what_if report_what_if(const struct filter_counters *filter,
                              const struct selection *selection)
{
	struct what_if sum = {.frames = 0};
	uint32_t classes = selection->classes | FRAME_CLASSES_ALWAYS_KEPT;

	for (int c = 0; c < FRAME_CLASS_COUNT; c++) {
		uint32_t budget = (classes >> c & 1) != 0 ? budget_of(c, selection) : 0;

		for (uint32_t used = 0; used <= BUDGET_USED_MAX; used++) {
			const struct class_counter *n = &filter->classes[c][used];

			sum.seen_frames += n->kept + n->dropped;
			sum.seen_bytes += n->kept_bytes + n->dropped_bytes;
			sum.frames += used < budget ? n->kept + n->dropped : 0;
			sum.bytes += used < budget ? n->kept_bytes + n->dropped_bytes : 0;
		}
	}
	return sum;
}

const char *report_profile_name(const struct selection *selection)
{
	size_t count;
	const struct profile *rows = profile_rows(&count);

	for (size_t i = 0; i < count; i++) {
		struct selection of_row = profile_selection(&rows[i]);

		selection_add(&of_row, selection->also_classes);
		if (memcmp(&of_row, selection, sizeof(of_row)) == 0) {
			return rows[i].name;
		}
	}
	return "custom";
}
