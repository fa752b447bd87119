/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file, pipe or standard input as a stream of bytes, unpacked on the way when its content says
 * that it is packed. The bytes are looked at in place, in a window that moves over the stream:
 *
 *	ret = stream_need(s, n, err);       n bytes lie in the window now
 *	... stream_peek(s, n) ...           look
 *	... stream_take(s, n) ...           look and move on
 *
 * A span of it stays valid until the next stream_need().
 */
#pragma once

#include <passer/base/err.h>
#include <passer/base/span.h>

/* Open for the short functions below, which are asked for each frame; others leave it alone. */
struct stream {
	uint8_t *window;
	size_t pos, len; /* window[pos .. len) is unread */
	size_t window_size;
	uint64_t window_offset; /* of window[0] in the unpacked stream */

	int fd;
	bool is_pipe;       /* may have nothing to read for a while */
	bool has_begun;     /* the first bytes have told whether it is packed */
	bool is_disk_ended; /* read() has said so */
	bool is_ended;      /* nothing will come into the window any more */
	uint64_t disk_size; /* 0: unknown */
	uint64_t disk_read; /* bytes read from fd */

	struct unpacker *unpacker; /* NULL: the file is plain */
	uint8_t *packed_buffer;
	struct span packed; /* part of it not yet unpacked */

	int fault; /* negative errno that comes behind the bytes in the window */
	struct err fault_reason;
};

/*
 * Opens path; "-" is standard input. Nothing is waited for or read. Returns 0, or a negative errno
 * with err set to the reason alone: the caller puts the name before it.
 */
int stream_open(const char *path, struct stream **out_stream, struct err *err);

/* The same of a descriptor, which is closed with the stream, or when this fails. */
int stream_open_fd(int fd, struct stream **out_stream, struct err *err);

/* Accepts NULL and a half-built stream. */
void stream_close(struct stream *stream);

/*
 * Brings the next n bytes into the window, which grows to n. Returns 0, or
 *   -ENODATA  the stream ends before (err is not set);
 *   -EAGAIN   a pipe has nothing more now (err is not set); nothing is lost, ask again;
 *   another negative errno with the reason in err: reading or unpacking failed.
 */
int stream_need(struct stream *stream, size_t n, struct err *err);

/* The next bytes in the window: n of them, or fewer when fewer are there. */
static inline struct span stream_peek(const struct stream *stream, size_t n)
{
	size_t left = stream->len - stream->pos;

	return span_of(stream->window + stream->pos, n < left ? n : left);
}

/* The same, and moves on behind them. */
static inline struct span stream_take(struct stream *stream, size_t n)
{
	struct span taken = stream_peek(stream, n);

	stream->pos += taken.len;
	return taken;
}

/* Bytes taken so far: the offset in the unpacked stream. */
uint64_t stream_offset(const struct stream *stream);

/* Bytes of the file on disk that what was taken so far comes from; and its size, 0 if unknown. */
uint64_t stream_disk_offset(const struct stream *stream);
uint64_t stream_disk_size(const struct stream *stream);

/* The descriptor to wait on after -EAGAIN; -1 for a file, which never says so. */
int stream_fd(const struct stream *stream);
