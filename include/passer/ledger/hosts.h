/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of an address as a host. */
#pragma once

#include <passer/ledger/ledger.h>

/*
 * Sets the MAC that answers for an address. True when it differs from the one set last, or when it
 * is the first: a change, and the change back, are both worth a line.
 */
bool host_mac_is_new(struct ledger *ledger, const struct addr *addr, const struct mac *mac,
                     uint64_t time_ns);
