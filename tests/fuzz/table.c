/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of one kind of table, whose functions begin with TABLE; a program for each. */
#include "fuzz.h"

#include <passer/fingerprint/addr_set.h>
#include <passer/fingerprint/banner.h>
#include <passer/fingerprint/dns_any.h>
#include <passer/fingerprint/mdns_services.h>
#include <passer/fingerprint/p0f.h>
#include <passer/fingerprint/port_names.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rows_report report = fuzz_quiet_report();
	struct TABLE *table = JOIN(TABLE, _new)();

	fuzz_require(table != NULL);
	(void)JOIN(TABLE, _load)(table, "fuzz", span_of(data, size), &report);
	JOIN(TABLE, _free)(table);
	return 0;
}
