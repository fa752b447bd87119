/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stock.h"

#include "fanout.h"
#include "filter.h"
#include "socket.h"
#include "syserr.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* The sockets first, since their refusal takes one word, the filter's many. */
static int make(struct ring_stock *stock, const struct ring_config *config, struct err *err)
{
	const struct filter *sibling = config->sibling != NULL ? config->sibling->filter : NULL;
	int ret = socket_open(&stock->sockets[0], err);

	if (ret != 0) {
		return ret;
	}
	stock->count = 1;
	ret = filter_open(config, sibling, &stock->filter, err);
	if (ret != 0 || config->is_alone || config->fanout != FANOUT_HOST) {
		return ret;
	}
	return fanout_load_selector(&stock->selector, err);
}

int ring_stock_open(const struct ring_config *config, struct ring_stock **out_stock,
                    struct err *err)
{
	struct ring_stock *stock = calloc(1, sizeof(*stock));
	int ret;

	if (stock == NULL) {
		return syserr_set(err, -ENOMEM, config->name);
	}
	stock->selector = -1;
	ret = make(stock, config, err);
	if (ret != 0) {
		ring_stock_close(stock);
		return err_prefix(err, ret, config->name);
	}
	*out_stock = stock;
	return 0;
}

void ring_stock_close(struct ring_stock *stock)
{
	if (stock == NULL) {
		return;
	}
	while (stock->count > 0) {
		close(stock->sockets[--stock->count]);
	}
	if (stock->selector >= 0) {
		close(stock->selector);
	}
	filter_close(stock->filter);
	free(stock);
}

int ring_stock_add_socket(struct ring_stock *stock, int fd_max)
{
	struct err err;
	int fd, ret;

	if (stock->count == RING_SPARES_MAX) {
		return -ENOBUFS;
	}
	ret = socket_open(&fd, &err);
	if (ret == 0 && fd > fd_max) {
		close(fd);
		ret = -EMFILE;
	}
	if (ret == 0) {
		stock->sockets[stock->count++] = fd;
	}
	return ret;
}

unsigned ring_stock_sockets(const struct ring_stock *stock)
{
	return stock->count;
}

int ring_stock_read_filter(const struct ring_stock *stock, struct filter_counters *out_counters)
{
	return filter_read(stock->filter, out_counters);
}

int stock_take_socket(struct ring_stock *stock, int *out_fd, struct err *err)
{
	if (stock->count == 0) {
		return err_set(err, -ENOBUFS, "no packet socket is left");
	}
	*out_fd = stock->sockets[--stock->count];
	return 0;
}

void stock_put_socket(struct ring_stock *stock, int fd)
{
	if (stock->count <= RING_SPARES_MAX && socket_mute(fd) == 0 && socket_free_ring(fd) == 0) {
		stock->sockets[stock->count++] = fd;
	} else {
		close(fd);
	}
}
