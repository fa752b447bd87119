/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What servers may have said: the different TCP and UDP payloads of capture files, in memory. */
#pragma once

#include <passer/fingerprint/service_probes.h>

#define PAYLOAD_BYTES_MAX 8192 /* of one payload; the rest is left out */

struct payload {
	enum probe_transport transport;
	uint16_t port; /* of the sender */
	struct span bytes;
};

struct payloads {
	struct payload *list;
	size_t count, cap;
	uint64_t *seen; /* a hash of each, so that none is there twice */
	size_t seen_cap;
};

/* Adds those of a capture file, also those inside tunnels, as far as it can be read. */
void payloads_add_file(struct payloads *payloads, const char *path);

/* Adds one unless it is there; the bytes are copied. */
void payloads_add(struct payloads *payloads, const struct payload *payload);

void payloads_fini(struct payloads *payloads);

/* The next of a row of numbers that is the same in every run. *state: any number but 0. */
uint32_t payloads_random(uint64_t *state);
