/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to capture/: the blocks of a TPACKET_V3 ring, read where they lie (the kernel's
 * Documentation/networking/packet_mmap.rst).
 *
 * The kernel writes them, but every process that maps them can, too: what a number says is checked
 * when it has been loaded, and it is loaded once. Nothing outside the memory is read, and each walk
 * has an end.
 *
 * A block belongs to the kernel until it sets TP_STATUS_USER in its status, then to us until we set
 * the status to zero. That word is read with acquire and written with release order; of a block
 * that is not ours nothing else is read but its number.
 */
#pragma once

#include "socket.h"

#include <linux/if_packet.h>

static inline struct tpacket_block_desc *block_at(const struct socket_ring *memory, unsigned index)
{
	return (struct tpacket_block_desc *)(memory->map + index * memory->block_bytes);
}

/* Ours, not the kernel's? */
bool block_is_ours(const struct tpacket_block_desc *block);
void block_give_back(struct tpacket_block_desc *block);
uint64_t block_seq(const struct tpacket_block_desc *block);

/* A walk over the frames of a block. */
struct block_walk {
	const uint8_t *block;
	size_t bytes;    /* of the block */
	size_t offset;   /* of the next frame's header */
	uint32_t frames; /* there should be so many from here on */
};

struct block_walk block_begin(const struct socket_ring *memory,
                              const struct tpacket_block_desc *block);

/*
 * The next frame, borrowed until the block is given back; is_wanted is left to the caller. False at
 * the end, and when the block contradicts itself: walk->frames is not 0 then.
 */
bool block_next(struct block_walk *walk, struct frame *out_frame);

/* The frame with this number, counted from 1, of the block with this sequence number. */
bool blocks_find(const struct socket_ring *memory, uint64_t seq, uint32_t number,
                 struct frame *out_frame);

/*
 * Frames that nobody was given yet, when `begun` of those of the block `in_work` were. Kernel and
 * worker go on meanwhile.
 */
uint64_t blocks_waiting(const struct socket_ring *memory, uint64_t in_work, uint32_t begun);
