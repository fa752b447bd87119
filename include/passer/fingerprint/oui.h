/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Manufacturers of MAC addresses. Read from the system's databases, in this order, the first that
 * knows a block wins: nmap-mac-prefixes (package nmap-common), the IEEE registry (package
 * ieee-data; MA-L, MA-M and MA-S). Of several blocks that hold an address the longest wins.
 */
#pragma once

#include <passer/base/addr.h>
#include <passer/base/err.h>

struct oui;

/* The files read when the user names none; ends with NULL. */
extern const char *const oui_default_paths[];

/*
 * Loads all files of a NULL-terminated list; one that does not exist is skipped. The format is told
 * from the content: nmap ("000A27 Apple"), ettercap ("00:0A:27  Apple"), IEEE csv. 0, or a negative
 * errno with err set when none could be read (-ENOENT) or memory ran out.
 */
int oui_new(const char *const *paths, struct oui **out_oui, struct err *err);
void oui_free(struct oui *oui);

/* How many blocks are known. */
size_t oui_count(const struct oui *oui);

/* Borrowed; the empty string when unknown. Accepts NULL. */
const char *oui_find(const struct oui *oui, const struct mac *mac);
