/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Databases are read once, at start: whole, or line by line where lines are not kept. */
#pragma once

#include <passer/base/err.h>
#include <passer/base/span.h>

/* The largest database known is nmap's at 5 MB; beyond this it is surely the wrong file. */
#define FILE_BYTES_MAX ((size_t)256 << 20)

/*
 * Reads all of a file. The bytes belong to the caller, who frees them; one NUL stands behind them.
 * 0, or a negative errno with err set: -ENOENT when there is no such file, -EFBIG above the limit.
 */
int file_read(const char *path, uint8_t **out_bytes, size_t *out_len, struct err *err);

#define FILE_LINE_MAX ((size_t)64 << 10)

/* Gets some whole lines, borrowed for the call: 0, or a negative errno that ends the read. */
typedef int file_lines_fn(void *user, struct span lines);

/*
 * Gives all lines of a file to take(), in memory of FILE_LINE_MAX bytes whatever the size of the
 * file. 0, or a negative errno with err set, and the lines before it have been taken: take()'s,
 * that of the system, or -EFBIG for a line without end.
 */
int file_each_lines(const char *path, file_lines_fn *take, void *user, struct err *err);
