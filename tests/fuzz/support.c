/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz.h"

#include <passer/base/log.h>

#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

/* In place of the C library's: keys of hashes are the same in every run. */
__attribute__((visibility("default"))) ssize_t getrandom(void *buf, size_t len, unsigned flags)
{
	(void)flags;
	memset(buf, 7, len);
	return (ssize_t)len;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_set_level(LOG_LEVEL_ERROR);
	return 0;
}

struct span fuzz_split(struct span input, struct span *out_rest)
{
	const uint8_t *nul = input.len > 0 ? memchr(input.data, '\0', input.len) : NULL;
	size_t len = nul != NULL ? (size_t)(nul - input.data) : input.len;
	size_t behind = len + (nul != NULL);

	*out_rest = span_of(input.data + behind, input.len - behind);
	return span_of(input.data, len);
}

const char *fuzz_file(struct span bytes)
{
	static char path[32];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	fuzz_require(ftruncate(fd, 0) == 0);
	fuzz_require(pwrite(fd, bytes.data, bytes.len, 0) == (ssize_t)bytes.len);
	return path;
}

char *fuzz_string(struct span bytes)
{
	char *text = strndup((const char *)bytes.data, bytes.len);

	fuzz_require(text != NULL);
	return text;
}

static void tell_nobody(void *context, const char *message)
{
	(void)context;
	(void)message;
}

struct rows_report fuzz_quiet_report(void)
{
	return (struct rows_report){.tell = tell_nobody};
}
