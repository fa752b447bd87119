/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names that are asked for because their answers are long: a table of rows
 *
 *   name  types  is
 *
 * whose columns src/signatures/dns_any.tsv describes.
 */
#pragma once

#include <passer/fingerprint/rows.h>

struct dns_any;

enum dns_any_kind {
	DNS_ANY_UNKNOWN,
	DNS_ANY_PLAIN,     /* honest clients ask for it, too */
	DNS_ANY_AMPLIFIED, /* likely with a spoofed source */
};

/* NULL when memory ran out. */
struct dns_any *dns_any_new(void);
void dns_any_free(struct dns_any *d);

/* Adds the rows of a table. As rows_load(). */
int dns_any_load(struct dns_any *d, const char *file, struct span text, struct rows_report *report);

/* The kind of a question for a name with its final dot, in any case of letters, and a type. */
enum dns_any_kind dns_any_find(const struct dns_any *d, struct span name, uint16_t type);
