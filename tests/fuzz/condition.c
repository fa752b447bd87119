/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A condition as text, a NUL, and a payload that it is asked about. */
#include "fuzz.h"

#include <passer/fingerprint/condition.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span payload, text = fuzz_split(span_of(data, size), &payload);
	struct condition *condition;
	uint8_t literal[64];
	size_t literal_len;
	struct err err;

	if (literal_parse(text, literal, sizeof(literal), &literal_len, &err) == 0) {
		fuzz_require(literal_len <= sizeof(literal));
	}
	if (condition_new(text, &condition, &err) != 0) {
		fuzz_require(err.text[0] != '\0');
		return 0;
	}
	fuzz_require(condition_match(condition, payload) ==
	             (condition_lead_match(condition, payload) &&
	              condition_rest_match(condition, payload)));
	fuzz_require(condition_same_lead(condition, condition));
	condition_free(condition);
	return 0;
}
