/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of analyzers: each row is complete and none is in the way of another. */
#include <passer/analyzers/registry.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The names in analyzers.def, from which the build makes the names of the files. */
static const char *const names[] = {
#define ANALYZER(name, about) #name,
#include "analyzers/analyzers.def"
#undef ANALYZER
};

static const struct analyzer_row *all_rows(void)
{
	size_t count;
	const struct analyzer_row *rows = analyzer_rows(&count);

	assert_int_equal(count, COUNT(names) + PASSER_FAULTS); /* which has one more, the first */
	assert_in_range(count, 1, ANALYZERS_MAX);
	return rows + PASSER_FAULTS;
}

static void rows_are_complete(void **state)
{
	const struct analyzer_row *rows = all_rows();

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		print_message("# %s\n", names[i]);
		assert_string_equal(rows[i].analyzer->name, names[i]);
		assert_true(strlen(rows[i].about) > 0);
		assert_non_null(rows[i].analyzer->run);
	}
}

static void names_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(names[i], names[j]);
			assert_ptr_not_equal(all_rows()[i].analyzer, all_rows()[j].analyzer);
		}
	}
}

/* At least one type, unless the row says that there is none; each once, and no gap before one. */
static void records_are_declared(void **state)
{
	const struct analyzer_row *rows = all_rows();

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		const enum record_type *records = rows[i].analyzer->records;
		bool is_end = false;

		print_message("# %s\n", names[i]);
		assert_int_equal(records[0] == REC_NONE,
		                 strstr(rows[i].about, "no records") != NULL);
		for (int r = 0; r < ANALYZER_RECORDS_MAX; r++) {
			assert_true(records[r] < REC_COUNT);
			assert_false(is_end && records[r] != REC_NONE);
			is_end = records[r] == REC_NONE;
			for (int other = 0; other < r && !is_end; other++) {
				assert_int_not_equal(records[r], records[other]);
			}
		}
	}
}

/* Every type of record comes from somewhere, so the table of types has no dead row. */
static void every_record_type_has_an_analyzer(void **state)
{
	const struct analyzer_row *rows = all_rows();
	bool has_analyzer[REC_COUNT] = {false};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		for (int r = 0; r < ANALYZER_RECORDS_MAX; r++) {
			has_analyzer[rows[i].analyzer->records[r]] = true;
		}
	}
	for (int type = REC_NONE + 1; type < REC_COUNT; type++) {
		print_message("# %s\n", record_type_name((enum record_type)type));
		assert_true(has_analyzer[type]);
	}
}

/* Ports belong to TCP and UDP, fill the array from its start, and stand there once. */
static void matches_make_sense(void **state)
{
	const struct analyzer_row *rows = all_rows();

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		const struct analyzer *a = rows[i].analyzer;
		bool is_end = false;

		print_message("# %s\n", names[i]);
		assert_true(a->match.layer > LAYER_NONE && a->match.layer <= MATCH_ALL_LAYERS);
		assert_true(a->match.ports[0] == 0 || a->match.layer == LAYER_TCP ||
		            a->match.layer == LAYER_UDP);
		for (int p = 0; p < ANALYZER_PORTS_MAX; p++) {
			assert_false(is_end && a->match.ports[p] != 0);
			is_end = a->match.ports[p] == 0;
			for (int other = 0; other < p && !is_end; other++) {
				assert_int_not_equal(a->match.ports[p], a->match.ports[other]);
			}
		}
	}
}

static bool has_port(const struct analyzer *a, uint16_t port)
{
	for (int p = 0; p < ANALYZER_PORTS_MAX; p++) {
		if (a->match.ports[p] == port) {
			return true;
		}
	}
	return false;
}

static void no_port_has_two_analyzers(void **state)
{
	const struct analyzer_row *rows = all_rows();

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		const struct analyzer *a = rows[i].analyzer;

		for (size_t j = 0; j < i; j++) {
			const struct analyzer *b = rows[j].analyzer;

			for (int p = 0; p < ANALYZER_PORTS_MAX && a->match.ports[p] != 0; p++) {
				assert_false(a->match.layer == b->match.layer &&
				             has_port(b, a->match.ports[p]));
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_complete),
		cmocka_unit_test(names_are_unique),
		cmocka_unit_test(records_are_declared),
		cmocka_unit_test(every_record_type_has_an_analyzer),
		cmocka_unit_test(matches_make_sense),
		cmocka_unit_test(no_port_has_two_analyzers),
	};

	return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
