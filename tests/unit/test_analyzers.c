/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Analyzers from end to end but for the capture: packets made of annotated bytes are decoded and
 * dispatched, and the lines that come out are compared. Then each talk again with its last packet
 * cut at every length, and with every byte of it a lie.
 */
#include <passer/analyzers/registry.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

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

static void put(struct writer *w, const void *bytes, size_t len)
{
	assert_true(len <= sizeof(w->bytes) - w->len);
	if (len > 0) {
		memcpy(w->bytes + w->len, bytes, len);
		w->len += len;
	}
}

static void put_number(struct writer *w, uint32_t value, int bytes)
{
	while (bytes-- > 0) {
		const uint8_t byte = (uint8_t)(value >> 8 * bytes);

		put(w, &byte, 1);
	}
}

static void put_mac(struct writer *w, enum host host)
{
	const uint8_t mac[6] = {0x00, 0x0a, 0x27, 0, 0, (uint8_t)host};

	put(w, mac, sizeof(mac));
}

static uint32_t ipv4_of(enum host host)
{
	return host == ITSELF ? 0x7f000001 : host != NOBODY ? 0x0a000000u + host : 0;
}

static void put_ipv4(struct writer *w, const struct packet *p, uint8_t proto, size_t len)
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

static void put_ipv6(struct writer *w, const struct packet *p, uint8_t proto, size_t len)
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

static void put_tcp(struct writer *w, const struct packet *p)
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

static void put_udp(struct writer *w, const struct packet *p, size_t len)
{
	put_number(w, p->sport, 2);
	put_number(w, p->dport, 2);
	put_number(w, (uint32_t)(8 + len), 2);
	put_number(w, 0, 2); /* checksum */
}

/* The frame of a packet, with the first `len` bytes of its message and headers that say so. */
static void put_frame(struct writer *w, const struct packet *p, size_t len)
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

/* ---- the sensor ---- */

static struct {
	struct ledger ledger;
	struct databases databases;
	struct analyzer_options options;
	struct selection selection;
	struct csv_buffer buffer;
	struct csv_counters csv_counters;
	struct csv csv;
	struct emit_counters counters;
	struct decode_counters decode_counters;
	struct dispatch *dispatch;
	struct analyzer_ctx ctx;
	uint64_t time_ns;
} sensor;

/* Manufacturers of our own: those of the system change. */
static void load_manufacturers(void)
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

static int open_sensor(void **state)
{
	const struct signature_files no_files = {.count = 0};
	struct err err;

	(void)state;
	assert_int_equal(ledger_init(&sensor.ledger), 0);
	assert_int_equal(databases_init(&sensor.databases, no_files, &err), 0);
	load_manufacturers();
	sensor.dispatch = dispatch_new();
	assert_non_null(sensor.dispatch);
	sensor.csv = (struct csv){
		.buffer = &sensor.buffer,
		.counters = &sensor.csv_counters,
		.stdout_fd = -1,
		.log_fd = -1,
	};
	sensor.ctx.ledger = &sensor.ledger;
	sensor.ctx.db = &sensor.databases;
	sensor.ctx.options = &sensor.options;
	sensor.selection = (struct selection){.records = RECORDS_ALL};
	sensor.ctx.selection = &sensor.selection;
	sensor.ctx.csv = &sensor.csv;
	sensor.ctx.counters = &sensor.counters;
	return 0;
}

static int close_sensor(void **state)
{
	(void)state;
	flows_free(sensor.ctx.flows);
	dispatch_free(sensor.dispatch);
	databases_fini(&sensor.databases);
	databases_fini(&sensor.databases);
	ledger_fini(&sensor.ledger);
	return 0;
}

/* Forgets everything: under another key no fact is known. */
static void begin_anew(void)
{
	sensor.ledger.key.k0++;
	flows_free(sensor.ctx.flows);
	sensor.ctx.flows = flows_new(1024, &sensor.ledger.key);
	assert_non_null(sensor.ctx.flows);
	memset(&sensor.counters, 0, sizeof(sensor.counters));
	memset(&sensor.csv_counters, 0, sizeof(sensor.csv_counters));
	sensor.buffer.used = 0;
	sensor.time_ns += 1000;
}

/* What was printed so far; the buffer is not written out, as talks are short. */
static const char *printed(void)
{
	assert_true(sensor.buffer.used < sizeof(sensor.buffer.bytes));
	sensor.buffer.bytes[sensor.buffer.used] = '\0';
	return sensor.buffer.bytes;
}

/* In memory of its very size, so that a sanitizer sees a slip. */
static enum verdict run_frame(const uint8_t *bytes, size_t len, size_t wire_len)
{
	uint8_t *copy = malloc(len + (len == 0));
	struct frame frame = {
		.bytes = {copy, len},
		.wire_bytes = (uint32_t)wire_len,
		.link = LINK_ETHERNET,
		.time_ns = sensor.time_ns++,
	};
	struct pkt pkt;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	pkt_decode(&pkt, &frame, &sensor.decode_counters);
	enum verdict verdict = dispatch_run(sensor.dispatch, &pkt, &sensor.ctx);

	free(copy);
	return verdict;
}

/* Each fact that was offered went one way, and what was printed is a line. */
static void check_counters(void)
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

static void check_talk(const struct talk *talk)
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
static void check_says_less(const struct talk *talk)
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
static bool is_empty_udp(const struct packet *p, size_t payload_len)
{
	return p->kind == UDP && payload_len == 0;
}

/* Cut by the capture: the headers tell of more than there is. */
static void check_captured_short(const struct talk *talk, const struct packet *last,
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
static void check_sent_short(const struct talk *talk, const struct packet *last)
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
static void check_lies(const struct talk *talk, struct writer *whole)
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

static void check_talks(const struct talk *talks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		check_talk(&talks[i]);
	}
}

static void check_torn_talks(const struct talk *talks, size_t count)
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

/* ---- ARP ---- */

/* Hardware and protocol type, their lengths, operation, sender; the target does not matter. */
/* clang-format off */
#define ARP_HEAD    "\0\1" "\10\0" "\6\4"
#define ARP_REQUEST "\0\1"
#define ARP_REPLY   "\0\2"
#define ARP_ALICE   "\0\12\47\0\0\1" "\12\0\0\1"
#define ARP_MOVED   "\2\0\0\0\0\11" "\12\0\0\1"
#define ARP_ZERO    "\0\12\47\0\0\1" "\0\0\0\0"
#define ARP_TARGET  "\0\12\47\0\0\2" "\12\0\0\2"

#define ALICE_IS_01 "MA,10.0.0.1,Ethernet,00:0A:27:00:00:01,Apple  Inc.\n"
#define ALICE_IS_09 "MA,10.0.0.1,Ethernet,02:00:00:00:00:09,\n"
/* clang-format on */

static const struct talk arp_talks[] = {
	{.name = "reply",
         .packets = {{ARP, ALICE, BOB, .message = BYTES(ARP_HEAD ARP_REPLY ARP_ALICE ARP_TARGET)}},
         .lines = ALICE_IS_01,
         .verdict = VERDICT_DONE},
	{.name = "reply with padding, twice",
         .packets = {{ARP, ALICE, BOB,
                      .message = BYTES(ARP_HEAD ARP_REPLY ARP_ALICE ARP_TARGET "\0\0\0")},
                     {ARP, ALICE, BOB,
                      .message = BYTES(ARP_HEAD ARP_REPLY ARP_ALICE ARP_TARGET "\0\0\0")}},
         .lines = ALICE_IS_01,
         .verdict = VERDICT_DONE},
	{.name = "change and change back",
         .packets = {{ARP, ALICE, BOB, .message = BYTES(ARP_HEAD ARP_REPLY ARP_ALICE ARP_TARGET)},
                     {ARP, ALICE, BOB, .message = BYTES(ARP_HEAD ARP_REPLY ARP_MOVED ARP_TARGET)},
                     {ARP, ALICE, BOB, .message = BYTES(ARP_HEAD ARP_REPLY ARP_ALICE ARP_TARGET)}},
         .lines = ALICE_IS_01 ALICE_IS_09 ALICE_IS_01,
         .verdict = VERDICT_DONE},
	{.name = "the message counts, not the frame's source",
         .packets = {{ARP, CAROL, BOB, .message = BYTES(ARP_HEAD ARP_REPLY ARP_ALICE ARP_TARGET)}},
         .lines = ALICE_IS_01,
         .verdict = VERDICT_DONE},
	{.name = "from 0.0.0.0",
         .packets = {{ARP, ALICE, BOB, .message = BYTES(ARP_HEAD ARP_REPLY ARP_ZERO ARP_TARGET)}},
         .lines = "MA,0.0.0.0,Ethernet,00:0A:27:00:00:01,Apple  Inc.\n",
         .verdict = VERDICT_DONE},
	{.name = "request",
         .packets = {{ARP, ALICE, BOB,
                      .message = BYTES(ARP_HEAD ARP_REQUEST ARP_ALICE ARP_TARGET)}},
         .lines = "",
         .verdict = VERDICT_DONE},
	{.name = "reverse ARP",
         .packets = {{ARP, ALICE, BOB, .message = BYTES(ARP_HEAD "\0\3" ARP_ALICE ARP_TARGET)}},
         .lines = "",
         .verdict = VERDICT_UNHANDLED},
	{.name = "other hardware",
         .packets = {{ARP, ALICE, BOB,
                      .message = BYTES("\0\7"
                                       "\10\0"
                                       "\6\4" ARP_REPLY ARP_ALICE ARP_TARGET)}},
         .lines = "",
         .verdict = VERDICT_UNHANDLED},
	{.name = "other protocol",
         .packets = {{ARP, ALICE, BOB,
                      .message = BYTES("\0\1"
                                       "\206\335"
                                       "\6\4" ARP_REPLY ARP_ALICE ARP_TARGET)}},
         .lines = "",
         .verdict = VERDICT_UNHANDLED},
	{.name = "reply whose target is not there",
         .packets = {{ARP, ALICE, BOB,
                      .message = BYTES(ARP_HEAD ARP_REPLY ARP_ALICE "\1\2\3\4\5\6\7\10\11")}},
         .lines = "",
         .verdict = VERDICT_UNHANDLED},
	{.name = "IPv6 addresses",
         .packets = {{ARP, ALICE, BOB,
                      .message = BYTES("\0\1"
                                       "\10\0"
                                       "\6\20" ARP_REPLY ARP_ALICE ARP_TARGET ARP_TARGET ARP_TARGET
                                               ARP_TARGET)}},
         .lines = "",
         .verdict = VERDICT_UNHANDLED},
	{.name = "other lengths",
         .packets = {{ARP, ALICE, BOB,
                      .message = BYTES("\0\1"
                                       "\10\0"
                                       "\4\6" ARP_REPLY ARP_ALICE ARP_TARGET)}},
         .lines = "",
         .verdict = VERDICT_UNHANDLED},
};

/* ---- neighbour discovery ---- */

/* clang-format off */
#define ZERO_4      "\0\0\0\0"
#define FE80(host)  "\376\200\0\0" ZERO_4 ZERO_4 "\0\0\0" host

/* Type, code, checksum, reserved or flags. */
#define SOLICIT     "\207\0" "\0\0" ZERO_4
#define ADVERTISE   "\210\0" "\0\0" ZERO_4
#define ROUTER_SAYS "\210\0" "\0\0" "\200\0\0\0"
#define REDIRECTS   "\211\0" "\0\0" ZERO_4

/* Options: type, length in eights of bytes, value. */
#define SOURCE_01   "\1\1" "\0\12\47\0\0\1"
#define SOURCE_09   "\1\1" "\2\0\0\0\0\11"
#define TARGET_09   "\2\1" "\2\0\0\0\0\11"
#define NONCE       "\16\1" "\1\2\3\4\5\6"

#define V6(host)       "fe80:0000:0000:0000:0000:0000:0000:000" host
#define V6_ALICE_IS_01 "MA," V6("1") ",Ethernet,00:0A:27:00:00:01,Apple  Inc.\n"
#define RO_REDIRECT \
	"RO," V6("3") ",ND_Redirect_source,router,client_ip=" V6("1") "\n" \
	"RO," V6("9") ",ND_Redirect_target,router,client_ip=" V6("1") "\n"
/* clang-format on */

static const struct talk ndp_talks[] = {
	{.name = "solicitation with its source",
         .packets = {{ND, ALICE, BOB, .message = BYTES(SOLICIT FE80("\2") SOURCE_01)}},
         .lines = V6_ALICE_IS_01,
         .verdict = VERDICT_DONE},
	{.name = "source behind another option",
         .packets = {{ND, ALICE, BOB, .message = BYTES(SOLICIT FE80("\2") NONCE SOURCE_01)}},
         .lines = V6_ALICE_IS_01,
         .verdict = VERDICT_DONE},
	{.name = "solicitation without source: the frame's",
         .packets = {{ND, ALICE, BOB, .message = BYTES(SOLICIT FE80("\2"))}},
         .lines = V6_ALICE_IS_01,
         .verdict = VERDICT_DONE},
	{.name = "the option counts, not the frame's source",
         .packets = {{ND, CAROL, BOB, .message = BYTES(SOLICIT FE80("\2") SOURCE_01)}},
         .lines = "MA," V6("3") ",Ethernet,00:0A:27:00:00:01,Apple  Inc.\n",
         .verdict = VERDICT_DONE,
         .differs_when_cut = true},
	{.name = "from nobody, who looks whether an address is free",
         .packets = {{ND, NOBODY, BOB, .message = BYTES(SOLICIT FE80("\2"))}},
         .lines = "",
         .verdict = VERDICT_DONE},
	{.name = "from beyond a router",
         .packets = {{ND, ALICE, BOB, .ttl = 254, .message = BYTES(SOLICIT FE80("\2") SOURCE_01)}},
         .lines = "",
         .verdict = VERDICT_UNHANDLED},
	{.name = "with a code",
         .packets = {{ND, ALICE, BOB,
                      .message = BYTES("\207\1"
                                       "\0\0" ZERO_4 FE80("\2") SOURCE_01)}},
         .lines = "",
         .verdict = VERDICT_UNHANDLED},
	{.name = "advertisement: the frame's source, whatever its option says",
         .packets = {{ND, ALICE, BOB, .message = BYTES(ADVERTISE FE80("\1") TARGET_09)}},
         .lines = V6_ALICE_IS_01,
         .verdict = VERDICT_DONE},
	{.name = "advertisement of a router",
         .packets = {{ND, ALICE, BOB, .message = BYTES(ROUTER_SAYS FE80("\1"))}},
         .lines = "RO," V6("1") ",NeighborAdvRouterFlag,router,\n" V6_ALICE_IS_01,
         .verdict = VERDICT_DONE},
	{.name = "redirect names the MAC of its target",
         .packets = {{ND, CAROL, ALICE,
                      .message = BYTES(REDIRECTS FE80("\11") FE80("\7") TARGET_09)}},
         .lines = RO_REDIRECT "MA," V6("9") ",Ethernet,02:00:00:00:00:09,\n",
         .verdict = VERDICT_DONE},
	{.name = "redirect from beyond a router",
         .packets = {{ND, CAROL, ALICE, .ttl = 63,
                      .message = BYTES(REDIRECTS FE80("\11") FE80("\7") TARGET_09)}},
         .lines = "",
         .verdict = VERDICT_UNHANDLED},
	{.name = "router advertisement",
         .packets = {{ND, ALICE, BOB,
                      .message = BYTES("\206\0"
                                       "\0\0"
                                       "\100\0\7\10" ZERO_4 ZERO_4 SOURCE_01)}},
         .lines = "RO," V6("1") ",RouterAdv,router,hop_limit=64\n" V6_ALICE_IS_01,
         .verdict = VERDICT_DONE},
};

/* A torn one may say more: its first option is whole. */
static const struct talk ndp_spoiled = {
	.name = "an option of no length spoils the message",
	.packets = {{ND, ALICE, BOB,
                     .message = BYTES(SOLICIT FE80("\2") SOURCE_09 "\1\0" SOURCE_09)}},
	.lines = "",
	.verdict = VERDICT_UNHANDLED,
};

/* ---- TCP ---- */

/* clang-format off */
#define F TCP_FIN
#define S TCP_SYN
#define R TCP_RST
#define A TCP_ACK

#define FROM(from_, port) TCP, from_, BOB, .sport = 4000, .dport = port
#define TO(to_, port)     TCP, BOB, to_, .sport = port, .dport = 4000

#define ASKS(from_, port)     {FROM(from_, port), .flags = S}
#define ACCEPTS(to_, port)    {TO(to_, port), .flags = S | A, .seq = 9}
#define REFUSES(to_, port)    {TO(to_, port), .flags = R | A}
#define SAYS_C(port, payload) {FROM(ALICE, port), .flags = A, .seq = 1, .message = BYTES(payload)}
#define SAYS_S(port, payload) {TO(ALICE, port), .flags = A, .seq = 10, .message = BYTES(payload)}
#define FLAGS(flags_)         {FROM(ALICE, 80), .flags = flags_}

#define CLIENT(port)    "TC,10.0.0.1,TCP_" port ",open,\n"
#define LISTENING(port) "TS,10.0.0.2,TCP_" port ",listening,\n"
#define CLOSED(port)    "TS,10.0.0.2,TCP_" port ",closed,\n"
#define POLICY          "Warnings:portpolicyviolation\n"
#define SCANS(flags) \
	"TC,10.0.0.1,TCP_80,open,TCP " flags " flag scanner Warnings:noncompliant:scan\n"
/* clang-format on */

static const struct talk tcp_talks[] = {
	{.name = "a SYN makes a client",
         .packets = {ASKS(ALICE, 80)},
         .lines = CLIENT("80"),
         .verdict = VERDICT_DONE},
	{.name = "a client once",
         .packets = {ASKS(ALICE, 80), ASKS(ALICE, 80)},
         .lines = CLIENT("80"),
         .verdict = VERDICT_DONE},
	{.name = "handshake",
         .packets = {ASKS(ALICE, 80), ACCEPTS(ALICE, 80)},
         .lines = CLIENT("80") LISTENING("80"),
         .verdict = VERDICT_DONE},
	{.name = "handshake over IPv6",
         .packets = {{TCP, ALICE, BOB, .is_v6 = true, .sport = 4000, .dport = 80, .flags = S},
                     {TCP, BOB, ALICE, .is_v6 = true, .sport = 80, .dport = 4000, .flags = S | A}},
         .lines = "TC," V6("1") ",TCP_80,open,\nTS," V6("2") ",TCP_80,listening,\n",
         .verdict = VERDICT_DONE},
	{.name = "SYN/ACK that nobody asked for",
         .packets = {ACCEPTS(ALICE, 80)},
         .lines = "",
         .verdict = VERDICT_DONE},
	{.name = "policy ports",
         .packets = {ASKS(ALICE, 23), ACCEPTS(ALICE, 23)},
         .lines = "TC,10.0.0.1,TCP_23,open," POLICY "TS,10.0.0.2,TCP_23,listening," POLICY,
         .verdict = VERDICT_DONE},
	{.name = "refusal",
         .packets = {ASKS(ALICE, 80), REFUSES(ALICE, 80)},
         .lines = CLIENT("80") CLOSED("80"),
         .verdict = VERDICT_DONE},
	{.name = "refusal by a RST without ACK",
         .packets = {ASKS(ALICE, 80),
                     {TCP, BOB, ALICE, .sport = 80, .dport = 4000, .flags = R, .seq = 77}},
         .lines = CLIENT("80") CLOSED("80"),
         .verdict = VERDICT_DONE},
	{.name = "refusal that nobody asked for",
         .packets = {REFUSES(ALICE, 80)},
         .lines = "",
         .verdict = VERDICT_DONE},
	{.name = "reset of a connection is no refusal",
         .packets = {ASKS(ALICE, 80),
                     ACCEPTS(ALICE, 80),
                     {TCP, BOB, ALICE, .sport = 80, .dport = 4000, .flags = R, .seq = 10}},
         .lines = CLIENT("80") LISTENING("80"),
         .verdict = VERDICT_DONE},
	{.name = "nor is a reset that acknowledges",
         .packets = {ASKS(ALICE, 80),
                     ACCEPTS(ALICE, 80),
                     {TCP, BOB, ALICE, .sport = 80, .dport = 4000, .flags = R | A, .seq = 10}},
         .lines = CLIENT("80") LISTENING("80"),
         .verdict = VERDICT_DONE},
	{.name = "reset by the client",
         .packets = {ASKS(ALICE, 80),
                     {TCP, ALICE, BOB, .sport = 4000, .dport = 80, .flags = R, .seq = 1}},
         .lines = CLIENT("80"),
         .verdict = VERDICT_DONE},
	{.name = "listening, closed, listening",
         .packets = {ASKS(ALICE, 80), ACCEPTS(ALICE, 80), ASKS(ALICE, 80), REFUSES(ALICE, 80),
                     ASKS(ALICE, 80), ACCEPTS(ALICE, 80)},
         .lines = CLIENT("80") LISTENING("80") CLOSED("80") LISTENING("80"),
         .verdict = VERDICT_DONE},
	{.name = "FIN of an accepted client, whose SYN was not seen",
         .packets = {ACCEPTS(ALICE, 80),
                     {TCP, ALICE, BOB, .sport = 4000, .dport = 80, .flags = F | A}},
         .lines = CLIENT("80"),
         .verdict = VERDICT_DONE},
	{.name = "FIN on a policy port carries no warning, once",
         .packets = {ASKS(ALICE, 23),
                     ACCEPTS(ALICE, 23),
                     {TCP, ALICE, BOB, .sport = 4000, .dport = 23, .flags = F | A},
                     {TCP, ALICE, BOB, .sport = 4001, .dport = 23, .flags = F}},
         .lines = "TC,10.0.0.1,TCP_23,open," POLICY
                  "TS,10.0.0.2,TCP_23,listening," POLICY CLIENT("23"),
         .verdict = VERDICT_DONE},
	{.name = "FIN of a stranger",
         .packets = {ACCEPTS(CAROL, 80), {TCP, ALICE, BOB, .sport = 4000, .dport = 80, .flags = F}},
         .lines = "",
         .verdict = VERDICT_DONE},
	/* flags that no TCP sends */
	{.name = "no flags",
         .packets = {FLAGS(0)},
         .lines = SCANS("Null"),
         .verdict = VERDICT_UNHANDLED},
	{.name = "PSH and URG alone",
         .packets = {FLAGS(TCP_PSH | TCP_URG)},
         .lines = SCANS("Null"),
         .verdict = VERDICT_UNHANDLED},
	{.name = "S F",
         .packets = {FLAGS(S | F)},
         .lines = SCANS("SYN/FIN"),
         .verdict = VERDICT_UNHANDLED},
	{.name = "R F",
         .packets = {FLAGS(R | F)},
         .lines = SCANS("RST/FIN"),
         .verdict = VERDICT_UNHANDLED},
	{.name = "S R",
         .packets = {FLAGS(S | R)},
         .lines = SCANS("SYN/RST"),
         .verdict = VERDICT_UNHANDLED},
	{.name = "S R F",
         .packets = {FLAGS(S | R | F)},
         .lines = SCANS("SYN/RST/FIN"),
         .verdict = VERDICT_UNHANDLED},
	{.name = "A S F",
         .packets = {FLAGS(A | S | F)},
         .lines = SCANS("ACK/SYN/FIN"),
         .verdict = VERDICT_UNHANDLED},
	{.name = "A R F",
         .packets = {FLAGS(A | R | F)},
         .lines = SCANS("ACK/RST/FIN"),
         .verdict = VERDICT_UNHANDLED},
	{.name = "A R S",
         .packets = {FLAGS(A | R | S)},
         .lines = SCANS("ACK/RST/SYN"),
         .verdict = VERDICT_UNHANDLED},
	{.name = "S F A R",
         .packets = {FLAGS(S | F | A | R)},
         .lines = SCANS("SYN/FIN/ACK/RST"),
         .verdict = VERDICT_UNHANDLED},
	{.name = "A R F from ident",
         .packets = {{TCP, ALICE, BOB, .sport = 113, .dport = 80, .flags = A | R | F}},
         .lines = "",
         .verdict = VERDICT_DONE},
	{.name = "A R F and PSH from ident",
         .packets = {{TCP, ALICE, BOB, .sport = 113, .dport = 80, .flags = A | R | F | TCP_PSH}},
         .lines = SCANS("ACK/RST/FIN"),
         .verdict = VERDICT_UNHANDLED},
	{.name = "land attack",
         .packets = {{TCP, ALICE, ALICE, .sport = 80, .dport = 80, .flags = S}},
         .lines = "TS,10.0.0.1,TCP_80,attack,land attack IP address spoofed "
                  "Warnings:malicious:spoofed\n" CLIENT("80"),
         .verdict = VERDICT_DONE},
	{.name = "a host may talk to itself at home",
         .packets = {{TCP, ITSELF, ITSELF, .sport = 80, .dport = 80, .flags = S}},
         .lines = "TC,127.0.0.1,TCP_80,open,\n",
         .verdict = VERDICT_DONE},
	{.name = "a host may talk to itself on another port",
         .packets = {{TCP, ALICE, ALICE, .sport = 4000, .dport = 80, .flags = S}},
         .lines = CLIENT("80"),
         .verdict = VERDICT_DONE},
	/* what they say */
	{.name = "server's banner",
         .packets = {ASKS(ALICE, 143), ACCEPTS(ALICE, 143), SAYS_S(143, "* OK dovecot ready.\r\n")},
         .lines = CLIENT("143") LISTENING("143") "TS,10.0.0.2,TCP_143,listening,imap/dovecot\n",
         .verdict = VERDICT_DONE},
	{.name = "server is described once",
         .packets = {ASKS(ALICE, 143), ACCEPTS(ALICE, 143), SAYS_S(143, "* OK dovecot ready.\r\n"),
                     SAYS_S(143, "* OK IMAP4rev1 \r\n")},
         .lines = CLIENT("143") LISTENING("143") "TS,10.0.0.2,TCP_143,listening,imap/dovecot\n",
         .verdict = VERDICT_DONE},
	{.name = "longer banner says more",
         .packets = {ASKS(ALICE, 22), ACCEPTS(ALICE, 22), SAYS_S(22, "SSH-2.0-OpenSSH_9.2p1\r\n")},
         .lines = CLIENT("22") LISTENING("22") "TS,10.0.0.2,TCP_22,listening,ssh/openssh\n",
         .verdict = VERDICT_DONE,
         .differs_when_cut = true},
	{.name = "banner of nobody known to listen",
         .packets = {SAYS_S(143, "* OK dovecot ready.\r\n")},
         .lines = "",
         .verdict = VERDICT_DONE},
	{.name = "client's banner",
         .packets = {ASKS(ALICE, 143), ACCEPTS(ALICE, 143), SAYS_C(143, "A0001 CAPABILITY\r\n")},
         .lines = CLIENT("143") LISTENING("143") "TC,10.0.0.1,TCP_143,open,imap/generic\n",
         .verdict = VERDICT_DONE},
	{.name = "client's banner with a warning",
         .packets = {ASKS(ALICE, 22), ACCEPTS(ALICE, 22), SAYS_C(22, "SSH-2.-check_ssh_1.5\r\n")},
         .lines = CLIENT("22")
                 LISTENING("22") "TC,10.0.0.1,TCP_22,open,ssh/nagios-check_ssh Warnings:scan\n",
         .verdict = VERDICT_DONE},
	{.name = "ACKs without payload do not count",
         .packets = {ASKS(ALICE, 143), ACCEPTS(ALICE, 143), SAYS_S(143, ""), SAYS_S(143, ""),
                     SAYS_S(143, ""), SAYS_S(143, ""), SAYS_S(143, "* OK dovecot ready.\r\n")},
         .lines = CLIENT("143") LISTENING("143") "TS,10.0.0.2,TCP_143,listening,imap/dovecot\n",
         .verdict = VERDICT_DONE},
};

/* ---- DNS ---- */

/* clang-format off */
/* Id, flags, counts of questions, answers, authorities, additionals. */
#define HEAD(flags, q, an, ns, ar) "\22\64" flags "\0" q "\0" an "\0" ns "\0" ar
#define QUERY    "\1\0"
#define RESPONSE "\201\200"
#define NXDOMAIN "\201\203"
#define REFUSED  "\201\205"

/* Type and class; what follows a name. */
#define T_A     "\0\1\0\1"
#define T_NS    "\0\2\0\1"
#define T_CNAME "\0\5\0\1"
#define T_PTR   "\0\14\0\1"
#define T_HINFO "\0\15\0\1"
#define T_TXT   "\0\20\0\1"
#define T_RP    "\0\21\0\1"
#define T_AAAA  "\0\34\0\1"
#define T_SRV   "\0\41\0\1"
#define T_OPT   "\0\51\4\320"
#define TTL     "\0\0\1\54"

#define WWW        "\3WWW\7example\3com\0" /* at offset 12, "example" at 16, "com" at 24 */
#define TO_WWW     "\300\14"
#define TO_EXAMPLE "\300\20"
#define A_OF(name, last) name T_A TTL "\0\4" "\300\0\2" last

#define QUESTION       BYTES(HEAD(QUERY, "\1", "\0", "\0", "\0") WWW T_A)
#define ASKED(port)    {UDP, ALICE, BOB, .sport = 4000, .dport = port, .message = QUESTION}
#define ANSWERS(bytes) {UDP, BOB, ALICE, .sport = 53, .dport = 4000, .message = BYTES(bytes)}
#define MDNS(bytes) \
	{UDP, BOB, ALICE, .ttl = 255, .sport = 5353, .dport = 5353, .message = BYTES(bytes)}

#define DNS_SERVER  "US,10.0.0.2,UDP_53,open,dns/server\n"
#define MDNS_SERVER "US,10.0.0.2,UDP_5353,open,mdns/server\n"
/* clang-format on */

static const struct talk dns_talks[] = {
	{.name = "query",
         .packets = {ASKED(53)},
         .lines = "UC,10.0.0.1,UDP_53,open,dns/client\n",
         .verdict = VERDICT_DONE},
	{.name = "query whose question is torn",
         .packets = {{UDP, ALICE, BOB, .sport = 4000, .dport = 53,
                      .message = BYTES(HEAD(QUERY, "\1", "\0", "\0", "\0") "\3WWW")}},
         .lines = "UC,10.0.0.1,UDP_53,open,dns/client\n",
         .verdict = VERDICT_DONE},
	{.name = "torn question behind a header that no client sends",
         .packets = {{UDP, ALICE, BOB, .sport = 4000, .dport = 53,
                      .message = BYTES(HEAD("\1\100", "\1", "\0", "\0", "\0") "\3WWW")}},
         .lines = "",
         .verdict = VERDICT_UNHANDLED},
	{.name = "query from afar to the multicast port",
         .packets = {ASKED(5353)},
         .lines = "UC,10.0.0.1,UDP_5353,open,mdns/client Warnings:external\n"
                  "UC,10.0.0.1,UDP_5353,open,mdns/client\n",
         .verdict = VERDICT_DONE},
	{.name = "query of the link to the multicast port",
         .packets = {{UDP, ALICE, BOB, .ttl = 255, .sport = 4000, .dport = 5353,
                      .message = BYTES(HEAD(QUERY, "\1", "\0", "\0", "\0") WWW T_A)}},
         .lines = "UC,10.0.0.1,UDP_5353,open,mdns/client\n",
         .verdict = VERDICT_DONE},
	{.name = "query to the multicast port",
         .packets = {MDNS(HEAD(QUERY, "\1", "\0", "\0", "\0") WWW T_A)},
         .lines = "UC,10.0.0.2,UDP_5353,open,mdns/client\n",
         .verdict = VERDICT_DONE},
	{.name = "answer",
         .packets = {ANSWERS(HEAD(RESPONSE, "\1", "\1", "\0", "\0") WWW T_A A_OF(TO_WWW, "\1"))},
         .lines = DNS_SERVER "DN,192.0.2.1,A,www.example.com.,\n",
         .verdict = VERDICT_DONE},
	{.name = "answer over IPv6, with an IPv6 address",
         .packets = {{UDP, BOB, ALICE, .is_v6 = true, .sport = 53, .dport = 4000,
                      .message = BYTES(HEAD(RESPONSE, "\0", "\1", "\0", "\0") WWW T_AAAA TTL
                                       "\0\20" FE80("\5"))}},
         .lines = "US," V6("2") ",UDP_53,open,dns/server\n"
                                "DN," V6("5") ",AAAA,www.example.com.,\n",
         .verdict = VERDICT_DONE},
	{.name = "all sections, behind records that say nothing",
         .packets = {ANSWERS(
		 HEAD(RESPONSE, "\0", "\1", "\2", "\2") A_OF(WWW, "\1") TO_EXAMPLE T_NS TTL
		 "\0\2" TO_WWW A_OF(TO_EXAMPLE, "\2") "\0" T_OPT ZERO_4
						      "\0\0" A_OF("\2ns" TO_EXAMPLE, "\3"))},
         .lines = DNS_SERVER "DN,192.0.2.1,A,www.example.com.,\nDN,192.0.2.2,A,example.com.,\n"
                             "DN,192.0.2.3,A,ns.example.com.,\n",
         .verdict = VERDICT_DONE},
	{.name = "addresses of wrong lengths",
         .packets = {ANSWERS(HEAD(RESPONSE, "\0", "\4", "\0", "\0") WWW T_A TTL
                             "\0\3"
                             "\1\2\3" TO_WWW T_A TTL "\0\5"
                             "\1\2\3\4\5" TO_WWW T_A TTL "\0\20" FE80("\5") TO_WWW T_AAAA TTL
                             "\0\4"
                             "\1\2\3\4")},
         .lines = DNS_SERVER,
         .verdict = VERDICT_DONE},
	{.name = "the root has no address",
         .packets = {ANSWERS(HEAD(RESPONSE, "\0", "\1", "\0", "\0") A_OF("\0", "\1"))},
         .lines = DNS_SERVER,
         .verdict = VERDICT_DONE},
	{.name = "names are cleaned",
         .packets = {ANSWERS(HEAD(RESPONSE, "\0", "\1", "\0", "\0")
                                     A_OF("\10A,\nB\0\33\377.\2de\0", "\1"))},
         .lines = DNS_SERVER "DN,192.0.2.1,A,a b\\x00\\x1b\357\277\275..de.,\n",
         .verdict = VERDICT_DONE},
	{.name = "refusal is of a server",
         .packets = {ANSWERS(HEAD(REFUSED, "\0", "\1", "\0", "\0") A_OF(WWW, "\1"))},
         .lines = DNS_SERVER,
         .verdict = VERDICT_DONE},
	{.name = "alias of a name behind it",
         .packets = {ANSWERS(HEAD(RESPONSE, "\0", "\2", "\0", "\0") A_OF(
		 WWW, "\1") "\5Alias" TO_EXAMPLE T_CNAME TTL "\0\2" TO_WWW)},
         .lines = DNS_SERVER "DN,192.0.2.1,A,www.example.com.,\n"
                             "DN,192.0.2.1,CNAME,alias.example.com.,\n",
         .verdict = VERDICT_DONE},
	{.name = "chain of aliases",
         .packets = {ANSWERS(HEAD(RESPONSE, "\0", "\3", "\0", "\0") WWW T_CNAME TTL
                             "\0\4"
                             "\1b" TO_EXAMPLE /* b at offset 39 */
                             "\300\47" T_CNAME TTL "\0\4"
                             "\1c" TO_EXAMPLE A_OF("\1c" TO_EXAMPLE, "\7"))},
         .lines = DNS_SERVER "DN,192.0.2.7,A,c.example.com.,\n"
                             "DN,192.0.2.7,CNAME,b.example.com.,\n"
                             "DN,192.0.2.7,CNAME,www.example.com.,\n",
         .verdict = VERDICT_DONE},
	{.name = "alias of a name in an earlier message, in other letters",
         .packets = {ANSWERS(HEAD(RESPONSE, "\0", "\1", "\0", "\0") A_OF(WWW, "\1")),
                     ANSWERS(HEAD(RESPONSE, "\0", "\1", "\0",
                                  "\0") "\1x\7example\3com\0" T_CNAME TTL "\0\6"
                                        "\3wwW\300\16")},
         .lines = DNS_SERVER
         "DN,192.0.2.1,A,www.example.com.,\nDN,192.0.2.1,CNAME,x.example.com.,\n",
         .verdict = VERDICT_DONE},
	{.name = "reverse names",
         .packets = {ANSWERS(HEAD(RESPONSE, "\0", "\6", "\0", "\0")
                             /* "in-addr" stands at offset 22 */
                             "\0011\0012\0010\003192\7in-addr\4ARPA\0" T_PTR TTL "\0\4"
                             "\2pc\0"
                             "\00219\0012\0010\003192\300\26" T_PTR TTL "\0\1"
                             "\0"
                             "\003256\0012\0010\003192\300\26" T_PTR TTL "\0\4"
                             "\2pc\0"
                             "\00207\0012\0010\003192\300\26" T_PTR TTL "\0\4"
                             "\2pc\0"
                             "\0012\0010\003192\300\26" T_PTR TTL "\0\4"
                             "\2pc\0"
                             "\0011\0011\0012\0010\003192\300\26" T_PTR TTL "\0\4"
                             "\2pc\0")},
         .lines = DNS_SERVER "DN,192.0.2.1,PTR,pc.,\n",
         .verdict = VERDICT_DONE},
	{.name = "reverse name in IPv6",
         .packets = {ANSWERS(
		 HEAD(RESPONSE, "\0", "\1", "\0", "\0") "\0015\0010\0010\0010\0010\0010\0010\0010"
							"\0010\0010\0010\0010\0010\0010\0010\0010"
							"\0010\0010\0010\0010\0010\0010\0010\0010"
							"\0010\0010\0010\0010\0010\0018\1E\1f"
							"\3ip6\4arpa\0" T_PTR TTL "\0\4"
							"\2pc\0")},
         .lines = DNS_SERVER "DN," V6("5") ",PTR,pc.,\n",
         .verdict = VERDICT_DONE},
	{.name = "name that does not exist, when nobody wants to know",
         .packets = {ANSWERS(HEAD(NXDOMAIN, "\1", "\0", "\0", "\0") WWW T_A)},
         .lines = DNS_SERVER,
         .verdict = VERDICT_DONE},
	{.name = "responsible person",
         .packets = {ANSWERS(HEAD(RESPONSE, "\0", "\1", "\0", "\0") WWW T_RP TTL
                             "\0\11"
                             "\5Admin" TO_EXAMPLE "\0")},
         .lines = DNS_SERVER "NA,0.0.0.0,RP,WWW.example.com.,Admin.example.com.\n",
         .verdict = VERDICT_DONE},
	{.name = "version of a server",
         .packets = {ANSWERS(HEAD(RESPONSE, "\0", "\1", "\0", "\0") "\7Version\4bind\0"
                                                                    "\0\20\0\3" TTL "\0\6"
                                                                    "\0029,\2p1")},
         .lines = DNS_SERVER "DN,10.0.0.2,TXT,9  p1,Chaos/Version.bind.\n"
                             "UC,10.0.0.1,TXT,open,dns/client Chaos/Version.bind. Warnings:scan\n",
         .verdict = VERDICT_DONE},
	{.name = "texts of the link",
         .packets = {MDNS(HEAD(RESPONSE, "\0", "\4", "\0",
                               "\0") "\2Pc\5local\0" T_TXT TTL "\0\10"
                                     "\3a=1\0\2b," TO_WWW T_HINFO TTL "\0\10"
                                     "\3ARM\3Li\n" TO_WWW T_SRV TTL "\0\10"
                                     "\0\0\0\0\0\26" TO_WWW "\4_ssh\4_tcp\300\17" T_PTR TTL
                                     "\0\2" TO_WWW)},
         .lines = MDNS_SERVER "DN,10.0.0.2,PTR,Pc.local.,a=1  b \n"
                              "DN,10.0.0.2,HINFO,Pc.local.,cpu=ARM os=Li\n"
                              "DN,10.0.0.2,SRV,Pc.local.,\n"
                              "DN,10.0.0.2,PTR,_ssh._tcp.local.,pc.local.\n",
         .verdict = VERDICT_DONE},
	{.name = "torn string says nothing",
         .packets = {MDNS(HEAD(RESPONSE, "\0", "\1", "\0", "\0") "\2Pc\5local\0" T_TXT TTL "\0\7"
                                                                 "\3a=1\11b=")},
         .lines = MDNS_SERVER "DN,10.0.0.2,PTR,Pc.local.,a=1\n",
         .verdict = VERDICT_DONE},
	{.name = "texts of the world",
         .packets = {ANSWERS(HEAD(RESPONSE, "\0", "\1", "\0", "\0") WWW T_TXT TTL "\0\4"
                                                                                  "\3a=1")},
         .lines = DNS_SERVER,
         .verdict = VERDICT_DONE},
	{.name = "response to port 53 from another",
         .packets = {{UDP, BOB, ALICE, .sport = 4000, .dport = 53,
                      .message = BYTES(HEAD(RESPONSE, "\0", "\1", "\0", "\0") A_OF(WWW, "\1"))}},
         .lines = "",
         .verdict = VERDICT_UNHANDLED},
	{.name = "query from port 53 to another",
         .packets = {{UDP, ALICE, BOB, .sport = 53, .dport = 4000,
                      .message = BYTES(HEAD(QUERY, "\1", "\0", "\0", "\0") WWW T_A)}},
         .lines = "",
         .verdict = VERDICT_UNHANDLED},
	{.name = "records behind a torn one are not read, those before it are",
         .packets = {ANSWERS(HEAD(RESPONSE, "\0", "\3", "\0", "\0")
                                     A_OF(WWW, "\1") "\300\377" T_A TTL "\0\4"
                                                     "\300\0\2\2" A_OF(TO_WWW, "\3"))},
         .lines = DNS_SERVER "DN,192.0.2.1,A,www.example.com.,\n",
         .verdict = VERDICT_DONE},
};

/* The same over TCP: two bytes of length before each message. */
/* clang-format off */
#define STREAMS(bytes) {TCP, BOB, ALICE, .sport = 53, .dport = 4000, .flags = A, .message = BYTES(bytes)}
#define ONE_A(last)    HEAD(RESPONSE, "\0", "\1", "\0", "\0") A_OF(WWW, last)
#define ONE_A_LEN      "\0\53" /* 43: header 12, name 17, type to length 10, address 4 */
/* clang-format on */

static const struct talk dns_tcp_talks[] = {
	{.name = "answer",
         .packets = {STREAMS(ONE_A_LEN ONE_A("\1"))},
         .lines = "DN,192.0.2.1,A,www.example.com.,\n",
         .verdict = VERDICT_DONE},
	{.name = "answer over IPv6",
         .packets = {{TCP, BOB, ALICE, .is_v6 = true, .sport = 53, .dport = 4000, .flags = A,
                      .message = BYTES(ONE_A_LEN ONE_A("\1"))}},
         .lines = "DN,192.0.2.1,A,www.example.com.,\n",
         .verdict = VERDICT_DONE},
	{.name = "two messages, each with offsets of its own",
         .packets = {STREAMS(ONE_A_LEN ONE_A("\1") ONE_A_LEN HEAD(RESPONSE, "\0", "\1", "\0", "\0")
                                     A_OF(WWW, "\2"))},
         .lines = "DN,192.0.2.1,A,www.example.com.,\nDN,192.0.2.2,A,www.example.com.,\n",
         .verdict = VERDICT_DONE},
	{.name = "a message that goes on in the next segment",
         .packets = {STREAMS("\377\377" ONE_A("\1") "\300")},
         .lines = "DN,192.0.2.1,A,www.example.com.,\n",
         .verdict = VERDICT_DONE},
	{.name = "a length that ends within the record",
         .packets = {STREAMS("\0\52" ONE_A("\1"))},
         .lines = "",
         .verdict = VERDICT_DONE},
	{.name = "behind what is no message nothing is read",
         .packets = {STREAMS("\0\0" ONE_A_LEN ONE_A("\1"))},
         .lines = "",
         .verdict = VERDICT_DONE},
	{.name = "a message without its length",
         .packets = {STREAMS(ONE_A("\1"))},
         .lines = "",
         .verdict = VERDICT_DONE},
	{.name = "a query tells no names",
         .packets = {STREAMS(ONE_A_LEN HEAD(QUERY, "\0", "\1", "\0", "\0") A_OF(WWW, "\1"))},
         .lines = "",
         .verdict = VERDICT_DONE},
	{.name = "nor does what is sent to the port",
         .packets = {{TCP, ALICE, BOB, .sport = 4000, .dport = 53, .flags = A,
                      .message = BYTES(ONE_A_LEN ONE_A("\1"))}},
         .lines = "",
         .verdict = VERDICT_DONE},
};

/* ---- the tests ---- */

static void arp_says(void **state)
{
	(void)state;
	check_talks(arp_talks, COUNT(arp_talks));
}

static void ndp_says(void **state)
{
	(void)state;
	check_talks(ndp_talks, COUNT(ndp_talks));
	check_talk(&ndp_spoiled);
}

static void tcp_says(void **state)
{
	(void)state;
	check_talks(tcp_talks, COUNT(tcp_talks));
}

static void dns_says(void **state)
{
	(void)state;
	check_talks(dns_talks, COUNT(dns_talks));
}

static void dns_over_tcp_says(void **state)
{
	(void)state;
	check_talks(dns_tcp_talks, COUNT(dns_tcp_talks));
}

static void torn_arp_says_less(void **state)
{
	(void)state;
	check_torn_talks(arp_talks, COUNT(arp_talks));
}

static void torn_ndp_says_less(void **state)
{
	(void)state;
	check_torn_talks(ndp_talks, COUNT(ndp_talks));
}

static void torn_tcp_says_less(void **state)
{
	(void)state;
	check_torn_talks(tcp_talks, COUNT(tcp_talks));
}

static void torn_dns_says_less(void **state)
{
	(void)state;
	check_torn_talks(dns_talks, COUNT(dns_talks));
}

static void torn_dns_over_tcp_says_less(void **state)
{
	(void)state;
	check_torn_talks(dns_tcp_talks, COUNT(dns_tcp_talks));
}

/* What has no address says nothing, and a name record without its name. */
static void empty_records_are_dropped(void **state)
{
	static const struct {
		enum record_type type;
		enum addr_family family;
		const char *name;
		bool is_printed;
	} records[] = {
		{REC_DN, ADDR_V4, "a.", true},   {REC_DN, ADDR_V4, "", false},
		{REC_WI, ADDR_V4, "", true},     {REC_DN, ADDR_NONE, "a.", false},
		{REC_TS, ADDR_NONE, "a", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(records); i++) {
		const struct addr addr = {.family = (uint8_t)records[i].family};

		begin_anew();
		record_begin(&sensor.ctx.rec, records[i].type, &addr, "A", PROTO_PLAIN, 0);
		text_add(&sensor.ctx.rec.state, records[i].name);
		emit(&sensor.ctx);
		assert_int_equal(sensor.counters.printed, records[i].is_printed);
		assert_int_equal(sensor.counters.invalid, !records[i].is_printed);
		check_counters();
	}
}

/* A fact once, unless it is a change or of a type that is always told. */
static void known_facts_are_not_printed(void **state)
{
	static const struct addr addr = {.family = ADDR_V4};

	(void)state;
	for (unsigned is_change = 0; is_change <= 1; is_change++) {
		for (unsigned is_event = 0; is_event <= 1; is_event++) {
			begin_anew();
			for (unsigned n = 1; n <= 3; n++) {
				record_begin(&sensor.ctx.rec, is_event ? REC_WI : REC_TS, &addr,
				             "A", PROTO_PLAIN, n);
				sensor.ctx.rec.is_change = is_change;
				emit(&sensor.ctx);
				assert_int_equal(sensor.counters.printed,
				                 is_change || is_event ? n : 1);
			}
			check_counters();
		}
	}
}

/* A client that 15 services refused is a scanner; the same service again does not count. */
static void fifteen_refusals_are_a_scan(void **state)
{
	struct writer w;
	unsigned scans = 0;

	(void)state;
	begin_anew();
	for (uint16_t n = 1; n <= 20; n++) {
		const struct packet packets[] = {ASKS(ALICE, n), REFUSES(ALICE, n),
		                                 REFUSES(ALICE, n)};

		for (size_t i = 0; i < COUNT(packets); i++) {
			put_frame(&w, &packets[i], 0);
			run_frame(w.bytes, w.len, w.len);
		}
		scans = strstr(printed(), "IP,10.0.0.1,IP,suspicious,Scanned TCP closed ports. "
		                          "Warnings:scan\n") != NULL;
		assert_int_equal(scans, n >= 15);
	}
	assert_int_equal(scans, 1);
	check_counters();
}

/* With --nxdomain, and only for types that are known to have no such name. */
static const struct nxdomain_row {
	const char *name;
	struct span message;
	const char *lines;
} nxdomain_rows[] = {
	{"A", BYTES(HEAD(NXDOMAIN, "\1", "\0", "\0", "\0") WWW T_A),
         DNS_SERVER "DN,0.0.0.0,A,www.example.com.,NXDOMAIN\n"},
	{"AAAA", BYTES(HEAD(NXDOMAIN, "\1", "\0", "\0", "\0") WWW T_AAAA),
         DNS_SERVER "DN,0000:0000:0000:0000:0000:0000:0000:0000,AAAA,www.example.com.,NXDOMAIN\n"},
	{"NS", BYTES(HEAD(NXDOMAIN, "\1", "\0", "\0", "\0") WWW T_NS),
         DNS_SERVER "DN,0.0.0.0,NS,www.example.com.,NXDOMAIN\n"},
	{"PTR", BYTES(HEAD(NXDOMAIN, "\1", "\0", "\0", "\0") WWW T_PTR),
         DNS_SERVER "DN,0.0.0.0,PTR,www.example.com.,NXDOMAIN\n"},
	{"MX, unicast wanted", BYTES(HEAD(NXDOMAIN, "\1", "\0", "\0", "\0") WWW "\0\17\200\1"),
         DNS_SERVER "DN,0.0.0.0,MX,www.example.com.,NXDOMAIN\n"},
	{"TXT", BYTES(HEAD(NXDOMAIN, "\1", "\0", "\0", "\0") WWW T_TXT), DNS_SERVER},
	{"CHAOS", BYTES(HEAD(NXDOMAIN, "\1", "\0", "\0", "\0") WWW "\0\1\0\3"), DNS_SERVER},
	{"two questions", BYTES(HEAD(NXDOMAIN, "\2", "\0", "\0", "\0") WWW T_A TO_WWW T_A),
         DNS_SERVER},
	{"no question", BYTES(HEAD(NXDOMAIN, "\0", "\0", "\0", "\0")), DNS_SERVER},
	{"it does exist", BYTES(HEAD(RESPONSE, "\1", "\0", "\0", "\0") WWW T_A), DNS_SERVER},
};

static void missing_names_are_told_on_demand(void **state)
{
	(void)state;
	sensor.options.wants_nxdomain = true;
	for (size_t i = 0; i < COUNT(nxdomain_rows); i++) {
		const struct talk talk = {
			.name = nxdomain_rows[i].name,
			.packets = {{UDP, BOB, ALICE, .sport = 53, .dport = 4000,
		                     .message = nxdomain_rows[i].message}},
			.lines = nxdomain_rows[i].lines,
			.verdict = VERDICT_DONE,
		};

		check_talk(&talk);
	}
	sensor.options.wants_nxdomain = false;
}

/* A message of so many equal parts behind its header. */
static void run_many(struct span head, struct span part, unsigned count, uint16_t sport,
                     uint16_t dport)
{
	struct writer message = {.len = 0}, w;

	put(&message, head.data, head.len);
	for (unsigned i = 0; i < count; i++) {
		put(&message, part.data, part.len);
	}
	const struct packet p = {UDP,
	                         BOB,
	                         ALICE,
	                         .sport = sport,
	                         .dport = dport,
	                         .message = {message.bytes, message.len}};

	begin_anew();
	put_frame(&w, &p, p.message.len);
	run_frame(w.bytes, w.len, w.len);
	check_counters();
}

/* The work for one message has a bound, which no honest message reaches. */
static void large_messages_are_bounded(void **state)
{
	const struct span questions_64 = BYTES(HEAD(QUERY, "\100", "\0", "\0", "\0"));
	const struct span questions_65 = BYTES(HEAD(QUERY, "\101", "\0", "\0", "\0"));
	const struct span asked_65 = BYTES(HEAD(RESPONSE, "\101", "\0", "\0", "\0"));
	const struct span question = BYTES("\0" T_A);
	const struct span answers = BYTES("\22\64" RESPONSE "\0\0"
	                                  "\377\377"
	                                  "\0\0"
	                                  "\0\0");
	const struct span record = BYTES("\1a\0" T_TXT TTL "\0\0");

	(void)state;
	run_many(questions_64, question, 64, 4000, 53);
	assert_string_equal(printed(), "UC,10.0.0.2,UDP_53,open,dns/client\n");
	run_many(questions_65, question, 65, 4000, 53);
	assert_string_equal(printed(), "UC,10.0.0.2,UDP_53,open,dns/client\n");
	run_many(asked_65, question, 65, 53, 4000);
	assert_string_equal(printed(), "");
	run_many(answers, record, 1400, 53, 4000);
	assert_string_equal(printed(), DNS_SERVER);
}

/* The same address of the same name, as often as there are records: only the first 1024 count. */
static void records_behind_the_bound_are_not_read(void **state)
{
	static const uint8_t head[] = {0x12, 0x34, 0x81, 0x80, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
	static const uint8_t record[] = {0, 0, 16, 0, 1, 0, 0, 1, 44, 0, 0}; /* TXT of the root */
	static const uint8_t last[] = {1, 'a', 0, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 9};

	(void)state;
	for (unsigned before = 1023; before <= 1024; before++) {
		struct writer message = {.len = 0}, w;

		put(&message, head, sizeof(head));
		for (unsigned i = 0; i < before; i++) {
			put(&message, record, sizeof(record));
		}
		put(&message, last, sizeof(last));
		const struct packet p = {UDP,           BOB,
		                         ALICE,         .sport = 53,
		                         .dport = 4000, .message = {message.bytes, message.len}};

		begin_anew();
		put_frame(&w, &p, p.message.len);
		run_frame(w.bytes, w.len, w.len);
		assert_string_equal(printed(), before == 1023 ? DNS_SERVER "DN,192.0.2.9,A,a.,\n"
		                                              : DNS_SERVER);
	}
}

/* Each of an alias's addresses is told; of very many the newest. */
static void alias_has_all_addresses_of_its_target(void **state)
{
	struct writer message = {.len = 0}, w;
	const struct span head = BYTES(HEAD(RESPONSE, "\0", "\13", "\0", "\0"));
	const struct span first = BYTES(A_OF(WWW, "\1"));
	const struct span alias = BYTES("\1x" TO_EXAMPLE T_CNAME TTL "\0\2" TO_WWW);

	(void)state;
	put(&message, head.data, head.len);
	put(&message, first.data, first.len);
	for (uint8_t n = 2; n <= 10; n++) {
		const struct span more = BYTES(TO_WWW T_A TTL "\0\4\300\0\2");

		put(&message, more.data, more.len);
		put(&message, &n, 1);
	}
	put(&message, alias.data, alias.len);
	const struct packet p = {UDP,           BOB,
	                         ALICE,         .sport = 53,
	                         .dport = 4000, .message = {message.bytes, message.len}};

	begin_anew();
	put_frame(&w, &p, p.message.len);
	run_frame(w.bytes, w.len, w.len);
	for (unsigned n = 1; n <= 10; n++) {
		char line[128];

		snprintf(line, sizeof(line), "\nDN,192.0.2.%u,CNAME,x.example.com.,\n", n);
		assert_non_null(strstr(printed(), line));
	}
	assert_int_equal(sensor.counters.printed, 1 + 10 + 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arp_says),
		cmocka_unit_test(ndp_says),
		cmocka_unit_test(tcp_says),
		cmocka_unit_test(dns_says),
		cmocka_unit_test(dns_over_tcp_says),
		cmocka_unit_test(torn_arp_says_less),
		cmocka_unit_test(torn_ndp_says_less),
		cmocka_unit_test(torn_tcp_says_less),
		cmocka_unit_test(torn_dns_says_less),
		cmocka_unit_test(torn_dns_over_tcp_says_less),
		cmocka_unit_test(empty_records_are_dropped),
		cmocka_unit_test(known_facts_are_not_printed),
		cmocka_unit_test(fifteen_refusals_are_a_scan),
		cmocka_unit_test(missing_names_are_told_on_demand),
		cmocka_unit_test(large_messages_are_bounded),
		cmocka_unit_test(records_behind_the_bound_are_not_read),
		cmocka_unit_test(alias_has_all_addresses_of_its_target),
	};

	return cmocka_run_group_tests_name("analyzers", tests, open_sensor, close_sensor);
}
