/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "blocks.h"

#include <passer/capture/link.h>

#include <linux/if_ether.h>
#include <sys/socket.h>

#define NS_PER_SEC       1000000000u
#define CACHE_LINE_BYTES 64

#define LOAD(number) __atomic_load_n(&(number), __ATOMIC_RELAXED)

bool block_is_ours(const struct tpacket_block_desc *block)
{
	uint32_t status = __atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE);

	return (status & TP_STATUS_USER) != 0;
}

void block_give_back(struct tpacket_block_desc *block)
{
	__atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
}

uint64_t block_seq(const struct tpacket_block_desc *block)
{
	return LOAD(block->hdr.bh1.seq_num);
}

struct block_walk block_begin(const struct socket_ring *memory,
                              const struct tpacket_block_desc *block)
{
	return (struct block_walk){
		.block = (const uint8_t *)block,
		.bytes = memory->block_bytes,
		.offset = LOAD(block->hdr.bh1.offset_to_first_pkt),
		.frames = LOAD(block->hdr.bh1.num_pkts),
	};
}

/* NULL: there is no room for one. */
static const struct tpacket3_hdr *header_at(const struct block_walk *w)
{
	if (w->offset % _Alignof(struct tpacket3_hdr) != 0 || w->bytes < TPACKET3_HDRLEN ||
	    w->offset > w->bytes - TPACKET3_HDRLEN) {
		return NULL;
	}
	return (const struct tpacket3_hdr *)(const void *)(w->block + w->offset);
}

/* False when its bytes are not in the block, behind the header. */
static bool frame_of(const struct block_walk *w, const struct tpacket3_hdr *header,
                     struct frame *out_frame)
{
	const uint8_t *base = (const uint8_t *)header;
	const struct sockaddr_ll *from =
		(const void *)(base + TPACKET_ALIGN(sizeof(struct tpacket3_hdr)));
	size_t begin = LOAD(header->tp_mac), len = LOAD(header->tp_snaplen);
	uint32_t status = LOAD(header->tp_status);

	if (begin < TPACKET3_HDRLEN || w->offset + begin + len > w->bytes) {
		return false;
	}
	*out_frame = (struct frame){
		.bytes = span_of(base + begin, len),
		.wire_bytes = header->tp_len,
		.link = link_type_of(from->sll_hatype),
		.time_ns = (uint64_t)header->tp_sec * NS_PER_SEC + header->tp_nsec,
		.interface = (uint32_t)from->sll_ifindex,
		.is_outgoing = from->sll_pkttype == PACKET_OUTGOING,
		.has_vlan = (status & TP_STATUS_VLAN_VALID) != 0,
		.vlan_tci = (uint16_t)header->hv1.tp_vlan_tci,
		.vlan_tpid = (status & TP_STATUS_VLAN_TPID_VALID) != 0 ? header->hv1.tp_vlan_tpid
	                                                               : ETH_P_8021Q,
	};
	return true;
}

/*
 * The frame that comes next, while this one is worked on: its header, and so much of it as has the
 * headers of most packets. An address that is nonsense does no harm.
 */
static void prefetch(const struct block_walk *w)
{
	const uint8_t *next = w->block + w->offset;

	__builtin_prefetch(next);
	__builtin_prefetch(next + CACHE_LINE_BYTES);
	__builtin_prefetch(next + 2 * CACHE_LINE_BYTES);
}

bool block_next(struct block_walk *walk, struct frame *out_frame)
{
	const struct tpacket3_hdr *header = walk->frames > 0 ? header_at(walk) : NULL;

	if (header == NULL || !frame_of(walk, header, out_frame)) {
		return false;
	}
	size_t step = LOAD(header->tp_next_offset);

	/* Less would be the same frame again. */
	walk->offset = step >= TPACKET3_HDRLEN ? walk->offset + step : walk->bytes;
	walk->frames--;
	prefetch(walk);
	return true;
}

static const struct tpacket_block_desc *find_ours(const struct socket_ring *memory, uint64_t seq)
{
	for (unsigned i = 0; i < memory->blocks; i++) {
		const struct tpacket_block_desc *block = block_at(memory, i);

		if (block_is_ours(block) && block_seq(block) == seq) {
			return block;
		}
	}
	return NULL;
}

bool blocks_find(const struct socket_ring *memory, uint64_t seq, uint32_t number,
                 struct frame *out_frame)
{
	const struct tpacket_block_desc *block = find_ours(memory, seq);

	if (block == NULL || number == 0) {
		return false;
	}
	struct block_walk walk = block_begin(memory, block);

	while (block_next(&walk, out_frame)) {
		if (--number == 0) {
			return true;
		}
	}
	return false;
}

/*
 * Of the blocks that are the kernel's, one is being filled: that which has the highest number of
 * all, unless it is the one that was read last, and the kernel has not gone on yet since the ring
 * was full.
 */
uint64_t blocks_waiting(const struct socket_ring *memory, uint64_t in_work, uint32_t begun)
{
	uint64_t newest_seq = 0, waiting = 0;
	uint32_t newest_frames = 0;

	for (unsigned i = 0; i < memory->blocks; i++) {
		const struct tpacket_block_desc *block = block_at(memory, i);
		bool is_waiting = block_is_ours(block);
		uint64_t seq = block_seq(block);
		uint32_t frames = LOAD(block->hdr.bh1.num_pkts);
		uint32_t given = seq == in_work ? begun : 0;

		waiting += is_waiting && frames > given ? frames - given : 0;
		if (seq > newest_seq) {
			newest_seq = seq;
			newest_frames = is_waiting || seq == in_work ? 0 : frames;
		}
	}
	return waiting + newest_frames;
}
