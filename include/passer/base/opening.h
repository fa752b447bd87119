/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are written to. */
#pragma once

#include <sys/types.h>

/*
 * open(2) with O_CLOEXEC, where a file is made, with these rights, only if there is none: of one
 * that is there in a folder like /tmp, and another's, O_CREAT alone is refused to root
 * (fs.protected_regular, proc_sys_fs(5)). A descriptor, or -1 with errno.
 */
int open_or_make(const char *path, int flags, mode_t mode);
