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
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MIN_NS (10 * NS_PER_MS)
#define WAIT_MAX_NS NS_PER_S

#define ERRNO_MAX 4095 /* of the kernel: include/linux/err.h */

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

/* ---- Shared memory ---- */

/*
 * A worker that was taken over writes what it wants to a sink, at any time. What says how far to
 * read or write is loaded once, and counts as nothing when it cannot be.
 */
static uint32_t load_within(const uint32_t *value, uint32_t limit)
{
	uint32_t loaded = __atomic_load_n(value, __ATOMIC_ACQUIRE);

	return loaded <= limit ? loaded : 0;
}

/* Bytes to be written: from … len. */
struct piece {
	const char *bytes;
	uint32_t from, len;
	uint32_t *at; /* shared: how far it came, for a successor */
};

static struct piece kept_piece(struct sink *k)
{
	struct piece p = {.bytes = k->spill, .at = &k->taken};

	p.len = load_within(&k->used, SINK_SPILL_BYTES);
	p.from = load_within(&k->taken, p.len);
	return p;
}

static struct piece piece_at_hand(struct sink *k, const char *lines, uint32_t len)
{
	return (struct piece){lines, load_within(&k->done, len), len, &k->done};
}

static uint32_t left_of(const struct piece *p)
{
	return p->len - p->from;
}

static void move_on(struct piece *p, size_t bytes)
{
	p->from += (uint32_t)bytes;
	__atomic_store_n(p->at, p->from, __ATOMIC_RELEASE);
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

	if (flags >= 0 && (flags & O_APPEND) != 0) {
		return st->st_size;
	}
	off_t place = lseek(fd, 0, SEEK_CUR);

	/* Somebody has made the file shorter: a write would leave a hole. */
	return place > st->st_size ? lseek(fd, st->st_size, SEEK_SET) : place;
}

/* False when what lies before the place is half a line; true when it cannot be known. */
static bool begins_line(int back_fd, off_t place)
{
	char before = '\n';

	return place == 0 || pread(back_fd, &before, 1, place - 1) != 1 || before == '\n';
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

/*
 * Takes back half a line, from `end` to `place`, where the file must end. The next write goes to
 * `end`.
 */
static bool cut_off(int fd, off_t end, off_t place)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size == place && ftruncate(fd, end) == 0 &&
	       lseek(fd, end, SEEK_SET) == end;
}

/* Where the last whole line from `from` on ends; `to` when that cannot be found. */
static off_t end_of_lines(int back_fd, off_t from, off_t to)
{
	char part[PIPE_BUF]; /* no line is longer */
	size_t len = to - from < (off_t)sizeof(part) ? (size_t)(to - from) : sizeof(part);
	off_t at = to - (off_t)len;

	if (pread(back_fd, part, len, at) != (ssize_t)len) {
		return to;
	}
	size_t whole = whole_lines(part, len);

	return whole > 0 || at == from ? at + (off_t)whole : to;
}

/*
 * Who had the lock last died in its write: half a line of it is taken back, which will come again
 * as a whole (sink_mend()). What was there before its write stays. Returns the place of the next
 * write.
 */
static off_t take_back(struct sink_target t, ino_t inode, off_t place)
{
	bool is_same = t.file != NULL &&
	               __atomic_load_n(&t.file->inode, __ATOMIC_RELAXED) == (uint64_t)inode;
	uint64_t begun = is_same ? __atomic_load_n(&t.file->begun, __ATOMIC_ACQUIRE) : 0;
	off_t end = begun != 0 && begun <= (uint64_t)place
	                    ? end_of_lines(t.back_fd, (off_t)begun - 1, place)
	                    : place;

	return end < place && cut_off(t.fd, end, place) ? end : place;
}

static void note_begun(struct sink_target t, ino_t inode, off_t place)
{
	if (t.file != NULL) {
		__atomic_store_n(&t.file->inode, (uint64_t)inode, __ATOMIC_RELAXED);
		__atomic_store_n(&t.file->begun, (uint64_t)place + 1, __ATOMIC_RELEASE);
	}
}

static void note_ended(struct sink_target t)
{
	if (t.file != NULL) {
		__atomic_store_n(&t.file->begun, 0, __ATOMIC_RELEASE);
	}
}

static int write_locked(struct sink *k, struct sink_target t, struct piece p)
{
	const int fd = t.fd;
	const char *bytes = p.bytes + p.from;
	struct stat st;
	size_t written;
	int ret;

	if (fstat(fd, &st) != 0) {
		return -errno;
	}
	if (st.st_nlink == 0 && k->is_named != 0) {
		return -ENOENT; /* what is written now would go with the file */
	}
	k->is_named = st.st_nlink > 0;
	off_t place = take_back(t, st.st_ino, next_place(fd, &st));

	if (!begins_line(t.back_fd, place)) {
		ret = write_bytes(fd, "\n", 1, &written);
		if (ret < 0) {
			return ret;
		}
		place++;
	}
	k->place = (uint64_t)place;
	note_begun(t, st.st_ino, place);
	__atomic_store_n(&k->is_writing, 1, __ATOMIC_RELEASE);
	ret = write_bytes(fd, bytes, left_of(&p), &written);
	size_t whole = whole_lines(bytes, written);

	if (written > whole) {
		(void)cut_off(fd, place + (off_t)whole, place + (off_t)written);
	}
	note_ended(t);
	move_on(&p, whole);
	__atomic_store_n(&k->is_writing, 0, __ATOMIC_RELEASE);
	return ret;
}

static int write_to_file(struct sink *k, struct sink_target t, struct piece p)
{
	if (!try_lock(t.fd, F_WRLCK)) {
		if (errno == EAGAIN || errno == EACCES) {
			return -EAGAIN;
		}
		t.file = NULL; /* a file system without locks has to do without */
	}
	int ret = write_locked(k, t, p);

	(void)try_lock(t.fd, F_UNLCK);
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

/* A stream socket that has some room waits for the rest, unless it is told not to: send(2). */
static ssize_t write_some(const struct sink_target *t, const char *bytes, size_t len)
{
	return t->is_socket ? send(t->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL)
	                    : write(t->fd, bytes, len);
}

/* A socket whose other end went away with something unread says so in another way than a pipe. */
static int stream_error(int code)
{
	return code == ECONNRESET || code == ENOTCONN ? -EPIPE : -code;
}

static int write_to_stream(struct sink_target t, struct piece p)
{
	while (left_of(&p) > 0) {
		const char *bytes = p.bytes + p.from;

		if (!has_room(t.fd, t.is_patient)) {
			return -EAGAIN;
		}
		ssize_t n = write_some(&t, bytes, chunk_of(bytes, left_of(&p)));

		if (n >= 0) {
			move_on(&p, (size_t)n);
		} else if (errno != EINTR && !(errno == EAGAIN && t.is_patient)) {
			return stream_error(errno);
		}
	}
	return 0;
}

/* ---- Either ---- */

/* Of a stream; a file is looked at instead. */
static int end_torn_line(struct sink *k, struct sink_target t)
{
	uint32_t at = 0;
	struct piece end = {.bytes = "\n", .len = 1, .at = &at};
	int ret = k->is_torn != 0 ? write_to_stream(t, end) : 0;

	k->is_torn = k->is_torn != 0 && ret < 0;
	return ret;
}

static int write_out(struct sink *k, struct sink_target t, struct piece p)
{
	struct stat st;

	if (left_of(&p) == 0) {
		return 0;
	}
	if (fstat(t.fd, &st) != 0) {
		return -errno;
	}
	if (S_ISREG(st.st_mode)) {
		return write_to_file(k, t, p);
	}
	t.is_socket = S_ISSOCK(st.st_mode);
	int ret = end_torn_line(k, t);

	return ret < 0 ? ret : write_to_stream(t, p);
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
static void keep(struct sink *k, struct sink_target t, struct piece p, struct sink_losses *losses)
{
	uint32_t used = load_within(&k->used, SINK_SPILL_BYTES), room = SINK_SPILL_BYTES - used;
	uint32_t n =
		left_of(&p) <= room ? left_of(&p) : (uint32_t)whole_lines(p.bytes + p.from, room);

	if (k->gap.lines > 0) {
		n = 0; /* until the output works again: one gap, not many */
	}
	memcpy(k->spill + used, p.bytes + p.from, n);
	__atomic_store_n(&k->used, used + n, __ATOMIC_RELEASE);
	move_on(&p, n);
	if (left_of(&p) > 0) {
		bool is_within_line = p.from > 0 && p.bytes[p.from - 1] != '\n';

		k->is_torn |= used + n == k->taken && is_within_line;
		lose(k, t, p.bytes + p.from, left_of(&p), losses);
		move_on(&p, left_of(&p));
	}
}

static void note_failure(struct sink *k, struct sink_target t, int code, bool has_moved)
{
	bool is_first = k->retry_ns == 0 || has_moved;

	k->code = code;
	k->wait_ns = is_first ? WAIT_MIN_NS : 2 * k->wait_ns;
	k->wait_ns = k->wait_ns < WAIT_MAX_NS ? k->wait_ns : WAIT_MAX_NS;
	k->retry_ns = clock_monotonic_ns() + k->wait_ns;
	if (code != -EAGAIN && k->is_told == 0) {
		k->is_told = 1;
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
	} else if (k->is_told != 0) {
		log_info("output: %s is written again; no line is lost", t.name);
	}
	k->gap = (struct sink_gap){.lines = 0};
	k->is_told = 0;
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
	struct piece kept = kept_piece(k);
	int ret = write_out(k, t, kept);

	if (ret == 0 && kept.len > 0) {
		empty_spill(k);
	}
	return ret < 0 ? ret : write_out(k, t, piece_at_hand(k, lines, len));
}

/* Why it was not written the last time; that nobody reads it is not kept, but found out again. */
static int last_code(const struct sink *k)
{
	int code = __atomic_load_n(&k->code, __ATOMIC_RELAXED);

	return code <= 0 && code >= -ERRNO_MAX && code != -EPIPE ? code : -EIO;
}

/* Nobody reads it: what was to go there is lost. */
static void give_up(struct sink *k, struct piece p, struct sink_losses *losses)
{
	losses->lines += sink_drop(k) + sink_count_lines(p.bytes + p.from, left_of(&p));
	move_on(&p, left_of(&p));
}

int sink_push(struct sink *sink, struct sink_target target, const char *lines, uint32_t len,
              struct sink_losses *losses)
{
	uint32_t taken = sink->taken, done = sink->done;
	int ret = last_code(sink);

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
			give_up(sink, piece_at_hand(sink, lines, len), losses);
			return ret;
		}
		note_failure(sink, target, ret, taken != sink->taken || done != sink->done);
	}
	keep(sink, target, piece_at_hand(sink, lines, len), losses);
	return ret;
}

/* ---- Behind a death ---- */

/* How many of the bytes are in the file from a place on. */
static uint32_t common_bytes(int back_fd, off_t place, const char *bytes, uint32_t len)
{
	char part[4096];
	uint32_t same = 0;

	for (;;) {
		ssize_t n = pread(back_fd, part, sizeof(part), place + same);

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

/* A file that cannot be read: its size must do. Cut off is only what nobody can write behind. */
static uint32_t find_written(struct sink_target t, bool is_locked, off_t place, const char *bytes,
                             uint32_t len)
{
	struct stat st;
	char byte;

	if (fstat(t.fd, &st) != 0 || place < 0 || st.st_size <= place) {
		return 0;
	}
	if (pread(t.back_fd, &byte, 1, place) != 1) {
		return st.st_size - place == (off_t)len ? len : 0;
	}
	uint32_t same = common_bytes(t.back_fd, place, bytes, len);
	uint32_t whole = (uint32_t)whole_lines(bytes, same);

	if (same > whole && is_locked) {
		(void)cut_off(t.fd, place + (off_t)whole, place + (off_t)same);
	}
	return whole;
}

void sink_mend(struct sink *sink, struct sink_target target, const char *lines, uint32_t len)
{
	struct piece kept = kept_piece(sink), at_hand = piece_at_hand(sink, lines, len);
	struct piece *last = left_of(&kept) > 0 ? &kept : &at_hand;

	sink->used = kept.len;
	move_on(&kept, 0);
	move_on(&at_hand, 0);
	if (sink->is_writing != 0) {
		bool is_locked = try_lock(target.fd, F_WRLCK);

		move_on(last, find_written(target, is_locked, (off_t)sink->place,
		                           last->bytes + last->from, left_of(last)));
		sink->is_writing = 0;
		(void)try_lock(target.fd, F_UNLCK);
	}
}

/* ---- The rest ---- */

void sink_renew(struct sink *sink)
{
	sink->is_named = 0;
	if (sink->retry_ns != 0) {
		sink->retry_ns = 1; /* long ago */
	}
}

uint64_t sink_drop(struct sink *sink)
{
	struct piece kept = kept_piece(sink);
	uint64_t lines = sink_count_lines(kept.bytes + kept.from, left_of(&kept));

	empty_spill(sink);
	return lines;
}

size_t sink_waiting_bytes(const struct sink *sink)
{
	uint32_t used = load_within(&sink->used, SINK_SPILL_BYTES);

	return used - load_within(&sink->taken, used);
}

bool sink_is_full(const struct sink *sink)
{
	return sink->gap.lines > 0;
}
