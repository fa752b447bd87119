/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/log.h>
#include <passer/output/csv.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

_Static_assert(CSV_LINE_SIZE <= PIPE_BUF, "a line must go into a pipe in one piece");
_Static_assert(RECORD_STATE_SIZE + RECORD_DESC_SIZE + ADDR_TEXT_SIZE + 256 < CSV_LINE_SIZE,
               "no column can make a line too long");

int csv_open_log(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

	return fd >= 0 ? fd
	               : err_set(err, -errno, "%s: cannot append to it: %s", path, strerror(errno));
}

void csv_set_log(struct csv *csv, int log_fd)
{
	csv->log_fd = log_fd;
	csv->is_log_torn = false;
}

/* ",1500000000.0,2017-07-14 02:40:00": the capture time cut to seconds, in UTC. */
static void add_timestamp(struct text *line, uint64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / 1000000000u);
	struct tm tm;
	char when[64];

	text_add(line, ",");
	text_add_uint(line, (uint64_t)seconds);
	text_add(line, ".0,");
	if (gmtime_r(&seconds, &tm) != NULL &&
	    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm) != 0) {
		text_add(line, when);
	}
}

size_t csv_format(const struct record *rec, bool has_timestamp, char out_line[static CSV_LINE_SIZE])
{
	struct text line;
	char addr[ADDR_TEXT_SIZE];

	text_init(&line, out_line, CSV_LINE_SIZE);
	addr_format(&rec->addr, addr);
	text_add(&line, record_type_name(rec->type));
	text_add(&line, ",");
	text_add(&line, addr);
	text_add(&line, ",");
	text_add(&line, rec->proto);
	if (rec->proto_number != PROTO_PLAIN) {
		text_add_uint(&line, (uint64_t)rec->proto_number);
	}
	text_add(&line, ",");
	text_add(&line, rec->state.buf);
	text_add(&line, ",");
	text_add(&line, rec->desc.buf);
	if (rec->warnings.words[0] != WARN_NONE) {
		text_add(&line, rec->desc.len > 0 ? " Warnings:" : "Warnings:");
		warnings_format(&rec->warnings, &line);
	}
	if (has_timestamp) {
		add_timestamp(&line, rec->time_ns);
	}
	out_line[line.len] = '\n'; /* in place of the NUL, so a line that was cut ends, too */
	return line.len + 1;
}

void csv_write(struct csv *csv, const struct record *rec)
{
	struct csv_buffer *b = csv->buffer;

	if (sizeof(b->bytes) - b->used < CSV_LINE_SIZE) {
		(void)csv_flush(csv);
	}
	/* Counted in only when it is whole: a worker that dies here leaves no torn line. */
	size_t len = csv_format(rec, csv->has_timestamp, b->bytes + b->used);

	__atomic_store_n(&b->used, b->used + (uint32_t)len, __ATOMIC_RELEASE);
	csv->counters->lines++;
}

/* The longest run of whole lines that a pipe takes in one piece. */
static size_t chunk_of(const char *bytes, size_t len)
{
	if (len <= PIPE_BUF) {
		return len;
	}
	const char *last = memrchr(bytes, '\n', PIPE_BUF);

	return last != NULL ? (size_t)(last - bytes) + 1 : PIPE_BUF;
}

/* Somebody else who has the same pipe or terminal may have made it non-blocking. */
static void wait_for_room(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	(void)poll(&p, 1, -1);
}

/* Clears or sets *is_torn with each piece: does what was written so far end within a line? */
static int write_all(int fd, const char *bytes, size_t len, bool *is_torn)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, chunk_of(bytes, len));

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0 && errno == EAGAIN) {
			wait_for_room(fd);
			continue;
		}
		if (n < 0) {
			return -errno;
		}
		bytes += n;
		len -= (size_t)n;
		*is_torn = n > 0 ? bytes[-1] != '\n' : *is_torn;
	}
	return 0;
}

static uint64_t count_lines(const struct csv_buffer *buffer)
{
	uint64_t lines = 0;

	for (uint32_t i = 0; i < buffer->used; i++) {
		lines += buffer->bytes[i] == '\n';
	}
	return lines;
}

/* A line that a full disk broke off is ended first, so that it takes no whole one with it. */
static int flush_to(struct csv *csv, int fd, const char *what, bool *is_torn)
{
	int ret = 0;

	if (fd < 0 || csv->buffer->used == 0) {
		return 0;
	}
	if (*is_torn) {
		ret = write_all(fd, "\n", 1, is_torn);
	}
	if (ret == 0) {
		ret = write_all(fd, csv->buffer->bytes, csv->buffer->used, is_torn);
	}
	if (ret < 0) {
		csv->counters->lost_lines += count_lines(csv->buffer);
		if (csv->counters->lost_writes++ == 0) {
			log_error("output: cannot write records to %s: %s", what, strerror(-ret));
		}
	}
	return ret;
}

int csv_flush(struct csv *csv)
{
	int log_ret = flush_to(csv, csv->log_fd, "the log file", &csv->is_log_torn);
	int out_ret = flush_to(csv, csv->stdout_fd, "standard output", &csv->is_stdout_torn);

	if (out_ret == -EPIPE) {
		csv->stdout_fd = -1;
		csv->has_no_reader = true;
	}
	csv->buffer->used = 0;
	if (csv->has_no_reader) {
		return -EPIPE;
	}
	return out_ret != 0 ? out_ret : log_ret;
}

void csv_drop(struct csv *csv)
{
	csv->counters->lost_lines += count_lines(csv->buffer);
	csv->buffer->used = 0;
}
