/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one loader of signature tables, ours and the users' alike. A table is UTF-8 text:
 *
 *   # a comment is a line that begins with #; blank lines are nothing
 *   id <tab> ports <tab> match ...          the first other line names the columns, in any order
 *   ssh-generic <tab> 22 <tab> prefix a"SSH-" ...
 *
 * Blanks around a cell do not count, and trailing cells may be left away. A bad row is reported as
 * "file:line: column: reason", skipped and counted; the others are loaded.
 */
#pragma once

#include <passer/base/span.h>
#include <passer/base/warning.h>

#define ROWS_COLUMNS_MAX    32
#define ROW_PORT_RANGES_MAX 64

struct rows_column {
	const char *name;
	bool is_required; /* the file has this column and none of its cells is empty */
};

struct rows_report {
	/* Gets each message; NULL: they go to the log as warnings. */
	void (*tell)(void *context, const char *message);
	void *context;
	size_t good; /* rows loaded */
	size_t bad;  /* rows skipped, and columns that make no sense */
};

struct row {
	const char *file;
	size_t line;
	/* In the order of the format, whatever that of the file; borrowed from the text. */
	struct span cells[ROWS_COLUMNS_MAX];
	const struct rows_column *columns;
	struct rows_report *report;
};

/* What a kind of table looks like. */
struct rows_format {
	const struct rows_column *columns; /* indexed by an enum of the table's */
	size_t column_count;
	/*
	 * Takes one row into the table and copies what it keeps: 0; -EINVAL to skip the row, which
	 * row_bad() has told why; any other negative errno ends the load.
	 */
	int (*take)(void *table, const struct row *row);
};

/*
 * Loads a table from text. `file` is its name for messages. Counts are added to those in report.
 * 0 even when rows are bad; a negative errno when the columns are unusable (-EINVAL, reported) or
 * take() gave up.
 */
int rows_load(const struct rows_format *format, const char *file, struct span text, void *table,
              struct rows_report *report);

/* Reports what is wrong with a cell; returns -EINVAL. */
int row_bad(const struct row *row, size_t column, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

struct port_range {
	uint16_t first, last;
};

/*
 * A cell of ports, "80, 3128, 27015-27020", into out_ranges. 0 and the count, which is at least
 * one; or -EINVAL, reported.
 */
int row_ports(const struct row *row, size_t column,
              struct port_range out_ranges[static ROW_PORT_RANGES_MAX], size_t *out_count);

/* A cell of warnings, "scan:tunnel" or nothing. 0, or -EINVAL, reported. */
int row_warnings(const struct row *row, size_t column, struct warnings *out_warnings);
