/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which bytes may the first ones be of a text that a regular expression matches? As literal.h it
 * reads the syntax of pcre2pattern(3), and is careful: what it is not sure of may be any.
 */
#pragma once

#include <passer/base/span.h>

#define HEAD_LEN       8   /* bytes of a text */
#define HEAD_END       256 /* stands for a byte behind the end of a text */
#define HEAD_SYMBOLS   (HEAD_END + 1)
#define HEAD_SET_WORDS (HEAD_END / 64)

/* A bit for each byte, letters as literal_fold() has them, and whether a text may end before. */
struct head_set {
	uint64_t bytes[HEAD_SET_WORDS];
	bool has_end;
};

/* What each of the first bytes of a text may be. */
struct head {
	struct head_set sets[HEAD_LEN];
};

/* Fills *out. */
void head_of(struct span pattern, struct head *out);

/* Is so little known of this byte that it is not worth asking? */
bool head_is_wide(const struct head_set *set);

/* The symbol may be HEAD_END. */
static inline bool head_set_has(const struct head_set *set, unsigned symbol)
{
	return symbol == HEAD_END ? set->has_end
	                          : (set->bytes[symbol / 64] >> symbol % 64 & 1) != 0;
}
