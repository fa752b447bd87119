/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Types of records, and what makes two records the same fact. */
#include "csv_support.h"

static void types_have_names(void **state)
{
	(void)state;
	assert_string_equal(record_type_name(REC_NONE), "");
	for (int a = REC_NONE + 1; a < REC_COUNT; a++) {
		const char *name = record_type_name((enum record_type)a);

		assert_int_equal(strlen(name), 2);
		assert_true(strlen(record_type_about((enum record_type)a)) > 0);
		for (int b = REC_NONE; b < a; b++) {
			assert_string_not_equal(name, record_type_name((enum record_type)b));
		}
	}
	assert_string_equal(record_type_name(REC_TS), "TS");
	assert_int_equal(record_same(REC_RO), RECORD_SAME_ADDR_AND_TEXT);
	assert_int_equal(record_same(REC_WI), RECORD_SAME_NEVER);
	assert_int_equal(record_same(REC_TS), RECORD_SAME_ALL);
}

/* ---- the same fact? ---- */

static const struct line_row fact = {REC_NONE,       "10.0.0.1",    "TCP_", 80,
                                     BYTES("state"), BYTES("desc"), "scan", NULL};

/* One change of a fact each. For types whose whole line counts, and for routers. */
static const struct change_row {
	const char *name;
	struct line_row changed;
	bool all_differ, router_differs;
} changes[] = {
	{"nothing",
         {REC_NONE, "10.0.0.1", "TCP_", 80, BYTES("state"), BYTES("desc"), "scan", NULL},
         false,
         false},
	{"address",
         {REC_NONE, "10.0.0.2", "TCP_", 80, BYTES("state"), BYTES("desc"), "scan", NULL},
         true,
         true},
	{"family",
         {REC_NONE, "a00:1::", "TCP_", 80, BYTES("state"), BYTES("desc"), "scan", NULL},
         true,
         true},
	{"no address",
         {REC_NONE, "", "TCP_", 80, BYTES("state"), BYTES("desc"), "scan", NULL},
         true,
         true},
	{"protocol",
         {REC_NONE, "10.0.0.1", "UDP_", 80, BYTES("state"), BYTES("desc"), "scan", NULL},
         true,
         false},
	{"port",
         {REC_NONE, "10.0.0.1", "TCP_", 81, BYTES("state"), BYTES("desc"), "scan", NULL},
         true,
         false},
	{"no port",
         {REC_NONE, "10.0.0.1", "TCP_", PROTO_PLAIN, BYTES("state"), BYTES("desc"), "scan", NULL},
         true,
         false},
	{"state",
         {REC_NONE, "10.0.0.1", "TCP_", 80, BYTES("States"), BYTES("desc"), "scan", NULL},
         true,
         false},
	{"description",
         {REC_NONE, "10.0.0.1", "TCP_", 80, BYTES("state"), BYTES("desc."), "scan", NULL},
         true,
         true},
	{"no description",
         {REC_NONE, "10.0.0.1", "TCP_", 80, BYTES("state"), BYTES(""), "scan", NULL},
         true,
         true},
	{"warnings",
         {REC_NONE, "10.0.0.1", "TCP_", 80, BYTES("state"), BYTES("desc"), "scan:small", NULL},
         true,
         false},
	{"no warning",
         {REC_NONE, "10.0.0.1", "TCP_", 80, BYTES("state"), BYTES("desc"), "", NULL},
         true,
         false},
	{"where the state ends",
         {REC_NONE, "10.0.0.1", "TCP_", 80, BYTES("stated"), BYTES("esc"), "scan", NULL},
         true,
         true},
};

static uint64_t hash_of(const struct line_row *row, enum record_type type, uint64_t time_ns)
{
	static const struct hash_key key = {.k0 = 1, .k1 = 2};
	struct line_row typed = *row;
	struct record rec;

	typed.type = type;
	fill(&rec, &typed, time_ns);
	rec.is_change = time_ns % 2 == 1;
	return record_hash(&rec, &key);
}

static void facts_are_the_same_by_their_type(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(changes); i++) {
		print_message("# %s\n", changes[i].name);
		for (int t = REC_NONE + 1; t < REC_COUNT; t++) {
			enum record_type type = (enum record_type)t;
			bool differs =
				type == REC_RO ? changes[i].router_differs : changes[i].all_differ;

			/* Neither the time nor being a change makes another fact. */
			assert_int_equal(hash_of(&fact, type, 1) !=
			                         hash_of(&changes[i].changed, type, 2),
			                 differs);
		}
	}
}

/* The protocol tells routers without a description apart, their state never does. */
static void routers_without_text_differ_in_protocol(void **state)
{
	struct line_row a = {REC_RO,          "10.0.0.1", "EIGRP", PROTO_PLAIN,
	                     BYTES("router"), BYTES(""),  "",      NULL};
	struct line_row b = a;

	(void)state;
	b.state = span_str("other");
	b.warnings = "scan";
	assert_true(hash_of(&a, REC_RO, 0) == hash_of(&b, REC_RO, 0));
	b.proto = "HSRP";
	assert_true(hash_of(&a, REC_RO, 0) != hash_of(&b, REC_RO, 0));
}

static void types_differ_in_each_fact(void **state)
{
	(void)state;
	for (int a = REC_NONE + 1; a < REC_COUNT; a++) {
		for (int b = REC_NONE + 1; b < a; b++) {
			assert_true(hash_of(&fact, (enum record_type)a, 0) !=
			            hash_of(&fact, (enum record_type)b, 0));
		}
	}
}

static void hash_depends_on_the_key(void **state)
{
	static const struct hash_key one = {.k0 = 1, .k1 = 2}, other = {.k0 = 1, .k1 = 3};
	struct record rec;

	(void)state;
	fill(&rec, &lines[0], 0);
	assert_true(record_hash(&rec, &one) == record_hash(&rec, &one));
	assert_true(record_hash(&rec, &one) != record_hash(&rec, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_have_names),
		cmocka_unit_test(facts_are_the_same_by_their_type),
		cmocka_unit_test(routers_without_text_differ_in_protocol),
		cmocka_unit_test(types_differ_in_each_fact),
		cmocka_unit_test(hash_depends_on_the_key),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
