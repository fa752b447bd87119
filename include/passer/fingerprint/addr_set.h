/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A set of addresses and networks: "192.0.2.1", "198.51.100.0/24", "2001:db8::/32". Meant for the
 * short lists of signatures. Most addresses are in none, which one look at a bitmap tells.
 */
#pragma once

#include <passer/base/addr.h>
#include <passer/base/err.h>
#include <passer/fingerprint/rows.h>

struct addr_set;

/* NULL when memory ran out. */
struct addr_set *addr_set_new(void);
void addr_set_free(struct addr_set *s);

/* Adds one address or network. 0, or -EINVAL or -ENOMEM with err set. */
int addr_set_add(struct addr_set *s, struct span text, struct err *err);

/* Adds a table with the column `address` and, for people, `note`. As rows_load(). */
int addr_set_load(struct addr_set *s, const char *file, struct span text,
                  struct rows_report *report);

bool addr_set_has(const struct addr_set *s, const struct addr *a);

/* The address that was added first, of a network its lowest; ADDR_NONE when the set is empty. */
struct addr addr_set_first(const struct addr_set *s);
