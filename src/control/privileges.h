/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who a process is and what it may do by credentials(7) and capabilities(7): the user it runs as,
 * and that it has no capability.
 */
#pragma once

#include <passer/base/err.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define USER_NAME_SIZE 33

/* Sets of capabilities: CAP_BIT(CAP_NET_RAW) | … of <linux/capability.h>. */
#define CAP_BIT(capability) (UINT64_C(1) << (capability))

struct user {
	uid_t uid;
	gid_t gid;
	char name[USER_NAME_SIZE];
};

/*
 * May this process become another user? It takes CAP_SETUID and CAP_SETGID, and a user namespace in
 * which setgroups(2) is not denied.
 */
bool privileges_may_switch(void);

/*
 * Whom to run as. Named: that one. NULL: root who may becomes "passer" where that user exists, else
 * "nobody"; anybody else stays who he is. 0, or with err set -EINVAL: no such user, or -EPERM: this
 * process cannot become it.
 */
int privileges_choose_user(const char *named, struct user *out_user, struct err *err);

/*
 * Becomes that user, without supplementary groups. Permitted capabilities stay permitted. One that
 * is that user and may not switch keeps its groups. 0, or a negative errno with err set.
 */
int privileges_become(const struct user *user, struct err *err);

/*
 * Gives up all capabilities, for good; sets no_new_privs. 0, or a negative errno with err set. The
 * bounding set stays as it is where CAP_SETPCAP is missing; it means nothing then.
 */
int privileges_drop(struct err *err);

/* What is permitted to this process. */
uint64_t privileges_permitted(void);

/*
 * Makes those of some capabilities effective that are permitted, as after "setcap cap_net_raw+p".
 * What cannot be had so is missed by whoever needs it.
 */
void privileges_take_up(uint64_t capabilities);

/* Without has_core_dumps the kernel writes none, and other processes of the user see nothing. */
void privileges_set_core_dumps(bool has_core_dumps);
