/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "blocks.h"
#include "fanout.h"
#include "filter.h"
#include "socket.h"
#include "stock.h"
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

#define NAME_SIZE 32

struct ring {
	struct source source;
	char name[NAME_SIZE];
	int fd;
	int fanout_id;
	struct socket_ring memory;
	struct ring_stock *stock;
	struct ring_stock *own_stock; /* NULL: that is another's */
	bool has_expression;          /* the filter asks it */
	enum link_type asked_link;    /* frames that it was asked about; else UNKNOWN */
	struct ring_progress *progress;
	unsigned next;   /* block to be read next */
	unsigned behind; /* blocks from there on that were seen waiting, all in a row */
	bool has_next;   /* false until this process has read for the first time */
	bool is_told;    /* that the ring contradicts itself */
};

/* ---- Walking the ring ---- */

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
		const struct tpacket_block_desc *block = block_at(&r->memory, i);
		bool is_waiting = block_is_ours(block);
		uint64_t seq = block_seq(block);

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

/* Of an interface that has changed its kind, what comes now was asked in the wrong way. */
static bool was_asked(const struct ring *r, enum link_type link)
{
	return r->asked_link != LINK_UNKNOWN && r->asked_link == link;
}

/* Returns the number of frames found: less than there should be when the ring contradicts itself.
 */
static uint32_t walk_block(struct ring *r, struct block_walk *walk, uint64_t seq,
                           source_frame_fn *fn, void *user)
{
	uint32_t skipped = begin_block(r->progress, seq);
	struct frame frame;
	uint32_t i = 0;

	for (; block_next(walk, &frame); i++) {
		if (i < skipped) {
			continue;
		}
		frame.is_wanted = was_asked(r, frame.link);
		/* Before it is handed out: it shall not kill the successor too. */
		__atomic_store_n(&r->progress->frames, r->progress->frames + 1, __ATOMIC_RELEASE);
		__atomic_store_n(&r->progress->is_in_work, 1, __ATOMIC_RELEASE);
		fn(user, &frame);
		__atomic_store_n(&r->progress->is_in_work, 0, __ATOMIC_RELEASE);
	}
	return i;
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
	       block_is_ours(block_at(&r->memory, (r->next + r->behind) % r->memory.blocks))) {
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
	struct tpacket_block_desc *block = block_at(&r->memory, r->next);

	if (!block_is_ours(block)) {
		return read_nothing(r, err);
	}
	note_waiting(r);
	struct block_walk walk = block_begin(&r->memory, block);
	uint32_t frames = walk.frames;
	uint32_t found = walk_block(r, &walk, block_seq(block), fn, user);

	if (found != frames) {
		tell_torn(r, found, frames);
		r->progress->frames_torn += frames - found;
	}
	block_give_back(block);
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

static int take_socket(struct ring *r, const struct ring_config *config, struct err *err)
{
	(void)config;
	return stock_take_socket(r->stock, &r->fd, err);
}

/* A ring before this one may have had another. */
static int select_classes(struct ring *r, const struct ring_config *config, struct err *err)
{
	int ret = filter_set_selection(r->stock->filter, &config->selection);

	return ret != 0 ? syserr_set(err, ret, "settings of the eBPF filter") : 0;
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
	return fanout_join(r->fd, config->fanout, config->fanout_id, r->stock->selector,
	                   &r->fanout_id, err);
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
	r->has_expression = filter_can_ask(r->stock->filter, link, &reason);
	if (r->has_expression) {
		r->asked_link = link;
	} else {
		tell_not_asked(config, &reason);
	}
	return 0;
}

/* The memory that a socket has for its filter may do for the one, but not for the expression. */
static int swap_filter(struct ring *r, const struct ring_config *config, struct err *err)
{
	int ret = filter_attach(r->stock->filter, r->fd, r->has_expression, err);

	if (ret != 0 && r->has_expression) {
		tell_not_asked(config, err);
		r->has_expression = false;
		r->asked_link = LINK_UNKNOWN;
		ret = filter_attach(r->stock->filter, r->fd, false, err);
	}
	return ret;
}

/*
 * The order is the point. A socket without a protocol is deaf; one that is bound but not yet in its
 * group would hear what other members hear too, so it rejects everything until it is; and the last
 * step replaces one filter by the other while no frame is between them.
 */
static step_fn *const steps[] = {
	take_socket, /* deaf */
	select_classes,
	map_ring,           /* must be there before the first frame */
	mute,               /* rejects everything */
	bind_interface,     /* the kernel begins to ask the filter */
	listen_promiscuous, /* slow: before the group counts on this member */
	ask_expression,     /* now that the kind of interface is known */
	join_group,         /* its share is lost until the next step */
	swap_filter,        /* hears */
};

static int find_stock(struct ring *r, const struct ring_config *config, struct err *err)
{
	int ret = config->stock == NULL ? ring_stock_open(config, &r->own_stock, err) : 0;

	r->stock = config->stock != NULL ? config->stock : r->own_stock;
	return ret;
}

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
	ret = find_stock(r, config, err);
	if (ret != 0) {
		goto fail;
	}
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
	if (ring->fd >= 0 && ring->fanout_id < 0 && ring->own_stock == NULL) {
		stock_put_socket(ring->stock, ring->fd);
	} else if (ring->fd >= 0) {
		close(ring->fd);
	}
	ring_stock_close(ring->own_stock);
	free(ring);
}

/* ---- What others ask of it ---- */

const struct ring_stock *ring_stock_of(const struct ring *ring)
{
	return ring->stock;
}

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
	return filter_set_selection(ring->stock->filter, selection);
}

int ring_read_filter(const struct ring *ring, struct filter_counters *out_counters)
{
	return filter_read(ring->stock->filter, out_counters);
}

bool ring_frame_in_work(const struct ring *ring, struct frame *out_frame)
{
	const struct ring_progress *progress = ring->progress;

	return progress->is_in_work != 0 &&
	       blocks_find(&ring->memory, progress->block_seq, frames_begun(progress), out_frame);
}

uint64_t ring_waiting(const struct ring *ring)
{
	uint64_t in_work = __atomic_load_n(&ring->progress->block_seq, __ATOMIC_RELAXED);

	return blocks_waiting(&ring->memory, in_work, frames_begun(ring->progress));
}
