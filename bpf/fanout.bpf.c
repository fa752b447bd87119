/* SPDX-License-Identifier: (GPL-3.0-or-later OR GPL-2.0-only) */
/*
 * Fanout selector (packet(7), PACKET_FANOUT_EBPF): says which member of the group gets a frame. The
 * two addresses decide, in whichever order, so that both directions of all that two hosts say to
 * one another, fragments included, come to the same worker. What is not IP comes to the first.
 */
#include "parse.bpf.h"

#define IPV4_SOURCE 12
#define IPV6_SOURCE 8
#define IPV6_WORDS  4

char LICENSE[] SEC("license") = "GPL";

/* The last steps of MurmurHash3: every bit of the input moves half of the output. */
static __always_inline __u32 mix(__u32 h)
{
	h ^= h >> 16;
	h *= 0x85ebca6b;
	h ^= h >> 13;
	h *= 0xc2b2ae35;
	h ^= h >> 16;
	return h;
}

static __always_inline __u32 hash_address(const __u32 *words, int count)
{
	__u32 h = 0;

	for (int i = 0; i < count; i++) {
		h = mix(h ^ words[i]) + 0x9e3779b9;
	}
	return h;
}

static __always_inline __u32 hash_pair(const __u32 *words, int words_per_address)
{
	return mix(hash_address(words, words_per_address) +
	           hash_address(words + words_per_address, words_per_address));
}

/* The kernel takes the result modulo the number of members. */
SEC("socket")
int passer_fanout(struct __sk_buff *skb)
{
	__u32 pair[2 * IPV6_WORDS];
	struct place at;
	__u16 ethertype;

	if (!find_network(skb, skb->pkt_type == PACKET_OUTGOING, &at, &ethertype)) {
		return 0;
	}
	switch (ethertype) {
	case ETHERTYPE_IPV4:
		at.offset += IPV4_SOURCE;
		return load(skb, &at, pair, 2 * sizeof(__u32)) ? hash_pair(pair, 1) : 0;
	case ETHERTYPE_IPV6:
		at.offset += IPV6_SOURCE;
		return load(skb, &at, pair, sizeof(pair)) ? hash_pair(pair, IPV6_WORDS) : 0;
	default:
		return 0;
	}
}
