/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The memory of a ring, which the kernel writes and every worker can: number of the frame that is
 * looked for, sequence number of its block, then two blocks of equal size.
 */
#include "fuzz.h"

#include "capture/blocks.h"

static unsigned sum; /* so that each byte is read */

static void walk(const struct socket_ring *memory, unsigned index)
{
	struct block_walk w = block_begin(memory, block_at(memory, index));
	struct frame frame;
	uint32_t found = 0;

	for (; block_next(&w, &frame); found++) {
		for (size_t i = 0; i < frame.bytes.len; i++) {
			sum += frame.bytes.data[i];
		}
	}
	fuzz_require(found <= memory->block_bytes / TPACKET3_HDRLEN + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct socket_ring memory = {.blocks = 2,
	                             .block_bytes = size > 2 ? (size - 2) / 32 * 16 : 0};
	struct frame frame;

	if (memory.block_bytes < sizeof(struct tpacket_block_desc)) {
		return 0;
	}
	memory.map = malloc(2 * memory.block_bytes);
	fuzz_require(memory.map != NULL);
	memcpy(memory.map, data + 2, 2 * memory.block_bytes);
	walk(&memory, 0);
	walk(&memory, 1);
	if (blocks_find(&memory, data[1], data[0], &frame)) {
		fuzz_require(frame.bytes.data >= memory.map &&
		             frame.bytes.len <= memory.block_bytes);
	}
	(void)blocks_waiting(&memory, data[1], data[0]);
	free(memory.map);
	return 0;
}
