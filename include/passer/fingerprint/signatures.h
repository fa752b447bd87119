/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tables of src/signatures as they were when passer was built: they are part of the program, so
 * it needs no directory of data, and they go through the same loader as a user's own files.
 */
#pragma once

#include <passer/base/span.h>

/* The text of a table, "tcp_server.tsv"; lives for ever. Empty when there is no such table. */
struct span signatures_text(const char *file);

/* The names of all tables, for n = 0, 1, ...; NULL behind the last. */
const char *signatures_file(size_t n);
