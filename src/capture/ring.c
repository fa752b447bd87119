/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A block belongs to the kernel until it sets TP_STATUS_USER in its status, then to us until we set
 * the status to zero. That word is read with acquire and written with release order; of a block
 * that is not ours nothing else is read but its number.
 */
#include "fanout.h"
#include "filter.h"
#include "socket.h"
#include "syserr.h"

#include <passer/base/bug.h>
#include <passer/base/log.h>
#include <passer/capture/link.h>
#include <passer/capture/ring.h>

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME_SIZE  32
#define NS_PER_SEC 1000000000u

#define CACHE_LINE_BYTES 64

struct ring {
	struct source source;
	char name[NAME_SIZE];
	int fd;
	int fanout_id;
	struct socket_ring memory;
	struct filter *filter;
	enum link_type asked_link; /* frames that the expression was asked about; else UNKNOWN */
	struct ring_progress *progress;
	unsigned next;   /* block to be read next */
	unsigned behind; /* blocks from there on that were seen waiting, all in a row */
	bool has_next;   /* false until this process has read for the first time */
	bool is_told;    /* that the ring contradicts itself */
};

/* ---- Walking the ring ---- */

static struct tpacket_block_desc *block_at(const struct ring *r, unsigned index)
{
	return (struct tpacket_block_desc *)(r->memory.map + index * r->memory.block_bytes);
}

static bool is_ours(const struct tpacket_block_desc *block)
{
	uint32_t status = __atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE);

	return (status & TP_STATUS_USER) != 0;
}

static void give_back(struct tpacket_block_desc *block)
{
	__atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
}

static unsigned block_after(const struct ring *r, unsigned index)
{
	return index + 1 < r->memory.blocks ? index + 1 : 0;
}

/*
 * Where a new process goes on. The kernel goes round the blocks in order and numbers them from 1,
 * so it is at or behind the block that the predecessor had last. Only when that one is in use again
 * has the kernel gone all the way round, and then the oldest block that waits comes next.
 */
static unsigned find_next(const struct ring *r)
{
	uint64_t last = r->progress->block_seq;
	uint64_t oldest_seq = UINT64_MAX;
	unsigned oldest = 0;

	if (last == 0) {
		return 0;
	}
	for (unsigned i = 0; i < r->memory.blocks; i++) {
		const struct tpacket_block_desc *block = block_at(r, i);
		bool is_waiting = is_ours(block);
		uint64_t seq = __atomic_load_n(&block->hdr.bh1.seq_num, __ATOMIC_RELAXED);

		if (seq == last) {
			return is_waiting ? i : block_after(r, i);
		}
		if (is_waiting && seq < oldest_seq) {
			oldest_seq = seq;
			oldest = i;
		}
	}
	return oldest;
}

/* Frames of the block in work that have been handed out. */
static uint32_t frames_begun(const struct ring_progress *progress)
{
	return (uint32_t)(progress->frames - progress->frames_before);
}

/*
 * Returns how many frames of the block a predecessor has had. A process may be killed between any
 * two of these writes: the frames before it are summed up before the block is said to be another.
 */
static uint32_t begin_block(struct ring_progress *progress, uint64_t seq)
{
	if (progress->block_seq != seq) {
		__atomic_store_n(&progress->frames_before, progress->frames, __ATOMIC_RELEASE);
		__atomic_store_n(&progress->block_seq, seq, __ATOMIC_RELEASE);
	}
	return frames_begun(progress);
}

/* Written by the kernel, but to memory that we can write to as well: nothing in it is trusted. */
static const struct tpacket3_hdr *header_at(const struct ring *r,
                                            const struct tpacket_block_desc *block, size_t offset)
{
	if (offset % _Alignof(struct tpacket3_hdr) != 0 ||
	    offset + TPACKET3_HDRLEN > r->memory.block_bytes) {
		return NULL;
	}
	const uint8_t *at = (const uint8_t *)block + offset;
	const struct tpacket3_hdr *header = (const struct tpacket3_hdr *)(const void *)at;
	size_t end = offset + header->tp_mac + header->tp_snaplen;

	return header->tp_mac >= TPACKET3_HDRLEN && end <= r->memory.block_bytes ? header : NULL;
}

/*
 * The frame that comes next, while this one is worked on: its header, and so much of it as has the
 * headers of most packets. An address that is nonsense does no harm.
 */
static void prefetch_next(const struct tpacket3_hdr *header)
{
	const uint8_t *next = (const uint8_t *)header + header->tp_next_offset;

	__builtin_prefetch(next);
	__builtin_prefetch(next + CACHE_LINE_BYTES);
	__builtin_prefetch(next + 2 * CACHE_LINE_BYTES);
}

static struct frame frame_of(const struct tpacket3_hdr *header)
{
	const uint8_t *base = (const uint8_t *)header;
	const struct sockaddr_ll *from =
		(const void *)(base + TPACKET_ALIGN(sizeof(struct tpacket3_hdr)));

	return (struct frame){
		.bytes = span_of(base + header->tp_mac, header->tp_snaplen),
		.wire_bytes = header->tp_len,
		.link = link_type_of(from->sll_hatype),
		.time_ns = (uint64_t)header->tp_sec * NS_PER_SEC + header->tp_nsec,
		.interface = (uint32_t)from->sll_ifindex,
		.is_outgoing = from->sll_pkttype == PACKET_OUTGOING,
		.has_vlan = (header->tp_status & TP_STATUS_VLAN_VALID) != 0,
		.vlan_tci = (uint16_t)header->hv1.tp_vlan_tci,
		.vlan_tpid = (header->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0
	                             ? header->hv1.tp_vlan_tpid
	                             : ETH_P_8021Q,
	};
}

/* Of an interface that has changed its kind, what comes now was asked in the wrong way. */
static bool was_asked(const struct ring *r, enum link_type link)
{
	return r->asked_link != LINK_UNKNOWN && r->asked_link == link;
}

/* Returns the number of frames found: less than there should be when the ring contradicts itself.
 */
static uint32_t walk_block(struct ring *r, const struct tpacket_block_desc *block,
                           source_frame_fn *fn, void *user)
{
	uint32_t frames = block->hdr.bh1.num_pkts;
	uint32_t skipped = begin_block(r->progress, block->hdr.bh1.seq_num);
	size_t offset = block->hdr.bh1.offset_to_first_pkt;

	for (uint32_t i = 0; i < frames; i++) {
		const struct tpacket3_hdr *header = header_at(r, block, offset);

		if (header == NULL) {
			return i;
		}
		if (i >= skipped) {
			struct frame frame = frame_of(header);

			prefetch_next(header);
			frame.is_wanted = was_asked(r, frame.link);
			/* Before it is handed out: it shall not kill the successor too. */
			__atomic_store_n(&r->progress->frames, r->progress->frames + 1,
			                 __ATOMIC_RELEASE);
			__atomic_store_n(&r->progress->is_in_work, 1, __ATOMIC_RELEASE);
			fn(user, &frame);
			__atomic_store_n(&r->progress->is_in_work, 0, __ATOMIC_RELEASE);
		}
		if (i + 1 < frames && header->tp_next_offset < TPACKET3_HDRLEN) {
			return i + 1; /* would be the same frame again */
		}
		offset += header->tp_next_offset;
	}
	return frames;
}

static void tell_torn(struct ring *r, uint32_t found, uint32_t frames)
{
	if (!r->is_told) {
		r->is_told = true;
		log_error("capture: %s: a block of the ring contradicts itself: %u of %u frames "
		          "found",
		          r->name, found, frames);
	}
}

/* A block that was seen waiting waits until it is taken, so each is looked at once. */
static void note_waiting(struct ring *r)
{
	while (r->behind < r->memory.blocks &&
	       is_ours(block_at(r, (r->next + r->behind) % r->memory.blocks))) {
		r->behind++;
	}
	if (r->behind > r->progress->blocks_waiting_max) {
		__atomic_store_n(&r->progress->blocks_waiting_max, r->behind, __ATOMIC_RELAXED);
	}
}

/*
 * The socket holds ENETDOWN when its interface went down or away. The link monitor tells that; the
 * socket hears again by itself when the interface comes up.
 */
static int read_nothing(const struct ring *r, struct err *err)
{
	int error = socket_take_error(r->fd);

	if (error != 0 && error != ENETDOWN) {
		syserr_set(err, -error, "packet socket");
		return err_prefix(err, -error, r->name);
	}
	return SOURCE_IDLE;
}

static int ring_read(struct source *source, source_frame_fn *fn, void *user, struct err *err)
{
	struct ring *r = (struct ring *)source;

	if (!r->has_next) {
		r->next = find_next(r);
		r->has_next = true;
	}
	struct tpacket_block_desc *block = block_at(r, r->next);

	if (!is_ours(block)) {
		return read_nothing(r, err);
	}
	note_waiting(r);
	uint32_t frames = block->hdr.bh1.num_pkts;
	uint32_t found = walk_block(r, block, fn, user);

	if (found != frames) {
		tell_torn(r, found, frames);
		r->progress->frames_torn += frames - found;
	}
	give_back(block);
	r->next = block_after(r, r->next);
	r->behind--;
	return SOURCE_MORE;
}

static int ring_fd(const struct source *source)
{
	return ((const struct ring *)source)->fd;
}

static void ring_close_source(struct source *source)
{
	ring_close((struct ring *)source);
}

static const struct source_ops ring_ops = {
	.read = ring_read,
	.fd = ring_fd,
	.close = ring_close_source,
};

/* ---- Bringing it up ---- */

typedef int step_fn(struct ring *r, const struct ring_config *config, struct err *err);

static int load_filter(struct ring *r, const struct ring_config *config, struct err *err)
{
	const struct filter *sibling = config->sibling != NULL ? config->sibling->filter : NULL;

	return filter_open(config, sibling, &r->filter, err);
}

static int open_socket(struct ring *r, const struct ring_config *config, struct err *err)
{
	(void)config;
	return socket_open(&r->fd, err);
}

static int map_ring(struct ring *r, const struct ring_config *config, struct err *err)
{
	return socket_map_ring(r->fd, config, &r->memory, err);
}

static int mute(struct ring *r, const struct ring_config *config, struct err *err)
{
	int ret = socket_mute(r->fd);

	(void)config;
	return ret != 0 ? syserr_set(err, ret, "filter that rejects all") : 0;
}

static int bind_interface(struct ring *r, const struct ring_config *config, struct err *err)
{
	return socket_bind(r->fd, config->ifindex, err);
}

static int listen_promiscuous(struct ring *r, const struct ring_config *config, struct err *err)
{
	int ret = config->ifindex != 0 ? socket_add_promisc(r->fd, config->ifindex) : 0;

	return ret != 0 ? syserr_set(err, ret, "promiscuous mode") : 0;
}

static int join_group(struct ring *r, const struct ring_config *config, struct err *err)
{
	if (config->is_alone) {
		return 0;
	}
	return fanout_join(r->fd, config->fanout, config->fanout_id, &r->fanout_id, err);
}

/* How the frames of the interface begin that the socket is bound to; all interfaces: unknown. */
static enum link_type link_of(int fd)
{
	struct sockaddr_ll address = {0};
	socklen_t len = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
		return LINK_UNKNOWN;
	}
	return link_type_of(address.sll_hatype);
}

/* Told once for an interface, whatever the number of its rings. */
static void tell_not_asked(const struct ring_config *config, const struct err *err)
{
	if (config->fanout_id < 0) {
		log_warn("capture: %s: the filter expression is asked in user space: %s",
		         config->name, err->text);
	}
}

static int ask_expression(struct ring *r, const struct ring_config *config, struct err *err)
{
	enum link_type link = link_of(r->fd);
	struct err reason;

	(void)err;
	if (config->expression == NULL) {
		return 0;
	}
	if (filter_ask(r->filter, config->expression, link, &reason) == 0) {
		r->asked_link = link;
	} else {
		tell_not_asked(config, &reason);
	}
	return 0;
}

/* The memory that a socket has for its filter may do for the one, but not for the expression. */
static int swap_filter(struct ring *r, const struct ring_config *config, struct err *err)
{
	int ret = filter_attach(r->filter, r->fd, err);

	if (ret != 0 && filter_asks(r->filter)) {
		tell_not_asked(config, err);
		filter_ask_no_more(r->filter);
		r->asked_link = LINK_UNKNOWN;
		ret = filter_attach(r->filter, r->fd, err);
	}
	return ret;
}

/*
 * The order is the point. A socket without a protocol is deaf; one that is bound but not yet in its
 * group would hear what other members hear too, so it rejects everything until it is; and the last
 * step replaces one filter by the other while no frame is between them.
 */
static step_fn *const steps[] = {
	open_socket,        /* deaf; first, since its refusal takes one word, the filter's many */
	load_filter,        /* refused without CAP_BPF */
	map_ring,           /* must be there before the first frame */
	mute,               /* rejects everything */
	bind_interface,     /* the kernel begins to ask the filter */
	listen_promiscuous, /* slow: before the group counts on this member */
	ask_expression,     /* now that the kind of interface is known */
	join_group,         /* its share is lost until the next step */
	swap_filter,        /* hears */
};

int ring_open(const struct ring_config *config, struct ring **out_ring, struct err *err)
{
	int ret = -ENOMEM;

	if (passer_bug_on(config->progress == NULL || config->name == NULL)) {
		return err_set(err, -EINVAL, "ring without progress or name");
	}
	struct ring *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		return syserr_set(err, ret, config->name);
	}
	r->source.ops = &ring_ops;
	r->fd = -1;
	r->fanout_id = -1;
	r->progress = config->progress;
	*r->progress = (struct ring_progress){0};
	snprintf(r->name, sizeof(r->name), "%s", config->name);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		ret = steps[i](r, config, err);
		if (ret != 0) {
			err_prefix(err, ret, config->name);
			goto fail;
		}
	}
	*out_ring = r;
	return 0;
fail:
	ring_close(r);
	return ret;
}

void ring_close(struct ring *ring)
{
	if (ring == NULL) {
		return;
	}
	socket_unmap_ring(&ring->memory);
	if (ring->fd >= 0) {
		close(ring->fd);
	}
	filter_close(ring->filter);
	free(ring);
}

/* ---- What others ask of it ---- */

struct source *ring_source(struct ring *ring)
{
	return &ring->source;
}

int ring_fanout_id(const struct ring *ring)
{
	return ring->fanout_id;
}

size_t ring_bytes(const struct ring *ring)
{
	return ring->memory.blocks * ring->memory.block_bytes;
}

int ring_add_promisc(struct ring *ring, unsigned ifindex)
{
	return socket_add_promisc(ring->fd, ifindex);
}

int ring_mute(struct ring *ring)
{
	return socket_mute(ring->fd);
}

int ring_read_counters(struct ring *ring, struct ring_counters *counters)
{
	struct tpacket_stats_v3 stats;
	socklen_t len = sizeof(stats);

	if (getsockopt(ring->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) != 0) {
		return -errno;
	}
	counters->packets += stats.tp_packets;
	counters->drops += stats.tp_drops;
	counters->freezes += stats.tp_freeze_q_cnt;
	return 0;
}

int ring_set_selection(struct ring *ring, const struct ring_selection *selection)
{
	return filter_set_selection(ring->filter, selection);
}

int ring_read_filter(const struct ring *ring, struct filter_counters *out_counters)
{
	return filter_read(ring->filter, out_counters);
}

/* The block that was being walked; NULL: it has been given back. */
static const struct tpacket_block_desc *block_in_work(const struct ring *ring)
{
	for (unsigned i = 0; i < ring->memory.blocks; i++) {
		const struct tpacket_block_desc *block = block_at(ring, i);

		if (is_ours(block) && block->hdr.bh1.seq_num == ring->progress->block_seq) {
			return block;
		}
	}
	return NULL;
}

bool ring_frame_in_work(const struct ring *ring, struct frame *out_frame)
{
	const struct tpacket_block_desc *block = block_in_work(ring);
	uint32_t number = frames_begun(ring->progress);

	if (ring->progress->is_in_work == 0 || block == NULL || number == 0 ||
	    number > block->hdr.bh1.num_pkts) {
		return false;
	}
	size_t offset = block->hdr.bh1.offset_to_first_pkt;
	const struct tpacket3_hdr *header = header_at(ring, block, offset);

	for (uint32_t i = 1; i < number && header != NULL; i++) {
		offset += header->tp_next_offset;
		header = header_at(ring, block, offset);
	}
	if (header == NULL) {
		return false;
	}
	*out_frame = frame_of(header);
	return true;
}

/* Both go on meanwhile: the block in work may be another one by now. */
static uint32_t frames_left(const struct ring *ring, uint32_t frames, bool is_in_work)
{
	uint32_t begun = is_in_work ? frames_begun(ring->progress) : 0;

	return frames > begun ? frames - begun : 0;
}

/*
 * Of the blocks that are the kernel's, one is being filled: that which has the highest number of
 * all, unless it is the one that was read last, and the kernel has not gone on yet since the ring
 * was full.
 */
uint64_t ring_waiting(const struct ring *ring)
{
	uint64_t in_work = __atomic_load_n(&ring->progress->block_seq, __ATOMIC_RELAXED);
	uint64_t newest_seq = 0, waiting = 0;
	uint32_t newest_frames = 0;

	for (unsigned i = 0; i < ring->memory.blocks; i++) {
		const struct tpacket_block_desc *block = block_at(ring, i);
		bool is_waiting = is_ours(block);
		uint64_t seq = __atomic_load_n(&block->hdr.bh1.seq_num, __ATOMIC_RELAXED);
		uint32_t frames = __atomic_load_n(&block->hdr.bh1.num_pkts, __ATOMIC_RELAXED);

		waiting += is_waiting ? frames_left(ring, frames, seq == in_work) : 0;
		if (seq > newest_seq) {
			newest_seq = seq;
			newest_frames = is_waiting || seq == in_work ? 0 : frames;
		}
	}
	return waiting + newest_frames;
}
