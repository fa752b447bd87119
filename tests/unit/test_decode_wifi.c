/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Radiotap and 802.11. */
#include "decode_support.h"

static const struct row rows[] = {
	/* ---- 802.11 ---- */
	{"radiotap, beacon", LINK_RADIOTAP,
         "00 00 0800 00000000 8000 0000 ffffffffffff 020000000001 020000000001 1000 00", " 80211",
         "8000 0000 ffffffffffff 020000000001 020000000001 1000 00", "", "l2-llc"},
	{"radiotap with time and flags: checksum at the end", LINK_RADIOTAP,
         "00 00 1900 03000080 03000000 00000000 0123456789abcdef 10"
         "8000 0000 ffffffffffff 020000000001 020000000001 1000 00 deadbeef",
         " 80211", "8000 0000 ffffffffffff 020000000001 020000000001 1000 00", "", "l2-llc"},
	{"radiotap with two presence words: time is aligned", LINK_RADIOTAP,
         "00 00 1900 03000080 00000000 00000000 0123456789abcdef 10"
         "d400 0000 0200 0000 0001 deadbeef",
         " 80211", "d400 0000 0200 0000 0001", "", "l2-llc"},
	{"radiotap with time and rate, no flags", LINK_RADIOTAP,
         "00 00 1100 05000000 0123456789abcdef 30 d400 0000 0200 0000 0001 deadbeef", " 80211",
         "d400 0000 0200 0000 0001 deadbeef", "", "l2-llc"},
	{"radiotap, flags alone", LINK_RADIOTAP,
         "00 00 0900 02000000 10 d400 0000 0200 0000 0001 deadbeef", " 80211",
         "d400 0000 0200 0000 0001", "", "l2-llc"},
	{"radiotap, fields that are not there", LINK_RADIOTAP,
         "00 00 0800 030000ff d400 0000 0200 0000 0001", " 80211", "d400 0000 0200 0000 0001", "",
         "l2-llc"},
	{"radiotap, padded body", LINK_RADIOTAP,
         "00 00 0900 02000000 20"
         "8802 0000 020000000002 020000000001 020000000001 1000 0000 0000"
         "aaaa03 000000 0800" IPV4_SYN,
         SAYS_V4, "", "", "l2-llc"},
	{"radiotap, nothing to pad", LINK_RADIOTAP,
         "00 00 0900 02000000 20"
         "0802 0000 020000000002 020000000001 020000000001 1000"
         "aaaa03 000000 0800" IPV4_SYN,
         SAYS_V4, "", "", "l2-llc"},
	{"radiotap, all flags but padding and checksum", LINK_RADIOTAP,
         "00 00 0900 02000000 cf"
         "8802 0000 020000000002 020000000001 020000000001 1000 0000"
         "aaaa03 000000 0800" IPV4("0000", "06") SYN "61626364",
         V4_T " len 24/24" SAYS_SYN, "61626364", "", "l2-llc"},
	{"radiotap, later version", LINK_RADIOTAP, "01 00 0800 00000000 d400 0000 0200 0000 0001",
         " none", "", "bad", "l2-llc"},
	{"radiotap, shorter than itself", LINK_RADIOTAP, "00 00 0700 00000000 d400 0000 0200 0000",
         " none", "", "bad", "l2-llc"},
	{"radiotap, longer than the frame", LINK_RADIOTAP, "00 00 0900 00000000", " none", "",
         "cut", "l2-llc"},
	{"802.11 data, ipv4", LINK_80211,
         "0802 0000 020000000002 020000000001 020000000001 1000 aaaa03 000000 0800" IPV4_SYN,
         SAYS_V4, "", "", "l2-llc"},
	{"802.11 QoS data, ipv6", LINK_80211,
         "8801 0000 020000000002 020000000001 020000000001 1000 0700 aaaa03 000000 86dd" IPV6_SYN,
         SAYS_V6, "", "", "l2-llc"},
	{"802.11 QoS data with HT control, arp", LINK_80211,
         "8882 0000 020000000002 020000000001 020000000001 1000 0000 00000000"
         "aaaa03 000000 0806 0001 0800 06 04 0001",
         " arp", "0001 0800 06 04 0001", "", "l2-llc"},
	{"802.11 data, four addresses", LINK_80211,
         "0803 0000 020000000002 020000000001 020000000001 1000 020000000003"
         "aaaa03 000000 0800" IPV4_SYN,
         SAYS_V4, "", "", "l2-llc"},
	{"802.11 data, protected", LINK_80211,
         "0842 0000 020000000002 020000000001 020000000001 1000 aaaa", " 80211",
         "0842 0000 020000000002 020000000001 020000000001 1000 aaaa", "", "l2-llc"},
	{"802.11 null function", LINK_80211,
         "4801 0000 020000000002 020000000001 020000000001 1000", " 80211",
         "4801 0000 020000000002 020000000001 020000000001 1000", "", "l2-llc"},
	{"802.11 data, later fragment", LINK_80211,
         "0802 0000 020000000002 020000000001 020000000001 1100 aaaa03 000000 0800", " 80211",
         "0802 0000 020000000002 020000000001 020000000001 1100 aaaa03 000000 0800", "", "l2-llc"},
	{"802.11 data, several in one", LINK_80211,
         "8802 0000 020000000002 020000000001 020000000001 1000 8000 aaaa", " 80211",
         "8802 0000 020000000002 020000000001 020000000001 1000 8000 aaaa", "", "l2-llc"},
	{"802.11 data, header broken off", LINK_80211,
         "0802 0000 020000000002 020000000001 020000000001 10", " 80211",
         "0802 0000 020000000002 020000000001 020000000001 10", "cut", "l2-llc"},
	{"802.11, later version", LINK_80211, "0902 0000 020000000002", " none", "", "bad",
         "l2-llc"},
};

static const struct header_row header_rows[] = {
	{"radiotap and 802.11", LINK_RADIOTAP, "", "00 00 0800 00000000 d400 0000 0200 0000 0001",
         LAYER_NONE, LAYER_80211},
	{"802.11", LINK_80211, "", "d400 0000 0200 0000 0001", LAYER_NONE, LAYER_80211},
	{"802.11 data and ipv4", LINK_80211, "0801 0000 020000000002",
         "020000000001 020000000001 1000 aaaa03 000000 0800" IPV4("0028", "2f"), LAYER_80211,
         LAYER_IP},
};

static struct table table = {rows, COUNT(rows), header_rows, COUNT(header_rows)};

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW_TESTS(&table),
	};

	return cmocka_run_group_tests_name("decode_wifi", tests, NULL, NULL);
}
