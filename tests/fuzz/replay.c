/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs a fuzz target over files, for compilers without a fuzzer: fuzz_TARGET PATH… Folders stand
 * for the files in them; one that is absent, for none. The input in work is named when the program
 * dies of it; exit status 1 also when there was no input at all.
 */
#include "fuzz.h"

#include <passer/base/clock.h>

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_SECONDS \
	20 /* most that one input may take, also under a sanitizer on a busy machine */

static const char *current;
static unsigned long count;
static struct {
	char path[4096];
	uint64_t took_ns;
} slowest;

static void name_current(int sig)
{
	/* Returning would not help: the program ends here in any case. */
	dprintf(STDERR_FILENO, "the input was: %s\n", current);
	signal(sig, SIG_DFL);
	raise(sig);
}

/* In memory of its very size, so that a sanitizer sees a slip. */
static uint8_t *read_file(const char *path, size_t *out_len)
{
	FILE *file = fopen(path, "rb");
	struct stat st;

	fuzz_require(file != NULL && fstat(fileno(file), &st) == 0);
	uint8_t *bytes = malloc((size_t)st.st_size);

	fuzz_require(bytes != NULL || st.st_size == 0);
	*out_len = fread(bytes, 1, (size_t)st.st_size, file);
	fclose(file);
	return bytes;
}

/* Not of the first input, which also loads what the target needs. */
static void note_time(const char *path, uint64_t took_ns)
{
	if (count > 1 && took_ns > slowest.took_ns) {
		slowest.took_ns = took_ns;
		snprintf(slowest.path, sizeof(slowest.path), "%s", path);
	}
}

static void run_file(const char *path)
{
	size_t len;

	current = path;
	uint8_t *bytes = read_file(path, &len);

	uint64_t begin_ns = clock_monotonic_ns();

	alarm(INPUT_SECONDS);
	LLVMFuzzerTestOneInput(bytes, len);
	alarm(0);
	free(bytes);
	count++;
	note_time(path, clock_monotonic_ns() - begin_ns);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void run_folder(const char *folder)
{
	struct dirent **names;
	int n = scandir(folder, &names, is_visible, alphasort);

	for (int i = 0; i < n; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		run_file(path);
		free(names[i]);
	}
	if (n >= 0) {
		free(names);
	}
}

int main(int argc, char **argv)
{
	signal(SIGABRT, name_current);
	signal(SIGALRM, name_current);
	LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) == 0 && !S_ISDIR(st.st_mode)) {
			run_file(argv[i]);
		} else {
			run_folder(argv[i]);
		}
	}
	printf("%lu inputs", count);
	if (count > 1) {
		printf(", the slowest takes %.1f ms: %s", (double)slowest.took_ns / NS_PER_MS,
		       slowest.path);
	}
	puts("");
	return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
