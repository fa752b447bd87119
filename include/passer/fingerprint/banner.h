/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a program says on a port tells what it is: tables of rows
 *
 *   id  ports  match (condition.h)  description  warnings  example
 *
 * The first row, in the order in which rows were loaded, that has the port and whose condition
 * holds is the answer. The description "-" takes a payload and says nothing, so that no later row
 * does. An example is a literal that the row's own condition must match, else the row is bad.
 */
#pragma once

#include <passer/base/warning.h>
#include <passer/fingerprint/rows.h>

struct banners;

struct banner {
	const char *id;
	const char *description; /* empty when the row says nothing */
	struct warnings warnings;
	const char *file; /* where the row stands */
	size_t line;
};

/* NULL when memory ran out. */
struct banners *banners_new(void);
void banners_free(struct banners *b);

/*
 * Adds the rows of a table behind those that are there. `file` is its name, borrowed for as long as
 * the table lives; the text may go. As rows_load(); what was loaded before stays on failure.
 */
int banners_load(struct banners *b, const char *file, struct span text, struct rows_report *report);

size_t banners_count(const struct banners *b);

/* Is there any row for this port? */
bool banners_has_port(const struct banners *b, uint16_t port);

/* The row that a payload belongs to, borrowed; NULL when there is none. */
const struct banner *banners_find(const struct banners *b, uint16_t port, struct span payload);
