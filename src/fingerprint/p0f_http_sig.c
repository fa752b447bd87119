/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signatures of HTTP, "ver:horder:habsent:expsw", and the names of headers. */
#include "p0f_internal.h"

static bool is_name_byte(uint8_t b)
{
	return (b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z') ||
	       b == '-' || b == '_';
}

uint16_t p0f_find_name(const struct p0f *p0f, struct span name)
{
	uint16_t n = p0f->name_heads[p0f_hash(name) % P0F_NAME_BUCKETS];

	while (n != P0F_NO_NAME && !span_equal(p0f->names[n].text, name)) {
		n = p0f->names[n].next;
	}
	return n;
}

uint16_t p0f_add_name(struct p0f *p0f, struct span name)
{
	uint16_t *head = &p0f->name_heads[p0f_hash(name) % P0F_NAME_BUCKETS];
	uint16_t known = p0f_find_name(p0f, name);
	struct p0f_name *grown;

	if (known != P0F_NO_NAME || p0f->name_count == P0F_NO_NAME) {
		return known;
	}
	grown = p0f_grow(p0f->names, p0f->name_count, sizeof(*grown));
	if (grown == NULL) {
		return P0F_NO_NAME;
	}
	p0f->names = grown;
	grown[p0f->name_count] = (struct p0f_name){.text = name, .next = *head};
	*head = p0f->name_count;
	return p0f->name_count++;
}

/* The header name at the cursor as its number. */
static bool take_name(struct p0f *p0f, struct cursor *c, uint16_t *out_name)
{
	struct span rest = cur_rest(c);
	size_t n = 0;

	while (n < rest.len && is_name_byte(rest.data[n])) {
		n++;
	}
	*out_name = n > 0 ? p0f_add_name(p0f, cur_take(c, n)) : P0F_NO_NAME;
	return *out_name != P0F_NO_NAME;
}

/* "=[text]", where it stands. */
static bool take_value(struct cursor *c, struct span *out_value)
{
	*out_value = span_of(NULL, 0);
	if (!p0f_take(c, '=')) {
		return true;
	}
	size_t before = cur_left(c);

	if (!p0f_take(c, '[')) {
		return false;
	}
	*out_value = p0f_cut(c, ']');
	/* The text, and both brackets. */
	return out_value->len > 0 && before - cur_left(c) == out_value->len + 2;
}

/* A list with commas ends at a colon, which is read, too. */
static bool take_end(struct cursor *c, bool *out_is_last)
{
	*out_is_last = p0f_take(c, ':');
	return *out_is_last || p0f_take(c, ',');
}

static p0f_fault parse_order(struct p0f *p0f, struct cursor *c, struct p0f_http_sig *sig)
{
	bool is_last = p0f_take(c, ':');

	while (!is_last) {
		struct p0f_header *h = &sig->headers[sig->header_count];

		if (sig->header_count == P0F_HEADERS_MAX) {
			return "horder: too many headers";
		}
		h->is_optional = p0f_take(c, '?');
		if (!take_name(p0f, c, &h->name) || !take_value(c, &h->value) ||
		    !take_end(c, &is_last)) {
			return "horder: Name, ?Name or Name=[text] is wanted, with commas between";
		}
		sig->required_bits |= h->is_optional ? 0 : p0f_name_bit(h->name);
		sig->header_count++;
	}
	return NULL;
}

static p0f_fault parse_absent(struct p0f *p0f, struct cursor *c, struct p0f_http_sig *sig)
{
	bool is_last = p0f_take(c, ':');

	while (!is_last) {
		if (sig->absent_count == P0F_HEADERS_MAX) {
			return "habsent: too many headers";
		}
		if (!take_name(p0f, c, &sig->absent[sig->absent_count]) || !take_end(c, &is_last)) {
			return "habsent: names with commas between are wanted";
		}
		sig->absent_count++;
	}
	return NULL;
}

p0f_fault p0f_parse_http(struct p0f *p0f, struct span value, struct p0f_http_sig *out_sig)
{
	struct p0f_http_sig sig = {.label = out_sig->label, .line = out_sig->line};
	struct cursor c = cur_of(value);
	struct span version = p0f_cut(&c, ':');
	p0f_fault fault = parse_order(p0f, &c, &sig);

	if (version.len != 1 || memchr("01*", version.data[0], 3) == NULL) {
		return "ver: 0, 1 or * is wanted";
	}
	sig.version = version.data[0] == '*' ? P0F_ANY : (int8_t)(version.data[0] - '0');
	if (fault == NULL) {
		fault = parse_absent(p0f, &c, &sig);
	}
	sig.software = cur_rest(&c);
	if (fault == NULL && span_contains(sig.software, span_str(":"))) {
		fault = "expsw: a colon";
	}
	if (fault == NULL) {
		*out_sig = sig;
	}
	return fault;
}

p0f_fault p0f_parse_ua_os(struct p0f *p0f, struct span value)
{
	struct cursor c = cur_of(value);

	while (cur_left(&c) > 0) {
		struct cursor item = cur_of(p0f_cut(&c, ','));
		struct span os = p0f_cut(&item, '=');
		struct span needle = cur_rest(&item);
		struct p0f_ua_os *grown = p0f_grow(p0f->ua_os, p0f->ua_os_count, sizeof(*grown));

		if (grown == NULL) {
			return "out of memory";
		}
		p0f->ua_os = grown;
		if (needle.len > 2 && needle.data[0] == '[' && needle.data[needle.len - 1] == ']') {
			needle = span_of(needle.data + 1, needle.len - 2);
		} else if (needle.len > 0) {
			return "Name or Name=[text] is wanted, with commas between";
		}
		if (os.len == 0) {
			return "a name is empty";
		}
		grown[p0f->ua_os_count++] = (struct p0f_ua_os){
			.os = os,
			.needle = needle.len > 0 ? needle : os,
		};
	}
	return NULL;
}
