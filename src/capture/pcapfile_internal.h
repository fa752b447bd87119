/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What pcapfile.c and the readers of the two formats share. A reader takes one record at a time
 * from the stream; opening, batches and messages are pcapfile.c's.
 *
 * Our word "record": a packet record of pcap, a block of pcapng.
 */
#pragma once

#include "stream.h"

#include <passer/base/cursor.h>
#include <passer/capture/pcapfile.h>

/* A record that claims more is corrupt: the largest frame of any link is 256 KiB. */
#define PCAPFILE_MAX_RECORD_BYTES (16u << 20)

#define NS_PER_S 1000000000u

struct pcap_state {
	bool is_big_endian;
	size_t header_bytes; /* of a record */
	uint32_t tick_ns;    /* unit of the fraction of a second */
	enum link_type link;
	uint16_t minor_version;
};

/* One interface of the current section. */
struct pcapng_interface {
	enum link_type link;
	uint32_t snap_bytes; /* 0: no limit */
	/* A tick is ns_mul / ns_div ns, or 2^-binary_digits s where that is not 0. */
	uint64_t ns_mul, ns_div;
	unsigned binary_digits;
	uint64_t offset_ns; /* added; negative ones wrap around, as the sum then does */
};

struct pcapng_state {
	bool is_big_endian;
	struct pcapng_interface *interfaces;
	size_t interface_count, interface_room;
};

enum pcapfile_record { RECORD_FRAME, RECORD_OTHER };

struct pcapfile;

/*
 * Takes the next record. Returns an enum pcapfile_record, -EAGAIN and -ENODATA as stream_need()
 * does, or another negative errno with the reason in err. It takes all of a record or nothing.
 */
typedef int pcapfile_next_fn(struct pcapfile *f, struct frame *out_frame, struct err *err);

struct pcapfile {
	struct source source;
	char *name; /* for messages */
	struct stream *stream;
	uint64_t frame_count;   /* handed out so far */
	pcapfile_next_fn *next; /* NULL: a pipe has not told the format yet */
	struct pcap_state pcap;
	struct pcapng_state pcapng;
};

static inline uint16_t file_u16(struct cursor *c, bool is_big_endian)
{
	return is_big_endian ? cur_be16(c) : cur_le16(c);
}

static inline uint32_t file_u32(struct cursor *c, bool is_big_endian)
{
	return is_big_endian ? cur_be32(c) : cur_le32(c);
}

/* stream_need() that also has words for a stream that ends before: "record header is cut". */
int pcapfile_bring(struct pcapfile *f, size_t n, const char *what, struct err *err);

/* The same; costs next to nothing when the bytes are in the window, which they nearly always are.
 */
static inline int pcapfile_need(struct pcapfile *f, size_t n, const char *what, struct err *err)
{
	return f->stream->len - f->stream->pos >= n ? 0 : pcapfile_bring(f, n, what, err);
}

/* How frames of this number of the LINKTYPE_ registry begin. */
enum link_type pcapfile_link_type(uint32_t number);

/*
 * Each returns 1 and sets f->next when the stream begins with its magic, else 0; or a negative
 * errno with the reason in err.
 */
int pcap_begin(struct pcapfile *f, struct err *err);
int pcapng_begin(struct pcapfile *f, struct err *err);

void pcapng_fini(struct pcapng_state *state);
