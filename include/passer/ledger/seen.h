/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Facts that were printed already. */
#pragma once

#include <passer/ledger/ledger.h>

/*
 * Remembers a fact by its hash (made with ledger->key), at home with the host that it is about.
 * True for exactly one caller over all workers: the one who is to print it. A fact that was evicted
 * is new again.
 */
bool seen_is_new(struct ledger *ledger, struct table_key fact, uint64_t time_ns);

/* It could not be printed: new again to the next one who asks. */
void seen_forget(struct ledger *ledger, struct table_key fact, uint64_t time_ns);
