/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tools/embed.py writes. */
#pragma once

#include <passer/base/span.h>

struct embedded {
	const char *file;
	struct span text;
};

extern const struct embedded embedded_files[]; /* ends with a NULL name */
