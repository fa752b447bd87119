/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What neighbour discovery tells. */
#include "talks.h"

/* clang-format off */
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

static void ndp_says(void **state)
{
	(void)state;
	check_talks(ndp_talks, COUNT(ndp_talks));
	check_talk(&ndp_spoiled);
}

static void torn_ndp_says_less(void **state)
{
	(void)state;
	check_torn_talks(ndp_talks, COUNT(ndp_talks));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ndp_says),
		cmocka_unit_test(torn_ndp_says_less),
	};

	return cmocka_run_group_tests_name("ndp", tests, open_sensor, close_sensor);
}
