/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A borrowed view of bytes. It never owns them: a span into a packet is valid until the frame
 * callback returns, because the block then goes back to the kernel.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *data;
	size_t len;
};

static inline struct span span_of(const void *data, size_t len)
{
	return (struct span){.data = data, .len = len};
}

/* The bytes of a C string without its NUL. */
static inline struct span span_str(const char *text)
{
	return span_of(text, strlen(text));
}

static inline bool span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool span_has_prefix(struct span s, struct span prefix)
{
	return s.len >= prefix.len && span_equal(span_of(s.data, prefix.len), prefix);
}

static inline bool span_has_suffix(struct span s, struct span suffix)
{
	return s.len >= suffix.len &&
	       span_equal(span_of(s.data + (s.len - suffix.len), suffix.len), suffix);
}

/* Is needle anywhere in s? An empty needle is. */
static inline bool span_contains(struct span s, struct span needle)
{
	return needle.len == 0 ||
	       (s.len != 0 && memmem(s.data, s.len, needle.data, needle.len) != NULL);
}
