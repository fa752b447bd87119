/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats.h"

#include <passer/base/log.h>
#include <passer/ledger/names.h>
#include <passer/ledger/suspects.h>

#include <inttypes.h>

/* Over all workers. */
struct totals {
	uint64_t frames, filtered;
	uint64_t printed, known;
	uint64_t lost_writes;
	struct decode_counters decode;
};

static void add(struct totals *sum, const struct worker_shared *w)
{
	sum->frames += w->frames;
	sum->filtered += w->filtered;
	sum->printed += w->emit.printed;
	sum->known += w->emit.known;
	sum->lost_writes += w->csv.lost_writes;
	sum->decode.unknown_link += w->decode.unknown_link;
	sum->decode.cut += w->decode.cut;
	sum->decode.bad += w->decode.bad;
	sum->decode.too_deep += w->decode.too_deep;
}

static uint64_t evicted(const struct ledger *ledger)
{
	return table_counters(ledger->facts).evicted + table_counters(ledger->services).evicted +
	       table_counters(ledger->clients).evicted + table_counters(ledger->refusals).evicted +
	       table_counters(ledger->hosts).evicted + names_evicted(ledger->names);
}

static void print_worker(unsigned i, const struct worker_summary *w)
{
	const struct worker_shared *s = w->shared;

	log_info("worker %u (cpu %d): %" PRIu64 " packets, %" PRIu64 " dropped, %" PRIu64
	         " records, %u restarts",
	         i, w->cpu, s->frames, w->kernel != NULL ? w->kernel->ring.drops : 0,
	         s->emit.printed, w->restarts);
}

/* Lines about what went wrong, each only when there is something to say. */
static void print_troubles(const struct totals *sum, const struct ledger *ledger)
{
	const struct decode_counters *d = &sum->decode;

	if (d->cut + d->bad + d->too_deep + d->unknown_link > 0) {
		log_info("decode: %" PRIu64 " packets cut short, %" PRIu64 " malformed, %" PRIu64
		         " nested too deep, %" PRIu64 " of an unknown link type",
		         d->cut, d->bad, d->too_deep, d->unknown_link);
	}
	if (evicted(ledger) > 0) {
		log_info("ledger: %" PRIu64 " entries made room for others; what they held may be "
		         "printed again",
		         evicted(ledger));
	}
	if (suspects_counters(ledger->suspects).refused > 0) {
		log_warn("ledger: no room for more suspicious hosts: %" PRIu64
		         " warnings made nobody suspicious",
		         suspects_counters(ledger->suspects).refused);
	}
	if (sum->lost_writes > 0) {
		log_warn("output: %" PRIu64 " writes failed, their records are lost",
		         sum->lost_writes);
	}
}

void stats_summary(const struct worker_summary *workers, unsigned count,
                   const struct ledger *ledger)
{
	struct totals sum = {.frames = 0};
	struct kernel_counters kernel = {.filter_dropped = 0};
	bool is_live = false;

	for (unsigned i = 0; i < count; i++) {
		add(&sum, workers[i].shared);
		if (workers[i].kernel != NULL) {
			is_live = true;
			kernel.ring.drops += workers[i].kernel->ring.drops;
			kernel.ring.freezes += workers[i].kernel->ring.freezes;
			kernel.filter_dropped += workers[i].kernel->filter_dropped;
		}
	}
	log_info("%" PRIu64 " packets, %" PRIu64 " dropped, %" PRIu64 " left out by the filter, "
	         "%" PRIu64 " records, %" PRIu64 " known already",
	         sum.frames, kernel.ring.drops, sum.filtered + kernel.filter_dropped, sum.printed,
	         sum.known);
	for (unsigned i = 0; i < count && is_live; i++) {
		print_worker(i, &workers[i]);
	}
	if (kernel.ring.drops > 0) {
		log_warn("%" PRIu64 " packets found the ring full, %" PRIu64 " times; "
		         "--ring-mib, --workers or --acks none help",
		         kernel.ring.drops, kernel.ring.freezes);
	}
	print_troubles(&sum, ledger);
}
