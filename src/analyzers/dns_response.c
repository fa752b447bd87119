/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The names that the records of a response give to addresses. */
#include "dns_response.h"

#include <passer/ledger/names.h>

#define RECORDS_MAX 1024 /* more than any real message holds */

/* ---- records with the parts that a message gives -------------------------------------------- */

static void emit_name(const struct dns_response *r, const struct addr *addr, const char *proto,
                      const struct dns_name *name)
{
	struct record *rec = dns_begin(r, REC_DN, addr, proto);

	if (name->len > 1) { /* the root is no name */
		text_add_clean_lower(&rec->state, dns_name_span(name));
	}
	emit(r->ctx);
}

/* ---- the addresses of names ------------------------------------------------------------------ */

static uint64_t name_key(const struct analyzer_ctx *ctx, const struct dns_name *name)
{
	struct dns_name lower = {.len = name->len};
	struct hash h;

	for (size_t i = 0; i < name->len; i++) {
		uint8_t b = name->bytes[i];

		lower.bytes[i] = b >= 'A' && b <= 'Z' ? b | 0x20 : b;
	}
	hash_init(&h, &ctx->ledger->key);
	hash_add(&h, lower.bytes, lower.len);
	return hash_final(&h);
}

/* Two labels at least: single labels are local nicknames that mean another host elsewhere. */
static bool is_qualified(const struct dns_name *name)
{
	const uint8_t *dot = memchr(name->bytes, '.', name->len);

	return dot != NULL && dot != name->bytes && dot != name->bytes + name->len - 1;
}

static void remember(const struct dns_response *r, const struct dns_name *name,
                     const struct addr *addr)
{
	if (is_qualified(name)) {
		names_add(r->ctx->ledger->names, name_key(r->ctx, name), addr, r->time_ns);
	}
}

/* ---- one function per record type ------------------------------------------------------------ */

static void on_address(const struct dns_response *r, struct dns_record *record)
{
	struct addr addr = addr_of(cur_rest(&record->data));
	bool is_v4 = record->type == DNS_TYPE_A;

	if (addr.family != (is_v4 ? ADDR_V4 : ADDR_V6)) {
		return;
	}
	emit_name(r, &addr, is_v4 ? "A" : "AAAA", &record->owner);
	remember(r, &record->owner, &addr);
}

/* "4.3.2.1.in-addr.arpa." (RFC 1035, section 3.5); each part a number without leading zeros. */
static bool reverse_v4(const struct dns_name *owner, struct addr *out_addr)
{
	static const char suffix[] = "in-addr.arpa.";
	struct cursor c = cur_of(dns_name_span(owner));
	uint8_t bytes[4];

	if (!dns_name_ends_with(owner, suffix)) {
		return false;
	}
	for (int i = 3; i >= 0; i--) {
		unsigned value = 0, digits = 0;
		uint8_t b;

		while ((b = cur_u8(&c)) >= '0' && b <= '9' && digits < 4) {
			value = value * 10 + (b - '0');
			digits++;
		}
		if (b != '.' || digits == 0 || value > 255 ||
		    digits != 1u + (value >= 10) + (value >= 100)) {
			return false;
		}
		bytes[i] = (uint8_t)value;
	}
	*out_addr = addr_of(span_of(bytes, sizeof(bytes)));
	return cur_left(&c) == sizeof(suffix) - 1;
}

static int hex_digit(uint8_t b)
{
	if (b >= '0' && b <= '9') {
		return b - '0';
	}
	b |= 0x20;
	return b >= 'a' && b <= 'f' ? b - 'a' + 10 : -1;
}

/* 32 single hex digits and "ip6.arpa." (RFC 3596, section 2.5). */
static bool reverse_v6(const struct dns_name *owner, struct addr *out_addr)
{
	static const char suffix[] = "ip6.arpa.";
	struct cursor c = cur_of(dns_name_span(owner));
	uint8_t bytes[16] = {0};

	if (owner->len != 64 + sizeof(suffix) - 1 || !dns_name_ends_with(owner, suffix)) {
		return false;
	}
	for (int i = 31; i >= 0; i--) {
		int digit = hex_digit(cur_u8(&c));

		if (digit < 0 || cur_u8(&c) != '.') {
			return false;
		}
		bytes[i / 2] |= (uint8_t)(i % 2 == 0 ? digit << 4 : digit);
	}
	*out_addr = addr_of(span_of(bytes, sizeof(bytes)));
	return true;
}

static void on_ptr(struct dns_response *r, struct dns_record *record)
{
	struct dns_name target;
	struct addr addr;

	if (!dns_name_parse(&record->data, &target)) {
		return;
	}
	if (reverse_v4(&record->owner, &addr) || reverse_v6(&record->owner, &addr)) {
		emit_name(r, &addr, "PTR", &target);
		remember(r, &target, &addr);
	} else if (dns_name_ends_with(&record->owner, ".local.")) {
		dns_local_ptr(r, &record->owner, &target);
	}
}

/* The mailbox of the person who is responsible for a name (RFC 1183, section 2.2). */
static void on_rp(const struct dns_response *r, struct dns_record *record)
{
	static const uint8_t no_host[4];
	struct addr nobody = addr_of(span_of(no_host, sizeof(no_host)));
	struct dns_name mailbox;

	if (dns_name_parse(&record->data, &mailbox)) {
		struct record *rec = dns_begin(r, REC_NA, &nobody, "RP");

		text_add_clean(&rec->state, dns_name_span(&record->owner));
		text_add_clean(&rec->desc, dns_name_span(&mailbox));
		emit(r->ctx);
	}
}

/* The version that a name server admits to, and the client that asked: both names are old habits.
 */
static void on_chaos(const struct dns_response *r, struct dns_record *record)
{
	struct record *rec;

	if (record->type != DNS_TYPE_TXT || !(dns_name_is(&record->owner, "version.bind.") ||
	                                      dns_name_is(&record->owner, "hostname.bind."))) {
		return;
	}
	rec = dns_begin(r, REC_DN, &r->pkt->src, "TXT");
	dns_add_strings(&rec->state, record->data);
	text_add(&rec->desc, "Chaos/");
	text_add_clean(&rec->desc, dns_name_span(&record->owner));
	emit(r->ctx);

	rec = dns_begin(r, r->pkt->layer == LAYER_TCP ? REC_TC : REC_UC, &r->pkt->dst, "TXT");
	text_add(&rec->state, "open");
	text_add(&rec->desc, "dns/client Chaos/");
	text_add_clean(&rec->desc, dns_name_span(&record->owner));
	warnings_add(&rec->warnings, WARN_SCAN);
	emit(r->ctx);
}

static void on_record(struct dns_response *r, struct dns_record *record)
{
	if (record->class == DNS_CLASS_CHAOS) {
		on_chaos(r, record);
		return;
	}
	if (record->class != DNS_CLASS_IN && record->class != DNS_CLASS_IN_FLUSH) {
		return;
	}
	switch (record->type) {
	case DNS_TYPE_A:
	case DNS_TYPE_AAAA:
		on_address(r, record);
		break;
	case DNS_TYPE_PTR:
		on_ptr(r, record);
		break;
	case DNS_TYPE_HINFO:
		dns_local_hinfo(r, record);
		break;
	case DNS_TYPE_TXT:
		dns_local_txt(r, record);
		break;
	case DNS_TYPE_SRV:
		dns_local_srv(r, record);
		break;
	case DNS_TYPE_RP:
		on_rp(r, record);
		break;
	default:
		break;
	}
}

/*
 * An alias has the addresses of its target. They are remembered for the alias, too, so that a chain
 * is followed when its links are taken from the last to the first: servers put them in order.
 */
static void on_cname(const struct dns_response *r, struct cursor c)
{
	struct addr addrs[NAME_ADDRS_MAX];
	struct dns_record record;
	struct dns_name target;

	if (!dns_record_parse(&c, &record) || !dns_name_parse(&record.data, &target) ||
	    !is_qualified(&record.owner)) {
		return;
	}
	unsigned count = names_find(r->ctx->ledger->names, name_key(r->ctx, &target), addrs);

	for (unsigned i = 0; i < count; i++) {
		emit_name(r, &addrs[i], "CNAME", &record.owner);
		remember(r, &record.owner, &addrs[i]);
	}
}

/* ---- whole messages -------------------------------------------------------------------------- */

static void on_records(struct dns_response *r, struct cursor *c, unsigned count)
{
	for (unsigned i = 0; i < count && i < RECORDS_MAX; i++) {
		struct cursor start = *c;
		struct dns_record record;

		if (!dns_record_parse(c, &record)) {
			break; /* what was whole before the break stands */
		}
		bool is_in = record.class == DNS_CLASS_IN || record.class == DNS_CLASS_IN_FLUSH;

		if (record.type == DNS_TYPE_CNAME && is_in && r->cname_count < DNS_CNAMES_MAX) {
			r->cnames[r->cname_count++] = start;
		} else {
			on_record(r, &record);
		}
	}
	while (r->cname_count > 0) {
		on_cname(r, r->cnames[--r->cname_count]);
	}
}

static void on_nxdomain(const struct dns_response *r, const struct dns_question *q)
{
	static const uint8_t no_host[16];
	const char *proto;

	switch (q->type) {
	case DNS_TYPE_A:
		proto = "A";
		break;
	case DNS_TYPE_NS:
		proto = "NS";
		break;
	case DNS_TYPE_PTR:
		proto = "PTR";
		break;
	case DNS_TYPE_MX:
		proto = "MX";
		break;
	case DNS_TYPE_AAAA:
		proto = "AAAA";
		break;
	default:
		return;
	}
	struct addr nobody = addr_of(span_of(no_host, q->type == DNS_TYPE_AAAA ? 16 : 4));
	struct record *rec = dns_begin(r, REC_DN, &nobody, proto);

	text_add_clean_lower(&rec->state, dns_name_span(&q->name));
	text_add(&rec->desc, "NXDOMAIN");
	emit(r->ctx);
}

void dns_response_read(struct dns_response *r, const struct dns_header *header,
                       const struct dns_question *last_question, struct cursor c)
{
	if (header->rcode == DNS_RCODE_NOERROR) {
		on_records(r, &c,
		           (unsigned)header->answers + header->authorities + header->additionals);
	} else if (header->rcode == DNS_RCODE_NXDOMAIN && r->ctx->options->wants_nxdomain &&
	           header->questions == 1 && (last_question->class & 0x7fff) == DNS_CLASS_IN) {
		on_nxdomain(r, last_question);
	}
}
