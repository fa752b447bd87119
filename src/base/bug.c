/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/bug.h>
#include <passer/base/log.h>

#include <stdlib.h>

bool passer_bug(const char *condition, const char *file, int line)
{
	static bool is_told;

	if (PASSER_DEBUG || !is_told) {
		is_told = true;
		log_error("bug: %s:%d: %s; please report it", file, line, condition);
	}
	if (PASSER_DEBUG) {
		abort();
	}
	return true;
}
