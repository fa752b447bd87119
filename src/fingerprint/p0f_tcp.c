/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a SYN or SYN/ACK shows, and the signature that it fits. */
#include "p0f_internal.h"

#define IPV4_TCP_BYTES 40 /* headers without options */
#define IPV6_TCP_BYTES 60
#define ETHERNET_MTU   1500
#define TIMESTAMP_LESS 12  /* what timestamps take from each segment (RFC 7323, appendix A) */
#define MSS_MIN        100 /* below it a multiple says nothing */
#define DISTANCE_MAX   35  /* hops: what is farther has another initial TTL */
#define SCALE_MAX      14
#define SACK_MIN       10 /* of one to four blocks (RFC 2018, section 3) */
#define SACK_MAX       34
#define OPTION_MAX     40

enum option_kind {
	OPTION_EOL = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_SCALE = 3,
	OPTION_SACK_OK = 4,
	OPTION_SACK = 5,
	OPTION_TIMESTAMP = 8,
};

/* What a quirk of one IP version means in a signature for both: nothing to the other. */
#define QUIRKS_OF_IPV4 (P0F_QUIRK(DF) | P0F_QUIRK(ID) | P0F_QUIRK(NO_ID) | P0F_QUIRK(RESERVED))
#define QUIRKS_OF_IPV6 P0F_QUIRK(FLOW)

/* ---- options --------------------------------------------------------------------------------- */

/* How long an option is that has its length from its kind; 0: from its second byte. */
static size_t fixed_length(uint8_t kind)
{
	switch (kind) {
	case OPTION_MSS:
		return 4;
	case OPTION_SCALE:
		return 3;
	case OPTION_SACK_OK:
		return 2;
	case OPTION_TIMESTAMP:
		return 10;
	default:
		return 0;
	}
}

static void read_end(struct cursor *c, struct p0f_options *o)
{
	o->padding_bytes = (uint8_t)cur_left(c);
	while (cur_left(c) > 0) {
		if (cur_u8(c) != 0) {
			o->quirks |= P0F_QUIRK(PADDING);
		}
	}
}

static void read_timestamp(struct cursor body, bool is_syn, struct p0f_options *o)
{
	o->has_timestamp = cur_be32(&body) != 0;
	o->quirks |= o->has_timestamp ? 0 : P0F_QUIRK(NO_TS);
	if (is_syn && cur_be32(&body) != 0) {
		o->quirks |= P0F_QUIRK(PEER_TS);
	}
}

static void read_body(struct cursor body, uint8_t kind, bool is_syn, struct p0f_options *o)
{
	switch (kind) {
	case OPTION_MSS:
		o->mss = cur_be16(&body);
		break;
	case OPTION_SCALE:
		o->scale = cur_u8(&body);
		o->quirks |= o->scale > SCALE_MAX ? P0F_QUIRK(BIG_SCALE) : 0;
		break;
	case OPTION_TIMESTAMP:
		read_timestamp(body, is_syn, o);
		break;
	default:
		break;
	}
}

/*
 * A length that differs from what the kind demands is a quirk, and the kind is believed. False when
 * nothing behind this option can be read.
 */
static bool read_sized(struct cursor *c, uint8_t kind, bool is_syn, struct p0f_options *o)
{
	uint8_t told = cur_u8(c);
	size_t fixed = fixed_length(kind);
	size_t min = kind == OPTION_SACK ? SACK_MIN : 2;
	size_t max = kind == OPTION_SACK ? SACK_MAX : OPTION_MAX;

	if (fixed == 0 && (told < min || told > max)) {
		return false;
	}
	struct cursor body = cur_sub(c, (fixed != 0 ? fixed : told) - 2);

	if (!cur_ok(&body)) {
		return false;
	}
	if (fixed != 0 && fixed != told) {
		o->quirks |= P0F_QUIRK(BAD);
	}
	read_body(body, kind, is_syn, o);
	return true;
}

void p0f_read_options(struct span bytes, bool is_syn, struct p0f_options *out_options)
{
	struct p0f_options o = {.count = 0};
	struct cursor c = cur_of(bytes);
	bool is_readable = true;

	while (is_readable && cur_left(&c) > 0 && o.count < P0F_OPTIONS_MAX) {
		uint8_t kind = cur_u8(&c);

		o.layout[o.count++] = kind;
		if (kind == OPTION_EOL) {
			read_end(&c, &o);
		} else if (kind != OPTION_NOP) {
			is_readable = read_sized(&c, kind, is_syn, &o);
		}
	}
	if (!is_readable || cur_left(&c) > 0) {
		o.quirks |= P0F_QUIRK(BAD);
	}
	*out_options = o;
}

/* ---- matching -------------------------------------------------------------------------------- */

/* The window as a multiple of the MSS or MTU; 0: it is none. */
struct multiple {
	unsigned factor;
	bool is_of_mtu;
};

struct observed {
	const struct p0f_segment *segment;
	uint32_t quirks;
	uint32_t layout_hash;
	struct multiple window;
};

/*
 * Systems take the MSS or MTU that they announce, with or without what timestamps take, that of
 * Ethernet, or the peer's. The first that divides the window counts.
 */
static struct multiple multiple_of(const struct p0f_segment *s)
{
	const int mss = s->options.mss, peer = s->peer_mss;
	const bool is_v6 = s->ip_version == 6;
	const struct {
		int bytes;
		bool is_mtu, applies;
	} rows[] = {
		{mss, false, true},
		{mss - TIMESTAMP_LESS, false, s->options.has_timestamp},
		{ETHERNET_MTU - IPV4_TCP_BYTES, false, true},
		{ETHERNET_MTU - IPV4_TCP_BYTES - TIMESTAMP_LESS, false, true},
		{ETHERNET_MTU - IPV6_TCP_BYTES, false, is_v6},
		{ETHERNET_MTU - IPV6_TCP_BYTES - TIMESTAMP_LESS, false, is_v6},
		{mss + IPV4_TCP_BYTES, true, true},
		{mss + (int)s->header_bytes, true, true},
		{mss + IPV6_TCP_BYTES, true, is_v6},
		{ETHERNET_MTU, true, true},
		{peer, false, true},
		{peer - TIMESTAMP_LESS, false, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && mss >= MSS_MIN; i++) {
		if (rows[i].applies && rows[i].bytes > 0 && s->window % rows[i].bytes == 0) {
			return (struct multiple){
				.factor = (unsigned)(s->window / rows[i].bytes),
				.is_of_mtu = rows[i].is_mtu,
			};
		}
	}
	return (struct multiple){.factor = 0};
}

static bool window_fits(const struct p0f_tcp_sig *sig, const struct observed *o)
{
	switch ((enum p0f_window)sig->window_kind) {
	case P0F_WINDOW_IS:
		return o->segment->window == sig->window;
	case P0F_WINDOW_MODULO:
		return o->segment->window % sig->window == 0;
	case P0F_WINDOW_MSS:
	case P0F_WINDOW_MTU:
		return o->window.factor == sig->window &&
		       o->window.is_of_mtu == (sig->window_kind == P0F_WINDOW_MTU);
	case P0F_WINDOW_ANY:
		break;
	}
	return true;
}

static bool layout_fits(const struct p0f_tcp_sig *sig, const struct p0f_options *options)
{
	return sig->padding_bytes == options->padding_bytes &&
	       span_equal(span_of(sig->layout, sig->layout_count),
	                  span_of(options->layout, options->count));
}

/* The layout last: it is the dearest to compare, and mostly that of the whole chain. */
static bool fixed_parts_fit(const struct p0f_tcp_sig *sig, const struct observed *o)
{
	const struct p0f_segment *s = o->segment;

	return sig->layout_hash == o->layout_hash && window_fits(sig, o) &&
	       (sig->scale == P0F_ANY || sig->scale == s->options.scale) &&
	       (sig->mss == P0F_ANY || sig->mss == s->options.mss) &&
	       (sig->ip_version == P0F_ANY || sig->ip_version == s->ip_version) &&
	       (sig->has_payload == P0F_ANY || sig->has_payload == s->has_payload) &&
	       sig->ip_option_bytes == s->ip_option_bytes && layout_fits(sig, &s->options);
}

enum fit { FIT_NONE, FIT_ROUGH, FIT_EXACT };

static enum fit quirks_fit(const struct p0f_tcp_sig *sig, const struct observed *o)
{
	const uint32_t may_miss = P0F_QUIRK(DF) | P0F_QUIRK(ID);
	const uint32_t may_add = P0F_QUIRK(NO_ID) | P0F_QUIRK(ECN);
	uint32_t wanted = sig->quirks;

	if (sig->ip_version == P0F_ANY) {
		wanted &= o->segment->ip_version == 4 ? ~QUIRKS_OF_IPV6 : ~QUIRKS_OF_IPV4;
	}
	if (wanted == o->quirks) {
		return FIT_EXACT;
	}
	return (wanted & ~o->quirks & ~may_miss) == 0 && (o->quirks & ~wanted & ~may_add) == 0
	               ? FIT_ROUGH
	               : FIT_NONE;
}

static bool is_in_range(const struct p0f_tcp_sig *sig, uint8_t ttl)
{
	return ttl <= sig->ttl && (sig->has_random_ttl || sig->ttl - ttl <= DISTANCE_MAX);
}

static enum fit fit_of(const struct p0f_tcp_sig *sig, const struct observed *o)
{
	bool has_ttl = is_in_range(sig, o->segment->ttl);

	if (!fixed_parts_fit(sig, o) || (sig->has_random_ttl && !has_ttl)) {
		return FIT_NONE;
	}
	enum fit fit = quirks_fit(sig, o);

	return fit == FIT_EXACT && !has_ttl ? FIT_ROUGH : fit;
}

/*
 * From the next initial TTL that is in use. False when that is too far, and for a TTL of 1, with
 * which neighbours speak to each other (RFC 4271, section 5.1.3: BGP).
 */
static bool guess_distance(uint8_t ttl, uint8_t *out_distance)
{
	uint8_t initial = ttl <= 32 ? 32 : ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255;

	if (ttl <= 1 || initial - ttl > DISTANCE_MAX) {
		return false;
	}
	*out_distance = (uint8_t)(initial - ttl);
	return true;
}

static void set_match(const struct p0f *p0f, const struct p0f_tcp_sig *sig, uint8_t ttl,
                      bool is_fuzzy, struct p0f_match *m)
{
	const struct p0f_label *label = &p0f->labels[sig->label];
	uint8_t distance = (uint8_t)(sig->ttl - ttl);
	bool has_distance =
		!sig->has_random_ttl && (is_in_range(sig, ttl) || guess_distance(ttl, &distance));

	*m = (struct p0f_match){
		.label = label->text,
		.is_app = label->is_app,
		.is_generic = label->is_generic,
		.is_fuzzy = is_fuzzy,
		.has_fixed_mss = sig->mss != P0F_ANY,
		.has_distance = has_distance,
		.distance = has_distance ? distance : 0,
		.file = label->file,
		.line = sig->line,
	};
}

bool p0f_find_tcp(const struct p0f *p0f, enum p0f_side side, const struct p0f_segment *segment,
                  struct p0f_match *out_match)
{
	const struct p0f_options *options = &segment->options;
	const struct p0f_tcp_sig *generic = NULL, *rough = NULL;
	struct observed o = {
		.segment = segment,
		.quirks = segment->quirks | options->quirks,
		.layout_hash = p0f_hash(span_of(options->layout, options->count)),
		.window = multiple_of(segment),
	};
	uint32_t i = p0f->layouts[side][o.layout_hash % P0F_TCP_BUCKETS].first;

	for (; i != P0F_NONE; i = p0f->tcp[i].next) {
		const struct p0f_tcp_sig *sig = &p0f->tcp[i];
		const struct p0f_label *label = &p0f->labels[sig->label];
		enum fit fit = fit_of(sig, &o);

		if (fit == FIT_EXACT && !label->is_generic) {
			set_match(p0f, sig, segment->ttl, false, out_match);
			return true;
		}
		if (fit == FIT_EXACT && generic == NULL) {
			generic = sig;
		} else if (fit == FIT_ROUGH && rough == NULL && !label->is_app) {
			rough = sig;
		}
	}
	if (generic == NULL && rough == NULL) {
		return false;
	}
	set_match(p0f, generic != NULL ? generic : rough, segment->ttl, generic == NULL, out_match);
	return true;
}
