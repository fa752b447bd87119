/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bpflog.h"

#include <passer/base/log.h>

#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

/* Its messages may have many lines, as the verifier's do. */
static void log_lines(enum log_level level, char *text)
{
	char *rest = text;

	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
		if (*line != '\0') {
			log_at(level, "libbpf: %s", line);
		}
	}
}

static int print(enum libbpf_print_level theirs, const char *format, va_list args)
        __attribute__((format(printf, 2, 0)));

/* Our callers say themselves, in the user's words, that a load failed. */
static int print(enum libbpf_print_level theirs, const char *format, va_list args)
{
	enum log_level ours = theirs == LIBBPF_WARN ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
	char text[4096];

	if (theirs == LIBBPF_DEBUG || !log_is_on(ours)) {
		return 0;
	}
	vsnprintf(text, sizeof(text), format, args);
	log_lines(ours, text);
	return 0;
}

void bpflog_init(void)
{
	libbpf_set_print(print);
}
