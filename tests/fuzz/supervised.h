/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A supervisor without processes for the fuzz targets: two workers of which nothing is there but
 * the memory that they share with it, a log, a reader of standard output that takes nothing, files
 * of packets. Each input begins with it as new.
 */
#pragma once

#include "fuzz.h"

#include "control/sensor.h"

struct supervisor *supervised_begin(void);

/*
 * Lets a worker write to the shared memory, again and again: number of the spot, place in it,
 * length, bytes. The spots are those with numbers that say how far, where and which.
 */
void supervised_write(struct span writes);
