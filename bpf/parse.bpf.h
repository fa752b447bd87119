/* SPDX-License-Identifier: (GPL-3.0-or-later OR GPL-2.0-only) */
/*
 * What the eBPF programs need to find their way in a frame. Nothing here knows the type of the
 * interface: the kernel tells the ethertype and where the network header is, and that holds for
 * Ethernet, loopback and tunnels alike. All values but addresses and ports are in host order.
 *
 * What is walked, in user space the same: src/decode/class.c.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <passer/bpf_abi.h>

#define PACKET_OUTGOING 4 /* of <linux/if_packet.h>: a copy of what this host sends */

enum ethertype {
	ETHERTYPE_FIRST = 0x0600, /* below it the field is a length, or a number of the kernel's */
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_ERSPAN_3 = 0x22eb,
	ETHERTYPE_BRIDGED = 0x6558, /* an Ethernet frame */
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_MULTICAST = 0x8848,
	ETHERTYPE_PPPOE = 0x8864,
	ETHERTYPE_SERVICE_VLAN = 0x88a8,
	ETHERTYPE_ERSPAN_2 = 0x88be,
	ETHERTYPE_OLD_QINQ = 0x9100,
	/* Not of this world. */
	NEXT_ETHERNET = 0x10000, /* an Ethernet header comes next */
	NEXT_UNKNOWN = 0x10001,  /* nobody says what does */
};

enum ip_proto {
	PROTO_HOP_BY_HOP = 0,
	PROTO_ICMP = 1,
	PROTO_IPV4 = 4,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_IPV6 = 41,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_GRE = 47,
	PROTO_ICMP6 = 58,
	PROTO_DESTINATION = 60,
	PROTO_MOBILITY = 135,
};

#define MAC_BYTES       14 /* of an Ethernet header, with its type field */
#define MAC_TYPE_OFFSET 12

#define SHIM_BYTES       4 /* of a VLAN tag behind the type that tells of it, of an MPLS label */
#define LABEL_BOTTOM     0x01
#define LINK_HEADERS_MAX 8 /* tags, labels and Ethernet headers walked before an IP header */

#define IPV4_BYTES      20
#define IPV4_OFFSET     0x1fff
#define IPV6_BYTES      40
#define IPV6_OFFSET     0xfff8
#define EXTENSION_BYTES 8 /* of the shortest IPv6 extension header, and unit of the others */
#define EXTENSIONS_MAX  6

#define UDP_BYTES 8

#define GRE_BYTES         4
#define GRE_CHECKSUM      0x8000
#define GRE_ROUTING       0x4000
#define GRE_KEY           0x2000
#define GRE_SEQUENCE      0x1000
#define GRE_VERSION       0x0007
#define ERSPAN_2_BYTES    8 /* of type II, which has a sequence number; type I has no header */
#define ERSPAN_3_BYTES    12
#define ERSPAN_3_MORE     0x01 /* eight bytes more */
#define OVERLAY_BYTES     8    /* of a VXLAN or Geneve header, without options */
#define VXLAN_HAS_VNI     0x08
#define GENEVE_WORDS_MASK 0x3f /* of options; the two bits before are the version, 0 */

/*
 * A position in the frame, counted from the MAC header or from the network header. Neither this nor
 * other structs here have padding: the verifier refuses to copy it where CAP_PERFMON is missing.
 */
struct place {
	__u32 base; /* BPF_HDR_START_* */
	__u32 offset;
	__u32 data_is_mac; /* skb->data is at the MAC header where there is one, else behind it */
};

/* A packet whose headers are being walked. */
struct packet {
	struct place at;    /* of the header that comes next */
	__u32 ethertype;    /* what that is; see read_link() */
	__u32 is_v6;        /* from here on set by read_ip() */
	__u32 addresses[8]; /* of the source, then of the destination, as on the wire */
	__u32 proto;        /* upper protocol behind all extension headers */
	__u32 has_len;      /* false in what segmentation offload left too long for the field */
	/* Of the upper header and its payload by the IP header's word, or else about that. */
	__u32 len;
};

static __always_inline __u16 be16(const __u8 *p)
{
	return (__u16)(p[0] << 8 | p[1]);
}

/* ---- Loading ---- */

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

/* ---- Link headers ---- */

static __always_inline bool is_tag(__u32 ethertype)
{
	return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_SERVICE_VLAN ||
	       ethertype == ETHERTYPE_OLD_QINQ;
}

static __always_inline bool is_mpls(__u32 ethertype)
{
	return ethertype == ETHERTYPE_MPLS || ethertype == ETHERTYPE_MPLS_MULTICAST;
}

/*
 * The header that the kernel has found behind the MAC header. As long as a tag is in band, the
 * network header is of no use: of a received frame it stands before the tag's value, of an outgoing
 * one behind the last tag. Only Ethernet has tags, so the way leads from the MAC header then.
 */
static __always_inline void begin_packet(const struct __sk_buff *skb, bool data_is_mac,
                                         struct packet *out_packet)
{
	*out_packet = (struct packet){
		.at = {.base = BPF_HDR_START_NET, .data_is_mac = data_is_mac},
		.ethertype = bpf_ntohs((__u16)skb->protocol),
	};
	if (is_tag(out_packet->ethertype)) {
		out_packet->at.base = BPF_HDR_START_MAC;
		out_packet->at.offset = MAC_BYTES;
	}
}

static __always_inline bool read_tag(const struct __sk_buff *skb, struct packet *p)
{
	__u8 tag[SHIM_BYTES];

	if (!load(skb, &p->at, tag, sizeof(tag))) {
		return false;
	}
	p->ethertype = be16(tag + 2);
	p->at.offset += SHIM_BYTES;
	return true;
}

static __always_inline bool read_ethernet(const struct __sk_buff *skb, struct packet *p)
{
	__u8 mac[MAC_BYTES];

	if (!load(skb, &p->at, mac, sizeof(mac))) {
		return false;
	}
	p->ethertype = be16(mac + MAC_TYPE_OFFSET);
	p->at.offset += MAC_BYTES;
	return true;
}

/*
 * One label. What is below the last one is told by the first nibble (RFC 4928 section 3); 0 is that
 * of the control word of an Ethernet pseudo-wire (RFC 4448).
 */
static __always_inline bool read_label(const struct __sk_buff *skb, struct packet *p)
{
	__u8 label[SHIM_BYTES];
	__u8 first;

	if (!load(skb, &p->at, label, sizeof(label))) {
		return false;
	}
	p->at.offset += SHIM_BYTES;
	if ((label[2] & LABEL_BOTTOM) == 0) {
		return true;
	}
	if (!load(skb, &p->at, &first, sizeof(first))) {
		return false;
	}
	switch (first >> 4) {
	case 4:
		p->ethertype = ETHERTYPE_IPV4;
		break;
	case 6:
		p->ethertype = ETHERTYPE_IPV6;
		break;
	case 0:
		p->ethertype = NEXT_ETHERNET;
		p->at.offset += SHIM_BYTES;
		break;
	default:
		p->ethertype = NEXT_UNKNOWN;
	}
	return true;
}

/*
 * Walks over tags, labels and Ethernet headers, so that `ethertype` says what comes behind them.
 * False when they break off, or are too many.
 */
static __noinline bool read_link(const struct __sk_buff *skb, struct packet *p)
{
#pragma unroll
	for (int i = 0; i < LINK_HEADERS_MAX; i++) {
		bool is_read;

		if (is_tag(p->ethertype)) {
			is_read = read_tag(skb, p);
		} else if (is_mpls(p->ethertype)) {
			is_read = read_label(skb, p);
		} else if (p->ethertype == NEXT_ETHERNET) {
			is_read = read_ethernet(skb, p);
		} else {
			return true;
		}
		if (!is_read) {
			return false;
		}
	}
	return !is_tag(p->ethertype) && !is_mpls(p->ethertype) && p->ethertype != NEXT_ETHERNET;
}

/* ---- IP ---- */

/* How far the headers of an IP packet could be read. */
enum reach {
	REACH_NOTHING,   /* it breaks off or makes no sense before the addresses are known */
	REACH_ADDRESSES, /* the same, behind them */
	REACH_FRAGMENT,  /* a later fragment: the upper header is not here */
	REACH_UPPER,     /* `at` is at the upper header, `proto` says which that is */
};

/* What the frame holds from here on, and up to a MAC header more. */
static __always_inline __u32 rest_of_frame(const struct __sk_buff *skb, const struct packet *p)
{
	__u32 len = skb->len;

	return len > p->at.offset ? len - p->at.offset : 0;
}

static __always_inline enum reach read_ipv4(const struct __sk_buff *skb, struct packet *p)
{
	__u8 ip[IPV4_BYTES] __attribute__((aligned(4)));

	if (!load(skb, &p->at, ip, sizeof(ip))) {
		return REACH_NOTHING;
	}
	__u32 header_len = (__u32)(ip[0] & 15) * 4;
	__u32 total_len = be16(ip + 2);

	if (ip[0] >> 4 != 4 || header_len < IPV4_BYTES) {
		return REACH_NOTHING;
	}
	p->is_v6 = false;
	__builtin_memcpy(p->addresses, ip + 12, 8);
	p->proto = ip[9];
	p->has_len = total_len >= header_len;
	p->at.offset += header_len;
	p->len = p->has_len ? total_len - header_len : rest_of_frame(skb, p);
	return (be16(ip + 6) & IPV4_OFFSET) != 0 ? REACH_FRAGMENT : REACH_UPPER;
}

static __always_inline bool is_extension(__u32 proto)
{
	return proto == PROTO_HOP_BY_HOP || proto == PROTO_ROUTING || proto == PROTO_FRAGMENT ||
	       proto == PROTO_DESTINATION || proto == PROTO_MOBILITY;
}

/* Moves behind the extension header. False when it runs past the packet or the frame. */
static __always_inline bool pass_extension(const struct __sk_buff *skb, struct packet *p, __u32 len)
{
	struct place last = p->at;
	__u8 byte;

	last.offset += len - 1;
	if ((p->has_len && p->len < len) || !load(skb, &last, &byte, sizeof(byte))) {
		return false;
	}
	p->at.offset += len;
	p->len -= len;
	return true;
}

static __always_inline enum reach read_extensions(const struct __sk_buff *skb, struct packet *p)
{
#pragma unroll
	for (int i = 0; i < EXTENSIONS_MAX && is_extension(p->proto); i++) {
		bool is_fragment = p->proto == PROTO_FRAGMENT;
		__u8 ext[EXTENSION_BYTES];
		__u32 len = EXTENSION_BYTES;

		if (!load(skb, &p->at, ext, sizeof(ext))) {
			return REACH_ADDRESSES;
		}
		len += is_fragment ? 0 : ext[1] * EXTENSION_BYTES;
		if (!pass_extension(skb, p, len)) {
			return REACH_ADDRESSES;
		}
		p->proto = ext[0];
		if (is_fragment && (be16(ext + 2) & IPV6_OFFSET) != 0) {
			return REACH_FRAGMENT;
		}
	}
	return is_extension(p->proto) ? REACH_ADDRESSES : REACH_UPPER;
}

static __always_inline enum reach read_ipv6(const struct __sk_buff *skb, struct packet *p)
{
	__u8 ip[IPV6_BYTES] __attribute__((aligned(4)));

	if (!load(skb, &p->at, ip, sizeof(ip)) || ip[0] >> 4 != 6) {
		return REACH_NOTHING;
	}
	p->is_v6 = true;
	__builtin_memcpy(p->addresses, ip + 8, 32);
	p->proto = ip[6];
	p->at.offset += IPV6_BYTES;
	p->len = be16(ip + 4);
	p->has_len = p->len != 0; /* 0 in jumbograms, RFC 2675 */
	if (!p->has_len) {
		p->len = rest_of_frame(skb, p);
	}
	return read_extensions(skb, p);
}

/* For an ethertype that is that of IP. */
static __noinline enum reach read_ip(const struct __sk_buff *skb, struct packet *p)
{
	return p->ethertype == ETHERTYPE_IPV4 ? read_ipv4(skb, p) : read_ipv6(skb, p);
}

static __always_inline bool is_ip(__u32 ethertype)
{
	return ethertype == ETHERTYPE_IPV4 || ethertype == ETHERTYPE_IPV6;
}

/* ---- Tunnels ---- */

/* What an IP packet carries. */
enum tunnel {
	TUNNEL_NONE,   /* no packet */
	TUNNEL_SHORT,  /* the tunnel's header breaks off */
	TUNNEL_CLOSED, /* something that is not walked */
	TUNNEL_OPEN,   /* `at` and `ethertype` are those of the packet inside */
};

static __always_inline enum tunnel enter(struct packet *p, __u32 ethertype, __u32 header_len)
{
	p->ethertype = ethertype;
	p->at.offset += header_len;
	return TUNNEL_OPEN;
}

static __always_inline enum tunnel enter_protocol(struct packet *p, __u32 protocol,
                                                  __u32 header_len)
{
	if (protocol == ETHERTYPE_BRIDGED) {
		protocol = NEXT_ETHERNET;
	} else if (!is_ip(protocol) && !is_mpls(protocol)) {
		return TUNNEL_CLOSED;
	}
	return enter(p, protocol, header_len);
}

/* draft-foschiano-erspan; type III says with its last bit that eight bytes more follow. */
static __always_inline enum tunnel enter_erspan_3(const struct __sk_buff *skb, struct packet *p,
                                                  __u32 gre_len)
{
	struct place last = p->at;
	__u8 flags;

	last.offset += gre_len + ERSPAN_3_BYTES - 1;
	if (!load(skb, &last, &flags, sizeof(flags))) {
		return TUNNEL_SHORT;
	}
	return enter(p, NEXT_ETHERNET,
	             gre_len + ERSPAN_3_BYTES + ((flags & ERSPAN_3_MORE) != 0 ? 8 : 0));
}

/* RFC 2784, RFC 2890. */
static __always_inline enum tunnel enter_gre(const struct __sk_buff *skb, struct packet *p)
{
	__u8 gre[GRE_BYTES];

	if (!load(skb, &p->at, gre, sizeof(gre))) {
		return TUNNEL_SHORT;
	}
	__u32 flags = be16(gre);
	__u32 protocol = be16(gre + 2);
	__u32 len = GRE_BYTES;

	if ((flags & (GRE_VERSION | GRE_ROUTING)) != 0) {
		return TUNNEL_CLOSED;
	}
	len += (flags & GRE_CHECKSUM) != 0 ? 4 : 0;
	len += (flags & GRE_KEY) != 0 ? 4 : 0;
	len += (flags & GRE_SEQUENCE) != 0 ? 4 : 0;
	switch (protocol) {
	case ETHERTYPE_ERSPAN_2:
		len += (flags & GRE_SEQUENCE) != 0 ? ERSPAN_2_BYTES : 0;
		return enter(p, NEXT_ETHERNET, len);
	case ETHERTYPE_ERSPAN_3:
		return enter_erspan_3(skb, p, len);
	default:
		return enter_protocol(p, protocol, len);
	}
}

/* VXLAN (RFC 7348) and Geneve (RFC 8926). What is shorter is none of them. */
static __always_inline enum tunnel enter_overlay(const struct __sk_buff *skb, struct packet *p,
                                                 __u16 port)
{
	struct place at = p->at;
	__u8 header[OVERLAY_BYTES];

	at.offset += UDP_BYTES;
	if (!load(skb, &at, header, sizeof(header))) {
		return TUNNEL_NONE;
	}
	if (port != PORT_GENEVE) {
		return (header[0] & VXLAN_HAS_VNI) != 0
		               ? enter(p, NEXT_ETHERNET, UDP_BYTES + OVERLAY_BYTES)
		               : TUNNEL_NONE;
	}
	if ((header[0] & ~GENEVE_WORDS_MASK) != 0) {
		return TUNNEL_NONE;
	}
	return enter_protocol(p, be16(header + 2), UDP_BYTES + OVERLAY_BYTES + header[0] * 4);
}

static __always_inline enum tunnel enter_udp(const struct __sk_buff *skb, struct packet *p,
                                             __u16 sport, __u16 dport)
{
	if (!is_tunnel_port(sport, dport)) {
		return TUNNEL_NONE;
	}
	return dport == PORT_L2TP ? TUNNEL_CLOSED : enter_overlay(skb, p, dport);
}

/* For what is neither TCP nor UDP. */
static __always_inline enum tunnel enter_ip(const struct __sk_buff *skb, struct packet *p)
{
	switch (p->proto) {
	case PROTO_IPV4:
		return enter(p, ETHERTYPE_IPV4, 0);
	case PROTO_IPV6:
		return enter(p, ETHERTYPE_IPV6, 0);
	case PROTO_GRE:
		return enter_gre(skb, p);
	default:
		return TUNNEL_NONE;
	}
}
