/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parent of all: loads databases, opens rings and outputs, reads files, forks the workers and
 * keeps them alive, passes on signals, counts, and says at the end what there was.
 */
#pragma once

#include "options.h"

/* Runs the sensor to its end. Returns the exit status of the program. */
int supervisor_run(const struct options *options);
