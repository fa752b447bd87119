/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Operating systems by how they open TCP connections (RFC 9293, section 3.8.1 and the options that
 * came later), the kind of link by the MSS, and programs by their HTTP heads: the signatures of
 * p0f.h. Nothing is concluded from several packets: a host behind two paths has two distances.
 */
#include <passer/analyzers/analyzer.h>

#define FLAGS_ASKED (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK)

#define IPV4_BYTES     20
#define IPV6_BYTES     40
#define TCP_BYTES      20
#define ETHERNET_BYTES 1500 /* the MTU that is not worth a line */

static uint32_t quirk(bool is_so, uint32_t bit)
{
	return is_so ? bit : 0;
}

static uint32_t ipv4_quirks(const struct pkt *pkt)
{
	bool keeps_whole = (pkt->ipv4_flags & IPV4_DONT_FRAGMENT) != 0;

	return quirk(keeps_whole, P0F_QUIRK(DF)) |
	       quirk(keeps_whole && pkt->ipv4_id != 0, P0F_QUIRK(ID)) |
	       quirk(!keeps_whole && pkt->ipv4_id == 0, P0F_QUIRK(NO_ID)) |
	       quirk((pkt->ipv4_flags & IPV4_RESERVED) != 0, P0F_QUIRK(RESERVED));
}

static uint32_t quirks_of(const struct pkt *pkt)
{
	const uint8_t flags = pkt->tcp_flags;
	bool has_ecn = pkt->ip_ecn != 0 || (flags & (TCP_ECE | TCP_CWR)) != 0 ||
	               (pkt->tcp_reserved & TCP_AE) != 0;
	bool has_ack = (flags & TCP_ACK) != 0, has_urg = (flags & TCP_URG) != 0;

	return (pkt->src.family == ADDR_V4 ? ipv4_quirks(pkt)
	                                   : quirk(pkt->ipv6_flow != 0, P0F_QUIRK(FLOW))) |
	       quirk(has_ecn, P0F_QUIRK(ECN)) | quirk(pkt->tcp_seq == 0, P0F_QUIRK(NO_SEQ)) |
	       quirk(!has_ack && pkt->tcp_ack != 0, P0F_QUIRK(ACK)) |
	       quirk(has_ack && pkt->tcp_ack == 0, P0F_QUIRK(NO_ACK)) |
	       quirk(!has_urg && pkt->tcp_urgent != 0, P0F_QUIRK(URGENT)) |
	       quirk(has_urg, P0F_QUIRK(URG)) | quirk((flags & TCP_PSH) != 0, P0F_QUIRK(PSH));
}

/* False when the options were not captured to their end. */
static bool read_segment(const struct pkt *pkt, bool is_syn, struct p0f_segment *out_segment)
{
	const bool is_v4 = pkt->src.family == ADDR_V4;

	if (TCP_BYTES + pkt->tcp_options.len != pkt->tcp_header_bytes) {
		return false;
	}
	*out_segment = (struct p0f_segment){
		.ip_version = is_v4 ? 4 : 6,
		.ttl = pkt->ttl,
		.has_payload = pkt->ip_payload_wire > pkt->tcp_header_bytes,
		.ip_option_bytes = pkt->ip_header_bytes - (is_v4 ? IPV4_BYTES : IPV6_BYTES),
		.header_bytes = pkt->ip_header_bytes + pkt->tcp_header_bytes,
		.quirks = quirks_of(pkt),
		.window = pkt->tcp_window,
	};
	p0f_read_options(pkt->tcp_options, is_syn, &out_segment->options);
	return true;
}

static void begin(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	record_begin(&ctx->rec, REC_IP, &pkt->src, "IP", PROTO_PLAIN, pkt->frame->time_ns);
	text_add(&ctx->rec.state, "live");
}

static void emit_system(const struct pkt *pkt, const struct p0f_match *m, struct analyzer_ctx *ctx)
{
	struct text *desc = &ctx->rec.desc;

	begin(pkt, ctx);
	text_add_clean(desc, m->label);
	if (m->has_distance) {
		text_add(desc, " (");
		text_add_uint(desc, m->distance);
		text_add(desc, m->distance == 1 ? " hop away)" : " hops away)");
	}
	emit(ctx);
}

/* The link that limits what the sender takes; of a plain Ethernet there is nothing to say. */
static void emit_link(const struct pkt *pkt, uint16_t mss, struct analyzer_ctx *ctx)
{
	uint32_t mtu = mss + (pkt->src.family == ADDR_V4 ? IPV4_BYTES : IPV6_BYTES) + TCP_BYTES;
	struct span link = p0f_find_link(ctx->db->p0f, mtu);
	struct text *desc = &ctx->rec.desc;

	if (mss == 0 || mtu == ETHERNET_BYTES || link.len == 0) {
		return;
	}
	begin(pkt, ctx);
	text_add(desc, "link: ");
	text_add_clean(desc, link);
	text_add(desc, " (MTU ");
	text_add_uint(desc, mtu);
	text_add(desc, ")");
	emit(ctx);
}

/* Some servers make their window from the client's MSS. */
static void share_mss(const struct pkt *pkt, struct analyzer_ctx *ctx, bool is_syn,
                      struct p0f_segment *segment)
{
	const struct endpoint src = {.addr = pkt->src, .port = pkt->sport};
	const struct endpoint dst = {.addr = pkt->dst, .port = pkt->dport};

	if (is_syn) {
		flow_set_mss(ctx->flows, &src, &dst, segment->options.mss, pkt->frame->time_ns);
	} else {
		segment->peer_mss = flow_mss(ctx->flows, &dst, &src, pkt->frame->time_ns);
	}
}

static void on_handshake(const struct pkt *pkt, bool is_syn, struct analyzer_ctx *ctx)
{
	struct p0f_segment segment;
	struct p0f_match m = {.is_app = false};

	if (!read_segment(pkt, is_syn, &segment)) {
		return;
	}
	share_mss(pkt, ctx, is_syn, &segment);
	if (p0f_find_tcp(ctx->db->p0f, is_syn ? P0F_REQUEST : P0F_RESPONSE, &segment, &m)) {
		emit_system(pkt, &m, ctx);
	}
	if (!m.is_app && !m.has_fixed_mss) {
		emit_link(pkt, segment.options.mss, ctx);
	}
}

static void on_head(const struct pkt *pkt, enum p0f_side side, struct analyzer_ctx *ctx)
{
	struct text *desc = &ctx->rec.desc;
	struct p0f_match m;

	if (!p0f_find_http(ctx->db->p0f, side, pkt->payload, &m)) {
		return;
	}
	begin(pkt, ctx);
	if (m.is_app) {
		text_add(desc, side == P0F_REQUEST ? "http client: " : "http server: ");
	}
	text_add_clean(desc, m.label);
	if (m.ua_os.len > 0) {
		text_add(desc, " on ");
		text_add_clean(desc, m.ua_os);
	}
	if (m.is_dishonest) {
		text_add(desc, " (dishonest)");
	}
	emit(ctx);
}

static enum verdict os_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	const uint8_t flags = pkt->tcp_flags & FLAGS_ASKED;

	if (ctx->db->p0f == NULL || pkt->is_fragment) {
		return VERDICT_PASSED;
	}
	if (flags == TCP_SYN || flags == (TCP_SYN | TCP_ACK)) {
		on_handshake(pkt, flags == TCP_SYN, ctx);
	} else if ((flags & ~TCP_FIN) == TCP_ACK && pkt->payload.len > 0) {
		bool is_response = span_has_prefix(pkt->payload, span_str("HTTP/1."));

		on_head(pkt, is_response ? P0F_RESPONSE : P0F_REQUEST, ctx);
	}
	return VERDICT_PASSED;
}

const struct analyzer analyzer_os = {
	.name = "os",
	.match = {.layer = LAYER_TCP},
	.records = {REC_IP},
	.run = os_run,
};
