/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages to the operator on stderr, one line each: "passer: component: what happened".
 * Never once per packet; packet troubles are counters. stdout is for records alone.
 */
#pragma once

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Default: LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);
bool log_is_on(enum log_level level);

/* One write per line; control characters in the text are escaped. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The arguments are not evaluated while the level is off. */
#define log_at(level, ...)                            \
	do {                                          \
		if (log_is_on(level)) {               \
			log_line(level, __VA_ARGS__); \
		}                                     \
	} while (0)

#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
