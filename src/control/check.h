/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * passer --check: what holds on this machine, one line a thing, with the cure where something is
 * wrong. Nothing is changed; for a moment a ring is opened on all interfaces.
 */
#pragma once

#include "options.h"

/* Prints to standard output. The exit status: 0 when a run with these options could listen. */
int check_machine(const struct options *options);
