/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A decoded packet: what the headers said, as plain values and borrowed spans. It lives, like the
 * frame it was made from, until the frame callback returns.
 *
 * Decoding walks header by header through the cursor, with a depth limit. It never refuses: what
 * could be read is there and `layer` says how far it came; `has_` bits say which parts exist.
 */
#pragma once

#include <passer/base/addr.h>
#include <passer/base/cursor.h>
#include <passer/base/frame.h>
#include <passer/bpf_abi.h>

/* The innermost layer that was decoded completely. */
enum layer {
	LAYER_NONE, /* nothing that we read (unknown link type, short link header, IEEE 802.3 …) */
	LAYER_ARP,
	LAYER_IP, /* some protocol above IP without a decoder, or one whose header is not here */
	LAYER_ICMP,
	LAYER_ICMP6,
	LAYER_TCP,
	LAYER_UDP,
	LAYER_80211, /* management, control and protected frames: payload starts at the MAC header
	              */
	LAYER_COUNT
};

enum cast { CAST_NONE, CAST_BROADCAST, CAST_MULTICAST };

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_URG 0x20
#define TCP_ECE 0x40
#define TCP_CWR 0x80
#define TCP_AE  0x01 /* in tcp_reserved: accurate ECN (RFC 9768), once the nonce sum */

/* The three bits before the fragment offset of IPv4 (RFC 791, section 3.1). */
#define IPV4_RESERVED       0x4
#define IPV4_DONT_FRAGMENT  0x2
#define IPV4_MORE_FRAGMENTS 0x1

struct pkt {
	const struct frame *frame;
	enum layer layer;
	uint8_t depth; /* tunnels around it; 0: the packet of the frame itself */

	/* Link layer. The MACs are there only when has_mac (Ethernet; never on cooked or raw
	 * links). */
	bool has_mac;
	bool has_wifi_pad; /* 802.11: the header of data is padded to 32 bits (radiotap says so) */
	struct mac smac, dmac;
	uint16_t ethertype;       /* behind all tags; 0 when the link has none; <= 1500 is a length
	                             (802.3) */
	uint16_t outer_ethertype; /* before any tag, also one that the kernel took out */
	uint8_t tags;             /* tags that stand in the frame */
	uint16_t vlan;            /* number in the last tag; 0 when there is none */
	enum cast link_cast; /* as the link layer tells it: destination MAC, or the cooked packet
	                        type */

	/* The IP header next to the payload; of ARP nothing stands here. */
	struct addr src, dst;     /* ADDR_NONE without IP */
	uint8_t ttl;              /* TTL or hop limit */
	uint8_t ip_proto;         /* upper protocol behind all extension headers */
	uint8_t extensions;       /* IPv6 extension headers before it */
	uint8_t ip_ecn;           /* the two bits of explicit congestion notification (RFC 3168) */
	uint8_t ipv4_flags;       /* IPV4_RESERVED … */
	uint16_t ipv4_id;         /* identification */
	uint32_t ipv6_flow;       /* flow label */
	uint32_t ip_header_bytes; /* with options or extension headers */
	bool is_fragment;         /* part of a fragmented datagram, the first one included */
	uint16_t fragment_offset; /* in bytes; not 0: the upper header is not here */
	struct span ip_payload;   /* behind IP header and extension headers, cut at the IP length */
	uint32_t ip_payload_wire; /* its length by the IP header; more than it has when captured
	                             short */

	/* TCP and UDP. */
	uint16_t sport, dport;
	uint8_t tcp_flags;
	uint32_t tcp_seq, tcp_ack;
	uint16_t tcp_window, tcp_urgent;
	uint8_t tcp_reserved;     /* the four bits between data offset and flags */
	uint8_t tcp_header_bytes; /* by its data offset; the options may be captured short of it */
	struct span tcp_options;

	/*
	 * What the innermost decoded layer carries: TCP or UDP payload without link padding; the
	 * whole ARP, ICMP or ICMPv6 message; for LAYER_IP the same as ip_payload.
	 */
	struct span payload;
};

/* Why packets did not decode to the end; each packet adds at most one. */
struct decode_counters {
	uint64_t unknown_link; /* a link type that passer does not read */
	uint64_t cut;          /* a header runs past the captured bytes */
	uint64_t bad;          /* a header contradicts itself */
	uint64_t too_deep;     /* more nested headers than the limit */
};

/* Fills all of *pkt. Counters are added to, not reset. */
void pkt_decode(struct pkt *pkt, const struct frame *frame, struct decode_counters *counters);

/*
 * The packet that a tunnel carries (IP in IP, GRE with PPTP and ERSPAN, VXLAN, Geneve, L2TP): a
 * packet of its own within the same frame. False when `outer` carries none. The two must be
 * different objects; spans of the inner one point into the same frame.
 */
bool pkt_decode_inner(struct pkt *inner, const struct pkt *outer, struct decode_counters *counters);

/*
 * The packet quoted in an ICMP error (RFC 792, RFC 4443): an IP header and as much as follows.
 * Fills the IP members and, where the quote reaches so far, layer and ports: LAYER_TCP needs four
 * bytes and promises ports only, LAYER_UDP its eight. The payload is the IP payload. Other members
 * are zero. False when there is no IP header.
 */
bool pkt_decode_quoted(struct pkt *pkt, struct span quoted);

/*
 * The class that the eBPF filter gives the frame of this packet (bpf_abi.h). User space computes it
 * again for files, where no kernel filter ran, and to check the filter against. That the first
 * frames of every tunnel are of FRAME_CLASS_TUNNEL, too, is for the caller to count: here each has
 * the class of the packet inside.
 */
enum frame_class pkt_class(const struct pkt *pkt);

/* The name that users see, "tcp-synack". */
const char *frame_class_name(enum frame_class frame_class);

/*
 * How many receivers the packet is for: the IP destination decides (255.255.255.255 broadcast,
 * multicast ranges), else the link layer.
 */
enum cast pkt_cast(const struct pkt *pkt);
