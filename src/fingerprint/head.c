/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A pattern is read once, with the set of places where its next piece may stand: how many bytes of
 * a text may be before it. A piece adds its bytes to the sets of these places.
 */
#include "head.h"

#include <passer/base/cursor.h>

#define GROUPS_MAX 16 /* nesting */
#define REPEAT_MAX 65535
#define WIDE_BYTES 128 /* a set of more tells too little */

/* Bit n: n bytes may be before; the last one: so many that it does not matter any more. */
typedef unsigned places;

#define PLACES_FAR (1u << HEAD_LEN)
#define PLACES_ALL (2 * PLACES_FAR - 1)

struct reader {
	struct cursor c;
	struct head *head;
	unsigned depth;
	bool is_lost; /* there is something that is not understood */
};

/* How often a piece may stand in a row. */
struct repeat {
	unsigned min, max;
};

/* ---- sets ------------------------------------------------------------------------------------ */

static void add_byte(struct head_set *set, unsigned byte)
{
	set->bytes[byte / 64] |= UINT64_C(1) << byte % 64;
}

static void add_range(struct head_set *set, unsigned first, unsigned last)
{
	for (unsigned b = first; b <= last; b++) {
		add_byte(set, b);
	}
}

static void add_text(struct head_set *set, const char *bytes)
{
	for (; *bytes != '\0'; bytes++) {
		add_byte(set, (uint8_t)*bytes);
	}
}

static void add_all(struct head_set *set)
{
	memset(set->bytes, 0xff, sizeof(set->bytes));
}

static void complement(struct head_set *set)
{
	for (unsigned i = 0; i < HEAD_SET_WORDS; i++) {
		set->bytes[i] = ~set->bytes[i];
	}
}

/* Texts are folded before they are compared. */
static void add_folded(struct head_set *to, const struct head_set *from)
{
	static const uint64_t upper = UINT64_C(0x7fffffe); /* 'A' to 'Z' of the second word */

	for (unsigned i = 0; i < HEAD_SET_WORDS; i++) {
		to->bytes[i] |= from->bytes[i];
	}
	to->bytes[1] |= (from->bytes[1] & upper) << ('a' - 'A');
}

bool head_is_wide(const struct head_set *set)
{
	int count = 0;

	for (unsigned i = 0; i < HEAD_SET_WORDS; i++) {
		count += __builtin_popcountll(set->bytes[i]);
	}
	return count > WIDE_BYTES;
}

/* ---- places ---------------------------------------------------------------------------------- */

/* One byte of the set at these places. */
static places step(struct reader *r, const struct head_set *set, places at)
{
	for (unsigned i = 0; i < HEAD_LEN; i++) {
		if ((at >> i & 1) != 0) {
			add_folded(&r->head->sets[i], set);
		}
	}
	return (at << 1 | (at & PLACES_FAR)) & PLACES_ALL;
}

/* Any text, or its end, from the first of these places on. */
static places free_from(struct reader *r, places at)
{
	places all = PLACES_ALL & ~((at & -at) - 1);

	for (unsigned i = 0; i < HEAD_LEN; i++) {
		if (at != 0 && (all >> i & 1) != 0) {
			add_all(&r->head->sets[i]);
			r->head->sets[i].has_end = true;
		}
	}
	return at != 0 ? all : 0;
}

static unsigned at_most(unsigned n, unsigned max)
{
	return n < max ? n : max;
}

/* As many steps as there are bytes in a head are far. */
static places repeat_byte(struct reader *r, const struct head_set *set, places at, struct repeat n)
{
	unsigned min = at_most(n.min, HEAD_LEN), max = at_most(n.max, HEAD_LEN);
	places ends = min == 0 ? at : 0;

	for (unsigned i = 1; i <= max; i++) {
		at = step(r, set, at);
		ends |= i >= min ? at : 0;
	}
	return ends;
}

/* What comes behind the first one may be any text. */
static places repeat_group(struct reader *r, places from, places to, struct repeat n)
{
	places ends = n.min == 0 ? from | to : to;

	return n.max > 1 ? free_from(r, ends) : ends;
}

/* ---- syntax ---------------------------------------------------------------------------------- */

static uint8_t peek(const struct cursor *c)
{
	struct cursor p = *c;

	return cur_u8(&p);
}

static bool take(struct cursor *c, char byte)
{
	bool is_next = cur_left(c) > 0 && peek(c) == byte;

	cur_skip(c, is_next);
	return is_next;
}

static unsigned take_number(struct cursor *c)
{
	unsigned value = 0;

	while (peek(c) >= '0' && peek(c) <= '9' && cur_left(c) > 0) {
		value = at_most(value * 10 + (cur_u8(c) - '0'), REPEAT_MAX);
	}
	return value;
}

/* Behind '{': "3}", "3,}", "3,5}"; anything else is text. */
static bool take_braces(struct cursor *c, struct repeat *out)
{
	struct cursor p = *c;
	size_t left = cur_left(&p);

	out->min = out->max = take_number(&p);
	if (cur_left(&p) == left) {
		return false;
	}
	if (take(&p, ',')) {
		out->max = peek(&p) == '}' ? REPEAT_MAX : take_number(&p);
	}
	if (!take(&p, '}')) {
		return false;
	}
	*c = p;
	return true;
}

static struct repeat take_repeat(struct cursor *c)
{
	struct repeat n = {1, 1};
	struct cursor p = *c;

	if (take(c, '*')) {
		n = (struct repeat){0, REPEAT_MAX};
	} else if (take(c, '+')) {
		n = (struct repeat){1, REPEAT_MAX};
	} else if (take(c, '?')) {
		n = (struct repeat){0, 1};
	} else if (take(&p, '{') && take_braces(&p, &n)) {
		*c = p;
	} else {
		return (struct repeat){1, 1};
	}
	if (!take(c, '?')) {        /* lazy */
		(void)take(c, '+'); /* possessive */
	}
	return n;
}

static unsigned take_digits(struct cursor *c, unsigned base, unsigned count)
{
	static const char digits[] = "0123456789abcdef";
	unsigned value = 0;

	for (; count > 0 && cur_left(c) > 0; count--) {
		uint8_t b = peek(c) >= 'A' ? peek(c) | 0x20 : peek(c);
		const char *digit = memchr(digits, b, base);

		if (digit == NULL) {
			break;
		}
		value = value * base + (unsigned)(digit - digits);
		cur_skip(c, 1);
	}
	return value;
}

enum escape {
	ESCAPE_BYTE,
	ESCAPE_SET,
	ESCAPE_WIDE, /* a set, and more than it has */
	ESCAPE_ZERO, /* no text */
	ESCAPE_TEXT, /* text that is not known */
	ESCAPE_LOST,
};

/* Behind '\'. Adds what it stands for to the set; out_byte is for ESCAPE_BYTE. */
static enum escape take_escape(struct cursor *c, struct head_set *set, unsigned *out_byte)
{
	uint8_t b = cur_u8(c);

	switch (b) {
	case 'd':
		add_range(set, '0', '9');
		return ESCAPE_SET;
	case 'w':
		add_range(set, '0', '9');
		add_range(set, 'A', 'Z');
		add_range(set, 'a', 'z');
		add_byte(set, '_');
		return ESCAPE_SET;
	case 's':
		add_text(set, " \t\n\v\f\r");
		return ESCAPE_SET;
	case 'D':
	case 'W':
	case 'S':
	case 'h':
	case 'H':
	case 'v':
	case 'V':
	case 'N':
		add_all(set);
		return ESCAPE_WIDE;
	case 'b':
	case 'B':
	case 'A':
	case 'Z':
	case 'z':
		return ESCAPE_ZERO;
	case 'R':
		return ESCAPE_TEXT;
	case 'n':
		b = '\n';
		break;
	case 'r':
		b = '\r';
		break;
	case 't':
		b = '\t';
		break;
	case 'x':
		if (peek(c) == '{') {
			return ESCAPE_LOST;
		}
		b = (uint8_t)take_digits(c, 16, 2);
		break;
	case '0':
		b = (uint8_t)take_digits(c, 8, 2);
		break;
	default:
		if ((b >= '1' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') ||
		    !cur_ok(c)) {
			return ESCAPE_LOST;
		}
		break;
	}
	*out_byte = b;
	add_byte(set, b);
	return ESCAPE_BYTE;
}

/* One member of a class or the end of a range. */
static enum escape take_member(struct reader *r, struct head_set *set, unsigned *out_byte)
{
	uint8_t b = cur_u8(&r->c);

	if (b == '\\') {
		enum escape kind = take_escape(&r->c, set, out_byte);

		r->is_lost |= kind > ESCAPE_WIDE;
		return kind;
	}
	r->is_lost |= b == '[' && (peek(&r->c) == ':' || peek(&r->c) == '.' || peek(&r->c) == '=');
	*out_byte = b;
	add_byte(set, b);
	return ESCAPE_BYTE;
}

/* Behind '['. A ']' that comes first is a member. */
static void take_class(struct reader *r, struct head_set *set)
{
	bool is_negative = take(&r->c, '^');
	bool is_first = true, is_wide = false;

	while (!r->is_lost && (is_first || !take(&r->c, ']'))) {
		unsigned first, last;
		enum escape kind = take_member(r, set, &first);
		struct cursor p = r->c;

		is_first = false;
		is_wide |= kind == ESCAPE_WIDE;
		r->is_lost |= !cur_ok(&r->c);
		if (!take(&p, '-') || peek(&p) == ']') {
			continue;
		}
		r->c = p;
		if (kind == ESCAPE_BYTE && take_member(r, set, &last) == ESCAPE_BYTE) {
			add_range(set, first, last);
		} else {
			r->is_lost = true;
		}
	}
	if (is_negative && is_wide) {
		add_all(set);
	} else if (is_negative) {
		complement(set);
	}
}

static places read_alternatives(struct reader *r, places from);

/* Behind "(?". */
static places read_special(struct reader *r, places from)
{
	uint8_t kind = cur_u8(&r->c);

	if (kind == '<' && peek(&r->c) != '=' && peek(&r->c) != '!') {
		while (cur_left(&r->c) > 0 && cur_u8(&r->c) != '>') {
		}
		kind = ':';
	} else if (kind == '<') {
		kind = cur_u8(&r->c);
	}
	switch (kind) {
	case ':':
		return read_alternatives(r, from);
	case '=':
	case '!':
		(void)read_alternatives(r, 0); /* what it asks for is not text that comes here */
		return from;
	default:
		r->is_lost = true; /* options, conditions, comments */
		return from;
	}
}

/* Behind '('. */
static places read_group(struct reader *r, places from)
{
	places to = from;

	if (r->depth == GROUPS_MAX || peek(&r->c) == '*') {
		r->is_lost = true;
		return from;
	}
	r->depth++;
	to = take(&r->c, '?') ? read_special(r, from) : read_alternatives(r, from);
	r->depth--;
	r->is_lost |= !take(&r->c, ')');
	return repeat_group(r, from, to, take_repeat(&r->c));
}

/* Behind '\'. */
static places read_escape(struct reader *r, places at)
{
	struct head_set set = {.has_end = false};
	unsigned byte;
	enum escape kind = take_escape(&r->c, &set, &byte);
	struct repeat n = take_repeat(&r->c);

	r->is_lost |= kind == ESCAPE_LOST;
	switch (kind) {
	case ESCAPE_TEXT:
		return free_from(r, at);
	case ESCAPE_ZERO:
		return at;
	default:
		return repeat_byte(r, &set, at, n);
	}
}

static places read_piece(struct reader *r, places at)
{
	struct head_set set = {.has_end = false};
	uint8_t b = cur_u8(&r->c);

	switch (b) {
	case '\\':
		return read_escape(r, at);
	case '(':
		return read_group(r, at);
	case '^':
	case '$':
		(void)take_repeat(&r->c);
		return at;
	case '[':
		take_class(r, &set);
		break;
	case '.':
		add_all(&set);
		break;
	case '*':
	case '+':
	case '?':
	case '{':
		r->is_lost = true; /* a repetition of what? */
		break;
	default:
		add_byte(&set, b);
		break;
	}
	return repeat_byte(r, &set, at, take_repeat(&r->c));
}

/* To the end of the group, or of the pattern. */
static places read_alternatives(struct reader *r, places from)
{
	places at = from, ends = 0;

	while (!r->is_lost && cur_left(&r->c) > 0 && peek(&r->c) != ')') {
		if (take(&r->c, '|')) {
			r->is_lost |= r->depth == 0; /* it need not be anchored */
			ends |= at;
			at = from;
		} else {
			at = read_piece(r, at);
		}
	}
	return ends | at;
}

void head_of(struct span pattern, struct head *out)
{
	struct reader r = {.c = cur_of(pattern), .head = out};

	memset(out, 0, sizeof(*out));
	r.is_lost = !take(&r.c, '^') || peek(&r.c) == '*' || peek(&r.c) == '?' ||
	            peek(&r.c) == '+' || peek(&r.c) == '{';
	free_from(&r, read_alternatives(&r, 1));
	if (r.is_lost || cur_left(&r.c) > 0 || !cur_ok(&r.c)) {
		free_from(&r, 1);
	}
}
