/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Why something failed, in one line for the user: it names the thing and, where there is one, the
 * way out. Functions that talk to the system return 0 or a negative errno and fill this.
 */
#pragma once

struct err {
	char text[512];
};

/* Writes the text and returns `code` (a negative errno), so that a failure is one statement. */
int err_set(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text that is there; returns code. */
int err_prefix(struct err *err, int code, const char *prefix);
