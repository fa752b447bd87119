/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An HTTP head (RFC 9112, section 2.1) and the signature that the order of its headers fits. */
#include "p0f_internal.h"

#define HEAD_BYTES_MAX       8192
#define HEADERS_MAX          64 /* of a message; programs send up to some thirty */
#define FIRST_LINE_BYTES_MAX 1024
#define VERSION_BYTES        8 /* "HTTP/1.1" */

struct field {
	uint16_t name;
	struct span value;
};

struct head {
	int8_t version;
	struct field fields[HEADERS_MAX];
	unsigned count;
	uint64_t name_bits;
	struct span software; /* User-Agent or Server */
};

/* ---- reading --------------------------------------------------------------------------------- */

static bool is_version(struct span s)
{
	return s.len >= VERSION_BYTES && span_has_prefix(s, span_str("HTTP/1."));
}

static bool is_printable(struct span line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (line.data[i] < 0x20 || line.data[i] > 0x7e) {
			return false;
		}
	}
	return true;
}

/* The part of the first line that begins with "HTTP/1."; empty when it is no such line. */
static struct span version_of(struct span line, enum p0f_side side)
{
	if (side == P0F_RESPONSE) {
		return line;
	}
	if ((!span_has_prefix(line, span_str("GET /")) &&
	     !span_has_prefix(line, span_str("HEAD /"))) ||
	    line.len < VERSION_BYTES) {
		return span_of(NULL, 0);
	}
	return span_of(line.data + (line.len - VERSION_BYTES), VERSION_BYTES);
}

static bool read_first_line(struct cursor *c, enum p0f_side side, struct head *h)
{
	struct span line, version;

	if (!cur_line(c, &line) || line.len > FIRST_LINE_BYTES_MAX) {
		return false;
	}
	version = version_of(line, side);
	if (!is_version(version) || !is_printable(line)) {
		return false;
	}
	h->version = version.data[VERSION_BYTES - 1] == '1';
	return true;
}

/* "Name: value". False when it is something else. */
static bool read_field(const struct p0f *p0f, struct span line, enum p0f_side side, struct head *h)
{
	struct cursor c = cur_of(line);
	struct span name = p0f_cut(&c, ':');
	struct field *f = &h->fields[h->count];

	if (name.len == 0 || name.len == line.len || h->count == HEADERS_MAX ||
	    memchr(name.data, ' ', name.len) != NULL) {
		return false;
	}
	if (!p0f_take(&c, ' ')) {
		(void)p0f_take(&c, '\t');
	}
	f->name = p0f_find_name(p0f, name);
	f->value = cur_rest(&c);
	h->count++;
	h->name_bits |= f->name != P0F_NO_NAME ? p0f_name_bit(f->name) : 0;
	if (f->name == (side == P0F_REQUEST ? p0f->user_agent : p0f->server)) {
		h->software = f->value;
	}
	return true;
}

/* A head is complete when an empty line ends it. */
static bool read_head(const struct p0f *p0f, struct span payload, enum p0f_side side,
                      struct head *h)
{
	struct cursor c = cur_of(
		span_of(payload.data, payload.len < HEAD_BYTES_MAX ? payload.len : HEAD_BYTES_MAX));
	struct span line;

	h->count = 0;
	h->name_bits = 0;
	h->software = span_of(NULL, 0);
	if (!read_first_line(&c, side, h)) {
		return false;
	}
	while (cur_line(&c, &line)) {
		if (line.len == 0) {
			return true;
		}
		if (!read_field(p0f, line, side, h)) {
			return false;
		}
	}
	return false;
}

/* ---- matching -------------------------------------------------------------------------------- */

/* The first field of this name from `at` on; the count when there is none. */
static unsigned find_field(const struct head *h, uint16_t name, unsigned at)
{
	while (at < h->count && h->fields[at].name != name) {
		at++;
	}
	return at;
}

/* Others may stand between; an optional one is in its place or nowhere. */
static bool order_fits(const struct p0f_http_sig *sig, const struct head *h)
{
	unsigned at = 0;

	for (unsigned i = 0; i < sig->header_count; i++) {
		const struct p0f_header *wanted = &sig->headers[i];
		unsigned found = find_field(h, wanted->name, at);

		if (found == h->count) {
			if (!wanted->is_optional || find_field(h, wanted->name, 0) != h->count) {
				return false;
			}
			continue;
		}
		if (!span_contains(h->fields[found].value, wanted->value)) {
			return false;
		}
		at = found + 1;
	}
	return true;
}

static bool has_absent(const struct p0f_http_sig *sig, const struct head *h)
{
	for (unsigned i = 0; i < sig->absent_count; i++) {
		if ((h->name_bits & p0f_name_bit(sig->absent[i])) != 0 &&
		    find_field(h, sig->absent[i], 0) != h->count) {
			return true;
		}
	}
	return false;
}

static bool sig_fits(const struct p0f_http_sig *sig, const struct head *h)
{
	return (h->name_bits & sig->required_bits) == sig->required_bits &&
	       (sig->version == P0F_ANY || sig->version == h->version) && !has_absent(sig, h) &&
	       order_fits(sig, h);
}

static const struct p0f_http_sig *find_sig(const struct p0f *p0f, enum p0f_side side,
                                           const struct head *h)
{
	const struct p0f_http_sig *generic = NULL;

	for (uint32_t i = 0; i < p0f->http_count[side]; i++) {
		const struct p0f_http_sig *sig = &p0f->http[side][i];
		bool is_generic = p0f->labels[sig->label].is_generic;

		if ((is_generic && generic != NULL) || !sig_fits(sig, h)) {
			continue;
		}
		if (!is_generic) {
			return sig;
		}
		generic = sig;
	}
	return generic;
}

static struct span find_ua_os(const struct p0f *p0f, struct span user_agent)
{
	for (uint32_t i = 0; i < p0f->ua_os_count; i++) {
		if (span_contains(user_agent, p0f->ua_os[i].needle)) {
			return p0f->ua_os[i].os;
		}
	}
	return span_of(NULL, 0);
}

bool p0f_find_http(const struct p0f *p0f, enum p0f_side side, struct span payload,
                   struct p0f_match *out_match)
{
	struct head h;

	if (!read_head(p0f, payload, side, &h)) {
		return false;
	}
	const struct p0f_http_sig *sig = find_sig(p0f, side, &h);

	if (sig == NULL) {
		return false;
	}
	const struct p0f_label *label = &p0f->labels[sig->label];
	bool is_dishonest = h.software.len > 0 && !span_contains(h.software, sig->software);

	*out_match = (struct p0f_match){
		.label = label->text,
		.is_app = label->is_app,
		.is_generic = label->is_generic,
		.is_dishonest = is_dishonest,
		.ua_os = side == P0F_REQUEST && !is_dishonest ? find_ua_os(p0f, h.software)
	                                                      : span_of(NULL, 0),
		.file = label->file,
		.line = sig->line,
	};
	return true;
}
