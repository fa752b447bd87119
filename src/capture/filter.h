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
 * Loads the filter of rings on an interface, and the user's expression for frames of the link type
 * that it has now; for one on all interfaces see user_filter.h. The table of flows is that of the
 * sibling, or, when it is NULL, a new one. Returns 0, also where the expression cannot be asked; or
 * a negative errno with err set.
 */
int filter_open(const struct ring_config *config, const struct filter *sibling,
                struct filter **out_filter, struct err *err);

/*
 * Accepts NULL. Not before the socket is done with: the kernel forgets passer_filter_walk when the
 * last descriptor of the map that names it is closed, and then all that it would have read passes.
 */
void filter_close(struct filter *filter);

/*
 * Can the expression be asked about frames of that link type? When not, out_reason is set. It is
 * loaded for one only, and never again: that takes CAP_BPF, and interfaces come back as they were.
 */
bool filter_can_ask(const struct filter *filter, enum link_type link, struct err *out_reason);

/* Replaces the filter of the socket in one step; has_expression: it is asked before all else. */
int filter_attach(const struct filter *filter, int fd, bool has_expression, struct err *err);

/* Changes what it keeps, from the next frame on. 0 or a negative errno. */
int filter_set_selection(const struct filter *filter, const struct ring_selection *selection);

/* Sums over all CPUs. 0 or a negative errno. */
int filter_read(const struct filter *filter, struct filter_counters *out_counters);
