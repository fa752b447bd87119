/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DNS over TCP (RFC 1035, section 4.2.2; RFC 7766): names in the responses of servers. The clients
 * and servers themselves are known by their connections.
 *
 *   length of the message (2), message, length of the next one (2) ...
 *
 * Streams are not put together: a segment that does not begin with a message says nothing, and of a
 * message that goes on in the next segment what is here is read.
 */
#include "dns_response.h"

#define PORT_DNS     53
#define MESSAGES_MAX 256 /* in one segment: a zone transfer fills one with small ones */

/*
 * A segment in the middle of a message begins with any bytes. Those of a header are few: nobody
 * asks two questions, and opcode and reserved bit are zero in responses that hold records.
 */
static bool is_plausible_response(const struct dns_header *header)
{
	return header->is_response && header->opcode == 0 && !header->has_reserved &&
	       header->questions <= 1;
}

/* False when this is no response. */
static bool on_message(struct cursor c, const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct dns_response r = {.pkt = pkt, .ctx = ctx, .time_ns = pkt->frame->time_ns};
	struct dns_question question = {.type = 0};
	struct dns_header header;
	struct dns_record first;

	if (!dns_header_parse(&c, &header) || !is_plausible_response(&header) ||
	    dns_questions_parse(&c, header.questions, &question) != header.questions) {
		return false;
	}
	struct cursor probe = c;

	if (header.answers > 0 && !dns_record_parse(&probe, &first)) {
		return false;
	}
	dns_response_read(&r, &header, &question, c);
	return true;
}

static enum verdict dns_tcp_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct cursor c = cur_of(pkt->payload);
	bool is_dns = pkt->sport == PORT_DNS;

	for (int i = 0; is_dns && cur_left(&c) > 0 && i < MESSAGES_MAX; i++) {
		size_t len = cur_be16(&c);
		size_t here = len < cur_left(&c) ? len : cur_left(&c);

		is_dns = on_message(cur_of(cur_take(&c, here)), pkt, ctx);
	}
	return VERDICT_PASSED;
}

const struct analyzer analyzer_dns_tcp = {
	.name = "dns_tcp",
	.match = {.layer = LAYER_TCP, .ports = {PORT_DNS}},
	.records = {REC_DN, REC_NA, REC_TC, REC_IP, REC_TS, REC_US},
	.run = dns_tcp_run,
};
