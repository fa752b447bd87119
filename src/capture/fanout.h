/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to capture/: fanout groups, in which the kernel gives every frame to exactly one of
 * several sockets. bpf/fanout.bpf.c says to which, for FANOUT_HOST.
 */
#pragma once

#include <passer/base/err.h>
#include <passer/capture/ring.h>

/* Loads the program of FANOUT_HOST; the caller closes it. 0, or a negative errno with err set. */
int fanout_load_selector(int *out_program, struct err *err);

/*
 * Puts a bound socket into the group of that id, which must be of the same mode; -1 begins a new
 * group, whose id the kernel chooses so that it meets no other program's, and which holds the
 * selector from then on. Returns 0, or a negative errno with err set.
 */
int fanout_join(int fd, enum fanout_mode mode, int group, int selector, int *out_group,
                struct err *err);
