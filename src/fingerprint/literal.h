/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which bytes must be in any text that a regular expression matches? Reads the syntax of
 * pcre2pattern(3) as far as it has to, and is careful: what it is not sure of is no literal.
 */
#pragma once

#include <passer/base/span.h>

#define LITERAL_RUNS_MAX  64
#define LITERAL_BYTES_MAX 1024

/*
 * What any text that matches begins with: its first eight bytes, as literal_word() has them, are
 * `value` where `mask` has bits.
 */
struct literal_prefix {
	uint64_t mask, value;
};

/* Runs of bytes, ASCII letters in lower case, each of which must be in the text as it stands. */
struct literals {
	struct {
		uint16_t start, len;
	} runs[LITERAL_RUNS_MAX];
	unsigned count;
	unsigned used, start; /* of bytes; where the run begins that is being built */
	uint8_t bytes[LITERAL_BYTES_MAX];
	struct literal_prefix prefix; /* empty where nothing is certain, as without a "^" */
};

/* Fills *out; no runs when nothing is certain. */
void literals_of(struct span pattern, struct literals *out);

/* The first eight bytes of a text, letters in lower case, zeros behind it. */
uint64_t literal_word(struct span text);

static inline bool literal_begins(uint64_t word, struct literal_prefix prefix)
{
	return (word & prefix.mask) == prefix.value;
}

static inline uint8_t literal_fold(uint8_t b)
{
	return b >= 'A' && b <= 'Z' ? b | 0x20 : b;
}
