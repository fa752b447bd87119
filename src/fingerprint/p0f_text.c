/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small readers for the fields of a signature file. */
#include "p0f_internal.h"

#include <stdlib.h>

uint32_t p0f_hash(struct span bytes)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < bytes.len; i++) {
		hash = (hash ^ bytes.data[i]) * 16777619u;
	}
	return hash;
}

struct span p0f_cut(struct cursor *c, char separator)
{
	struct span rest = cur_rest(c);
	const uint8_t *end = rest.len > 0 ? memchr(rest.data, separator, rest.len) : NULL;
	struct span head = cur_take(c, end != NULL ? (size_t)(end - rest.data) : rest.len);

	if (end != NULL) {
		cur_skip(c, 1);
	}
	return head;
}

bool p0f_take(struct cursor *c, char byte)
{
	if (cur_left(c) == 0 || cur_rest(c).data[0] != (uint8_t)byte) {
		return false;
	}
	cur_skip(c, 1);
	return true;
}

bool p0f_take_number(struct cursor *c, unsigned max, unsigned *out_number)
{
	unsigned n = 0;
	size_t digits = 0;

	for (; cur_left(c) > 0; digits++) {
		uint8_t b = cur_rest(c).data[0];

		if (b < '0' || b > '9') {
			break;
		}
		n = n * 10 + (b - '0');
		if (n > max) {
			cur_fail(c);
			return false;
		}
		cur_skip(c, 1);
	}
	*out_number = n;
	return digits > 0;
}

bool p0f_number(struct span text, unsigned max, unsigned *out_number)
{
	struct cursor c = cur_of(text);

	return p0f_take_number(&c, max, out_number) && cur_left(&c) == 0;
}

void *p0f_grow(void *array, size_t count, size_t element_bytes)
{
	/* Doubles at each power of two. */
	if ((count & (count - 1)) != 0) {
		return array;
	}
	return reallocarray(array, count > 0 ? 2 * count : 1, element_bytes);
}
