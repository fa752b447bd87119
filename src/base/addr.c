/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/addr.h>

#include <arpa/inet.h>

struct addr addr_of(struct span bytes)
{
	struct addr a = {.family = ADDR_NONE};

	if (bytes.len == 4 || bytes.len == 16) {
		memcpy(a.bytes, bytes.data, bytes.len);
		a.family = bytes.len == 4 ? ADDR_V4 : ADDR_V6;
	}
	return a;
}

bool addr_parse(const char *text, struct addr *out_addr)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1) {
		*out_addr = addr_of(span_of(bytes, 4));
		return true;
	}
	if (inet_pton(AF_INET6, text, bytes) == 1) {
		*out_addr = addr_of(span_of(bytes, 16));
		return true;
	}
	return false;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool addr_is_unspecified(const struct addr *a)
{
	static const uint8_t zero[16];

	return a->family != ADDR_NONE && memcmp(a->bytes, zero, sizeof(zero)) == 0;
}

bool addr_is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = {[15] = 1};

	if (a->family == ADDR_V4) {
		return a->bytes[0] == 127;
	}
	return a->family == ADDR_V6 && memcmp(a->bytes, one, sizeof(one)) == 0;
}

bool addr_is_multicast(const struct addr *a)
{
	if (a->family == ADDR_V4) {
		return (a->bytes[0] & 0xf0) == 0xe0;
	}
	return a->family == ADDR_V6 && a->bytes[0] == 0xff;
}

static size_t format_v4(const struct addr *a, char *out_text)
{
	char *p = out_text;

	for (int i = 0; i < 4; i++) {
		unsigned v = a->bytes[i];

		if (v >= 100) {
			*p++ = (char)('0' + v / 100);
		}
		if (v >= 10) {
			*p++ = (char)('0' + v / 10 % 10);
		}
		*p++ = (char)('0' + v % 10);
		*p++ = '.';
	}
	*--p = '\0';
	return (size_t)(p - out_text);
}

static size_t format_v6(const struct addr *a, char *out_text)
{
	static const char digits[] = "0123456789abcdef";
	char *p = out_text;

	for (int i = 0; i < 16; i++) {
		*p++ = digits[a->bytes[i] >> 4];
		*p++ = digits[a->bytes[i] & 15];
		if (i % 2 == 1) {
			*p++ = ':';
		}
	}
	*--p = '\0';
	return (size_t)(p - out_text);
}

size_t addr_format(const struct addr *a, char out_text[static ADDR_TEXT_SIZE])
{
	switch (a->family) {
	case ADDR_V4:
		return format_v4(a, out_text);
	case ADDR_V6:
		return format_v6(a, out_text);
	default:
		out_text[0] = '\0';
		return 0;
	}
}

size_t addr_format_short(const struct addr *a, char out_text[static ADDR_TEXT_SIZE])
{
	char full[INET6_ADDRSTRLEN];

	if (a->family != ADDR_V6 || inet_ntop(AF_INET6, a->bytes, full, sizeof(full)) == NULL) {
		return addr_format(a, out_text);
	}
	/* The mixed form for mapped addresses is the only one longer than a plain address can be.
	 */
	size_t len = strnlen(full, ADDR_TEXT_SIZE - 1);

	memcpy(out_text, full, len);
	out_text[len] = '\0';
	return len;
}

struct mac mac_of(struct span six_bytes)
{
	struct mac m = {{0}};

	if (six_bytes.len == sizeof(m.bytes)) {
		memcpy(m.bytes, six_bytes.data, sizeof(m.bytes));
	}
	return m;
}

bool mac_is_broadcast(const struct mac *m)
{
	static const struct mac all = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

	return memcmp(m, &all, sizeof(all)) == 0;
}

bool mac_is_multicast(const struct mac *m)
{
	return (m->bytes[0] & 1) != 0;
}

void mac_format(const struct mac *m, char out_text[static MAC_TEXT_SIZE])
{
	static const char digits[] = "0123456789ABCDEF";
	char *p = out_text;

	for (int i = 0; i < 6; i++) {
		*p++ = digits[m->bytes[i] >> 4];
		*p++ = digits[m->bytes[i] & 15];
		*p++ = ':';
	}
	*--p = '\0';
}
