/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The wire format of DNS messages (RFC 1035, section 4; multicast: RFC 6762). Pure parsing: no
 * state, no output. Walk it in order: header, questions, records.
 */
#pragma once

#include <passer/base/cursor.h>

#define DNS_NAME_MAX 254 /* as text with its final dot: 255 bytes on the wire */

/* Labels joined with dots and a final dot; the root is ".". Bytes as on the wire, not escaped. */
struct dns_name {
	size_t len;
	uint8_t bytes[DNS_NAME_MAX];
};

enum {
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_PTR = 12,
	DNS_TYPE_HINFO = 13,
	DNS_TYPE_MX = 15,
	DNS_TYPE_TXT = 16,
	DNS_TYPE_RP = 17,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_SRV = 33,
	DNS_TYPE_ANY = 255, /* in questions */
};

enum { DNS_CLASS_IN = 1, DNS_CLASS_CHAOS = 3, DNS_CLASS_IN_FLUSH = 0x8001 };

enum { DNS_OPCODE_UPDATE = 5 };

enum { DNS_RCODE_NOERROR = 0, DNS_RCODE_NXDOMAIN = 3 };

struct dns_header {
	uint16_t id;
	bool is_response;
	uint8_t opcode;
	uint8_t rcode;
	bool has_reserved; /* the bit that must be zero (RFC 1035 section 4.1.1, RFC 2535 6.1) */
	uint16_t questions, answers, authorities, additionals;
};

struct dns_question {
	struct dns_name name;
	uint16_t type, class;
};

struct dns_record {
	struct dns_name owner;
	uint16_t type, class;
	uint32_t ttl;
	struct cursor data; /* limited to the record's data; names in it may point before it */
};

/* False unless the fixed header of 12 bytes is complete. */
bool dns_header_parse(struct cursor *c, struct dns_header *out_header);

/*
 * A name, compression followed: pointers must lead strictly backwards and are limited in number.
 * The cursor moves behind the name. False when the name is torn, loops or is too long.
 */
bool dns_name_parse(struct cursor *c, struct dns_name *out_name);

bool dns_question_parse(struct cursor *c, struct dns_question *out_question);
bool dns_record_parse(struct cursor *c, struct dns_record *out_record);

/* Up to `count` questions, of which the last whole one is kept; returns how many are whole. */
unsigned dns_questions_parse(struct cursor *c, unsigned count, struct dns_question *out_last);

/* A <character-string> (RFC 1035, section 3.3): one length byte, then text. Empty on fault. */
struct span dns_string_parse(struct cursor *c);

/* Equality and suffix without regard to the case of ASCII letters. */
bool dns_name_equal(const struct dns_name *a, const struct dns_name *b);
bool dns_name_is(const struct dns_name *name, const char *text);
bool dns_name_ends_with(const struct dns_name *name, const char *text);

static inline struct span dns_name_span(const struct dns_name *name)
{
	return span_of(name->bytes, name->len);
}
