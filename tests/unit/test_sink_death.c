/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A process dies in its write: no line is torn, none comes twice. */
#include "csv_support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_line_comes_twice_after_a_death),
		cmocka_unit_test(half_line_is_taken_back_by_the_next),
		cmocka_unit_test(half_line_of_another_stays),
		cmocka_unit_test(shorter_file_has_no_hole),
		cmocka_unit_test(half_line_before_is_ended),
		cmocka_unit_test(killed_writers_leave_whole_lines),
	};

	return cmocka_run_group_tests_name("sink_death", tests, NULL, NULL);
}
