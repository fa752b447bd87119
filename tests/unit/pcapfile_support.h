/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of capture files share: making files in memory, two small ones, reading them. */
#pragma once

#include <passer/capture/pcapfile.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- bytes of files ---- */

struct blob {
	uint8_t *data;
	size_t len, room;
};

static inline void blob_add(struct blob *b, const void *bytes, size_t n)
{
	if (b->len + n > b->room) {
		b->room = (b->len + n) * 2;
		b->data = realloc(b->data, b->room);
		assert_non_null(b->data);
	}
	if (n > 0) {
		memcpy(b->data + b->len, bytes, n);
	}
	b->len += n;
}

static inline void blob_fini(struct blob *b)
{
	free(b->data);
	*b = (struct blob){0};
}

static inline void put_int(struct blob *b, uint64_t value, unsigned bytes, bool is_big)
{
	for (unsigned i = 0; i < bytes; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * (is_big ? bytes - 1 - i : i));

		blob_add(b, &byte, 1);
	}
}

static inline void put_u16(struct blob *b, uint16_t value, bool is_big)
{
	put_int(b, value, 2, is_big);
}

static inline void put_u32(struct blob *b, uint32_t value, bool is_big)
{
	put_int(b, value, 4, is_big);
}

static inline void put_pcap_header(struct blob *b, uint32_t magic, uint16_t minor, uint32_t link,
                                   bool big)
{
	put_u32(b, magic, big);
	put_u16(b, 2, big);
	put_u16(b, minor, big);
	put_int(b, 0, 8, big);
	put_u32(b, 262144, big);
	put_u32(b, link, big);
}

static inline void put_record_header(struct blob *b, uint32_t s, uint32_t ticks, uint32_t captured,
                                     uint32_t original, bool big)
{
	put_u32(b, s, big);
	put_u32(b, ticks, big);
	put_u32(b, captured, big);
	put_u32(b, original, big);
}

/* ---- reading them ---- */

#define KEPT_FRAMES 16
#define KEPT_BYTES  16

/* What a reader saw: all of the first frames, and a sum over all frames. */
struct seen {
	size_t count;
	struct {
		struct frame frame; /* its bytes point to `bytes` */
		uint8_t bytes[KEPT_BYTES];
	} kept[KEPT_FRAMES];
	uint64_t sum;
	int ret;
	size_t calls;
	struct pcapfile_progress progress;
	struct err err;
	char path[32];
};

static inline void see(void *user, const struct frame *frame)
{
	struct seen *seen = user;

	seen->sum = seen->sum * 31 + frame->bytes.len;
	for (size_t i = 0; i < frame->bytes.len; i++) {
		seen->sum = seen->sum * 31 + frame->bytes.data[i];
	}
	if (seen->count < KEPT_FRAMES && frame->bytes.len <= KEPT_BYTES) {
		struct frame *kept = &seen->kept[seen->count].frame;

		*kept = *frame;
		kept->bytes.data =
			memcpy(seen->kept[seen->count].bytes, frame->bytes.data, frame->bytes.len);
	}
	seen->count++;
}

static inline void read_on(struct source *source, struct seen *seen)
{
	do {
		seen->ret = source_read(source, see, seen, &seen->err);
		seen->calls++;
	} while (seen->ret == SOURCE_MORE);
}

static inline void read_path(const char *path, struct seen *seen)
{
	struct source *source = NULL;

	seen->ret = pcapfile_open(path, &source, &seen->err);
	if (seen->ret == 0) {
		read_on(source, seen);
		seen->progress = pcapfile_progress(source);
		source_close(source);
	}
}

static inline int file_of(const void *bytes, size_t len)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static inline void read_bytes(const void *bytes, size_t len, struct seen *seen)
{
	int fd = file_of(bytes, len);

	*seen = (struct seen){0};
	snprintf(seen->path, sizeof(seen->path), "/proc/self/fd/%d", fd);
	read_path(seen->path, seen);
	close(fd);
}

static inline void read_blob(struct blob *b, struct seen *seen)
{
	read_bytes(b->data, b->len, seen);
	blob_fini(b);
}

static inline void check_error(const struct seen *seen, const char *text)
{
	char expected[512];

	snprintf(expected, sizeof(expected), "%s: %s", seen->path, text);
	assert_true(seen->ret < 0);
	assert_string_equal(seen->err.text, expected);
}

static inline void check_bytes(const struct seen *seen, size_t i, const char *bytes)
{
	assert_int_equal(seen->kept[i].frame.bytes.len, strlen(bytes));
	assert_memory_equal(seen->kept[i].bytes, bytes, strlen(bytes));
}

/* ---- two small files ---- */

/* clang-format off */
static const uint8_t small_pcap[] = {
	0xd4, 0xc3, 0xb2, 0xa1,  2, 0,  4, 0,      /* magic, version 2.4 */
	0, 0, 0, 0,  0, 0, 0, 0,                   /* time zone, accuracy */
	0, 0, 4, 0,  1, 0, 0, 0,                   /* snap length, link: Ethernet */
	/* 24 */
	0x01, 0, 0, 0,  0x02, 0, 0, 0,             /* 1 s, 2 us */
	3, 0, 0, 0,  60, 0, 0, 0,                  /* 3 of 60 bytes */
	'a', 'b', 'c',
	/* 43: an empty frame, latest time that there is */
	0xff, 0xff, 0xff, 0xff,  0x3f, 0x42, 0x0f, 0,
	0, 0, 0, 0,  0, 0, 0, 0,
	/* 59: original length smaller than the captured one */
	0x02, 0, 0, 0,  0, 0, 0, 0,
	4, 0, 0, 0,  1, 0, 0, 0,
	'd', 'e', 'f', 'g',
	/* 79 */
};
/* clang-format on */

/* clang-format off */
static const uint8_t small_pcapng[] = {
	/* 0: section header */
	0x0a, 0x0d, 0x0d, 0x0a,  28, 0, 0, 0,
	0x4d, 0x3c, 0x2b, 0x1a,  1, 0,  0, 0,      /* byte order, version 1.0 */
	0xff, 0xff, 0xff, 0xff,  0xff, 0xff, 0xff, 0xff,
	28, 0, 0, 0,
	/* 28: interface 0, Ethernet, snap length 5, microseconds */
	1, 0, 0, 0,  20, 0, 0, 0,
	1, 0,  0, 0,  5, 0, 0, 0,
	20, 0, 0, 0,
	/* 48: interface 1, Linux cooked v1, if_tsresol 10^-9, if_tsoffset 100 s */
	1, 0, 0, 0,  44, 0, 0, 0,
	113, 0,  0, 0,  0, 0, 0, 0,
	9, 0,  1, 0,  9, 0, 0, 0,
	14, 0,  8, 0,  100, 0, 0, 0,  0, 0, 0, 0,
	0, 0,  0, 0,
	44, 0, 0, 0,
	/* 92: a name resolution block, to be passed over */
	4, 0, 0, 0,  16, 0, 0, 0,  0, 0, 0, 0,  16, 0, 0, 0,
	/* 108: enhanced packet: interface 0, 0x100000002 us, 3 of 60 bytes, padded, with an option */
	6, 0, 0, 0,  48, 0, 0, 0,
	0, 0, 0, 0,  1, 0, 0, 0,  2, 0, 0, 0,  3, 0, 0, 0,  60, 0, 0, 0,
	'a', 'b', 'c', 0,
	2, 0,  4, 0,  0, 0, 0, 0,  0, 0,  0, 0,
	48, 0, 0, 0,
	/* 156: enhanced packet: interface 1, 7 ns */
	6, 0, 0, 0,  36, 0, 0, 0,
	1, 0, 0, 0,  0, 0, 0, 0,  7, 0, 0, 0,  2, 0, 0, 0,  2, 0, 0, 0,
	'd', 'e', 0, 0,
	36, 0, 0, 0,
	/* 192: simple packet of 9 bytes, cut to the snap length of interface 0 */
	3, 0, 0, 0,  24, 0, 0, 0,  9, 0, 0, 0,
	'f', 'g', 'h', 'i', 'j', 0, 0, 0,
	24, 0, 0, 0,
	/* 216: obsolete packet: interface 1, 4 drops before it, 8 ns, original length 0 */
	2, 0, 0, 0,  36, 0, 0, 0,
	1, 0,  4, 0,  0, 0, 0, 0,  8, 0, 0, 0,  1, 0, 0, 0,  0, 0, 0, 0,
	'k', 0, 0, 0,
	36, 0, 0, 0,
	/* 252 */
};
/* clang-format on */

/* A small file, and the places between its records. */
struct small {
	const uint8_t *bytes;
	size_t len;
	size_t min_len; /* shorter ones are refused at opening */
	const char *record;
	struct {
		size_t at;
		size_t frames;
	} ends[8];
};

static const struct small small_files[] = {
	{small_pcap, sizeof(small_pcap), 24, "record", {{24, 0}, {43, 1}, {59, 2}, {79, 3}}},
	{small_pcapng,
         sizeof(small_pcapng),
         12,
         "block",
         {{28, 0}, {48, 0}, {92, 0}, {108, 0}, {156, 1}, {192, 2}, {216, 3}, {252, 4}}},
};
