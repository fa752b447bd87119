/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to capture/: what is in the stock of a ring, see passer/capture/ring.h. */
#pragma once

#include <passer/capture/ring.h>

struct ring_stock {
	struct filter *filter;
	int selector; /* program that chooses among the members of a fanout group; -1: none */
	unsigned count;
	int sockets[RING_SPARES_MAX + 1]; /* deaf, without memory of their own */
};

/* Takes a socket out: the caller closes it or puts it back. 0, or -ENOBUFS with err set. */
int stock_take_socket(struct ring_stock *stock, int *out_fd, struct err *err);

/*
 * Takes a socket that is not needed any more: keeps it for a later ring, or closes it where that
 * cannot be. It must be in no fanout group, for it cannot leave one, and nobody may map its ring.
 */
void stock_put_socket(struct ring_stock *stock, int fd);
