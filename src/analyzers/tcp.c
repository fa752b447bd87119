/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TCP servers and clients from the flags of single segments (RFC 9293) and from the first bytes
 * they exchange. No stream is put together: each segment speaks for itself.
 */
#include <passer/analyzers/analyzer.h>
#include <passer/ledger/services.h>

/* A client that so many services refused is scanning. */
#define REFUSALS_OF_A_SCAN 15

#define FLAGS_ASKED   (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK)
#define FLAGS_CLASSIC (FLAGS_ASKED | TCP_PSH | TCP_URG)

#define PORT_IDENT 113

static const struct warnings no_warnings;

/* Flags that no TCP sends. The text by (flags & FLAGS_ASKED). */
static const char *flag_scan_text(uint8_t flags)
{
	static const char *const texts[FLAGS_ASKED + 1] = {
		[0] = "TCP Null flag scanner",
		[TCP_SYN | TCP_FIN] = "TCP SYN/FIN flag scanner",
		[TCP_RST | TCP_FIN] = "TCP RST/FIN flag scanner",
		[TCP_SYN | TCP_RST] = "TCP SYN/RST flag scanner",
		[TCP_SYN | TCP_RST | TCP_FIN] = "TCP SYN/RST/FIN flag scanner",
		[TCP_ACK | TCP_SYN | TCP_FIN] = "TCP ACK/SYN/FIN flag scanner",
		[TCP_ACK | TCP_RST | TCP_FIN] = "TCP ACK/RST/FIN flag scanner",
		[TCP_ACK | TCP_RST | TCP_SYN] = "TCP ACK/RST/SYN flag scanner",
		[TCP_SYN | TCP_FIN | TCP_ACK | TCP_RST] = "TCP SYN/FIN/ACK/RST flag scanner",
	};

	return texts[flags & FLAGS_ASKED];
}

/* A segment and its two ends. */
struct segment {
	const struct pkt *pkt;
	struct endpoint src, dst;
	uint64_t time_ns;
};

static struct warnings one_warning(enum warning warning)
{
	struct warnings w = no_warnings;

	warnings_add(&w, warning);
	return w;
}

static struct warnings policy_warnings(const struct analyzer_ctx *ctx, uint16_t port)
{
	return port_names_find(ctx->db->tcp_policy, port) != NULL
	               ? one_warning(WARN_PORTPOLICYVIOLATION)
	               : no_warnings;
}

static void emit_client(struct analyzer_ctx *ctx, const struct segment *s, const char *desc,
                        struct warnings warnings)
{
	emit_words(ctx, REC_TC, &s->src.addr, "TCP_", s->dst.port, "open", desc, warnings,
	           s->time_ns);
}

/* A state of a service is printed each time that it changes, and the ledger tells when. */
static void emit_service_state(struct analyzer_ctx *ctx, const struct segment *s, const char *state,
                               struct warnings warnings)
{
	record_begin(&ctx->rec, REC_TS, &s->src.addr, "TCP_", s->src.port, s->time_ns);
	text_add(&ctx->rec.state, state);
	ctx->rec.warnings = warnings;
	ctx->rec.is_change = true;
	emit(ctx);
}

/* The client's address with the server's port: how the ledger names a client. */
static struct endpoint client_of(const struct endpoint *client, const struct endpoint *server)
{
	return (struct endpoint){.addr = client->addr, .port = server->port};
}

static void check_land_attack(const struct segment *s, struct analyzer_ctx *ctx)
{
	struct warnings warnings = one_warning(WARN_MALICIOUS);

	if (s->src.port != s->dst.port || !addr_equal(&s->src.addr, &s->dst.addr) ||
	    addr_is_loopback(&s->src.addr)) {
		return;
	}
	warnings_add(&warnings, WARN_SPOOFED);
	emit_words(ctx, REC_TS, &s->src.addr, "TCP_", s->src.port, "attack",
	           "land attack IP address spoofed", warnings, s->time_ns);
}

static void on_synack(const struct segment *s, struct analyzer_ctx *ctx)
{
	struct endpoint client = client_of(&s->dst, &s->src);

	flow_accept(ctx->flows, &s->src, &s->dst, s->time_ns);
	client_claim(ctx->ledger, &client, CLIENT_ACCEPTED, s->time_ns);
	if (service_note(ctx->ledger, &s->src, SERVICE_SYNACK, s->time_ns) == SERVICE_LISTENING) {
		emit_service_state(ctx, s, "listening", policy_warnings(ctx, s->src.port));
	}
}

static void on_syn(const struct segment *s, struct analyzer_ctx *ctx)
{
	flow_open(ctx->flows, &s->src, &s->dst, s->time_ns);
	service_note(ctx->ledger, &s->dst, SERVICE_SYN, s->time_ns);
	emit_client(ctx, s, "", policy_warnings(ctx, s->dst.port));
}

static void on_fin(const struct segment *s, struct analyzer_ctx *ctx)
{
	struct endpoint client = client_of(&s->src, &s->dst);

	if (client_has(ctx->ledger, &client, CLIENT_ACCEPTED, s->time_ns) &&
	    client_claim(ctx->ledger, &client, CLIENT_FINISHED, s->time_ns)) {
		emit_client(ctx, s, "", no_warnings);
	}
}

/*
 * A refusal answers a SYN: RST and ACK with sequence number 0 (RFC 9293, section 3.10.7.1), or any
 * reset where the SYN is all that the connection has had. A reset of an established connection says
 * nothing about the port.
 */
static bool is_refusal(const struct segment *s, struct analyzer_ctx *ctx)
{
	bool answers_nothing = (s->pkt->tcp_flags & TCP_ACK) != 0 && s->pkt->tcp_seq == 0;

	return answers_nothing || flow_is_unanswered(ctx->flows, &s->src, &s->dst, s->time_ns);
}

static void on_rst(const struct segment *s, struct analyzer_ctx *ctx)
{
	if (!is_refusal(s, ctx)) {
		return;
	}
	if (service_note(ctx->ledger, &s->src, SERVICE_REFUSED, s->time_ns) == SERVICE_CLOSED) {
		emit_service_state(ctx, s, "closed", no_warnings);
	}
	if (service_state(ctx->ledger, &s->src, s->time_ns) == SERVICE_UNKNOWN) {
		return;
	}
	if (client_refused(ctx->ledger, &s->dst.addr, &s->src, s->time_ns) >= REFUSALS_OF_A_SCAN) {
		emit_words(ctx, REC_IP, &s->dst.addr, "IP", PROTO_PLAIN, "suspicious",
		           "Scanned TCP closed ports.", one_warning(WARN_SCAN), s->time_ns);
	}
}

/* The row that knows a payload; NULL also for one that takes it and says nothing. */
static const struct banner *find_banner(const struct banners *banners, uint16_t port,
                                        struct span payload)
{
	const struct banner *banner = banners_find(banners, port, payload);

	return banner != NULL && banner->description[0] != '\0' ? banner : NULL;
}

static void describe(struct analyzer_ctx *ctx, enum record_type type, const struct endpoint *who,
                     uint16_t port, const struct banner *banner, uint64_t time_ns)
{
	emit_words(ctx, type, &who->addr, "TCP_", port, type == REC_TS ? "listening" : "open",
	           banner->description, banner->warnings, time_ns);
}

/* The product by the patterns of nmap. */
static void identify(const struct segment *s, struct analyzer_ctx *ctx)
{
	struct record *rec = &ctx->rec;
	enum service_match match;

	if (ctx->products == NULL || !service_may_identify(ctx->ledger, &s->src, s->time_ns)) {
		return;
	}
	record_begin(rec, REC_TS, &s->src.addr, "TCP_", s->src.port, s->time_ns);
	text_add(&rec->state, "listening");
	match = service_match(ctx->products, PROBE_TCP, s->src.port, s->pkt->payload, &rec->desc);
	if (match == SERVICE_MATCH_PRODUCT) {
		service_identified(ctx->ledger, &s->src, s->time_ns);
	}
	if (match != SERVICE_MATCH_NONE) {
		emit(ctx);
	}
}

static void on_server_data(const struct segment *s, const struct service_view *server,
                           struct analyzer_ctx *ctx)
{
	const struct banner *banner;

	if (server->may_identify) {
		identify(s, ctx);
	}
	if (server->is_described) {
		return;
	}
	banner = find_banner(ctx->db->tcp_servers, s->src.port, s->pkt->payload);
	if (banner != NULL &&
	    service_claim(ctx->ledger, &s->src, SERVICE_DESCRIBED_BY_TABLE, s->time_ns)) {
		describe(ctx, REC_TS, &s->src, s->src.port, banner, s->time_ns);
	}
}

static void on_client_data(const struct segment *s, struct analyzer_ctx *ctx)
{
	struct endpoint client = client_of(&s->src, &s->dst);
	const struct banner *banner;

	if (client_has(ctx->ledger, &client, CLIENT_DESCRIBED, s->time_ns)) {
		return;
	}
	banner = find_banner(ctx->db->tcp_clients, s->dst.port, s->pkt->payload);
	if (banner != NULL && client_claim(ctx->ledger, &client, CLIENT_DESCRIBED, s->time_ns)) {
		describe(ctx, REC_TC, &s->src, s->dst.port, banner, s->time_ns);
	}
}

static void on_data(const struct segment *s, struct analyzer_ctx *ctx)
{
	struct service_view views[2];

	if (s->pkt->payload.len == 0) {
		return;
	}
	service_look(ctx->ledger, (const struct endpoint *const[]){&s->src, &s->dst}, s->time_ns,
	             views);
	bool from_server = views[0].state == SERVICE_LISTENING;
	bool to_server = views[1].state == SERVICE_LISTENING;

	if (from_server && !to_server) {
		on_server_data(s, &views[0], ctx);
	} else if (to_server && !from_server) {
		on_client_data(s, ctx);
	}
}

static enum verdict tcp_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct segment s = {
		.pkt = pkt,
		.src = {.addr = pkt->src, .port = pkt->sport},
		.dst = {.addr = pkt->dst, .port = pkt->dport},
		.time_ns = pkt->frame->time_ns,
	};
	uint8_t flags = pkt->tcp_flags & FLAGS_ASKED;

	check_land_attack(&s, ctx);
	if (flags == (TCP_SYN | TCP_ACK)) {
		on_synack(&s, ctx);
	} else if (flags == TCP_SYN) {
		on_syn(&s, ctx);
	} else if ((flags & ~TCP_ACK) == TCP_FIN) {
		on_fin(&s, ctx);
	} else if ((flags & ~TCP_ACK) == TCP_RST) {
		on_rst(&s, ctx);
	} else if (flags == TCP_ACK) {
		on_data(&s, ctx);
	} else if ((pkt->tcp_flags & FLAGS_CLASSIC) == (TCP_FIN | TCP_RST | TCP_ACK) &&
	           pkt->sport == PORT_IDENT) {
		return VERDICT_DONE; /* how some ident servers hang up */
	} else {
		struct warnings warnings = one_warning(WARN_NONCOMPLIANT);

		warnings_add(&warnings, WARN_SCAN);
		emit_client(ctx, &s, flag_scan_text(flags), warnings);
		return VERDICT_UNHANDLED;
	}
	return VERDICT_DONE;
}

const struct analyzer analyzer_tcp = {
	.name = "tcp",
	.match = {.layer = LAYER_TCP},
	.records = {REC_TS, REC_TC, REC_IP},
	.run = tcp_run,
};
