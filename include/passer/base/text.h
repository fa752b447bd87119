/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text of bounded length, built in a buffer of the caller's. What does not fit is left out and
 * `cut` says so. Cleaning rules for columns live here, in one place: see text_add_clean().
 */
#pragma once

#include <passer/base/span.h>

struct text {
	char *buf;  /* always NUL-terminated; borrowed */
	size_t cap; /* bytes of buf, with the NUL */
	size_t len;
	bool cut; /* something did not fit */
};

void text_init(struct text *t, char *buf, size_t cap);
void text_clear(struct text *t);

/* Verbatim: our own words, never bytes from a packet. */
void text_add(struct text *t, const char *words);
void text_add_uint(struct text *t, uint64_t value);

/*
 * Bytes from the network, made safe for one column of a line: CR and LF are left out, a comma
 * becomes a blank, any other control character (U+0000 to U+001F, U+007F to U+009F) is written as
 * \xNN, and each invalid UTF-8 sequence becomes U+FFFD.
 */
void text_add_clean(struct text *t, struct span bytes);

/* The same with ASCII letters in lower case; for names. */
void text_add_clean_lower(struct text *t, struct span bytes);

static inline struct span text_span(const struct text *t)
{
	return span_of(t->buf, t->len);
}
