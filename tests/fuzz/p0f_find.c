/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signatures of p0f, a NUL, and what they are asked about: a byte whose bits are the side and IPv6,
 * TTL, window (2), quirks (4), MSS (2), and TCP options, which are taken for HTTP, too.
 */
#include "fuzz.h"

#include <passer/base/cursor.h>
#include <passer/fingerprint/p0f.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest, text = fuzz_split(span_of(data, size), &rest);
	struct rows_report report = fuzz_quiet_report();
	struct cursor c = cur_of(rest);
	uint8_t bits = cur_u8(&c);
	struct p0f_segment segment = {.ip_version = bits & 2 ? 6 : 4, .ttl = cur_u8(&c)};
	struct p0f *p0f = p0f_new();
	struct p0f_match match;

	fuzz_require(p0f != NULL && p0f_load(p0f, "fuzz", text, &report) == 0);
	segment.window = cur_be16(&c);
	segment.quirks = cur_be32(&c);
	segment.peer_mss = cur_be16(&c);
	segment.header_bytes = 40;
	rest = cur_rest(&c);
	p0f_read_options(span_of(rest.data, rest.len < 40 ? rest.len : 40), !(bits & 1),
	                 &segment.options);
	(void)p0f_find_tcp(p0f, bits & 1, &segment, &match);
	(void)p0f_find_http(p0f, bits & 1, rest, &match);
	(void)p0f_find_link(p0f, segment.peer_mss);
	p0f_free(p0f);
	return 0;
}
