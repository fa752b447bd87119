/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A network namespace of the test's own with two interfaces joined back to back, veth0 and veth1.
 * It ends with the process. Nothing in it speaks by itself: no addresses, no IPv6.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void net_run(const char *command)
{
	if (system(command) != 0) {
		fprintf(stderr, "failed: %s\n", command);
		exit(EXIT_FAILURE);
	}
}

/* False without the privilege to make one. */
static inline bool net_enter(void)
{
	if (unshare(CLONE_NEWNET) != 0) {
		return false;
	}
	net_run("echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 2>/dev/null || true");
	net_run("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 2>/dev/null || true");
	net_run("ip link add veth0 type veth peer name veth1");
	net_run("ip link set lo up && ip link set veth0 up && ip link set veth1 up");
	return true;
}
