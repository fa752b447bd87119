/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * IP and MAC addresses as values. One type holds IPv4 and IPv6, so that both take one code path;
 * the bytes behind the address are zero, so two equal addresses are equal bytes.
 */
#pragma once

#include <passer/base/span.h>

enum addr_family { ADDR_NONE = 0, ADDR_V4 = 4, ADDR_V6 = 6 };

struct addr {
	uint8_t bytes[16]; /* network order; IPv4 in the first four */
	uint8_t family;    /* enum addr_family */
};

struct mac {
	uint8_t bytes[6];
};

/* Room for either text form of an address, with its NUL. */
#define ADDR_TEXT_SIZE 40
#define MAC_TEXT_SIZE  18

/* From exactly 4 or 16 bytes in network order; any other length gives ADDR_NONE. */
struct addr addr_of(struct span bytes);

/* From text: dotted quad without leading zeros, or any IPv6 spelling. False when it is neither. */
bool addr_parse(const char *text, struct addr *out_addr);

bool addr_equal(const struct addr *a, const struct addr *b);

/* 0.0.0.0 or :: */
bool addr_is_unspecified(const struct addr *a);

/* 127.0.0.0/8 or ::1 */
bool addr_is_loopback(const struct addr *a);

/* 224.0.0.0/4 or ff00::/8 */
bool addr_is_multicast(const struct addr *a);

/*
 * As it stands in the IP column: IPv4 as dotted quad, IPv6 as eight groups of four lower-case hex
 * digits. Returns the length; writes a NUL. ADDR_NONE gives the empty text.
 */
size_t addr_format(const struct addr *a, char out_text[static ADDR_TEXT_SIZE]);

/* IPv6 in its usual compressed form (RFC 5952), IPv4 as above. */
size_t addr_format_short(const struct addr *a, char out_text[static ADDR_TEXT_SIZE]);

struct mac mac_of(struct span six_bytes);
bool mac_is_broadcast(const struct mac *m);
bool mac_is_multicast(const struct mac *m);

/* "00:0A:27:01:02:03", upper case as the MA record has it. */
void mac_format(const struct mac *m, char out_text[static MAC_TEXT_SIZE]);
