/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to capture/: fanout groups, in which the kernel gives every frame to exactly one of
 * several sockets. bpf/fanout.bpf.c says to which.
 */
#pragma once

#include <passer/base/err.h>

/*
 * Puts a bound socket into the group of that id; -1 begins a new group, whose id the kernel chooses
 * so that it meets no other program's. Returns 0, or a negative errno with err set.
 */
int fanout_join(int fd, int group, int *out_group, struct err *err);
