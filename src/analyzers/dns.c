/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DNS (RFC 1035) and multicast DNS (RFC 6762) over UDP: who asks, who answers, and the names that
 * answers give to addresses. All sections of a message are read, as far as it is whole.
 */
#include "dns_response.h"
#include "udp_emit.h"

#include <passer/ledger/hosts.h>
#include <passer/ledger/names.h>

#define PORT_DNS  53
#define PORT_MDNS 5353

/* Bounds on the work for one message; more than any real one holds. */
#define QUESTIONS_MAX 64
#define RECORDS_MAX   1024
#define ANY_NAMES_MAX 16

static const struct warnings no_warnings;

static const char *port_name(uint16_t port)
{
	return port == PORT_MDNS ? "mdns" : "dns";
}

static bool is_dns_port(uint16_t port)
{
	return port == PORT_DNS || port == PORT_MDNS;
}

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

	rec = dns_begin(r, REC_UC, &r->pkt->dst, "TXT");
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

static bool is_mdns_group(const struct addr *a)
{
	static const struct addr v4 = {.bytes = {224, 0, 0, 251}, .family = ADDR_V4};
	static const struct addr v6 = {.bytes = {0xff, 0x02, [15] = 0xfb}, .family = ADDR_V6};

	return addr_equal(a, &v4) || addr_equal(a, &v6);
}

/* Not DNS, on a port of DNS. A neighbour that sends to the multicast port is still a client. */
static enum verdict on_nonsense(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	bool to_mdns = pkt->dport == PORT_MDNS;

	if (to_mdns && pkt->sport != PORT_MDNS &&
	    (pkt->ttl == 1 || pkt->ttl == 2 || pkt->ttl == 255)) {
		udp_emit_client(ctx, pkt,
		                is_mdns_group(&pkt->dst) ? "mdns/broadcastclient" : "mdns/client",
		                no_warnings);
		return VERDICT_DONE;
	}
	if ((to_mdns && pkt->sport == PORT_MDNS) ||
	    (pkt->dport == PORT_DNS && pkt->sport != PORT_DNS)) {
		return VERDICT_UNHANDLED;
	}
	return VERDICT_PASSED;
}

static enum verdict on_response(const struct pkt *pkt, const struct dns_header *header,
                                const struct dns_question *last_question, struct cursor c,
                                struct analyzer_ctx *ctx)
{
	struct dns_response r = {.pkt = pkt, .ctx = ctx, .time_ns = pkt->frame->time_ns};
	struct cursor probe = c;
	struct dns_record first;

	if (header->answers > 0 && !dns_record_parse(&probe, &first)) {
		return on_nonsense(pkt, ctx); /* not even one record */
	}
	emit_party(pkt, ctx, true, no_warnings);
	if (pkt->sport == PORT_DNS) {
		host_mark_dns_server(ctx->ledger, &pkt->src, r.time_ns);
	}
	if (header->rcode == DNS_RCODE_NOERROR) {
		on_records(&r, &c,
		           (unsigned)header->answers + header->authorities + header->additionals);
	} else if (header->rcode == DNS_RCODE_NXDOMAIN && ctx->options->wants_nxdomain &&
	           header->questions == 1 && (last_question->class & 0x7fff) == DNS_CLASS_IN) {
		on_nxdomain(&r, last_question);
	}
	return r.has_unknown_service ? VERDICT_UNHANDLED : VERDICT_DONE;
}

/* The names that a query asks for with the type ANY, each once, with a blank in between. */
static void add_any_names(struct text *t, struct cursor c, unsigned questions)
{
	struct dns_name names[ANY_NAMES_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < questions && count < ANY_NAMES_MAX; i++) {
		struct dns_question q;
		bool is_known = false;

		if (!dns_question_parse(&c, &q)) {
			return;
		}
		for (unsigned k = 0; k < count; k++) {
			is_known = is_known || dns_name_equal(&names[k], &q.name);
		}
		if (q.type == DNS_TYPE_ANY && q.class == DNS_CLASS_IN && !is_known) {
			text_add(t, count > 0 ? " " : "");
			text_add_clean_lower(t, dns_name_span(&q.name));
			names[count++] = q.name;
		}
	}
}

/* What the questions are by the table; AMPLIFIED when one is, UNKNOWN when an ANY is not there. */
static enum dns_any_kind kind_of_query(const struct analyzer_ctx *ctx, struct cursor c,
                                       unsigned questions)
{
	enum dns_any_kind kind = DNS_ANY_PLAIN;

	for (unsigned i = 0; i < questions && kind != DNS_ANY_AMPLIFIED; i++) {
		struct dns_question q;

		if (!dns_question_parse(&c, &q)) {
			break;
		}
		enum dns_any_kind one =
			q.class == DNS_CLASS_IN
				? dns_any_find(ctx->db->dns_any, dns_name_span(&q.name), q.type)
				: DNS_ANY_PLAIN;

		if (one == DNS_ANY_AMPLIFIED ||
		    (one == DNS_ANY_UNKNOWN && q.type == DNS_TYPE_ANY)) {
			kind = one;
		}
	}
	return kind;
}

static void emit_amplified(const struct pkt *pkt, struct analyzer_ctx *ctx, struct cursor c,
                           unsigned questions)
{
	struct record *rec = udp_begin_client(ctx, pkt);

	text_add(&rec->desc, port_name(pkt->dport));
	text_add(&rec->desc, "/client ANY domains requested:");
	add_any_names(&rec->desc, c, questions);
	warnings_add(&rec->warnings, WARN_AMPLIFICATION);
	warnings_add(&rec->warnings, WARN_SPOOFED);
	emit(ctx);
}

/* Every client has its plain line; what is odd about a query is another one. */
static enum verdict on_query(const struct pkt *pkt, struct cursor c, unsigned questions,
                             struct analyzer_ctx *ctx)
{
	enum dns_any_kind kind = kind_of_query(ctx, c, questions);

	/* A multicast query from beyond the link: RFC 6762, section 11 asks for hop limit 255. */
	bool is_external = pkt->sport != PORT_MDNS && pkt->dport == PORT_MDNS && pkt->ttl != 255;

	if (is_external) {
		struct warnings warnings = no_warnings;

		warnings_add(&warnings, WARN_EXTERNAL);
		emit_party(pkt, ctx, false, warnings);
	}
	if (!is_external || kind != DNS_ANY_AMPLIFIED) {
		emit_party(pkt, ctx, false, no_warnings);
	}
	if (kind == DNS_ANY_AMPLIFIED) {
		emit_amplified(pkt, ctx, c, questions);
	}
	return kind == DNS_ANY_UNKNOWN ? VERDICT_UNHANDLED : VERDICT_DONE;
}

/*
 * A question that breaks off or makes no sense was asked all the same, when the header before it is
 * one that a client sends.
 */
static bool is_plausible_query(const struct dns_header *header)
{
	return !header->is_response && header->opcode <= DNS_OPCODE_UPDATE &&
	       header->rcode == DNS_RCODE_NOERROR && !header->has_reserved;
}

/* Reads the questions; returns how many are whole. */
static unsigned parse_questions(struct cursor *c, unsigned count, struct dns_question *last)
{
	unsigned whole = 0;

	while (whole < count && whole < QUESTIONS_MAX && dns_question_parse(c, last)) {
		whole++;
	}
	return whole;
}

static enum verdict dns_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct cursor c = cur_of(pkt->payload);
	struct dns_question last = {.type = 0};
	struct dns_header header;

	if (!dns_header_parse(&c, &header)) {
		return on_nonsense(pkt, ctx);
	}
	struct cursor questions = c;
	unsigned whole = parse_questions(&c, header.questions, &last);

	if (whole != header.questions && !is_plausible_query(&header)) {
		return on_nonsense(pkt, ctx);
	}
	if (header.is_response && is_dns_port(pkt->sport)) {
		return on_response(pkt, &header, &last, c, ctx);
	}
	if (!header.is_response && is_dns_port(pkt->dport)) {
		return on_query(pkt, questions, whole, ctx);
	}
	return VERDICT_UNHANDLED;
}

const struct analyzer analyzer_dns = {
	.name = "dns",
	.match = {.layer = LAYER_UDP, .ports = {PORT_DNS, PORT_MDNS}},
	.records = {REC_US, REC_UC, REC_DN, REC_NA, REC_IP, REC_TS},
	.run = dns_run,
};
