/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of p0f.h share: signatures as they are kept, and the reading of their fields. */
#pragma once

#include <passer/base/cursor.h>
#include <passer/fingerprint/p0f.h>

#define P0F_ANY          (-1)
#define P0F_NONE         UINT32_MAX /* as an index */
#define P0F_TCP_BUCKETS  256
#define P0F_NAME_BUCKETS 64
#define P0F_HEADERS_MAX  32 /* of one signature */

struct p0f_label {
	struct span text; /* name and flavor */
	const char *file;
	bool is_app, is_generic;
};

/* How a signature gives the window size. */
enum p0f_window {
	P0F_WINDOW_ANY,
	P0F_WINDOW_IS,
	P0F_WINDOW_MODULO,
	P0F_WINDOW_MSS,
	P0F_WINDOW_MTU
};

struct p0f_tcp_sig {
	uint32_t label, line;
	uint32_t next; /* with its layout hash, in the order of loading */
	uint32_t layout_hash;
	uint32_t quirks;
	int32_t mss; /* or P0F_ANY; as the next ones */
	int16_t scale;
	int8_t has_payload;
	int8_t ip_version;
	uint8_t ttl;
	bool has_random_ttl; /* ttl is the largest */
	uint8_t ip_option_bytes;
	uint8_t window_kind; /* enum p0f_window */
	uint16_t window;
	uint8_t padding_bytes;
	uint8_t layout_count;
	uint8_t layout[P0F_OPTIONS_MAX];
};

struct p0f_chain {
	uint32_t first, last;
};

/* A header that a signature names. */
struct p0f_header {
	uint16_t name;
	bool is_optional;
	struct span value; /* what its value holds; empty: any */
};

struct p0f_http_sig {
	uint32_t label, line;
	int8_t version;         /* the digit behind "HTTP/1.", or P0F_ANY */
	uint64_t required_bits; /* p0f_name_bit() of those that are not optional */
	struct p0f_header headers[P0F_HEADERS_MAX];
	uint16_t absent[P0F_HEADERS_MAX];
	uint8_t header_count, absent_count;
	struct span software; /* what User-Agent or Server is expected to hold */
};

/* Header names, spelt exactly so, are numbers. */
struct p0f_name {
	struct span text;
	uint16_t next;
};

#define P0F_NO_NAME UINT16_MAX

struct p0f_ua_os {
	struct span os, needle;
};

struct p0f_link {
	uint32_t mtu_bytes, label;
};

struct p0f {
	char **texts; /* copies of all files; spans point into them */
	size_t text_count;
	struct p0f_label *labels;
	uint32_t label_count;
	struct p0f_tcp_sig *tcp;
	uint32_t tcp_count;
	struct p0f_chain layouts[P0F_SIDES][P0F_TCP_BUCKETS];
	struct p0f_http_sig *http[P0F_SIDES];
	uint32_t http_count[P0F_SIDES];
	struct p0f_name *names;
	uint16_t name_count;
	uint16_t name_heads[P0F_NAME_BUCKETS];
	uint16_t user_agent, server; /* names */
	struct p0f_ua_os *ua_os;
	uint32_t ua_os_count;
	struct p0f_link *links;
	uint32_t link_count;
};

/* Why a field makes no sense, a text for the report; NULL: it does. */
typedef const char *p0f_fault;

/*
 * The value of a "sig" line. label, line and next stay as they are. Borrows from the value.
 * out_sig is filled only when NULL is returned. HTTP: may add names.
 */
p0f_fault p0f_parse_tcp(struct span value, struct p0f_tcp_sig *out_sig);
p0f_fault p0f_parse_http(struct p0f *p0f, struct span value, struct p0f_http_sig *out_sig);

/* The value of a "ua_os" line, added to those that are there. */
p0f_fault p0f_parse_ua_os(struct p0f *p0f, struct span value);

/* The number of a header name; P0F_NO_NAME when no signature has it, or memory for a new one. */
uint16_t p0f_find_name(const struct p0f *p0f, struct span name);
uint16_t p0f_add_name(struct p0f *p0f, struct span name);

/* A set of names as 64 bits; two names may share one. */
static inline uint64_t p0f_name_bit(uint16_t name)
{
	return UINT64_C(1) << name % 64;
}

/* FNV-1a (Fowler, Noll, Vo): chains depend on the signatures alone, so no key is needed. */
uint32_t p0f_hash(struct span bytes);

/* The text before the next separator, which is read, too; all of it when there is none. */
struct span p0f_cut(struct cursor *c, char separator);

/* Reads a decimal number up to max at the cursor. False, and a fault, when there is none. */
bool p0f_take_number(struct cursor *c, unsigned max, unsigned *out_number);
/* The same of a whole text. */
bool p0f_number(struct span text, unsigned max, unsigned *out_number);

/* Is the next byte this one? Then it is read. */
bool p0f_take(struct cursor *c, char byte);

/*
 * An array with room for one more element than count: the same or a larger one, or NULL, and the
 * old one stays.
 */
void *p0f_grow(void *array, size_t count, size_t element_bytes);
