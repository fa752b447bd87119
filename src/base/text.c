/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/text.h>

#include <stdio.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

void text_init(struct text *t, char *buf, size_t cap)
{
	*t = (struct text){.buf = buf, .cap = cap};
	text_clear(t);
}

void text_clear(struct text *t)
{
	t->len = 0;
	t->cut = false;
	t->buf[0] = '\0';
}

/* All of it or nothing, so that no escape and no character is torn. */
static void put(struct text *t, const void *bytes, size_t len)
{
	if (t->cut || len >= t->cap - t->len) {
		t->cut = true;
		return;
	}
	memcpy(t->buf + t->len, bytes, len);
	t->len += len;
	t->buf[t->len] = '\0';
}

void text_add(struct text *t, const char *words)
{
	put(t, words, strlen(words));
}

void text_add_uint(struct text *t, uint64_t value)
{
	char digits[20];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	put(t, digits + n, sizeof(digits) - n);
}

/* Is it a byte that stands for itself in a column? */
static inline bool is_plain(uint8_t b)
{
	return b >= 0x20 && b < 0x7f && b != ',';
}

static void put_escape(struct text *t, uint8_t control)
{
	char escape[5];

	snprintf(escape, sizeof(escape), "\\x%02x", control);
	put(t, escape, 4);
}

static void put_special(struct text *t, uint8_t b)
{
	switch (b) {
	case '\r':
	case '\n':
		return;
	case ',':
		put(t, " ", 1);
		return;
	default:
		put_escape(t, b);
	}
}

/* First bytes of UTF-8 sequences and what may follow them: the Unicode Standard, table 3-7. */
struct utf8_lead {
	uint8_t first, last;             /* range of the lead byte */
	uint8_t second_low, second_high; /* range of the second byte */
	uint8_t len;
};

static const struct utf8_lead utf8_leads[] = {
	{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
	{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
	{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

/*
 * Length of the sequence at the start of s. *out_valid tells a whole character from the longest
 * part of one that is broken off, which counts as one error (the Unicode Standard, section 3.9).
 */
static size_t utf8_sequence(struct span s, bool *out_valid)
{
	const struct utf8_lead *lead = NULL;

	*out_valid = false;
	for (size_t i = 0; i < sizeof(utf8_leads) / sizeof(utf8_leads[0]); i++) {
		if (s.data[0] >= utf8_leads[i].first && s.data[0] <= utf8_leads[i].last) {
			lead = &utf8_leads[i];
		}
	}
	if (lead == NULL) {
		return 1;
	}
	for (size_t i = 1; i < lead->len; i++) {
		uint8_t low = i == 1 ? lead->second_low : 0x80;
		uint8_t high = i == 1 ? lead->second_high : 0xbf;

		if (i >= s.len || s.data[i] < low || s.data[i] > high) {
			return i;
		}
	}
	*out_valid = true;
	return lead->len;
}

/* U+0080 to U+009F (ISO/IEC 6429, C1): to terminals U+009B is ESC [. */
static bool is_wide_control(struct span sequence)
{
	return sequence.len == 2 && sequence.data[0] == 0xc2 && sequence.data[1] < 0xa0;
}

/* What begins with a byte above 0x7f; returns its length. */
static size_t put_wide(struct text *t, struct span bytes)
{
	bool valid;
	size_t n = utf8_sequence(bytes, &valid);

	if (!valid) {
		put(t, replacement, sizeof(replacement) - 1);
	} else if (is_wide_control(span_of(bytes.data, n))) {
		put_escape(t, bytes.data[1]);
	} else {
		put(t, bytes.data, n);
	}
	return n;
}

static size_t plain_len(struct span bytes)
{
	size_t n = 0;

	while (n < bytes.len && is_plain(bytes.data[n])) {
		n++;
	}
	return n;
}

/* As many of them as there is room for. */
static void put_plain(struct text *t, struct span bytes, bool lower)
{
	size_t room = t->cap - t->len - 1;
	size_t n = bytes.len < room ? bytes.len : room;

	for (size_t i = 0; i < n; i++) {
		uint8_t b = bytes.data[i];

		t->buf[t->len + i] = (char)(lower && b >= 'A' && b <= 'Z' ? b | 0x20 : b);
	}
	t->len += n;
	t->buf[t->len] = '\0';
	t->cut = n < bytes.len;
}

static void add_clean(struct text *t, struct span bytes, bool lower)
{
	while (bytes.len > 0 && !t->cut) {
		uint8_t b = bytes.data[0];
		size_t n = plain_len(bytes);

		if (n > 0) {
			put_plain(t, span_of(bytes.data, n), lower);
		} else if (b < 0x80) {
			n = 1;
			put_special(t, b);
		} else {
			n = put_wide(t, bytes);
		}
		bytes = span_of(bytes.data + n, bytes.len - n);
	}
}

void text_add_clean(struct text *t, struct span bytes)
{
	add_clean(t, bytes, false);
}

void text_add_clean_lower(struct text *t, struct span bytes)
{
	add_clean(t, bytes, true);
}
