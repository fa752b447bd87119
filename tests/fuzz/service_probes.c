/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of patterns, a NUL, and what a server sends that they are asked about. */
#include "fuzz.h"

#include <passer/fingerprint/service_probes.h>

static void ignore(void *user, size_t line, const char *desc)
{
	(void)user;
	(void)line;
	(void)desc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span payload, text = fuzz_split(span_of(data, size), &payload);
	const char *const paths[] = {fuzz_file(text), NULL};
	struct service_probes *probes;
	struct service_matcher *matcher;
	struct err err;

	if (service_probes_new(paths, &probes, &err) != 0) {
		return 0;
	}
	service_probes_compile(probes);
	matcher = service_matcher_new(probes);
	service_match_all(matcher, PROBE_TCP, payload, ignore, NULL);
	service_match_all(matcher, PROBE_UDP, payload, ignore, NULL);
	service_matcher_free(matcher);
	service_probes_free(probes);
	return 0;
}
