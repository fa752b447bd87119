/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What DNS tells over TCP: two bytes of length before each message. */
#include "dns_talks.h"

/* clang-format off */
#define STREAMS(bytes) \
	{TCP, BOB, ALICE, .sport = 53, .dport = 4000, .flags = TCP_ACK, .message = BYTES(bytes)}
#define ONE_A(last)    HEAD(RESPONSE, "\0", "\1", "\0", "\0") A_OF(WWW, last)
#define ONE_A_LEN      "\0\53" /* 43: header 12, name 17, type to length 10, address 4 */
/* clang-format on */

static const struct talk dns_tcp_talks[] = {
	{.name = "answer",
         .packets = {STREAMS(ONE_A_LEN ONE_A("\1"))},
         .lines = "DN,192.0.2.1,A,www.example.com.,\n",
         .verdict = VERDICT_DONE},
	{.name = "answer over IPv6",
         .packets = {{TCP, BOB, ALICE, .is_v6 = true, .sport = 53, .dport = 4000, .flags = TCP_ACK,
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
         .packets = {{TCP, ALICE, BOB, .sport = 4000, .dport = 53, .flags = TCP_ACK,
                      .message = BYTES(ONE_A_LEN ONE_A("\1"))}},
         .lines = "",
         .verdict = VERDICT_DONE},
};

static void dns_over_tcp_says(void **state)
{
	(void)state;
	check_talks(dns_tcp_talks, COUNT(dns_tcp_talks));
}

static void torn_dns_over_tcp_says_less(void **state)
{
	(void)state;
	check_torn_talks(dns_tcp_talks, COUNT(dns_tcp_talks));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dns_over_tcp_says),
		cmocka_unit_test(torn_dns_over_tcp_says_less),
	};

	return cmocka_run_group_tests_name("dns_tcp", tests, open_sensor, close_sensor);
}
