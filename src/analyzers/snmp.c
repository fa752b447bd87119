/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SNMP (RFC 1157, RFC 3416): no record, except that with --creds the community strings of versions
 * 1 and 2c are told. They are passwords in plain text.
 *
 *   SEQUENCE { INTEGER version, OCTET STRING community, one of several PDUs }
 */
#include "udp_emit.h"

#define PORT_SNMP 161
#define PORT_TRAP 162

#define TAG_INTEGER   0x02
#define TAG_STRING    0x04
#define TAG_SEQUENCE  0x30
#define TAG_PDU_FIRST 0xa0 /* get-request */
#define TAG_PDU_LAST  0xa8 /* report */

enum snmp_version { SNMP_V1 = 0, SNMP_V2C = 1, SNMP_V3 = 3 };

struct snmp_msg {
	bool has_community;
	struct span community;
};

/* One element of the Basic Encoding Rules: its contents, and its tag in *out_tag. */
static struct cursor element(struct cursor *c, uint8_t *out_tag)
{
	*out_tag = cur_u8(c);

	size_t len = cur_u8(c);

	if (len == 0x81) {
		len = cur_u8(c);
	} else if (len == 0x82) {
		len = cur_be16(c);
	} else if (len >= 0x80) {
		cur_fail(c); /* longer than any datagram, or of unknown length */
	}
	return cur_sub(c, len);
}

static bool snmp_parse(struct cursor c, struct snmp_msg *m)
{
	uint8_t tag, version_tag, community_tag;
	struct cursor msg = element(&c, &tag);
	struct cursor version = element(&msg, &version_tag);
	uint8_t number = cur_u8(&version);

	*m = (struct snmp_msg){.has_community = false};
	if (!cur_ok(&version) || cur_left(&version) != 0 || tag != TAG_SEQUENCE ||
	    version_tag != TAG_INTEGER) {
		return false;
	}
	if (number == SNMP_V3) {
		return true;
	}
	struct cursor community = element(&msg, &community_tag);
	uint8_t pdu_tag = cur_u8(&msg);

	m->has_community = true;
	m->community = cur_rest(&community);
	return cur_ok(&msg) && (number == SNMP_V1 || number == SNMP_V2C) &&
	       community_tag == TAG_STRING && pdu_tag >= TAG_PDU_FIRST && pdu_tag <= TAG_PDU_LAST;
}

static void emit_community(const struct pkt *pkt, const struct snmp_msg *m,
                           struct analyzer_ctx *ctx)
{
	struct record *rec;

	if (pkt->dport == PORT_SNMP || pkt->dport == PORT_TRAP) {
		rec = udp_begin_client(ctx, pkt);
		text_add(&rec->desc, pkt->dport == PORT_SNMP ? "snmp/client" : "snmptrap/client");
	} else if (pkt->sport == PORT_SNMP) {
		rec = udp_begin_server(ctx, pkt);
		text_add(&rec->desc, "snmp/server");
	} else {
		return;
	}
	text_add(&rec->desc, " community: ");
	text_add_clean(&rec->desc, m->community);
	warnings_add(&rec->warnings, WARN_PLAINTEXT);
	emit(ctx);
}

static enum verdict snmp_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	bool is_agent = pkt->sport == PORT_SNMP || pkt->dport == PORT_SNMP;
	struct snmp_msg m;

	if (!snmp_parse(cur_of(pkt->payload), &m)) {
		return is_agent ? VERDICT_UNHANDLED : VERDICT_PASSED;
	}
	if (!ctx->options->wants_creds) {
		return VERDICT_UNHANDLED;
	}
	if (m.has_community) {
		emit_community(pkt, &m, ctx);
	}
	return VERDICT_DONE;
}

const struct analyzer analyzer_snmp = {
	.name = "snmp",
	.match = {.layer = LAYER_UDP, .ports = {PORT_SNMP, PORT_TRAP}},
	.records = {REC_UC, REC_US},
	.run = snmp_run,
};
