/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/log.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum log_level current = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	current = level;
}

bool log_is_on(enum log_level level)
{
	return level <= current;
}

void log_line(enum log_level level, const char *format, ...)
{
	static const char *const words[] = {
		[LOG_LEVEL_ERROR] = "error: ",
		[LOG_LEVEL_WARN] = "warning: ",
		[LOG_LEVEL_INFO] = "",
		[LOG_LEVEL_DEBUG] = "debug: ",
	};
	char line[1024];
	va_list args;
	int head = snprintf(line, sizeof(line), "passer: %s", words[level]);

	va_start(args, format);
	vsnprintf(line + head, sizeof(line) - (size_t)head - 1, format, args);
	va_end(args);
	for (char *p = line; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			*p = '?';
		}
	}
	size_t len = strlen(line);

	line[len++] = '\n';
	/* A lost message must not stop a sensor: nothing can be said about it either. */
	if (write(STDERR_FILENO, line, len) < 0) {
		return;
	}
}
