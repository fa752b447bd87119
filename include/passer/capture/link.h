/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Network interfaces as rtnetlink(7) tells them (libmnl): the list at start, and a socket that
 * reports each one that appears, changes or goes.
 */
#pragma once

#include <passer/base/err.h>
#include <passer/base/frame.h>

#define LINK_NAME_SIZE 16 /* IFNAMSIZ */

struct link_info {
	unsigned ifindex;
	uint16_t hatype; /* ARPHRD_* of <linux/if_arp.h> */
	bool is_up;      /* IFF_UP and IFF_RUNNING */
	bool is_gone;    /* RTM_DELLINK */
	bool is_loopback;
	char name[LINK_NAME_SIZE];
};

/* How frames of an interface of this ARPHRD_* type begin; LINK_UNKNOWN when passer cannot read
 * them. */
enum link_type link_type_of(uint16_t hatype);

/* The interface of that name. -ENODEV with err set when there is none. */
int link_find(const char *name, struct link_info *out_link, struct err *err);

struct link_monitor;
typedef void link_fn(void *user, const struct link_info *link);

/* Subscribes to link changes, then lists the present links through fn. */
int link_monitor_open(struct link_monitor **out_monitor, link_fn *fn, void *user, struct err *err);
int link_monitor_fd(const struct link_monitor *monitor);
/* Hands over what has arrived, without waiting. When messages were lost it lists all links anew. */
int link_monitor_read(struct link_monitor *monitor, link_fn *fn, void *user);
void link_monitor_close(struct link_monitor *monitor);
