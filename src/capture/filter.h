/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to capture/: the eBPF socket filter of one ring, bpf/passer_filter.bpf.c, with the
 * counters of its own.
 */
#pragma once

#include <passer/base/err.h>
#include <passer/capture/ring.h>

#include <stdint.h>

struct filter;

/*
 * Loads the filter for a ring. The table of flows is that of the sibling, or, when it is NULL, a
 * new one. Returns 0, or a negative errno with err set.
 */
int filter_open(const struct ring_config *config, const struct filter *sibling,
                struct filter **out_filter, struct err *err);

/*
 * Accepts NULL. Not before the socket is done with: the kernel forgets passer_filter_walk when the
 * last descriptor of the map that names it is closed, and then all that it would have read passes.
 */
void filter_close(struct filter *filter);

/*
 * From the next filter_attach() on the user's expression is asked before all else. LINK_UNKNOWN: of
 * frames of all interfaces, see user_filter.h. 0, or a negative errno with err set.
 */
int filter_ask(struct filter *filter, const char *expression, enum link_type link, struct err *err);
bool filter_asks(const struct filter *filter);
void filter_ask_no_more(struct filter *filter);

/* Replaces the filter of the socket in one step. */
int filter_attach(const struct filter *filter, int fd, struct err *err);

/* Changes what it keeps, from the next frame on. 0 or a negative errno. */
int filter_set_selection(const struct filter *filter, const struct ring_selection *selection);

/* Sums over all CPUs. 0 or a negative errno. */
int filter_read(const struct filter *filter, struct filter_counters *out_counters);
