/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What DNS, mDNS and their like tell over UDP. */
#include "dns_talks.h"

/* clang-format off */
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

static void dns_says(void **state)
{
	(void)state;
	check_talks(dns_talks, COUNT(dns_talks));
}

static void torn_dns_says_less(void **state)
{
	(void)state;
	check_torn_talks(dns_talks, COUNT(dns_talks));
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
	assert_string_equal(printed(), DNS_SERVER);
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
		cmocka_unit_test(dns_says),
		cmocka_unit_test(torn_dns_says_less),
		cmocka_unit_test(missing_names_are_told_on_demand),
		cmocka_unit_test(large_messages_are_bounded),
		cmocka_unit_test(records_behind_the_bound_are_not_read),
		cmocka_unit_test(alias_has_all_addresses_of_its_target),
	};

	return cmocka_run_group_tests_name("dns", tests, open_sensor, close_sensor);
}
