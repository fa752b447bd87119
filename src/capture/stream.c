/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Plain bytes are read straight into the window, packed ones through a second buffer. Reading, not
 * mapping: a file that shrinks while it is read is then a short read and no SIGBUS.
 */
#include "stream.h"
#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)256 << 10)

static bool is_readable(const struct stream *s)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

/* Reads what is there, at most n bytes; *out_read is 0 at the end of the file. */
static int read_disk(struct stream *s, uint8_t *buffer, size_t n, size_t *out_read, struct err *err)
{
	ssize_t got;

	if (s->is_pipe && !is_readable(s)) {
		return -EAGAIN;
	}
	do {
		got = read(s->fd, buffer, n);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN) {
		return -EAGAIN;
	}
	if (got < 0) {
		int ret = -errno;
		return err_set(err, ret, "cannot read: %s", strerror(-ret));
	}
	s->disk_read += (size_t)got;
	s->is_disk_ended = got == 0;
	*out_read = (size_t)got;
	return 0;
}

static int fill_plain(struct stream *s, struct err *err)
{
	size_t got = 0;
	int ret = read_disk(s, s->window + s->len, s->window_size - s->len, &got, err);

	if (ret == 0) {
		s->len += got;
		s->is_ended = s->is_disk_ended;
	}
	return ret;
}

/* Sees to it that the unpacker has something to work on. */
static int fill_packed_buffer(struct stream *s, struct err *err)
{
	size_t got = 0;

	if (s->packed.len > 0 || s->is_disk_ended || unpack_has_more(s->unpacker)) {
		return 0;
	}
	int ret = read_disk(s, s->packed_buffer, BUFFER_BYTES, &got, err);

	s->packed = span_of(s->packed_buffer, got);
	return ret;
}

/* Unpacks until something comes out or the file ends. */
static int fill_packed(struct stream *s, struct err *err)
{
	size_t before = s->len;

	while (s->len == before && !s->is_ended) {
		int ret = fill_packed_buffer(s, err);

		if (ret < 0) {
			return ret;
		}
		struct unpack_io io = {
			.in = s->packed,
			.out = s->window + s->len,
			.room = s->window_size - s->len,
			.is_last = s->is_disk_ended,
		};
		ret = unpack_step(s->unpacker, &io, err);
		s->packed = io.in;
		s->len = s->window_size - io.room;
		if (ret == 0 && s->len == before && io.is_last && io.in.len == 0) {
			s->is_ended = true;
			ret = unpack_finish(s->unpacker, err);
		}
		if (ret < 0) {
			s->fault = ret;
			s->fault_reason = *err;
			/* What was unpacked before the fault is handed out first. */
			return s->len > before ? 0 : ret;
		}
	}
	return 0;
}

static int fill(struct stream *s, struct err *err)
{
	if (s->fault < 0) {
		*err = s->fault_reason;
		return s->fault;
	}
	return s->unpacker != NULL ? fill_packed(s, err) : fill_plain(s, err);
}

/* Moves the unread bytes to the front of the window and lets it hold n. */
static int make_room(struct stream *s, size_t n, struct err *err)
{
	memmove(s->window, s->window + s->pos, s->len - s->pos);
	s->window_offset += s->pos;
	s->len -= s->pos;
	s->pos = 0;

	size_t size = s->window_size;

	while (size < n) {
		size *= 2;
	}
	if (size > s->window_size) {
		uint8_t *window = realloc(s->window, size);

		if (window == NULL) {
			return err_set(err, -ENOMEM, "out of memory");
		}
		s->window = window;
		s->window_size = size;
	}
	return 0;
}

static int need(struct stream *s, size_t n, struct err *err)
{
	if (s->len - s->pos >= n) {
		return 0;
	}
	int ret = make_room(s, n, err);

	while (ret == 0 && s->len < n) {
		ret = s->is_ended ? -ENODATA : fill(s, err);
	}
	return ret;
}

static int open_window(struct stream *s, struct err *err)
{
	s->window = malloc(BUFFER_BYTES);
	if (s->window == NULL) {
		return err_set(err, -ENOMEM, "out of memory");
	}
	s->window_size = BUFFER_BYTES;
	return 0;
}

/* Looks at the first bytes; if they are packed, they become the input of an unpacker. */
static int begin(struct stream *s, struct err *err)
{
	int ret = need(s, UNPACK_MAGIC_BYTES, err);

	if (ret < 0 && ret != -ENODATA) {
		return ret;
	}
	s->has_begun = true;
	const struct unpack_format *format = unpack_format_of(stream_peek(s, UNPACK_MAGIC_BYTES));

	if (format == NULL) {
		return 0;
	}
	s->packed_buffer = s->window;
	s->packed = span_of(s->packed_buffer, s->len);
	s->window = NULL;
	s->len = 0;
	s->is_ended = false;
	ret = open_window(s, err);
	return ret < 0 ? ret : unpack_new(format, &s->unpacker, err);
}

int stream_need(struct stream *stream, size_t n, struct err *err)
{
	int ret = stream->has_begun ? 0 : begin(stream, err);

	return ret == 0 ? need(stream, n, err) : ret;
}

uint64_t stream_offset(const struct stream *stream)
{
	return stream->window_offset + stream->pos;
}

uint64_t stream_disk_offset(const struct stream *stream)
{
	if (stream->unpacker == NULL) {
		return stream_offset(stream);
	}
	return stream->disk_read - stream->packed.len;
}

uint64_t stream_disk_size(const struct stream *stream)
{
	return stream->disk_size;
}

int stream_fd(const struct stream *stream)
{
	return stream->is_pipe ? stream->fd : -1;
}

static int learn_kind(struct stream *s, struct err *err)
{
	struct stat st;

	if (fstat(s->fd, &st) < 0) {
		int ret = -errno;
		return err_set(err, ret, "cannot open: %s", strerror(-ret));
	}
	s->is_pipe = S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || S_ISCHR(st.st_mode);
	s->disk_size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	/* Only advice: a pipe refuses it, and nothing is lost. */
	(void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return 0;
}

int stream_open_fd(int fd, struct stream **out_stream, struct err *err)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		close(fd);
		return err_set(err, -ENOMEM, "out of memory");
	}
	s->fd = fd;
	int ret = learn_kind(s, err);

	if (ret == 0) {
		ret = open_window(s, err);
	}
	if (ret < 0) {
		stream_close(s);
		return ret;
	}
	*out_stream = s;
	return 0;
}

int stream_open(const char *path, struct stream **out_stream, struct err *err)
{
	/* Else the opening of a named pipe waits for somebody who writes to it. */
	int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
	                                : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		int ret = -errno;
		return err_set(err, ret, "cannot open: %s", strerror(-ret));
	}
	return stream_open_fd(fd, out_stream, err);
}

void stream_close(struct stream *stream)
{
	if (stream == NULL) {
		return;
	}
	if (stream->fd >= 0) {
		close(stream->fd);
	}
	unpack_free(stream->unpacker);
	free(stream->packed_buffer);
	free(stream->window);
	free(stream);
}
