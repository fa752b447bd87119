/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A capture file that comes through a pipe in two parts, the first byte says where it is parted. */
#include "fuzz.h"

#include <passer/capture/pcapfile.h>

#include <unistd.h>

#define PIPE_BYTES 65536 /* what a pipe holds, pipe(7) */

static void ignore(void *user, const struct frame *frame)
{
	(void)user;
	(void)frame;
}

static int read_up(struct source *source)
{
	struct err err;
	int state;

	while ((state = source_read(source, ignore, NULL, &err)) == SOURCE_MORE) {
	}
	return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source *source;
	struct err err;
	char path[32];
	int fds[2];

	if (size < 2 || size > PIPE_BYTES) {
		return 0;
	}
	ssize_t first = (ssize_t)((size - 1) * data[0] / 256), rest = (ssize_t)size - 1 - first;

	fuzz_require(pipe(fds) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	fuzz_require(write(fds[1], data + 1, (size_t)first) == first);
	bool is_open = pcapfile_open(path, &source, &err) == 0;
	bool is_waiting = is_open && read_up(source) == SOURCE_IDLE;

	fuzz_require(write(fds[1], data + 1 + first, (size_t)rest) == rest);
	close(fds[1]);
	if (is_waiting) {
		fuzz_require(read_up(source) != SOURCE_IDLE);
	}
	source_close(is_open ? source : NULL);
	close(fds[0]);
	return 0;
}
