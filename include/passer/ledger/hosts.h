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

/*
 * Remembers that an address answers DNS queries, so that an answer that came too late for its
 * client (an ICMP error quotes it) is not taken for a closed port.
 */
void host_mark_dns_server(struct ledger *ledger, const struct addr *addr, uint64_t time_ns);
bool host_is_dns_server(struct ledger *ledger, const struct addr *addr, uint64_t time_ns);
