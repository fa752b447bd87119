/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loss ledger: when it balances, what-if, counters of links, and the forms that it leaves in.
 */
#include "control/control_socket.h"
#include "control/counters.h"
#include "control/link_tally.h"
#include "control/report.h"
#include "control/report_json.h"
#include "control/stats_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- one stage ---- */

static void a_stage_loses_and_invents(void **state)
{
	static const struct {
		struct stage stage;
		uint64_t unaccounted;
	} rows[] = {
		{{.before = 0, .now = 0, .out = 0, .held = 0}, 0},
		{{.before = 10, .now = 10, .out = 10, .held = 0}, 0},
		{{.before = 10, .now = 90, .out = 10, .held = 0}, 0}, /* came since */
		{{.before = 10, .now = 90, .out = 90, .held = 0}, 0},
		{{.before = 10, .now = 90, .out = 5, .held = 5}, 0},
		{{.before = 10, .now = 90, .out = 5, .held = 50}, 0},
		{{.before = 10, .now = 90, .out = 5, .held = 4}, 1},
		{{.before = 10, .now = 10, .out = 0, .held = 0}, 10},
		{{.before = 10, .now = 10, .out = 12, .held = 0}, 2}, /* out of nothing */
		{{.before = UINT64_MAX, .now = UINT64_MAX, .out = UINT64_MAX, .held = 0}, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(stage_unaccounted(&rows[i].stage), rows[i].unaccounted);
	}
}

/* ---- a report ---- */

static struct report report; /* too large for a stack */

/* One interface, one worker: 100 frames kept, 10 of them dropped, 90 walked, 40 facts. */
static struct report *fill(bool is_final)
{
	struct report_ring *ring = &report.rings[0][0];
	struct worker_counts *w = &report.workers[0].counts;

	report = (struct report){
		.name = "test",
		.profile = "all",
		.is_live = true,
		.is_final = is_final,
		.interface_count = 1,
		.worker_count = 1,
		.interfaces = {{.name = "eth0", .stats = {.rx_packets = 130}}},
		.tables = {{.name = "facts", .entries = 1, .capacity = 2, .evicted = 3}},
		.table_count = 1,
	};
	ring->counts.classes[FRAME_CLASS_ARP] = (struct class_counter){.kept = 60};
	ring->counts.classes[FRAME_CLASS_TCP_SYN] = (struct class_counter){.kept = 40};
	ring->counts.classes[FRAME_CLASS_TCP_ACK_DATA] =
		(struct class_counter){.dropped = 20, .dropped_bytes = 2000};
	ring->counts.unwanted.dropped = 10;
	ring->counts.kernel = (struct ring_counters){.packets = 100, .drops = 10, .freezes = 1};
	ring->counts.handed_out = w->handed_out = 90;
	ring->before = (struct ring_mark){.kept = 100, .in_ring = 90};
	w->by_expression = 1;
	w->by_selection = 2;
	w->analysed = 87;
	w->emit.offered = 40;
	w->emit.printed = 20;
	w->emit.printed_by_type[REC_MA] = 20;
	w->emit.known = 17;
	w->emit.suppressed = 2;
	w->emit.invalid = 1;
	w->csv.lines = 20;
	report.workers[0].before = (struct worker_mark){90, 40, 20};
	return &report;
}

/* Adds to one of its counters; those of the filter are of another 64-bit type than ours. */
static void change(struct report *r, int which, int by)
{
	struct ring_counts *ring = &r->rings[0][0].counts;
	struct worker_counts *w = &r->workers[0].counts;
	void *const fields[] = {
		&ring->classes[FRAME_CLASS_ARP].kept,
		&ring->kernel.packets,
		&ring->kernel.drops,
		&ring->handed_out,
		&ring->waiting,
		&ring->torn,
		&ring->abandoned,
		&w->analysed,
		&w->died,
		&w->emit.offered,
		&w->emit.known,
		&w->csv.lines,
	};

	uint64_t value;

	memcpy(&value, fields[which], sizeof(value));
	value += (uint64_t)(int64_t)by;
	memcpy(fields[which], &value, sizeof(value));
}

enum {
	KEPT,
	PACKETS,
	DROPS,
	HANDED,
	WAITING,
	TORN,
	ABANDONED,
	ANALYSED,
	DIED,
	OFFERED,
	KNOWN,
	LINES
};

/* What one or two counters that differ make of the balance, in the end and while packets flow. */
static void each_stage_has_its_balance(void **state)
{
	static const struct {
		int first, second; /* the same twice: one change */
		int change, second_change;
		struct balance in_the_end, flowing;
	} rows[] = {
		{KEPT, KEPT, 0, 0, {0}, {0}},
		{KEPT, KEPT, 5, 0, {.ring = 5}, {0}}, /* may be on its way */
		{KEPT, KEPT, -5, 0, {.ring = 5}, {.ring = 5}},
		{PACKETS, PACKETS, -3, 0, {.ring = 3, .walk = 3}, {.ring = 3, .walk = 3}},
		{DROPS, DROPS, 1, 0, {.walk = 1}, {.walk = 1}},
		{HANDED, HANDED, -4, 0, {.walk = 4}, {.walk = 4}},
		{HANDED, WAITING, -4, 4, {0}, {0}},
		{HANDED, WAITING, -4, 5, {.walk = 1}, {0}}, /* read while it changes */
		{HANDED, TORN, -4, 4, {0}, {0}},
		{HANDED, ABANDONED, -4, 4, {0}, {0}},
		{ANALYSED, ANALYSED, -1, 0, {.analysis = 1}, {0}}, /* in work */
		{ANALYSED, ANALYSED, -2, 0, {.analysis = 2}, {.analysis = 1}},
		{ANALYSED, DIED, -1, 1, {0}, {0}},
		{ANALYSED, ANALYSED, 1, 0, {.analysis = 1}, {.analysis = 1}},
		{KNOWN, KNOWN, -1, 0, {.records = 1}, {0}},
		{KNOWN, KNOWN, 2, 0, {.records = 2}, {.records = 2}},
		{OFFERED, OFFERED, 7, 0, {.records = 7}, {0}},
		{LINES, LINES, -1, 0, {.lines = 1}, {0}},
		{LINES, LINES, -9, 0, {.lines = 9}, {.lines = 8}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (int is_final = 0; is_final < 2; is_final++) {
			struct report *r = fill(is_final);
			const struct balance *wanted =
				is_final ? &rows[i].in_the_end : &rows[i].flowing;

			change(r, rows[i].first, rows[i].change);
			change(r, rows[i].second, rows[i].second_change);
			struct balance found = report_balance(r);

			assert_memory_equal(&found, wanted, sizeof(found));
		}
	}
}

static void sums_are_over_rings_and_workers(void **state)
{
	struct report *r = fill(true);

	(void)state;
	r->interface_count = r->worker_count = 2;
	r->interfaces[1] = r->interfaces[0];
	r->rings[0][1] = r->rings[1][0] = r->rings[1][1] = r->rings[0][0];
	r->rings[1][1].counts.blocks_waiting_max = 7;
	r->workers[1] = r->workers[0];
	r->workers[0].counts.handed_out = r->workers[1].counts.handed_out = 180;
	r->workers[0].counts.analysed = r->workers[1].counts.analysed = 177;
	struct ring_counts rings = report_rings(r);
	struct worker_counts workers = report_workers(r);
	struct balance balance = report_balance(r);

	assert_int_equal(ring_counts_seen(&rings), 4 * 130);
	assert_int_equal(ring_counts_filter(&rings).kept, 400);
	assert_int_equal(rings.kernel.drops, 40);
	assert_int_equal(rings.blocks_waiting_max, 7);
	assert_int_equal(worker_counts_walked(&workers), 360);
	assert_int_equal(workers.emit.printed_by_type[REC_MA], 40);
	assert_int_equal(report_links(r).rx_packets, 260);
	assert_int_equal(balance_sum(&balance), 0);
}

/* ---- what-if ---- */

static void what_if_asks_classes_and_budgets(void **state)
{
	static struct filter_counters f;
	static const struct {
		uint32_t classes;
		uint32_t tcp, udp;
		uint64_t frames, bytes;
	} rows[] = {
		{FRAME_CLASSES_ALL, BUDGET_ALL, BUDGET_ALL, 1000 + 48 + 16 + 5, 48000 + 1600 + 0},
		{FRAME_CLASSES_ALL, 0, 0, 1000 + 5, 0},
		{FRAME_CLASSES_ALL, 4, 0, 1000 + 12 + 5, 12000},
		{FRAME_CLASSES_ALL, 4, 2, 1000 + 12 + 2 + 5, 12000 + 200},
		{FRAME_CLASSES_ALL, BUDGET_USED_MAX, 0, 1000 + 45 + 5, 45000},
		{FRAME_CLASS_BIT(ARP), BUDGET_ALL, BUDGET_ALL, 1000 + 5, 0},
		{FRAME_CLASS_BIT(UDP), 4, 1, 1 + 5, 100},
		{0, 0, 0, 5, 0}, /* what is always kept */
	};

	(void)state;
	f.classes[FRAME_CLASS_ARP][0] = (struct class_counter){.kept = 400, .dropped = 600};
	f.classes[FRAME_CLASS_SHORT][0].kept = 5;
	for (int used = 0; used <= BUDGET_USED_MAX; used++) {
		f.classes[FRAME_CLASS_TCP_ACK_DATA][used] = (struct class_counter){
			.kept = 1, .dropped = 2, .kept_bytes = 1000, .dropped_bytes = 2000};
		f.classes[FRAME_CLASS_UDP][used] =
			(struct class_counter){.kept = 1, .kept_bytes = 100};
	}
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct selection selection = {
			.classes = rows[i].classes,
			.tcp_budget = rows[i].tcp,
			.udp_budget = rows[i].udp,
		};
		struct what_if w = report_what_if(&f, &selection);

		assert_int_equal(w.frames, rows[i].frames);
		assert_int_equal(w.bytes, rows[i].bytes);
		assert_int_equal(w.seen_frames, 1000 + 48 + 16 + 5);
		assert_int_equal(w.seen_bytes, 48000 + 1600);
	}
}

static void profiles_have_names(void **state)
{
	size_t count;
	const struct profile *rows = profile_rows(&count);
	struct selection selection = profile_selection(&rows[0]);

	(void)state;
	assert_string_equal(report_profile_name(&selection), rows[0].name);
	selection_add(&selection, FRAME_CLASS_BIT(L2_OTHER)); /* as --unhandled does */
	assert_string_equal(report_profile_name(&selection), rows[0].name);
	selection.tcp_budget = 3;
	assert_string_equal(report_profile_name(&selection), "custom");
}

/* ---- links ---- */

static void links_count_from_the_first_sight(void **state)
{
	static const struct {
		unsigned ifindex;
		uint64_t rx;
		uint32_t carrier;
		bool is_gone;
		uint64_t sum;
		uint32_t carrier_sum;
	} rows[] = {
		{2, 1000, 2, false, 0, 0}, /* was there before us */
		{2, 1010, 2, false, 10, 0}, {3, 50, 1, false, 10, 0},
		{3, 55, 2, false, 15, 1},   {2, 1020, 3, true, 25, 2}, /* its last words */
		{2, 0, 1, false, 25, 2}, /* another one under its index */
		{2, 5, 1, false, 30, 2},    {3, 4, 2, false, 34, 2}, /* has been reset */
		{9, 7, 7, true, 34, 2},                              /* never seen */
	};
	static struct link_tally tally;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct link_info link = {
			.ifindex = rows[i].ifindex,
			.is_gone = rows[i].is_gone,
			.carrier_changes = rows[i].carrier,
			.stats = {.rx_packets = rows[i].rx},
		};

		link_tally_note(&tally, &link);
		assert_int_equal(tally.sum.rx_packets, rows[i].sum);
		assert_int_equal(tally.carrier_changes, rows[i].carrier_sum);
	}
	assert_int_equal(tally.count, 2);
}

static void more_links_than_there_is_room_for(void **state)
{
	static struct link_tally tally;

	(void)state;
	for (unsigned i = 1; i <= TALLY_LINKS_MAX + 10; i++) {
		link_tally_note(&tally, &(struct link_info){.ifindex = i});
		link_tally_note(&tally,
		                &(struct link_info){.ifindex = i, .stats = {.rx_packets = 1}});
	}
	assert_int_equal(tally.count, TALLY_LINKS_MAX);
	assert_int_equal(tally.sum.rx_packets, TALLY_LINKS_MAX);
}

/* ---- forms ---- */

static int64_t number_at(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static void the_report_as_json(void **state)
{
	struct report *r = fill(true);
	json_t *json, *total, *ring, *class;

	(void)state;
	r->workers[0].counts.analysed -= 3;
	json = report_json(r);
	assert_non_null(json);
	total = json_object_get(json, "total");
	ring = json_array_get(json_object_get(json, "rings"), 0);
	class = json_object_get(json_object_get(ring, "classes"), "tcp-ack-data");
	assert_string_equal(json_string_value(json_object_get(json, "name")), "test");
	assert_int_equal(number_at(json, "unaccounted"), 3);
	assert_int_equal(number_at(json_object_get(json, "balance"), "analysis"), 3);
	assert_int_equal(number_at(total, "seen"), 130);
	assert_int_equal(number_at(total, "unwanted"), 10);
	assert_int_equal(number_at(total, "filter_dropped"), 20);
	assert_int_equal(number_at(total, "kept"), 100);
	assert_int_equal(number_at(total, "printed"), 20);
	assert_int_equal(number_at(json_object_get(total, "printed_by_type"), "MA"), 20);
	assert_int_equal(number_at(class, "dropped_bytes"), 2000);
	assert_int_equal(number_at(ring, "unaccounted"), 0);
	assert_int_equal(json_array_size(json_object_get(json, "workers")), 1);
	json_decref(json);
}

static void what_if_as_json(void **state)
{
	size_t count;
	json_t *json;

	(void)state;
	(void)profile_rows(&count);
	json = report_json_what_if(fill(true));
	assert_non_null(json);
	assert_int_equal(json_array_size(json_object_get(json, "profiles")), count);
	assert_int_equal(number_at(json, "seen_frames"), 0);
	json_decref(json);
}

static unsigned commas_in(const char *line)
{
	unsigned n = 0;

	for (; *line != '\0'; line++) {
		n += *line == ',';
	}
	return n;
}

/* Header and lines of the file; returns how many lines there are. */
static unsigned check_lines(const char *path)
{
	char line[4096];
	unsigned lines = 0, commas = 0;
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	while (fgets(line, sizeof(line), in) != NULL) {
		commas = lines == 0 ? commas_in(line) : commas;
		assert_int_equal(commas_in(line), commas);
		assert_int_equal(line[strlen(line) - 1], '\n');
		assert_true(lines == 0 || strncmp(line, "time,", 5) != 0);
		lines++;
	}
	fclose(in);
	return lines;
}

static void the_report_as_lines(void **state)
{
	char path[] = "/tmp/passer-stats-XXXXXX";
	int fd = mkstemp(path);
	struct stats_file *file;
	struct err err;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(stats_file_open(path, &file, &err), 0);
	stats_file_write(file, fill(true));
	assert_int_equal(check_lines(path), 1 + 4);
	assert_int_equal(stats_file_reopen(file, &err), 0); /* has a header already */
	stats_file_write(file, fill(false));
	assert_int_equal(check_lines(path), 1 + 8);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(stats_file_reopen(file, &err), 0);
	assert_int_equal(check_lines(path), 1);
	stats_file_close(file);
	unlink(path);
	assert_true(stats_file_open("/nonexistent/stats.csv", &file, &err) < 0);
	assert_non_null(strstr(err.text, "/nonexistent/stats.csv: "));
	stats_file_close(NULL);
}

static void counters_have_different_names(void **state)
{
	const char *names[3 * COUNTERS_MAX];
	unsigned count, all = 0;
	const char *const *lists[3];
	unsigned counts[3];

	(void)state;
	lists[0] = counters_link_names(&counts[0]);
	lists[1] = counters_ring_names(&counts[1]);
	lists[2] = counters_worker_names(&counts[2]);
	for (int i = 0; i < 3; i++) {
		for (count = 0; count < counts[i]; count++) {
			for (unsigned k = 0; k < all; k++) {
				assert_string_not_equal(lists[i][count], names[k]);
			}
			names[all++] = lists[i][count];
		}
	}
}

static void names_of_sensors(void **state)
{
	static const struct {
		const char *name;
		bool is_good;
	} rows[] = {
		{"passer", true},
		{"a", true},
		{"Span-1_b.c", true},
		{"0123456789012345678901234567890123456789", true},
		{"01234567890123456789012345678901234567890", false},
		{"", false},
		{".", false},
		{"..", false},
		{".hidden", false},
		{"a/b", false},
		{"../a", false},
		{"a b", false},
		{"a\n", false},
		{"\xc3\xa4", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(control_name_is_good(rows[i].name), rows[i].is_good);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stage_loses_and_invents),
		cmocka_unit_test(each_stage_has_its_balance),
		cmocka_unit_test(sums_are_over_rings_and_workers),
		cmocka_unit_test(what_if_asks_classes_and_budgets),
		cmocka_unit_test(profiles_have_names),
		cmocka_unit_test(links_count_from_the_first_sight),
		cmocka_unit_test(more_links_than_there_is_room_for),
		cmocka_unit_test(the_report_as_json),
		cmocka_unit_test(what_if_as_json),
		cmocka_unit_test(the_report_as_lines),
		cmocka_unit_test(counters_have_different_names),
		cmocka_unit_test(names_of_sensors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
