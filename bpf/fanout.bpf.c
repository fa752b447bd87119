/* SPDX-License-Identifier: (GPL-3.0-or-later OR GPL-2.0-only) */
/*
 * Fanout selector (packet(7), PACKET_FANOUT_EBPF): says which member of the group gets a frame. The
 * two addresses decide, in whichever order, so that both directions of all that two hosts say to
 * one another, fragments included, come to the same worker. Of a packet in a tunnel its own
 * addresses decide, since the ends of the tunnel may differ from one direction to the other. What
 * is not IP comes to the first.
 */
#include "parse.bpf.h"

#define PORTS_BYTES 4

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

static __always_inline __u32 hash_pair(const struct packet *p)
{
	const __u32 *words = p->addresses;

	return p->is_v6 ? mix(hash_address(words, 4) + hash_address(words + 4, 4))
	                : mix(hash_address(words, 1) + hash_address(words + 1, 1));
}

static __always_inline enum tunnel enter_tunnel(const struct __sk_buff *skb, struct packet *p)
{
	__u8 ports[PORTS_BYTES];

	if (p->proto == PROTO_TCP) {
		return TUNNEL_NONE;
	}
	if (p->proto != PROTO_UDP) {
		return enter_ip(skb, p);
	}
	return load(skb, &p->at, ports, sizeof(ports))
	               ? enter_udp(skb, p, be16(ports), be16(ports + 2))
	               : TUNNEL_NONE;
}

/* The kernel takes the result modulo the number of members. */
SEC("socket")
int passer_fanout(struct __sk_buff *skb)
{
	struct packet p;
	__u32 hash = 0;

	begin_packet(skb, skb->pkt_type == PACKET_OUTGOING, &p);
	for (int depth = 0; depth < 2; depth++) {
		if (!read_link(skb, &p) || !is_ip(p.ethertype)) {
			break;
		}
		enum reach reach = read_ip(skb, &p);

		if (reach == REACH_NOTHING) {
			break;
		}
		hash = hash_pair(&p);
		if (reach != REACH_UPPER || enter_tunnel(skb, &p) != TUNNEL_OPEN) {
			break;
		}
	}
	return hash;
}
