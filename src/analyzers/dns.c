/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DNS (RFC 1035) and multicast DNS (RFC 6762) over UDP: who asks, who answers, and the names that
 * answers give to addresses. All sections of a message are read, as far as it is whole.
 */
#include "dns_response.h"
#include "udp_emit.h"

#include <passer/ledger/hosts.h>

#define PORT_DNS  53
#define PORT_MDNS 5353

#define ANY_NAMES_MAX 16 /* more than any real message asks for */

static const struct warnings no_warnings;

static const char *port_name(uint16_t port)
{
	return port == PORT_MDNS ? "mdns" : "dns";
}

static bool is_read_port(uint16_t port)
{
	return port == PORT_DNS || port == PORT_MDNS;
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

/*
 * A message that breaks off before its first question or record is whole was sent all the same,
 * when the header before it is one that a client or a server sends. Servers repeat one question;
 * more are believed when one of them is whole.
 */
static bool is_plausible(const struct dns_header *header, unsigned whole_questions)
{
	if (header->opcode > DNS_OPCODE_UPDATE || header->has_reserved) {
		return false;
	}
	return header->is_response ? header->questions == 1 || whole_questions > 0
	                           : header->rcode == DNS_RCODE_NOERROR;
}

/* Not even one record, of those it says it has, behind a header that nobody sends. */
static bool is_nonsense(const struct dns_header *header, unsigned whole_questions, struct cursor c)
{
	struct dns_record first;

	return header->answers > 0 && !is_plausible(header, whole_questions) &&
	       !dns_record_parse(&c, &first);
}

static enum verdict on_response(const struct pkt *pkt, const struct dns_header *header,
                                const struct dns_question *last_question, struct cursor c,
                                struct analyzer_ctx *ctx)
{
	struct dns_response r = {.pkt = pkt, .ctx = ctx, .time_ns = pkt->frame->time_ns};

	emit_party(pkt, ctx, true, no_warnings);
	if (pkt->sport == PORT_DNS) {
		host_mark_dns_server(ctx->ledger, &pkt->src, r.time_ns);
	}
	dns_response_read(&r, header, last_question, c);
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

static enum verdict dns_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct cursor c = cur_of(pkt->payload);
	struct dns_question last = {.type = 0};
	struct dns_header header;

	if (!dns_header_parse(&c, &header)) {
		return on_nonsense(pkt, ctx);
	}
	struct cursor questions = c;
	unsigned whole = dns_questions_parse(&c, header.questions, &last);

	if (whole != header.questions && !is_plausible(&header, whole)) {
		return on_nonsense(pkt, ctx);
	}
	if (header.is_response && is_read_port(pkt->sport)) {
		if (is_nonsense(&header, whole, c)) {
			return on_nonsense(pkt, ctx);
		}
		return on_response(pkt, &header, &last, c, ctx);
	}
	if (!header.is_response && is_read_port(pkt->dport)) {
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
