/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/clock.h>
#include <passer/base/log.h>
#include <passer/output/sink.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MIN_NS (10 * NS_PER_MS)
#define WAIT_MAX_NS NS_PER_S

uint64_t sink_count_lines(const char *bytes, size_t len)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < len; i++) {
		lines += bytes[i] == '\n';
	}
	return lines;
}

/* How much of some bytes is whole lines. */
static size_t whole_lines(const char *bytes, size_t len)
{
	const char *last = bytes != NULL && len > 0 ? memrchr(bytes, '\n', len) : NULL;

	return last != NULL ? (size_t)(last - bytes) + 1 : 0;
}

/* ---- Files ---- */

/* Without waiting: somebody who stands still with the lock must not stop all others. */
static bool try_lock(int fd, short kind)
{
	struct flock lock = {.l_type = kind, .l_whence = SEEK_SET};

	return fcntl(fd, F_SETLK, &lock) == 0;
}

/* Where the next write goes: standard output may be a file that is not appended to. */
static off_t next_place(int fd, const struct stat *st)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_APPEND) != 0 ? st->st_size : lseek(fd, 0, SEEK_CUR);
}

/* False when what lies before the place is half a line; true when it cannot be known. */
static bool begins_line(int fd, off_t place)
{
	char before = '\n';

	return place == 0 || pread(fd, &before, 1, place - 1) != 1 || before == '\n';
}

/* All of it, or as much as there is room for. */
static int write_bytes(int fd, const char *bytes, size_t len, size_t *out_written)
{
	size_t written = 0;
	int ret = 0;

	while (written < len && ret == 0) {
		ssize_t n = write(fd, bytes + written, len - written);

		if (n > 0) {
			written += (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			ret = n == 0 ? -ENOSPC : -errno;
		}
	}
	*out_written = written;
	return ret;
}

/* Takes back what is behind `end`: half a line. The next write goes there. */
static void cut_off(int fd, off_t end)
{
	if (ftruncate(fd, end) == 0) {
		(void)lseek(fd, end, SEEK_SET);
	}
}

static int write_locked(struct sink *k, int fd, const char *bytes, uint32_t len, uint32_t *at)
{
	struct stat st;
	size_t written;
	int ret;

	if (fstat(fd, &st) != 0) {
		return -errno;
	}
	if (st.st_nlink == 0 && k->is_named) {
		return -ENOENT; /* what is written now would go with the file */
	}
	k->is_named = st.st_nlink > 0;
	off_t place = next_place(fd, &st);

	if (!begins_line(fd, place)) {
		ret = write_bytes(fd, "\n", 1, &written);
		if (ret < 0) {
			return ret;
		}
		place++;
	}
	k->place = (uint64_t)place;
	__atomic_store_n(&k->is_writing, true, __ATOMIC_RELEASE);
	ret = write_bytes(fd, bytes + *at, len - *at, &written);
	size_t whole = whole_lines(bytes + *at, written);

	if (written > whole) {
		cut_off(fd, place + (off_t)whole);
	}
	__atomic_store_n(at, *at + (uint32_t)whole, __ATOMIC_RELEASE);
	__atomic_store_n(&k->is_writing, false, __ATOMIC_RELEASE);
	return ret;
}

static int write_to_file(struct sink *k, int fd, const char *bytes, uint32_t len, uint32_t *at)
{
	if (!try_lock(fd, F_WRLCK) && (errno == EAGAIN || errno == EACCES)) {
		return -EAGAIN; /* not for file systems without locks: they have to do without */
	}
	int ret = write_locked(k, fd, bytes, len, at);

	(void)try_lock(fd, F_UNLCK);
	return ret;
}

/* ---- Pipes, terminals, sockets ---- */

/* The longest run of whole lines that a pipe takes in one piece. */
static size_t chunk_of(const char *bytes, size_t len)
{
	if (len <= PIPE_BUF) {
		return len;
	}
	size_t whole = whole_lines(bytes, PIPE_BUF);

	return whole > 0 ? whole : PIPE_BUF;
}

static bool has_room(int fd, bool is_patient)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int n;

	do {
		n = poll(&p, 1, is_patient ? -1 : 0);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

static int write_to_stream(struct sink_target t, const char *bytes, uint32_t len, uint32_t *at)
{
	while (*at < len) {
		if (!has_room(t.fd, t.is_patient)) {
			return -EAGAIN;
		}
		ssize_t n = write(t.fd, bytes + *at, chunk_of(bytes + *at, len - *at));

		if (n >= 0) {
			__atomic_store_n(at, *at + (uint32_t)n, __ATOMIC_RELEASE);
		} else if (errno != EINTR && !(errno == EAGAIN && t.is_patient)) {
			return -errno;
		}
	}
	return 0;
}

/* ---- Either ---- */

/* Of a stream; a file is looked at instead. */
static int end_torn_line(struct sink *k, struct sink_target t)
{
	uint32_t at = 0;
	int ret = k->is_torn ? write_to_stream(t, "\n", 1, &at) : 0;

	k->is_torn = k->is_torn && ret < 0;
	return ret;
}

/* Writes bytes[*at … len) and moves *at on by what was written. */
static int write_out(struct sink *k, struct sink_target t, const char *bytes, uint32_t len,
                     uint32_t *at)
{
	struct stat st;

	if (*at >= len) {
		return 0;
	}
	if (fstat(t.fd, &st) != 0) {
		return -errno;
	}
	if (S_ISREG(st.st_mode)) {
		return write_to_file(k, t.fd, bytes, len, at);
	}
	int ret = end_torn_line(k, t);

	return ret < 0 ? ret : write_to_stream(t, bytes, len, at);
}

/* ---- Keeping and losing ---- */

static void lose(struct sink *k, struct sink_target t, const char *bytes, uint32_t len,
                 struct sink_losses *losses)
{
	uint64_t lines = sink_count_lines(bytes, len);

	k->gap.until_s = time(NULL);
	if (k->gap.lines == 0) {
		k->gap.from_s = k->gap.until_s;
		log_warn("output: %s takes no lines, and the memory for them is full: lines are "
		         "lost",
		         t.name);
	}
	k->gap.lines += lines;
	losses->lines += lines;
}

/* The oldest lines stay: who fills the memory cannot push out what came before. */
static void keep(struct sink *k, struct sink_target t, const char *lines, uint32_t len,
                 struct sink_losses *losses)
{
	uint32_t left = len - k->done, room = SINK_SPILL_BYTES - k->used;
	const char *from = lines + k->done;
	uint32_t n = left <= room ? left : (uint32_t)whole_lines(from, room);

	if (k->gap.lines > 0) {
		n = 0; /* until the output works again: one gap, not many */
	}
	memcpy(k->spill + k->used, from, n);
	__atomic_store_n(&k->used, k->used + n, __ATOMIC_RELEASE);
	__atomic_store_n(&k->done, k->done + n, __ATOMIC_RELEASE);
	if (k->done < len) {
		k->is_torn |= k->used == k->taken && k->done > 0 && from[(int)n - 1] != '\n';
		lose(k, t, from + n, len - k->done, losses);
		k->done = len;
	}
}

static void note_failure(struct sink *k, struct sink_target t, int code, bool has_moved)
{
	bool is_first = k->retry_ns == 0 || has_moved;

	k->code = code;
	k->wait_ns = is_first ? WAIT_MIN_NS : 2 * k->wait_ns;
	k->wait_ns = k->wait_ns < WAIT_MAX_NS ? k->wait_ns : WAIT_MAX_NS;
	k->retry_ns = clock_monotonic_ns() + k->wait_ns;
	if (code != -EAGAIN && !k->is_told) {
		k->is_told = true;
		log_error("output: %s cannot be written: %s; its lines are kept in memory", t.name,
		          strerror(-code));
	}
}

static void note_success(struct sink *k, struct sink_target t)
{
	char from[CLOCK_UTC_SIZE], until[CLOCK_UTC_SIZE];

	if (k->gap.lines > 0) {
		clock_format_utc(k->gap.from_s, 'T', from);
		clock_format_utc(k->gap.until_s, 'T', until);
		log_warn("output: %s is written again; lost %" PRIu64 " lines between %sZ and %sZ",
		         t.name, k->gap.lines, from, until);
	} else if (k->is_told) {
		log_info("output: %s is written again; no line is lost", t.name);
	}
	k->gap = (struct sink_gap){.lines = 0};
	k->is_told = false;
	k->retry_ns = k->wait_ns = 0;
	k->code = 0;
}

/* `used` first: a process that dies in between leaves more taken than used, which is nothing. */
static void empty_spill(struct sink *k)
{
	__atomic_store_n(&k->used, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&k->taken, 0, __ATOMIC_RELEASE);
}

static int try_all(struct sink *k, struct sink_target t, const char *lines, uint32_t len)
{
	int ret = write_out(k, t, k->spill, k->used, &k->taken);

	if (ret == 0 && k->used > 0) {
		empty_spill(k);
	}
	return ret < 0 ? ret : write_out(k, t, lines, len, &k->done);
}

int sink_push(struct sink *sink, struct sink_target target, const char *lines, uint32_t len,
              struct sink_losses *losses)
{
	uint32_t taken = sink->taken, done = sink->done;
	int ret = sink->code;

	if (sink->retry_ns == 0 || clock_monotonic_ns() >= sink->retry_ns) {
		ret = try_all(sink, target, lines, len);
		if (ret == 0) {
			if (sink->retry_ns != 0) {
				note_success(sink, target);
			}
			return 0;
		}
		losses->writes += ret != -EAGAIN;
		if (ret == -EPIPE) {
			losses->lines += sink_drop(sink) +
			                 sink_count_lines(lines + sink->done, len - sink->done);
			sink->done = len;
			return ret;
		}
		note_failure(sink, target, ret, taken != sink->taken || done != sink->done);
	}
	keep(sink, target, lines, len, losses);
	return ret;
}

/* ---- Behind a death ---- */

/* How many of the bytes are in the file from a place on. */
static uint32_t common_bytes(int fd, off_t place, const char *bytes, uint32_t len)
{
	char part[4096];
	uint32_t same = 0;

	for (;;) {
		ssize_t n = pread(fd, part, sizeof(part), place + same);

		for (ssize_t i = 0; i < n; i++, same++) {
			if (same == len || part[i] != bytes[same]) {
				return same;
			}
		}
		if (n < (ssize_t)sizeof(part)) {
			return same;
		}
	}
}

/* Standard output may be a file that cannot be read: then its size must do. */
static uint32_t find_written(int fd, off_t place, const char *bytes, uint32_t len)
{
	struct stat st;
	char byte;

	if (fstat(fd, &st) != 0 || st.st_size <= place) {
		return 0;
	}
	if (pread(fd, &byte, 1, place) != 1) {
		return st.st_size - place == (off_t)len ? len : 0;
	}
	uint32_t same = common_bytes(fd, place, bytes, len);
	uint32_t whole = (uint32_t)whole_lines(bytes, same);

	if (same > whole && st.st_size == place + (off_t)same) {
		cut_off(fd, place + (off_t)whole);
	}
	return whole;
}

void sink_mend(struct sink *sink, int fd, const char *lines, uint32_t len)
{
	if (sink->taken > sink->used) {
		sink->taken = 0;
	}
	if (sink->done > len) {
		sink->done = 0;
	}
	if (!sink->is_writing) {
		return;
	}
	bool is_kept = sink->taken < sink->used;
	const char *bytes = is_kept ? sink->spill : lines;
	uint32_t *at = is_kept ? &sink->taken : &sink->done;

	*at += find_written(fd, (off_t)sink->place, bytes + *at,
	                    (is_kept ? sink->used : len) - *at);
	sink->is_writing = false;
}

/* ---- The rest ---- */

void sink_renew(struct sink *sink)
{
	sink->is_named = false;
	if (sink->retry_ns != 0) {
		sink->retry_ns = 1; /* long ago */
	}
}

uint64_t sink_drop(struct sink *sink)
{
	uint64_t lines = sink_count_lines(sink->spill + sink->taken, sink_waiting_bytes(sink));

	empty_spill(sink);
	return lines;
}

size_t sink_waiting_bytes(const struct sink *sink)
{
	return sink->used > sink->taken ? sink->used - sink->taken : 0;
}

bool sink_is_full(const struct sink *sink)
{
	return sink->gap.lines > 0;
}
