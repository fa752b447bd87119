/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outputs that fail, are slow or go away: what was to be written waits, and comes whole. */
#include "csv_support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_has_no_torn_line),
		cmocka_unit_test(torn_line_of_others_is_ended),
		cmocka_unit_test(full_spill_loses_the_newest_lines),
		cmocka_unit_test(slow_reader_is_not_waited_for),
		cmocka_unit_test(slow_socket_is_not_waited_for),
		cmocka_unit_test(closed_socket_is_given_up),
		cmocka_unit_test(removed_file_is_not_written),
		cmocka_unit_test(writers_share_a_file),
		cmocka_unit_test(closed_pipe_is_given_up),
		cmocka_unit_test(closed_pipe_is_told_later),
		cmocka_unit_test(full_disk_is_counted_and_tried_again),
	};

	return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
