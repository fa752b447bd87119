/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats.h"

#include "report.h"

#include <passer/base/log.h>

#include <inttypes.h>

static void print_sum(const struct ring_counts *rings, const struct worker_counts *w,
                      uint64_t unaccounted)
{
	uint64_t left_out = ring_counts_filter(rings).dropped + rings->unwanted.dropped +
	                    w->by_expression + w->by_selection;

	log_info("%" PRIu64 " packets, %" PRIu64 " dropped, %" PRIu64 " left out by the filter, "
	         "%" PRIu64 " records, %" PRIu64 " known already, %" PRIu64 " unaccounted",
	         worker_counts_walked(w) - w->behind_stop, rings->kernel.drops, left_out,
	         w->emit.printed, w->emit.known, unaccounted);
}

static void print_worker(const struct report *r, unsigned i)
{
	const struct report_worker *w = &r->workers[i];
	uint64_t drops = 0;

	for (unsigned k = 0; k < r->interface_count; k++) {
		drops += r->rings[k][i].counts.kernel.drops;
	}
	log_info("worker %u (cpu %d): %" PRIu64 " packets, %" PRIu64 " dropped, %" PRIu64
	         " records, %u restarts",
	         i, w->cpu, worker_counts_walked(&w->counts) - w->counts.behind_stop, drops,
	         w->counts.emit.printed, w->restarts);
}

/* ---- What was lost, and what helps; each line only when there is something to say ---- */

static void print_link_losses(const struct report *r)
{
	for (unsigned k = 0; k < r->interface_count; k++) {
		const struct link_stats *s = &r->interfaces[k].stats;
		const char *name = r->interfaces[k].name;

		if (s->rx_missed + s->rx_fifo > 0) {
			log_warn("%s: lost before anybody could hear them: %" PRIu64
			         " packets missed by the NIC, %" PRIu64
			         " by its FIFO; tools/nic-check %s says what to set",
			         name, s->rx_missed, s->rx_fifo, name);
		}
		if (s->rx_dropped > 0) {
			log_info("%s: %" PRIu64 " packets dropped by the kernel: of protocols that "
			         "nobody handles, which are heard all the same, or lost before, "
			         "as /proc/net/softnet_stat or the driver's counters say",
			         name, s->rx_dropped);
		}
	}
}

static void print_ring_losses(const struct ring_counts *rings, bool is_final)
{
	if (rings->kernel.drops > 0) {
		log_warn("%" PRIu64 " packets found the ring full, %" PRIu64 " times; "
		         "--ring-mib, --workers, or a profile that keeps less help "
		         "(passerctl what-if)",
		         rings->kernel.drops, rings->kernel.freezes);
	}
	if (rings->torn > 0) {
		log_warn("%" PRIu64 " packets lost in blocks that contradict themselves: a fault "
		         "of the kernel or of passer",
		         rings->torn);
	}
	if (rings->abandoned > 0) {
		log_warn("%" PRIu64 " packets were left in rings whose interface went away",
		         rings->abandoned);
	}
	if (is_final && rings->waiting > 0) {
		log_warn("%" PRIu64 " packets were left in the rings", rings->waiting);
	}
}

static void print_worker_losses(const struct worker_counts *w)
{
	const struct decode_counters *d = &w->decode;

	if (w->died > 0) {
		log_warn("%" PRIu64 " packets were in work when a worker died", w->died);
	}
	if (w->poisonous > 0) {
		log_warn("%" PRIu64 " packets killed a worker; please report them, with the file "
		         "of --quarantine",
		         w->poisonous);
	}
	if (d->cut + d->bad + d->too_deep + d->unknown_link > 0) {
		log_info("decode: %" PRIu64 " packets cut short, %" PRIu64 " malformed, %" PRIu64
		         " nested too deep, %" PRIu64 " of an unknown link type",
		         d->cut, d->bad, d->too_deep, d->unknown_link);
	}
	if (w->csv.lost_writes + w->csv.lost_lines > 0) {
		log_warn("output: %" PRIu64 " writes failed; %" PRIu64 " lines are lost",
		         w->csv.lost_writes, w->csv.lost_lines);
	}
	if (w->emit.unwritten + emit_limited(&w->emit) > 0) {
		log_warn("output: %" PRIu64 " records found no room, %" PRIu64
		         " were over --max-rate; those that are heard again are printed then",
		         w->emit.unwritten, emit_limited(&w->emit));
	}
}

static void print_tables(const struct report *r)
{
	uint64_t evicted = 0, suspects = r->tables[LEDGER_SUSPECTS].refused;
	bool is_short = false;

	for (unsigned i = 0; i < r->table_count; i++) {
		evicted += r->tables[i].evicted;
		is_short = is_short || r->tables[i].is_short;
	}
	if (evicted > 0) {
		log_info("ledger: %" PRIu64 " entries made room for others; what they held may be "
		         "printed again%s",
		         evicted, is_short ? "; --memory gives tables more room" : "");
	}
	if (suspects > 0) {
		log_warn("ledger: no room for more suspicious hosts: %" PRIu64
		         " warnings made nobody suspicious; --memory gives more",
		         suspects);
	}
}

static void print_unaccounted(const struct balance *b)
{
	if (balance_sum(b) > 0) {
		log_warn("the counters do not balance: %" PRIu64
		         " packets before the ring, %" PRIu64 " in it, %" PRIu64
		         " in analysis, %" PRIu64 " records, %" PRIu64
		         " lines; passer cannot say where they are",
		         b->ring, b->walk, b->analysis, b->records, b->lines);
	}
}

static void print_advice(void *user, const char *text)
{
	(void)user;
	log_warn("%s", text);
}

void stats_summary(const struct report *report)
{
	struct ring_counts rings = report_rings(report);
	struct worker_counts workers = report_workers(report);
	struct balance balance = report_balance(report);

	print_sum(&rings, &workers, balance_sum(&balance));
	for (unsigned i = 0; i < report->worker_count && report->is_live; i++) {
		print_worker(report, i);
	}
	print_link_losses(report);
	print_ring_losses(&rings, report->is_final);
	print_worker_losses(&workers);
	print_tables(report);
	if (report->is_live) {
		health_advise(&report->health, print_advice, NULL);
	}
	print_unaccounted(&balance);
}
