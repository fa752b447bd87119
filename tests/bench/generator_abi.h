/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the generator's program in the kernel and its loader both know. */
#pragma once

#include <linux/types.h>

#define TEMPLATES_MAX  16384
#define HEAD_BYTES     192 /* of a frame that come from its template; behind them stands filler */
#define FRAME_MIN      60  /* Ethernet without its checksum */
#define ADDRESS_AT_MAX 50  /* the last four bytes of an IPv6 destination */

/*
 * A frame of the capture. Its hosts are new in each cycle through all templates: 16-bit words are
 * added to the lower address and taken from the higher, so that every checksum stays right
 * (RFC 1071). The same as renumber() of generate.py.
 */
struct frame_template {
	__u32 length;
	__u32 head_bytes; /* min(length, HEAD_BYTES) */
	__u32 low_at; /* the last four bytes of the lower address; 0: leave the frame as it is */
	__u32 high_at;
	__u32 is_arp; /* the sender's address is part of its MAC, too */
	__u8 head[HEAD_BYTES];
};
