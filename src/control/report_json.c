/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report_json.h"

#include "counters.h"

#include <passer/base/clock.h>

#include <linux/if_packet.h>

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *seconds(uint64_t ns)
{
	return json_real((double)ns / (double)NS_PER_S);
}

static void add_counters(json_t *object, const char *const *names, const struct counters *counters)
{
	for (unsigned i = 0; i < counters->count; i++) {
		json_object_set_new(object, names[i], number(counters->values[i]));
	}
}

/* The kernel takes names that are no UTF-8, JSON does not. */
static json_t *name_json(const char *name)
{
	json_t *json = json_string(name);

	return json != NULL ? json : json_string("?");
}

static json_t *balance_json(const struct balance *b)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "ring", number(b->ring), "walk",
	                 number(b->walk), "analysis", number(b->analysis), "records",
	                 number(b->records), "lines", number(b->lines));
}

/* ---- Interfaces and rings ---- */

static json_t *interface_json(const struct report_interface *iface)
{
	json_t *object = json_pack("{s:o, s:o, s:b, s:b, s:o, s:o}", "name", name_json(iface->name),
	                           "ifindex", number(iface->ifindex), "is_gone", iface->is_gone,
	                           "is_up", iface->is_up, "mtu", number(iface->mtu),
	                           "carrier_changes", number(iface->carrier_changes));
	struct counters counters = counters_of_link(&iface->stats);
	unsigned count;

	add_counters(object, counters_link_names(&count), &counters);
	return object;
}

/* Only classes of which there was a frame. */
static json_t *classes_json(const struct ring_counts *counts)
{
	json_t *object = json_object();

	for (int c = 0; c < FRAME_CLASS_COUNT; c++) {
		const struct class_counter *n = &counts->classes[c];

		if (n->kept + n->dropped > 0) {
			json_object_set_new(object, frame_class_name((enum frame_class)c),
			                    json_pack("{s:o, s:o, s:o, s:o}", "kept",
			                              number(n->kept), "dropped",
			                              number(n->dropped), "kept_bytes",
			                              number(n->kept_bytes), "dropped_bytes",
			                              number(n->dropped_bytes)));
		}
	}
	return object;
}

static const char *fanout_name(unsigned type)
{
	static const char *const names[] = {
		[PACKET_FANOUT_HASH] = "flow",
		[PACKET_FANOUT_CPU] = "cpu",
		[PACKET_FANOUT_QM] = "queue",
		[PACKET_FANOUT_EBPF] = "host",
	};
	const char *name = type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;

	return name != NULL ? name : "other";
}

static json_t *geometry_json(const struct ring_geometry *g)
{
	json_t *object = json_pack("{s:o, s:o, s:o}", "block_bytes", number(g->block_bytes),
	                           "blocks", number(g->blocks), "retire_ms", number(g->retire_ms));

	if (g->fanout_id >= 0) {
		json_object_set_new(object, "fanout_id", json_integer(g->fanout_id));
		json_object_set_new(object, "fanout", json_string(fanout_name(g->fanout_type)));
	}
	return object;
}

static json_t *ring_json(const struct report *r, unsigned k, unsigned i)
{
	const struct report_ring *ring = &r->rings[k][i];
	struct balance balance = report_balance_ring(r, k, i);
	struct counters counters = counters_of_ring(&ring->counts);
	unsigned count;
	json_t *object = json_pack("{s:o, s:o, s:b, s:o, s:o, s:o}", "interface",
	                           name_json(r->interfaces[k].name), "worker", number(i), "is_open",
	                           ring->is_open, "geometry", geometry_json(&ring->geometry),
	                           "classes", classes_json(&ring->counts), "unaccounted",
	                           number(balance_sum(&balance)));

	add_counters(object, counters_ring_names(&count), &counters);
	return object;
}

static json_t *rings_json(const struct report *r)
{
	json_t *array = json_array();

	for (unsigned k = 0; k < r->interface_count; k++) {
		for (unsigned i = 0; i < r->worker_count; i++) {
			json_array_append_new(array, ring_json(r, k, i));
		}
	}
	return array;
}

static json_t *interfaces_json(const struct report *r)
{
	json_t *array = json_array();

	for (unsigned k = 0; k < r->interface_count; k++) {
		json_array_append_new(array, interface_json(&r->interfaces[k]));
	}
	return array;
}

/* ---- Workers ---- */

static json_t *types_json(const struct worker_counts *counts)
{
	json_t *object = json_object();

	for (int type = REC_NONE + 1; type < REC_COUNT; type++) {
		json_object_set_new(object, record_type_name((enum record_type)type),
		                    number(counts->emit.printed_by_type[type]));
	}
	return object;
}

static json_t *worker_json(const struct report *r, unsigned i)
{
	const struct report_worker *w = &r->workers[i];
	struct balance balance = report_balance_worker(r, i);
	struct counters counters = counters_of_worker(&w->counts);
	unsigned count;
	json_t *object =
		json_pack("{s:o, s:i, s:i, s:o, s:o, s:o}", "worker", number(i), "pid", (int)w->pid,
	                  "cpu", w->cpu, "restarts", number(w->restarts), "printed_by_type",
	                  types_json(&w->counts), "unaccounted", number(balance_sum(&balance)));

	add_counters(object, counters_worker_names(&count), &counters);
	return object;
}

static json_t *workers_json(const struct report *r)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < r->worker_count; i++) {
		json_array_append_new(array, worker_json(r, i));
	}
	return array;
}

/* ---- The whole ---- */

static json_t *total_json(const struct report *r)
{
	struct ring_counts rings = report_rings(r);
	struct worker_counts workers = report_workers(r);
	struct counters of_rings = counters_of_ring(&rings);
	struct counters of_workers = counters_of_worker(&workers);
	unsigned count;
	json_t *object = json_pack("{s:o, s:o}", "classes", classes_json(&rings), "printed_by_type",
	                           types_json(&workers));

	add_counters(object, counters_ring_names(&count), &of_rings);
	add_counters(object, counters_worker_names(&count), &of_workers);
	return object;
}

static json_t *tables_json(const struct report *r)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < r->table_count; i++) {
		const struct report_table *t = &r->tables[i];

		json_object_set_new(object, t->name,
		                    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "entries",
		                              number(t->entries), "capacity", number(t->capacity),
		                              "bytes", number(t->bytes), "evicted",
		                              number(t->evicted), "refused", number(t->refused),
		                              "displaced", number(t->displaced), "is_short",
		                              t->is_short));
	}
	return object;
}

static json_t *dumps_json(const struct report *r)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < r->dump_count; i++) {
		const struct pcapdump_counters *c = &r->dumps[i].counters;

		json_object_set_new(object, r->dumps[i].name,
		                    json_pack("{s:o, s:o, s:o, s:o}", "frames", number(c->frames),
		                              "other_links", number(c->other_links), "over_limit",
		                              number(c->over_limit), "lost", number(c->lost)));
	}
	return object;
}

static json_t *analyzers_json(const struct report *r)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < r->analyzer_count; i++) {
		const struct report_analyzer *a = &r->analyzers[i];

		json_array_append_new(array, json_pack("{s:s, s:o, s:b}", "name", a->name, "deaths",
		                                       number(a->deaths), "is_off", a->is_off));
	}
	return array;
}

static json_t *vlans_json(const struct health_counters *health)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < HEALTH_VLANS; i++) {
		const struct health_vlan *v = &health->vlans[i];

		if (v->both_ways + v->one_way > 0) {
			json_array_append_new(array, json_pack("{s:i, s:o, s:o}", "vlan", (int)i,
			                                       "both_ways", number(v->both_ways),
			                                       "one_way", number(v->one_way)));
		}
	}
	return array;
}

static void append_advice(void *user, const char *text)
{
	json_array_append_new(user, json_string(text));
}

static json_t *health_json(const struct health_counters *health)
{
	json_t *advice = json_array();

	health_advise(health, append_advice, advice);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "truncated",
	                 number(health->truncated), "above_mtu", number(health->above_mtu),
	                 "checked", number(health->checked), "duplicates",
	                 number(health->duplicates), "split", number(health->split), "displaced",
	                 number(health->displaced), "vlans", vlans_json(health), "advice", advice);
}

json_t *report_json(const struct report *report)
{
	struct balance balance = report_balance(report);

	return json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
	                 "s:o, s:o, s:o, s:o}",
	                 "name", report->name, "pid", (int)report->pid, "version", PASSER_VERSION,
	                 "time", number(report->time_s), "uptime_seconds",
	                 seconds(report->uptime_ns), "supervisor_cpu_ms",
	                 number(report->cpu_ns / NS_PER_MS), "is_final", report->is_final,
	                 "profile", report_json_selection(&report->selection, report->profile),
	                 "interfaces", interfaces_json(report), "rings", rings_json(report),
	                 "workers", workers_json(report), "total", total_json(report), "tables",
	                 tables_json(report), "dumps", dumps_json(report), "analyzers",
	                 analyzers_json(report), "health", health_json(&report->health), "balance",
	                 balance_json(&balance), "unaccounted", number(balance_sum(&balance)));
}

/* ---- Selections ---- */

static json_t *budget_json(uint32_t budget)
{
	return budget == BUDGET_ALL ? json_string("all") : number(budget);
}

json_t *report_json_selection(const struct selection *selection, const char *name)
{
	json_t *records = json_array();
	json_t *classes = json_array();

	for (int type = REC_NONE + 1; type < REC_COUNT; type++) {
		if ((selection->records >> type & 1) != 0) {
			json_array_append_new(
				records, json_string(record_type_name((enum record_type)type)));
		}
	}
	for (int c = 0; c < FRAME_CLASS_COUNT; c++) {
		if ((selection->classes >> c & 1) != 0) {
			json_array_append_new(classes,
			                      json_string(frame_class_name((enum frame_class)c)));
		}
	}
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "name", name, "records", records, "acks",
	                 budget_json(selection->tcp_budget), "udp",
	                 budget_json(selection->udp_budget), "classes", classes);
}

static json_t *one_what_if(const struct report *report, const struct selection *selection,
                           const char *name)
{
	struct what_if w = report_what_if(&report->filter, selection);

	return json_pack("{s:o, s:o, s:o}", "profile", report_json_selection(selection, name),
	                 "frames", number(w.frames), "bytes", number(w.bytes));
}

json_t *report_json_what_if(const struct report *report)
{
	struct what_if seen = report_what_if(&report->filter, &report->selection);
	json_t *profiles = json_array();
	size_t count;
	const struct profile *rows = profile_rows(&count);

	for (size_t i = 0; i < count; i++) {
		struct selection selection = profile_selection(&rows[i]);

		json_array_append_new(profiles, one_what_if(report, &selection, rows[i].name));
	}
	return json_pack("{s:o, s:o, s:o, s:o}", "seen_frames", number(seen.seen_frames),
	                 "seen_bytes", number(seen.seen_bytes), "now",
	                 one_what_if(report, &report->selection, report->profile), "profiles",
	                 profiles);
}
