/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to capture/: the eBPF socket filter of one ring, bpf/passer_filter.bpf.c, with the
 * counters of its own.
 */
#pragma once

#include <passer/base/err.h>
#include <passer/bpf_abi.h>

#include <stdint.h>

struct filter;

/*
 * Loads a filter that keeps these classes (bits of enum frame_class). Returns 0, or a negative
 * errno with err set.
 */
int filter_open(uint32_t keep_classes, struct filter **out_filter, struct err *err);

/* Accepts NULL. A socket that it was attached to keeps the program. */
void filter_close(struct filter *filter);

/* Replaces the filter of the socket in one step. */
int filter_attach(const struct filter *filter, int fd, struct err *err);

/* Sums over all CPUs. 0 or a negative errno. */
int filter_read_classes(const struct filter *filter,
                        struct class_counter out_classes[FRAME_CLASS_COUNT]);
