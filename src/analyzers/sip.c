/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SIP over UDP (RFC 3261) on its ports and on the many where scanners look for it: who calls whom.
 * It does not end the matter of a packet, except between the adapters and the servers of one
 * telephone company.
 */
#include "scan.h"
#include "udp_emit.h"

#define PORT_SIP_TLS 5061

static const struct warnings no_warnings;

/* One end of a call: "<sip:user@host>" or "<sip:user@host;tag…". */
struct party {
	bool is_known;
	struct span user, host;
};

struct sip_request {
	struct party from, to;
};

static const struct addr vonage_servers[] = {
	{.bytes = {69, 59, 227, 77}, .family = ADDR_V4},
	{.bytes = {69, 59, 232, 33}, .family = ADDR_V4},
	{.bytes = {69, 59, 240, 84}, .family = ADDR_V4},
	{.bytes = {216, 115, 30, 28}, .family = ADDR_V4},
};

static bool is_vonage(const struct addr *a)
{
	for (size_t i = 0; i < sizeof(vonage_servers) / sizeof(vonage_servers[0]); i++) {
		if (addr_equal(a, &vonage_servers[i])) {
			return true;
		}
	}
	return false;
}

static bool is_of_host(uint8_t b)
{
	return scan_is_name(b) || b == ':';
}

static bool is_before_address(uint8_t b)
{
	return b != '<' && b != '\n';
}

/* To the address of a header, which may be on a continuation line (RFC 3261, section 7.3.1). */
static void skip_to_address(struct cursor *c)
{
	do {
		(void)scan_while(c, is_before_address);
	} while (scan_word(c, "\n ") || scan_word(c, "\n\t"));
}

static bool address_parse(struct cursor *c, struct party *p)
{
	if (!scan_word(c, "<sip:")) {
		return false;
	}
	p->user = scan_while(c, scan_is_name);
	if (!scan_word(c, "@")) {
		return false;
	}
	p->host = scan_while(c, is_of_host);
	return p->user.len > 0 && p->host.len > 0 && (scan_word(c, ">") || scan_word(c, ";"));
}

/* The first header of that name with an address that can be read. */
static struct party party_parse(struct cursor c, const char *header)
{
	struct party p = {.is_known = false};

	while (!p.is_known && scan_past(&c, header)) {
		skip_to_address(&c);
		p.is_known = address_parse(&c, &p);
	}
	return p;
}

static bool sip_parse(struct cursor c, struct sip_request *r)
{
	static const char *const methods[] = {"100@",        "19179001661@", "CANCEL sip:",
	                                      "INVITE sip:", "OPTIONS sip:", "REGISTER sip:"};
	struct cursor probe = c;
	bool is_request = false;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		is_request = is_request || scan_word(&probe, methods[i]);
	}
	if (!is_request || !scan_past(&probe, ": SIP/2.0/UDP ")) {
		return false;
	}
	r->from = party_parse(c, "From:");
	r->to = party_parse(c, "To:");
	return true;
}

/* What a widespread scanner calls both ends. */
static bool is_of_scanner(const struct party *p)
{
	return p->is_known && span_equal(p->host, span_str("1.1.1.1")) &&
	       (span_equal(p->user, span_str("100")) || span_equal(p->user, span_str("132")));
}

static void add_party(struct text *t, const char *name, const struct party *p)
{
	if (p->is_known) {
		text_add(t, name);
		text_add_clean(t, p->user);
		text_add(t, "(");
		text_add_clean(t, p->host);
		text_add(t, ")");
	}
}

static void emit_request(const struct pkt *pkt, const struct port_name *port,
                         const struct sip_request *r, struct analyzer_ctx *ctx)
{
	struct record *rec = udp_begin_client(ctx, pkt);
	bool is_scanner = is_of_scanner(&r->from) && is_of_scanner(&r->to);

	text_add(&rec->desc, is_scanner ? "sipscanner/client" : port->name);
	add_party(&rec->desc, " From:", &r->from);
	add_party(&rec->desc, " To:", &r->to);
	rec->warnings = port->warnings;
	emit(ctx);
}

static bool is_of_number(uint8_t b)
{
	return scan_is_digit(b) || b == '-';
}

/* "Contact: 555-1234 <sip…" */
static struct span phone_number(struct cursor c)
{
	while (scan_past(&c, "Contact: ")) {
		struct span number = scan_while(&c, is_of_number);

		if (number.len > 0 && scan_word(&c, " <sip")) {
			return number;
		}
	}
	return span_of(NULL, 0);
}

static enum verdict on_vonage_client(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	if (!span_contains(pkt->payload, span_str(".vonage.net:5061 SIP/2.0"))) {
		return VERDICT_UNHANDLED;
	}
	struct span number = phone_number(cur_of(pkt->payload));
	struct record *rec = udp_begin_client(ctx, pkt);

	text_add(&rec->desc, "sip/vonage_client");
	if (number.len > 0) {
		text_add(&rec->desc, "  phone number: ");
		text_add_clean(&rec->desc, number);
	}
	emit(ctx);
	return VERDICT_DONE;
}

static enum verdict on_vonage_server(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	if (!span_contains(pkt->payload, span_str(".vonage.net:5061>"))) {
		return VERDICT_UNHANDLED;
	}
	udp_emit_server(ctx, pkt, "sip/vonage_server", no_warnings);
	return VERDICT_DONE;
}

static enum verdict sip_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	const struct port_name *port = port_names_find(ctx->db->sip_ports, pkt->dport);
	struct sip_request r;

	if (port != NULL && sip_parse(cur_of(pkt->payload), &r)) {
		emit_request(pkt, port, &r, ctx);
	}
	if (pkt->sport == PORT_SIP_TLS && pkt->dport == PORT_SIP_TLS) {
		if (is_vonage(&pkt->dst)) {
			return on_vonage_client(pkt, ctx);
		}
		if (is_vonage(&pkt->src)) {
			return on_vonage_server(pkt, ctx);
		}
	}
	return VERDICT_PASSED;
}

const struct analyzer analyzer_sip = {
	.name = "sip",
	.match = {.layer = LAYER_UDP},
	.records = {REC_UC, REC_US},
	.run = sip_run,
};
