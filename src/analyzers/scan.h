/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text protocols through the cursor: find a word, take what belongs together. */
#pragma once

#include <passer/base/cursor.h>

/*
 * Moves behind the next place where the word stands. False when there is none; the cursor is then
 * at its end.
 */
bool scan_past(struct cursor *c, const char *word);

/* The same without regard to the case of ASCII letters. */
bool scan_past_folded(struct cursor *c, const char *word);

/* Takes the word when it comes next; else the cursor stays. */
bool scan_word(struct cursor *c, const char *word);

/* Takes all bytes up to the first that the question denies; may be empty. */
struct span scan_while(struct cursor *c, bool (*is_wanted)(uint8_t));

/* Without the blanks at both ends. */
struct span scan_trim(struct span s);

static inline bool scan_is_digit(uint8_t b)
{
	return b >= '0' && b <= '9';
}

static inline bool scan_is_alnum(uint8_t b)
{
	return scan_is_digit(b) || ((b | 0x20) >= 'a' && (b | 0x20) <= 'z');
}

/* Letters, digits and what host names and the names of users may hold beside them. */
static inline bool scan_is_name(uint8_t b)
{
	return scan_is_alnum(b) || b == '_' || b == '.' || b == '-';
}
