/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a process still sees of the file system, by landlock(7): nothing but the places that it is
 * given. By system calls, for there are three; kernel doc userspace-api/landlock.rst.
 *
 * Where the kernel knows it (ABI 4 and 6) it also may no longer bind or connect over TCP, and a
 * process that is cut off can neither signal others nor reach their abstract UNIX sockets.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What may be done in a place and below it. */
enum place_access {
	PLACE_READ,    /* files are read, folders listed */
	PLACE_APPEND,  /* files are read, written and made */
	PLACE_REPLACE, /* files are read, written, made, renamed and taken away */
	PLACE_REMOVE,  /* files are taken away */
};

/* The version of its interface that the kernel has; 0: none, or not switched on. */
int landlock_abi(void);

/*
 * A set of places, as a descriptor; empty at first. Negative errno: -EOPNOTSUPP or -ENOSYS where
 * the kernel has none. is_cut_off: no signals to other processes, see above.
 */
int landlock_new(bool is_cut_off);

/* A file or a folder; one that is not there, or cannot be reached, is left out. */
void landlock_allow(int ruleset, const char *path, enum place_access access);

/* From now on this process, and all that it forks, sees the set only. 0 or a negative errno. */
int landlock_enter(int ruleset);
