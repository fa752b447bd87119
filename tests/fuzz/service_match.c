/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a server sends: a byte for UDP or TCP, the port, the payload; asked of nmap's own patterns.
 */
#include "fuzz.h"

#include <passer/base/cursor.h>
#include <passer/fingerprint/service_probes.h>

static struct service_matcher *open_matcher(void)
{
	static const char *const own[] = {GOLDEN "/service-probes", NULL};
	struct service_probes *probes;
	struct err err;

	if (service_probes_new(service_probes_default_paths, &probes, &err) != 0) {
		fuzz_require(service_probes_new(own, &probes, &err) == 0);
	}
	return service_matcher_new(probes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct service_matcher *matcher;
	struct cursor c = cur_of(span_of(data, size));
	enum probe_transport transport = cur_u8(&c) % PROBE_TRANSPORT_COUNT;
	uint16_t port = cur_be16(&c);
	char buf[300];
	struct text desc;

	matcher = matcher != NULL ? matcher : open_matcher();
	text_init(&desc, buf, sizeof(buf));
	(void)service_match(matcher, transport, port, cur_rest(&c), &desc);
	fuzz_require(strpbrk(desc.buf, ",\r\n") == NULL);
	return 0;
}
