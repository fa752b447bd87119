/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scan.h"

#include <strings.h>

bool scan_past(struct cursor *c, const char *word)
{
	struct span rest = cur_rest(c);
	size_t len = strlen(word);
	const uint8_t *place = rest.len == 0 ? NULL : memmem(rest.data, rest.len, word, len);

	cur_skip(c, place != NULL ? (size_t)(place - rest.data) + len : rest.len);
	return place != NULL;
}

bool scan_past_folded(struct cursor *c, const char *word)
{
	size_t len = strlen(word);

	while (cur_left(c) >= len) {
		struct span here = cur_rest(c);

		if (strncasecmp((const char *)here.data, word, len) == 0) {
			cur_skip(c, len);
			return true;
		}
		cur_skip(c, 1);
	}
	cur_skip(c, cur_left(c));
	return false;
}

bool scan_word(struct cursor *c, const char *word)
{
	struct span wanted = span_str(word);

	if (!span_has_prefix(cur_rest(c), wanted)) {
		return false;
	}
	cur_skip(c, wanted.len);
	return true;
}

struct span scan_while(struct cursor *c, bool (*is_wanted)(uint8_t))
{
	struct span rest = cur_rest(c);
	size_t n = 0;

	while (n < rest.len && is_wanted(rest.data[n])) {
		n++;
	}
	return cur_take(c, n);
}

struct span scan_trim(struct span s)
{
	while (s.len > 0 && s.data[0] == ' ') {
		s = span_of(s.data + 1, s.len - 1);
	}
	while (s.len > 0 && s.data[s.len - 1] == ' ') {
		s.len--;
	}
	return s;
}
