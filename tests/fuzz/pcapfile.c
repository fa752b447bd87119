/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A capture file in any of the formats, packed or plain, read to its end. */
#include "fuzz.h"

#include <passer/capture/pcapfile.h>

static void look(void *user, const struct frame *frame)
{
	uint64_t *sum = user;

	fuzz_require(frame->link < LINK_TYPE_COUNT);
	for (size_t i = 0; i < frame->bytes.len; i++) {
		*sum += frame->bytes.data[i];
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source *source;
	uint64_t sum = 0;
	struct err err;
	int state;

	if (pcapfile_open(fuzz_file(span_of(data, size)), &source, &err) != 0) {
		return 0;
	}
	do {
		state = source_read(source, look, &sum, &err);
	} while (state == SOURCE_MORE);
	fuzz_require(state != SOURCE_IDLE);
	source_close(source);
	return 0;
}
