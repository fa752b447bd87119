/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/fingerprint/signatures.h>

#include "embedded.h"

struct span signatures_text(const char *file)
{
	for (const struct embedded *e = embedded_files; e->file != NULL; e++) {
		if (strcmp(e->file, file) == 0) {
			return e->text;
		}
	}
	return span_of("", 0);
}

const char *signatures_file(size_t n)
{
	for (const struct embedded *e = embedded_files; e->file != NULL; e++) {
		if (n-- == 0) {
			return e->file;
		}
	}
	return NULL;
}
