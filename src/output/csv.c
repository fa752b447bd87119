/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/clock.h>
#include <passer/base/opening.h>
#include <passer/output/csv.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(CSV_LINE_SIZE <= PIPE_BUF, "a line must go into a pipe in one piece");
_Static_assert(RECORD_STATE_SIZE + RECORD_DESC_SIZE + ADDR_TEXT_SIZE + 256 < CSV_LINE_SIZE,
               "no column can make a line too long");

/* Read, too, to see what arrived (sink_mend()); a FIFO would wait for no reader then. */
static int open_log(const char *path)
{
	struct stat st;
	bool is_other = stat(path, &st) == 0 && !S_ISREG(st.st_mode);
	int fd = is_other ? -1 : open_or_make(path, O_RDWR | O_APPEND, 0644);

	return is_other || (fd < 0 && errno == EACCES)
	               ? open_or_make(path, O_WRONLY | O_APPEND, 0644)
	               : fd;
}

int csv_open_log(const char *path, struct err *err)
{
	int fd = open_log(path);

	return fd >= 0 ? fd
	               : err_set(err, -errno, "%s: cannot append to it: %s", path, strerror(errno));
}

void csv_set_log(struct csv *csv, int log_fd)
{
	csv->log_fd = log_fd;
	sink_renew(&csv->buffer->log);
}

int csv_open_stdout(void)
{
	struct stat st;
	bool may_block = fstat(STDOUT_FILENO, &st) == 0 &&
	                 (S_ISFIFO(st.st_mode) || isatty(STDOUT_FILENO) == 1);
	int fd = may_block ? open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
	                   : -1;

	return fd >= 0 ? fd : STDOUT_FILENO;
}

int csv_open_stdout_back(void)
{
	struct stat st;
	bool is_file = fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode);

	return is_file ? open("/proc/self/fd/1", O_RDONLY | O_CLOEXEC) : -1;
}

/* ",1500000000.0,2017-07-14 02:40:00": the capture time cut to seconds, in UTC. */
static void add_timestamp(struct text *line, uint64_t time_ns)
{
	uint64_t seconds = time_ns / NS_PER_S;
	char when[CLOCK_UTC_SIZE];

	text_add(line, ",");
	text_add_uint(line, seconds);
	text_add(line, ".0,");
	clock_format_utc((int64_t)seconds, ' ', when);
	text_add(line, when);
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

/* Loaded once, and nothing when it cannot be: a worker that was taken over writes what it wants. */
static uint32_t used_of(const struct csv_buffer *b)
{
	uint32_t used = __atomic_load_n(&b->used, __ATOMIC_ACQUIRE);

	return used <= sizeof(b->bytes) ? used : 0;
}

void csv_write(struct csv *csv, const struct record *rec)
{
	struct csv_buffer *b = csv->buffer;
	uint32_t used = used_of(b);

	if (sizeof(b->bytes) - used < CSV_LINE_SIZE) {
		(void)csv_flush(csv);
		used = 0;
	}
	/* Counted in only when it is whole: a worker that dies here leaves no torn line. */
	size_t len = csv_format(rec, csv->has_timestamp, b->bytes + used);

	__atomic_store_n(&b->used, used + (uint32_t)len, __ATOMIC_RELEASE);
	csv->counters->lines++;
}

static int flush_to(struct csv *csv, struct sink *sink, struct sink_target target, uint32_t used)
{
	struct sink_losses losses = {.lines = 0};

	if (target.fd < 0 || (used == 0 && sink_waiting_bytes(sink) == 0)) {
		return 0;
	}
	target.is_patient = csv->is_patient;
	int ret = sink_push(sink, target, csv->buffer->bytes, used, &losses);

	csv->counters->lost_writes += losses.writes;
	csv->counters->lost_lines += losses.lines;
	return ret;
}

static struct sink_target log_of(const struct csv *csv)
{
	return (struct sink_target){
		.fd = csv->log_fd,
		.back_fd = csv->log_fd,
		.file = csv->files != NULL ? &csv->files->log : NULL,
		.name = "the log file",
	};
}

static struct sink_target standard_of(const struct csv *csv)
{
	return (struct sink_target){
		.fd = csv->stdout_fd,
		.back_fd = csv->stdout_back_fd,
		.file = csv->files != NULL ? &csv->files->standard : NULL,
		.name = "standard output",
	};
}

int csv_flush(struct csv *csv)
{
	struct csv_buffer *b = csv->buffer;
	uint32_t used = used_of(b);
	int log_ret = flush_to(csv, &b->log, log_of(csv), used);
	int out_ret = flush_to(csv, &b->standard, standard_of(csv), used);

	if (out_ret == -EPIPE) {
		csv->stdout_fd = -1;
		csv->has_no_reader = true;
	}
	__atomic_store_n(&b->used, 0, __ATOMIC_RELEASE);
	b->log.done = b->standard.done = 0;
	if (csv->has_no_reader) {
		return -EPIPE;
	}
	return out_ret != 0 ? out_ret : log_ret;
}

void csv_mend(struct csv *csv)
{
	struct csv_buffer *b = csv->buffer;

	sink_mend(&b->log, log_of(csv), b->bytes, used_of(b));
	sink_mend(&b->standard, standard_of(csv), b->bytes, used_of(b));
}

size_t csv_waiting_bytes(const struct csv *csv)
{
	const struct csv_buffer *b = csv->buffer;

	return (csv->log_fd >= 0 ? sink_waiting_bytes(&b->log) : 0) +
	       (csv->stdout_fd >= 0 ? sink_waiting_bytes(&b->standard) : 0);
}

bool csv_is_waiting(const struct csv *csv)
{
	return csv_waiting_bytes(csv) > 0;
}

bool csv_is_full(const struct csv *csv)
{
	bool has_output = csv->log_fd >= 0 || csv->stdout_fd >= 0;

	return has_output && (csv->log_fd < 0 || sink_is_full(&csv->buffer->log)) &&
	       (csv->stdout_fd < 0 || sink_is_full(&csv->buffer->standard));
}

uint64_t csv_drop(struct csv *csv)
{
	struct csv_buffer *b = csv->buffer;
	uint64_t lines = sink_count_lines(b->bytes, used_of(b));

	lines += sink_drop(&b->log) + sink_drop(&b->standard);
	csv->counters->lost_lines += lines;
	b->used = b->log.done = b->standard.done = 0;
	return lines;
}
