/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to capture/: the user's expression as a socket filter of its own, which stands before
 * passer_filter. A frame that it does not want ends there and is counted; on all others it
 * tail-calls passer_filter (the kernel's Documentation/bpf/, BPF_MAP_TYPE_PROG_ARRAY).
 *
 * A socket has one filter, and each has a place of its own to be verified and charged for, so the
 * two stay two programs.
 */
#pragma once

#include <passer/base/err.h>
#include <passer/base/frame.h>

struct user_filter;

struct user_filter_config {
	const char *expression;
	/*
	 * How the frames of the one interface begin. LINK_UNKNOWN: frames of all interfaces come.
	 * Then those of Ethernet and raw IP interfaces which are there at the moment are asked, and
	 * all others pass.
	 */
	enum link_type link;
	unsigned loopback_ifindex; /* outgoing copies on this interface are not counted */
	int next;                  /* descriptor of passer_filter, borrowed */
	int counters;              /* of its map of struct filter_events, borrowed */
};

/*
 * Loads the program. 0, or a negative errno with err set: an expression that cannot be asked about
 * that kind of frame, one that needs what eBPF has not (backward jumps), too long a one, or what
 * the kernel refuses.
 */
int user_filter_open(const struct user_filter_config *config, struct user_filter **out_filter,
                     struct err *err);

/*
 * Accepts NULL. Not before the socket is done with: the kernel forgets which program is next when
 * the last descriptor of the map is closed, and then all frames pass.
 */
void user_filter_close(struct user_filter *filter);

/* The descriptor to attach to the socket; borrowed. */
int user_filter_program(const struct user_filter *filter);
