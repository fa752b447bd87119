/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames as annotated hex, and what decoding must say of them: one row each. The same rows are then
 * cut at every length and bent at every byte.
 */
#pragma once

#include <passer/base/text.h>
#include <passer/decode/pkt.h>

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define FRAME_MAX 512
#define WIRE_MORE 1000 /* bytes that a cut frame had on the wire */

/* ---- headers that many rows use ---- */

#define ETHERNET  "020000000002 020000000001 "
#define BROADCAST "ffffffffffff 020000000001 "
#define MULTICAST "01005e0000fb 020000000001 "

/* IPv4: length and protocol; 10.0.0.1 to 10.0.0.2, TTL 64, not to be fragmented. */
#define IPV4(len, proto) "45 00 " len " 0001 4000 40 " proto " 0000 0a000001 0a000002 "
/* IPv6: length of what follows and next header; 2001:db8::1 to 2001:db8::2. */
#define IPV6(len, next)                   \
	"6 00 00000 " len " " next " 40 " \
	"20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000002 "

#define V4   " 10.0.0.1>10.0.0.2 ttl 64"
#define V6   " 2001:db8::1>2001:db8::2 ttl 64"
#define V4_T V4 " proto 6"
#define V4_U V4 " proto 17"

/* TCP from port 4660 to 80: header length in words and flags. */
#define TCP(words, flags) "1234 0050 00000001 00000002 " words "0 " flags " 2000 0000 0000 "
#define SYN               TCP("5", "02")
#define SAYS_SYN          " tcp 4660>80 flags 02 seq 1 ack 2 win 8192 opt 0"
/* UDP from port 4660 to 53: length. */
#define UDP(len)          "1234 0035 " len " 0000 "

/* The packet that stands in many carriers. */
#define IPV4_SYN IPV4("0028", "06") SYN
#define IPV6_SYN IPV6("0014", "06") SYN
#define SAYS_V4  V4_T " len 20/20" SAYS_SYN
#define SAYS_V6  V6 " proto 6 len 20/20" SAYS_SYN

/* ---- rows ---- */

struct row {
	const char *name;
	enum link_type link;
	const char *hex;
	const char *says;
	const char *payload; /* hex */
	const char *fault;   /* the one counter, or "" */
	const char *class;
};

/*
 * The last header of each frame: nothing of it, all but one byte, all of it, and a byte more. Its
 * layer is reached with the third.
 */
struct header_row {
	const char *name;
	enum link_type link;
	const char *before; /* hex of the headers before */
	const char *header;
	enum layer without, with;
};

/* Of a test program; the tests below have it as their state. */
struct table {
	const struct row *rows;
	size_t row_count;
	const struct header_row *headers;
	size_t header_count;
};

/* ---- helpers ---- */

static inline unsigned nibble(char c)
{
	return (unsigned)(isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10);
}

/* Hex digits with blanks anywhere. */
static inline size_t unhex(const char *hex, uint8_t out_bytes[static FRAME_MAX])
{
	size_t digits = 0;

	for (; *hex != '\0'; hex++) {
		if (*hex == ' ') {
			continue;
		}
		assert_true(isxdigit((unsigned char)*hex) && !isupper((unsigned char)*hex));
		assert_true(digits < 2 * FRAME_MAX);
		uint8_t *byte = &out_bytes[digits / 2];

		*byte = (uint8_t)(digits % 2 == 0 ? nibble(*hex) << 4 : *byte | nibble(*hex));
		digits++;
	}
	assert_int_equal(digits % 2, 0);
	return digits / 2;
}

static inline void say(struct text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline void say(struct text *t, const char *format, ...)
{
	char words[128];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	text_add(t, words);
}

static inline void say_link(const struct pkt *p, struct text *t)
{
	static const char *const casts[] = {"", "broadcast ", "multicast "};

	say(t, "%s%s", p->has_mac ? "mac " : "", casts[p->link_cast]);
	if (p->outer_ethertype != p->ethertype) {
		say(t, "%04x>", p->outer_ethertype);
	}
	if (p->ethertype != 0) {
		say(t, "%04x ", p->ethertype);
	}
	if (p->tags != 0) {
		say(t, "tags %u ", p->tags);
	}
	/* Every part begins with a blank. */
	if (t->len > 0) {
		t->buf[--t->len] = '\0';
	}
}

static inline void say_ip(const struct pkt *p, struct text *t)
{
	char src[ADDR_TEXT_SIZE];
	char dst[ADDR_TEXT_SIZE];

	if (p->src.family == ADDR_NONE) {
		assert_int_equal(p->dst.family, ADDR_NONE);
		return;
	}
	addr_format_short(&p->src, src);
	addr_format_short(&p->dst, dst);
	say(t, " %s>%s ttl %u proto %u", src, dst, p->ttl, p->ip_proto);
	if (p->extensions != 0) {
		say(t, " ext %u", p->extensions);
	}
	if (p->is_fragment) {
		say(t, " frag %u", p->fragment_offset);
	}
	say(t, " len %zu/%u", p->ip_payload.len, p->ip_payload_wire);
}

static inline void say_upper(const struct pkt *p, struct text *t)
{
	static const char *const layers[LAYER_COUNT] = {
		[LAYER_NONE] = "none",   [LAYER_ARP] = "arp",     [LAYER_IP] = "ip",
		[LAYER_ICMP] = "icmp",   [LAYER_TCP] = "tcp",     [LAYER_UDP] = "udp",
		[LAYER_ICMP6] = "icmp6", [LAYER_80211] = "80211",
	};

	say(t, " %s", layers[p->layer]);
	if (p->layer == LAYER_TCP || p->layer == LAYER_UDP) {
		say(t, " %u>%u", p->sport, p->dport);
	}
	if (p->layer == LAYER_TCP) {
		say(t, " flags %02x seq %u ack %u win %u opt %zu", p->tcp_flags, p->tcp_seq,
		    p->tcp_ack, p->tcp_window, p->tcp_options.len);
	}
}

static inline const char *fault_name(const struct decode_counters *c)
{
	const uint64_t all = c->unknown_link + c->cut + c->bad + c->too_deep;

	assert_true(all <= 1);
	if (all == 0) {
		return "";
	}
	return c->cut != 0 ? "cut" : c->bad != 0 ? "bad" : c->too_deep != 0 ? "deep" : "unknown";
}

static inline void assert_span_is(struct span s, const char *hex)
{
	uint8_t bytes[FRAME_MAX];
	size_t len = unhex(hex, bytes);

	assert_int_equal(s.len, len);
	assert_memory_equal(s.data != NULL ? s.data : bytes, bytes, len);
}

static inline void assert_span_within(struct span s, struct span outer)
{
	if (s.len > 0) {
		assert_true(s.data >= outer.data && s.data + s.len <= outer.data + outer.len);
	}
}

/*
 * Decodes the first `len` bytes of a frame, in memory that ends with them, so that a sanitizer sees
 * one byte too many. What must hold of every frame is asserted here.
 */
static inline enum layer decode_prefix(const uint8_t *bytes, size_t len, size_t wire,
                                       enum link_type link)
{
	uint8_t *copy = malloc(len + (len == 0));
	struct decode_counters counters = {0};
	struct pkt pkt;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	const struct frame frame = {
		.bytes = {copy, len}, .wire_bytes = (uint32_t)wire, .link = link};

	memset(&pkt, 0xa5, sizeof(pkt));
	pkt_decode(&pkt, &frame, &counters);
	assert_ptr_equal(pkt.frame, &frame);
	assert_true(pkt.layer < LAYER_COUNT);
	assert_span_within(pkt.ip_payload, frame.bytes);
	assert_span_within(pkt.payload, frame.bytes);
	assert_span_within(pkt.tcp_options, frame.bytes);
	assert_true(pkt.ip_payload_wire >= pkt.ip_payload.len);
	assert_true(pkt_class(&pkt) < FRAME_CLASS_COUNT);
	assert_true(pkt_cast(&pkt) <= CAST_MULTICAST);
	fault_name(&counters);
	free(copy);
	return pkt.layer;
}

/* ---- the tests of rows ---- */

static inline void rows_decode_as_they_say(void **state)
{
	const struct table *table = *state;

	for (size_t i = 0; i < table->row_count; i++) {
		uint8_t bytes[FRAME_MAX];
		struct decode_counters counters = {0};
		struct frame frame = {.bytes = {bytes, unhex(table->rows[i].hex, bytes)},
		                      .link = table->rows[i].link};
		char says[256];
		struct text t;
		struct pkt pkt;

		print_message("# %s\n", table->rows[i].name);
		frame.wire_bytes = (uint32_t)frame.bytes.len;
		memset(&pkt, 0xa5, sizeof(pkt));
		pkt_decode(&pkt, &frame, &counters);
		text_init(&t, says, sizeof(says));
		say_link(&pkt, &t);
		say_ip(&pkt, &t);
		say_upper(&pkt, &t);
		assert_string_equal(says, table->rows[i].says);
		assert_span_is(pkt.payload, table->rows[i].payload);
		assert_string_equal(fault_name(&counters), table->rows[i].fault);
		assert_string_equal(frame_class_name(pkt_class(&pkt)), table->rows[i].class);
	}
}

static inline int rank(enum layer layer)
{
	static const int ranks[LAYER_COUNT] = {
		[LAYER_NONE] = 0, [LAYER_80211] = 1, [LAYER_IP] = 2,   [LAYER_ARP] = 3,
		[LAYER_TCP] = 3,  [LAYER_UDP] = 3,   [LAYER_ICMP] = 3, [LAYER_ICMP6] = 3,
	};

	return ranks[layer];
}

/* With more bytes of the same frame decoding never comes less far. */
static inline void rows_cut_at_every_length(void **state)
{
	const struct table *table = *state;
	unsigned long frames = 0;

	for (size_t i = 0; i < table->row_count; i++) {
		uint8_t bytes[FRAME_MAX];
		size_t len = unhex(table->rows[i].hex, bytes);
		int best = 0;

		for (size_t cut = 0; cut <= len; cut++) {
			int reached = rank(decode_prefix(bytes, cut, len, table->rows[i].link));

			assert_true(reached >= best);
			best = reached;
			/* The same bytes as a frame that was not longer, or longer still. */
			decode_prefix(bytes, cut, cut, table->rows[i].link);
			decode_prefix(bytes, cut, len + WIRE_MORE, table->rows[i].link);
			decode_prefix(bytes, cut, 0, table->rows[i].link);
			frames += 4;
		}
	}
	print_message("# %lu frames\n", frames);
}

static inline void rows_bent_at_every_byte(void **state)
{
	static const uint8_t values[] = {0x00, 0x01, 0x0f, 0x3c, 0x7f, 0x80, 0xf0, 0xff};
	const struct table *table = *state;
	unsigned long frames = 0;

	for (size_t i = 0; i < table->row_count; i++) {
		uint8_t bytes[FRAME_MAX];
		size_t len = unhex(table->rows[i].hex, bytes);

		for (size_t at = 0; at < len; at++) {
			const uint8_t was = bytes[at];

			for (size_t v = 0; v < COUNT(values); v++) {
				bytes[at] = values[v];
				decode_prefix(bytes, len, len, table->rows[i].link);
				decode_prefix(bytes, len / 2, len, table->rows[i].link);
				frames += 2;
			}
			bytes[at] = was;
		}
	}
	print_message("# %lu frames\n", frames);
}

/* Every row's frame as if it came from every other link. */
static inline void rows_under_wrong_links(void **state)
{
	const struct table *table = *state;

	for (size_t i = 0; i < table->row_count; i++) {
		uint8_t bytes[FRAME_MAX];
		size_t len = unhex(table->rows[i].hex, bytes);

		for (int link = 0; link <= LINK_TYPE_COUNT; link++) {
			decode_prefix(bytes, len, len, (enum link_type)link);
		}
	}
}

static inline void headers_are_read_when_complete(void **state)
{
	const struct table *table = *state;

	for (size_t i = 0; i < table->header_count; i++) {
		const struct header_row *row = &table->headers[i];
		uint8_t bytes[FRAME_MAX];
		size_t start = unhex(row->before, bytes);
		size_t end = start + unhex(row->header, bytes + start);

		print_message("# %s\n", row->name);
		bytes[end] = 0xee;
		for (size_t len = start; len <= end + 1; len++) {
			enum layer layer = decode_prefix(bytes, len, end + 1, row->link);

			assert_true(len >= end || rank(layer) < rank(row->with));
			if (len == start || len == end - 1) {
				assert_true(rank(layer) >= rank(row->without));
			}
			if (len >= end) {
				assert_int_equal(layer, row->with);
			}
		}
		assert_int_equal(decode_prefix(bytes, start, end, row->link), row->without);
	}
}

/* Those of all rows; table: of struct table, not const since cmocka hands it on as void *. */
#define ROW_TESTS(table)                                                    \
	cmocka_unit_test_prestate(rows_decode_as_they_say, table),          \
		cmocka_unit_test_prestate(rows_cut_at_every_length, table), \
		cmocka_unit_test_prestate(rows_bent_at_every_byte, table),  \
		cmocka_unit_test_prestate(rows_under_wrong_links, table),   \
		cmocka_unit_test_prestate(headers_are_read_when_complete, table)
