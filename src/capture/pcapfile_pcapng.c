/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The blocks of a pcapng file: draft-ietf-opsawg-pcapng. Packets come from enhanced, simple and
 * the obsolete packet blocks; blocks that say nothing about packets are passed over.
 */
#include "pcapfile_internal.h"

#include <errno.h>
#include <stdlib.h>

#define BLOCK_HEADER_BYTES  8  /* type, length */
#define BLOCK_TRAILER_BYTES 4  /* length again */
#define BLOCK_MIN_BYTES     12 /* of any block; a section's byte order lies within */
#define BYTE_ORDER_MAGIC    0x1a2b3c4du
#define MAX_INTERFACES      65536u
#define TSRESOL_DEFAULT     6  /* microseconds */
#define DECIMAL_DIGITS_MAX  28 /* 10^(28 - 9) is the largest divisor that 64 bits hold */
#define BINARY_DIGITS_MAX   63

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_OBSOLETE_PACKET = 2,
	BLOCK_SIMPLE_PACKET = 3,
	BLOCK_ENHANCED_PACKET = 6,
	BLOCK_SECTION = 0x0a0d0d0a, /* the same in both byte orders */
};

enum option_code { OPTION_END = 0, OPTION_TSRESOL = 9, OPTION_TSOFFSET = 14 };

void pcapng_fini(struct pcapng_state *state)
{
	free(state->interfaces);
}

static uint64_t power_of_10(unsigned n)
{
	uint64_t p = 1;

	while (n-- > 0) {
		p *= 10;
	}
	return p;
}

/* if_tsresol: the upper bit chooses between powers of 2 and of 10. False when out of range. */
static bool set_resolution(struct pcapng_interface *i, uint8_t tsresol)
{
	unsigned digits = tsresol & 0x7f;

	i->ns_mul = 1;
	i->ns_div = 1;
	i->binary_digits = 0;
	if ((tsresol & 0x80) != 0 && digits > 0) {
		i->binary_digits = digits;
		return digits <= BINARY_DIGITS_MAX;
	}
	if ((tsresol & 0x80) != 0 || digits <= 9) {
		i->ns_mul = power_of_10(9 - digits);
		return true;
	}
	if (digits <= DECIMAL_DIGITS_MAX) {
		i->ns_div = power_of_10(digits - 9);
		return true;
	}
	return false;
}

static uint64_t binary_ticks_to_ns(uint64_t ticks, unsigned digits)
{
	uint64_t seconds = ticks >> digits;
	uint64_t rest = ticks & ((UINT64_C(1) << digits) - 1);

	/* 34 digits are finer than a nanosecond, and their product with 10^9 fits 64 bits. */
	if (digits > 34) {
		rest >>= digits - 34;
		digits = 34;
	}
	return seconds * NS_PER_S + (rest * NS_PER_S >> digits);
}

static uint64_t time_ns(const struct pcapng_interface *i, uint64_t ticks)
{
	uint64_t ns = i->binary_digits != 0 ? binary_ticks_to_ns(ticks, i->binary_digits)
	                                    : ticks * i->ns_mul / i->ns_div;

	return ns + i->offset_ns;
}

/* Lengths that lie end the list: what was read before them holds. */
static int read_interface_options(struct cursor *c, bool is_big, struct pcapng_interface *i,
                                  struct err *err)
{
	while (cur_left(c) > 0) {
		uint16_t code = file_u16(c, is_big);
		uint16_t len = file_u16(c, is_big);
		struct cursor value = cur_sub(c, len);

		cur_skip(c, -len & 3);
		if (code == OPTION_END) {
			break;
		}
		if (code == OPTION_TSRESOL && len == 1) {
			uint8_t tsresol = cur_u8(&value);

			if (cur_ok(&value) && !set_resolution(i, tsresol)) {
				return err_set(err, -EBADMSG, "time resolution 0x%02x is too fine",
				               tsresol);
			}
		}
		if (code == OPTION_TSOFFSET && len == 8) {
			uint64_t seconds = is_big ? cur_be64(&value) : cur_le64(&value);

			i->offset_ns = seconds * NS_PER_S;
		}
	}
	return 0;
}

static int add_interface(struct pcapng_state *state, const struct pcapng_interface *i,
                         struct err *err)
{
	if (state->interface_count >= MAX_INTERFACES) {
		return err_set(err, -EBADMSG, "more than %u interfaces", MAX_INTERFACES);
	}
	if (state->interface_count == state->interface_room) {
		size_t room = state->interface_room != 0 ? state->interface_room * 2 : 8;
		void *grown = reallocarray(state->interfaces, room, sizeof(*state->interfaces));

		if (grown == NULL) {
			return err_set(err, -ENOMEM, "out of memory");
		}
		state->interfaces = grown;
		state->interface_room = room;
	}
	state->interfaces[state->interface_count++] = *i;
	return 0;
}

static int read_interface(struct pcapng_state *state, struct cursor body, struct err *err)
{
	struct pcapng_interface i = {0};

	i.link = pcapfile_link_type(file_u16(&body, state->is_big_endian));
	cur_skip(&body, 2);
	i.snap_bytes = file_u32(&body, state->is_big_endian);
	if (!cur_ok(&body)) {
		return err_set(err, -EBADMSG, "interface description is too short");
	}
	set_resolution(&i, TSRESOL_DEFAULT);
	int ret = read_interface_options(&body, state->is_big_endian, &i, err);

	if (ret == 0) {
		ret = add_interface(state, &i, err);
	}
	return ret < 0 ? ret : RECORD_OTHER;
}

static int read_section(struct pcapng_state *state, struct cursor body, struct err *err)
{
	cur_skip(&body, 4); /* the byte-order magic, read with the block's length */
	uint16_t major = file_u16(&body, state->is_big_endian);
	uint16_t minor = file_u16(&body, state->is_big_endian);

	if (!cur_ok(&body)) {
		return err_set(err, -EBADMSG, "section header is too short");
	}
	if (major != 1) {
		return err_set(err, -EBADMSG, "pcapng version %u.%u is not known", major, minor);
	}
	state->interface_count = 0; /* interfaces are numbered anew in each section */
	return RECORD_OTHER;
}

/* What the three packet blocks say, each in its own layout. */
struct packet {
	uint32_t interface;
	uint64_t ticks;
	uint32_t captured, original;
	struct cursor data; /* and padding, and options */
};

static int deliver(const struct pcapng_state *state, struct packet *p, struct frame *out_frame,
                   struct err *err)
{
	if (!cur_ok(&p->data)) {
		return err_set(err, -EBADMSG, "packet block is too short");
	}
	if (p->interface >= state->interface_count) {
		return err_set(err, -EBADMSG, "interface %u is not described", p->interface);
	}
	const struct pcapng_interface *i = &state->interfaces[p->interface];
	struct span bytes = cur_take(&p->data, p->captured);

	if (!cur_ok(&p->data)) {
		return err_set(err, -EBADMSG, "packet of %u bytes does not fit its block",
		               p->captured);
	}
	*out_frame = (struct frame){
		.bytes = bytes,
		.wire_bytes = p->original > p->captured ? p->original : p->captured,
		.link = i->link,
		.time_ns = time_ns(i, p->ticks),
		.interface = p->interface,
	};
	return RECORD_FRAME;
}

static int read_packet(struct pcapng_state *state, enum block_type type, struct cursor body,
                       struct frame *out_frame, struct err *err)
{
	bool is_big = state->is_big_endian;
	struct packet p = {0};

	if (type == BLOCK_ENHANCED_PACKET) {
		p.interface = file_u32(&body, is_big);
	} else {
		p.interface = file_u16(&body, is_big);
		cur_skip(&body, 2); /* count of drops */
	}
	p.ticks = (uint64_t)file_u32(&body, is_big) << 32;
	p.ticks |= file_u32(&body, is_big);
	p.captured = file_u32(&body, is_big);
	p.original = file_u32(&body, is_big);
	p.data = body;
	return deliver(state, &p, out_frame, err);
}

/* It has no time, belongs to the first interface and is cut to that one's snap length. */
static int read_simple_packet(struct pcapng_state *state, struct cursor body,
                              struct frame *out_frame, struct err *err)
{
	struct packet p = {.original = file_u32(&body, state->is_big_endian)};
	uint32_t snap = state->interface_count > 0 ? state->interfaces[0].snap_bytes : 0;

	p.captured = snap != 0 && snap < p.original ? snap : p.original;
	p.data = body;
	int ret = deliver(state, &p, out_frame, err);

	if (ret == RECORD_FRAME) {
		out_frame->time_ns = 0;
	}
	return ret;
}

static int read_block(struct pcapng_state *state, uint32_t type, struct cursor body,
                      struct frame *out_frame, struct err *err)
{
	switch (type) {
	case BLOCK_SECTION:
		return read_section(state, body, err);
	case BLOCK_INTERFACE:
		return read_interface(state, body, err);
	case BLOCK_SIMPLE_PACKET:
		return read_simple_packet(state, body, out_frame, err);
	case BLOCK_OBSOLETE_PACKET:
	case BLOCK_ENHANCED_PACKET:
		return read_packet(state, type, body, out_frame, err);
	default:
		return RECORD_OTHER;
	}
}

/* A section says in which byte order it is written, from its own length on. */
static bool read_byte_order(struct cursor head, struct pcapng_state *state)
{
	cur_skip(&head, BLOCK_HEADER_BYTES);
	struct cursor little = head;

	state->is_big_endian = cur_be32(&head) == BYTE_ORDER_MAGIC;
	return state->is_big_endian || cur_le32(&little) == BYTE_ORDER_MAGIC;
}

/* Type and length of the next block, whole in the window when this returns 0. */
static int need_block(struct pcapfile *f, uint32_t *out_type, uint32_t *out_len, struct err *err)
{
	struct pcapng_state *state = &f->pcapng;
	int ret = pcapfile_need(f, BLOCK_MIN_BYTES, "block header", err);

	if (ret < 0) {
		return ret;
	}
	struct cursor c = cur_of(stream_peek(f->stream, BLOCK_MIN_BYTES));
	struct cursor start = c;
	uint32_t type = file_u32(&c, state->is_big_endian);

	if (type == BLOCK_SECTION && !read_byte_order(start, state)) {
		return err_set(err, -EBADMSG, "section has no byte order");
	}
	uint32_t len = file_u32(&c, state->is_big_endian);

	if (len < BLOCK_MIN_BYTES || len > PCAPFILE_MAX_RECORD_BYTES) {
		return err_set(err, -EBADMSG, "block length %u cannot be true", len);
	}
	*out_type = type;
	*out_len = len;
	return pcapfile_need(f, len, "block", err);
}

static int pcapng_next(struct pcapfile *f, struct frame *out_frame, struct err *err)
{
	struct pcapng_state *state = &f->pcapng;
	uint32_t type = 0, len = 0;
	int ret = need_block(f, &type, &len, err);

	if (ret < 0) {
		return ret;
	}
	struct cursor block = cur_of(stream_peek(f->stream, len));

	cur_skip(&block, BLOCK_HEADER_BYTES);
	struct cursor body = cur_sub(&block, len - BLOCK_HEADER_BYTES - BLOCK_TRAILER_BYTES);
	uint32_t trailer = file_u32(&block, state->is_big_endian);

	if (trailer != len) {
		return err_set(err, -EBADMSG, "block lengths %u and %u differ", len, trailer);
	}
	ret = read_block(state, type, body, out_frame, err);
	if (ret >= 0) {
		stream_take(f->stream, len);
	}
	return ret;
}

int pcapng_begin(struct pcapfile *f, struct err *err)
{
	int ret = stream_need(f->stream, BLOCK_HEADER_BYTES / 2, err);

	if (ret < 0 && ret != -ENODATA) {
		return ret;
	}
	struct cursor c = cur_of(stream_peek(f->stream, BLOCK_HEADER_BYTES / 2));

	if (cur_be32(&c) != BLOCK_SECTION) {
		return 0;
	}
	ret = pcapfile_need(f, BLOCK_MIN_BYTES, "section header", err);
	if (ret < 0) {
		return ret;
	}
	f->next = pcapng_next;
	return 1;
}
