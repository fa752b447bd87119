/* SPDX-License-Identifier: (GPL-3.0-or-later OR GPL-2.0-only) */
/*
 * The one contract between the eBPF programs in bpf/ and user space. Only fixed-width types, no
 * other header of ours.
 */
#pragma once

#include <linux/types.h>

/*
 * Every frame belongs to exactly one class, told from its outermost headers alone. The name is what
 * users see. A fragment behind the first is FRAGMENT whatever its protocol is; of a TCP or UDP
 * header only the bytes are asked for that tell the class.
 */
#define FRAME_CLASSES(X)                                                               \
	X(ARP, "arp")                                                                  \
	X(ICMP, "icmp")                                                                \
	X(ICMP6, "icmp6")                                                              \
	X(TCP_SYN, "tcp-syn")             /* (flags & 0x17) == 0x02 */                 \
	X(TCP_SYNACK, "tcp-synack")       /* (flags & 0x17) == 0x12 */                 \
	X(TCP_FIN, "tcp-fin")             /* (flags & 0x07) == 0x01 */                 \
	X(TCP_RST, "tcp-rst")             /* (flags & 0x07) == 0x04 */                 \
	X(TCP_ACK_EMPTY, "tcp-ack-empty") /* (flags & 0x17) == 0x10, no payload */     \
	X(TCP_ACK_DATA, "tcp-ack-data")   /* (flags & 0x17) == 0x10, with payload */   \
	X(TCP_ODD, "tcp-odd-flags")       /* any other flags */                        \
	X(UDP_DNS, "udp-dns")             /* port 53, 5353 or 5355 on either side */   \
	X(UDP_DHCP, "udp-dhcp")           /* port 67, 68, 546 or 547 on either side */ \
	X(UDP, "udp-other")                                                            \
	X(IP_OTHER, "ip-other")                                                        \
	X(FRAGMENT, "fragment")                                                        \
	X(L2_OTHER, "l2-other")                                                        \
	X(SHORT, "short") /* a header ends before it is complete, or makes no sense */

enum frame_class {
#define X(id, name) FRAME_CLASS_##id,
	FRAME_CLASSES(X)
#undef X
		FRAME_CLASS_COUNT
};

/* One entry per class in the per-CPU array map "class_counters". */
struct class_counter {
	__u64 kept;
	__u64 dropped;
	__u64 kept_bytes;
	__u64 dropped_bytes;
};

/* Read-only data of the filter, set before it is loaded. */
struct filter_config {
	__u32 keep_classes;     /* bit (1 << enum frame_class) set: the class is kept */
	__u32 loopback_ifindex; /* outgoing copies on this interface are not seen; 0 = none */
};

_Static_assert(FRAME_CLASS_COUNT <= 32, "classes are bits of a 32-bit word");
_Static_assert(sizeof(struct class_counter) == 32,
               "the map's value is shared with the kernel side");
_Static_assert(sizeof(struct filter_config) == 8, "the read-only data is shared");
