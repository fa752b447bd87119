/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who a process is and what it may do by credentials(7) and capabilities(7): the user it runs as
 * and the capabilities that it keeps. No process of passer executes a program after its start, so
 * ambient and inheritable sets stay empty.
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
	bool is_named; /* by the user of passer: it must be had */
};

/*
 * Whom to run as. Named: that one. NULL: root becomes "passer" where that user exists, else
 * "nobody"; anybody else stays who he is. 0, or -EINVAL with err set: no such user.
 */
int privileges_choose_user(const char *named, struct user *out_user, struct err *err);

/*
 * Becomes that user, without supplementary groups. Permitted capabilities stay permitted. When the
 * capabilities for it are missing and nobody was named it stays who it is: 0. Else 0, or a negative
 * errno with err set.
 */
int privileges_become(const struct user *user, struct err *err);

/*
 * Keeps those of these capabilities that are permitted, for good and effective, and no other; sets
 * no_new_privs. 0, or a negative errno with err set.
 */
int privileges_keep(uint64_t capabilities, struct err *err);

/* What is permitted to this process. */
uint64_t privileges_permitted(void);

/* Without has_core_dumps the kernel writes none, and other processes of the user see nothing. */
void privileges_set_core_dumps(bool has_core_dumps);
