/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A sensor without a capture for the fuzz targets: a worker with a ledger. It knows nothing at the
 * start of each input. Every line that comes out is checked, and that the counters balance.
 */
#pragma once

#include "fuzz.h"

#include <passer/base/frame.h>

void sensor_begin(void);
/* Gives the frame to the sensor, which sets its time to `step_ms` after that of the last one. */
void sensor_frame(struct frame *frame, uint64_t step_ms);
void sensor_end(void);

/* What messages travel in; see messages.c. */
struct envelope {
	uint8_t ip_proto;
	bool is_v6;
	bool is_back; /* from the second host to the first */
};

#define ENVELOPE_BYTES_MAX 64

/*
 * Writes Ethernet, IP and UDP headers around a message that begins with its ports, or around all of
 * TCP, ICMP and others. Returns the length of the frame, at most len + ENVELOPE_BYTES_MAX.
 */
size_t envelope_put(const struct envelope *envelope, struct span message, uint8_t *out_frame);
