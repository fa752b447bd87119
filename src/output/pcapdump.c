/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pcapdump_format.h"

#include <passer/base/clock.h>
#include <passer/base/log.h>
#include <passer/base/shm.h>
#include <passer/output/pcapdump.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The end of the file and how many interfaces its section has, in one word: so the order of two
 * interfaces in the file is that of their numbers. */
#define END_BITS      56
#define END_MASK      ((UINT64_C(1) << END_BITS) - 1)
#define ONE_INTERFACE (UINT64_C(1) << END_BITS)
#define IS_DECLARED   (UINT64_C(1) << 63)

#define WAIT_MIN_NS (100 * NS_PER_MS)
#define WAIT_MAX_NS (10 * NS_PER_S)

#define BUFFER_BYTES (2 * PCAPDUMP_RECORD_MAX)
#define NOT_PLACED   0 /* no record is at the start of a file */

/* Records that wait to be written. */
struct buffer {
	uint64_t frames; /* all that this writer took */
	uint64_t written_frames;
	uint64_t place; /* in the file; NOT_PLACED until they are to be written */
	uint32_t used;
	uint8_t bytes[BUFFER_BYTES];
};

struct pcapdump {
	size_t bytes; /* of the mapping */
	const char *path;
	int fd;
	struct pcapdump_format format;
	uint64_t header_place;
	bool is_open; /* pcapdump_open() came to its end */
	uint64_t limit_bytes;
	unsigned writers;
	/* Shared: changed by all writers. */
	int link;     /* pcap: of all frames; PCAPDUMP_NO_LINK until the first one */
	uint64_t end; /* where the next bytes are placed, and the count of interfaces */
	/* pcapng, by link: 0, or IS_DECLARED, the number, and the place in the file. */
	uint64_t interfaces[PCAPDUMP_LINK_COUNT];
	bool has_interface[PCAPDUMP_LINK_COUNT]; /* it is in the file */
	uint64_t promised;  /* size of the file when all that was taken is written */
	bool has_header;    /* it is in the file */
	bool is_full;       /* the limit was reached */
	uint64_t retry_ns;  /* a write failed: not tried again before; 0: all is well */
	uint64_t wait_ns;   /* the last delay */
	bool has_odd_links; /* and that was told */
	uint64_t other_links, over_limit, refused;
	struct buffer buffers[];
};

/* ---- writing --------------------------------------------------------------------------------- */

static bool load_flag(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_RELAXED);
}

/* True for the first one who sets it. */
static bool set_flag(bool *flag)
{
	return !__atomic_exchange_n(flag, true, __ATOMIC_RELAXED);
}

static int write_at(int fd, const uint8_t *bytes, size_t len, uint64_t place)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, bytes, len, (off_t)place);

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
	int link = __atomic_load_n(&d->link, __ATOMIC_RELAXED);
	bool has_link = link != PCAPDUMP_NO_LINK;
	size_t len = pcapdump_header(&d->format, has_link ? link : 0, header);
	int ret = load_flag(&d->has_header) ? 0 : write_at(d->fd, header, len, d->header_place);

	if (ret == 0 && (has_link || d->format.is_pcapng)) {
		__atomic_store_n(&d->has_header, true, __ATOMIC_RELAXED);
	}
	return ret;
}

static int write_interface(struct pcapdump *d, int link, uint64_t interface)
{
	uint8_t block[PCAPDUMP_INTERFACE_BYTES];
	int ret = write_header(d);

	pcapdump_interface(link, block);
	return ret < 0 ? ret : write_at(d->fd, block, sizeof(block), interface & END_MASK);
}

/* Two writers that fail at once may wait a little longer for it. */
static void fail(struct pcapdump *d, int ret)
{
	uint64_t wait_ns = __atomic_load_n(&d->wait_ns, __ATOMIC_RELAXED) * 2;
	bool is_first = __atomic_exchange_n(&d->retry_ns, clock_monotonic_ns() + wait_ns,
	                                    __ATOMIC_RELAXED) == 0;

	wait_ns = wait_ns < WAIT_MIN_NS ? WAIT_MIN_NS : wait_ns;
	wait_ns = wait_ns < WAIT_MAX_NS ? wait_ns : WAIT_MAX_NS;
	__atomic_store_n(&d->wait_ns, wait_ns, __ATOMIC_RELAXED);
	if (is_first) {
		log_error("%s: cannot be written: %s; frames wait in memory, as many as have room",
		          d->path, strerror(-ret));
	}
}

static void succeed(struct pcapdump *d)
{
	if (__atomic_load_n(&d->retry_ns, __ATOMIC_RELAXED) == 0 ||
	    __atomic_exchange_n(&d->retry_ns, 0, __ATOMIC_RELAXED) == 0) {
		return;
	}
	__atomic_store_n(&d->wait_ns, 0, __ATOMIC_RELAXED);
	log_warn("%s: is written again; %" PRIu64 " frames are lost so far", d->path,
	         __atomic_load_n(&d->refused, __ATOMIC_RELAXED));
}

static bool is_resting(const struct pcapdump *d)
{
	uint64_t retry_ns = __atomic_load_n(&d->retry_ns, __ATOMIC_RELAXED);

	return retry_ns != 0 && clock_monotonic_ns() < retry_ns;
}

/*
 * The number of the interface of a link, which is in the file then. Two writers may declare the
 * same link at once: both interfaces are good, one of them is used from then on.
 */
static uint32_t declare(struct pcapdump *d, int link)
{
	uint64_t interface = __atomic_load_n(&d->interfaces[link], __ATOMIC_RELAXED);
	int ret = 0;

	if (interface == 0) {
		uint64_t mine =
			IS_DECLARED |
			__atomic_fetch_add(&d->end, ONE_INTERFACE + PCAPDUMP_INTERFACE_BYTES,
		                           __ATOMIC_RELAXED);

		if (__atomic_compare_exchange_n(&d->interfaces[link], &interface, mine, false,
		                                __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			interface = mine;
		} else {
			ret = write_interface(d, link, mine);
		}
	}
	if (ret == 0 && !load_flag(&d->has_interface[link]) && !is_resting(d)) {
		ret = write_interface(d, link, interface);
		__atomic_store_n(&d->has_interface[link], ret == 0, __ATOMIC_RELAXED);
	}
	if (ret < 0) {
		fail(d, ret);
	}
	return (uint32_t)((interface & ~IS_DECLARED) >> END_BITS);
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
	d->end = place + header_bytes(d);
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
	is_ours = pcapdump_recognise(span_of(file, size), &d->format, &d->link, &end);
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
	} else if (d->link == PCAPDUMP_NO_LINK) {
		plan_header(d, 0);
	} else {
		d->has_header = true;
		d->end = end;
	}
	return 0;
}

static int open_file(struct pcapdump *d, struct err *err)
{
	struct stat st;

	d->fd = open(d->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* what people say is in it */
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

int pcapdump_open(const struct pcapdump_config *config, struct pcapdump **out_dump, struct err *err)
{
	size_t bytes = sizeof(struct pcapdump) + config->writers * sizeof(struct buffer);
	struct pcapdump *d = shm_new(bytes);
	int ret;

	if (d == NULL) {
		return err_set(err, -ENOMEM, "%s: out of memory", config->path);
	}
	d->bytes = bytes;
	d->path = config->path;
	d->format.is_pcapng = is_pcapng_name(config->path);
	d->limit_bytes = config->limit_bytes;
	d->writers = config->writers;
	d->link = PCAPDUMP_NO_LINK;
	ret = open_file(d, err);
	if (ret < 0) {
		pcapdump_close(d);
		return ret;
	}
	d->promised = d->end;
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
	return __atomic_compare_exchange_n(&d->link, &first, link, false, __ATOMIC_RELAXED,
	                                   __ATOMIC_RELAXED) ||
	       first == link;
}

static void refuse_link(struct pcapdump *d, int link)
{
	count(&d->other_links);
	if (set_flag(&d->has_odd_links)) {
		log_warn(link == PCAPDUMP_NO_LINK
		                 ? "%s: frames of an unknown link type are left out"
		                 : "%s: is of the link type of its first frame, others are left "
		                   "out; a file named .pcapng takes them all",
		         d->path);
	}
}

/* What the first frame of a link brings with it. */
static size_t interface_bytes(const struct pcapdump *d, int link)
{
	return d->format.is_pcapng && __atomic_load_n(&d->interfaces[link], __ATOMIC_RELAXED) == 0
	               ? PCAPDUMP_INTERFACE_BYTES
	               : 0;
}

static bool has_room(struct pcapdump *d, size_t bytes)
{
	if (!load_flag(&d->is_full) &&
	    __atomic_add_fetch(&d->promised, bytes, __ATOMIC_RELAXED) <= d->limit_bytes) {
		return true;
	}
	count(&d->over_limit);
	if (set_flag(&d->is_full)) {
		log_warn("%s: has reached its limit of %" PRIu64
		         " MiB and takes no more frames; see --dump-limit",
		         d->path, d->limit_bytes >> 20);
	}
	return false;
}

/* Of the records that wait; false when they cannot be written and there is no room beside them. */
static bool make_room(struct pcapdump *d, unsigned writer, size_t bytes)
{
	const struct buffer *b = &d->buffers[writer];

	if (sizeof(b->bytes) - b->used < bytes) {
		pcapdump_flush(d, writer);
	}
	if (sizeof(b->bytes) - b->used < bytes || (b->used > 0 && b->place != NOT_PLACED)) {
		count(&d->refused);
		return false;
	}
	return true;
}

void pcapdump_write(struct pcapdump *dump, unsigned writer, const struct frame *frame)
{
	struct buffer *b = &dump->buffers[writer];
	size_t bytes = pcapdump_record_bytes(&dump->format, frame);
	int link = pcapdump_link(frame);

	if (!is_of_link(dump, link)) {
		refuse_link(dump, link);
		return;
	}
	if (!make_room(dump, writer, bytes) ||
	    !has_room(dump, bytes + interface_bytes(dump, link))) {
		return;
	}
	if (b->used == 0) {
		b->place = NOT_PLACED;
	}
	pcapdump_record(&dump->format, frame, dump->format.is_pcapng ? declare(dump, link) : 0,
	                b->bytes + b->used);
	b->frames++;
	/* Counted in only when it is whole: a worker that dies here leaves no torn record. */
	__atomic_store_n(&b->used, b->used + (uint32_t)bytes, __ATOMIC_RELEASE);
}

/* Those that could not be written when they were declared. */
static int write_interfaces(struct pcapdump *d)
{
	int ret = 0;

	for (int link = 0; link < PCAPDUMP_LINK_COUNT && ret == 0; link++) {
		uint64_t interface = __atomic_load_n(&d->interfaces[link], __ATOMIC_RELAXED);

		if (interface != 0 && !load_flag(&d->has_interface[link])) {
			ret = write_interface(d, link, interface);
			__atomic_store_n(&d->has_interface[link], ret == 0, __ATOMIC_RELAXED);
		}
	}
	return ret;
}

static int try_flush(struct pcapdump *d, struct buffer *b)
{
	int ret = write_header(d);

	if (ret == 0) {
		ret = write_interfaces(d);
	}
	if (ret == 0) {
		ret = write_at(d->fd, b->bytes, b->used, b->place);
	}
	if (ret == 0) {
		b->written_frames = b->frames;
		__atomic_store_n(&b->used, 0, __ATOMIC_RELEASE);
	}
	return ret;
}

void pcapdump_flush(struct pcapdump *dump, unsigned writer)
{
	struct buffer *b = &dump->buffers[writer];

	if (b->used == 0 || is_resting(dump)) {
		return;
	}
	/* A place that a dead worker had got is kept: what it wrote there is written over. */
	if (b->place == NOT_PLACED) {
		b->place = __atomic_fetch_add(&dump->end, b->used, __ATOMIC_RELAXED) & END_MASK;
	}
	int ret = try_flush(dump, b);

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
		.other_links = __atomic_load_n(&dump->other_links, __ATOMIC_RELAXED),
		.over_limit = __atomic_load_n(&dump->over_limit, __ATOMIC_RELAXED),
		.lost = __atomic_load_n(&dump->refused, __ATOMIC_RELAXED),
	};

	for (unsigned i = 0; i < dump->writers; i++) {
		const struct buffer *b = &dump->buffers[i];

		sum.frames += b->frames;
		sum.lost += b->used == 0 ? b->frames - b->written_frames : 0;
	}
	return sum;
}

int pcapdump_fd(const struct pcapdump *dump)
{
	return dump->fd;
}

/* The first byte of the file that could not be written; its end when all could. */
static uint64_t first_gap(struct pcapdump *d)
{
	uint64_t gap = d->end & END_MASK;

	for (unsigned i = 0; i < d->writers; i++) {
		const struct buffer *b = &d->buffers[i];

		gap = b->used > 0 && b->place != NOT_PLACED && b->place < gap ? b->place : gap;
	}
	for (int link = 0; link < PCAPDUMP_LINK_COUNT; link++) {
		uint64_t place = d->interfaces[link] & END_MASK;

		gap = d->interfaces[link] != 0 && !d->has_interface[link] && place < gap ? place
		                                                                         : gap;
	}
	return gap;
}

void pcapdump_finish(struct pcapdump *dump)
{
	uint64_t end;

	for (unsigned i = 0; i < dump->writers; i++) {
		dump->retry_ns = dump->retry_ns != 0; /* long ago */
		pcapdump_flush(dump, i);
	}
	end = first_gap(dump);
	if (end < (dump->end & END_MASK) && ftruncate(dump->fd, (off_t)end) == 0) {
		log_error("%s: is cut off at byte %" PRIu64 ", since the frames from there on "
		          "could not all be written",
		          dump->path, end);
	}
	for (unsigned i = 0; i < dump->writers; i++) {
		dump->buffers[i].used = 0; /* and so they count as lost */
	}
}

void pcapdump_close(struct pcapdump *dump)
{
	if (dump == NULL) {
		return;
	}
	/* Readers want one interface at least, also in a file without frames. */
	if (dump->is_open && dump->format.is_pcapng && dump->end == header_bytes(dump)) {
		(void)declare(dump, 0);
	}
	if (dump->fd >= 0) {
		close(dump->fd);
	}
	shm_free(dump, dump->bytes);
}
