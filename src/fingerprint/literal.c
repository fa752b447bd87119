/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "literal.h"

#include <passer/base/cursor.h>

#define GROUPS_MAX   16 /* nesting; deeper patterns have no literals */
#define PREFIX_BYTES 8

/* One piece of a pattern. */
enum atom {
	ATOM_BYTE,  /* exactly this byte */
	ATOM_OTHER, /* a class, a dot: a byte that we do not know */
	ATOM_TEXT,  /* a back-reference, a line end: some text that we do not know */
	ATOM_ZERO,  /* an anchor or a look-around: no text */
	ATOM_GROUP, /* a group, which has added its own runs */
	ATOM_OR,    /* an alternative: nothing at this level is required */
	ATOM_END,   /* of the group or of the pattern */
	ATOM_GIVE_UP,
};

struct reader {
	struct cursor c;
	struct literals *out;
	unsigned depth;
	unsigned at; /* which byte of a text comes next; PREFIX_BYTES: it may be any, or far away */
};

/* What is behind all runs is the one that is being built; it ends here. */
static void break_run(struct literals *out)
{
	if (out->used > out->start && out->count < LITERAL_RUNS_MAX) {
		out->runs[out->count].start = (uint16_t)out->start;
		out->runs[out->count].len = (uint16_t)(out->used - out->start);
		out->count++;
	}
	out->start = out->used;
}

static void add_byte(struct literals *out, uint8_t byte)
{
	if (out->used < LITERAL_BYTES_MAX) {
		out->bytes[out->used++] = literal_fold(byte);
	}
}

struct mark {
	unsigned count, used, start;
};

static struct mark mark_of(const struct literals *out)
{
	return (struct mark){out->count, out->used, out->start};
}

/* Forgets what was added since the mark. */
static void forget_since(struct literals *out, struct mark m)
{
	out->count = m.count;
	out->used = m.used;
	out->start = m.start;
}

/* ---- prefix ---------------------------------------------------------------------------------- */

static void add_to_prefix(struct reader *r, uint8_t folded)
{
	struct literal_prefix *prefix = &r->out->prefix;

	if (r->depth == 0 && r->at < PREFIX_BYTES) {
		prefix->mask |= UINT64_C(0xff) << 8 * r->at;
		prefix->value |= (uint64_t)folded << 8 * r->at;
		r->at++;
	}
}

/* The bytes of text since there were `used`. */
static void add_text_to_prefix(struct reader *r, unsigned used)
{
	for (; used < r->out->used && r->at < PREFIX_BYTES; used++) {
		add_to_prefix(r, r->out->bytes[used]);
	}
}

uint64_t literal_word(struct span text)
{
	uint64_t word = 0;

	for (size_t i = 0; i < PREFIX_BYTES && i < text.len; i++) {
		word |= (uint64_t)literal_fold(text.data[i]) << 8 * i;
	}
	return word;
}

/* ---- atoms ----------------------------------------------------------------------------------- */

static int hex_value(uint8_t b)
{
	if (b >= '0' && b <= '9') {
		return b - '0';
	}
	b |= 0x20;
	return b >= 'a' && b <= 'f' ? b - 'a' + 10 : -1;
}

static uint8_t peek(const struct cursor *c)
{
	struct cursor p = *c;

	return cur_u8(&p);
}

/* \xhh with up to two digits; \x{…} is for texts of characters. */
static enum atom read_hex(struct cursor *c, uint8_t *out_byte)
{
	int value = 0;

	if (peek(c) == '{') {
		return ATOM_GIVE_UP;
	}
	for (int i = 0; i < 2 && cur_left(c) > 0 && hex_value(peek(c)) >= 0; i++) {
		value = value * 16 + hex_value(cur_u8(c));
	}
	*out_byte = (uint8_t)value;
	return ATOM_BYTE;
}

/* \0 and up to two more octal digits. */
static enum atom read_octal(struct cursor *c, uint8_t *out_byte)
{
	int value = 0;

	for (int i = 0; i < 2 && peek(c) >= '0' && peek(c) <= '7'; i++) {
		value = value * 8 + (cur_u8(c) - '0');
	}
	*out_byte = (uint8_t)value;
	return ATOM_BYTE;
}

/* Bytes that escapes stand for, the frequent ones; 0: all others. */
static const uint8_t escaped[UINT8_MAX + 1] = {
	['n'] = '\n', ['r'] = '\r', ['t'] = '\t', ['f'] = '\f', ['a'] = '\a',
	['e'] = 0x1b, ['.'] = '.',  ['/'] = '/',  ['-'] = '-',  ['('] = '(',
	[')'] = ')',  ['['] = '[',  [']'] = ']',  ['?'] = '?',  ['*'] = '*',
	['+'] = '+',  ['|'] = '|',  ['$'] = '$',  ['"'] = '"',  ['\\'] = '\\',
};

static enum atom read_escape(struct cursor *c, uint8_t *out_byte)
{
	uint8_t b = cur_u8(c);

	if (!cur_ok(c)) {
		return ATOM_GIVE_UP;
	}
	if (escaped[b] != 0) {
		*out_byte = escaped[b];
		return ATOM_BYTE;
	}
	switch (b) {
	case 'x':
		return read_hex(c, out_byte);
	case '0':
		return read_octal(c, out_byte);
	case 'd':
	case 'D':
	case 'w':
	case 'W':
	case 's':
	case 'S':
	case 'h':
	case 'H':
	case 'v':
	case 'V':
	case 'N':
		return ATOM_OTHER;
	case 'R':
		return ATOM_TEXT;
	case 'b':
	case 'B':
	case 'A':
	case 'Z':
	case 'z':
		return ATOM_ZERO;
	default:
		break;
	}
	if (b >= '1' && b <= '9') {
		/* A back-reference; of several digits it may be an octal number as well. */
		return peek(c) >= '0' && peek(c) <= '9' ? ATOM_GIVE_UP : ATOM_TEXT;
	}
	if ((b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z')) {
		return ATOM_GIVE_UP;
	}
	*out_byte = b; /* any other character stands for itself */
	return ATOM_BYTE;
}

/* Behind '[': to the end of the class. A ']' that comes first is a member. */
static enum atom read_class(struct cursor *c)
{
	if (peek(c) == '^') {
		cur_skip(c, 1);
	}
	if (peek(c) == ']') {
		cur_skip(c, 1);
	}
	while (cur_left(c) > 0) {
		uint8_t b = cur_u8(c);

		if (b == ']') {
			return ATOM_OTHER;
		}
		if (b == '\\') {
			b = cur_u8(c);
			if (b == 'Q' || b == 'E') {
				return ATOM_GIVE_UP; /* a ']' behind it may be a member */
			}
		} else if (b == '[' && (peek(c) == ':' || peek(c) == '.' || peek(c) == '=')) {
			uint8_t kind = cur_u8(c);

			/* Without ":]" before the next ']' it is a '[' like any other. */
			while (cur_left(c) > 0 && peek(c) != ']') {
				b = cur_u8(c);
			}
			if (b != kind) {
				return ATOM_GIVE_UP;
			}
			cur_skip(c, 1);
		}
	}
	return ATOM_GIVE_UP;
}

static enum atom read_sequence(struct reader *r);

/* A look-around says nothing about the text that is matched: what is in it is forgotten. */
static enum atom read_look_around(struct reader *r)
{
	struct mark m = mark_of(r->out);
	enum atom end = read_sequence(r);

	forget_since(r->out, m);
	return end == ATOM_GIVE_UP ? end : ATOM_ZERO;
}

/* Behind "(?". */
static enum atom read_special_group(struct reader *r)
{
	uint8_t kind = cur_u8(&r->c);

	switch (kind) {
	case ':':
		return ATOM_GROUP;
	case '=':
	case '!':
		return ATOM_ZERO;
	case '<':
		if (peek(&r->c) == '=' || peek(&r->c) == '!') {
			cur_skip(&r->c, 1);
			return ATOM_ZERO;
		}
		while (cur_left(&r->c) > 0 && cur_u8(&r->c) != '>') {
		}
		return ATOM_GROUP;
	default:
		return ATOM_GIVE_UP; /* options, conditions, comments */
	}
}

static enum atom read_group(struct reader *r)
{
	enum atom kind = ATOM_GROUP;
	enum atom end;

	if (r->depth == GROUPS_MAX || peek(&r->c) == '*') {
		return ATOM_GIVE_UP;
	}
	if (peek(&r->c) == '?') {
		cur_skip(&r->c, 1);
		kind = read_special_group(r);
	}
	if (kind == ATOM_GIVE_UP) {
		return kind;
	}
	r->depth++;
	end = kind == ATOM_ZERO ? read_look_around(r) : read_sequence(r);
	r->depth--;
	return end == ATOM_GIVE_UP ? end : kind;
}

static enum atom read_atom(struct reader *r, uint8_t *out_byte)
{
	uint8_t b;

	if (cur_left(&r->c) == 0) {
		return ATOM_END;
	}
	b = cur_u8(&r->c);
	switch (b) {
	case '\\':
		return read_escape(&r->c, out_byte);
	case '[':
		return read_class(&r->c);
	case '(':
		return read_group(r);
	case ')':
		return r->depth > 0 ? ATOM_END : ATOM_GIVE_UP;
	case '|':
		return ATOM_OR;
	case '.':
		return ATOM_OTHER;
	case '^':
	case '$':
		return ATOM_ZERO;
	default:
		*out_byte = b;
		return ATOM_BYTE;
	}
}

static bool is_repeat(uint8_t b)
{
	return b == '*' || b == '?' || b == '+' || b == '{';
}

#define IS_SPECIAL(b)                                                                         \
	((b) == '\\' || (b) == '[' || (b) == '(' || (b) == ')' || (b) == '|' || (b) == '.' || \
	 (b) == '^' || (b) == '$' || (b) == '*' || (b) == '?' || (b) == '+' || (b) == '{')
#define PLAIN(b)    (IS_SPECIAL(b) ? 0 : (b) >= 'A' && (b) <= 'Z' ? (b) | 0x20 : (b))
#define PLAIN_4(b)  PLAIN(b), PLAIN((b) + 1), PLAIN((b) + 2), PLAIN((b) + 3)
#define PLAIN_16(b) PLAIN_4(b), PLAIN_4((b) + 4), PLAIN_4((b) + 8), PLAIN_4((b) + 12)
#define PLAIN_64(b) PLAIN_16(b), PLAIN_16((b) + 16), PLAIN_16((b) + 32), PLAIN_16((b) + 48)

/* The byte in lower case; 0: it may mean more than itself, or repeats what is before it. */
static const uint8_t plain[UINT8_MAX + 1] = {PLAIN_64(0), PLAIN_64(64), PLAIN_64(128),
                                             PLAIN_64(192)};

/* How many bytes of text were plain. */
static size_t add_plain(struct literals *out, struct span text)
{
	size_t room = LITERAL_BYTES_MAX - out->used;
	size_t max = text.len < room ? text.len : room;
	uint8_t *to = out->bytes + out->used;
	size_t n = 0;

	for (uint8_t b; n < max && (b = plain[text.data[n]]) != 0; n++) {
		to[n] = b;
	}
	out->used += (unsigned)n;
	return n;
}

/* How long the escape at the start of text was. */
static size_t add_escaped(struct literals *out, struct span text)
{
	uint8_t b = text.len >= 2 && text.data[0] == '\\' ? escaped[text.data[1]] : 0;

	if (b == 0 || out->used == LITERAL_BYTES_MAX) {
		return 0;
	}
	out->bytes[out->used++] = b;
	return 2;
}

/*
 * Plain text and escaped bytes, but for the last one where that is repeated: the most of nearly all
 * patterns, so it takes no detours.
 */
static void read_text(struct reader *r)
{
	const uint8_t *pos = r->c.pos, *end = r->c.end;
	size_t n, escape, last = 0;

	do {
		n = add_plain(r->out, span_of(pos, (size_t)(end - pos)));
		pos += n;
		escape = add_escaped(r->out, span_of(pos, (size_t)(end - pos)));
		pos += escape;
		last = escape != 0 ? escape : n != 0 ? 1 : last;
	} while (escape != 0);
	if (last != 0 && pos < end && is_repeat(*pos)) {
		pos -= last;
		r->out->used--;
	}
	cur_skip(&r->c, (size_t)(pos - r->c.pos));
}

enum repeat { REPEAT_NONE, REPEAT_OPTIONAL, REPEAT_REQUIRED, REPEAT_UNSURE };

static bool is_digit(uint8_t b)
{
	return b >= '0' && b <= '9';
}

/* "{,3}", "{ 1, 3 }": a repetition from PCRE2 10.43 on, text before. */
static enum repeat read_odd_braces(struct cursor c)
{
	unsigned digits = 0;
	uint8_t b = cur_u8(&c);

	for (; is_digit(b) || b == ',' || b == ' ' || b == '\t'; b = cur_u8(&c)) {
		digits += is_digit(b);
	}
	return b == '}' && digits > 0 ? REPEAT_UNSURE : REPEAT_NONE;
}

/* "{3}", "{3,}", "{3,5}"; nearly all else that begins with a brace is text. */
static enum repeat read_braces(struct cursor *c)
{
	struct cursor p = *c;
	bool is_zero = true;
	unsigned digits = 0;

	for (; peek(&p) >= '0' && peek(&p) <= '9'; digits++) {
		is_zero &= cur_u8(&p) == '0';
	}
	if (digits == 0) {
		return read_odd_braces(*c);
	}
	if (peek(&p) == ',') {
		cur_skip(&p, 1);
		while (peek(&p) >= '0' && peek(&p) <= '9') {
			cur_skip(&p, 1);
		}
	}
	if (cur_u8(&p) != '}' || !cur_ok(&p)) {
		return read_odd_braces(*c);
	}
	*c = p;
	return is_zero ? REPEAT_OPTIONAL : REPEAT_REQUIRED;
}

static enum repeat read_repeat(struct cursor *c)
{
	enum repeat repeat;

	if (cur_left(c) == 0 || !is_repeat(*c->pos)) {
		return REPEAT_NONE;
	}
	switch (*c->pos) {
	case '*':
	case '?':
		cur_skip(c, 1);
		repeat = REPEAT_OPTIONAL;
		break;
	case '+':
		cur_skip(c, 1);
		repeat = REPEAT_REQUIRED;
		break;
	case '{': {
		struct cursor p = *c;

		cur_skip(&p, 1);
		repeat = read_braces(&p);
		if (repeat == REPEAT_NONE) {
			return repeat;
		}
		*c = p;
		break;
	}
	default:
		return REPEAT_NONE;
	}
	if (cur_left(c) > 0 && (peek(c) == '?' || peek(c) == '+')) {
		cur_skip(c, 1); /* lazy or possessive */
	}
	return repeat;
}

/* What an atom and its repetition add to the runs. `before` is from before the atom. */
static void add_atom(struct literals *out, enum atom atom, uint8_t byte, enum repeat repeat,
                     struct mark before)
{
	switch (atom) {
	case ATOM_BYTE:
		if (repeat != REPEAT_OPTIONAL) {
			add_byte(out, byte);
		}
		break;
	case ATOM_GROUP:
		if (repeat == REPEAT_OPTIONAL) {
			forget_since(out, before);
		}
		break;
	default:
		break;
	}
	if (atom == ATOM_OTHER || atom == ATOM_TEXT || repeat != REPEAT_NONE) {
		break_run(out);
	}
}

/* The prefix ends where it is not certain any more how many bytes there are. */
static void add_atom_to_prefix(struct reader *r, enum atom atom, uint8_t byte, enum repeat repeat)
{
	bool is_one_byte = atom == ATOM_BYTE || atom == ATOM_OTHER;

	if (atom == ATOM_BYTE && repeat != REPEAT_OPTIONAL) {
		add_to_prefix(r, literal_fold(byte));
	} else if (atom == ATOM_OTHER && r->depth == 0) {
		r->at += r->at < PREFIX_BYTES;
	}
	if (r->depth == 0 && (!is_one_byte || repeat != REPEAT_NONE)) {
		r->at = PREFIX_BYTES;
	}
}

/* To the end of the group, which is read, too. ATOM_END, or ATOM_GIVE_UP. */
static enum atom read_sequence(struct reader *r)
{
	struct mark start = mark_of(r->out);
	bool has_or = false;

	for (;;) {
		unsigned used = r->out->used;

		read_text(r);
		add_text_to_prefix(r, used);
		struct mark before = mark_of(r->out);
		uint8_t byte = 0;
		enum atom atom = read_atom(r, &byte);

		if (atom == ATOM_GIVE_UP) {
			return atom;
		}
		if (atom == ATOM_END) {
			break;
		}
		if (atom == ATOM_OR) {
			has_or = true;
			continue;
		}
		enum repeat repeat = read_repeat(&r->c);

		if (repeat == REPEAT_UNSURE) {
			return ATOM_GIVE_UP;
		}
		add_atom(r->out, atom, byte, repeat, before);
		add_atom_to_prefix(r, atom, byte, repeat);
	}
	if (has_or) {
		if (r->depth == 0) {
			r->out->prefix = (struct literal_prefix){.mask = 0};
		}
		forget_since(r->out, start);
		break_run(r->out);
	}
	return ATOM_END;
}

/* No option makes a "^" match behind a line end. */
static bool is_anchored(struct span pattern)
{
	return pattern.len >= 2 && pattern.data[0] == '^' && !is_repeat(pattern.data[1]);
}

void literals_of(struct span pattern, struct literals *out)
{
	struct reader r = {.c = cur_of(pattern), .out = out, .at = PREFIX_BYTES};

	out->count = out->used = out->start = 0;
	out->prefix = (struct literal_prefix){.mask = 0};
	if (is_anchored(pattern)) {
		cur_skip(&r.c, 1);
		r.at = 0;
	}
	if (read_sequence(&r) != ATOM_END || !cur_ok(&r.c)) {
		out->count = 0;
		out->prefix = (struct literal_prefix){.mask = 0};
		return;
	}
	break_run(out);
}
