/* SPDX-License-Identifier: (GPL-3.0-or-later OR GPL-2.0-only) */
/*
 * What both eBPF programs need to find their way in a frame. Nothing here knows the type of the
 * interface: the kernel tells the ethertype and where the network header is, and that holds for
 * Ethernet, loopback and tunnels alike. All values are in host order.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define PACKET_OUTGOING 4 /* of <linux/if_packet.h>: a copy of what this host sends */

#define ETHERTYPE_IPV4         0x0800
#define ETHERTYPE_ARP          0x0806
#define ETHERTYPE_VLAN         0x8100
#define ETHERTYPE_IPV6         0x86dd
#define ETHERTYPE_SERVICE_VLAN 0x88a8
#define ETHERTYPE_OLD_QINQ     0x9100

#define MAC_BYTES       14 /* of an Ethernet header, with its type field */
#define MAC_TYPE_OFFSET 12
#define TAG_BYTES       4
#define TAGS_IN_BAND    3 /* most tags walked; the kernel may have taken another one out */

#define IPV4_MIN_BYTES 20
#define IPV6_BYTES     40

/*
 * A position in the frame, counted from the MAC header or from the network header. Without padding:
 * the verifier refuses to copy it where CAP_PERFMON is missing.
 */
struct place {
	__u32 base; /* BPF_HDR_START_* */
	__u32 offset;
	__u32 data_is_mac; /* skb->data is at the MAC header where there is one, else behind it */
};

static __always_inline __u16 be16(const __u8 *p)
{
	return (__u16)(p[0] << 8 | p[1]);
}

/* Only asked where the type is not that of a tag. A tunnel has an address at that place. */
static __always_inline bool is_ethernet(const struct __sk_buff *skb)
{
	__u8 type[2];

	return bpf_skb_load_bytes_relative(skb, MAC_TYPE_OFFSET, type, sizeof(type),
	                                   BPF_HDR_START_MAC) == 0 &&
	       be16(type) == bpf_ntohs((__u16)skb->protocol);
}

/*
 * The load relative to a header reaches the linear part of the packet only, and some drivers and
 * PACKET_TX_RING put nothing there but the MAC header. The load from skb->data reaches everything.
 */
static __noinline bool load_far(const struct __sk_buff *skb, const struct place *at, void *to,
                                __u32 len)
{
	__u32 offset = at->offset;

	if (at->base == BPF_HDR_START_MAC) {
		offset -= at->data_is_mac ? 0 : MAC_BYTES;
	} else if (at->data_is_mac && is_ethernet(skb)) {
		offset += MAC_BYTES;
	}
	return bpf_skb_load_bytes(skb, offset, to, len) == 0;
}

/* All `len` bytes or none. */
static __always_inline bool load(const struct __sk_buff *skb, const struct place *at, void *to,
                                 __u32 len)
{
	return bpf_skb_load_bytes_relative(skb, at->offset, to, len, at->base) == 0 ||
	       load_far(skb, at, to, len);
}

static __always_inline bool is_tag(__u16 ethertype)
{
	return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_SERVICE_VLAN ||
	       ethertype == ETHERTYPE_OLD_QINQ;
}

/*
 * Finds the header behind all tags. False when they break off; after too many of them the type that
 * is told is that of a tag.
 *
 * As long as a tag is in band, the network header is of no use: of a received frame it stands
 * before the tag's value, of an outgoing one behind the last tag. Only Ethernet has tags, so the
 * way leads from the MAC header then.
 */
static __always_inline bool find_network(const struct __sk_buff *skb, bool data_is_mac,
                                         struct place *out_at, __u16 *out_ethertype)
{
	__u16 ethertype = bpf_ntohs((__u16)skb->protocol);
	struct place at = {.base = BPF_HDR_START_NET, .data_is_mac = data_is_mac};

	if (is_tag(ethertype)) {
		at.base = BPF_HDR_START_MAC;
		at.offset = MAC_TYPE_OFFSET;
		for (int i = 0; i <= TAGS_IN_BAND; i++) {
			__u8 type[2];

			if (!load(skb, &at, type, sizeof(type))) {
				return false;
			}
			ethertype = be16(type);
			if (!is_tag(ethertype)) {
				break;
			}
			at.offset += TAG_BYTES;
		}
		at.offset += sizeof(__u16);
	}
	*out_at = at;
	*out_ethertype = ethertype;
	return true;
}
