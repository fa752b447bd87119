/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Syslog over UDP as BSD systems began it (RFC 3164): who sends it to whom, the name that the
 * sender gives itself, and the program that speaks.
 *
 *   <13>Mar  4 10:00:00 host program[pid]: text
 */
#include "scan.h"
#include "udp_emit.h"

#define PORT_SYSLOG 514

#define PRIORITY_DIGITS_MAX 3

static const struct warnings plaintext = {{WARN_PLAINTEXT}};

struct syslog_msg {
	bool has_header; /* the two below were there */
	struct span host, program;
};

static bool is_upper(uint8_t b)
{
	return b >= 'A' && b <= 'Z';
}

static bool is_lower(uint8_t b)
{
	return b >= 'a' && b <= 'z';
}

static bool is_of_host(uint8_t b)
{
	return b != ' ';
}

static bool is_of_program(uint8_t b)
{
	return b != ':' && b != ' ' && b != '[';
}

/* What a letter of a pattern stands for: A upper case, a lower case, 0 a digit, else itself. */
static bool fits(uint8_t b, char letter)
{
	switch (letter) {
	case 'A':
		return is_upper(b);
	case 'a':
		return is_lower(b);
	case '0':
		return scan_is_digit(b);
	case '_': /* a digit, or the blank of a day below 10 */
		return scan_is_digit(b) || b == ' ';
	default:
		return b == (uint8_t)letter;
	}
}

static bool time_parse(struct cursor *c)
{
	for (const char *letter = "Aaa _0 00:00:00 "; *letter != '\0'; letter++) {
		if (!fits(cur_u8(c), *letter)) {
			return false;
		}
	}
	return cur_ok(c);
}

static bool syslog_parse(struct cursor c, struct syslog_msg *m)
{
	*m = (struct syslog_msg){.has_header = false};
	if (cur_u8(&c) != '<') {
		return false;
	}
	struct span priority = scan_while(&c, scan_is_digit);

	if (priority.len == 0 || priority.len > PRIORITY_DIGITS_MAX || cur_u8(&c) != '>') {
		return false;
	}
	if (time_parse(&c)) {
		m->host = scan_while(&c, is_of_host);
		cur_skip(&c, 1);
		m->program = scan_while(&c, is_of_program);
		m->has_header = m->host.len > 0 && m->program.len > 0 && cur_left(&c) > 0;
	}
	return true;
}

static void emit_header(const struct pkt *pkt, const struct syslog_msg *m, struct analyzer_ctx *ctx)
{
	struct record *rec = &ctx->rec;

	record_begin(rec, REC_NA, &pkt->src, "PTR", PROTO_PLAIN, pkt->frame->time_ns);
	text_add_clean(&rec->state, m->host);
	text_add(&rec->desc, "syslog");
	rec->warnings = plaintext;
	emit(ctx);

	record_begin(rec, REC_IP, &pkt->src, "IP", PROTO_PLAIN, pkt->frame->time_ns);
	text_add(&rec->state, "live");
	text_add(&rec->desc, "running process: ");
	text_add_clean(&rec->desc, m->program);
	rec->warnings = plaintext;
	emit(ctx);
}

static enum verdict syslog_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct syslog_msg m;

	if (pkt->dport != PORT_SYSLOG || !syslog_parse(cur_of(pkt->payload), &m)) {
		return VERDICT_PASSED;
	}
	udp_emit_client(ctx, pkt, "syslog/client", plaintext);
	if (pkt_cast(pkt) == CAST_NONE) { /* else the destination is no host */
		emit_words(ctx, REC_US, &pkt->dst, "UDP_", PORT_SYSLOG, "open",
		           "syslog/server not confirmed", plaintext, pkt->frame->time_ns);
	}
	if (!m.has_header) {
		return VERDICT_UNHANDLED;
	}
	emit_header(pkt, &m, ctx);
	return VERDICT_DONE;
}

const struct analyzer analyzer_syslog = {
	.name = "syslog",
	.match = {.layer = LAYER_UDP, .ports = {PORT_SYSLOG}},
	.records = {REC_UC, REC_US, REC_NA, REC_IP},
	.run = syslog_run,
};
