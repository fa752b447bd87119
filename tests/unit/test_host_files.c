/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of trusted and suspicious hosts; most of it is shown by the golden cases of suspects.
 */
#include "control/host_files.h"

#include <passer/base/log.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "processes.h"

static char home[] = "/tmp/passer-host-files-XXXXXX";

static int make_home(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	return mkdtemp(home) != NULL && setenv("HOME", home, 1) == 0 ? 0 : -1;
}

static void remove_file(const char *format)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", home, format);
	(void)remove(path);
}

static int remove_home(void **state)
{
	(void)state;
	remove_file(".passer/suspicious_ips.json");
	remove_file(".passer/suspicious_ips.json.lock");
	remove_file(".passer");
	return rmdir(home);
}

static struct host_files files_of(const struct options *options)
{
	struct host_files files;
	struct err err;

	assert_int_equal(host_files_init(&files, options, &err), 0);
	return files;
}

static struct addr_set *no_trusted(void)
{
	struct addr_set *trusted = addr_set_new();

	assert_non_null(trusted);
	return trusted;
}

static struct suspect suspect_of(const char *text, enum warning word)
{
	struct suspect s = {.words = {(uint8_t)word}, .word_count = 1};

	assert_true(addr_parse(text, &s.addr));
	addr_format(&s.addr, s.text);
	return s;
}

static void read_kept(char *out_text, size_t size)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/.passer/suspicious_ips.json", home);
	file = fopen(path, "r");
	assert_non_null(file);
	out_text[fread(out_text, 1, size - 1, file)] = '\0';
	fclose(file);
}

static void paths_come_from_home_or_options(void **state)
{
	struct options named = {.trusted_path = "t.json", .suspicious_path = "s.json"};
	struct options none = {.action = ACTION_RUN};
	struct host_files files = files_of(&named);

	(void)state;
	assert_string_equal(files.trusted, "t.json");
	assert_string_equal(files.suspicious, "s.json");
	assert_true(files.is_trusted_named);
	files = files_of(&none);
	assert_memory_equal(files.trusted, home, strlen(home));
	assert_string_equal(files.trusted + strlen(home), "/.passer/trusted_ips.json");
	assert_string_equal(files.suspicious + strlen(home), "/.passer/suspicious_ips.json");
	assert_false(files.is_trusted_named);
}

static void without_home_nothing_is_kept(void **state)
{
	struct options none = {.action = ACTION_RUN};
	struct suspect one = suspect_of("10.0.0.1", WARN_SCAN);
	struct addr_set *trusted = NULL;
	struct addr root_server;
	struct err err;

	(void)state;
	unsetenv("HOME");
	struct host_files files = files_of(&none);

	assert_int_equal(setenv("HOME", home, 1), 0);
	assert_string_equal(files.suspicious, "");
	assert_int_equal(host_files_load_trusted(&files, &trusted, &err), 0);
	assert_true(addr_parse("2001:503:ba3e::2:30", &root_server));
	assert_true(addr_set_has(trusted, &root_server));
	assert_int_equal(host_files_save_suspicious(&files, trusted, &one, 1, &err), 0);
	addr_set_free(trusted);
}

static void a_path_too_long_is_refused(void **state)
{
	static char path[HOST_FILE_PATH_SIZE + 1];
	struct options named = {.suspicious_path = path};
	struct host_files files;
	struct err err;

	(void)state;
	memset(path, 'x', HOST_FILE_PATH_SIZE);
	assert_int_equal(host_files_init(&files, &named, &err), -ENAMETOOLONG);
}

/* The folder is made, and the file keeps its mode when it is replaced. */
static void a_file_is_made_and_replaced(void **state)
{
	struct options none = {.action = ACTION_RUN};
	struct host_files files = files_of(&none);
	struct suspect one = suspect_of("10.0.0.1", WARN_SCAN);
	struct suspect two = suspect_of("2001:db8::1", WARN_DOS);
	struct addr_set *trusted = no_trusted();
	struct stat st;
	struct err err;
	char text[256];

	(void)state;
	assert_int_equal(host_files_save_suspicious(&files, trusted, &one, 1, &err), 0);
	read_kept(text, sizeof(text));
	assert_string_equal(text, "{\"10.0.0.1\": [\"scan\"]}");
	assert_int_equal(chmod(files.suspicious, 0640), 0);
	assert_int_equal(host_files_save_suspicious(&files, trusted, &two, 1, &err), 0);
	read_kept(text, sizeof(text));
	assert_string_equal(text, "{\"10.0.0.1\": [\"scan\"], "
	                          "\"2001:0db8:0000:0000:0000:0000:0000:0001\": [\"dos\"]}");
	assert_int_equal(stat(files.suspicious, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	addr_set_free(trusted);
	assert_int_equal(unlink(files.suspicious), 0);
}

/* ---- several instances ---- */

#define ROUNDS 25

static bool save_hosts(unsigned number, void *context)
{
	const struct host_files *files = context;
	struct addr_set *trusted = addr_set_new();
	struct err err;
	bool is_good = true;

	for (unsigned n = 0; n < ROUNDS && is_good; n++) {
		struct suspect list[2];
		char text[32];

		snprintf(text, sizeof(text), "10.0.%u.%u", number, n);
		list[0] = suspect_of(text, WARN_SCAN);
		list[1] = suspect_of("192.0.2.1", (enum warning)(1 + number));
		is_good = host_files_save_suspicious(files, trusted, list, 2, &err) == 0;
	}
	addr_set_free(trusted);
	return is_good;
}

static void instances_lose_nothing_of_each_other(void **state)
{
	struct options none = {.action = ACTION_RUN};
	struct host_files files = files_of(&none);
	struct addr_set *trusted = no_trusted();
	struct hash_key key = {1, 2};
	struct suspects *s = suspects_new(1000, &key);
	char text[8192];

	(void)state;
	processes_run(save_hosts, &files);
	host_files_load_suspicious(&files, trusted, s);
	assert_int_equal(suspects_counters(s).taken, PROCESSES * ROUNDS + 1);
	read_kept(text, sizeof(text));
	for (unsigned i = 0; i < PROCESSES; i++) {
		assert_non_null(strstr(strstr(text, "192.0.2.1"), warning_name(1 + i)));
	}
	suspects_free(s);
	addr_set_free(trusted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_come_from_home_or_options),
		cmocka_unit_test(without_home_nothing_is_kept),
		cmocka_unit_test(a_path_too_long_is_refused),
		cmocka_unit_test(a_file_is_made_and_replaced),
		cmocka_unit_test(instances_lose_nothing_of_each_other),
	};

	return cmocka_run_group_tests(tests, make_home, remove_home);
}
