/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nmap_internal.h"

#include <passer/base/cursor.h>

#define SUBST_MAX 32 /* bytes of an argument of $SUBST */

static struct span group_of(const pcre2_match_data *match, struct span subject, unsigned n)
{
	/* The interface lacks a const. */
	pcre2_match_data *data = (pcre2_match_data *)(uintptr_t)match;
	const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(data);

	if (n >= pcre2_get_ovector_count(data) || ends[2 * n] == PCRE2_UNSET ||
	    ends[2 * n] > ends[2 * n + 1] || ends[2 * n + 1] > subject.len) {
		return span_of(NULL, 0);
	}
	return span_of(subject.data + ends[2 * n], ends[2 * n + 1] - ends[2 * n]);
}

/* $P(n): what is printable of a group; it makes ASCII of two-byte characters. */
static void add_printable(struct text *out, struct span group)
{
	for (size_t i = 0; i < group.len; i++) {
		if (group.data[i] >= 0x20 && group.data[i] < 0x7f) {
			text_add_clean(out, span_of(group.data + i, 1));
		}
	}
}

/* $SUBST(n,"from","to") */
static void add_substituted(struct text *out, struct span group, struct span from, struct span to)
{
	while (group.len > 0) {
		bool is_hit = from.len > 0 && span_has_prefix(group, from);
		size_t n = is_hit ? from.len : 1;
		struct span rest = span_of(group.data + n, group.len - n);

		if (is_hit) {
			text_add_clean(out, to);
		} else {
			/* A whole run at once: characters of several bytes stay together. */
			while (rest.len > 0 && !(from.len > 0 && span_has_prefix(rest, from))) {
				rest = span_of(rest.data + 1, rest.len - 1);
				n++;
			}
			text_add_clean(out, span_of(group.data, n));
		}
		group = rest;
	}
}

/* $I(n,">"): an unsigned number, big-endian; "<" is little-endian. */
static void add_number(struct text *out, struct span group, bool is_big_endian)
{
	uint64_t value = 0;

	if (group.len == 0 || group.len > 8) {
		return;
	}
	for (size_t i = 0; i < group.len; i++) {
		size_t at = is_big_endian ? i : group.len - 1 - i;

		value = value << 8 | group.data[at];
	}
	text_add_uint(out, value);
}

static bool take_word(struct cursor *c, const char *word)
{
	if (!span_has_prefix(cur_rest(c), span_str(word))) {
		return false;
	}
	cur_skip(c, strlen(word));
	return true;
}

/* ,"argument" */
static bool take_argument(struct cursor *c, struct span *out_argument)
{
	struct span rest;

	if (!take_word(c, ",\"")) {
		return false;
	}
	rest = cur_rest(c);
	const uint8_t *quote = memchr(rest.data, '"', rest.len);

	if (quote == NULL || quote - rest.data > SUBST_MAX) {
		return false;
	}
	*out_argument = cur_take(c, (size_t)(quote - rest.data));
	cur_skip(c, 1);
	return true;
}

/* Behind '$'. False when it is no reference: then the '$' stands for itself. */
static bool add_reference(struct text *out, struct cursor *c, struct span subject,
                          const pcre2_match_data *match)
{
	static const char *const helpers[] = {"", "P(", "SUBST(", "I("};
	struct span first = {NULL, 0}, second = {NULL, 0};
	struct cursor at = *c;
	unsigned helper = 3;

	while (helper > 0 && !take_word(&at, helpers[helper])) {
		helper--;
	}
	uint8_t digit = cur_u8(&at);

	if (digit < '1' || digit > '9' || (helper >= 2 && !take_argument(&at, &first)) ||
	    (helper == 2 && !take_argument(&at, &second)) || (helper > 0 && cur_u8(&at) != ')')) {
		return false;
	}
	struct span group = group_of(match, subject, digit - '0');

	switch (helper) {
	case 0:
		text_add_clean(out, group);
		break;
	case 1:
		add_printable(out, group);
		break;
	case 2:
		add_substituted(out, group, first, second);
		break;
	default:
		add_number(out, group, first.len > 0 && first.data[0] == '>');
		break;
	}
	*c = at;
	return true;
}

void nmap_describe(const struct nmap_pattern *pattern, struct span subject,
                   const pcre2_match_data *match, struct text *out_desc)
{
	struct cursor c = cur_of(span_str(pattern->info != NULL ? pattern->info : ""));

	text_add_clean(out_desc, span_str(pattern->service));
	text_add(out_desc, "://");
	while (cur_left(&c) > 0) {
		struct span rest = cur_rest(&c);
		const uint8_t *dollar = memchr(rest.data, '$', rest.len);
		size_t n = dollar != NULL ? (size_t)(dollar - rest.data) : rest.len;

		for (size_t done = 0; done < n;) {
			const uint8_t *comma = memchr(rest.data + done, ',', n - done);
			size_t end = comma != NULL ? (size_t)(comma - rest.data) : n;

			text_add_clean(out_desc, span_of(rest.data + done, end - done));
			if (comma != NULL) {
				text_add(out_desc, ";");
				end++;
			}
			done = end;
		}
		cur_skip(&c, n);
		if (dollar != NULL) {
			cur_skip(&c, 1);
			if (!add_reference(out_desc, &c, subject, match)) {
				text_add(out_desc, "$");
			}
		}
	}
}
