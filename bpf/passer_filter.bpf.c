/* SPDX-License-Identifier: (GPL-3.0-or-later OR GPL-2.0-only) */
/*
 * Socket filter: gives every frame its class, counts it and keeps it when the class is wanted.
 * It looks at the outermost IP header only, never into a tunnel, and keeps no state of flows.
 * pkt_class() in src/decode/class.c gives the same classes in user space.
 *
 * Packet bytes are read with one load of 40 bytes where that is enough (IPv4 without options and a
 * TCP header), which is the cheapest way that a socket filter has.
 */
#include "parse.bpf.h"

#include <passer/bpf_abi.h>

#define TCP_MIN_BYTES  20
#define UDP_PORT_BYTES 4

#define IPV4_OFFSET     0x1fff
#define IPV6_OFFSET     0xfff8
#define EXTENSION_BYTES 8 /* of the shortest IPv6 extension header, and unit of the others */
#define EXTENSIONS_MAX  6

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

enum ip_proto {
	PROTO_HOP_BY_HOP = 0,
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_ICMP6 = 58,
	PROTO_DESTINATION = 60,
	PROTO_MOBILITY = 135,
};

char LICENSE[] SEC("license") = "GPL";

const volatile struct filter_config config = {.keep_classes = 0xffffffff};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FRAME_CLASS_COUNT);
	__type(key, __u32);
	__type(value, struct class_counter);
} class_counters SEC(".maps");

/* Where the upper header begins, and how long it is with its payload by the IP header's word. */
struct upper {
	struct place at;
	__u32 len;
	bool has_len; /* false in what segmentation offload left too long for the field */
};

static __always_inline bool has_payload(const struct __sk_buff *skb, const struct upper *upper,
                                        __u32 header_len)
{
	struct place end = upper->at;
	__u8 byte;

	if (upper->has_len) {
		return upper->len > header_len;
	}
	end.offset += header_len;
	return load(skb, &end, &byte, sizeof(byte));
}

static __always_inline enum frame_class tcp_class(const struct __sk_buff *skb,
                                                  const struct upper *upper, const __u8 *header)
{
	__u32 header_len = (__u32)(header[12] >> 4) * 4;
	__u8 flags = header[13];

	if (header_len < TCP_MIN_BYTES) {
		return FRAME_CLASS_SHORT;
	}
	switch (flags & (TCP_ACK | TCP_RST | TCP_SYN | TCP_FIN)) {
	case TCP_ACK:
		return has_payload(skb, upper, header_len) ? FRAME_CLASS_TCP_ACK_DATA
		                                           : FRAME_CLASS_TCP_ACK_EMPTY;
	case TCP_SYN:
		return FRAME_CLASS_TCP_SYN;
	case TCP_SYN | TCP_ACK:
		return FRAME_CLASS_TCP_SYNACK;
	case TCP_FIN:
	case TCP_FIN | TCP_ACK:
		return FRAME_CLASS_TCP_FIN;
	case TCP_RST:
	case TCP_RST | TCP_ACK:
		return FRAME_CLASS_TCP_RST;
	default:
		return FRAME_CLASS_TCP_ODD;
	}
}

static __always_inline bool is_dns_port(__u16 port)
{
	return port == 53 || port == 5353 || port == 5355;
}

static __always_inline bool is_dhcp_port(__u16 port)
{
	return port == 67 || port == 68 || port == 546 || port == 547;
}

static __always_inline enum frame_class udp_class(const __u8 *header)
{
	__u16 sport = be16(header);
	__u16 dport = be16(header + 2);

	if (is_dns_port(sport) || is_dns_port(dport)) {
		return FRAME_CLASS_UDP_DNS;
	}
	return is_dhcp_port(sport) || is_dhcp_port(dport) ? FRAME_CLASS_UDP_DHCP : FRAME_CLASS_UDP;
}

/* The class by the upper header, which is read from the frame. */
static __always_inline enum frame_class upper_class(const struct __sk_buff *skb,
                                                    const struct upper *upper, __u8 proto,
                                                    __u8 icmp_proto, enum frame_class icmp_class)
{
	__u8 header[TCP_MIN_BYTES];

	if (proto == PROTO_TCP) {
		return load(skb, &upper->at, header, TCP_MIN_BYTES) ? tcp_class(skb, upper, header)
		                                                    : FRAME_CLASS_SHORT;
	}
	if (proto == PROTO_UDP) {
		return load(skb, &upper->at, header, UDP_PORT_BYTES) ? udp_class(header)
		                                                     : FRAME_CLASS_SHORT;
	}
	return proto == icmp_proto ? icmp_class : FRAME_CLASS_IP_OTHER;
}

static __always_inline enum frame_class ipv4_class(const struct __sk_buff *skb, struct place at)
{
	__u8 ip[IPV4_MIN_BYTES + TCP_MIN_BYTES];
	bool has_tcp = load(skb, &at, ip, sizeof(ip));

	if (!has_tcp && !load(skb, &at, ip, IPV4_MIN_BYTES)) {
		return FRAME_CLASS_SHORT;
	}
	__u32 header_len = (__u32)(ip[0] & 15) * 4;
	__u32 total_len = be16(ip + 2);

	if (ip[0] >> 4 != 4 || header_len < IPV4_MIN_BYTES) {
		return FRAME_CLASS_SHORT;
	}
	if ((be16(ip + 6) & IPV4_OFFSET) != 0) {
		return FRAME_CLASS_FRAGMENT;
	}
	struct upper upper = {.at = at, .has_len = total_len >= header_len};

	upper.at.offset += header_len;
	upper.len = total_len - header_len;
	if (has_tcp && header_len == IPV4_MIN_BYTES && ip[9] == PROTO_TCP) {
		return tcp_class(skb, &upper, ip + IPV4_MIN_BYTES);
	}
	return upper_class(skb, &upper, ip[9], PROTO_ICMP, FRAME_CLASS_ICMP);
}

static __always_inline bool is_extension(__u8 proto)
{
	return proto == PROTO_HOP_BY_HOP || proto == PROTO_ROUTING || proto == PROTO_FRAGMENT ||
	       proto == PROTO_DESTINATION || proto == PROTO_MOBILITY;
}

/* Moves behind the extension header. False when it runs past the packet or the frame. */
static __always_inline bool pass_extension(const struct __sk_buff *skb, struct upper *upper,
                                           __u32 len)
{
	struct place last = upper->at;
	__u8 byte;

	last.offset += len - 1;
	if ((upper->has_len && upper->len < len) || !load(skb, &last, &byte, sizeof(byte))) {
		return false;
	}
	upper->at.offset += len;
	upper->len -= len;
	return true;
}

static __always_inline enum frame_class ipv6_class(const struct __sk_buff *skb, struct place at)
{
	__u8 ip[IPV6_BYTES];

	if (!load(skb, &at, ip, sizeof(ip)) || ip[0] >> 4 != 6) {
		return FRAME_CLASS_SHORT;
	}
	struct upper upper = {.at = at, .len = be16(ip + 4)};
	__u8 proto = ip[6];

	upper.has_len = upper.len != 0; /* 0 in jumbograms, RFC 2675 */
	upper.at.offset += IPV6_BYTES;
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(proto); i++) {
		__u8 ext[EXTENSION_BYTES];
		__u32 len = EXTENSION_BYTES;

		if (!load(skb, &upper.at, ext, sizeof(ext))) {
			return FRAME_CLASS_SHORT;
		}
		if (proto != PROTO_FRAGMENT) {
			len += ext[1] * EXTENSION_BYTES;
		}
		if (!pass_extension(skb, &upper, len)) {
			return FRAME_CLASS_SHORT;
		}
		if (proto == PROTO_FRAGMENT && (be16(ext + 2) & IPV6_OFFSET) != 0) {
			return FRAME_CLASS_FRAGMENT;
		}
		proto = ext[0];
	}
	if (is_extension(proto)) {
		return FRAME_CLASS_SHORT;
	}
	return upper_class(skb, &upper, proto, PROTO_ICMP6, FRAME_CLASS_ICMP6);
}

static __always_inline enum frame_class classify(const struct __sk_buff *skb)
{
	struct place at;
	__u16 ethertype;

	if (!find_network(skb, true, &at, &ethertype)) {
		return FRAME_CLASS_SHORT;
	}
	switch (ethertype) {
	case ETHERTYPE_IPV4:
		return ipv4_class(skb, at);
	case ETHERTYPE_IPV6:
		return ipv6_class(skb, at);
	case ETHERTYPE_ARP:
		return FRAME_CLASS_ARP;
	default:
		return FRAME_CLASS_L2_OTHER;
	}
}

static __always_inline void count(__u32 frame_class, bool is_kept, __u32 len)
{
	struct class_counter *counter = bpf_map_lookup_elem(&class_counters, &frame_class);

	if (counter == NULL) {
		return;
	}
	if (is_kept) {
		counter->kept++;
		counter->kept_bytes += len;
	} else {
		counter->dropped++;
		counter->dropped_bytes += len;
	}
}

/* Returns how many bytes of the frame are kept: none or all. */
SEC("socket")
int passer_filter(struct __sk_buff *skb)
{
	/* Whatever goes over the loopback interface passes twice, first as outgoing. */
	if (skb->pkt_type == PACKET_OUTGOING && skb->ifindex == config.loopback_ifindex) {
		return 0;
	}
	__u32 frame_class = classify(skb);
	bool is_kept = (config.keep_classes >> frame_class & 1) != 0;

	count(frame_class, is_kept, skb->len);
	return is_kept ? -1 : 0;
}
