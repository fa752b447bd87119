/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What ARP tells. */
#include "talks.h"

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

static void arp_says(void **state)
{
	(void)state;
	check_talks(arp_talks, COUNT(arp_talks));
}

static void torn_arp_says_less(void **state)
{
	(void)state;
	check_torn_talks(arp_talks, COUNT(arp_talks));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arp_says),
		cmocka_unit_test(torn_arp_says_less),
	};

	return cmocka_run_group_tests_name("arp", tests, open_sensor, close_sensor);
}
