/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "link_tally.h"

#include <stddef.h>

/* A counter that is less than it was has begun anew: some drivers do so when they are reset. */
static uint64_t growth(uint64_t before, uint64_t now)
{
	return now >= before ? now - before : now;
}

static void add_growth(struct link_stats *sum, const struct link_stats *before,
                       const struct link_stats *now)
{
	sum->rx_packets += growth(before->rx_packets, now->rx_packets);
	sum->rx_bytes += growth(before->rx_bytes, now->rx_bytes);
	sum->tx_packets += growth(before->tx_packets, now->tx_packets);
	sum->rx_errors += growth(before->rx_errors, now->rx_errors);
	sum->rx_dropped += growth(before->rx_dropped, now->rx_dropped);
	sum->rx_missed += growth(before->rx_missed, now->rx_missed);
	sum->rx_fifo += growth(before->rx_fifo, now->rx_fifo);
	sum->rx_nohandler += growth(before->rx_nohandler, now->rx_nohandler);
}

static struct link_info *find(struct link_tally *tally, unsigned ifindex)
{
	for (unsigned i = 0; i < tally->count; i++) {
		if (tally->seen[i].ifindex == ifindex) {
			return &tally->seen[i];
		}
	}
	return NULL;
}

void link_tally_note(struct link_tally *tally, const struct link_info *link)
{
	struct link_info *seen = find(tally, link->ifindex);

	if (seen == NULL) {
		if (!link->is_gone && tally->count < TALLY_LINKS_MAX) {
			tally->seen[tally->count++] = *link;
		}
		return;
	}
	add_growth(&tally->sum, &seen->stats, &link->stats);
	tally->carrier_changes += (uint32_t)growth(seen->carrier_changes, link->carrier_changes);
	*seen = *link;
	if (link->is_gone) {
		*seen = tally->seen[--tally->count];
	}
}
