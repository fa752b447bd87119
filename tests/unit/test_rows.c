/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/text.h>
#include <passer/fingerprint/rows.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A table that writes what it was given: "line:id|ports|note;" for each row. */
enum column { COL_ID, COL_PORTS, COL_NOTE, COL_COUNT };

static const struct rows_column columns[COL_COUNT] = {
	[COL_ID] = {"id", true},
	[COL_PORTS] = {"ports", false},
	[COL_NOTE] = {"note", false},
};

struct result {
	char rows[512];
	char messages[1024];
	struct rows_report report;
};

static void append(char *text, size_t size, const char *more)
{
	size_t len = strlen(text);

	assert_true(len + strlen(more) + 2 < size);
	snprintf(text + len, size - len, "%s", more);
}

static void tell(void *context, const char *message)
{
	struct result *r = context;

	append(r->messages, sizeof(r->messages), message);
	append(r->messages, sizeof(r->messages), "\n");
}

static int take(void *table, const struct row *row)
{
	struct result *r = table;
	char text[256];

	if (span_equal(row->cells[COL_ID], span_str("bad"))) {
		return row_bad(row, COL_ID, "a row may not be %s", "bad");
	}
	if (span_equal(row->cells[COL_ID], span_str("stop"))) {
		return -ENOMEM;
	}
	snprintf(text, sizeof(text), "%zu:%.*s|%.*s|%.*s;", row->line, (int)row->cells[COL_ID].len,
	         (const char *)row->cells[COL_ID].data, (int)row->cells[COL_PORTS].len,
	         (const char *)row->cells[COL_PORTS].data, (int)row->cells[COL_NOTE].len,
	         (const char *)row->cells[COL_NOTE].data);
	append(r->rows, sizeof(r->rows), text);
	return 0;
}

static int load(const char *text, struct result *out_result)
{
	static const struct rows_format format = {columns, COL_COUNT, take};

	*out_result = (struct result){.report = {.tell = tell, .context = out_result}};
	return rows_load(&format, "t.tsv", span_str(text), out_result, &out_result->report);
}

struct load_case {
	const char *text;
	int ret;
	const char *rows;
	const char *messages;
	size_t good, bad;
};

static void tables(void **state)
{
	static const struct load_case cases[] = {
		{"id\tports\tnote\na\t1\tx\n", 0, "2:a|1|x;", "", 1, 0},
		{"id\tports\tnote\na\t1\tx", 0, "2:a|1|x;", "", 1, 0},
		{"note\tid\nx y\ta\n", 0, "2:a||x y;", "", 1, 0},
		{"\xef\xbb\xbf# c\r\n\r\n \t \r\nid\tnote\r\n#x\r\na\tb\r\n", 0, "6:a||b;", "", 1,
	         0},
		{"id\n a  \n  #b\n", 0, "2:a||;3:#b||;", "", 2, 0},
		{"id\tports\tnote\na\nb\t1\nc\t\t\t\t\n", 0, "2:a||;3:b|1|;4:c||;", "", 3, 0},
		{"id\tnote\na\tb\tc\n", 0, "",
	         "t.tsv:2: row: more cells than the 2 columns named\n", 0, 1},
		{"id\tnote\n\tb\nx\n", 0, "3:x||;", "t.tsv:2: id: empty\n", 1, 1},
		{"id\nbad\nx\nbad\n", 0, "3:x||;",
	         "t.tsv:2: id: a row may not be bad\nt.tsv:4: id: a row may not be bad\n", 1, 2},
		{"id\nx\nstop\ny\n", -ENOMEM, "2:x||;", "", 1, 0},
		{"id\tnote\na\t\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\n", 0,
	         "2:a||\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80;", "", 1, 0},
		{"id\tnote\na\tb\xff\n", 0, "", "t.tsv:2: note: byte 2 (0xff) is not UTF-8\n", 0,
	         1},
		{"id\n\xc0\xaf\n", 0, "", "t.tsv:2: id: byte 1 (0xc0) is not UTF-8\n", 0, 1},
		{"id\n\xed\xa0\x80\n", 0, "", "t.tsv:2: id: byte 1 (0xed) is not UTF-8\n", 0, 1},
		{"id\n\xf4\x90\x80\x80\n", 0, "", "t.tsv:2: id: byte 1 (0xf4) is not UTF-8\n", 0,
	         1},
		{"id\n\xe2\x82\n", 0, "", "t.tsv:2: id: byte 1 (0xe2) is not UTF-8\n", 0, 1},
		{"id\nx\x7f\n", 0, "", "t.tsv:2: id: byte 2 (0x7f) is a control character\n", 0, 1},
		{"id\nx\x01\n", 0, "", "t.tsv:2: id: byte 2 (0x01) is a control character\n", 0, 1},
		{"id\twarning\na\tscan\n", 0, "2:a||;",
	         "t.tsv:1: row: no table has a column \"warning\" here; it is ignored\n", 1, 1},
		{"ports\n1\n", -EINVAL, "", "t.tsv:1: id: this column is missing\n", 0, 1},
		{"id\tid\na\tb\n", -EINVAL, "", "t.tsv:1: id: this column is named twice\n", 0, 1},
		{"# only this\n", -EINVAL, "", "t.tsv:1: row: no line names the columns\n", 0, 1},
		{"", -EINVAL, "", "t.tsv:0: row: no line names the columns\n", 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result r;

		assert_int_equal(load(cases[i].text, &r), cases[i].ret);
		assert_string_equal(r.rows, cases[i].rows);
		assert_string_equal(r.messages, cases[i].messages);
		assert_int_equal(r.report.good, cases[i].good);
		assert_int_equal(r.report.bad, cases[i].bad);
	}
}

static void tell_nobody(void *context, const char *message)
{
	(void)context;
	(void)message;
}

/* A header of n columns, of which the table knows the first. */
static int load_wide(size_t n)
{
	static const struct rows_format format = {columns, COL_COUNT, take};
	char text[512] = "id";
	struct result r = {.report = {.tell = tell_nobody}};

	for (size_t i = 1; i < n; i++) {
		append(text, sizeof(text), "\tx");
	}
	append(text, sizeof(text), "\na\n");
	return rows_load(&format, "t.tsv", span_str(text), &r, &r.report);
}

static void number_of_columns_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(load_wide(ROWS_COLUMNS_MAX), 0);
	assert_int_equal(load_wide(ROWS_COLUMNS_MAX + 1), -EINVAL);
}

static void long_message_is_cut(void **state)
{
	char text[2000] = "id\n\x01";
	struct result r;

	(void)state;
	memset(text + 4, 'x', sizeof(text) - 5);
	assert_int_equal(load(text, &r), 0);
	assert_int_equal(r.report.bad, 1);

	char name[1000];
	struct result long_name = {.report = {.tell = tell, .context = &long_name}};
	static const struct rows_format format = {columns, COL_COUNT, take};

	memset(name, 'f', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(rows_load(&format, name, span_str("id\nbad\n"), &r, &long_name.report), 0);
	assert_int_equal(strlen(long_name.messages), 512);
}

struct cell_case {
	const char *cell;
	int ret;
	const char *answer; /* ranges or warnings, or the message behind the column's name */
};

static void try_ports(const struct row *row, char *out, size_t size)
{
	struct port_range ranges[ROW_PORT_RANGES_MAX];
	size_t count = 0;

	if (row_ports(row, 0, ranges, &count) < 0) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		char one[32];

		snprintf(one, sizeof(one), "%u-%u;", ranges[i].first, ranges[i].last);
		append(out, size, one);
	}
}

static void cells_of_ports(void **state)
{
	static const struct cell_case cases[] = {
		{"22", 0, "22-22;"},
		{"0", 0, "0-0;"},
		{"65535", 0, "65535-65535;"},
		{"80, 3128,27015-27020", 0, "80-80;3128-3128;27015-27020;"},
		{"1 - 2", 0, "1-2;"},
		{"5-5", 0, "5-5;"},
		{"0-65535", 0, "0-65535;"},
		{"", -EINVAL, "\"\" is neither a port nor a range of ports\n"},
		{"65536", -EINVAL, "\"65536\" is neither a port nor a range of ports\n"},
		{"99999999999999999999", -EINVAL,
	         "\"99999999999999999999\" is neither a port nor a range of ports\n"},
		{"80,", -EINVAL, "\"\" is neither a port nor a range of ports\n"},
		{"80,,81", -EINVAL, "\"\" is neither a port nor a range of ports\n"},
		{"7-6", -EINVAL, "\"7-6\" is neither a port nor a range of ports\n"},
		{"7-", -EINVAL, "\"7-\" is neither a port nor a range of ports\n"},
		{"-7", -EINVAL, "\"-7\" is neither a port nor a range of ports\n"},
		{"1-2-3", -EINVAL, "\"1-2-3\" is neither a port nor a range of ports\n"},
		{"http", -EINVAL, "\"http\" is neither a port nor a range of ports\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result r = {.report = {.tell = tell, .context = &r}};
		struct row row = {.file = "t", .columns = columns, .report = &r.report};

		row.cells[0] = span_str(cases[i].cell);
		try_ports(&row, r.rows, sizeof(r.rows));
		assert_string_equal(cases[i].ret == 0 ? r.rows : r.messages + strlen("t:0: id: "),
		                    cases[i].answer);
	}
}

static void number_of_ranges_is_bounded(void **state)
{
	char buf[ROW_PORT_RANGES_MAX * 2 + 2];
	struct text cell;
	struct port_range ranges[ROW_PORT_RANGES_MAX];
	size_t count = 0;
	struct result r = {.report = {.tell = tell, .context = &r}};
	struct row row = {.file = "t", .columns = columns, .report = &r.report};

	(void)state;
	text_init(&cell, buf, sizeof(buf));
	text_add(&cell, "1");
	for (size_t i = 1; i < ROW_PORT_RANGES_MAX; i++) {
		text_add(&cell, ",1");
	}
	row.cells[0] = text_span(&cell);
	assert_int_equal(row_ports(&row, 0, ranges, &count), 0);
	assert_int_equal(count, ROW_PORT_RANGES_MAX);
	text_add(&cell, ",1");
	row.cells[0] = text_span(&cell);
	assert_int_equal(row_ports(&row, 0, ranges, &count), -EINVAL);
}

static void cells_of_warnings(void **state)
{
	static const struct cell_case cases[] = {
		{"", 0, ""},
		{"scan", 0, "scan"},
		{"scan:tunnel", 0, "scan:tunnel"},
		{"scam", -EINVAL, "\"scam\" is not a list of at most 4 known warnings\n"},
		{"scan tunnel", -EINVAL,
	         "\"scan tunnel\" is not a list of at most 4 known warnings\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result r = {.report = {.tell = tell, .context = &r}};
		struct row row = {.file = "t", .columns = columns, .report = &r.report};
		struct warnings warnings = {{0}};
		struct text words;
		char buf[64];

		row.cells[0] = span_str(cases[i].cell);
		assert_int_equal(row_warnings(&row, 0, &warnings), cases[i].ret);
		text_init(&words, buf, sizeof(buf));
		warnings_format(&warnings, &words);
		assert_string_equal(cases[i].ret == 0 ? buf : r.messages + strlen("t:0: id: "),
		                    cases[i].answer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables),
		cmocka_unit_test(number_of_columns_is_bounded),
		cmocka_unit_test(long_message_is_cut),
		cmocka_unit_test(cells_of_ports),
		cmocka_unit_test(number_of_ranges_is_bounded),
		cmocka_unit_test(cells_of_warnings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
