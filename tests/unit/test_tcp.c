/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What handshakes, refusals, odd flags and the first words over TCP tell. */
#include "talks.h"

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

static void tcp_says(void **state)
{
	(void)state;
	check_talks(tcp_talks, COUNT(tcp_talks));
}

static void torn_tcp_says_less(void **state)
{
	(void)state;
	check_torn_talks(tcp_talks, COUNT(tcp_talks));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_says),
		cmocka_unit_test(torn_tcp_says_less),
		cmocka_unit_test(fifteen_refusals_are_a_scan),
	};

	return cmocka_run_group_tests_name("tcp", tests, open_sensor, close_sensor);
}
