/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/ledger/hosts.h>

#define MAC_KNOWN (UINT64_C(1) << 48) /* above the MAC: an all-zero MAC is a value, too */

_Static_assert(TABLE_VALUE_BITS >= 49, "a value holds a MAC and one bit");

enum { KIND_HOST_MAC, KIND_HOST_FLAGS };

#define HOST_DNS_SERVER UINT64_C(1)

bool host_mac_is_new(struct ledger *ledger, const struct addr *addr, const struct mac *mac,
                     uint64_t time_ns)
{
	struct endpoint host = {.addr = *addr};
	struct table_key key = ledger_key(&ledger->key, KIND_HOST_MAC, &host, NULL);
	uint64_t new = MAC_KNOWN;
	uint64_t old = table_get(ledger->hosts, key, time_ns);

	for (int i = 0; i < 6; i++) {
		new |= (uint64_t)mac->bytes[i] << 8 * i;
	}
	do {
		if (old == new) {
			return false;
		}
	} while (!table_exchange(ledger->hosts, key, time_ns, &old, new));
	return true;
}

static struct table_key flags_key(const struct ledger *ledger, const struct addr *addr)
{
	struct endpoint host = {.addr = *addr};

	return ledger_key(&ledger->key, KIND_HOST_FLAGS, &host, NULL);
}

void host_mark_dns_server(struct ledger *ledger, const struct addr *addr, uint64_t time_ns)
{
	table_set_bits(ledger->hosts, flags_key(ledger, addr), time_ns, HOST_DNS_SERVER);
}

bool host_is_dns_server(struct ledger *ledger, const struct addr *addr, uint64_t time_ns)
{
	return (table_get(ledger->hosts, flags_key(ledger, addr), time_ns) & HOST_DNS_SERVER) != 0;
}
