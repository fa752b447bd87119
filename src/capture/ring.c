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
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME_SIZE  32
#define NS_PER_SEC 1000000000u

struct ring {
	struct source source;
	char name[NAME_SIZE];
	int fd;
	int fanout_id;
	struct socket_ring memory;
	struct filter *filter;
	struct ring_progress *progress;
	unsigned next; /* block to be read next */
	bool has_next; /* false until this process has read for the first time */
	bool is_told;  /* that the ring contradicts itself */
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

/*
 * Frames of the block that a predecessor has already had. A process may be killed between any two
 * of these writes: the number of frames is reset before they are said to be of another block.
 */
static uint32_t begin_block(struct ring_progress *progress, uint64_t seq)
{
	if (progress->block_seq == seq) {
		return progress->frames_begun;
	}
	__atomic_store_n(&progress->frames_begun, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&progress->block_seq, seq, __ATOMIC_RELEASE);
	return 0;
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
		.has_vlan = (header->tp_status & TP_STATUS_VLAN_VALID) != 0,
		.vlan_tci = (uint16_t)header->hv1.tp_vlan_tci,
	};
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

			/* Before it is handed out: it shall not kill the successor too. */
			__atomic_store_n(&r->progress->frames_begun, i + 1, __ATOMIC_RELEASE);
			fn(user, &frame);
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
	uint32_t frames = block->hdr.bh1.num_pkts;
	uint32_t found = walk_block(r, block, fn, user);

	if (found != frames) {
		tell_torn(r, found, frames);
		r->progress->frames_torn += frames - found;
	}
	give_back(block);
	r->next = block_after(r, r->next);
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
	return filter_open(config->keep_classes, &r->filter, err);
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
	return fanout_join(r->fd, config->fanout_id, &r->fanout_id, err);
}

static int swap_filter(struct ring *r, const struct ring_config *config, struct err *err)
{
	(void)config;
	return filter_attach(r->filter, r->fd, err);
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

int ring_read_classes(const struct ring *ring, struct class_counter out_classes[FRAME_CLASS_COUNT])
{
	return filter_read_classes(ring->filter, out_classes);
}
