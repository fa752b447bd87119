/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames one after the other: a byte for the link type, then length (2), milliseconds (2), bytes.
 */
#include "sensor.h"

#include <passer/base/cursor.h>

#define FRAMES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_of(span_of(data, size));
	enum link_type link = cur_u8(&c) % LINK_TYPE_COUNT;

	sensor_begin();
	for (int i = 0; i < FRAMES_MAX && cur_left(&c) >= 4; i++) {
		size_t len = cur_be16(&c);
		uint64_t step_ms = cur_be16(&c);
		struct frame frame = {.link = link, .wire_bytes = (uint32_t)len};

		frame.bytes = cur_take(&c, len < cur_left(&c) ? len : cur_left(&c));
		sensor_frame(&frame, step_ms);
	}
	sensor_end();
	return 0;
}
