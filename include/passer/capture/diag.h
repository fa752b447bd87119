/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel says of the packet sockets of this network namespace, whoever has opened them:
 * sock_diag(7) with the messages of <linux/packet_diag.h>, through libmnl. It knows the ring that
 * was really given and the fanout group; counts of packets are not in it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct diag_socket {
	uint32_t inode;       /* see diag_inode() */
	unsigned ifindex;     /* 0: all interfaces */
	bool is_running;      /* its interface is up */
	uint32_t block_bytes; /* of the receive ring; 0: has none */
	uint32_t blocks;
	uint32_t retire_ms;
	int fanout_id;        /* -1: in no group */
	unsigned fanout_type; /* PACKET_FANOUT_* of <linux/if_packet.h> */
};

typedef void diag_fn(void *user, const struct diag_socket *sock);

/*
 * Hands over every packet socket. 0, or a negative errno: -ENOENT when the kernel has been built
 * without CONFIG_PACKET_DIAG.
 */
int diag_list(diag_fn *fn, void *user);

/* The number by which the kernel names an open socket; 0: it has none. */
uint32_t diag_inode(int fd);
