/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records as lines: byte for byte, whole lines only, and what makes two records the same fact. */
#include <passer/output/csv.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "processes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A literal with its length, NUL bytes inside included. */
#define BYTES(literal)                                          \
	{                                                       \
		(const uint8_t *)(literal), sizeof(literal) - 1 \
	}

#define NS_PER_S UINT64_C(1000000000)

static struct addr addr(const char *text)
{
	struct addr a = {.family = ADDR_NONE};

	assert_true(text[0] == '\0' || addr_parse(text, &a));
	return a;
}

/* ---- lines ---- */

static const struct line_row {
	enum record_type type;
	const char *addr;
	const char *proto;
	int32_t number;
	struct span state, desc; /* as from the network */
	const char *warnings;
	const char *line;
} lines[] = {
	{REC_TS, "10.0.0.1", "TCP_", 80, BYTES("listening"), BYTES(""), "",
         "TS,10.0.0.1,TCP_80,listening,\n"},
	{REC_TC, "10.0.0.1", "TCP_", 65535, BYTES("open"), BYTES("ssh/openssh"), "",
         "TC,10.0.0.1,TCP_65535,open,ssh/openssh\n"},
	{REC_US, "2001:db8::1", "UDP_", 0, BYTES("open"), BYTES("x"), "",
         "US,2001:0db8:0000:0000:0000:0000:0000:0001,UDP_0,open,x\n"},
	{REC_MA, "0.0.0.0", "Ethernet", PROTO_PLAIN, BYTES("00:0A:27:01:02:03"), BYTES("Apple"), "",
         "MA,0.0.0.0,Ethernet,00:0A:27:01:02:03,Apple\n"},
	{REC_DN, "", "PTR", PROTO_PLAIN, BYTES("host.example.com."), BYTES(""), "",
         "DN,,PTR,host.example.com.,\n"},
	{REC_WI, "0.0.0.0", "802.11 WEP", PROTO_PLAIN, BYTES(""), BYTES(""), "",
         "WI,0.0.0.0,802.11 WEP,,\n"},
	/* warnings, behind a description and without one */
	{REC_TC, "1.2.3.4", "TCP_", 23, BYTES("open"), BYTES(""), "portpolicyviolation",
         "TC,1.2.3.4,TCP_23,open,Warnings:portpolicyviolation\n"},
	{REC_TC, "1.2.3.4", "TCP_", 80, BYTES("open"), BYTES("TCP Null flag scanner"),
         "noncompliant:scan",
         "TC,1.2.3.4,TCP_80,open,TCP Null flag scanner Warnings:noncompliant:scan\n"},
	{REC_TC, "1.2.3.4", "TCP_", 80, BYTES("open"), BYTES("x"), "tunnel:scan:ddos:external",
         "TC,1.2.3.4,TCP_80,open,x Warnings:tunnel:scan:ddos:external\n"},
	/* cleaning, in both columns */
	{REC_DN, "1.2.3.4", "A", PROTO_PLAIN, BYTES("a,b\r\nTS,1.2.3.4\x1b[m\0\x7f\t"),
         BYTES("c,,d\n\r\x01"), "", "DN,1.2.3.4,A,a bTS 1.2.3.4\\x1b[m\\x00\\x7f\\x09,c  d\\x01\n"},
	{REC_DN, "1.2.3.4", "A", PROTO_PLAIN, BYTES("K\xc3\xbc\xff"), BYTES("\xc3(\xed\xa0\x80"),
         "",
         "DN,1.2.3.4,A,K\xc3\xbc\xef\xbf\xbd,"
         "\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n"},
	{REC_DN, "1.2.3.4", "A", PROTO_PLAIN, BYTES("\n"), BYTES("\r\n"), "scan",
         "DN,1.2.3.4,A,,Warnings:scan\n"},
};

static void fill(struct record *rec, const struct line_row *row, uint64_t time_ns)
{
	const struct addr a = addr(row->addr);

	record_begin(rec, row->type, &a, row->proto, row->number, time_ns);
	text_add_clean(&rec->state, row->state);
	text_add_clean(&rec->desc, row->desc);
	assert_true(warnings_parse(span_str(row->warnings), &rec->warnings));
}

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

struct fixture {
	struct csv_buffer buffer;
	struct csv_counters counters;
	struct csv csv;
	struct record rec;
};

static struct fixture *fixture_new(int stdout_fd, int log_fd)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->csv = (struct csv){
		.buffer = &f->buffer,
		.counters = &f->counters,
		.stdout_fd = stdout_fd,
		.log_fd = log_fd,
	};
	return f;
}

/* Line n of a writer: its length, up to the longest, depends on n, and its text tells both. */
static size_t write_numbered(struct fixture *f, unsigned writer, unsigned n)
{
	const struct addr a = addr("10.0.0.1");
	size_t filling = (size_t)n * 811 % (RECORD_DESC_SIZE - 1);

	record_begin(&f->rec, REC_TC, &a, "TCP_", (int32_t)n, 0);
	text_add_uint(&f->rec.state, writer);
	for (size_t i = 0; i < filling; i++) {
		text_add(&f->rec.desc, "x");
	}
	csv_write(&f->csv, &f->rec);
	return filling;
}

/* The line that write_numbered() wrote, LF included, in wanted. Returns its length. */
static size_t numbered_line(unsigned writer, unsigned n, char wanted[static CSV_LINE_SIZE])
{
	int filling = (int)(n * 811 % (RECORD_DESC_SIZE - 1));
	int head = snprintf(wanted, CSV_LINE_SIZE, "TC,10.0.0.1,TCP_%u,%u,", n, writer);

	memset(wanted + head, 'x', (size_t)filling);
	wanted[head + filling] = '\n';
	return (size_t)(head + filling + 1);
}

/* All that is in a file, NUL-terminated; to be freed. */
static char *content_of(int fd, size_t *out_len)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *content = calloc(1, (size_t)len + 1);

	assert_non_null(content);
	assert_int_equal(pread(fd, content, (size_t)len, 0), len);
	*out_len = (size_t)len;
	return content;
}

static int memory_file(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

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

#define MANY_LINES 500 /* many times the buffer */

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

/* Each line must be the next one of its writer. */
static void check_next_line(const char *line, unsigned next[PROCESSES])
{
	char wanted[CSV_LINE_SIZE];
	unsigned writer, n;

	assert_int_equal(sscanf(line, "TC,10.0.0.1,TCP_%u,%u,", &n, &writer), 2);
	assert_true(writer < PROCESSES);
	assert_int_equal(n, next[writer]);
	size_t len = numbered_line(writer, n, wanted);

	wanted[len - 1] = '\0';
	assert_string_equal(line, wanted);
	next[writer]++;
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

/* ---- outputs that fail ---- */

static void set_size_limit(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* What a file takes half of is taken back, and comes whole once there is room again. */
static void file_has_no_torn_line(void **state)
{
	int log = memory_file();
	struct fixture *f = fixture_new(-1, log);
	size_t len;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	write_numbered(f, 1, 0);
	write_numbered(f, 1, 0);
	set_size_limit(f->buffer.used - 5);
	assert_int_equal(csv_flush(&f->csv), -EFBIG);
	assert_int_equal(lseek(log, 0, SEEK_END), f->buffer.log.used);
	set_size_limit(RLIM_INFINITY);
	write_numbered(f, 1, 0);
	csv_set_log(&f->csv, log); /* which does not wait */
	assert_int_equal(csv_flush(&f->csv), 0);
	char *content = content_of(log, &len);

	assert_string_equal(content, "TC,10.0.0.1,TCP_0,1,\nTC,10.0.0.1,TCP_0,1,\n"
	                             "TC,10.0.0.1,TCP_0,1,\n");
	assert_int_equal(f->counters.lost_writes, 1);
	assert_int_equal(f->counters.lost_lines, 0);
	free(content);
	close(log);
	free(f);
}

/* What somebody else has left torn is ended, so that it takes no whole line with it. */
static void torn_line_of_others_is_ended(void **state)
{
	int log = memory_file();
	struct fixture *f = fixture_new(-1, log);
	size_t len;

	(void)state;
	assert_int_equal(write(log, "TC,1", 4), 4);
	write_numbered(f, 1, 0);
	assert_int_equal(csv_flush(&f->csv), 0);
	char *content = content_of(log, &len);

	assert_string_equal(content, "TC,1\nTC,10.0.0.1,TCP_0,1,\n");
	free(content);
	close(log);
	free(f);
}

/* Fails until the spill and more is used up, works again: the oldest lines are there, in order. */
static void full_spill_loses_the_newest_lines(void **state)
{
	int log = memory_file();
	struct fixture *f = fixture_new(-1, log);
	char wanted[CSV_LINE_SIZE];
	size_t len, at = 0;
	unsigned n = 0;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	set_size_limit(0);
	while (!csv_is_full(&f->csv)) {
		write_numbered(f, 1, n++);
	}
	for (unsigned i = 0; i < MANY_LINES; i++) {
		write_numbered(f, 1, n + i);
	}
	(void)csv_flush(&f->csv);
	uint64_t kept = n + MANY_LINES - f->counters.lost_lines;

	assert_in_range(f->counters.lost_lines, MANY_LINES, n + MANY_LINES - 1);
	assert_in_range(csv_waiting_bytes(&f->csv), SINK_SPILL_BYTES - CSV_LINE_SIZE,
	                SINK_SPILL_BYTES);
	set_size_limit(RLIM_INFINITY);
	csv_set_log(&f->csv, log);
	assert_int_equal(csv_flush(&f->csv), 0);
	assert_false(csv_is_full(&f->csv));
	assert_int_equal(csv_waiting_bytes(&f->csv), 0);
	char *content = content_of(log, &len);

	for (n = 0; n < kept; n++) {
		size_t line_len = numbered_line(1, n, wanted);

		assert_true(at + line_len <= len);
		assert_memory_equal(content + at, wanted, line_len);
		at += line_len;
	}
	assert_int_equal(at, len);
	free(content);
	close(log);
	free(f);
}

/* What is read is what is in the log, though the reader begins when nothing more goes in. */
static void read_late(const int ends[2])
{
	struct fixture *f;
	size_t bytes = 0, len;
	int log = memory_file();
	char part[4096];
	ssize_t n = 1;

	f = fixture_new(ends[1], log);
	for (unsigned i = 0; i < MANY_LINES; i++) {
		write_numbered(f, 1, i);
	}
	assert_int_equal(csv_flush(&f->csv), -EAGAIN);
	assert_true(csv_is_waiting(&f->csv));
	assert_int_equal(f->counters.lost_writes, 0);
	char *content = content_of(log, &len);

	while (csv_is_waiting(&f->csv) || n > 0) {
		(void)csv_flush(&f->csv);
		n = read(ends[0], part, sizeof(part));
		assert_true(n <= 0 || bytes + (size_t)n <= len);
		assert_memory_equal(content + bytes, part, n > 0 ? (size_t)n : 0);
		bytes += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(bytes, len);
	assert_int_equal(f->counters.lost_lines, 0);
	free(content);
	close(ends[0]);
	close(ends[1]);
	close(log);
	free(f);
}

/* A reader that stands still stops nobody, and gets all when it goes on; the log is not held up. */
static void slow_reader_is_not_waited_for(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	read_late(ends);
}

/* Nor is one behind a socket, though whoever gave us that did not say that it shall not block. */
static void slow_socket_is_not_waited_for(void **state)
{
	static const int send_buffers[] = {0 /* as it is */, 1 /* the least: lines are cut */};

	(void)state;
	for (size_t i = 0; i < COUNT(send_buffers); i++) {
		int ends[2], bytes = send_buffers[i];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
		if (bytes > 0) {
			assert_int_equal(
				setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)),
				0);
		}
		read_late(ends);
	}
}

/* One that goes away is no fault of the output, whether or not it left something unread. */
static void closed_socket_is_given_up(void **state)
{
	(void)state;
	for (int unread = 0; unread < 2; unread++) {
		struct fixture *f;
		int ends[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		f = fixture_new(ends[1], -1);
		write_numbered(f, 1, 0);
		assert_int_equal(unread > 0 ? csv_flush(&f->csv) : 0, 0);
		close(ends[0]);
		write_numbered(f, 1, 1);
		assert_int_equal(csv_flush(&f->csv), -EPIPE);
		assert_int_equal(f->csv.stdout_fd, -1);
		close(ends[1]);
		free(f);
	}
}

/* A file that was removed takes nothing any more: it would be gone with it. */
static void removed_file_is_not_written(void **state)
{
	char path[] = "/tmp/passer-test-XXXXXX";
	int fd = mkstemp(path), other = memory_file();
	struct fixture *f;
	struct err err;

	(void)state;
	close(fd);
	fd = csv_open_log(path, &err);
	f = fixture_new(-1, fd);
	write_numbered(f, 1, 0);
	assert_int_equal(csv_flush(&f->csv), 0);
	unlink(path);
	write_numbered(f, 1, 1);
	assert_int_equal(csv_flush(&f->csv), -ENOENT);
	assert_true(csv_is_waiting(&f->csv));
	csv_set_log(&f->csv, other);
	assert_int_equal(csv_flush(&f->csv), 0);
	assert_true(lseek(other, 0, SEEK_END) > 0);
	close(fd);
	close(other);
	free(f);
}

/* ---- the process dies in its write ---- */

/* So many bytes of two lines are in the file, and others may have written behind them. */
static const struct death_row {
	int written; /* -1: all */
	const char *behind;
	const char *content; /* when the supervisor has written the rest */
} deaths[] = {
	{0, "", "a\nTC,10.0.0.1,TCP_0,1,\nTC,10.0.0.1,TCP_0,2,\n"},
	{0, "other\n", "a\nother\nTC,10.0.0.1,TCP_0,1,\nTC,10.0.0.1,TCP_0,2,\n"},
	{5, "", "a\nTC,10.0.0.1,TCP_0,1,\nTC,10.0.0.1,TCP_0,2,\n"},
	{21, "", "a\nTC,10.0.0.1,TCP_0,1,\nTC,10.0.0.1,TCP_0,2,\n"},
	{30, "", "a\nTC,10.0.0.1,TCP_0,1,\nTC,10.0.0.1,TCP_0,2,\n"},
	{-1, "", "a\nTC,10.0.0.1,TCP_0,1,\nTC,10.0.0.1,TCP_0,2,\n"},
	{-1, "other\n", "a\nTC,10.0.0.1,TCP_0,1,\nTC,10.0.0.1,TCP_0,2,\nother\n"},
	{30, "\nother\n", "a\nTC,10.0.0.1,TCP_0,1,\nTC,10.0.0\nother\nTC,10.0.0.1,TCP_0,2,\n"},
};

static void no_line_comes_twice_after_a_death(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(deaths); i++) {
		const struct death_row *row = &deaths[i];
		int log = memory_file();
		struct fixture *f = fixture_new(-1, log);
		size_t len;

		print_message("# death %zu\n", i);
		write_numbered(f, 1, 0);
		write_numbered(f, 2, 0);
		size_t written = row->written < 0 ? f->buffer.used : (size_t)row->written;

		assert_int_equal(write(log, "a\n", 2), 2);
		f->buffer.log.place = 2;
		f->buffer.log.is_writing = true;
		assert_int_equal(write(log, f->buffer.bytes, written), written);
		assert_int_equal(write(log, row->behind, strlen(row->behind)), strlen(row->behind));
		csv_mend(&f->csv);
		assert_int_equal(csv_flush(&f->csv), 0);
		char *content = content_of(log, &len);

		assert_string_equal(content, row->content);
		free(content);
		close(log);
		free(f);
	}
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

/* Half a line of somebody else, in another file than that in which a process died; or before more.
 */
static void half_line_of_another_stays(void **state)
{
	static const struct {
		bool is_same_file;
		off_t place; /* of the next write */
		const char *content;
	} rows[] = {
		{false, 6, "a\nhalf\nTC,10.0.0.1,TCP_0,1,\n"},
		{true, 6, "a\nTC,10.0.0.1,TCP_0,1,\n"},
		{true, 4, "a\nha\nTC,10.0.0.1,TCP_0,1,\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int log = memory_file();
		struct fixture *next = fixture_new(-1, log);
		struct csv_files files = {
			.log.inode = inode_of(log) + !rows[i].is_same_file,
			.log.begun = 3,
		};
		size_t len;

		next->csv.files = &files;
		write_numbered(next, 1, 0);
		assert_int_equal(write(log, "a\nhalf", 6), 6);
		assert_int_equal(lseek(log, rows[i].place, SEEK_SET), rows[i].place);
		assert_int_equal(csv_flush(&next->csv), 0);
		char *content = content_of(log, &len);

		assert_string_equal(content, rows[i].content);
		free(content);
		close(log);
		free(next);
	}
}

/* A file that somebody has made shorter gets no hole. */
static void shorter_file_has_no_hole(void **state)
{
	int log = memory_file();
	struct fixture *f = fixture_new(-1, log);
	size_t len;

	(void)state;
	write_numbered(f, 1, 0);
	assert_int_equal(csv_flush(&f->csv), 0);
	assert_int_equal(ftruncate(log, 0), 0);
	write_numbered(f, 2, 0);
	assert_int_equal(csv_flush(&f->csv), 0);
	char *content = content_of(log, &len);

	assert_int_equal(len, strlen("TC,10.0.0.1,TCP_0,2,\n"));
	assert_string_equal(content, "TC,10.0.0.1,TCP_0,2,\n");
	free(content);
	close(log);
	free(f);
}

/* Another process writes before the supervisor looks at the file; what was there before stays. */
static void half_line_is_taken_back_by_the_next(void **state)
{
	static const char *const before[] = {"", "a\n", "half"};
	struct csv_files files = {.log.begun = 0};

	(void)state;
	for (size_t i = 0; i < COUNT(before); i++) {
		int log = memory_file();
		struct fixture *dead = fixture_new(-1, log), *next = fixture_new(-1, log);
		size_t place = strlen(before[i]), len;
		char expected[128];

		dead->csv.files = next->csv.files = &files;
		write_numbered(dead, 1, 0);
		write_numbered(dead, 2, 0);
		write_numbered(next, 3, 0);
		assert_int_equal(write(log, before[i], place), place);
		assert_int_equal(write(log, dead->buffer.bytes, 30), 30);
		files.log.inode = inode_of(log);
		files.log.begun = place + 1;
		dead->buffer.log.place = place;
		dead->buffer.log.is_writing = true;
		assert_int_equal(csv_flush(&next->csv), 0);
		csv_mend(&dead->csv);
		assert_int_equal(csv_flush(&dead->csv), 0);
		char *content = content_of(log, &len);

		snprintf(expected, sizeof(expected), "%s%s", before[i],
		         "TC,10.0.0.1,TCP_0,1,\nTC,10.0.0.1,TCP_0,3,\nTC,10.0.0.1,TCP_0,2,\n");
		assert_string_equal(content, expected);
		assert_int_equal(files.log.begun, 0);
		free(content);
		close(log);
		free(dead);
		free(next);
	}
}

/* Writes until it is killed; returns when it has begun. */
static pid_t begin_writing(struct fixture *f)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		for (unsigned n = 0;; n++) {
			write_numbered(f, 0, n);
		}
	}
	while (__atomic_load_n(&f->counters.lines, __ATOMIC_RELAXED) == 0) {
		sched_yield();
	}
	return child;
}

/*
 * A process is killed at any moment, often within its write; another one writes, then what the dead
 * one had ready is written: all lines are there, whole, those of each in order.
 */
static void killed_writers_leave_whole_lines(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		unsigned next[PROCESSES] = {0};
		int log = memory_file();
		struct fixture *other = fixture_new(-1, log), *dead = shm_new(sizeof(*dead));
		struct csv_files *files = shm_new(sizeof(*files));
		size_t len;
		char *save;

		assert_true(dead != NULL && files != NULL);
		other->csv.files = files;
		dead->csv = other->csv;
		dead->csv.buffer = &dead->buffer;
		dead->csv.counters = &dead->counters;
		pid_t child = begin_writing(dead);

		usleep(round * 20);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		write_numbered(other, 1, 0);
		assert_int_equal(csv_flush(&other->csv), 0);
		csv_mend(&dead->csv);
		assert_int_equal(csv_flush(&dead->csv), 0);
		char *content = content_of(log, &len);

		for (char *line = strtok_r(content, "\n", &save); line != NULL;
		     line = strtok_r(NULL, "\n", &save)) {
			check_next_line(line, next);
		}
		assert_int_equal(next[1], 1);
		assert_true(next[0] > 0);
		free(content);
		close(log);
		free(other);
		shm_free(dead, sizeof(*dead));
		shm_free(files, sizeof(*files));
	}
}

/* As "passer >FILE" has it: for writing only, and what is before is not passer's. */
static void half_line_before_is_ended(void **state)
{
	char path[] = "/tmp/passer-test-XXXXXX";
	int back = mkstemp(path), out = open(path, O_WRONLY | O_CLOEXEC);
	struct fixture *f = fixture_new(out, -1);
	size_t len;

	(void)state;
	f->csv.stdout_back_fd = back;
	assert_int_equal(write(out, "TC,10.0.0", 9), 9);
	write_numbered(f, 1, 0);
	assert_int_equal(csv_flush(&f->csv), 0);
	char *content = content_of(back, &len);

	assert_string_equal(content, "TC,10.0.0\nTC,10.0.0.1,TCP_0,1,\n");
	free(content);
	close(out);
	close(back);
	unlink(path);
	free(f);
}

static bool append_to_file(unsigned number, void *context)
{
	struct fixture *f = fixture_new(-1, *(int *)context);

	for (unsigned n = 0; n < MANY_LINES; n++) {
		write_numbered(f, number, n);
		while (n % 7 == number && csv_flush(&f->csv) == -EAGAIN) {
			sched_yield();
		}
	}
	while (csv_flush(&f->csv) != 0 || csv_is_waiting(&f->csv)) {
		sched_yield();
	}
	return f->counters.lost_writes == 0 && f->counters.lost_lines == 0;
}

/* Several processes append to one file: all lines are there, whole, those of each in order. */
static void writers_share_a_file(void **state)
{
	unsigned next[PROCESSES] = {0};
	struct processes p;
	int log = memory_file();
	size_t len;
	char *save;

	(void)state;
	assert_int_equal(fcntl(log, F_SETFL, O_APPEND), 0);
	processes_start(&p, append_to_file, &log);
	processes_wait(&p);
	char *content = content_of(log, &len);

	for (char *line = strtok_r(content, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		check_next_line(line, next);
	}
	for (int i = 0; i < PROCESSES; i++) {
		assert_int_equal(next[i], MANY_LINES);
	}
	free(content);
	close(log);
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

static void closed_pipe_is_given_up(void **state)
{
	int log = memory_file();
	struct fixture *f;
	size_t len;
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	f = fixture_new(ends[1], log);
	for (int i = 0; i < 2; i++) {
		fill(&f->rec, &lines[0], 0);
		csv_write(&f->csv, &f->rec);
		assert_int_equal(csv_flush(&f->csv), -EPIPE);
		assert_int_equal(f->csv.stdout_fd, -1);
		assert_int_equal(f->buffer.used, 0);
	}
	assert_int_equal(f->counters.lost_writes, 1);
	char *content = content_of(log, &len);

	assert_int_equal(len, 2 * strlen(lines[0].line));
	free(content);
	close(ends[1]);
	close(log);
	free(f);
}

/* Nor is it forgotten when a full buffer was the one to find out. */
static void closed_pipe_is_told_later(void **state)
{
	struct fixture *f;
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	f = fixture_new(ends[1], -1);
	for (unsigned n = 0; f->csv.stdout_fd >= 0; n++) {
		write_numbered(f, 1, n);
		assert_true(n < MANY_LINES);
	}
	f->buffer.used = 0;
	assert_int_equal(csv_flush(&f->csv), -EPIPE);
	assert_int_equal(f->counters.lost_writes, 1);
	close(ends[1]);
	free(f);
}

static void full_disk_is_counted_and_tried_again(void **state)
{
	int out = memory_file(), full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct fixture *f;

	(void)state;
	assert_true(full >= 0);
	f = fixture_new(out, full);
	for (unsigned i = 1; i <= 2; i++) {
		fill(&f->rec, &lines[0], 0);
		csv_write(&f->csv, &f->rec);
		assert_int_equal(csv_flush(&f->csv), -ENOSPC);
		assert_int_equal(csv_flush(&f->csv), -ENOSPC); /* not tried so soon */
		assert_int_equal(f->counters.lost_writes, i);
		assert_int_equal(sink_waiting_bytes(&f->buffer.log), i * strlen(lines[0].line));
		csv_set_log(&f->csv, full);
		assert_int_equal(lseek(out, 0, SEEK_END), (off_t)(i * strlen(lines[0].line)));
	}
	close(out);
	close(full);
	free(f);
}

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

/* ---- types ---- */

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
		cmocka_unit_test(file_has_no_torn_line),
		cmocka_unit_test(torn_line_of_others_is_ended),
		cmocka_unit_test(full_spill_loses_the_newest_lines),
		cmocka_unit_test(slow_reader_is_not_waited_for),
		cmocka_unit_test(slow_socket_is_not_waited_for),
		cmocka_unit_test(closed_socket_is_given_up),
		cmocka_unit_test(removed_file_is_not_written),
		cmocka_unit_test(no_line_comes_twice_after_a_death),
		cmocka_unit_test(half_line_is_taken_back_by_the_next),
		cmocka_unit_test(half_line_of_another_stays),
		cmocka_unit_test(shorter_file_has_no_hole),
		cmocka_unit_test(half_line_before_is_ended),
		cmocka_unit_test(killed_writers_leave_whole_lines),
		cmocka_unit_test(writers_share_a_file),
		cmocka_unit_test(non_blocking_pipe_is_waited_for),
		cmocka_unit_test(closed_pipe_is_given_up),
		cmocka_unit_test(closed_pipe_is_told_later),
		cmocka_unit_test(full_disk_is_counted_and_tried_again),
		cmocka_unit_test(log_file_is_appended_to),
		cmocka_unit_test(types_have_names),
		cmocka_unit_test(facts_are_the_same_by_their_type),
		cmocka_unit_test(routers_without_text_differ_in_protocol),
		cmocka_unit_test(types_differ_in_each_fact),
		cmocka_unit_test(hash_depends_on_the_key),
	};

	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
