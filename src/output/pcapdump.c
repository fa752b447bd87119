/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pcapdump_format.h"

#include <passer/base/clock.h>
#include <passer/base/log.h>
#include <passer/base/opening.h>
#include <passer/base/shm.h>
#include <passer/output/pcapdump.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The end of the file, who was the last to move it (writer + 1; 0: nobody), and how many interfaces
 * its section has, in one word: so the order of interfaces in the file is that of their numbers,
 * and no place is got without a name.
 */
#define PLACE_BITS    46
#define OWNER_BITS    7
#define NUMBER_SHIFT  (PLACE_BITS + OWNER_BITS)
#define PLACE_MASK    ((UINT64_C(1) << PLACE_BITS) - 1)
#define OWNER_MASK    (((UINT64_C(1) << OWNER_BITS) - 1) << PLACE_BITS)
#define ONE_INTERFACE (UINT64_C(1) << NUMBER_SHIFT)
#define IS_DECLARED   (UINT64_C(1) << 63)

_Static_assert(PCAPDUMP_WRITERS_MAX < 1 << OWNER_BITS, "a writer has a number");
_Static_assert(PCAPDUMP_WRITERS_MAX *PCAPDUMP_LINK_COUNT < 1 << (63 - NUMBER_SHIFT),
               "so has each interface of each writer");

#define WAIT_MIN_NS (100 * NS_PER_MS)
#define WAIT_MAX_NS (10 * NS_PER_S)

#define BUFFER_BYTES (2 * PCAPDUMP_RECORD_MAX)
#define NOT_PLACED   0 /* no record is at the start of a file */

/*
 * Records that wait to be written. A writer that dies between getting a place and noting it leaves
 * no hole: whoever gets the next place notes for it where its own ends, and pcapdump_mend() does
 * the rest. `got` and `noted` are words as above without the owner, and only grow.
 */
struct buffer {
	uint64_t frames; /* all that this writer took */
	uint64_t written_frames;
	uint64_t place;   /* in the file; NOT_PLACED until they are to be written */
	uint64_t got;     /* the end of its last place, as others have noted it */
	uint64_t noted;   /* the end of the last one that it has noted itself */
	uint32_t wanted;  /* bytes of the place that it is about to get */
	int8_t declaring; /* the link whose interface goes there; PCAPDUMP_NO_LINK: its records */
	/* pcapng, by link: 0, or IS_DECLARED, the number, and the place in the file. */
	uint64_t interfaces[PCAPDUMP_LINK_COUNT];
	uint8_t has_interface[PCAPDUMP_LINK_COUNT]; /* it is in the file */
	uint32_t used;
	uint8_t bytes[BUFFER_BYTES];
};

/* Changed by all writers; one that was taken over may write anything to it, at any time. */
struct shared {
	int link;              /* pcap: of all frames; PCAPDUMP_NO_LINK until the first one */
	uint64_t end;          /* where the next bytes are placed, and more: see above */
	uint64_t promised;     /* size of the file when all that was taken is written */
	uint8_t has_header;    /* it is in the file */
	uint8_t is_full;       /* the limit was reached */
	uint64_t retry_ns;     /* a write failed: not tried again before; 0: all is well */
	uint64_t wait_ns;      /* the last delay */
	uint8_t has_odd_links; /* and that was told */
	uint64_t other_links, over_limit, refused;
	struct buffer buffers[];
};

/* Of each process its own, as it was at the fork: where and how far to write is not shared. */
struct pcapdump {
	struct shared *shared;
	const char *path;
	int fd;
	struct pcapdump_format format;
	uint64_t header_place;
	bool is_open; /* pcapdump_open() came to its end */
	uint64_t limit_bytes;
	unsigned writers;
};

/* ---- writing --------------------------------------------------------------------------------- */

static bool load_flag(const uint8_t *flag)
{
	return __atomic_load_n(flag, __ATOMIC_RELAXED) != 0;
}

/* True for the first one who sets it. */
static bool set_flag(uint8_t *flag)
{
	return __atomic_exchange_n(flag, 1, __ATOMIC_RELAXED) == 0;
}

/* Loaded once, and nothing when it cannot be. */
static uint32_t used_of(const struct buffer *b)
{
	uint32_t used = __atomic_load_n(&b->used, __ATOMIC_ACQUIRE);

	return used <= sizeof(b->bytes) ? used : 0;
}

static int link_of_file(const struct pcapdump *d)
{
	int link = __atomic_load_n(&d->shared->link, __ATOMIC_RELAXED);

	return link >= 0 && link < PCAPDUMP_LINK_COUNT ? link : PCAPDUMP_NO_LINK;
}

/* Places are shared: a file size that SIGXFSZ guards, or none of this world, must not come of one.
 */
static int write_at(const struct pcapdump *d, const uint8_t *bytes, size_t len, uint64_t place)
{
	if (place > d->limit_bytes && place - d->limit_bytes > BUFFER_BYTES) {
		return -EFBIG;
	}
	while (len > 0) {
		ssize_t n = pwrite(d->fd, bytes, len, (off_t)place);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return -errno;
		}
		bytes += n;
		len -= (size_t)n;
		place += (uint64_t)n;
	}
	return 0;
}

/*
 * Of a pcap file without frames, too, until the first one tells the link type. Two writers may do
 * this at the same time: they write the same.
 */
static int write_header(struct pcapdump *d)
{
	uint8_t header[PCAPDUMP_HEADER_MAX];
	int link = link_of_file(d);
	bool has_link = link != PCAPDUMP_NO_LINK;
	size_t len = pcapdump_header(&d->format, has_link ? link : 0, header);
	int ret = load_flag(&d->shared->has_header) ? 0 : write_at(d, header, len, d->header_place);

	if (ret == 0 && (has_link || d->format.is_pcapng)) {
		__atomic_store_n(&d->shared->has_header, true, __ATOMIC_RELAXED);
	}
	return ret;
}

static int write_interface(struct pcapdump *d, int link, uint64_t interface)
{
	uint8_t block[PCAPDUMP_INTERFACE_BYTES];
	int ret = write_header(d);

	pcapdump_interface(link, block);
	return ret < 0 ? ret : write_at(d, block, sizeof(block), interface & PLACE_MASK);
}

/* Two writers that fail at once may wait a little longer for it. */
static void fail(struct pcapdump *d, int ret)
{
	uint64_t wait_ns = __atomic_load_n(&d->shared->wait_ns, __ATOMIC_RELAXED) * 2;
	bool is_first = __atomic_exchange_n(&d->shared->retry_ns, clock_monotonic_ns() + wait_ns,
	                                    __ATOMIC_RELAXED) == 0;

	wait_ns = wait_ns < WAIT_MIN_NS ? WAIT_MIN_NS : wait_ns;
	wait_ns = wait_ns < WAIT_MAX_NS ? wait_ns : WAIT_MAX_NS;
	__atomic_store_n(&d->shared->wait_ns, wait_ns, __ATOMIC_RELAXED);
	if (is_first) {
		log_error("%s: cannot be written: %s; what was to be written waits, other frames "
		          "are lost",
		          d->path, strerror(-ret));
	}
}

static void succeed(struct pcapdump *d)
{
	if (__atomic_load_n(&d->shared->retry_ns, __ATOMIC_RELAXED) == 0 ||
	    __atomic_exchange_n(&d->shared->retry_ns, 0, __ATOMIC_RELAXED) == 0) {
		return;
	}
	__atomic_store_n(&d->shared->wait_ns, 0, __ATOMIC_RELAXED);
	log_warn("%s: is written again; %" PRIu64 " frames are lost so far", d->path,
	         __atomic_load_n(&d->shared->refused, __ATOMIC_RELAXED));
}

static bool is_resting(const struct pcapdump *d)
{
	uint64_t retry_ns = __atomic_load_n(&d->shared->retry_ns, __ATOMIC_RELAXED);

	return retry_ns != 0 && clock_monotonic_ns() < retry_ns;
}

/* ---- places ---------------------------------------------------------------------------------- */

/* For the last one who moved the end: he may have died before he could do so himself. */
static void note_for_owner(struct pcapdump *d, uint64_t end)
{
	uint64_t owner = (end & OWNER_MASK) >> PLACE_BITS, got;

	if (owner == 0 || owner > d->writers) {
		return;
	}
	uint64_t *at = &d->shared->buffers[owner - 1].got;

	end &= ~OWNER_MASK;
	got = __atomic_load_n(at, __ATOMIC_RELAXED);
	while (got < end && !__atomic_compare_exchange_n(at, &got, end, false, __ATOMIC_ACQ_REL,
	                                                 __ATOMIC_RELAXED)) {
	}
}

/* The number of interfaces before the place that a writer gets, and the place. */
static uint64_t get_place(struct pcapdump *d, unsigned writer, uint32_t bytes, int declaring)
{
	struct buffer *b = &d->shared->buffers[writer];
	uint64_t step = bytes + (declaring != PCAPDUMP_NO_LINK ? ONE_INTERFACE : 0);
	uint64_t end = __atomic_load_n(&d->shared->end, __ATOMIC_ACQUIRE), next;

	b->wanted = bytes;
	b->declaring = (int8_t)declaring;
	do {
		note_for_owner(d, end);
		next = ((end & ~OWNER_MASK) + step) | (uint64_t)(writer + 1) << PLACE_BITS;
	} while (!__atomic_compare_exchange_n(&d->shared->end, &end, next, false, __ATOMIC_ACQ_REL,
	                                      __ATOMIC_ACQUIRE));
	return end & ~OWNER_MASK;
}

/* Last, when the place itself is noted. */
static void note_end(struct buffer *b, uint64_t from, uint64_t step)
{
	__atomic_store_n(&b->noted, from + step, __ATOMIC_RELEASE);
}

static uint64_t get_interface(struct pcapdump *d, unsigned writer, int link)
{
	struct buffer *b = &d->shared->buffers[writer];
	uint64_t from = get_place(d, writer, PCAPDUMP_INTERFACE_BYTES, link);

	__atomic_store_n(&b->interfaces[link], IS_DECLARED | from, __ATOMIC_RELEASE);
	note_end(b, from, PCAPDUMP_INTERFACE_BYTES + ONE_INTERFACE);
	return IS_DECLARED | from;
}

/* The number of a writer's own interface of a link, which is in the file then if that can be. */
static uint32_t declare(struct pcapdump *d, unsigned writer, int link)
{
	struct buffer *b = &d->shared->buffers[writer];
	uint64_t interface = __atomic_load_n(&b->interfaces[link], __ATOMIC_RELAXED);

	if (interface == 0) {
		interface = get_interface(d, writer, link);
	}
	if (!load_flag(&b->has_interface[link]) && !is_resting(d)) {
		int ret = write_interface(d, link, interface);

		__atomic_store_n(&b->has_interface[link], ret == 0, __ATOMIC_RELAXED);
		if (ret < 0) {
			fail(d, ret);
		}
	}
	return (uint32_t)((interface & ~IS_DECLARED) >> NUMBER_SHIFT);
}

static uint64_t place_records(struct pcapdump *d, unsigned writer, uint32_t used)
{
	struct buffer *b = &d->shared->buffers[writer];
	uint64_t from = get_place(d, writer, used, PCAPDUMP_NO_LINK);

	__atomic_store_n(&b->place, from & PLACE_MASK, __ATOMIC_RELEASE);
	note_end(b, from, used);
	return from & PLACE_MASK;
}

/* The end of the last place that a writer got, whether or not it could note it. */
static uint64_t last_end(const struct pcapdump *d, unsigned writer)
{
	uint64_t end = __atomic_load_n(&d->shared->end, __ATOMIC_ACQUIRE);

	return (end & OWNER_MASK) >> PLACE_BITS == writer + 1
	               ? end & ~OWNER_MASK
	               : __atomic_load_n(&d->shared->buffers[writer].got, __ATOMIC_ACQUIRE);
}

void pcapdump_mend(struct pcapdump *dump, unsigned writer)
{
	struct buffer *b = &dump->shared->buffers[writer];
	uint64_t end = last_end(dump, writer);
	int link = b->declaring;

	if (end <= b->noted) {
		return;
	}
	if (link >= 0 && link < PCAPDUMP_LINK_COUNT) {
		b->interfaces[link] =
			IS_DECLARED | (end - PCAPDUMP_INTERFACE_BYTES - ONE_INTERFACE);
	} else if (b->wanted == used_of(b)) {
		b->place = (end & PLACE_MASK) - b->wanted;
	}
	b->noted = end;
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool is_pcapng_name(const char *path)
{
	return span_has_suffix(span_str(path), span_str(".pcapng"));
}

static uint64_t header_bytes(const struct pcapdump *d)
{
	uint8_t header[PCAPDUMP_HEADER_MAX];

	return pcapdump_header(&d->format, 0, header);
}

/* A new section of pcapng, or a new file. */
static void plan_header(struct pcapdump *d, uint64_t place)
{
	d->format.is_microseconds = false;
	d->header_place = place;
	d->shared->end = place + header_bytes(d);
}

static int cut_off(struct pcapdump *d, uint64_t size, uint64_t end, struct err *err)
{
	if (end == size) {
		return 0;
	}
	if (ftruncate(d->fd, (off_t)end) != 0) {
		return err_set(err, -errno, "%s: its torn end cannot be cut off: %s", d->path,
		               strerror(errno));
	}
	log_warn("%s: breaks off at byte %" PRIu64 "; the %" PRIu64 " bytes behind are cut off",
	         d->path, end, size - end);
	return 0;
}

/* Goes on behind the last whole record of a file that is there. */
static int go_on(struct pcapdump *d, uint64_t size, struct err *err)
{
	void *file = mmap(NULL, size, PROT_READ, MAP_PRIVATE, d->fd, 0);
	size_t end;
	bool is_ours;

	if (file == MAP_FAILED) {
		return err_set(err, -errno, "%s: cannot be read: %s", d->path, strerror(errno));
	}
	is_ours = pcapdump_recognise(span_of(file, size), &d->format, &d->shared->link, &end);
	munmap(file, size);
	if (!is_ours) {
		return err_set(err, -EBADMSG, "%s: holds something else than %s; name another file",
		               d->path, d->format.is_pcapng ? "pcapng" : "little-endian pcap");
	}
	int ret = cut_off(d, size, end, err);

	if (ret < 0) {
		return ret;
	}
	if (d->format.is_pcapng) {
		plan_header(d, end);
	} else if (d->shared->link == PCAPDUMP_NO_LINK) {
		plan_header(d, 0);
	} else {
		d->shared->has_header = true;
		d->shared->end = end;
	}
	return 0;
}

static int open_file(struct pcapdump *d, struct err *err)
{
	struct stat st;

	d->fd = open_or_make(d->path, O_RDWR, 0600); /* what people say is in it */
	if (d->fd < 0 || fstat(d->fd, &st) != 0) {
		return err_set(err, -errno, "%s: cannot be written: %s", d->path, strerror(errno));
	}
	if (!S_ISREG(st.st_mode)) {
		return err_set(err, -ENOTSUP, "%s: is not a regular file", d->path);
	}
	if (flock(d->fd, LOCK_EX | LOCK_NB) != 0) {
		return err_set(err, -errno, "%s: is written by another process", d->path);
	}
	if (st.st_size > 0) {
		return go_on(d, (uint64_t)st.st_size, err);
	}
	plan_header(d, 0);
	int ret = write_header(d);

	return ret < 0 ? err_set(err, ret, "%s: cannot be written: %s", d->path, strerror(-ret))
	               : 0;
}

size_t pcapdump_bytes(unsigned writers)
{
	return sizeof(struct shared) + writers * sizeof(struct buffer);
}

int pcapdump_open(const struct pcapdump_config *config, struct pcapdump **out_dump, struct err *err)
{
	struct pcapdump *d = calloc(1, sizeof(*d));
	int ret;

	if (d == NULL || (d->shared = shm_new(pcapdump_bytes(config->writers))) == NULL) {
		free(d);
		return err_set(err, -ENOMEM, "%s: out of memory", config->path);
	}
	d->path = config->path;
	d->format.is_pcapng = is_pcapng_name(config->path);
	d->limit_bytes = config->limit_bytes;
	d->writers = config->writers;
	d->shared->link = PCAPDUMP_NO_LINK;
	ret = open_file(d, err);
	if (ret < 0) {
		pcapdump_close(d);
		return ret;
	}
	d->shared->promised = d->shared->end;
	d->is_open = true;
	*out_dump = d;
	return 0;
}

/* ---- taking frames --------------------------------------------------------------------------- */

static void count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* A pcap file is of one link type: whoever brings the first frame decides. */
static bool is_of_link(struct pcapdump *d, int link)
{
	int first = PCAPDUMP_NO_LINK;

	if (link == PCAPDUMP_NO_LINK || d->format.is_pcapng) {
		return link != PCAPDUMP_NO_LINK;
	}
	return __atomic_compare_exchange_n(&d->shared->link, &first, link, false, __ATOMIC_RELAXED,
	                                   __ATOMIC_RELAXED) ||
	       first == link;
}

static void refuse_link(struct pcapdump *d, int link)
{
	count(&d->shared->other_links);
	if (set_flag(&d->shared->has_odd_links)) {
		log_warn(link == PCAPDUMP_NO_LINK
		                 ? "%s: frames of an unknown link type are left out"
		                 : "%s: is of the link type of its first frame, others are left "
		                   "out; a file named .pcapng takes them all",
		         d->path);
	}
}

/* What the first frame of a link brings with it. */
static size_t interface_bytes(const struct pcapdump *d, unsigned writer, int link)
{
	bool is_new = d->format.is_pcapng && d->shared->buffers[writer].interfaces[link] == 0;

	return is_new ? PCAPDUMP_INTERFACE_BYTES : 0;
}

static bool has_room(struct pcapdump *d, size_t bytes)
{
	if (!load_flag(&d->shared->is_full) &&
	    __atomic_add_fetch(&d->shared->promised, bytes, __ATOMIC_RELAXED) <= d->limit_bytes) {
		return true;
	}
	count(&d->shared->over_limit);
	if (set_flag(&d->shared->is_full)) {
		log_warn("%s: has reached its limit of %" PRIu64
		         " MiB and takes no more frames; see --dump-limit",
		         d->path, d->limit_bytes >> 20);
	}
	return false;
}

/* Behind the records that wait; false when they cannot be written and there is no room beside them.
 */
static bool make_room(struct pcapdump *d, unsigned writer, size_t bytes, uint32_t *out_used)
{
	const struct buffer *b = &d->shared->buffers[writer];

	if (sizeof(b->bytes) - used_of(b) < bytes) {
		pcapdump_flush(d, writer);
	}
	uint32_t used = used_of(b);

	if (sizeof(b->bytes) - used < bytes || (used > 0 && b->place != NOT_PLACED)) {
		count(&d->shared->refused);
		return false;
	}
	*out_used = used;
	return true;
}

void pcapdump_write(struct pcapdump *dump, unsigned writer, const struct frame *frame)
{
	struct buffer *b = &dump->shared->buffers[writer];
	size_t bytes = pcapdump_record_bytes(&dump->format, frame);
	int link = pcapdump_link(frame);
	uint32_t used;

	if (!is_of_link(dump, link)) {
		refuse_link(dump, link);
		return;
	}
	if (!make_room(dump, writer, bytes, &used) ||
	    !has_room(dump, bytes + interface_bytes(dump, writer, link))) {
		return;
	}
	if (used == 0) {
		b->place = NOT_PLACED;
	}
	pcapdump_record(&dump->format, frame,
	                dump->format.is_pcapng ? declare(dump, writer, link) : 0, b->bytes + used);
	b->frames++;
	/* Counted in only when it is whole: a worker that dies here leaves no torn record. */
	__atomic_store_n(&b->used, used + (uint32_t)bytes, __ATOMIC_RELEASE);
}

/* Those that could not be written when they were declared. */
static int write_interfaces(struct pcapdump *d, struct buffer *b)
{
	int ret = 0;

	for (int link = 0; link < PCAPDUMP_LINK_COUNT && ret == 0; link++) {
		uint64_t interface = __atomic_load_n(&b->interfaces[link], __ATOMIC_RELAXED);

		if (interface != 0 && !load_flag(&b->has_interface[link])) {
			ret = write_interface(d, link, interface);
			__atomic_store_n(&b->has_interface[link], ret == 0, __ATOMIC_RELAXED);
		}
	}
	return ret;
}

/* Of what a writer could not write; UINT64_MAX: it has written all. */
static uint64_t first_missing(const struct buffer *b)
{
	uint64_t first = used_of(b) > 0 && b->place != NOT_PLACED ? b->place : UINT64_MAX;

	for (int link = 0; link < PCAPDUMP_LINK_COUNT; link++) {
		uint64_t place = b->interfaces[link] & PLACE_MASK;
		bool is_missing = b->interfaces[link] != 0 && !load_flag(&b->has_interface[link]);

		first = is_missing && place < first ? place : first;
	}
	return first;
}

static int try_flush(struct pcapdump *d, struct buffer *b, uint32_t used, uint64_t place)
{
	int ret = write_header(d);

	if (ret == 0) {
		ret = write_interfaces(d, b);
	}
	if (ret == 0) {
		ret = write_at(d, b->bytes, used, place);
	}
	if (ret == 0) {
		b->written_frames = b->frames;
		__atomic_store_n(&b->used, 0, __ATOMIC_RELEASE);
	}
	return ret;
}

void pcapdump_flush(struct pcapdump *dump, unsigned writer)
{
	struct buffer *b = &dump->shared->buffers[writer];
	uint32_t used = used_of(b);

	if ((used == 0 && first_missing(b) == UINT64_MAX) || is_resting(dump)) {
		return;
	}
	/* A place that a dead worker had got is kept: what it wrote there is written over. */
	uint64_t place = __atomic_load_n(&b->place, __ATOMIC_RELAXED);

	if (used > 0 && place == NOT_PLACED) {
		place = place_records(dump, writer, used);
	}
	int ret = try_flush(dump, b, used, place);

	if (ret < 0) {
		fail(dump, ret);
	} else {
		succeed(dump);
	}
}

/* ---- the end --------------------------------------------------------------------------------- */

struct pcapdump_counters pcapdump_counters(const struct pcapdump *dump)
{
	struct pcapdump_counters sum = {
		.other_links = __atomic_load_n(&dump->shared->other_links, __ATOMIC_RELAXED),
		.over_limit = __atomic_load_n(&dump->shared->over_limit, __ATOMIC_RELAXED),
		.lost = __atomic_load_n(&dump->shared->refused, __ATOMIC_RELAXED),
	};

	for (unsigned i = 0; i < dump->writers; i++) {
		const struct buffer *b = &dump->shared->buffers[i];
		uint64_t missing = b->frames - b->written_frames;

		sum.frames += b->frames;
		sum.lost += b->used == 0 ? missing : 0;
		sum.waiting += b->used == 0 ? 0 : missing;
	}
	return sum;
}

int pcapdump_fd(const struct pcapdump *dump)
{
	return dump->fd;
}

/* The first byte of the file that could not be written; its end when all could. */
static uint64_t first_gap(const struct pcapdump *d)
{
	uint64_t gap = d->shared->end & PLACE_MASK;

	for (unsigned i = 0; i < d->writers; i++) {
		uint64_t first = first_missing(&d->shared->buffers[i]);

		gap = first < gap ? first : gap;
	}
	return gap;
}

void pcapdump_finish(struct pcapdump *dump)
{
	uint64_t end;

	for (unsigned i = 0; i < dump->writers; i++) {
		dump->shared->retry_ns = dump->shared->retry_ns != 0; /* long ago */
		pcapdump_mend(dump, i);
		pcapdump_flush(dump, i);
	}
	end = first_gap(dump);
	if (end < (dump->shared->end & PLACE_MASK) && ftruncate(dump->fd, (off_t)end) == 0) {
		log_error("%s: is cut off at byte %" PRIu64 ", since the frames from there on "
		          "could not all be written",
		          dump->path, end);
	}
	for (unsigned i = 0; i < dump->writers; i++) {
		dump->shared->buffers[i].used = 0; /* and so they count as lost */
	}
}

void pcapdump_close(struct pcapdump *dump)
{
	if (dump == NULL) {
		return;
	}
	/* Readers want one interface at least, also in a file without frames. */
	if (dump->is_open && dump->format.is_pcapng && dump->shared->end == header_bytes(dump)) {
		(void)declare(dump, 0, 0);
	}
	if (dump->fd >= 0) {
		close(dump->fd);
	}
	shm_free(dump->shared, pcapdump_bytes(dump->writers));
	free(dump);
}
