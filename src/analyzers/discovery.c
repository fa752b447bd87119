/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Devices that shout into the network under a protocol of their maker's own: printers of Brother,
 * Stora network disks, and a trojan that calls itself ShareMouse. A signature row cannot take the
 * names out of their texts.
 */
#include "scan.h"
#include "udp_emit.h"

#define PORT_SHAREMOUSE 1046
#define PORT_STORA      1234
#define PORT_BROTHER    54925
#define PORT_BROTHER_2  54926

#define SHAREMOUSE_HELLO "rc_iamhere:6555:0:0:"

/* ---- Brother --------------------------------------------------------------------------------- */

/*
 * IP=10.0.0.9:54925;IPv6=[fe80::1]:54925,[2001:db8::9]:54925;NODENAME="BRN001122334455"
 * The addresses are what the sender says, and nobody else vouches for them.
 */
#define BROTHER_ADDRS 3

struct brother {
	struct span addrs[BROTHER_ADDRS];
	struct span node;
};

static bool is_of_v4(uint8_t b)
{
	return scan_is_digit(b) || b == '.';
}

static bool is_of_v6(uint8_t b)
{
	return scan_is_digit(b) || b == ':' || ((b | 0x20) >= 'a' && (b | 0x20) <= 'f');
}

static bool brother_port(struct cursor *c)
{
	return scan_word(c, ":54925") || scan_word(c, ":54926");
}

static bool v6_parse(struct cursor *c, struct span *out_addr)
{
	if (!scan_word(c, "[")) {
		return false;
	}
	*out_addr = scan_while(c, is_of_v6);
	return out_addr->len > 0 && scan_word(c, "]") && brother_port(c);
}

/* What follows "IP=". */
static bool announcement_parse(struct cursor *c, struct brother *b)
{
	b->addrs[0] = scan_while(c, is_of_v4);
	if (b->addrs[0].len == 0 || !brother_port(c) || !scan_word(c, ";IPv6=") ||
	    !v6_parse(c, &b->addrs[1]) || !scan_word(c, ",") || !v6_parse(c, &b->addrs[2]) ||
	    !scan_word(c, ";NODENAME=\"")) {
		return false;
	}
	b->node = scan_while(c, scan_is_alnum);
	return b->node.len > 0 && scan_word(c, "\"");
}

static bool brother_parse(struct cursor c, struct brother *b)
{
	while (scan_past(&c, "IP=")) {
		struct cursor here = c;

		if (announcement_parse(&here, b)) {
			return true;
		}
	}
	return false;
}

static bool addr_of_text(struct span text, struct addr *out_addr)
{
	char buf[ADDR_TEXT_SIZE];

	if (text.len >= sizeof(buf)) {
		return false;
	}
	memcpy(buf, text.data, text.len);
	buf[text.len] = '\0';
	return addr_parse(buf, out_addr);
}

static void emit_brother(const struct pkt *pkt, const struct addr *addr, const struct brother *b,
                         struct analyzer_ctx *ctx)
{
	struct record *rec = udp_begin_client(ctx, pkt);

	rec->addr = *addr;
	text_add(&rec->desc, "brother-announce/");
	text_add(&rec->desc, udp_cast_word(pkt));
	if (b != NULL) {
		text_add(&rec->desc, " nodename: ");
		text_add_clean(&rec->desc, b->node);
	}
	emit(ctx);
}

static enum verdict on_brother(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct brother b;
	struct addr addr;

	if (pkt_cast(pkt) == CAST_NONE || !span_contains(pkt->payload, span_str("NODENAME="))) {
		return VERDICT_PASSED;
	}
	if (!brother_parse(cur_of(pkt->payload), &b)) {
		emit_brother(pkt, &pkt->src, NULL, ctx);
		return VERDICT_DONE;
	}
	emit_brother(pkt, &pkt->src, &b, ctx);
	for (int i = 0; i < BROTHER_ADDRS; i++) {
		if (addr_of_text(b.addrs[i], &addr)) {
			emit_brother(pkt, &addr, &b, ctx);
		}
	}
	return VERDICT_DONE;
}

/* ---- Stora ----------------------------------------------------------------------------------- */

static struct span stora_host(struct cursor c)
{
	while (scan_past(&c, "Hostname:<")) {
		struct span host = scan_while(&c, scan_is_name);

		if (host.len > 0 && scan_word(&c, ">")) {
			return host;
		}
	}
	return span_of(NULL, 0);
}

static enum verdict on_stora(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	if (pkt->link_cast != CAST_BROADCAST ||
	    !span_contains(pkt->payload, span_str("Hello there. I am at "))) {
		return VERDICT_PASSED;
	}
	struct span host = stora_host(cur_of(pkt->payload));
	struct record *rec = udp_begin_client(ctx, pkt);

	text_add(&rec->desc, "stora_nas_scan/broadcast");
	if (host.len > 0) {
		text_add(&rec->desc, " hostname: ");
		text_add_clean(&rec->desc, host);
	}
	emit(ctx);
	return VERDICT_DONE;
}

/* ---- ShareMouse ------------------------------------------------------------------------------ */

static enum verdict on_sharemouse(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	static const struct warnings malicious = {{WARN_MALICIOUS}};
	struct cursor c = cur_of(pkt->payload);
	struct record *rec = &ctx->rec;

	if (pkt->sport != PORT_SHAREMOUSE || pkt->link_cast != CAST_BROADCAST ||
	    !scan_word(&c, SHAREMOUSE_HELLO)) {
		return VERDICT_PASSED;
	}
	udp_emit_client(ctx, pkt, "sharemouse/broadcastclient rc_iamhere sharemouse trojan",
	                malicious);
	if (cur_left(&c) == 0) {
		return VERDICT_DONE;
	}
	record_begin(rec, REC_NA, &pkt->src, "NA", PROTO_PLAIN, pkt->frame->time_ns);
	text_add_clean(&rec->state, cur_rest(&c));
	text_add(&rec->desc, "sharemouse trojan");
	rec->warnings = malicious;
	emit(ctx);
	return VERDICT_DONE;
}

static enum verdict discovery_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	switch (pkt->dport) {
	case PORT_SHAREMOUSE:
		return on_sharemouse(pkt, ctx);
	case PORT_STORA:
		return on_stora(pkt, ctx);
	case PORT_BROTHER:
	case PORT_BROTHER_2:
		return on_brother(pkt, ctx);
	default:
		return VERDICT_PASSED;
	}
}

const struct analyzer analyzer_discovery = {
	.name = "discovery",
	.match = {.layer = LAYER_UDP,
                  .ports = {PORT_SHAREMOUSE, PORT_STORA, PORT_BROTHER, PORT_BROTHER_2}},
	.records = {REC_UC, REC_NA},
	.run = discovery_run,
};
