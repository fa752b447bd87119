/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the bounded tables hold and have lost, and whether --memory should give them more room. */
#include "sensor.h"

#include <passer/base/clock.h>
#include <passer/base/log.h>
#include <passer/ledger/names.h>
#include <passer/ledger/suspects.h>

#include <inttypes.h>

/*
 * A table is too small when an eighth of it makes room for others within an eighth of the time that
 * its entries should last: an evicted fact is printed again, an evicted flow has lost its
 * beginning.
 */
#define PART         8
#define FACT_LASTS_S 86400
#define FLOW_LASTS_S 300

static uint64_t window_ns(enum ledger_table table)
{
	return (table == LEDGER_FLOWS ? FLOW_LASTS_S : FACT_LASTS_S) * NS_PER_S / PART;
}

static struct table_counters read_flows(const struct supervisor *s)
{
	struct table_counters sum = {.entries = 0};

	for (unsigned i = 0; i < s->worker_count; i++) {
		struct table_counters one = flows_counters(s->slots[i].flows);

		sum.entries += one.entries;
		sum.capacity += one.capacity;
		sum.evicted += one.evicted;
	}
	return sum;
}

static void set(struct report *r, enum ledger_table table, struct table_counters c)
{
	r->tables[table].entries = c.entries;
	r->tables[table].capacity = c.capacity;
	r->tables[table].evicted = c.evicted;
}

static void read_names(struct report *r, const struct names *names)
{
	struct names_counters c = names_counters(names);

	set(r, LEDGER_NAMES,
	    (struct table_counters){
		    .entries = c.entries,
		    .capacity = c.capacity,
		    .evicted = c.evicted,
	    });
	r->tables[LEDGER_NAMES].refused = c.refused;
	r->tables[LEDGER_NAMES].displaced = c.displaced;
}

static void read_suspects(struct report *r, const struct suspects *suspects)
{
	struct suspects_counters c = suspects_counters(suspects);

	set(r, LEDGER_SUSPECTS,
	    (struct table_counters){.entries = c.taken, .capacity = c.capacity});
	r->tables[LEDGER_SUSPECTS].refused = c.refused;
}

void tables_read(struct supervisor *s)
{
	struct report *r = &s->report;
	const struct ledger *ledger = &s->ledger;
	const struct table *const tables[] = {
		[LEDGER_FACTS] = ledger->facts,       [LEDGER_SERVICES] = ledger->services,
		[LEDGER_CLIENTS] = ledger->clients,   [LEDGER_HOSTS] = ledger->hosts,
		[LEDGER_REFUSALS] = ledger->refusals,
	};

	for (int i = 0; i < (int)(sizeof(tables) / sizeof(tables[0])); i++) {
		set(r, (enum ledger_table)i, table_counters(tables[i]));
	}
	read_names(r, ledger->names);
	read_suspects(r, ledger->suspects);
	set(r, LEDGER_FLOWS, read_flows(s));
	r->table_count = LEDGER_TABLE_COUNT;
	for (int i = 0; i < LEDGER_TABLE_COUNT; i++) {
		r->tables[i].name = ledger_table_name((enum ledger_table)i);
		r->tables[i].bytes = s->memory.parts[i].bytes;
		r->tables[i].is_short = s->evictions[i].is_told;
	}
}

static void watch(struct supervisor *s, enum ledger_table table, uint64_t now_ns)
{
	struct eviction_mark *mark = &s->evictions[table];
	const struct report_table *t = &s->report.tables[table];
	uint64_t lost = t->evicted + t->refused;

	mark->time_ns = mark->time_ns != 0 ? mark->time_ns : s->started_ns;
	if (now_ns - mark->time_ns > window_ns(table)) {
		mark->time_ns = now_ns;
		mark->evicted = lost;
	}
	if (!mark->is_told && lost - mark->evicted > t->capacity / PART) {
		mark->is_told = true;
		log_warn("ledger: the table of %s is too small: %" PRIu64
		         " entries found no room or made room for others; --memory gives it more",
		         t->name, lost);
	}
}

void tables_watch(struct supervisor *s)
{
	uint64_t now_ns = clock_monotonic_ns();

	tables_read(s);
	for (int i = 0; i < LEDGER_TABLE_COUNT; i++) {
		if (i == LEDGER_FLOWS && !setup_wants_live(s->options)) {
			continue; /* a file of hours is read in seconds */
		}
		watch(s, (enum ledger_table)i, now_ns);
	}
}

/* ---- The files of packets ---- */

static void add_dump(struct report *r, const char *name, const struct pcapdump *dump)
{
	if (dump != NULL) {
		r->dumps[r->dump_count++] = (struct report_dump){name, pcapdump_counters(dump)};
	}
}

void tables_read_dumps(struct supervisor *s)
{
	const struct worker_common *c = &s->common;

	s->report.dump_count = 0;
	add_dump(&s->report, "unhandled", c->unhandled);
	add_dump(&s->report, "suspicious", c->suspicious != c->unhandled ? c->suspicious : NULL);
	add_dump(&s->report, "quarantine", s->quarantine);
}
