/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Databases are read whole, once, at start: this is that one read. */
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
