/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which facts are printed: those that say something and are not known. */
#include "talks.h"

/* What has no address says nothing, and a name record without its name. */
static void empty_records_are_dropped(void **state)
{
	static const struct {
		enum record_type type;
		enum addr_family family;
		const char *name;
		bool is_printed;
	} records[] = {
		{REC_DN, ADDR_V4, "a.", true},   {REC_DN, ADDR_V4, "", false},
		{REC_WI, ADDR_V4, "", true},     {REC_DN, ADDR_NONE, "a.", false},
		{REC_TS, ADDR_NONE, "a", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(records); i++) {
		const struct addr addr = {.family = (uint8_t)records[i].family};

		begin_anew();
		record_begin(&sensor.ctx.rec, records[i].type, &addr, "A", PROTO_PLAIN, 0);
		text_add(&sensor.ctx.rec.state, records[i].name);
		emit(&sensor.ctx);
		assert_int_equal(sensor.counters.printed, records[i].is_printed);
		assert_int_equal(sensor.counters.invalid, !records[i].is_printed);
		check_counters();
	}
}

/* A fact once, unless it is a change or of a type that is always told. */
static void known_facts_are_not_printed(void **state)
{
	static const struct addr addr = {.family = ADDR_V4};

	(void)state;
	for (unsigned is_change = 0; is_change <= 1; is_change++) {
		for (unsigned is_event = 0; is_event <= 1; is_event++) {
			begin_anew();
			for (unsigned n = 1; n <= 3; n++) {
				record_begin(&sensor.ctx.rec, is_event ? REC_WI : REC_TS, &addr,
				             "A", PROTO_PLAIN, n);
				sensor.ctx.rec.is_change = is_change;
				emit(&sensor.ctx);
				assert_int_equal(sensor.counters.printed,
				                 is_change || is_event ? n : 1);
			}
			check_counters();
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_records_are_dropped),
		cmocka_unit_test(known_facts_are_not_printed),
	};

	return cmocka_run_group_tests_name("emit_facts", tests, open_sensor, close_sensor);
}
