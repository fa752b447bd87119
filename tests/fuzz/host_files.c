/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of hosts: as that of trusted ones, and as that of suspicious ones, which a host is added
 * to. */
#include "fuzz.h"

#include "control/host_files.h"

#include <unistd.h>

static char folder[] = "/dev/shm/passer-fuzz-XXXXXX";
static char path[sizeof(folder) + 2];

static void remove_folder(void)
{
	char lock[sizeof(path) + 8];

	snprintf(lock, sizeof(lock), "%s.lock", path);
	(void)unlink(lock);
	(void)unlink(path);
	(void)rmdir(folder);
}

/* As a file with a name, which can be replaced. */
static void write_input(const uint8_t *data, size_t size)
{
	if (path[0] == '\0') {
		fuzz_require(mkdtemp(folder) != NULL);
		snprintf(path, sizeof(path), "%s/f", folder);
		atexit(remove_folder);
	}
	FILE *file = fopen(path, "wb");

	fuzz_require(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct options options = {.trusted_path = path, .suspicious_path = path};
	const struct suspect found = {.text = "192.0.2.1", .words = {WARN_SCAN}, .word_count = 1};
	const struct hash_key key = {1, 2};
	struct suspects *suspects = suspects_new(1024, &key);
	struct addr_set *trusted;
	struct host_files files;
	struct err err;

	write_input(data, size);
	fuzz_require(suspects != NULL && host_files_init(&files, &options, &err) == 0);
	fuzz_require(host_files_load_trusted(&files, &trusted, &err) == 0);
	host_files_load_suspicious(&files, trusted, suspects);
	if (host_files_save_suspicious(&files, trusted, &found, 1, &err) == 0) {
		fuzz_require(host_files_save_suspicious(&files, trusted, &found, 1, &err) == 0);
	}
	addr_set_free(trusted);
	suspects_free(suspects);
	return 0;
}
