/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machine's own time, for waiting and rates; facts go by packet time. */
#pragma once

#include <stdint.h>
#include <time.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

#define CLOCK_UTC_SIZE 72 /* for any numbers */

/*
 * Seconds since 1970 as "2017-07-14T02:40:00" with that letter between; "" when there is no such
 * date. Opens no file, as strftime(3) does, once tzset(3) was called.
 */
void clock_format_utc(int64_t seconds, char between, char out_text[static CLOCK_UTC_SIZE]);

static inline uint64_t clock_monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}
