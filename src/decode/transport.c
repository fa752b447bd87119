/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TCP (RFC 9293), UDP (RFC 768), ICMP (RFC 792) and ICMPv6 (RFC 4443). */
#include "decode.h"

#define TCP_MIN_BYTES  20
#define TCP_PORT_BYTES 4
#define UDP_BYTES      8
#define ICMP_BYTES     8
#define ICMP6_BYTES    4 /* type, code, checksum */

static void set_layer(struct decode_state *s, enum layer layer, struct span payload)
{
	s->pkt->layer = layer;
	s->pkt->payload = payload;
}

enum header decode_tcp(struct decode_state *s)
{
	struct pkt *pkt = s->pkt;
	struct cursor h;

	if (!cur_header(&s->cur, TCP_MIN_BYTES, &h)) {
		return HEADER_END;
	}
	uint16_t sport = cur_be16(&h);
	uint16_t dport = cur_be16(&h);
	uint32_t seq = cur_be32(&h);
	uint32_t ack = cur_be32(&h);
	uint8_t offset = cur_u8(&h); /* of the data, in words; and the reserved bits */
	size_t header = (size_t)(offset >> 4) * 4;
	uint8_t flags = cur_u8(&h);
	uint16_t window = cur_be16(&h);

	cur_skip(&h, 2); /* checksum */
	uint16_t urgent = cur_be16(&h);

	if (header < TCP_MIN_BYTES) {
		cur_fail(&s->cur);
		return HEADER_END;
	}
	pkt->sport = sport;
	pkt->dport = dport;
	pkt->tcp_seq = seq;
	pkt->tcp_ack = ack;
	pkt->tcp_flags = flags;
	pkt->tcp_reserved = offset & 15u;
	pkt->tcp_header_bytes = (uint8_t)header;
	pkt->tcp_window = window;
	pkt->tcp_urgent = urgent;
	/* Options that are not all here: what there is of them, and the fault is counted. */
	struct span options = cur_rest(&s->cur);

	if (options.len > header - TCP_MIN_BYTES) {
		options.len = header - TCP_MIN_BYTES;
	}
	cur_skip(&s->cur, header - TCP_MIN_BYTES);
	pkt->tcp_options = options;
	set_layer(s, LAYER_TCP, cur_rest(&s->cur));
	return HEADER_END;
}

/* Length 0 is a jumbogram (RFC 2675) or left to the NIC; 1 to 7 is nonsense. */
enum header decode_udp(struct decode_state *s)
{
	struct pkt *pkt = s->pkt;
	struct cursor h;

	if (!cur_header(&s->cur, UDP_BYTES, &h)) {
		return HEADER_END;
	}
	uint16_t sport = cur_be16(&h);
	uint16_t dport = cur_be16(&h);
	size_t len = cur_be16(&h);

	pkt->sport = sport;
	pkt->dport = dport;
	struct span payload = cur_rest(&s->cur);

	if (len >= UDP_BYTES && len - UDP_BYTES < payload.len) {
		payload.len = len - UDP_BYTES;
	}
	if (len > 0 && len < UDP_BYTES) {
		cur_fail(&s->cur);
	}
	set_layer(s, LAYER_UDP, payload);
	return HEADER_END;
}

static enum header decode_message(struct decode_state *s, enum layer layer, size_t needed)
{
	struct span message = cur_rest(&s->cur);

	cur_skip(&s->cur, needed);
	if (cur_ok(&s->cur)) {
		set_layer(s, layer, message);
	}
	return HEADER_END;
}

enum header decode_icmp(struct decode_state *s)
{
	return decode_message(s, LAYER_ICMP, ICMP_BYTES);
}

enum header decode_icmp6(struct decode_state *s)
{
	return decode_message(s, LAYER_ICMP6, ICMP6_BYTES);
}

static void decode_ports(struct decode_state *s, enum layer layer, size_t needed)
{
	struct cursor h = cur_sub(&s->cur, needed);
	uint16_t sport = cur_be16(&h);
	uint16_t dport = cur_be16(&h);

	if (cur_ok(&h)) {
		s->pkt->sport = sport;
		s->pkt->dport = dport;
		s->pkt->layer = layer;
	}
}

void decode_quoted_tcp(struct decode_state *s)
{
	decode_ports(s, LAYER_TCP, TCP_PORT_BYTES);
}

void decode_quoted_udp(struct decode_state *s)
{
	decode_ports(s, LAYER_UDP, UDP_BYTES);
}
