/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The watch that a process keeps over itself while it works on frames: one on which it spends more
 * than HANG_CPU_MAX_MS of CPU time ends it, by HANG_SIGNAL. A timer of the kernel that counts CPU
 * time alone looks each HANG_TICK_MS; so nothing is to be done per packet, who does not run is not
 * looked at, and neither standing still nor waiting nor a busy machine is ever taken for hanging.
 *
 * The kernel sends the same signal to who has used up the CPU time that RLIMIT_CPU allows, which
 * says nothing about a frame; shared->has_hung tells the two apart.
 *
 * The supervisor kills those whose watch has failed (control/poison.c).
 */
#pragma once

#include <signal.h>

#define HANG_CPU_MAX_MS 1000 /* on one frame; noticed within one tick more */
#define HANG_TICK_MS    100
#define HANG_SIGNAL     SIGXCPU /* by default it ends a process, with a core dump where allowed */

struct worker_shared;

/* Begins the watch, for the life of the process; before it confines itself. Borrows shared. */
void hang_watch(struct worker_shared *shared);
