/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bpflog.h"

#include <passer/base/log.h>

#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int print(enum libbpf_print_level theirs, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/*
 * Our callers say themselves, in the user's words, that a load failed. All but the first line of a
 * message is what the verifier has to say, for us rather than for the user.
 */
static int print(enum libbpf_print_level theirs, const char *format, va_list args)
{
	enum log_level level = theirs == LIBBPF_WARN ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
	char *text;

	if (theirs == LIBBPF_DEBUG || !log_is_on(level) || vasprintf(&text, format, args) < 0) {
		return 0;
	}
	char *rest = text;

	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
		if (*line != '\0') {
			log_at(level, "%s", line);
		}
		level = LOG_LEVEL_DEBUG;
	}
	free(text);
	return 0;
}

void bpflog_init(void)
{
	libbpf_set_print(print);
}
