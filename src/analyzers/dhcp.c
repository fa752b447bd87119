/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DHCP and BOOTP (RFC 2131, RFC 951; options: RFC 2132): servers, clients, and the names that
 * clients give themselves. Of DHCPv6 (RFC 8415) only that a client asks.
 */
#include "udp_emit.h"

#define PORT_SERVER    67
#define PORT_CLIENT    68
#define PORT_CLIENT_V6 546
#define PORT_SERVER_V6 547

#define BOOTP_BYTES  236 /* fixed part, up to the magic cookie */
#define MAGIC_COOKIE 0x63825363

#define OPTION_PAD       0
#define OPTION_HOST_NAME 12
#define OPTION_END       255

#define OPTIONS_MAX 128 /* of one message */
#define NAMES_MAX   4

static const struct warnings no_warnings;

struct dhcp_msg {
	struct span names[NAMES_MAX]; /* host name; sent once by all but the odd client */
	unsigned name_count;
};

static void on_host_name(struct span value, struct dhcp_msg *m)
{
	while (value.len > 0 && value.data[value.len - 1] == '\0') {
		value.len--; /* to be expected of senders: RFC 2132, section 2 */
	}
	if (value.len > 0 && m->name_count < NAMES_MAX) {
		m->names[m->name_count++] = value;
	}
}

/* The options that are looked at, with the least length that makes sense. */
static const struct option {
	uint8_t code, min;
	void (*on_value)(struct span value, struct dhcp_msg *m);
} options[] = {
	{OPTION_HOST_NAME, 1, on_host_name},
};

static void on_option(uint8_t code, struct span value, struct dhcp_msg *m)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (options[i].code == code && value.len >= options[i].min) {
			options[i].on_value(value, m);
		}
	}
}

static bool dhcp_parse(struct cursor c, struct dhcp_msg *m)
{
	*m = (struct dhcp_msg){.name_count = 0};
	cur_skip(&c, BOOTP_BYTES);
	if (cur_be32(&c) != MAGIC_COOKIE) {
		return false;
	}
	for (int i = 0; i < OPTIONS_MAX && cur_left(&c) > 0; i++) {
		uint8_t code = cur_u8(&c);

		if (code == OPTION_END) {
			break;
		}
		if (code != OPTION_PAD) {
			struct cursor value = cur_sub(&c, cur_u8(&c));

			on_option(code, cur_rest(&value), m);
		}
	}
	return true; /* the options before a torn one stand */
}

static enum verdict on_client(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct dhcp_msg m;

	if (addr_is_unspecified(&pkt->src)) {
		return VERDICT_DONE; /* it has no address yet, so there is nobody to name */
	}
	udp_emit_client(ctx, pkt, "bootpordhcp/client", no_warnings);
	if (!dhcp_parse(cur_of(pkt->payload), &m)) {
		return VERDICT_DONE; /* BOOTP has no options */
	}
	for (unsigned i = 0; i < m.name_count; i++) {
		record_begin(&ctx->rec, REC_NA, &pkt->src, "DHCP", PROTO_PLAIN,
		             pkt->frame->time_ns);
		text_add_clean(&ctx->rec.state, m.names[i]);
		text_add(&ctx->rec.desc, "dhcp");
		emit(ctx);
	}
	return VERDICT_DONE;
}

static bool is_all_dhcp_agents(const struct addr *a)
{
	static const struct addr agents = {
		.bytes = {0xff, 0x02, [13] = 0x01, [15] = 0x02}, /* ff02::1:2 */
		.family = ADDR_V6,
	};

	return addr_equal(a, &agents);
}

static enum verdict dhcpv6_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	if (pkt->sport == PORT_SERVER_V6 && pkt->dport == PORT_CLIENT_V6) {
		return VERDICT_DONE;
	}
	if (pkt->sport != PORT_CLIENT_V6 || pkt->dport != PORT_SERVER_V6) {
		return VERDICT_PASSED;
	}
	if (!is_all_dhcp_agents(&pkt->dst)) {
		return VERDICT_UNHANDLED;
	}
	udp_emit_client(ctx, pkt, "UDP DHCPv6", no_warnings);
	return VERDICT_DONE;
}

static enum verdict dhcp_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	if (pkt->src.family != ADDR_V4) {
		return dhcpv6_run(pkt, ctx);
	}
	if (pkt->sport == PORT_SERVER && pkt->dport == PORT_CLIENT) {
		udp_emit_server(ctx, pkt, "bootpordhcp/server", no_warnings);
		return VERDICT_DONE;
	}
	if (pkt->sport == PORT_CLIENT && pkt->dport == PORT_SERVER) {
		return on_client(pkt, ctx);
	}
	return VERDICT_PASSED;
}

const struct analyzer analyzer_dhcp = {
	.name = "dhcp",
	.match = {.layer = LAYER_UDP,
                  .ports = {PORT_SERVER, PORT_CLIENT, PORT_CLIENT_V6, PORT_SERVER_V6}},
	.records = {REC_US, REC_UC, REC_NA},
	.run = dhcp_run,
};
