/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ARP replies (RFC 826): the sender's own word on its MAC address. Requests are not believed. */
#include <passer/analyzers/analyzer.h>
#include <passer/analyzers/mac_record.h>

#define ARP_HARDWARE_ETHERNET 1
#define ARP_HARDWARE_IEEE_802 6 /* the same addresses: RFC 1042 */
#define ARP_PROTOCOL_IPV4     0x0800
#define ARP_OP_REQUEST        1
#define ARP_OP_REPLY          2

struct arp_msg {
	uint16_t hardware, protocol, operation;
	struct mac sender_mac;
	struct addr sender;
};

static bool arp_parse(struct cursor c, struct arp_msg *m)
{
	m->hardware = cur_be16(&c);
	m->protocol = cur_be16(&c);
	uint8_t hardware_len = cur_u8(&c);
	uint8_t protocol_len = cur_u8(&c);

	m->operation = cur_be16(&c);
	m->sender_mac = mac_of(cur_take(&c, hardware_len));
	m->sender = addr_of(cur_take(&c, protocol_len));
	cur_skip(&c, (size_t)hardware_len + protocol_len);
	bool is_hardware_known =
		m->hardware == ARP_HARDWARE_ETHERNET || m->hardware == ARP_HARDWARE_IEEE_802;

	return cur_ok(&c) && hardware_len == 6 && protocol_len == 4 && is_hardware_known &&
	       m->protocol == ARP_PROTOCOL_IPV4;
}

static enum verdict arp_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct arp_msg m;

	if (!arp_parse(cur_of(pkt->payload), &m)) {
		return VERDICT_UNHANDLED;
	}
	if (m.operation == ARP_OP_REPLY) {
		emit_mac(ctx, &m.sender, &m.sender_mac, pkt->frame->time_ns);
		return VERDICT_DONE;
	}
	return m.operation == ARP_OP_REQUEST ? VERDICT_DONE : VERDICT_UNHANDLED;
}

const struct analyzer analyzer_arp = {
	.name = "arp",
	.match = {.layer = LAYER_ARP},
	.records = {REC_MA},
	.run = arp_run,
};
