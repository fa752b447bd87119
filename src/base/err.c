/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/err.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return code;
}

int err_prefix(struct err *err, int code, const char *prefix)
{
	struct err old = *err;
	size_t room = sizeof(err->text) - 3;
	size_t prefix_len = strnlen(prefix, room);

	snprintf(err->text, sizeof(err->text), "%.*s: %.*s", (int)prefix_len, prefix,
	         (int)(room - prefix_len), old.text);
	return code;
}
