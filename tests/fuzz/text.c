/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A byte for the room, and bytes that are cleaned for a column; what comes out is clean already. */
#include "fuzz.h"

#include <passer/base/text.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char buf[256], again[256];
	struct text once, twice, lower;

	if (size == 0) {
		return 0;
	}
	text_init(&once, buf, 1 + data[0]);
	text_add_clean(&once, span_of(data + 1, size - 1));
	fuzz_require(once.len < once.cap && strlen(buf) == once.len);
	fuzz_require(strpbrk(buf, ",\r\n\x7f\x1b") == NULL);
	fuzz_require(strstr(buf, "\xc2\x9b") == NULL);
	text_init(&twice, again, once.len + 1);
	text_add_clean(&twice, text_span(&once));
	fuzz_require(!twice.cut && span_equal(text_span(&once), text_span(&twice)));
	text_init(&lower, again, once.cap);
	text_add_clean_lower(&lower, span_of(data + 1, size - 1));
	fuzz_require(lower.len == once.len && lower.cut == once.cut);
	return 0;
}
