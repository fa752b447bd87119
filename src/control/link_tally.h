/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What interfaces have counted since the sensor hears them. The kernel counts from the birth of an
 * interface, and begins anew with each that is made under an old name: here are the differences
 * from the first sight of each, over all that came and went.
 */
#pragma once

#include <passer/capture/link.h>

#define TALLY_LINKS_MAX 64 /* at a time; further ones are not counted */

struct link_tally {
	struct link_info seen[TALLY_LINKS_MAX]; /* as they were told last */
	unsigned count;
	struct link_stats sum;
	uint32_t carrier_changes;
};

/* A link as the kernel tells it now. At first sight it adds nothing. */
void link_tally_note(struct link_tally *tally, const struct link_info *link);
