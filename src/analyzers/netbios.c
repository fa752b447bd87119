/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NetBIOS over UDP (RFC 1002): who asks for names (port 137), who answers for them, and the names
 * that datagrams (port 138) carry.
 *
 * A name is 16 bytes, the last of which tells the kind of service; on the wire each half of a byte
 * is a letter from A on (section 4.1).
 */
#include "udp_emit.h"

#define PORT_NAMES     137
#define PORT_DATAGRAMS 138

#define ENCODED_BYTES 32
#define NAME_BYTES    15 /* without the kind */

#define FLAG_RESPONSE      0x8000
#define FLAG_AUTHORITATIVE 0x0400
#define OPCODE_MASK        0x7800 /* 0: query */
#define RCODE_MASK         0x000f

#define LABEL_POINTER 0xc0
#define TYPE_NB       0x0020

/* Datagrams (section 4.4.1). */
#define DATAGRAM_FIRST      0x10 /* direct unique */
#define DATAGRAM_LAST_NAMED 0x12 /* broadcast; what follows carries no source name */
#define DATAGRAM_LAST       0x16

static const struct warnings no_warnings;

/* len is 0 where the letters make no name; what else the message says may still be true. */
struct nb_name {
	uint8_t bytes[NAME_BYTES];
	size_t len;  /* without the blanks and NULs that fill it up */
	bool is_any; /* "*": all names of a node */
};

struct nbns_msg {
	uint16_t flags;
	uint16_t questions, answers;
	struct nb_name name;
	struct addr addr; /* of an answer: the first of the name */
};

struct datagram {
	uint8_t type;
	struct nb_name source;
};

/* Two letters make a byte. */
static bool half_ascii_parse(struct cursor *c, uint8_t *out_byte)
{
	uint8_t high = (uint8_t)(cur_u8(c) - 'A'), low = (uint8_t)(cur_u8(c) - 'A');

	*out_byte = (uint8_t)(high << 4 | (low & 15));
	return cur_ok(c) && high < 16 && low < 16;
}

/* The first label of a name. */
static void label_parse(struct cursor label, struct nb_name *name)
{
	if (cur_left(&label) != ENCODED_BYTES) {
		return;
	}
	for (int i = 0; i < NAME_BYTES; i++) {
		if (!half_ascii_parse(&label, &name->bytes[i])) {
			return;
		}
	}
	name->is_any = name->bytes[0] == '*' && name->bytes[1] == 0;
	name->len = NAME_BYTES;
	while (name->len > 0 &&
	       (name->bytes[name->len - 1] == ' ' || name->bytes[name->len - 1] == '\0')) {
		name->len--; /* it is filled up with them */
	}
}

/* A name and the labels of its scope, which end in a root or in a pointer. */
static bool name_parse(struct cursor *c, struct nb_name *name)
{
	uint8_t len = cur_u8(c);

	*name = (struct nb_name){.len = 0};
	for (bool is_first = true; len != 0 && len < LABEL_POINTER; is_first = false) {
		struct cursor label = cur_sub(c, len);

		if (is_first) {
			label_parse(label, name);
		}
		len = cur_u8(c);
	}
	if (len >= LABEL_POINTER) {
		cur_skip(c, 1);
	}
	return cur_ok(c);
}

static bool nbns_parse(struct cursor c, struct nbns_msg *m)
{
	*m = (struct nbns_msg){.questions = 0};
	cur_skip(&c, 2);
	m->flags = cur_be16(&c);
	m->questions = cur_be16(&c);
	m->answers = cur_be16(&c);
	cur_skip(&c, 4);
	if (!cur_ok(&c)) {
		return false;
	}
	bool is_whole = name_parse(&c, &m->name);

	if ((m->flags & FLAG_RESPONSE) == 0) {
		return true; /* asked, whatever the question was */
	}
	uint16_t type = cur_be16(&c);

	cur_skip(&c, 2 + 4 + 2 + 2); /* class, lifetime, length, flags of the first entry */
	m->addr = addr_of(cur_take(&c, 4));
	return is_whole && cur_ok(&c) && type == TYPE_NB;
}

/*
 * A datagram's header has 10 bytes; those with names have 4 more (length, offset). Where the name
 * is torn the header still stands.
 */
static bool datagram_parse(struct cursor c, struct datagram *d)
{
	*d = (struct datagram){.type = cur_u8(&c)};
	cur_skip(&c, 9);
	if (d->type <= DATAGRAM_LAST_NAMED) {
		cur_skip(&c, 4);
	}
	if (!cur_ok(&c) || d->type < DATAGRAM_FIRST || d->type > DATAGRAM_LAST) {
		return false;
	}
	if (d->type <= DATAGRAM_LAST_NAMED) {
		(void)name_parse(&c, &d->source);
	}
	return true;
}

static void emit_name(struct analyzer_ctx *ctx, const struct addr *addr, const struct nb_name *name,
                      const char *desc, uint64_t time_ns)
{
	if (name->len == 0) {
		return;
	}
	record_begin(&ctx->rec, REC_NA, addr, "PTR", PROTO_PLAIN, time_ns);
	text_add_clean(&ctx->rec.state, span_of(name->bytes, name->len));
	text_add(&ctx->rec.desc, desc);
	emit(ctx);
}

static enum verdict on_query(const struct pkt *pkt, const struct nbns_msg *m,
                             struct analyzer_ctx *ctx)
{
	static const struct warnings amplified = {{WARN_AMPLIFICATION, WARN_SPOOFED}};

	if (pkt->dport != PORT_NAMES) {
		return VERDICT_UNHANDLED;
	}
	if (pkt->link_cast == CAST_BROADCAST) {
		udp_emit_client(ctx, pkt, "netbios-ns/broadcastclient", no_warnings);
		return VERDICT_DONE;
	}
	if (m->name.is_any) {
		udp_emit_client(ctx, pkt, "netbios-ns/wildcardclient", amplified);
		return VERDICT_DONE;
	}
	udp_emit_client(ctx, pkt, "netbios-ns/unicastclient", no_warnings);
	return VERDICT_UNHANDLED;
}

static enum verdict on_answer(const struct pkt *pkt, const struct nbns_msg *m,
                              struct analyzer_ctx *ctx)
{
	if (pkt->sport != PORT_NAMES) {
		return VERDICT_UNHANDLED;
	}
	udp_emit_server(ctx, pkt, "netbios-ns", no_warnings);
	emit_name(ctx, &m->addr, &m->name, "netbios-ns", pkt->frame->time_ns);
	return VERDICT_DONE;
}

static enum verdict on_name_service(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct nbns_msg m;

	if (!nbns_parse(cur_of(pkt->payload), &m) || (m.flags & OPCODE_MASK) != 0) {
		return VERDICT_PASSED;
	}
	if ((m.flags & FLAG_RESPONSE) == 0) {
		return m.questions == 1 ? on_query(pkt, &m, ctx) : VERDICT_PASSED;
	}
	if ((m.flags & FLAG_AUTHORITATIVE) != 0 && (m.flags & RCODE_MASK) == 0 && m.answers == 1) {
		return on_answer(pkt, &m, ctx);
	}
	return VERDICT_PASSED;
}

static enum verdict on_datagram(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct datagram d;

	if (!datagram_parse(cur_of(pkt->payload), &d)) {
		return VERDICT_PASSED;
	}
	emit_name(ctx, &pkt->src, &d.source, "netbios-dgm", pkt->frame->time_ns);
	if (pkt->sport == PORT_DATAGRAMS) {
		udp_emit_server(ctx, pkt, "netbios-dgm", no_warnings);
		return VERDICT_DONE;
	}
	struct record *rec = udp_begin_client(ctx, pkt);

	text_add(&rec->desc, "netbios-dgm/");
	text_add(&rec->desc, udp_cast_word(pkt));
	text_add(&rec->desc, "client");
	emit(ctx);
	return VERDICT_DONE;
}

static enum verdict netbios_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	if (pkt->sport == PORT_NAMES || pkt->dport == PORT_NAMES) {
		return on_name_service(pkt, ctx);
	}
	return pkt->dport == PORT_DATAGRAMS ? on_datagram(pkt, ctx) : VERDICT_PASSED;
}

const struct analyzer analyzer_netbios = {
	.name = "netbios",
	.match = {.layer = LAYER_UDP, .ports = {PORT_NAMES, PORT_DATAGRAMS}},
	.records = {REC_UC, REC_US, REC_NA},
	.run = netbios_run,
};
