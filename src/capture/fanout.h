/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to capture/: fanout groups, in which the kernel gives every frame to exactly one of
 * several sockets. bpf/fanout.bpf.c says to which, for FANOUT_HOST.
 */
#pragma once

#include <passer/base/err.h>
#include <passer/capture/ring.h>

/*
 * Puts a bound socket into the group of that id, which must be of the same mode; -1 begins a new
 * group, whose id the kernel chooses so that it meets no other program's. Returns 0, or a negative
 * errno with err set.
 */
int fanout_join(int fd, enum fanout_mode mode, int group, int *out_group, struct err *err);
