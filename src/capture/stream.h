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

struct stream;

/*
 * Opens path; "-" is standard input. Nothing is waited for or read. Returns 0, or a negative errno
 * with err set to the reason alone: the caller puts the name before it.
 */
int stream_open(const char *path, struct stream **out_stream, struct err *err);

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
struct span stream_peek(const struct stream *stream, size_t n);

/* The same, and moves on behind them. */
struct span stream_take(struct stream *stream, size_t n);

/* Bytes taken so far: the offset in the unpacked stream. */
uint64_t stream_offset(const struct stream *stream);

/* Bytes of the file on disk that what was taken so far comes from; and its size, 0 if unknown. */
uint64_t stream_disk_offset(const struct stream *stream);
uint64_t stream_disk_size(const struct stream *stream);

/* The descriptor to wait on after -EAGAIN; -1 for a file, which never says so. */
int stream_fd(const struct stream *stream);
