/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which bytes must be in any text that a regular expression matches? Reads the syntax of
 * pcre2pattern(3) as far as it has to, and is careful: what it is not sure of is no literal.
 */
#pragma once

#include <passer/base/span.h>

#define LITERAL_RUNS_MAX  64
#define LITERAL_BYTES_MAX 1024

/* Runs of bytes, ASCII letters in lower case, each of which must be in the text as it stands. */
struct literals {
	struct {
		uint16_t start, len;
	} runs[LITERAL_RUNS_MAX];
	unsigned count;
	unsigned used, start; /* of bytes; where the run begins that is being built */
	uint8_t bytes[LITERAL_BYTES_MAX];
};

/* Fills *out; no runs when nothing is certain. */
void literals_of(struct span pattern, struct literals *out);

static inline uint8_t literal_fold(uint8_t b)
{
	return b >= 'A' && b <= 'Z' ? b | 0x20 : b;
}
