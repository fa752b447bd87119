/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records as lines: byte for byte, whole lines only. */
#include "csv_support.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

static void check_line(const struct record *rec, bool has_timestamp, const char *wanted)
{
	char line[CSV_LINE_SIZE + 1];
	size_t len;

	memset(line, '#', sizeof(line));
	len = csv_format(rec, has_timestamp, line);
	assert_int_equal(len, strlen(wanted));
	assert_memory_equal(line, wanted, len);
	assert_int_equal(line[CSV_LINE_SIZE], '#');
}

static void lines_are_written_byte_for_byte(void **state)
{
	struct record rec;

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		char with_time[CSV_LINE_SIZE];
		size_t len = strlen(lines[i].line);

		print_message("# line %zu\n", i);
		fill(&rec, &lines[i], 1500000000 * NS_PER_S);
		check_line(&rec, false, lines[i].line);
		snprintf(with_time, sizeof(with_time), "%.*s,1500000000.0,2017-07-14 02:40:00\n",
		         (int)len - 1, lines[i].line);
		check_line(&rec, true, with_time);
	}
}

/* What a record held before is gone when it begins again. */
static void records_are_used_again(void **state)
{
	struct record rec;

	(void)state;
	fill(&rec, &lines[8], 1);
	rec.is_change = true;
	fill(&rec, &lines[0], 2);
	assert_false(rec.is_change);
	assert_int_equal(rec.time_ns, 2);
	check_line(&rec, false, lines[0].line);
}

static const struct time_row {
	uint64_t time_ns;
	const char *columns;
} times[] = {
	{0, ",0.0,1970-01-01 00:00:00\n"},
	{999999999, ",0.0,1970-01-01 00:00:00\n"}, /* cut, not rounded */
	{NS_PER_S, ",1.0,1970-01-01 00:00:01\n"},
	{1500000000 * NS_PER_S + 750000000, ",1500000000.0,2017-07-14 02:40:00\n"},
	{1582934400 * NS_PER_S, ",1582934400.0,2020-02-29 00:00:00\n"},
	/* where clocks of people go back an hour */
	{1572134400 * NS_PER_S, ",1572134400.0,2019-10-27 00:00:00\n"},
	{1572138000 * NS_PER_S, ",1572138000.0,2019-10-27 01:00:00\n"},
	{2147483648 * NS_PER_S, ",2147483648.0,2038-01-19 03:14:08\n"},
	{UINT64_MAX, ",18446744073.0,2554-07-21 23:34:33\n"},
};

static void time_is_cut_to_seconds_of_utc(void **state)
{
	struct record rec;

	(void)state;
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	for (size_t i = 0; i < COUNT(times); i++) {
		char wanted[CSV_LINE_SIZE];

		fill(&rec, &lines[0], times[i].time_ns);
		snprintf(wanted, sizeof(wanted), "TS,10.0.0.1,TCP_80,listening,%s",
		         times[i].columns);
		check_line(&rec, true, wanted);
	}
	unsetenv("TZ");
	tzset();
}

/* ---- the longest lines ---- */

/* A record with all columns as long as they get. */
static void fill_longest(struct record *rec, const char *proto)
{
	static const char words[] =
		"portpolicyviolation:nonstandardport:amplification:noncompliant";
	const struct addr a = addr("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");

	record_begin(rec, REC_DN, &a, proto, INT32_MAX, UINT64_MAX);
	while (!rec->state.cut) {
		text_add(&rec->state, "s");
	}
	while (!rec->desc.cut) {
		text_add(&rec->desc, "d");
	}
	assert_true(warnings_parse(span_str(words), &rec->warnings));
}

static void longest_columns_fit_into_a_line(void **state)
{
	static const char end[] = "d Warnings:portpolicyviolation:nonstandardport:amplification:"
				  "noncompliant,18446744073.0,2554-07-21 23:34:33\n";
	struct record rec;
	char line[CSV_LINE_SIZE];

	(void)state;
	fill_longest(&rec, "NeighborAdvRouterFlag");
	size_t len = csv_format(&rec, true, line);

	assert_int_equal(rec.state.len, RECORD_STATE_SIZE - 1);
	assert_int_equal(rec.desc.len, RECORD_DESC_SIZE - 1);
	assert_true(len > RECORD_STATE_SIZE + RECORD_DESC_SIZE);
	assert_memory_equal(line + len - strlen(end), end, strlen(end));
	assert_ptr_equal(memchr(line, '\n', sizeof(line)), line + len - 1);
}

/* Which cannot be, but if it were: the line ends where the buffer does. */
static void longer_line_is_cut_and_ends(void **state)
{
	struct record rec;
	char proto[2 * CSV_LINE_SIZE], line[CSV_LINE_SIZE + 1];

	(void)state;
	for (size_t len = 1; len < sizeof(proto); len += len < 256 ? 1 : 800) {
		memset(proto, 'p', len);
		proto[len] = '\0';
		memset(line, '#', sizeof(line));
		fill_longest(&rec, proto);
		size_t line_len = csv_format(&rec, true, line);

		assert_in_range(line_len, 3, CSV_LINE_SIZE);
		assert_ptr_equal(memchr(line, '\n', sizeof(line)), line + line_len - 1);
		assert_int_equal(line[CSV_LINE_SIZE], '#');
	}
}

/* A DNS name whose every byte is escaped, and two such texts, are not cut. */
static void longest_texts_fit_into_their_columns(void **state)
{
	uint8_t bytes[255];
	struct record rec;
	const struct addr a = addr("1.2.3.4");

	(void)state;
	memset(bytes, 1, sizeof(bytes));
	record_begin(&rec, REC_DN, &a, "HINFO", PROTO_PLAIN, 0);
	text_add_clean(&rec.state, span_of(bytes, sizeof(bytes)));
	assert_int_equal(rec.state.len, 4 * sizeof(bytes));
	text_add_clean(&rec.desc, span_of(bytes, sizeof(bytes)));
	text_add_clean(&rec.desc, span_of(bytes, sizeof(bytes)));
	assert_int_equal(rec.desc.len, 8 * sizeof(bytes));
	assert_false(rec.state.cut || rec.desc.cut);
}

/* ---- the buffer ---- */

static void lines_wait_for_the_flush(void **state)
{
	int out = memory_file(), log = memory_file();
	struct fixture *f = fixture_new(out, log);
	size_t len;

	(void)state;
	assert_int_equal(csv_flush(&f->csv), 0); /* of nothing */
	fill(&f->rec, &lines[0], 0);
	csv_write(&f->csv, &f->rec);
	fill(&f->rec, &lines[1], 0);
	csv_write(&f->csv, &f->rec);
	assert_int_equal(lseek(out, 0, SEEK_END), 0);
	assert_int_equal(f->buffer.used, strlen(lines[0].line) + strlen(lines[1].line));
	assert_int_equal(csv_flush(&f->csv), 0);
	assert_int_equal(csv_flush(&f->csv), 0);
	assert_int_equal(f->buffer.used, 0);
	for (int i = 0; i < 2; i++) {
		char *content = content_of(i == 0 ? out : log, &len);

		assert_string_equal(content, "TS,10.0.0.1,TCP_80,listening,\n"
		                             "TC,10.0.0.1,TCP_65535,open,ssh/openssh\n");
		free(content);
	}
	assert_int_equal(f->counters.lines, 2);
	assert_int_equal(f->counters.lost_writes, 0);
	close(out);
	close(log);
	free(f);
}

static void full_buffer_writes_itself_out(void **state)
{
	int out = memory_file();
	struct fixture *f = fixture_new(out, -1);
	char wanted[CSV_LINE_SIZE];
	size_t len, at = 0;

	(void)state;
	for (unsigned n = 0; n < MANY_LINES; n++) {
		write_numbered(f, 1, n);
		assert_true(f->buffer.used <= sizeof(f->buffer.bytes));
		assert_int_equal(f->buffer.bytes[f->buffer.used - 1], '\n');
	}
	assert_true(lseek(out, 0, SEEK_END) > 0);
	assert_int_equal(csv_flush(&f->csv), 0);
	char *content = content_of(out, &len);

	for (unsigned n = 0; n < MANY_LINES; n++) {
		size_t line_len = numbered_line(1, n, wanted);

		assert_true(at + line_len <= len);
		assert_memory_equal(content + at, wanted, line_len);
		at += line_len;
	}
	assert_int_equal(at, len);
	assert_int_equal(f->counters.lines, MANY_LINES);
	free(content);
	close(out);
	free(f);
}

/* Without any output lines are counted and go nowhere. */
static void no_output_is_no_fault(void **state)
{
	struct fixture *f = fixture_new(-1, -1);

	(void)state;
	for (unsigned n = 0; n < MANY_LINES; n++) {
		write_numbered(f, 1, n);
	}
	assert_int_equal(csv_flush(&f->csv), 0);
	assert_int_equal(f->buffer.used, 0);
	assert_int_equal(f->counters.lines, MANY_LINES);
	assert_int_equal(f->counters.lost_writes, 0);
	free(f);
}

/* ---- several writers on one pipe ---- */

static bool write_to_pipe(unsigned number, void *context)
{
	struct fixture *f = fixture_new(*(int *)context, -1);

	f->csv.is_patient = true;
	for (unsigned n = 0; n < MANY_LINES; n++) {
		write_numbered(f, number, n);
		/* Now and then in the middle of a buffer, as the clock of a worker has it. */
		if (n % 7 == number && csv_flush(&f->csv) != 0) {
			return false;
		}
	}
	return csv_flush(&f->csv) == 0 && f->counters.lost_writes == 0;
}

static void writers_never_tear_lines(void **state)
{
	unsigned next[PROCESSES] = {0};
	struct processes p;
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	processes_start(&p, write_to_pipe, &ends[1]);
	close(ends[1]);
	FILE *in = fdopen(ends[0], "r");

	assert_non_null(in);
	while ((len = getline(&line, &room, in)) > 0) {
		assert_int_equal(line[len - 1], '\n');
		line[len - 1] = '\0';
		check_next_line(line, next);
	}
	processes_wait(&p);
	for (int i = 0; i < PROCESSES; i++) {
		assert_int_equal(next[i], MANY_LINES);
	}
	free(line);
	fclose(in);
}

static bool write_to_full_pipe(unsigned number, void *context)
{
	return number > 0 || write_to_pipe(number, context);
}

/* Somebody else may make a pipe non-blocking: what does not fit waits. */
static void non_blocking_pipe_is_waited_for(void **state)
{
	struct processes p;
	char bytes[4096];
	size_t newlines = 0;
	ssize_t n;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	processes_start(&p, write_to_full_pipe, &ends[1]);
	close(ends[1]);
	assert_int_equal(fcntl(ends[0], F_SETFL, 0), 0);
	while ((n = read(ends[0], bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			newlines += bytes[i] == '\n';
		}
	}
	processes_wait(&p);
	assert_int_equal(newlines, MANY_LINES);
	close(ends[0]);
}

/* ---- the log file ---- */

static void log_file_is_appended_to(void **state)
{
	char path[] = "/tmp/passer-test-XXXXXX";
	struct err err = {.text = ""};
	int fd = mkstemp(path);
	size_t len;

	(void)state;
	assert_true(fd >= 0);
	for (int i = 0; i < 2; i++) {
		int log = csv_open_log(path, &err);
		struct fixture *f = fixture_new(-1, log);

		assert_true(log >= 0);
		fill(&f->rec, &lines[i], 0);
		csv_write(&f->csv, &f->rec);
		assert_int_equal(csv_flush(&f->csv), 0);
		close(log);
		free(f);
	}
	char *content = content_of(fd, &len);

	assert_string_equal(content, "TS,10.0.0.1,TCP_80,listening,\n"
	                             "TC,10.0.0.1,TCP_65535,open,ssh/openssh\n");
	free(content);
	close(fd);
	unlink(path);
	assert_int_equal(csv_open_log("/nowhere/at/all", &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nowhere/at/all"));
	assert_non_null(strstr(err.text, strerror(ENOENT)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_written_byte_for_byte),
		cmocka_unit_test(records_are_used_again),
		cmocka_unit_test(time_is_cut_to_seconds_of_utc),
		cmocka_unit_test(longest_columns_fit_into_a_line),
		cmocka_unit_test(longer_line_is_cut_and_ends),
		cmocka_unit_test(longest_texts_fit_into_their_columns),
		cmocka_unit_test(lines_wait_for_the_flush),
		cmocka_unit_test(full_buffer_writes_itself_out),
		cmocka_unit_test(no_output_is_no_fault),
		cmocka_unit_test(writers_never_tear_lines),
		cmocka_unit_test(non_blocking_pipe_is_waited_for),
		cmocka_unit_test(log_file_is_appended_to),
	};

	return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
