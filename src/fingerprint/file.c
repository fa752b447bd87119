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
		ssize_t n = read(fd, b->bytes + b->len, b->cap - b->len - 1);

		if (n == 0) {
			b->bytes[b->len] = '\0';
			return 0;
		}
		if (n > 0) {
			b->len += (size_t)n;
		} else if (errno != EINTR) {
			return -errno;
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
