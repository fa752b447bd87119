/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/bug.h>
#include <passer/base/cursor.h>
#include <passer/base/log.h>
#include <passer/fingerprint/rows.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define PORT_MAX 65535

static const char row_word[] = "row"; /* stands for the column when the whole row is meant */

struct loader {
	const struct rows_format *format;
	struct row row;
	/* For each column of the file its place in the format, or the count for "none". */
	size_t places[ROWS_COLUMNS_MAX];
	size_t file_columns; /* 0: not known yet */
};

__attribute__((format(printf, 3, 0))) static void report(const struct row *row, const char *column,
                                                         const char *format, va_list args)
{
	char message[512];
	struct rows_report *r = row->report;
	int head = snprintf(message, sizeof(message), "%s:%zu: %s: ", row->file, row->line, column);

	if (head > 0 && (size_t)head < sizeof(message)) {
		vsnprintf(message + head, sizeof(message) - (size_t)head, format, args);
	}
	if (r->tell != NULL) {
		r->tell(r->context, message);
	} else {
		log_warn("%s", message);
	}
}

__attribute__((format(printf, 3, 4))) static int bad(const struct row *row, const char *column,
                                                     const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(row, column, format, args);
	va_end(args);
	return -EINVAL;
}

int row_bad(const struct row *row, size_t column, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(row, row->columns[column].name, format, args);
	va_end(args);
	return -EINVAL;
}

static struct span trim(struct span s)
{
	while (s.len > 0 && s.data[0] == ' ') {
		s = span_of(s.data + 1, s.len - 1);
	}
	while (s.len > 0 && s.data[s.len - 1] == ' ') {
		s.len--;
	}
	return s;
}

/* Cuts the text before the next separator off rest; all of it when there is none. */
static struct span cut(struct span *rest, char separator)
{
	const uint8_t *end = memchr(rest->data, separator, rest->len);
	size_t n = end != NULL ? (size_t)(end - rest->data) : rest->len;
	struct span head = span_of(rest->data, n);
	size_t used = n + (end != NULL);

	*rest = span_of(rest->data + used, rest->len - used);
	return head;
}

/* Length of the UTF-8 character at the start of s (RFC 3629), 0 when it is none. */
static size_t utf8_length(struct span s)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t lead = s.data[0];
	size_t n = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	uint32_t point = n == 2 ? lead & 0x1f : n == 3 ? lead & 0x0f : lead & 0x07;

	if (n < 2 || lead > 0xf7 || n > s.len) {
		return n == 1;
	}
	for (size_t i = 1; i < n; i++) {
		if ((s.data[i] & 0xc0) != 0x80) {
			return 0;
		}
		point = point << 6 | (s.data[i] & 0x3f);
	}
	bool is_surrogate = point >= 0xd800 && point <= 0xdfff;

	return point >= smallest[n] && point <= 0x10ffff && !is_surrogate ? n : 0;
}

/* Control characters are invisible in an editor, so they are never meant. */
static int check_text(const struct row *row, const char *column, struct span cell)
{
	for (size_t i = 0; i < cell.len;) {
		size_t n = utf8_length(span_of(cell.data + i, cell.len - i));

		if (n == 0) {
			return bad(row, column, "byte %zu (0x%02x) is not UTF-8", i + 1,
			           cell.data[i]);
		}
		if (cell.data[i] < 0x20 || cell.data[i] == 0x7f) {
			return bad(row, column, "byte %zu (0x%02x) is a control character", i + 1,
			           cell.data[i]);
		}
		i += n;
	}
	return 0;
}

/* Messages name what the file calls a column, cut to a length that nobody needs. */
static int print_len(struct span s)
{
	return s.len < 40 ? (int)s.len : 40;
}

static size_t find_column(const struct rows_format *format, struct span name)
{
	size_t i = 0;

	while (i < format->column_count && !span_equal(name, span_str(format->columns[i].name))) {
		i++;
	}
	return i;
}

static bool has_column(const struct loader *l, size_t place)
{
	for (size_t i = 0; i < l->file_columns; i++) {
		if (l->places[i] == place) {
			return true;
		}
	}
	return false;
}

static int add_column(struct loader *l, struct span name)
{
	size_t place = find_column(l->format, name);

	if (l->file_columns == ROWS_COLUMNS_MAX) {
		return bad(&l->row, row_word, "more than %d columns", ROWS_COLUMNS_MAX);
	}
	if (check_text(&l->row, row_word, name) < 0) {
		return -EINVAL;
	}
	if (place == l->format->column_count) {
		/* Told, since it may be a slip of the pen, but the rest is as good as without. */
		bad(&l->row, row_word, "no table has a column \"%.*s\" here; it is ignored",
		    print_len(name), (const char *)name.data);
		l->row.report->bad++;
	} else if (has_column(l, place)) {
		return row_bad(&l->row, place, "this column is named twice");
	}
	l->places[l->file_columns++] = place;
	return 0;
}

static int read_header(struct loader *l, struct span line)
{
	int ret = 0;
	bool is_last;

	do {
		is_last = memchr(line.data, '\t', line.len) == NULL;
		ret = add_column(l, trim(cut(&line, '\t')));
	} while (ret == 0 && !is_last);
	for (size_t i = 0; ret == 0 && i < l->format->column_count; i++) {
		if (l->format->columns[i].is_required && !has_column(l, i)) {
			ret = row_bad(&l->row, i, "this column is missing");
		}
	}
	return ret;
}

static int split(struct loader *l, struct span line)
{
	int ret = 0;

	for (size_t i = 0; i < ROWS_COLUMNS_MAX; i++) {
		l->row.cells[i] = span_of("", 0); /* an absent cell can be read like an empty one */
	}
	for (size_t i = 0; line.len > 0; i++) {
		struct span cell = trim(cut(&line, '\t'));

		if (i >= l->file_columns) {
			if (cell.len > 0) {
				return bad(&l->row, row_word,
				           "more cells than the %zu columns named",
				           l->file_columns);
			}
			continue;
		}
		size_t place = l->places[i];
		bool is_known = place < l->format->column_count;

		if (check_text(&l->row, is_known ? l->row.columns[place].name : row_word, cell) <
		    0) {
			ret = -EINVAL;
		}
		if (is_known) {
			l->row.cells[place] = cell;
		}
	}
	return ret;
}

static int read_row(struct loader *l, struct span line, void *table)
{
	int ret = split(l, line);

	for (size_t i = 0; i < l->format->column_count; i++) {
		if (l->format->columns[i].is_required && l->row.cells[i].len == 0) {
			ret = row_bad(&l->row, i, "empty");
		}
	}
	if (ret == 0) {
		ret = l->format->take(table, &l->row);
	}
	if (ret == 0) {
		l->row.report->good++;
	} else if (ret == -EINVAL) {
		l->row.report->bad++;
		ret = 0;
	}
	return ret;
}

static bool is_blank(struct span line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (line.data[i] != ' ' && line.data[i] != '\t') {
			return false;
		}
	}
	return true;
}

/* Some editors put U+FEFF at the start of a file. */
static struct span skip_mark(struct span text)
{
	struct span mark = span_str("\xef\xbb\xbf");

	return span_has_prefix(text, mark) ? span_of(text.data + mark.len, text.len - mark.len)
	                                   : text;
}

int rows_load(const struct rows_format *format, const char *file, struct span text, void *table,
              struct rows_report *report)
{
	struct loader l = {
		.format = format,
		.row = {.file = file, .columns = format->columns, .report = report},
	};
	struct cursor c = cur_of(skip_mark(text));
	struct span line;

	if (passer_bug_on(format->column_count > ROWS_COLUMNS_MAX)) {
		return -EINVAL;
	}
	while (cur_line(&c, &line)) {
		int ret = 0;

		l.row.line++;
		if (is_blank(line) || line.data[0] == '#') {
			continue;
		}
		if (l.file_columns == 0) {
			ret = read_header(&l, line);
			report->bad += ret != 0;
		} else {
			ret = read_row(&l, line, table);
		}
		if (ret != 0) {
			return ret;
		}
	}
	if (l.file_columns == 0) {
		report->bad++;
		return bad(&l.row, row_word, "no line names the columns");
	}
	return 0;
}

/* A decimal number up to max, and nothing else. */
static bool read_number(struct span digits, unsigned max, unsigned *out_number)
{
	unsigned n = 0;

	for (size_t i = 0; i < digits.len; i++) {
		if (digits.data[i] < '0' || digits.data[i] > '9') {
			return false;
		}
		n = n * 10 + (unsigned)(digits.data[i] - '0');
		if (n > max) {
			return false;
		}
	}
	*out_number = n;
	return digits.len > 0;
}

/* "22" or "6000-6063" */
static bool read_range(struct span text, struct port_range *out_range)
{
	unsigned first, last;
	bool is_range = memchr(text.data, '-', text.len) != NULL;
	struct span head = cut(&text, '-');

	if (!read_number(trim(head), PORT_MAX, &first)) {
		return false;
	}
	last = first;
	if (is_range && (!read_number(trim(text), PORT_MAX, &last) || last < first)) {
		return false;
	}
	*out_range = (struct port_range){.first = (uint16_t)first, .last = (uint16_t)last};
	return true;
}

int row_ports(const struct row *row, size_t column,
              struct port_range out_ranges[static ROW_PORT_RANGES_MAX], size_t *out_count)
{
	struct span rest = row->cells[column];
	size_t n = 0;
	bool is_last;

	do {
		is_last = memchr(rest.data, ',', rest.len) == NULL;

		struct span one = trim(cut(&rest, ','));

		if (n == ROW_PORT_RANGES_MAX) {
			return row_bad(row, column, "more than %d ports or ranges",
			               ROW_PORT_RANGES_MAX);
		}
		if (!read_range(one, &out_ranges[n++])) {
			return row_bad(row, column,
			               "\"%.*s\" is neither a port nor a range of ports",
			               print_len(one), (const char *)one.data);
		}
	} while (!is_last);
	*out_count = n;
	return 0;
}

int row_warnings(const struct row *row, size_t column, struct warnings *out_warnings)
{
	struct span words = row->cells[column];

	if (!warnings_parse(words, out_warnings)) {
		return row_bad(row, column, "\"%.*s\" is not a list of at most %d known warnings",
		               print_len(words), (const char *)words.data, WARNINGS_MAX);
	}
	return 0;
}
