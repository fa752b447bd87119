/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * In which country and in which autonomous system a public address is, by databases in MaxMind's
 * format (MaxMind DB File Format Specification 2.0), read through libmaxminddb. It is known which
 * fields hold that in the databases of MaxMind, DB-IP, IPinfo and ip-location-db.
 *
 * A file is copied into memory of our own: one that is written anew in place, instead of being
 * replaced, would otherwise take every process with it that looks into it (SIGBUS, mmap(2)). All
 * processes share the copy that was made before the fork.
 */
#pragma once

#include <passer/base/addr.h>
#include <passer/base/err.h>
#include <passer/base/text.h>

struct geo;

/* Where geoipupdate and packages put databases; ends with NULL. */
extern const char *const geo_default_folders[];

/* Without a database. 0, or a negative errno with err set. */
int geo_new(struct geo **out_geo, struct err *err);
/* Accepts NULL. */
void geo_free(struct geo *geo);

/*
 * Adds a database; for each field the first one that has it is believed. 0, or -EINVAL with err
 * naming the file: it cannot be read, is damaged, or holds neither countries nor AS numbers.
 */
int geo_add(struct geo *geo, const char *path, struct err *err);

/*
 * Adds all *.mmdb of these folders, in the order of their names; of a bad one a warning tells, and
 * it is left out. Returns how many were added.
 */
size_t geo_add_found(struct geo *geo, const char *const *folders);

/*
 * Appends "cc=US as=15169", or what is known of it, behind a blank when there is text already.
 * Nothing for addresses that are not public (nets_not_public.tsv), and for a geo that is NULL.
 */
void geo_describe(const struct geo *geo, const struct addr *addr, struct text *desc);
