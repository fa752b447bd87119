/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages between two hosts, in headers that are right: IP protocol, flags (1: IPv6, 2: back),
 * length (2), then ports and payload of UDP, or all of TCP, ICMP and others.
 */
#include "sensor.h"

#include <passer/base/cursor.h>

#define MESSAGES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_of(span_of(data, size));

	sensor_begin();
	for (int i = 0; i < MESSAGES_MAX && cur_left(&c) >= 4; i++) {
		struct envelope e = {.ip_proto = cur_u8(&c)};
		uint8_t flags = cur_u8(&c);
		size_t len = cur_be16(&c);
		struct span message = cur_take(&c, len < cur_left(&c) ? len : cur_left(&c));
		uint8_t *bytes = malloc(message.len + ENVELOPE_BYTES_MAX);
		struct frame frame = {.link = LINK_ETHERNET};

		fuzz_require(bytes != NULL);
		e.is_v6 = flags & 1;
		e.is_back = flags & 2;
		len = envelope_put(&e, message, bytes);
		bytes = realloc(bytes, len); /* its very size, for the sanitizer */
		frame.bytes = span_of(bytes, len);
		frame.wire_bytes = (uint32_t)len;
		sensor_frame(&frame, 1);
		free(bytes);
	}
	sensor_end();
	return 0;
}
