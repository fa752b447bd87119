/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to capture/: the single steps that bring a packet socket up (packet(7)); ring.c puts them
 * in order. All return 0 or a negative errno; those that take err fill it.
 */
#pragma once

#include <passer/base/err.h>
#include <passer/capture/ring.h>

#include <stdint.h>

/* The memory of a ring: equal blocks, filled by the kernel in the order in which they lie. */
struct socket_ring {
	uint8_t *map; /* NULL when not mapped */
	size_t block_bytes;
	unsigned blocks;
};

/* A socket that hears nothing, since it has no protocol yet. */
int socket_open(int *out_fd, struct err *err);

/* Asks for a TPACKET_V3 ring, for a smaller one when memory is refused, and maps it. */
int socket_map_ring(int fd, const struct ring_config *config, struct socket_ring *out_ring,
                    struct err *err);
void socket_unmap_ring(struct socket_ring *ring);

/* Gives the memory of a ring back to the kernel. -EBUSY as long as any process maps it. */
int socket_free_ring(int fd);

/* A filter that rejects every frame, in place of whatever filter there was. */
int socket_mute(int fd);

/* From here on frames arrive. ifindex 0: of all interfaces. */
int socket_bind(int fd, unsigned ifindex, struct err *err);

int socket_add_promisc(int fd, unsigned ifindex);

/*
 * The error that the socket holds, as a positive errno, or 0; it is gone then. While there is one,
 * epoll tells it again and again.
 */
int socket_take_error(int fd);
