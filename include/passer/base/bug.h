/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Our own mistakes, never input. passer_bug_on() aborts in a debug build; in a release build it
 * logs once, and the caller refuses: if (passer_bug_on(x)) return -EINVAL;
 */
#pragma once

#include <stdbool.h>

/* Not to be called directly. */
bool passer_bug(const char *condition, const char *file, int line);

#define passer_bug_on(condition) ((condition) && passer_bug(#condition, __FILE__, __LINE__))
