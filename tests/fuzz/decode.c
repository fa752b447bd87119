/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A frame: a byte for the link type, a tag that the kernel took out, the bytes. */
#include "fuzz.h"

#include <passer/decode/pkt.h>

static void check(const struct pkt *pkt)
{
	struct span all = pkt->frame->bytes, part = pkt->payload;

	fuzz_require(part.len == 0 ||
	             (part.data >= all.data && part.data + part.len <= all.data + all.len));
	fuzz_require(frame_class_name(pkt_class(pkt)) != NULL);
	(void)pkt_cast(pkt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_of(span_of(data, size));
	struct frame frame = {.link = cur_u8(&c) % LINK_TYPE_COUNT, .vlan_tci = cur_be16(&c)};
	struct decode_counters counters = {0};
	struct pkt pkts[2];
	unsigned at = 0;

	frame.has_vlan = frame.vlan_tci != 0;
	frame.vlan_tpid = 0x8100;
	frame.bytes = cur_rest(&c);
	frame.wire_bytes = (uint32_t)frame.bytes.len;
	pkt_decode(&pkts[0], &frame, &counters);
	do {
		check(&pkts[at]);
		at = 1 - at;
	} while (pkt_decode_inner(&pkts[at], &pkts[1 - at], &counters));
	(void)pkt_decode_quoted(&pkts[0], frame.bytes);
	return 0;
}
