/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A frame as a capture source hands it over: link-layer bytes and what is known beside them.
 * It and all its bytes are borrowed until the callback that got it returns.
 */
#pragma once

#include <passer/base/span.h>

/* How the first byte is to be read. Told by the interface or the file, never guessed. */
enum link_type {
	LINK_UNKNOWN, /* counted, not decoded */
	LINK_ETHERNET,
	LINK_RAW_IP,   /* an IP header of either version comes first */
	LINK_NULL,     /* 4-byte address family in the byte order of the capturing host */
	LINK_LOOP,     /* 4-byte address family in network order */
	LINK_SLL,      /* Linux cooked v1 */
	LINK_SLL2,     /* Linux cooked v2 */
	LINK_PPP,      /* PPP, with or without its HDLC address and control bytes */
	LINK_RADIOTAP, /* radiotap header, then 802.11 */
	LINK_80211,    /* 802.11 without a radio header */
	LINK_TYPE_COUNT
};

struct frame {
	struct span bytes;   /* what was captured */
	uint32_t wire_bytes; /* length on the wire; more than bytes.len when cut */
	enum link_type link;
	uint64_t time_ns;   /* capture time, nanoseconds since 1970 UTC */
	uint32_t interface; /* ifindex, or number of the interface within a file */
	/* The tag that the kernel or the NIC took out of the frame. */
	bool has_vlan;
	uint16_t vlan_tci;
	uint16_t vlan_tpid; /* the type that told of the tag: 0x8100, 0x88a8 */
	bool is_outgoing;   /* a copy of what this host sends */
	bool is_wanted;     /* the kernel has asked the user's expression, and it matched */
};
