/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DNS (RFC 1035) and multicast DNS (RFC 6762) over UDP: who asks, who answers, and the names that
 * answers give to addresses. All sections of a message are read, as far as it is whole.
 */
#include "dns_message.h"

#include <passer/analyzers/analyzer.h>
#include <passer/ledger/names.h>

#define PORT_DNS  53
#define PORT_MDNS 5353

/* Bounds on the work for one message; more than any real one holds. */
#define QUESTIONS_MAX 64
#define RECORDS_MAX   1024
#define CNAMES_MAX    32

static const struct warnings no_warnings;

/* A response in work. */
struct response {
	const struct pkt *pkt;
	struct analyzer_ctx *ctx;
	uint64_t time_ns;
	struct cursor cnames[CNAMES_MAX]; /* each at the start of its record */
	unsigned cname_count;
};

static const char *port_name(uint16_t port)
{
	return port == PORT_MDNS ? "mdns" : "dns";
}

static bool is_dns_port(uint16_t port)
{
	return port == PORT_DNS || port == PORT_MDNS;
}

/* ---- records with the parts that a message gives -------------------------------------------- */

static struct record *begin(const struct response *r, enum record_type type,
                            const struct addr *addr, const char *proto)
{
	struct record *rec = &r->ctx->rec;

	record_begin(rec, type, addr, proto, PROTO_PLAIN, r->time_ns);
	return rec;
}

static void emit_name(const struct response *r, const struct addr *addr, const char *proto,
                      const struct dns_name *name)
{
	struct record *rec = begin(r, REC_DN, addr, proto);

	if (name->len > 1) { /* the root is no name */
		text_add_clean_lower(&rec->state, dns_name_span(name));
	}
	emit(r->ctx);
}

static void add_strings(struct text *t, struct cursor data)
{
	for (bool is_first = true; cur_left(&data) > 0; is_first = false) {
		struct span string = dns_string_parse(&data);

		if (!cur_ok(&data)) {
			break;
		}
		if (!is_first) {
			text_add(t, " ");
		}
		text_add_clean(t, string);
	}
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

static void remember(const struct response *r, const struct dns_name *name, const struct addr *addr)
{
	if (is_qualified(name)) {
		names_add(r->ctx->ledger->names, name_key(r->ctx, name), addr, r->time_ns);
	}
}

/* ---- one function per record type ------------------------------------------------------------ */

static void on_address(const struct response *r, struct dns_record *record)
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

static void on_ptr(const struct response *r, struct dns_record *record)
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
		struct record *rec = begin(r, REC_DN, &r->pkt->src, "PTR");

		text_add_clean_lower(&rec->state, dns_name_span(&record->owner));
		if (target.len > 1) {
			text_add_clean_lower(&rec->desc, dns_name_span(&target));
		}
		emit(r->ctx);
	}
}

/* Facts about the sender itself, under a name of its own in the link-local domain. */
static struct record *begin_local(const struct response *r, const char *proto,
                                  const struct dns_record *record)
{
	struct span owner = dns_name_span(&record->owner);

	if (!span_has_suffix(owner, span_str(".local."))) {
		return NULL;
	}
	struct record *rec = begin(r, REC_DN, &r->pkt->src, proto);

	text_add_clean(&rec->state, owner);
	return rec;
}

static void on_hinfo(const struct response *r, struct dns_record *record)
{
	struct record *rec = begin_local(r, "HINFO", record);

	if (rec != NULL) {
		text_add(&rec->desc, "cpu=");
		text_add_clean(&rec->desc, dns_string_parse(&record->data));
		text_add(&rec->desc, " os=");
		text_add_clean(&rec->desc, dns_string_parse(&record->data));
		emit(r->ctx);
	}
}

static void on_txt(const struct response *r, struct dns_record *record)
{
	struct record *rec = begin_local(r, "PTR", record);

	if (rec != NULL) {
		add_strings(&rec->desc, record->data);
		emit(r->ctx);
	}
}

static void on_srv(const struct response *r, struct dns_record *record)
{
	if (begin_local(r, "SRV", record) != NULL) {
		emit(r->ctx);
	}
}

/* The mailbox of the person who is responsible for a name (RFC 1183, section 2.2). */
static void on_rp(const struct response *r, struct dns_record *record)
{
	static const uint8_t no_host[4];
	struct addr nobody = addr_of(span_of(no_host, sizeof(no_host)));
	struct dns_name mailbox;

	if (dns_name_parse(&record->data, &mailbox)) {
		struct record *rec = begin(r, REC_NA, &nobody, "RP");

		text_add_clean(&rec->state, dns_name_span(&record->owner));
		text_add_clean(&rec->desc, dns_name_span(&mailbox));
		emit(r->ctx);
	}
}

/* The version that a name server admits to, and the client that asked: both names are old habits.
 */
static void on_chaos(const struct response *r, struct dns_record *record)
{
	struct record *rec;

	if (record->type != DNS_TYPE_TXT || !(dns_name_is(&record->owner, "version.bind.") ||
	                                      dns_name_is(&record->owner, "hostname.bind."))) {
		return;
	}
	rec = begin(r, REC_DN, &r->pkt->src, "TXT");
	add_strings(&rec->state, record->data);
	text_add(&rec->desc, "Chaos/");
	text_add_clean(&rec->desc, dns_name_span(&record->owner));
	emit(r->ctx);

	rec = begin(r, REC_UC, &r->pkt->dst, "TXT");
	text_add(&rec->state, "open");
	text_add(&rec->desc, "dns/client Chaos/");
	text_add_clean(&rec->desc, dns_name_span(&record->owner));
	warnings_add(&rec->warnings, WARN_SCAN);
	emit(r->ctx);
}

static void on_record(struct response *r, struct dns_record *record)
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
		on_hinfo(r, record);
		break;
	case DNS_TYPE_TXT:
		on_txt(r, record);
		break;
	case DNS_TYPE_SRV:
		on_srv(r, record);
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
static void on_cname(const struct response *r, struct cursor c)
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

static void on_records(struct response *r, struct cursor *c, unsigned count)
{
	for (unsigned i = 0; i < count && i < RECORDS_MAX; i++) {
		struct cursor start = *c;
		struct dns_record record;

		if (!dns_record_parse(c, &record)) {
			break; /* what was whole before the break stands */
		}
		bool is_in = record.class == DNS_CLASS_IN || record.class == DNS_CLASS_IN_FLUSH;

		if (record.type == DNS_TYPE_CNAME && is_in && r->cname_count < CNAMES_MAX) {
			r->cnames[r->cname_count++] = start;
		} else {
			on_record(r, &record);
		}
	}
	while (r->cname_count > 0) {
		on_cname(r, r->cnames[--r->cname_count]);
	}
}

static void on_nxdomain(const struct response *r, const struct dns_question *q)
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
	struct record *rec = begin(r, REC_DN, &nobody, proto);

	text_add_clean_lower(&rec->state, dns_name_span(&q->name));
	text_add(&rec->desc, "NXDOMAIN");
	emit(r->ctx);
}

static void emit_party(const struct pkt *pkt, struct analyzer_ctx *ctx, bool is_server,
                       struct warnings warnings)
{
	struct record *rec = &ctx->rec;
	uint16_t port = is_server ? pkt->sport : pkt->dport;

	record_begin(rec, is_server ? REC_US : REC_UC, &pkt->src, "UDP_", port,
	             pkt->frame->time_ns);
	text_add(&rec->state, "open");
	text_add(&rec->desc, port_name(port));
	text_add(&rec->desc, is_server ? "/server" : "/client");
	rec->warnings = warnings;
	emit(ctx);
}

static enum verdict on_response(const struct pkt *pkt, const struct dns_header *header,
                                const struct dns_question *last_question, struct cursor c,
                                struct analyzer_ctx *ctx)
{
	struct response r = {.pkt = pkt, .ctx = ctx, .time_ns = pkt->frame->time_ns};
	struct cursor probe = c;
	struct dns_record first;

	if (header->answers > 0 && !dns_record_parse(&probe, &first)) {
		return VERDICT_PASSED; /* not even one record: not DNS */
	}
	emit_party(pkt, ctx, true, no_warnings);
	if (header->rcode == DNS_RCODE_NOERROR) {
		on_records(&r, &c,
		           (unsigned)header->answers + header->authorities + header->additionals);
	} else if (header->rcode == DNS_RCODE_NXDOMAIN && ctx->options->wants_nxdomain &&
	           header->questions == 1 && (last_question->class & 0x7fff) == DNS_CLASS_IN) {
		on_nxdomain(&r, last_question);
	}
	return VERDICT_DONE;
}

static enum verdict on_query(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	/* A multicast query from beyond the link: RFC 6762, section 11 asks for hop limit 255. */
	if (pkt->sport != PORT_MDNS && pkt->dport == PORT_MDNS && pkt->ttl != 255) {
		struct warnings warnings = no_warnings;

		warnings_add(&warnings, WARN_EXTERNAL);
		emit_party(pkt, ctx, false, warnings);
	}
	emit_party(pkt, ctx, false, no_warnings);
	return VERDICT_DONE;
}

static enum verdict dns_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct cursor c = cur_of(pkt->payload);
	struct dns_question question = {.type = 0};
	struct dns_header header;

	if (!dns_header_parse(&c, &header) || header.questions > QUESTIONS_MAX) {
		return VERDICT_PASSED;
	}
	for (unsigned i = 0; i < header.questions; i++) {
		if (!dns_question_parse(&c, &question)) {
			return VERDICT_PASSED;
		}
	}
	if (header.is_response && is_dns_port(pkt->sport)) {
		return on_response(pkt, &header, &question, c, ctx);
	}
	if (!header.is_response && is_dns_port(pkt->dport)) {
		return on_query(pkt, ctx);
	}
	return VERDICT_UNHANDLED;
}

const struct analyzer analyzer_dns = {
	.name = "dns",
	.match = {.layer = LAYER_UDP, .ports = {PORT_DNS, PORT_MDNS}},
	.records = {REC_US, REC_UC, REC_DN, REC_NA},
	.run = dns_run,
};
