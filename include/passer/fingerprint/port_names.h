/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tables that give ports a name, and it may be warnings:
 *
 *   ports  name  warnings
 *
 * A port belongs to the first row that has it.
 */
#pragma once

#include <passer/base/warning.h>
#include <passer/fingerprint/rows.h>

struct port_names;

struct port_name {
	const char *name;
	struct warnings warnings;
	const char *file; /* where the row stands */
	size_t line;
};

/* NULL when memory ran out. */
struct port_names *port_names_new(void);
void port_names_free(struct port_names *p);

/*
 * Adds the rows of a table. `file` is its name, borrowed for as long as the table lives; the text
 * may go. As rows_load(). A port that another row of the same file has makes a row bad; one that an
 * earlier file has stays with that file.
 */
int port_names_load(struct port_names *p, const char *file, struct span text,
                    struct rows_report *report);

/* Borrowed until the next load; NULL when the table does not know the port. One memory access. */
const struct port_name *port_names_find(const struct port_names *p, uint16_t port);

/* The first ports at or behind `from` that the table knows, neighbours joined. False: none. */
bool port_names_next(const struct port_names *p, unsigned from, struct port_range *out_range);
