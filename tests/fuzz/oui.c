/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of manufacturers, a NUL, and an address. */
#include "fuzz.h"

#include <passer/fingerprint/oui.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest, text = fuzz_split(span_of(data, size), &rest);
	const char *const paths[] = {fuzz_file(text), NULL};
	struct mac mac = {{0}};
	struct oui *oui;
	struct err err;

	if (oui_new(paths, &oui, &err) == 0) {
		memcpy(mac.bytes, rest.data, rest.len < 6 ? rest.len : 6);
		(void)oui_find(oui, &mac);
		oui_free(oui);
	}
	return 0;
}
