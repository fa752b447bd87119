/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The open descriptors of a process that was forked. */
#pragma once

#include <stddef.h>

/*
 * Closes all but these; -1 among them is none. plug is one of them: what is free below the highest
 * of them becomes a copy of it, so that the next descriptor of this process is the one behind the
 * highest, whose number is returned.
 */
int descriptors_keep(const int *fds, size_t count, int plug);
