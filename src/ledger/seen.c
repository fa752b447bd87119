/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/ledger/seen.h>

bool seen_is_new(struct ledger *ledger, struct table_key fact, uint64_t time_ns)
{
	/* Facts known already are the common case: a look before the exchange keeps it read-only.
	 */
	if (table_get(ledger->facts, fact, time_ns) != 0) {
		return false;
	}
	uint64_t absent = 0;

	return table_exchange(ledger->facts, fact, time_ns, &absent, 1);
}

void seen_forget(struct ledger *ledger, struct table_key fact, uint64_t time_ns)
{
	uint64_t present = 1;

	(void)table_exchange(ledger->facts, fact, time_ns, &present, 0);
}
