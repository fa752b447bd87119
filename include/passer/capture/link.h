/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Network interfaces as rtnetlink(7) tells them (libmnl): the list at start, and a socket that
 * reports each one that appears, changes or goes.
 */
#pragma once

#include <passer/base/err.h>
#include <passer/base/frame.h>

#define LINK_NAME_SIZE 16 /* IFNAMSIZ */

/* Counted by the kernel for an interface, before any tap (struct rtnl_link_stats64). */
struct link_stats {
	uint64_t rx_packets, rx_bytes;
	uint64_t tx_packets; /* a tap hears these, too */
	uint64_t rx_errors;
	uint64_t rx_dropped;   /* by the kernel: nobody but taps took it, or a queue was full */
	uint64_t rx_missed;    /* the NIC had no buffer */
	uint64_t rx_fifo;      /* its FIFO overflowed */
	uint64_t rx_nohandler; /* an inactive member of a bond or team took nothing */
};

struct link_info {
	unsigned ifindex;
	uint16_t hatype; /* ARPHRD_* of <linux/if_arp.h> */
	bool is_up;      /* IFF_UP and IFF_RUNNING */
	bool is_gone;    /* RTM_DELLINK; the statistics are the last ones */
	bool is_loopback;
	uint32_t mtu;             /* bytes */
	uint32_t carrier_changes; /* since the interface was made */
	struct link_stats stats;  /* the same */
	char name[LINK_NAME_SIZE];
};

/* How frames of an interface of this ARPHRD_* type begin; LINK_UNKNOWN when passer cannot read
 * them. */
enum link_type link_type_of(uint16_t hatype);

/* The interface of that name. -ENODEV with err set when there is none. */
int link_find(const char *name, struct link_info *out_link, struct err *err);

struct link_monitor;
typedef void link_fn(void *user, const struct link_info *link);

/* Hands over all interfaces as they are now. 0 or a negative errno. */
int link_list(link_fn *fn, void *user);

/* Subscribes to link changes, then lists the present links through fn. */
int link_monitor_open(struct link_monitor **out_monitor, link_fn *fn, void *user, struct err *err);
int link_monitor_fd(const struct link_monitor *monitor);
/* Hands over what has arrived, without waiting. When messages were lost it lists all links anew. */
int link_monitor_read(struct link_monitor *monitor, link_fn *fn, void *user);
void link_monitor_close(struct link_monitor *monitor);
