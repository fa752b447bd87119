/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signatures of TCP: "ver:ittl:olen:mss:wsize,scale:olayout:quirks:pclass". */
#include "p0f_internal.h"

enum { F_VERSION, F_TTL, F_OLEN, F_MSS, F_WINDOW, F_LAYOUT, F_QUIRKS, F_PAYLOAD, F_COUNT };

#define MULTIPLE_MAX 1000
#define OPTION_EOL   0

static bool is_text(struct span s, const char *text)
{
	return span_equal(s, span_str(text));
}

static bool parse_version(struct span field, struct p0f_tcp_sig *sig)
{
	sig->ip_version = is_text(field, "4") ? 4 : is_text(field, "6") ? 6 : P0F_ANY;
	return sig->ip_version != P0F_ANY || is_text(field, "*");
}

/* "64"; "57+7" and "57+?" as p0f prints them; "64-", any TTL up to it. */
static bool parse_ttl(struct span field, struct p0f_tcp_sig *sig)
{
	struct cursor c = cur_of(field);
	unsigned ttl, more = 0;

	if (!p0f_take_number(&c, UINT8_MAX, &ttl)) {
		return false;
	}
	sig->has_random_ttl = p0f_take(&c, '-');
	if (!sig->has_random_ttl && p0f_take(&c, '+') && !p0f_take(&c, '?') &&
	    !p0f_take_number(&c, UINT8_MAX, &more)) {
		return false;
	}
	sig->ttl = (uint8_t)(ttl + more);
	return cur_left(&c) == 0 && ttl > 0 && ttl + more <= UINT8_MAX;
}

/* "*", or a number. */
static bool parse_optional(struct span field, unsigned max, int32_t *out_value)
{
	unsigned value = 0;

	if (is_text(field, "*")) {
		*out_value = P0F_ANY;
		return true;
	}
	if (!p0f_number(field, max, &value)) {
		return false;
	}
	*out_value = (int32_t)value;
	return true;
}

static bool parse_mss(struct span field, struct p0f_tcp_sig *sig)
{
	return parse_optional(field, UINT16_MAX, &sig->mss);
}

static bool parse_olen(struct span field, struct p0f_tcp_sig *sig)
{
	unsigned bytes;

	if (!p0f_number(field, UINT8_MAX, &bytes)) {
		return false;
	}
	sig->ip_option_bytes = (uint8_t)bytes;
	return true;
}

/* "*", "8192", "%8192", "mss*4", "mtu*4" */
static bool parse_size(struct span field, struct p0f_tcp_sig *sig)
{
	static const struct {
		const char *prefix;
		enum p0f_window kind;
		unsigned min, max;
	} rows[] = {
		{"%", P0F_WINDOW_MODULO, 2, UINT16_MAX},
		{"mss*", P0F_WINDOW_MSS, 1, MULTIPLE_MAX},
		{"mtu*", P0F_WINDOW_MTU, 1, MULTIPLE_MAX},
		{"", P0F_WINDOW_IS, 0, UINT16_MAX},
	};
	unsigned value = 0;
	size_t i = 0;

	sig->window_kind = P0F_WINDOW_ANY;
	sig->window = 0;
	if (is_text(field, "*")) {
		return true;
	}
	while (!span_has_prefix(field, span_str(rows[i].prefix))) {
		i++;
	}
	size_t skip = strlen(rows[i].prefix);

	if (!p0f_number(span_of(field.data + skip, field.len - skip), rows[i].max, &value)) {
		return false;
	}
	sig->window_kind = (uint8_t)rows[i].kind;
	sig->window = (uint16_t)value;
	return value >= rows[i].min;
}

static bool parse_window(struct span field, struct p0f_tcp_sig *sig)
{
	struct cursor c = cur_of(field);
	int32_t scale;

	if (!parse_size(p0f_cut(&c, ','), sig) ||
	    !parse_optional(cur_rest(&c), UINT8_MAX, &scale)) {
		return false;
	}
	sig->scale = (int16_t)scale;
	return true;
}

/* "mss", "?34", or "eol+2", which tells the padding, too. */
static bool parse_option(struct span word, struct p0f_tcp_sig *sig, unsigned *out_kind)
{
	static const struct {
		const char *name;
		uint8_t kind;
	} rows[] = {{"nop", 1}, {"mss", 2}, {"ws", 3}, {"sok", 4}, {"sack", 5}, {"ts", 8}};
	unsigned padding;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (is_text(word, rows[i].name)) {
			*out_kind = rows[i].kind;
			return true;
		}
	}
	if (span_has_prefix(word, span_str("?"))) {
		return p0f_number(span_of(word.data + 1, word.len - 1), UINT8_MAX, out_kind);
	}
	if (!span_has_prefix(word, span_str("eol+")) ||
	    !p0f_number(span_of(word.data + 4, word.len - 4), UINT8_MAX, &padding)) {
		return false;
	}
	*out_kind = OPTION_EOL;
	sig->padding_bytes = (uint8_t)padding;
	return true;
}

static bool parse_layout(struct span field, struct p0f_tcp_sig *sig)
{
	struct cursor c = cur_of(field);
	unsigned kind = 1;

	sig->layout_count = sig->padding_bytes = 0;
	while (cur_left(&c) > 0) {
		/* Nothing comes behind the end. */
		if (sig->layout_count == P0F_OPTIONS_MAX || kind == OPTION_EOL ||
		    !parse_option(p0f_cut(&c, ','), sig, &kind)) {
			return false;
		}
		sig->layout[sig->layout_count++] = (uint8_t)kind;
	}
	sig->layout_hash = p0f_hash(span_of(sig->layout, sig->layout_count));
	return true;
}

static bool parse_quirks(struct span field, struct p0f_tcp_sig *sig)
{
	static const char *const names[P0F_BIT_COUNT] = {
#define X(id, name) name,
		P0F_QUIRKS(X)
#undef X
	};
	struct cursor c = cur_of(field);

	sig->quirks = 0;
	while (cur_left(&c) > 0) {
		struct span word = p0f_cut(&c, ',');
		unsigned bit = 0;

		while (bit < P0F_BIT_COUNT && !is_text(word, names[bit])) {
			bit++;
		}
		if (bit == P0F_BIT_COUNT) {
			return false;
		}
		sig->quirks |= 1u << bit;
	}
	return true;
}

static bool parse_payload(struct span field, struct p0f_tcp_sig *sig)
{
	sig->has_payload = is_text(field, "0") ? 0 : is_text(field, "+") ? 1 : P0F_ANY;
	return sig->has_payload != P0F_ANY || is_text(field, "*");
}

p0f_fault p0f_parse_tcp(struct span value, struct p0f_tcp_sig *out_sig)
{
	static const struct {
		bool (*parse)(struct span field, struct p0f_tcp_sig *sig);
		p0f_fault fault;
	} fields[F_COUNT] = {
		[F_VERSION] = {parse_version, "ver: 4, 6 or * is wanted"},
		[F_TTL] = {parse_ttl, "ittl: 1 to 255 is wanted, alone, with - or with +hops"},
		[F_OLEN] = {parse_olen, "olen: 0 to 255 is wanted"},
		[F_MSS] = {parse_mss, "mss: 0 to 65535 or * is wanted"},
		[F_WINDOW] = {parse_window, "wsize,scale: N, %N, mss*N, mtu*N or *, a comma, and N "
	                                    "or * are wanted"},
		[F_LAYOUT] = {parse_layout, "olayout: an unknown option, too many, or one behind "
	                                    "eol"},
		[F_QUIRKS] = {parse_quirks, "quirks: an unknown one"},
		[F_PAYLOAD] = {parse_payload, "pclass: 0, + or * is wanted"},
	};
	struct p0f_tcp_sig sig = *out_sig;
	struct cursor c = cur_of(value);

	for (size_t i = 0; i < F_COUNT; i++) {
		struct span field = i + 1 < F_COUNT ? p0f_cut(&c, ':') : cur_rest(&c);

		if (!fields[i].parse(field, &sig)) {
			return fields[i].fault;
		}
	}
	*out_sig = sig;
	return NULL;
}
