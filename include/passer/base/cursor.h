/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The only way to read bytes that came from a network or a file.
 *
 * A cursor walks forward over a borrowed span. Reading past the end sets a fault, returns zero and
 * moves the cursor to its end; the fault is sticky, so a parser reads a whole header, asks cur_ok()
 * once and then uses the values. A loop on cur_left() therefore always ends.
 *
 * Two faults are told apart because they have different causes: CUR_SHORT ran off the bytes that
 * are there (our snap length, a torn capture), CUR_BAD was set by the parser because the sender's
 * bytes make no sense. A child made by cur_sub() keeps its own fault: the parent decides whether
 * one bad part spoils the whole.
 *
 * Byte order and width are in the name of each reader.
 */
#pragma once

#include <passer/base/span.h>

enum cursor_fault { CUR_OK, CUR_SHORT, CUR_BAD };

struct cursor {
	const uint8_t *pos;
	const uint8_t *end;
	const uint8_t *base; /* start of the message: offsets count from here */
	enum cursor_fault fault;
};

static inline struct cursor cur_of(struct span s)
{
	static const uint8_t nothing;
	const uint8_t *data = s.data != NULL ? s.data : &nothing;

	return (struct cursor){.pos = data, .end = data + s.len, .base = data, .fault = CUR_OK};
}

static inline bool cur_ok(const struct cursor *c)
{
	return c->fault == CUR_OK;
}

/* Bytes not yet read; 0 after any fault. */
static inline size_t cur_left(const struct cursor *c)
{
	return (size_t)(c->end - c->pos);
}

/* Bytes read so far, counted from the start of the message. */
static inline size_t cur_offset(const struct cursor *c)
{
	return (size_t)(c->pos - c->base);
}

static inline void cur_fault(struct cursor *c, enum cursor_fault fault)
{
	if (c->fault == CUR_OK) {
		c->fault = fault;
	}
	c->pos = c->end;
}

/* The parser found nonsense. */
static inline void cur_fail(struct cursor *c)
{
	cur_fault(c, CUR_BAD);
}

/* The next n bytes as a borrowed view; empty on fault. */
static inline struct span cur_take(struct cursor *c, size_t n)
{
	if (cur_left(c) < n) {
		cur_fault(c, CUR_SHORT);
		return span_of(c->end, 0);
	}
	struct span s = span_of(c->pos, n);
	c->pos += n;
	return s;
}

static inline void cur_skip(struct cursor *c, size_t n)
{
	(void)cur_take(c, n);
}

/* All bytes that are left, without moving. */
static inline struct span cur_rest(const struct cursor *c)
{
	return span_of(c->pos, cur_left(c));
}

/*
 * A child limited to the next n bytes; the parent moves past them. Where fewer are left the parent
 * faults and the child is born faulted, so nothing can be read from it.
 */
static inline struct cursor cur_sub(struct cursor *c, size_t n)
{
	struct span s = cur_take(c, n);
	struct cursor child = {.pos = s.data, .end = s.data + s.len, .base = c->base};

	child.fault = c->fault;
	return child;
}

/*
 * The same for a header of fixed size, asked before it is read: false, and c has the fault, when it
 * is not all here. Of a child that is whole the compiler knows the size, and checks no field again.
 */
static inline bool cur_header(struct cursor *c, size_t n, struct cursor *out_header)
{
	if (cur_left(c) < n) {
		cur_fault(c, CUR_SHORT);
		return false;
	}
	*out_header = (struct cursor){.pos = c->pos, .end = c->pos + n, .base = c->base};
	c->pos += n;
	return true;
}

/* Elsewhere in the same message, from its start; for the pointers of DNS names. */
static inline struct cursor cur_at(const struct cursor *c, size_t offset)
{
	struct cursor there = {.pos = c->base, .end = c->end, .base = c->base};

	cur_skip(&there, offset);
	return there;
}

static inline uint8_t cur_u8(struct cursor *c)
{
	struct span s = cur_take(c, 1);

	return s.len != 0 ? s.data[0] : 0;
}

static inline uint16_t cur_be16(struct cursor *c)
{
	struct span s = cur_take(c, 2);

	return s.len != 0 ? (uint16_t)((unsigned)s.data[0] << 8 | s.data[1]) : 0;
}

static inline uint32_t cur_be24(struct cursor *c)
{
	struct span s = cur_take(c, 3);

	return s.len != 0 ? (uint32_t)s.data[0] << 16 | (uint32_t)s.data[1] << 8 | s.data[2] : 0;
}

static inline uint32_t cur_be32(struct cursor *c)
{
	struct span s = cur_take(c, 4);

	return s.len != 0 ? (uint32_t)s.data[0] << 24 | (uint32_t)s.data[1] << 16 |
	                            (uint32_t)s.data[2] << 8 | s.data[3]
	                  : 0;
}

static inline uint64_t cur_be64(struct cursor *c)
{
	struct cursor word = cur_sub(c, 8);
	uint64_t high = cur_be32(&word);

	return high << 32 | cur_be32(&word);
}

static inline uint16_t cur_le16(struct cursor *c)
{
	return __builtin_bswap16(cur_be16(c));
}

static inline uint32_t cur_le32(struct cursor *c)
{
	return __builtin_bswap32(cur_be32(c));
}

static inline uint64_t cur_le64(struct cursor *c)
{
	return __builtin_bswap64(cur_be64(c));
}

/*
 * One line of a text protocol, without its CR LF or LF. False at the end; the last line may lack
 * its line end.
 */
static inline bool cur_line(struct cursor *c, struct span *out_line)
{
	if (cur_left(c) == 0) {
		return false;
	}
	const uint8_t *lf = memchr(c->pos, '\n', cur_left(c));
	size_t n = lf != NULL ? (size_t)(lf - c->pos) : cur_left(c);
	struct span line = cur_take(c, n);

	if (lf != NULL) {
		cur_skip(c, 1);
	}
	if (line.len > 0 && line.data[line.len - 1] == '\r') {
		line.len--;
	}
	*out_line = line;
	return true;
}
