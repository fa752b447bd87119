/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The small parts of base/: span, err, log, shm, heap, opening. */
#include <passer/base/err.h>
#include <passer/base/heap.h>
#include <passer/base/log.h>
#include <passer/base/opening.h>
#include <passer/base/shm.h>
#include <passer/base/span.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void span_compares_parts(void **state)
{
	const struct span s = span_str("passer");
	const struct span none = {0};

	(void)state;
	assert_true(span_equal(s, span_str("passer")));
	assert_false(span_equal(s, span_str("passes")));
	assert_false(span_equal(s, span_str("passe")));
	assert_true(span_equal(none, span_str("")));
	assert_true(span_has_prefix(s, span_str("pass")));
	assert_true(span_has_prefix(s, s));
	assert_true(span_has_prefix(s, none));
	assert_false(span_has_prefix(s, span_str("passers")));
	assert_true(span_has_suffix(s, span_str("ser")));
	assert_true(span_has_suffix(s, none));
	assert_false(span_has_suffix(s, span_str("sers")));
	assert_false(span_has_suffix(none, span_str("s")));
	assert_true(span_contains(s, span_str("sse")));
	assert_true(span_contains(s, none));
	assert_true(span_contains(none, none));
	assert_false(span_contains(none, span_str("s")));
	assert_false(span_contains(s, span_str("passers")));
}

static void err_holds_one_line(void **state)
{
	struct err err;
	char text[2 * sizeof(err.text)];

	(void)state;
	assert_int_equal(err_set(&err, -ENOENT, "%s: line %d", "a.tsv", 7), -ENOENT);
	assert_string_equal(err.text, "a.tsv: line 7");
	assert_int_equal(err_prefix(&err, -EINVAL, "signatures"), -EINVAL);
	assert_string_equal(err.text, "signatures: a.tsv: line 7");

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&err, -EIO, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_prefix(&err, -EIO, "a");
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_memory_equal(err.text, "a: xxx", 6);
	err_prefix(&err, -EIO, text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void log_levels_include_those_above(void **state)
{
	int evaluated = 0;

	(void)state;
	assert_true(log_is_on(LOG_LEVEL_INFO));
	assert_false(log_is_on(LOG_LEVEL_DEBUG));
	log_debug("%d", ++evaluated);
	assert_int_equal(evaluated, 0);
	log_set_level(LOG_LEVEL_ERROR);
	assert_true(log_is_on(LOG_LEVEL_ERROR));
	assert_false(log_is_on(LOG_LEVEL_WARN));
	log_set_level(LOG_LEVEL_INFO);
}

static void shared_memory_is_zero(void **state)
{
	const size_t bytes = 3 * 4096 + 1;
	uint8_t *memory = shm_new(bytes);

	(void)state;
	assert_non_null(memory);
	for (size_t i = 0; i < bytes; i++) {
		assert_int_equal(memory[i], 0);
	}
	memory[bytes - 1] = 1;
	shm_free(memory, bytes);
	shm_free(NULL, bytes);
	assert_null(shm_new(SIZE_MAX));
}

static void heap_is_usable_in_any_pages(void **state)
{
	struct heap_region region = heap_huge_begin();
	size_t bytes = (size_t)3 << 20;
	uint8_t *memory = malloc(bytes);

	(void)state;
	assert_non_null(memory);
	memset(memory, 0xaa, bytes);
	heap_huge_end(region);
	assert_true(region.start <=
	            region.end); /* both 0 with another malloc(3), as of a sanitizer */
	assert_int_equal(region.start % ((size_t)2 << 20), 0);
	assert_int_equal(region.end % ((size_t)2 << 20), 0);
	assert_int_equal(memory[0], 0xaa);
	assert_int_equal(memory[bytes - 1], 0xaa);
	free(memory);
	heap_huge_end((struct heap_region){0}); /* none was to be had */
}

/* In a folder like /tmp, where the kernel may refuse O_CREAT for what another owns. */
static void file_is_made_only_where_there_is_none(void **state)
{
	char folder[] = "/tmp/passer-open-XXXXXX", path[64];
	struct stat st;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 01777), 0);
	snprintf(path, sizeof(path), "%s/file", folder);
	fd = open_or_make(path, O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(fd, "kept", 4), 4);
	if (geteuid() == 0) {
		assert_int_equal(fchown(fd, 65534, (gid_t)-1), 0);
	}
	close(fd);
	fd = open_or_make(path, O_WRONLY | O_APPEND, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 4);
	close(fd);
	unlink(path);
	assert_true(open_or_make(folder, O_WRONLY, 0600) < 0);
	assert_int_equal(errno, EISDIR);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(span_compares_parts),
		cmocka_unit_test(err_holds_one_line),
		cmocka_unit_test(log_levels_include_those_above),
		cmocka_unit_test(shared_memory_is_zero),
		cmocka_unit_test(file_is_made_only_where_there_is_none),
		cmocka_unit_test(heap_is_usable_in_any_pages),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
