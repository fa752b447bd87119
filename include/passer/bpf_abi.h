/* SPDX-License-Identifier: (GPL-3.0-or-later OR GPL-2.0-only) */
/*
 * The one contract between the eBPF programs in bpf/ and user space. Only fixed-width types, no
 * other header of ours.
 */
#pragma once

#include <linux/types.h>

/*
 * Every frame belongs to exactly one class. It is told from the headers of the packet, or, where a
 * tunnel is around it that the filter can see into (GRE with ERSPAN, VXLAN, Geneve, IP in IP; one
 * level), from those of the packet inside. VLAN tags, MPLS labels and Ethernet pseudo-wires are
 * walked; more of them than the filter has patience for make no sense. The name is what users see.
 * A fragment behind the first is FRAGMENT whatever its protocol is; of a TCP or UDP header only the
 * bytes are asked for that tell the class.
 */
#define FRAME_CLASSES(X)                                                               \
	X(ARP, "arp")                                                                  \
	X(ICMP_ERROR, "icmp-error") /* types 3, 4, 5, 11 and 12 */                     \
	X(ICMP, "icmp-other")                                                          \
	X(ICMP6_ERROR, "icmp6-error") /* types 1 to 4 */                               \
	X(ICMP6_ND, "icmp6-nd")       /* types 133 to 137 */                           \
	X(ICMP6, "icmp6-other")                                                        \
	X(TCP_SYN, "tcp-syn")             /* (flags & 0x17) == 0x02 */                 \
	X(TCP_SYNACK, "tcp-synack")       /* (flags & 0x17) == 0x12 */                 \
	X(TCP_FIN, "tcp-fin")             /* (flags & 0x07) == 0x01 */                 \
	X(TCP_RST, "tcp-rst")             /* (flags & 0x07) == 0x04 */                 \
	X(TCP_ACK_EMPTY, "tcp-ack-empty") /* (flags & 0x17) == 0x10, no payload */     \
	X(TCP_ACK_DATA, "tcp-ack-data")   /* (flags & 0x17) == 0x10, with payload */   \
	X(TCP_ACK_DNS, "tcp-ack-dns")     /* the same, port 53 on either side */       \
	X(TCP_ODD, "tcp-odd-flags")       /* any other flags */                        \
	X(UDP_DNS, "udp-dns")             /* port 53, 5353 or 5355 on either side */   \
	X(UDP_DHCP, "udp-dhcp")           /* port 67, 68, 546 or 547 on either side */ \
	X(UDP_CONTROL, "udp-control")     /* is_control_port() on either side */       \
	X(UDP, "udp-other")                                                            \
	X(IP_OTHER, "ip-other")                                                        \
	X(FRAGMENT, "fragment")                                                        \
	X(L2_OTHER, "l2-other")                                                        \
	X(LLC, "l2-llc")    /* IEEE 802.2, 802.11 or PPPoE: may carry anything */      \
	X(TUNNEL, "tunnel") /* see FRAME_CLASSES_ALWAYS_KEPT */                        \
	X(SHORT, "short")   /* a header ends before it is complete, or makes no sense */

enum frame_class {
#define X(id, name) FRAME_CLASS_##id,
	FRAME_CLASSES(X)
#undef X
		FRAME_CLASS_COUNT
};

#define FRAME_CLASS_BIT(id) (1u << FRAME_CLASS_##id)
#define FRAME_CLASSES_ALL   ((1u << FRAME_CLASS_COUNT) - 1)

/*
 * Kept by every profile: what the filter could not tell apart, and of each tunnel so much that its
 * ends are known. TUNNEL is the class of the first TUNNEL_BUDGET frames that a tunnel (two
 * addresses, one direction) carries in each window of time, and of all frames of tunnels that the
 * filter cannot see into: L2TP (UDP port 1701), GRE that is not of version 0, GRE and Geneve that
 * carry something else, and a tunnel within a tunnel.
 */
#define FRAME_CLASSES_ALWAYS_KEPT \
	(FRAME_CLASS_BIT(LLC) | FRAME_CLASS_BIT(TUNNEL) | FRAME_CLASS_BIT(SHORT))

/*
 * Flow budgets. Of each direction of a flow the first so many units pass, in the classes that have
 * a budget: TCP_ACK_DATA and TCP_ACK_DNS that for TCP, UDP that for UDP. A segment or datagram is
 * one unit for each begun BUDGET_UNIT_BYTES of its payload, so that what receive offload has joined
 * is not one. It passes when the units that went before it are fewer than the budget.
 *
 * A TCP direction begins with its SYN or SYN/ACK, which sets it to 0; of one whose beginning was
 * not seen, BUDGET_USED_MAX units count as used. A UDP direction, and a tunnel, begins anew after
 * BUDGET_WINDOW_S seconds.
 */
#define BUDGET_UNIT_BYTES 4096
#define BUDGET_USED_MAX   15 /* units are counted up to here */
#define BUDGET_ALL        16 /* as a budget: everything passes, BUDGET_USED_MAX being less */
#define BUDGET_WINDOW_S   64
#define TUNNEL_BUDGET     4

/* The units that used + those of a payload of so many bytes make. */
static inline __u32 budget_add(__u32 used, __u32 payload_bytes)
{
	__u32 sum = used + 1 + (payload_bytes > 0 ? (payload_bytes - 1) / BUDGET_UNIT_BYTES : 0);

	return sum < BUDGET_USED_MAX ? sum : BUDGET_USED_MAX;
}

/*
 * UDP ports on which one flow goes on saying new things, never cut by a budget: the system ports
 * but those of QUIC, SSDP and SIP.
 */
static inline _Bool is_control_port(__u16 port)
{
	switch (port) {
	case 80:
	case 443:
		return 0;
	case 1900:
	case 5060:
	case 5061:
		return 1;
	default:
		return port < 1024;
	}
}

static inline _Bool is_dns_port(__u16 port)
{
	return port == 53 || port == 5353 || port == 5355;
}

static inline _Bool is_dhcp_port(__u16 port)
{
	return port == 67 || port == 68 || port == 546 || port == 547;
}

/* Tunnels over UDP; 8472 is the VXLAN of kernels from before it had a number. */
#define PORT_L2TP        1701
#define PORT_VXLAN       4789
#define PORT_GENEVE      6081
#define PORT_VXLAN_LINUX 8472

/*
 * Where a datagram may carry a packet. The destination's port tells, but not against the source's:
 * answers of servers go to all ports.
 */
static inline _Bool is_tunnel_port(__u16 sport, __u16 dport)
{
	return sport >= 1024 && (dport == PORT_L2TP || dport == PORT_VXLAN ||
	                         dport == PORT_GENEVE || dport == PORT_VXLAN_LINUX);
}

static inline _Bool has_budget(__u32 frame_class)
{
	return frame_class == FRAME_CLASS_TCP_ACK_DATA || frame_class == FRAME_CLASS_TCP_ACK_DNS ||
	       frame_class == FRAME_CLASS_UDP;
}

/*
 * Per class, and for those with a budget per number of units that had gone before, else 0: the
 * entry [frame_class * USED_COUNTS + units] of the per-CPU array map "classes".
 */
struct class_counter {
	__u64 kept;
	__u64 dropped;
	__u64 kept_bytes;
	__u64 dropped_bytes;
};

#define USED_COUNTS    (BUDGET_USED_MAX + 1)
#define CLASS_COUNTERS (FRAME_CLASS_COUNT * USED_COUNTS)

/* All that one filter counts, as user space puts it together. */
struct filter_counters {
	struct class_counter unwanted; /* by the user's filter, before all else: only dropped */
	__u64 flows_displaced; /* directions, still in use, that lost their cell to another */
	__u64 flows_unknown;   /* payload segments of directions whose beginning was not seen */
	struct class_counter classes[FRAME_CLASS_COUNT][USED_COUNTS];
};

/* What it begins with: the only entry of the per-CPU array map "counters". */
struct filter_events {
	struct class_counter unwanted;
	__u64 flows_displaced;
	__u64 flows_unknown;
};

/*
 * A cell of the array map "flows": a tag that tells whose it is, a time, and the units used. A
 * direction of a flow, or of a tunnel, has one of the two neighbouring cells that its hash names,
 * until another one takes it: the one that was used less recently. 0 is an empty one. Filters of
 * one sensor share the map, and the key of the hash.
 */
#define FLOW_CELLS      (1u << 18)
#define CELL_TIME_SHIFT 4 /* below are the units */
#define CELL_TIME_MASK  0xfffffu
#define CELL_TAG_SHIFT  24

#define FLOW_TICK_SHIFT 6 /* the time is in ticks of so many jiffies, as a power of two */

/* Read-only data of the programs, set before they are loaded. */
struct filter_constants {
	__u32 window_ticks; /* BUDGET_WINDOW_S in ticks */
	__u32 hash_key[10]; /* random, so that nobody makes flows collide at will */
};

/* The only entry of the array map "settings"; may be changed at any time. */
struct filter_settings {
	__u32 keep_classes;     /* bit (1 << enum frame_class) set: the class is kept */
	__u32 tcp_budget;       /* 0 … BUDGET_ALL */
	__u32 udp_budget;       /* 0 … BUDGET_ALL */
	__u32 loopback_ifindex; /* outgoing copies on this interface are not seen; 0 = none */
};

_Static_assert(FRAME_CLASS_COUNT < 32, "classes are bits of a 32-bit word");
_Static_assert(sizeof(struct filter_settings) == 16, "the map's value is shared");
_Static_assert(sizeof(struct filter_events) == __builtin_offsetof(struct filter_counters, classes),
               "the one begins with the other");
_Static_assert(sizeof(struct class_counter) == 32, "the map's value is shared");
