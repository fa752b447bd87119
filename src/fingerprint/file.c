/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/fingerprint/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES_MIN 4096

struct buffer {
	uint8_t *bytes;
	size_t len, cap;
};

/* What read(2) gives, but for signals; a negative errno when it fails. */
static ssize_t read_some(int fd, uint8_t *bytes, size_t room)
{
	ssize_t n;

	do {
		n = read(fd, bytes, room);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Room for at least one more byte and the NUL. */
static int grow(struct buffer *b)
{
	if (b->cap - b->len > 1) {
		return 0;
	}
	if (b->len >= FILE_BYTES_MAX) {
		return -EFBIG;
	}
	uint8_t *bigger = realloc(b->bytes, b->cap * 2);

	if (bigger == NULL) {
		return -ENOMEM;
	}
	b->bytes = bigger;
	b->cap *= 2;
	return 0;
}

/* The size that fstat tells is a hint only: a file may grow, and a pipe has none. */
static int read_all(int fd, struct buffer *b)
{
	struct stat st;
	size_t hint = fstat(fd, &st) == 0 && st.st_size > 0 ? (size_t)st.st_size : 0;

	if (hint > FILE_BYTES_MAX) {
		return -EFBIG;
	}
	b->cap = hint + READ_BYTES_MIN;
	b->bytes = malloc(b->cap);
	if (b->bytes == NULL) {
		return -ENOMEM;
	}
	for (;;) {
		int ret = grow(b);

		if (ret < 0) {
			return ret;
		}
		ssize_t n = read_some(fd, b->bytes + b->len, b->cap - b->len - 1);

		if (n < 0) {
			return (int)n;
		}
		b->len += (size_t)n;
		if (n == 0) {
			b->bytes[b->len] = '\0';
			return 0;
		}
	}
}

int file_read(const char *path, uint8_t **out_bytes, size_t *out_len, struct err *err)
{
	struct buffer b = {.bytes = NULL};
	int ret = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		ret = -errno;
		return err_set(err, ret, "%s: %s", path, strerror(-ret));
	}
	ret = read_all(fd, &b);
	close(fd);
	if (ret < 0) {
		free(b.bytes);
		return err_set(err, ret, "%s: %s", path, strerror(-ret));
	}
	*out_bytes = b.bytes;
	*out_len = b.len;
	return 0;
}

static int each_lines(int fd, file_lines_fn *take, void *user)
{
	uint8_t bytes[FILE_LINE_MAX];
	size_t len = 0;
	int ret = 0;

	while (ret == 0) {
		ssize_t n = read_some(fd, bytes + len, sizeof(bytes) - len);

		if (n <= 0) { /* behind the last line end there may be a line without one */
			return n < 0 ? (int)n : take(user, span_of(bytes, len));
		}
		len += (size_t)n;

		const uint8_t *lf = memrchr(bytes, '\n', len);
		size_t whole = lf != NULL ? (size_t)(lf - bytes) + 1 : 0;

		if (whole == 0 && len == sizeof(bytes)) {
			return -EFBIG;
		}
		ret = take(user, span_of(bytes, whole));
		len -= whole;
		memmove(bytes, bytes + whole, len);
	}
	return ret;
}

int file_each_lines(const char *path, file_lines_fn *take, void *user, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret = fd < 0 ? -errno : each_lines(fd, take, user);

	if (fd >= 0) {
		close(fd);
	}
	return ret < 0 ? err_set(err, ret, "%s: %s", path, strerror(-ret)) : 0;
}
