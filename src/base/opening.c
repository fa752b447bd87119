/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/opening.h>

#include <errno.h>
#include <fcntl.h>

int open_or_make(const char *path, int flags, mode_t mode)
{
	int fd = open(path, flags | O_CLOEXEC);

	return fd < 0 && errno == ENOENT ? open(path, flags | O_CREAT | O_CLOEXEC, mode) : fd;
}
