/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Analyzers from end to end but for the capture: packets made of annotated bytes are decoded and
 * dispatched, and the lines that come out are compared. Then each talk again with its last packet
 * cut at every length, and with every byte of it a lie.
 */
#pragma once

#include "sensor.h"

#include <stdio.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A literal with its length, NUL bytes inside included. */
#define BYTES(literal)                                          \
	{                                                       \
		(const uint8_t *)(literal), sizeof(literal) - 1 \
	}

#define PACKETS_MAX 9 /* with the END */
#define FRAME_SIZE  20000

/* ---- packets ---- */

enum kind { END, ARP, ND, TCP, UDP };

/* 10.0.0.1, fe80::1, 00:0a:27:00:00:01 and so on; the number is the last byte of all three. */
enum host { NOBODY = 0, ALICE = 1, BOB = 2, CAROL = 3, ITSELF = 127 /* 127.0.0.1 in IPv4 */ };

struct packet {
	enum kind kind;
	enum host from, to;
	bool is_v6;
	uint8_t ttl;           /* 0: what is usual, 255 for neighbour discovery, else 64 */
	uint16_t sport, dport; /* TCP and UDP */
	uint8_t flags;         /* TCP */
	uint32_t seq;          /* TCP */
	struct span message;   /* all of ARP and ICMPv6, the payload of TCP and UDP */
};

struct talk {
	const char *name;
	struct packet packets[PACKETS_MAX]; /* up to END */
	const char *lines;                  /* of all packets */
	enum verdict verdict;               /* on the last one */
	bool differs_when_cut; /* a part of the last packet says something else than the whole */
};

/* Bytes in the making. */
struct writer {
	uint8_t bytes[FRAME_SIZE];
	size_t len;
};

static inline void put(struct writer *w, const void *bytes, size_t len)
{
	assert_true(len <= sizeof(w->bytes) - w->len);
	if (len > 0) {
		memcpy(w->bytes + w->len, bytes, len);
		w->len += len;
	}
}

static inline void put_number(struct writer *w, uint32_t value, int bytes)
{
	while (bytes-- > 0) {
		const uint8_t byte = (uint8_t)(value >> 8 * bytes);

		put(w, &byte, 1);
	}
}

static inline void put_mac(struct writer *w, enum host host)
{
	const uint8_t mac[6] = {0x00, 0x0a, 0x27, 0, 0, (uint8_t)host};

	put(w, mac, sizeof(mac));
}

static inline uint32_t ipv4_of(enum host host)
{
	return host == ITSELF ? 0x7f000001 : host != NOBODY ? 0x0a000000u + host : 0;
}

static inline void put_ipv4(struct writer *w, const struct packet *p, uint8_t proto, size_t len)
{
	put_number(w, 0x4500, 2); /* version, header length, service */
	put_number(w, (uint32_t)(20 + len), 2);
	put_number(w, 0, 4); /* no fragment */
	put_number(w, p->ttl != 0 ? p->ttl : 64, 1);
	put_number(w, proto, 1);
	put_number(w, 0, 2); /* checksum: not looked at */
	put_number(w, ipv4_of(p->from), 4);
	put_number(w, ipv4_of(p->to), 4);
}

static inline void put_ipv6(struct writer *w, const struct packet *p, uint8_t proto, size_t len)
{
	put_number(w, 0x60000000, 4); /* version, class, flow */
	put_number(w, (uint32_t)len, 2);
	put_number(w, proto, 1);
	put_number(w, p->ttl != 0 ? p->ttl : p->kind == ND ? 255 : 64, 1);
	for (int i = 0; i < 2; i++) {
		enum host host = i == 0 ? p->from : p->to;

		put_number(w, host != NOBODY ? 0xfe800000 : 0, 4);
		put_number(w, 0, 4);
		put_number(w, 0, 4);
		put_number(w, host, 4);
	}
}

static inline void put_tcp(struct writer *w, const struct packet *p)
{
	put_number(w, p->sport, 2);
	put_number(w, p->dport, 2);
	put_number(w, p->seq, 4);
	put_number(w, 0, 4);    /* acknowledgement */
	put_number(w, 0x50, 1); /* header length */
	put_number(w, p->flags, 1);
	put_number(w, 1024, 2); /* window */
	put_number(w, 0, 4);    /* checksum, urgent */
}

static inline void put_udp(struct writer *w, const struct packet *p, size_t len)
{
	put_number(w, p->sport, 2);
	put_number(w, p->dport, 2);
	put_number(w, (uint32_t)(8 + len), 2);
	put_number(w, 0, 2); /* checksum */
}

/* The frame of a packet, with the first `len` bytes of its message and headers that say so. */
static inline void put_frame(struct writer *w, const struct packet *p, size_t len)
{
	static const uint8_t protos[] = {[ND] = 58, [TCP] = 6, [UDP] = 17};
	static const uint8_t header_bytes[] = {[ND] = 0, [TCP] = 20, [UDP] = 8};
	const bool is_v6 = p->is_v6 || p->kind == ND;

	w->len = 0;
	put_mac(w, p->to);
	put_mac(w, p->from);
	put_number(w, p->kind == ARP ? 0x0806 : is_v6 ? 0x86dd : 0x0800, 2);
	if (p->kind != ARP) {
		(is_v6 ? put_ipv6 : put_ipv4)(w, p, protos[p->kind], header_bytes[p->kind] + len);
	}
	if (p->kind == TCP) {
		put_tcp(w, p);
	} else if (p->kind == UDP) {
		put_udp(w, p, len);
	}
	put(w, p->message.data, len);
}

/* ---- addresses in messages and lines ---- */

/* clang-format off */
#define ZERO_4     "\0\0\0\0"
#define FE80(host) "\376\200\0\0" ZERO_4 ZERO_4 "\0\0\0" host
#define V6(host)   "fe80:0000:0000:0000:0000:0000:0000:000" host
/* clang-format on */

/* ---- the sensor ---- */

static struct decode_counters decode_counters;
static struct dispatch *dispatch;
static uint64_t now_ns;

/* Manufacturers of our own: those of the system change. */
static inline void load_manufacturers(void)
{
	static const char text[] = "000A27 Apple, Inc.\n";
	char path[] = "/tmp/passer-test-XXXXXX";
	const char *const paths[] = {path, NULL};
	int fd = mkstemp(path);
	struct err err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	oui_free(sensor.databases.oui);
	sensor.databases.oui = NULL;
	assert_int_equal(oui_new(paths, &sensor.databases.oui, &err), 0);
	unlink(path);
}

static inline int open_sensor(void **state)
{
	const struct signature_files no_files = {.count = 0};
	struct err err;

	(void)state;
	open_ledger();
	assert_int_equal(databases_init(&sensor.databases, no_files, &err), 0);
	load_manufacturers();
	dispatch = dispatch_new();
	assert_non_null(dispatch);
	return 0;
}

static inline int close_sensor(void **state)
{
	(void)state;
	flows_free(sensor.ctx.flows);
	dispatch_free(dispatch);
	databases_fini(&sensor.databases);
	databases_fini(&sensor.databases);
	close_ledger();
	return 0;
}

/* Forgets everything: under another key no fact is known. */
static inline void begin_anew(void)
{
	sensor.ledger.key.k0++;
	flows_free(sensor.ctx.flows);
	sensor.ctx.flows = flows_new(1024, &sensor.ledger.key);
	assert_non_null(sensor.ctx.flows);
	memset(&sensor.counters, 0, sizeof(sensor.counters));
	memset(&sensor.csv_counters, 0, sizeof(sensor.csv_counters));
	sensor.buffer.used = 0;
	now_ns += 1000;
}

/* In memory of its very size, so that a sanitizer sees a slip. */
static inline enum verdict run_frame(const uint8_t *bytes, size_t len, size_t wire_len)
{
	uint8_t *copy = malloc(len + (len == 0));
	struct frame frame = {
		.bytes = {copy, len},
		.wire_bytes = (uint32_t)wire_len,
		.link = LINK_ETHERNET,
		.time_ns = now_ns++,
	};
	struct pkt pkt;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	pkt_decode(&pkt, &frame, &decode_counters);
	enum verdict verdict = dispatch_run(dispatch, &pkt, &sensor.ctx);

	free(copy);
	return verdict;
}

/* Each fact that was offered went one way, and what was printed is a line. */
static inline void check_counters(void)
{
	const struct emit_counters *c = &sensor.counters;

	assert_int_equal(c->offered, c->known + c->invalid + c->printed);
	assert_int_equal(c->printed, sensor.csv_counters.lines);
}

/* All packets of a talk but the last, which is returned. */
static const struct packet *run_up_to_last(const struct talk *talk)
{
	struct writer w;
	int i;

	begin_anew();
	for (i = 0; talk->packets[i + 1].kind != END; i++) {
		put_frame(&w, &talk->packets[i], talk->packets[i].message.len);
		run_frame(w.bytes, w.len, w.len);
	}
	return &talk->packets[i];
}

static inline void check_talk(const struct talk *talk)
{
	const struct packet *last = run_up_to_last(talk);
	struct writer w;

	print_message("# %s\n", talk->name);
	put_frame(&w, last, last->message.len);
	enum verdict verdict = run_frame(w.bytes, w.len, w.len);

	assert_string_equal(printed(), talk->lines);
	assert_int_equal(verdict, talk->verdict);
	check_counters();
}

/* Less than the whole packet says less, and nothing else. */
static inline void check_says_less(const struct talk *talk)
{
	const char *text = printed();
	size_t len = strlen(text);

	check_counters();
	if (!talk->differs_when_cut) {
		assert_true(len == 0 || text[len - 1] == '\n');
		assert_true(strncmp(text, talk->lines, len) == 0);
	}
}

/* UDP without payload is a case of its own, and not that of the analyzers here. */
static inline bool is_empty_udp(const struct packet *p, size_t payload_len)
{
	return p->kind == UDP && payload_len == 0;
}

/* Cut by the capture: the headers tell of more than there is. */
static inline void check_captured_short(const struct talk *talk, const struct packet *last,
                                        const struct writer *whole)
{
	const size_t head = whole->len - last->message.len;

	for (size_t len = 0; len < whole->len; len++) {
		if (len == head && is_empty_udp(last, 0)) {
			continue;
		}
		run_up_to_last(talk);
		run_frame(whole->bytes, len, whole->len);
		check_says_less(talk);
	}
}

/* Cut by the sender: the headers tell of what there is. */
static inline void check_sent_short(const struct talk *talk, const struct packet *last)
{
	struct writer w;

	for (size_t len = 0; len < last->message.len; len++) {
		if (is_empty_udp(last, len)) {
			continue;
		}
		run_up_to_last(talk);
		put_frame(&w, last, len);
		run_frame(w.bytes, w.len, w.len);
		check_says_less(talk);
	}
}

/* Each byte as small and as large as it can be: whatever comes out, nothing breaks. */
static inline void check_lies(const struct talk *talk, struct writer *whole)
{
	for (size_t i = 0; i < whole->len; i++) {
		const uint8_t truth = whole->bytes[i];

		for (unsigned lie = 0; lie <= 0xff; lie += 0xff) {
			run_up_to_last(talk);
			whole->bytes[i] = (uint8_t)lie;
			run_frame(whole->bytes, whole->len, whole->len);
			check_counters();
		}
		whole->bytes[i] = truth;
	}
}

static inline void check_talks(const struct talk *talks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		check_talk(&talks[i]);
	}
}

static inline void check_torn_talks(const struct talk *talks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct packet *last = run_up_to_last(&talks[i]);
		struct writer whole;

		print_message("# %s\n", talks[i].name);
		put_frame(&whole, last, last->message.len);
		check_captured_short(&talks[i], last, &whole);
		check_sent_short(&talks[i], last);
		check_lies(&talks[i], &whole);
	}
}
