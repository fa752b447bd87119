/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NTP (RFC 5905) with its control (RFC 9327, mode 6) and private (mode 7) messages: clients,
 * servers with their stratum, and the servers that those go by.
 *
 * A private message: byte 0 response bit, version, mode; byte 3 the request.
 */
#include "udp_emit.h"

#define PORT_NTP   123
#define UDP_BYTES  8
#define NTP_BYTES  48
#define MODE_BYTES 8 /* the head of a message of mode 6 or 7 */

enum ntp_mode {
	MODE_SYMMETRIC_ACTIVE = 1,
	MODE_SYMMETRIC_PASSIVE = 2,
	MODE_CLIENT = 3,
	MODE_SERVER = 4,
	MODE_BROADCAST = 5,
	MODE_CONTROL = 6,
	MODE_PRIVATE = 7,
};

#define REQUEST_PEER_LIST 32
#define REQUEST_MONLIST   42 /* answers many times its own size */

/* Between these the reference is the address of a server. */
#define STRATUM_SECONDARY 2
#define STRATUM_UNSYNCED  16

static const struct warnings no_warnings;
static const struct warnings amplified = {{WARN_AMPLIFICATION, WARN_SPOOFED}};
static const char monlist_asked[] =
	"ntp/client REQ_MON_GETLIST_1: Likely spoofed and DDOSed source IP";

/* The time servers of a telephone company, which its adapters are bound to. */
static const struct addr vonage_servers[] = {
	{.bytes = {216, 115, 23, 75}, .family = ADDR_V4},
	{.bytes = {216, 115, 23, 76}, .family = ADDR_V4},
	{.bytes = {69, 59, 240, 75}, .family = ADDR_V4},
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

struct ntp_msg {
	enum ntp_mode mode;
	bool is_response; /* modes 6 and 7 */
	uint8_t request;  /* mode 7 */
	uint8_t stratum;  /* the other modes */
	struct addr reference;
};

/* What stands behind the reference may have been left out when captured, so the headers count. */
static bool is_long_enough(const struct pkt *pkt)
{
	struct cursor udp = cur_of(pkt->ip_payload);

	if (pkt->payload.len >= NTP_BYTES) {
		return true;
	}
	cur_skip(&udp, 4); /* ports */
	uint16_t len = cur_be16(&udp);

	return pkt->ip_payload_wire >= UDP_BYTES + NTP_BYTES &&
	       (len == 0 || len >= UDP_BYTES + NTP_BYTES); /* 0: as in decode_udp() */
}

static bool ntp_parse(const struct pkt *pkt, struct ntp_msg *m)
{
	struct cursor c = cur_of(pkt->payload);
	uint8_t head = cur_u8(&c);

	*m = (struct ntp_msg){.mode = (enum ntp_mode)(head & 7), .is_response = (head & 0x80) != 0};
	if (m->mode == MODE_CONTROL || m->mode == MODE_PRIVATE) {
		cur_skip(&c, 2);
		m->request = cur_u8(&c);
		cur_skip(&c, MODE_BYTES - 4);
		return cur_ok(&c);
	}
	m->stratum = cur_u8(&c);
	cur_skip(&c, 10);
	m->reference = addr_of(cur_take(&c, 4));
	return cur_ok(&c) && is_long_enough(pkt);
}

/*
 * Secondary servers name the one they go by. A local clock has an address of the loopback net, and
 * no time at all is 0.0.0.0: neither is a host.
 */
static bool names_a_host(const struct ntp_msg *m)
{
	return m->stratum < STRATUM_UNSYNCED && !addr_is_unspecified(&m->reference) &&
	       !addr_is_loopback(&m->reference) && !addr_is_multicast(&m->reference);
}

static void emit_server(const struct pkt *pkt, const struct ntp_msg *m, struct analyzer_ctx *ctx)
{
	struct record *rec = udp_begin_server(ctx, pkt);
	char reference[ADDR_TEXT_SIZE];

	text_add(&rec->desc, "ntp/server stratum=");
	text_add_uint(&rec->desc, m->stratum);
	if (m->stratum < STRATUM_SECONDARY) {
		emit(ctx);
		return;
	}
	addr_format(&m->reference, reference);
	text_add(&rec->desc, " reference=");
	text_add(&rec->desc, reference);
	emit(ctx);
	if (names_a_host(m)) {
		emit_words(ctx, REC_US, &m->reference, "UDP_", PORT_NTP, "open",
		           "ntp/server inferred from being a reference but must be checked.",
		           no_warnings, pkt->frame->time_ns);
	}
}

static enum verdict on_private(const struct pkt *pkt, const struct ntp_msg *m,
                               struct analyzer_ctx *ctx)
{
	static const struct warnings middleman = {{WARN_AMPLIFICATION, WARN_DOS}};

	if (pkt->dport == PORT_NTP && !m->is_response) {
		if (m->request == REQUEST_MONLIST) {
			udp_emit_client(ctx, pkt, monlist_asked, amplified);
			return VERDICT_DONE;
		}
		if (m->request == REQUEST_PEER_LIST) {
			udp_emit_client(ctx, pkt, "ntp/client", no_warnings);
			return VERDICT_DONE;
		}
	} else if (pkt->sport == PORT_NTP && m->is_response && m->request == REQUEST_MONLIST) {
		udp_emit_server(ctx, pkt, "ntp/server REQ_MON_GETLIST_1: Likely middleman in DDOS",
		                middleman);
		return VERDICT_DONE;
	}
	return VERDICT_UNHANDLED;
}

static enum verdict on_message(const struct pkt *pkt, const struct ntp_msg *m,
                               struct analyzer_ctx *ctx)
{
	switch (m->mode) {
	case MODE_CLIENT:
		if (pkt->dport != PORT_NTP) {
			return VERDICT_UNHANDLED;
		}
		udp_emit_client(ctx, pkt, "ntp/client", no_warnings);
		return VERDICT_DONE;
	case MODE_SYMMETRIC_ACTIVE:
	case MODE_SYMMETRIC_PASSIVE:
	case MODE_SERVER:
	case MODE_BROADCAST:
		if (pkt->sport != PORT_NTP) {
			return VERDICT_UNHANDLED;
		}
		emit_server(pkt, m, ctx);
		return VERDICT_DONE;
	case MODE_CONTROL:
		if (pkt->dport != PORT_NTP) {
			return VERDICT_UNHANDLED;
		}
		udp_emit_client(ctx, pkt, "ntp_control/client", no_warnings);
		return VERDICT_DONE;
	case MODE_PRIVATE:
		return on_private(pkt, m, ctx);
	default:
		return VERDICT_UNHANDLED;
	}
}

/* What is not told by the message itself. */
static bool on_ends(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	static const uint8_t monlist[] = {0x17, 0x00, 0x03, REQUEST_MONLIST};
	static const struct warnings torn = {{WARN_AMPLIFICATION, WARN_SPOOFED, WARN_DOS}};
	static const struct warnings malicious = {{WARN_MALICIOUS}};
	bool is_asked = pkt->dport == PORT_NTP;

	if (is_asked && pkt->payload.len < MODE_BYTES &&
	    span_has_prefix(pkt->payload, span_of(monlist, sizeof(monlist)))) {
		udp_emit_client(ctx, pkt, monlist_asked, torn);
	} else if (is_asked && is_vonage(&pkt->dst)) {
		udp_emit_client(ctx, pkt, "ntp/vonageclient", no_warnings);
	} else if (pkt->sport == PORT_NTP && is_vonage(&pkt->src)) {
		udp_emit_server(ctx, pkt, "ntp/vonageserver", no_warnings);
	} else if (is_asked && pkt->sport != PORT_NTP &&
	           span_contains(pkt->payload, span_str(">/dev/null 2>&1\nchmod 777"))) {
		udp_emit_client(ctx, pkt, "udp123/client sending shellcode", malicious);
	} else {
		return false;
	}
	return true;
}

static enum verdict ntp_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct ntp_msg m;

	if (on_ends(pkt, ctx)) {
		return VERDICT_DONE;
	}
	if (!ntp_parse(pkt, &m)) {
		/* A scanner's, or empty; or too little of it was captured. */
		return is_long_enough(pkt) ? VERDICT_UNHANDLED : VERDICT_PASSED;
	}
	return on_message(pkt, &m, ctx);
}

const struct analyzer analyzer_ntp = {
	.name = "ntp",
	.match = {.layer = LAYER_UDP, .ports = {PORT_NTP}},
	.records = {REC_US, REC_UC},
	.run = ntp_run,
};
