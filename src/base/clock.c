/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/clock.h>

#include <stdio.h>

void clock_format_utc(int64_t seconds, char between, char out_text[static CLOCK_UTC_SIZE])
{
	time_t at = (time_t)seconds;
	struct tm tm;

	out_text[0] = '\0';
	if (gmtime_r(&at, &tm) != NULL) {
		snprintf(out_text, CLOCK_UTC_SIZE, "%04d-%02d-%02d%c%02d:%02d:%02d",
		         tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, between, tm.tm_hour,
		         tm.tm_min, tm.tm_sec);
	}
}
