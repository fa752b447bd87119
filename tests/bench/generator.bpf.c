// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Fills each frame that BPF_PROG_TEST_RUN hands out (BPF_F_TEST_XDP_LIVE_FRAMES,
 * Documentation/bpf/bpf_prog_run.rst) from the next template, and passes it to the stack as if the
 * interface had received it. For one CPU at a time.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "generator_abi.h"

#define LOW_CYCLES 254 /* as many fit into the low word of an address */
#define ARP_MAC_AT 24  /* the last four bytes of the sender's MAC */
#define ARP_IP_AT  28

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TEMPLATES_MAX);
	__type(key, __u32);
	__type(value, struct frame_template);
} templates SEC(".maps");

const volatile __u32 template_count = 1;
const volatile __u32 frame_bytes = FRAME_MIN; /* of the frames that are handed out */

const volatile __u32 cycles_max = 1; /* then the hosts of the first cycle come again */

__u32 next_template;
__u32 cycle;

static __always_inline void *at(struct xdp_md *xdp, __u32 offset)
{
	void *pos = (void *)(long)xdp->data;

	if (offset > ADDRESS_AT_MAX) {
		return 0;
	}
	pos += offset;
	return pos + sizeof(__be32) <= (void *)(long)xdp->data_end ? pos : 0;
}

static __always_inline void add(struct xdp_md *xdp, __u32 offset, __u32 words)
{
	__be32 *address = at(xdp, offset);

	if (address) {
		*address = bpf_htonl(bpf_ntohl(*address) + words);
	}
}

static __always_inline void renumber(struct xdp_md *xdp, const struct frame_template *t)
{
	__u32 words = cycle / LOW_CYCLES << 16 | cycle % LOW_CYCLES << 8;

	add(xdp, t->low_at, words);
	add(xdp, t->high_at, -words);
	if (t->is_arp) {
		__be32 *mac = at(xdp, ARP_MAC_AT);
		__be32 *ip = at(xdp, ARP_IP_AT);

		if (mac && ip) {
			*mac = *ip;
		}
	}
}

static __always_inline const struct frame_template *take_template(void)
{
	__u32 index = next_template;

	next_template = index + 1;
	if (next_template >= template_count) {
		next_template = 0;
		cycle = cycle + 1 < cycles_max ? cycle + 1 : 0;
	}
	return bpf_map_lookup_elem(&templates, &index);
}

SEC("xdp")
int generate(struct xdp_md *xdp)
{
	const struct frame_template *t = take_template();

	if (!t || bpf_xdp_adjust_tail(xdp, (int)t->length - (int)frame_bytes)) {
		return XDP_ABORTED;
	}

	__u32 bytes = t->head_bytes;

	if (bytes < FRAME_MIN || bytes > HEAD_BYTES ||
	    bpf_xdp_store_bytes(xdp, 0, (void *)t->head, bytes)) {
		return XDP_ABORTED;
	}
	if (t->low_at) {
		renumber(xdp, t);
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
