/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bpflog.h"

#include <passer/base/log.h>

#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int print(enum libbpf_print_level theirs, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* Our callers say themselves, in the user's words, that a load failed; the rest is for us. */
static int print(enum libbpf_print_level theirs, const char *format, va_list args)
{
	char *text;

	if (theirs == LIBBPF_DEBUG || !log_is_on(LOG_LEVEL_DEBUG) ||
	    vasprintf(&text, format, args) < 0) {
		return 0;
	}
	char *rest = text;

	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
		if (*line != '\0') {
			log_debug("%s", line);
		}
	}
	free(text);
	return 0;
}

void bpflog_init(void)
{
	libbpf_set_print(print);
}
