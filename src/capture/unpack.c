/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Four libraries behind one step function. Memory is bounded by the formats themselves (gzip,
 * bzip2), by zstd's default window limit of 128 MiB, and by XZ_MAX_MEMORY.
 */
#include "unpack.h"

#include <bzlib.h>
#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#define XZ_MAX_MEMORY     (128ull << 20) /* `xz -9` needs 65 MiB */
#define ZSTD_HEADER_BYTES 3              /* of a block */
#define GZIP_WINDOW       (15 + 16)      /* the largest window, gzip wrapper: see inflateInit2() */

struct unpacker {
	const struct unpack_format *format;
	bool is_open;  /* inside a member */
	bool may_hold; /* the last step filled all its room */
	union {
		z_stream gzip;
		bz_stream bzip2;
		lzma_stream xz;
		struct {
			ZSTD_DStream *stream;
			size_t wanted; /* input bytes that it asks for */
		} zstd;
	};
};

struct unpack_format {
	const char *name;
	uint8_t magic[UNPACK_MAGIC_BYTES];
	size_t magic_bytes;
	uint8_t first_mask; /* bits of the first byte that count */

	bool (*begin)(struct unpacker *u); /* opens a member; false: out of memory */
	void (*end)(struct unpacker *u);
	/* NULL, or why it cannot go on. Clears is_open behind the last byte of a member. */
	const char *(*step)(struct unpacker *u, struct unpack_io *io);
};

static void io_advance(struct unpack_io *io, size_t in_left, size_t room_left)
{
	io->in = span_of(io->in.data + (io->in.len - in_left), in_left);
	io->out += io->room - room_left;
	io->room = room_left;
}

static bool gzip_begin(struct unpacker *u)
{
	u->gzip = (z_stream){0};
	return inflateInit2(&u->gzip, GZIP_WINDOW) == Z_OK;
}

static void gzip_end(struct unpacker *u)
{
	inflateEnd(&u->gzip);
}

static const char *gzip_step(struct unpacker *u, struct unpack_io *io)
{
	z_stream *z = &u->gzip;

	z->next_in = io->in.data;
	z->avail_in = (uInt)io->in.len;
	z->next_out = io->out;
	z->avail_out = (uInt)io->room;
	int ret = inflate(z, Z_NO_FLUSH);

	io_advance(io, z->avail_in, z->avail_out);
	if (ret == Z_STREAM_END) {
		u->is_open = false;
		return NULL;
	}
	if (ret == Z_OK || (ret == Z_BUF_ERROR && io->in.len == 0)) {
		return NULL;
	}
	return z->msg != NULL ? z->msg : zError(ret);
}

static bool bzip2_begin(struct unpacker *u)
{
	u->bzip2 = (bz_stream){0};
	return BZ2_bzDecompressInit(&u->bzip2, 0, 0) == BZ_OK;
}

static void bzip2_end(struct unpacker *u)
{
	BZ2_bzDecompressEnd(&u->bzip2);
}

static const char *bzip2_step(struct unpacker *u, struct unpack_io *io)
{
	bz_stream *bz = &u->bzip2;

	bz->next_in = (char *)io->in.data; /* not written to: the library lacks the const */
	bz->avail_in = (unsigned)io->in.len;
	bz->next_out = (char *)io->out;
	bz->avail_out = (unsigned)io->room;
	int ret = BZ2_bzDecompress(bz);

	io_advance(io, bz->avail_in, bz->avail_out);
	switch (ret) {
	case BZ_STREAM_END:
		u->is_open = false;
		return NULL;
	case BZ_OK:
		return NULL;
	case BZ_MEM_ERROR:
		return "out of memory";
	case BZ_DATA_ERROR_MAGIC:
		return "incorrect header";
	default:
		return "incorrect data";
	}
}

static bool xz_begin(struct unpacker *u)
{
	u->xz = (lzma_stream)LZMA_STREAM_INIT;
	return lzma_stream_decoder(&u->xz, XZ_MAX_MEMORY, LZMA_CONCATENATED) == LZMA_OK;
}

static void xz_end(struct unpacker *u)
{
	lzma_end(&u->xz);
}

static const char *xz_step(struct unpacker *u, struct unpack_io *io)
{
	lzma_stream *xz = &u->xz;

	xz->next_in = io->in.data;
	xz->avail_in = io->in.len;
	xz->next_out = io->out;
	xz->avail_out = io->room;
	lzma_ret ret = lzma_code(xz, io->is_last ? LZMA_FINISH : LZMA_RUN);

	io_advance(io, xz->avail_in, xz->avail_out);
	switch (ret) {
	case LZMA_STREAM_END:
		u->is_open = false;
		return NULL;
	case LZMA_OK:
		return NULL;
	case LZMA_BUF_ERROR: /* no progress, and no harm when there is nothing to read */
		return io->in.len == 0 ? NULL : "incorrect data";
	case LZMA_MEM_ERROR:
		return "out of memory";
	case LZMA_MEMLIMIT_ERROR:
		return "needs more than 128 MiB of memory";
	case LZMA_FORMAT_ERROR:
		return "incorrect header";
	case LZMA_OPTIONS_ERROR:
		return "unsupported options";
	default:
		return "incorrect data";
	}
}

static bool zstd_begin(struct unpacker *u)
{
	u->zstd.stream = ZSTD_createDStream();
	if (u->zstd.stream == NULL) {
		return false;
	}
	u->zstd.wanted = ZSTD_initDStream(u->zstd.stream);
	return true;
}

static void zstd_end(struct unpacker *u)
{
	ZSTD_freeDStream(u->zstd.stream);
}

/*
 * A failing call does not tell how much it had written before the fault. So what is held back is
 * fetched by a call without input, and blocks are fed one by one without the header of the next
 * one, which the library asks for with them: then a fault loses its own block and nothing before.
 */
static const char *zstd_step(struct unpacker *u, struct unpack_io *io)
{
	size_t wanted = u->zstd.wanted;
	size_t feed = wanted > ZSTD_HEADER_BYTES ? wanted - ZSTD_HEADER_BYTES : wanted;
	ZSTD_inBuffer in = {.src = io->in.data, .size = feed < io->in.len ? feed : io->in.len};

	if (u->may_hold) {
		in.size = 0;
	}
	ZSTD_outBuffer out = {.dst = io->out, .size = io->room};
	size_t ret = ZSTD_decompressStream(u->zstd.stream, &out, &in);

	if (ZSTD_isError(ret)) {
		return ZSTD_getErrorName(ret);
	}
	io_advance(io, io->in.len - in.pos, io->room - out.pos);
	u->zstd.wanted = ret;
	u->is_open = ret != 0;
	return NULL;
}

static const struct unpack_format formats[] = {
	{"gzip", {0x1f, 0x8b}, 2, 0xff, gzip_begin, gzip_end, gzip_step},
	{"bzip2", {'B', 'Z', 'h'}, 3, 0xff, bzip2_begin, bzip2_end, bzip2_step},
	{"xz", {0xfd, '7', 'z', 'X', 'Z', 0}, 6, 0xff, xz_begin, xz_end, xz_step},
	{"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, 0xff, zstd_begin, zstd_end, zstd_step},
	/* A skippable frame, 0x184d2a5? (RFC 8878, section 3.1.2): pzstd begins its files so. */
	{"zstd", {0x50, 0x2a, 0x4d, 0x18}, 4, 0xf0, zstd_begin, zstd_end, zstd_step},
};

const struct unpack_format *unpack_format_of(struct span head)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const struct unpack_format *f = &formats[i];

		if (head.len >= f->magic_bytes && (head.data[0] & f->first_mask) == f->magic[0] &&
		    memcmp(head.data + 1, f->magic + 1, f->magic_bytes - 1) == 0) {
			return f;
		}
	}
	return NULL;
}

int unpack_new(const struct unpack_format *format, struct unpacker **out_unpacker, struct err *err)
{
	struct unpacker *u = calloc(1, sizeof(*u));

	if (u == NULL) {
		return err_set(err, -ENOMEM, "out of memory");
	}
	u->format = format;
	*out_unpacker = u;
	return 0;
}

void unpack_free(struct unpacker *unpacker)
{
	if (unpacker == NULL) {
		return;
	}
	if (unpacker->is_open) {
		unpacker->format->end(unpacker);
	}
	free(unpacker);
}

int unpack_step(struct unpacker *unpacker, struct unpack_io *io, struct err *err)
{
	const struct unpack_format *format = unpacker->format;

	if (!unpacker->is_open) {
		if (io->in.len == 0) {
			return 0;
		}
		if (!format->begin(unpacker)) {
			return err_set(err, -ENOMEM, "%s: out of memory", format->name);
		}
		unpacker->is_open = true;
	}
	const char *fault = format->step(unpacker, io);

	unpacker->may_hold = io->room == 0;
	if (!unpacker->is_open) {
		format->end(unpacker);
	}
	if (fault != NULL) {
		return err_set(err, -EBADMSG, "%s data is damaged: %s", format->name, fault);
	}
	return 0;
}

bool unpack_has_more(const struct unpacker *unpacker)
{
	return unpacker->is_open && unpacker->may_hold;
}

int unpack_finish(const struct unpacker *unpacker, struct err *err)
{
	if (unpacker->is_open) {
		return err_set(err, -EBADMSG, "%s data is cut", unpacker->format->name);
	}
	return 0;
}
