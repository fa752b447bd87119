/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of an address, and of warnings: both text forms of what they say say the same. */
#include "fuzz.h"

#include <passer/base/addr.h>
#include <passer/base/warning.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(span_of(data, size)), again[ADDR_TEXT_SIZE];
	struct warnings warnings;
	struct addr addr, other;

	if (addr_parse(text, &addr)) {
		addr_format(&addr, again);
		fuzz_require(addr_parse(again, &other) && addr_equal(&addr, &other));
		addr_format_short(&addr, again);
		fuzz_require(addr_parse(again, &other) && addr_equal(&addr, &other));
	}
	(void)warnings_parse(span_of(data, size), &warnings);
	free(text);
	return 0;
}
