/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A network namespace of the test's own with two interfaces joined back to back, veth0 and veth1.
 * It ends with the process. Nothing in it speaks by itself: no addresses, no IPv6.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static inline void net_run(const char *command)
{
	if (system(command) != 0) {
		fprintf(stderr, "failed: %s\n", command);
		exit(EXIT_FAILURE);
	}
}

/* The kernel begins to send through an interface some time after its other end came up. */
static inline void net_wait_running(const char *interface)
{
	struct ifreq request = {.ifr_flags = 0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strncpy(request.ifr_name, interface, sizeof(request.ifr_name) - 1);
	for (int i = 0; i < 300 && (request.ifr_flags & IFF_RUNNING) == 0; i++) {
		usleep(10000);
		ioctl(fd, SIOCGIFFLAGS, &request);
	}
	close(fd);
	usleep(10000);
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
	net_wait_running("veth0");
	net_wait_running("veth1");
	return true;
}
