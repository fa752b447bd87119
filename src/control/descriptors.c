/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "descriptors.h"

#include <limits.h>
#include <stdbool.h>
#include <unistd.h>

static bool is_among(const int *fds, size_t count, int fd)
{
	for (size_t i = 0; i < count; i++) {
		if (fds[i] == fd) {
			return true;
		}
	}
	return false;
}

int descriptors_keep(const int *fds, size_t count, int plug)
{
	int highest = plug;

	for (size_t i = 0; i < count; i++) {
		highest = fds[i] > highest ? fds[i] : highest;
	}
	for (int fd = 0; fd < highest; fd++) {
		if (!is_among(fds, count, fd)) {
			(void)dup2(plug, fd);
		}
	}
	(void)close_range((unsigned)highest + 1, UINT_MAX, 0);
	return highest + 1;
}
