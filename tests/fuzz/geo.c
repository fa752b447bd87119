/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A database in MaxMind's format, which is asked about some addresses. */
#include "fuzz.h"

#include <passer/fingerprint/geo.h>

/*
 * libmaxminddb 1.7 does not free what it had read of a file's metadata when the rest is damaged:
 * some kilobytes, once a load.
 */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const addresses[] = {"8.8.8.8", "9.9.9.9", "192.0.2.1", "2001:4860::8"};
	struct geo *geo;
	struct err err;

	fuzz_require(geo_new(&geo, &err) == 0);
	(void)geo_add(geo, fuzz_file(span_of(data, size)), &err);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct addr addr;
		char buf[64];
		struct text desc;

		fuzz_require(addr_parse(addresses[i], &addr));
		text_init(&desc, buf, sizeof(buf));
		geo_describe(geo, &addr, &desc);
		fuzz_require(strpbrk(desc.buf, ",\r\n") == NULL);
	}
	geo_free(geo);
	return 0;
}
