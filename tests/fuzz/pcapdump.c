/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file that a dump is to go on with, in either of the formats. */
#include "fuzz.h"

#include "output/pcapdump_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int i = 0; i < 2; i++) {
		struct pcapdump_format format = {.is_pcapng = i == 1};
		size_t end = 0;
		int link;

		if (pcapdump_recognise(span_of(data, size), &format, &link, &end)) {
			fuzz_require(end <= size);
			fuzz_require(link >= PCAPDUMP_NO_LINK && link <= PCAPDUMP_ODD_LINK);
		}
	}
	return 0;
}
