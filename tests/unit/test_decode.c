/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames as annotated hex, and what decoding must say of them: one row each. The same rows are then
 * cut at every length and bent at every byte.
 */
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

static const struct row {
	const char *name;
	enum link_type link;
	const char *hex;
	const char *says;
	const char *payload; /* hex */
	const char *fault;   /* the one counter, or "" */
	const char *class;
} rows[] = {
	/* ---- Ethernet ---- */
	{"ethernet, ipv4, tcp", LINK_ETHERNET, ETHERNET "0800" IPV4("002b", "06") SYN "616263",
         "mac 0800" V4_T " len 23/23" SAYS_SYN, "616263", "", "tcp-syn"},
	{"broadcast", LINK_ETHERNET, BROADCAST "0800" IPV4_SYN, "mac broadcast 0800" SAYS_V4, "",
         "", "tcp-syn"},
	{"multicast", LINK_ETHERNET, MULTICAST "0800" IPV4_SYN, "mac multicast 0800" SAYS_V4, "",
         "", "tcp-syn"},
	{"type that nobody reads", LINK_ETHERNET, ETHERNET "88cc 0207 04", "mac 88cc none", "", "",
         "l2-other"},
	{"one tag", LINK_ETHERNET, ETHERNET "8100 0064 0800" IPV4_SYN,
         "mac 8100>0800 tags 1" SAYS_V4, "", "", "tcp-syn"},
	{"two tags, 802.1ad", LINK_ETHERNET, ETHERNET "88a8 0064 8100 0065 86dd" IPV6_SYN,
         "mac 88a8>86dd tags 2" SAYS_V6, "", "", "tcp-syn"},
	{"three tags, old type", LINK_ETHERNET,
         ETHERNET "9100 0001 88a8 0002 8100 0003 0806 0001 0800 06 04 0001",
         "mac 9100>0806 tags 3 arp", "0001 0800 06 04 0001", "", "arp"},
	{"four tags", LINK_ETHERNET,
         ETHERNET "8100 0001 8100 0002 8100 0003 8100 0004 0800" IPV4_SYN,
         "mac 8100>0800 tags 4" SAYS_V4, "", "", "tcp-syn"},
	{"tag broken off", LINK_ETHERNET, ETHERNET "8100 0064 08", "mac 8100 none", "", "cut",
         "short"},
	{"tag of 802.1ad broken off", LINK_ETHERNET, ETHERNET "88a8 0064", "mac 88a8 none", "",
         "cut", "short"},
	{"tag of the old type broken off", LINK_ETHERNET, ETHERNET "8100 0064 9100 0064 08",
         "mac 8100>9100 tags 1 none", "", "cut", "short"},
	{"fourth tag broken off", LINK_ETHERNET, ETHERNET "8100 0001 8100 0002 8100 0003 8100 0004",
         "mac 8100 tags 3 none", "", "cut", "short"},
	{"thirteen tags: sixteen headers", LINK_ETHERNET,
         ETHERNET "8100 0001 8100 0001 8100 0001 8100 0001 8100 0001 8100 0001 8100 0001"
                  "8100 0001 8100 0001 8100 0001 8100 0001 8100 0001 8100 0001 0800" IPV4_SYN,
         "mac 8100>0800 tags 13" SAYS_V4, "", "", "short"},
	{"fourteen tags: too deep", LINK_ETHERNET,
         ETHERNET "8100 0001 8100 0001 8100 0001 8100 0001 8100 0001 8100 0001 8100 0001"
                  "8100 0001 8100 0001 8100 0001 8100 0001 8100 0001 8100 0001 8100 0001"
                  "0800" IPV4_SYN,
         "mac 8100>0800 tags 14" V4_T " len 20/20 ip", SYN, "deep", "short"},

	/* ---- IEEE 802.3 ---- */
	{"spanning tree", LINK_ETHERNET, MULTICAST "0026 424203 0000000000",
         "mac multicast 0026 none", "", "", "l2-llc"},
	{"longest 802.3 length", LINK_ETHERNET, ETHERNET "05dc aaaa03 000000 0800" IPV4_SYN,
         "mac 05dc" SAYS_V4, "", "", "l2-llc"},
	{"802.3 length alone", LINK_ETHERNET, ETHERNET "0000", "mac none", "", "", "l2-llc"},
	{"neither length nor type", LINK_ETHERNET, ETHERNET "05dd aaaa03 000000 0800" IPV4_SYN,
         "mac 05dd none", "", "", "l2-llc"},
	{"SNAP with IPv4", LINK_ETHERNET, ETHERNET "0030 aaaa03 000000 0800" IPV4_SYN,
         "mac 0030" SAYS_V4, "", "", "l2-llc"},
	{"SNAP with a tag", LINK_ETHERNET, ETHERNET "0034 aaaa03 000000 8100 0001 0800" IPV4_SYN,
         "mac 0034" SAYS_V4, "", "", "l2-llc"},
	{"SNAP of a vendor", LINK_ETHERNET, ETHERNET "0030 aaaa03 00000c 0800" IPV4_SYN,
         "mac 0030 none", "", "", "l2-llc"},
	{"802.2 that is not SNAP", LINK_ETHERNET, ETHERNET "0030 aaaa00 000000 0800" IPV4_SYN,
         "mac 0030 none", "", "", "l2-llc"},
	{"SNAP with a length", LINK_ETHERNET,
         ETHERNET "0030 aaaa03 000000 0100 aaaa03 000000 0800" IPV4_SYN, "mac 0030 none", "", "",
         "l2-llc"},
	{"SNAP broken off", LINK_ETHERNET, ETHERNET "0030 aaaa03 000000 08", "mac 0030 none", "",
         "", "l2-llc"},

	/* ---- ARP ---- */
	{"arp", LINK_ETHERNET,
         BROADCAST "0806 0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002",
         "mac broadcast 0806 arp",
         "0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002", "", "arp"},
	{"arp broken off", LINK_ETHERNET, BROADCAST "0806 0001 0800 06 04 00",
         "mac broadcast 0806 none", "", "cut", "arp"},

	/* ---- PPPoE and MPLS ---- */
	{"pppoe with padding", LINK_ETHERNET, ETHERNET "8864 11 00 0001 002a 0021" IPV4_SYN "eeee",
         "mac 8864" SAYS_V4, "", "", "l2-llc"},
	{"pppoe, ipv6, length too long", LINK_ETHERNET,
         ETHERNET "8864 11 00 0001 ffff 0057" IPV6_SYN, "mac 8864" SAYS_V6, "", "", "l2-llc"},
	{"pppoe, link control", LINK_ETHERNET, ETHERNET "8864 11 00 0001 0006 c021 01010004",
         "mac 8864 none", "", "", "l2-llc"},
	{"pppoe that is no session", LINK_ETHERNET, ETHERNET "8864 11 a7 0001 0000",
         "mac 8864 none", "", "", "l2-llc"},
	{"pppoe of another version", LINK_ETHERNET, ETHERNET "8864 12 00 0001 002a 0021" IPV4_SYN,
         "mac 8864 none", "", "bad", "l2-llc"},
	{"pppoe length ends in the IP header", LINK_ETHERNET,
         ETHERNET "8864 11 00 0001 0010 0021" IPV4_SYN, "mac 8864 none", "", "bad", "l2-llc"},
	{"pppoe with Cisco's HDLC inside", LINK_ETHERNET,
         ETHERNET "8864 11 00 0001 002c 0f00 0800" IPV4_SYN, "mac 8864" SAYS_V4, "", "", "l2-llc"},
	{"mpls, ipv4", LINK_ETHERNET, ETHERNET "8847 00010 1 40" IPV4_SYN, "mac 8847" SAYS_V4, "",
         "", "tcp-syn"},
	{"mpls, two labels, ipv6", LINK_ETHERNET, ETHERNET "8848 00010 0 ff 00011 1 40" IPV6_SYN,
         "mac 8848" SAYS_V6, "", "", "tcp-syn"},
	{"mpls, pseudo-wire", LINK_ETHERNET,
         ETHERNET "8847 00010 1 40 00000000" BROADCAST "8100 0007 0800" IPV4_SYN,
         "mac broadcast 8847" SAYS_V4, "", "", "tcp-syn"},
	{"mpls, something else", LINK_ETHERNET, ETHERNET "8847 00010 1 40 10000000",
         "mac 8847 none", "", "", "l2-other"},
	{"mpls, nothing below", LINK_ETHERNET, ETHERNET "8847 00010 1 40", "mac 8847 none", "",
         "cut", "short"},
	{"mpls, second label broken off", LINK_ETHERNET, ETHERNET "8847 00010 0 40 0001",
         "mac 8847 none", "", "cut", "short"},
	{"mpls, labels without end", LINK_ETHERNET,
         ETHERNET "8847 00000040 00000040 00000040 00000040 00000040 00000040 00000040 00000040"
                  "00000040 00000040 00000040 00000040 00000040 00000040 00000040 00000040",
         "mac 8847 none", "", "deep", "short"},

	/* ---- cooked, null, loop, PPP, raw ---- */
	{"cooked, to us", LINK_SLL, "0000 0001 0006 020000000001 0000 0800" IPV4_SYN,
         "0800" SAYS_V4, "", "", "tcp-syn"},
	{"cooked, broadcast, ipv6", LINK_SLL, "0001 0001 0006 020000000001 0000 86dd" IPV6_SYN,
         "broadcast 86dd" SAYS_V6, "", "", "tcp-syn"},
	{"cooked, multicast, arp", LINK_SLL,
         "0002 0001 0006 020000000001 0000 0806 0001 0800 06 04 0002", "multicast 0806 arp",
         "0001 0800 06 04 0002", "", "arp"},
	{"cooked, to others, tag", LINK_SLL,
         "0003 0001 0006 020000000001 0000 8100 0007 0800" IPV4_SYN, "8100>0800 tags 1" SAYS_V4, "",
         "", "tcp-syn"},
	{"cooked, mpls", LINK_SLL, "0000 0001 0006 020000000001 0000 8847 00010 1 40" IPV4_SYN,
         "8847" SAYS_V4, "", "", "tcp-syn"},
	{"cooked, 802.2", LINK_SLL, "0000 0001 0006 020000000001 0000 0004 424203", "0004 none", "",
         "", "l2-llc"},
	{"cooked v2, from us", LINK_SLL2,
         "0800 0000 00000002 0001 04 06 020000000001 0000" IPV4_SYN, "0800" SAYS_V4, "", "",
         "tcp-syn"},
	{"cooked v2, pppoe", LINK_SLL2,
         "8864 0000 00000002 0001 00 06 020000000001 0000 11 00 0001 002a 0021" IPV4_SYN,
         "8864" SAYS_V4, "", "", "l2-llc"},
	{"cooked v2, broadcast", LINK_SLL2,
         "86dd 0000 00000002 0001 01 06 020000000001 0000" IPV6_SYN, "broadcast 86dd" SAYS_V6, "",
         "", "tcp-syn"},
	{"cooked v2, multicast, 802.3", LINK_SLL2,
         "0001 0000 00000002 0001 02 06 020000000001 0000 45", "multicast 0001 none", "", "",
         "l2-llc"},
	{"null, little endian", LINK_NULL, "02000000" IPV4_SYN, SAYS_V4, "", "", "tcp-syn"},
	{"null, big endian", LINK_NULL, "00000002" IPV4_SYN, SAYS_V4, "", "", "tcp-syn"},
	{"null, ipv6 of Linux", LINK_NULL, "0a000000" IPV6_SYN, SAYS_V6, "", "", "tcp-syn"},
	{"null, ipv6 of NetBSD", LINK_NULL, "00000018" IPV6_SYN, SAYS_V6, "", "", "tcp-syn"},
	{"null, ipv6 of FreeBSD", LINK_NULL, "1c000000" IPV6_SYN, SAYS_V6, "", "", "tcp-syn"},
	{"null, ipv6 of macOS", LINK_NULL, "1e000000" IPV6_SYN, SAYS_V6, "", "", "tcp-syn"},
	{"null, another family", LINK_NULL, "07000000" IPV4_SYN, " none", "", "", "l2-other"},
	{"null, no family", LINK_NULL, "00020000" IPV4_SYN, " none", "", "", "l2-other"},
	{"loop", LINK_LOOP, "00000002" IPV4_SYN, SAYS_V4, "", "", "tcp-syn"},
	{"loop, ipv6", LINK_LOOP, "00000018" IPV6_SYN, SAYS_V6, "", "", "tcp-syn"},
	{"loop, wrong order", LINK_LOOP, "02000000" IPV4_SYN, " none", "", "", "l2-other"},
	{"ppp in HDLC", LINK_PPP, "ff03 0021" IPV4_SYN, SAYS_V4, "", "", "tcp-syn"},
	{"ppp, bare", LINK_PPP, "0057" IPV6_SYN, SAYS_V6, "", "", "tcp-syn"},
	{"ppp, short protocol", LINK_PPP, "21" IPV4_SYN, SAYS_V4, "", "", "tcp-syn"},
	{"ppp in HDLC, short protocol", LINK_PPP, "ff03 57" IPV6_SYN, SAYS_V6, "", "", "tcp-syn"},
	{"ppp, mpls", LINK_PPP, "0281 00010 1 40" IPV4_SYN, SAYS_V4, "", "", "tcp-syn"},
	{"ppp, mpls, pseudo-wire", LINK_PPP, "0283 00010 1 40 00000000" BROADCAST "0800" IPV4_SYN,
         "mac broadcast" SAYS_V4, "", "", "tcp-syn"},
	{"ppp, link control", LINK_PPP, "ff03 c021 0101", " none", "", "", "l2-other"},
	{"ppp, Cisco", LINK_PPP, "0f00 0800" IPV4_SYN, "0800" SAYS_V4, "", "", "tcp-syn"},
	{"ppp, Cisco, multicast", LINK_PPP, "8f00 86dd" IPV6_SYN, "86dd" SAYS_V6, "", "",
         "tcp-syn"},
	{"ppp, Cisco, keep-alive", LINK_PPP, "8f00 8035 00000002", "8035 none", "", "", "l2-other"},
	{"ppp under a pppoe header", LINK_PPP, "11 00 0001 002a 0021" IPV4_SYN, SAYS_V4, "", "",
         "l2-llc"},
	{"raw ipv4", LINK_RAW_IP, IPV4_SYN, SAYS_V4, "", "", "tcp-syn"},
	{"raw ipv6", LINK_RAW_IP, IPV6_SYN, SAYS_V6, "", "", "tcp-syn"},
	{"raw, no IP", LINK_RAW_IP, "02000000 4500", " none", "", "bad", "short"},
	{"raw, nothing", LINK_RAW_IP, "", " none", "", "cut", "short"},
	{"unknown link", LINK_UNKNOWN, IPV4_SYN, " none", "", "unknown", "l2-other"},

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

	/* ---- IPv4 ---- */
	{"ipv4, another version", LINK_ETHERNET,
         ETHERNET "0800 65 00 0028 0001 4000 40 06 0000"
                  "0a000001 0a000002" SYN,
         "mac 0800 none", "", "bad", "short"},
	{"ipv4, header of four words", LINK_ETHERNET,
         ETHERNET "0800 44 00 0028 0001 4000 40 06 0000"
                  "0a000001 0a000002" SYN,
         "mac 0800 none", "", "bad", "short"},
	{"ipv4, options", LINK_ETHERNET,
         ETHERNET "0800 46 00 002c 0001 4000 40 06 0000"
                  "0a000001 0a000002 94040000" SYN,
         "mac 0800" SAYS_V4, "", "", "tcp-syn"},
	{"ipv4, options broken off", LINK_ETHERNET,
         ETHERNET "0800 46 00 002c 0001 4000 40 06 0000"
                  "0a000001 0a000002 940400",
         "mac 0800" V4_T " len 0/20 ip", "", "cut", "short"},
	{"ipv4, padding", LINK_ETHERNET, ETHERNET "0800" IPV4_SYN "0000 0000 0000",
         "mac 0800" SAYS_V4, "", "", "tcp-syn"},
	{"ipv4, length 0", LINK_ETHERNET, ETHERNET "0800" IPV4("0000", "06") SYN "6162",
         "mac 0800" V4_T " len 22/22" SAYS_SYN, "6162", "", "tcp-syn"},
	{"ipv4, length below the header", LINK_ETHERNET, ETHERNET "0800" IPV4("0013", "06") SYN,
         "mac 0800" SAYS_V4, "", "", "tcp-syn"},
	{"ipv4, length of the header alone", LINK_ETHERNET, ETHERNET "0800" IPV4("0014", "06") SYN,
         "mac 0800" V4_T " len 0/0 ip", "", "bad", "tcp-syn"},
	{"ipv4, length beyond the frame", LINK_ETHERNET,
         ETHERNET "0800" IPV4("05dc", "06") SYN "61", "mac 0800" V4_T " len 21/1480" SAYS_SYN, "61",
         "", "tcp-syn"},
	{"ipv4, first fragment", LINK_ETHERNET,
         ETHERNET "0800 45 00 0028 0001 2000 40 06 0000"
                  "0a000001 0a000002" SYN,
         "mac 0800" V4_T " frag 0 len 20/20" SAYS_SYN, "", "", "tcp-syn"},
	{"ipv4, middle fragment", LINK_ETHERNET,
         ETHERNET "0800 45 00 0018 0001 20b9 40 11 0000"
                  "0a000001 0a000002 61626364",
         "mac 0800" V4_U " frag 1480 len 4/4 ip", "61626364", "", "fragment"},
	{"ipv4, last fragment", LINK_ETHERNET,
         ETHERNET "0800 45 00 0015 0001 1fff 40 06 0000"
                  "0a000001 0a000002 61",
         "mac 0800" V4_T " frag 65528 len 1/1 ip", "61", "", "fragment"},
	{"ipv4, gre", LINK_ETHERNET, ETHERNET "0800" IPV4("0018", "2f") "0000 0800",
         "mac 0800" V4 " proto 47 len 4/4 ip", "0000 0800", "", "short"},
	{"ipv4, icmpv6 is nothing there", LINK_ETHERNET,
         ETHERNET "0800" IPV4("001c", "3a") "8000 0000 00000000",
         "mac 0800" V4 " proto 58 len 8/8 ip", "8000 0000 00000000", "", "ip-other"},
	{"ipv4, no hop-by-hop options there", LINK_ETHERNET,
         ETHERNET "0800" IPV4("001c", "00") "0600 0000 00000000",
         "mac 0800" V4 " proto 0 len 8/8 ip", "0600 0000 00000000", "", "ip-other"},

	/* ---- IPv6 ---- */
	{"ipv6, another version", LINK_ETHERNET, ETHERNET "86dd" IPV4_SYN "00", "mac 86dd none", "",
         "bad", "short"},
	{"ipv6, padding", LINK_ETHERNET, ETHERNET "86dd" IPV6_SYN "0000", "mac 86dd" SAYS_V6, "",
         "", "tcp-syn"},
	{"ipv6, length 0", LINK_ETHERNET, ETHERNET "86dd" IPV6("0000", "06") SYN "6162",
         "mac 86dd" V6 " proto 6 len 22/22" SAYS_SYN, "6162", "", "tcp-syn"},
	{"ipv6, nothing follows", LINK_ETHERNET, ETHERNET "86dd" IPV6("0000", "3b"),
         "mac 86dd" V6 " proto 59 len 0/0 ip", "", "", "ip-other"},
	{"ipv6, icmp is nothing there", LINK_ETHERNET,
         ETHERNET "86dd" IPV6("0008", "01") "0800 0000 00000000",
         "mac 86dd" V6 " proto 1 len 8/8 ip", "0800 0000 00000000", "", "ip-other"},
	{"ipv6, hop-by-hop, icmp6", LINK_ETHERNET,
         ETHERNET "86dd" IPV6("000c", "00") "3a00 05020000 0100 8f00 0000",
         "mac 86dd" V6 " proto 58 ext 1 len 4/4 icmp6", "8f00 0000", "", "icmp6-other"},
	{"ipv6, four kinds of extension", LINK_ETHERNET,
         ETHERNET
         "86dd" IPV6("0044", "00") "2b00 010400000000"                   /* hop-by-hop */
                                   "3c01 0400 00000000 0000000000000000" /* routing, 16 bytes */
                                   "8700 010400000000"                   /* destination options */
                                   "2c00 000000000000"                   /* mobility */
                                   "0600 0000 00000001" SYN,             /* atomic fragment */
         "mac 86dd" V6 " proto 6 ext 5 len 20/20" SAYS_SYN, "", "", "tcp-syn"},
	{"ipv6, authentication header ends it", LINK_ETHERNET,
         ETHERNET "86dd" IPV6("0008", "33") "0604 0000 00000001",
         "mac 86dd" V6 " proto 51 len 8/8 ip", "0604 0000 00000001", "", "ip-other"},
	{"ipv6, first fragment", LINK_ETHERNET,
         ETHERNET "86dd" IPV6("001c", "2c") "0600 0001 00000001" SYN,
         "mac 86dd" V6 " proto 6 ext 1 frag 0 len 20/20" SAYS_SYN, "", "", "tcp-syn"},
	{"ipv6, last fragment", LINK_ETHERNET,
         ETHERNET "86dd" IPV6("000a", "2c") "3c00 05a8 00000001 6162",
         "mac 86dd" V6 " proto 60 ext 1 frag 1448 len 2/2 ip", "6162", "", "fragment"},
	{"ipv6, extension broken off", LINK_ETHERNET,
         ETHERNET "86dd" IPV6("0024", "00") "0601 010c 00000000",
         "mac 86dd" V6 " proto 0 len 8/36 ip", "0601 010c 00000000", "cut", "short"},
	{"ipv6, extension longer than the packet", LINK_ETHERNET,
         ETHERNET "86dd" IPV6("0008", "00") "0601 010c 00000000 0000000000000000" SYN,
         "mac 86dd" V6 " proto 0 len 8/8 ip", "0601 010c 00000000", "bad", "short"},
	{"ipv6, six extensions", LINK_ETHERNET,
         ETHERNET
         "86dd" IPV6("0044",
                     "00") "3c00 010400000000 3c00 010400000000 3c00 010400000000 3c00 010400000000"
                           "3c00 010400000000 0600 010400000000" SYN,
         "mac 86dd" V6 " proto 6 ext 6 len 20/20" SAYS_SYN, "", "", "tcp-syn"},
	{"ipv6, seven: read on, but not by the filter", LINK_ETHERNET,
         ETHERNET
         "86dd" IPV6("004c",
                     "00") "3c00 010400000000 3c00 010400000000 3c00 010400000000 3c00 010400000000"
                           "3c00 010400000000 3c00 010400000000 0600 010400000000" SYN,
         "mac 86dd" V6 " proto 6 ext 7 len 20/20" SAYS_SYN, "", "", "short"},
	{"ipv6, fourteen: too deep", LINK_ETHERNET,
         ETHERNET
         "86dd" IPV6("0078",
                     "00") "3c00 010400000000 3c00 010400000000 3c00 010400000000 3c00 010400000000"
                           "3c00 010400000000 3c00 010400000000 3c00 010400000000 3c00 010400000000"
                           "3c00 010400000000 3c00 010400000000 3c00 010400000000 3c00 010400000000"
                           "3c00 010400000000 3c00 010400000000 0600 010400000000",
         "mac 86dd" V6 " proto 60 ext 14 len 8/8 ip", "0600 010400000000", "deep", "short"},

	/* ---- TCP ---- */
	{"tcp, options and data", LINK_ETHERNET,
         ETHERNET "0800" IPV4("0031", "06") TCP("7", "18") "020405b4 01010402 61",
         "mac 0800" V4_T " len 29/29 tcp 4660>80 flags 18 seq 1 ack 2 win 8192 opt 8", "61", "",
         "tcp-ack-data"},
	{"tcp, header of four words", LINK_ETHERNET,
         ETHERNET "0800" IPV4("0028", "06") TCP("4", "02"), "mac 0800" V4_T " len 20/20 ip",
         TCP("4", "02"), "bad", "short"},
	{"tcp, options broken off", LINK_ETHERNET,
         ETHERNET "0800" IPV4("0030", "06") TCP("7", "02") "020405b4 0101",
         "mac 0800" V4_T " len 26/28 tcp 4660>80 flags 02 seq 1 ack 2 win 8192 opt 6", "", "cut",
         "tcp-syn"},
	{"tcp, options beyond the packet", LINK_ETHERNET,
         ETHERNET "0800" IPV4("002c", "06") TCP("7", "02") "020405b4 01010402",
         "mac 0800" V4_T " len 24/24 tcp 4660>80 flags 02 seq 1 ack 2 win 8192 opt 4", "", "bad",
         "tcp-syn"},
	{"tcp, padding is no payload", LINK_ETHERNET,
         ETHERNET "0800" IPV4("0028", "06") TCP("5", "10") "0000 0000 0000",
         "mac 0800" V4_T " len 20/20 tcp 4660>80 flags 10 seq 1 ack 2 win 8192 opt 0", "", "",
         "tcp-ack-empty"},

	/* ---- UDP ---- */
	{"udp", LINK_ETHERNET, ETHERNET "0800" IPV4("001e", "11") UDP("000a") "6162",
         "mac 0800" V4_U " len 10/10 udp 4660>53", "6162", "", "udp-dns"},
	{"udp, no payload", LINK_ETHERNET, ETHERNET "0800" IPV4("001c", "11") UDP("0008"),
         "mac 0800" V4_U " len 8/8 udp 4660>53", "", "", "udp-dns"},
	{"udp, length below the IP length", LINK_ETHERNET,
         ETHERNET "0800" IPV4("001e", "11") UDP("0009") "6162",
         "mac 0800" V4_U " len 10/10 udp 4660>53", "61", "", "udp-dns"},
	{"udp, length beyond", LINK_ETHERNET, ETHERNET "0800" IPV4("001e", "11") UDP("0100") "6162",
         "mac 0800" V4_U " len 10/10 udp 4660>53", "6162", "", "udp-dns"},
	{"udp, length 0", LINK_ETHERNET, ETHERNET "0800" IPV4("001e", "11") UDP("0000") "6162",
         "mac 0800" V4_U " len 10/10 udp 4660>53", "6162", "", "udp-dns"},
	{"udp, length of the header alone", LINK_ETHERNET,
         ETHERNET "0800" IPV4("001e", "11") UDP("0008") "6162",
         "mac 0800" V4_U " len 10/10 udp 4660>53", "", "", "udp-dns"},
	{"udp, length 1", LINK_ETHERNET, ETHERNET "0800" IPV4("001e", "11") UDP("0001") "6162",
         "mac 0800" V4_U " len 10/10 udp 4660>53", "6162", "bad", "udp-dns"},
	{"udp, length 7", LINK_ETHERNET, ETHERNET "0800" IPV4("001e", "11") UDP("0007") "6162",
         "mac 0800" V4_U " len 10/10 udp 4660>53", "6162", "bad", "udp-dns"},
	{"udp, header broken off", LINK_ETHERNET,
         ETHERNET "0800" IPV4("001c", "11") "1234 0035 0008 00", "mac 0800" V4_U " len 7/8 ip",
         "1234 0035 0008 00", "cut", "udp-dns"},
	{"udp, ports alone", LINK_ETHERNET, ETHERNET "0800" IPV4("001c", "11") "1234 0035",
         "mac 0800" V4_U " len 4/8 ip", "1234 0035", "cut", "udp-dns"},
	{"udp, not even ports", LINK_ETHERNET, ETHERNET "0800" IPV4("001c", "11") "1234 00",
         "mac 0800" V4_U " len 3/8 ip", "1234 00", "cut", "short"},

	/* ---- ICMP ---- */
	{"icmp", LINK_ETHERNET, ETHERNET "0800" IPV4("001e", "01") "0800 0000 00010002 6162",
         "mac 0800" V4 " proto 1 len 10/10 icmp", "0800 0000 00010002 6162", "", "icmp-other"},
	{"icmp, broken off", LINK_ETHERNET, ETHERNET "0800" IPV4("001c", "01") "0800 0000 000100",
         "mac 0800" V4 " proto 1 len 7/8 ip", "0800 0000 000100", "cut", "icmp-other"},
	{"icmp6", LINK_ETHERNET, ETHERNET "86dd" IPV6("0004", "3a") "8700 0000",
         "mac 86dd" V6 " proto 58 len 4/4 icmp6", "8700 0000", "", "icmp6-nd"},
	{"icmp6, broken off", LINK_ETHERNET, ETHERNET "86dd" IPV6("0004", "3a") "8700 00",
         "mac 86dd" V6 " proto 58 len 3/4 ip", "8700 00", "cut", "icmp6-nd"},
};

/* ---- helpers ---- */

static unsigned nibble(char c)
{
	return (unsigned)(isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10);
}

/* Hex digits with blanks anywhere. */
static size_t unhex(const char *hex, uint8_t out_bytes[static FRAME_MAX])
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

static void say(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct text *t, const char *format, ...)
{
	char words[128];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	text_add(t, words);
}

static void say_link(const struct pkt *p, struct text *t)
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

static void say_ip(const struct pkt *p, struct text *t)
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

static void say_upper(const struct pkt *p, struct text *t)
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

static const char *fault_name(const struct decode_counters *c)
{
	const uint64_t all = c->unknown_link + c->cut + c->bad + c->too_deep;

	assert_true(all <= 1);
	if (all == 0) {
		return "";
	}
	return c->cut != 0 ? "cut" : c->bad != 0 ? "bad" : c->too_deep != 0 ? "deep" : "unknown";
}

static void assert_span_is(struct span s, const char *hex)
{
	uint8_t bytes[FRAME_MAX];
	size_t len = unhex(hex, bytes);

	assert_int_equal(s.len, len);
	assert_memory_equal(s.data != NULL ? s.data : bytes, bytes, len);
}

static void assert_span_within(struct span s, struct span outer)
{
	if (s.len > 0) {
		assert_true(s.data >= outer.data && s.data + s.len <= outer.data + outer.len);
	}
}

/*
 * Decodes the first `len` bytes of a frame, in memory that ends with them, so that a sanitizer sees
 * one byte too many. What must hold of every frame is asserted here.
 */
static enum layer decode_prefix(const uint8_t *bytes, size_t len, size_t wire, enum link_type link)
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

/* ---- tests ---- */

static void rows_decode_as_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t bytes[FRAME_MAX];
		struct decode_counters counters = {0};
		struct frame frame = {.bytes = {bytes, unhex(rows[i].hex, bytes)},
		                      .link = rows[i].link};
		char says[256];
		struct text t;
		struct pkt pkt;

		print_message("# %s\n", rows[i].name);
		frame.wire_bytes = (uint32_t)frame.bytes.len;
		memset(&pkt, 0xa5, sizeof(pkt));
		pkt_decode(&pkt, &frame, &counters);
		text_init(&t, says, sizeof(says));
		say_link(&pkt, &t);
		say_ip(&pkt, &t);
		say_upper(&pkt, &t);
		assert_string_equal(says, rows[i].says);
		assert_span_is(pkt.payload, rows[i].payload);
		assert_string_equal(fault_name(&counters), rows[i].fault);
		assert_string_equal(frame_class_name(pkt_class(&pkt)), rows[i].class);
	}
}

static int rank(enum layer layer)
{
	static const int ranks[LAYER_COUNT] = {
		[LAYER_NONE] = 0, [LAYER_80211] = 1, [LAYER_IP] = 2,   [LAYER_ARP] = 3,
		[LAYER_TCP] = 3,  [LAYER_UDP] = 3,   [LAYER_ICMP] = 3, [LAYER_ICMP6] = 3,
	};

	return ranks[layer];
}

/* With more bytes of the same frame decoding never comes less far. */
static void rows_cut_at_every_length(void **state)
{
	unsigned long frames = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t bytes[FRAME_MAX];
		size_t len = unhex(rows[i].hex, bytes);
		int best = 0;

		for (size_t cut = 0; cut <= len; cut++) {
			int reached = rank(decode_prefix(bytes, cut, len, rows[i].link));

			assert_true(reached >= best);
			best = reached;
			/* The same bytes as a frame that was not longer, or longer still. */
			decode_prefix(bytes, cut, cut, rows[i].link);
			decode_prefix(bytes, cut, len + WIRE_MORE, rows[i].link);
			decode_prefix(bytes, cut, 0, rows[i].link);
			frames += 4;
		}
	}
	print_message("# %lu frames\n", frames);
}

static void rows_bent_at_every_byte(void **state)
{
	static const uint8_t values[] = {0x00, 0x01, 0x0f, 0x3c, 0x7f, 0x80, 0xf0, 0xff};
	unsigned long frames = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t bytes[FRAME_MAX];
		size_t len = unhex(rows[i].hex, bytes);

		for (size_t at = 0; at < len; at++) {
			const uint8_t was = bytes[at];

			for (size_t v = 0; v < COUNT(values); v++) {
				bytes[at] = values[v];
				decode_prefix(bytes, len, len, rows[i].link);
				decode_prefix(bytes, len / 2, len, rows[i].link);
				frames += 2;
			}
			bytes[at] = was;
		}
	}
	print_message("# %lu frames\n", frames);
}

/* Every row's frame as if it came from every other link. */
static void rows_under_wrong_links(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t bytes[FRAME_MAX];
		size_t len = unhex(rows[i].hex, bytes);

		for (int link = 0; link <= LINK_TYPE_COUNT; link++) {
			decode_prefix(bytes, len, len, (enum link_type)link);
		}
	}
}

/*
 * The last header of each frame: nothing of it, all but one byte, all of it, and a byte more. Its
 * layer is reached with the third.
 */
static const struct header_row {
	const char *name;
	enum link_type link;
	const char *before; /* hex of the headers before */
	const char *header;
	enum layer without, with;
} header_rows[] = {
	{"arp", LINK_ETHERNET, ETHERNET "0806", "0001 0800 06 04 0001", LAYER_NONE, LAYER_ARP},
	{"ethernet and arp", LINK_ETHERNET, "", ETHERNET "0806 0001 0800 06 04 0001", LAYER_NONE,
         LAYER_ARP},
	{"tag and arp", LINK_ETHERNET, ETHERNET "8100", "0001 0806 0001 0800 06 04 0001",
         LAYER_NONE, LAYER_ARP},
	{"snap and ipv4", LINK_ETHERNET, ETHERNET "0030", "aaaa03 000000 0800" IPV4("0028", "2f"),
         LAYER_NONE, LAYER_IP},
	{"cooked and ipv4", LINK_SLL, "",
         "0000 0001 0006 020000000001 0000 0800" IPV4("0028", "2f"), LAYER_NONE, LAYER_IP},
	{"cooked v2 and ipv4", LINK_SLL2, "",
         "0800 0000 00000002 0001 04 06 020000000001 0000" IPV4("0028", "2f"), LAYER_NONE,
         LAYER_IP},
	{"null and ipv4", LINK_NULL, "", "02000000" IPV4("0028", "2f"), LAYER_NONE, LAYER_IP},
	{"loop and ipv4", LINK_LOOP, "", "00000002" IPV4("0028", "2f"), LAYER_NONE, LAYER_IP},
	{"ppp and ipv4", LINK_PPP, "", "ff03 0021" IPV4("0028", "2f"), LAYER_NONE, LAYER_IP},
	{"pppoe and ipv4", LINK_ETHERNET, ETHERNET "8864",
         "11 00 0001 ffff 0021" IPV4("0028", "2f"), LAYER_NONE, LAYER_IP},
	{"mpls and ipv4", LINK_ETHERNET, ETHERNET "8847", "00010 1 40" IPV4("0028", "2f"),
         LAYER_NONE, LAYER_IP},
	{"pseudo-wire and ipv4", LINK_ETHERNET, ETHERNET "8847 00010 1 40",
         "00000000" ETHERNET "0800" IPV4("0028", "2f"), LAYER_NONE, LAYER_IP},
	{"ipv4", LINK_RAW_IP, "", IPV4("0028", "2f"), LAYER_NONE, LAYER_IP},
	{"ipv6", LINK_RAW_IP, "", IPV6("0028", "2f"), LAYER_NONE, LAYER_IP},
	{"radiotap and 802.11", LINK_RADIOTAP, "", "00 00 0800 00000000 d400 0000 0200 0000 0001",
         LAYER_NONE, LAYER_80211},
	{"802.11", LINK_80211, "", "d400 0000 0200 0000 0001", LAYER_NONE, LAYER_80211},
	{"802.11 data and ipv4", LINK_80211, "0801 0000 020000000002",
         "020000000001 020000000001 1000 aaaa03 000000 0800" IPV4("0028", "2f"), LAYER_80211,
         LAYER_IP},
	{"tcp over ipv4", LINK_RAW_IP, IPV4("0050", "06"), SYN, LAYER_IP, LAYER_TCP},
	{"tcp over ipv6", LINK_RAW_IP, IPV6("0050", "06"), SYN, LAYER_IP, LAYER_TCP},
	{"udp over ipv4", LINK_RAW_IP, IPV4("0050", "11"), UDP("0010"), LAYER_IP, LAYER_UDP},
	{"icmp", LINK_RAW_IP, IPV4("0050", "01"), "0800 0000 00010002", LAYER_IP, LAYER_ICMP},
	{"icmp6", LINK_RAW_IP, IPV6("0050", "3a"), "8000 0000", LAYER_IP, LAYER_ICMP6},
	{"extension and icmp6", LINK_RAW_IP, IPV6("0050", "00"), "3a00 010400000000 8000 0000",
         LAYER_IP, LAYER_ICMP6},
	{"fragment header and udp", LINK_RAW_IP, IPV6("0050", "2c"),
         "1100 0001 00000001" UDP("0010"), LAYER_IP, LAYER_UDP},
};

static void headers_are_read_when_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(header_rows); i++) {
		const struct header_row *row = &header_rows[i];
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

static void macs_are_those_of_the_frame(void **state)
{
	static const struct mac smac = {{2, 0, 0, 0, 0, 1}};
	uint8_t bytes[FRAME_MAX];
	struct decode_counters counters = {0};
	struct frame frame = {.link = LINK_ETHERNET};
	struct pkt pkt;

	(void)state;
	frame.bytes = span_of(bytes, unhex(BROADCAST "88cc", bytes));
	pkt_decode(&pkt, &frame, &counters);
	assert_true(pkt.has_mac);
	assert_memory_equal(&pkt.smac, &smac, sizeof(smac));
	assert_true(mac_is_broadcast(&pkt.dmac));
}

/* The kernel takes the outermost tag out of the frame; what it was stays visible. */
static void stripped_tag_is_the_outer_type(void **state)
{
	uint8_t bytes[FRAME_MAX];
	struct decode_counters counters = {0};
	struct frame frame = {.link = LINK_ETHERNET, .has_vlan = true, .vlan_tci = 100};
	struct pkt pkt;

	(void)state;
	frame.bytes = span_of(bytes, unhex(ETHERNET "0800" IPV4_SYN, bytes));
	frame.wire_bytes = (uint32_t)frame.bytes.len;
	pkt_decode(&pkt, &frame, &counters);
	assert_int_equal(pkt.outer_ethertype, 0x8100);
	assert_int_equal(pkt.ethertype, 0x0800);
	assert_int_equal(pkt.tags, 0);
	assert_int_equal(pkt.layer, LAYER_TCP);
	assert_int_equal(pkt_class(&pkt), FRAME_CLASS_TCP_SYN);
}

/* A frame cut by the snap length is as long as it was on the wire: by the IP header, or without. */
static void cut_frame_keeps_its_length(void **state)
{
	static const struct {
		const char *hex;
		uint32_t ip_payload_wire;
	} frames[] = {
		{ETHERNET "0800" IPV4("05dc", "06") TCP("5", "10"), 1480},
		{ETHERNET "0800" IPV4("0028", "06") TCP("5", "10"), 20},
		{ETHERNET "0800" IPV4("0000", "06") TCP("5", "10"), 20 + WIRE_MORE},
		{ETHERNET "86dd" IPV6("05a0", "06") TCP("5", "10"), 1440},
		{ETHERNET "86dd" IPV6("0000", "3c") "0600 010400000000" TCP("5", "10"),
	         20 + WIRE_MORE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(frames); i++) {
		uint8_t bytes[FRAME_MAX];
		struct decode_counters counters = {0};
		struct frame frame = {.link = LINK_ETHERNET};
		struct pkt pkt;

		frame.bytes = span_of(bytes, unhex(frames[i].hex, bytes));
		frame.wire_bytes = (uint32_t)frame.bytes.len + WIRE_MORE;
		pkt_decode(&pkt, &frame, &counters);
		assert_int_equal(pkt.ip_payload_wire, frames[i].ip_payload_wire);
		assert_int_equal(pkt_class(&pkt), frames[i].ip_payload_wire > 20
		                                          ? FRAME_CLASS_TCP_ACK_DATA
		                                          : FRAME_CLASS_TCP_ACK_EMPTY);
	}
}

/* What tells operating systems apart. */
static void rare_fields_are_kept(void **state)
{
	static const struct {
		const char *hex;
		uint8_t ecn, flags;
		uint16_t id;
		uint32_t flow, header_bytes;
		uint8_t reserved;
		uint16_t urgent;
		uint8_t tcp_bytes;
	} frames[] = {
		{ETHERNET "0800 46 ff 0030 1234 c000 40 06 0000 0a000001 0a000002 01010101"
	                  "1234 0050 00000001 00000000 6f 02 2000 0000 00ff 020405b4",
	         3, IPV4_RESERVED | IPV4_DONT_FRAGMENT, 0x1234, 0, 24, 15, 255, 24},
		{ETHERNET "0800 45 fc 0028 0000 2000 40 06 0000 0a000001 0a000002" SYN, 0,
	         IPV4_MORE_FRAGMENTS, 0, 0, 20, 0, 0, 20},
		{ETHERNET "86dd 6fed cba9 0014 06 40 20010db8 00000000 00000000 00000001"
	                  "20010db8 00000000 00000000 00000002" SYN,
	         2, 0, 0, 0xdcba9, 40, 0, 0, 20},
		{ETHERNET "86dd" IPV6("0034", "00") "2c01 010c 00000000 0000000000000000"
	                                            "0600 0000 00000001 0000",
	         0, 0, 0, 0, 64, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(frames); i++) {
		uint8_t bytes[FRAME_MAX];
		struct decode_counters counters = {0};
		struct frame frame = {.link = LINK_ETHERNET};
		struct pkt pkt;

		frame.bytes = span_of(bytes, unhex(frames[i].hex, bytes));
		frame.wire_bytes = (uint32_t)frame.bytes.len;
		pkt_decode(&pkt, &frame, &counters);
		assert_int_equal(pkt.ip_ecn, frames[i].ecn);
		assert_int_equal(pkt.ipv4_flags, frames[i].flags);
		assert_int_equal(pkt.ipv4_id, frames[i].id);
		assert_int_equal(pkt.ipv6_flow, frames[i].flow);
		assert_int_equal(pkt.ip_header_bytes, frames[i].header_bytes);
		assert_int_equal(pkt.tcp_reserved, frames[i].reserved);
		assert_int_equal(pkt.tcp_urgent, frames[i].urgent);
		assert_int_equal(pkt.tcp_header_bytes, frames[i].tcp_bytes);
	}
}

static void counters_are_added_to(void **state)
{
	static const struct frame unknown = {.link = LINK_UNKNOWN};
	static const struct frame beyond = {.link = LINK_TYPE_COUNT};
	static const struct frame empty = {.link = LINK_ETHERNET};
	struct decode_counters counters = {.unknown_link = 7, .cut = 9};
	struct pkt pkt;

	(void)state;
	pkt_decode(&pkt, &unknown, &counters);
	pkt_decode(&pkt, &beyond, &counters);
	pkt_decode(&pkt, &empty, &counters);
	assert_int_equal(counters.unknown_link, 9);
	assert_int_equal(counters.cut, 10);
	assert_int_equal(counters.bad + counters.too_deep, 0);
}

/* ---- classes ---- */

static enum frame_class class_of(const char *hex)
{
	uint8_t bytes[FRAME_MAX];
	struct decode_counters counters = {0};
	struct frame frame = {.link = LINK_ETHERNET};
	struct pkt pkt;

	frame.bytes = span_of(bytes, unhex(hex, bytes));
	frame.wire_bytes = (uint32_t)frame.bytes.len;
	pkt_decode(&pkt, &frame, &counters);
	return pkt_class(&pkt);
}

/* All 256 flags, by the words of bpf_abi.h. */
static void classes_of_tcp_flags(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags <= 255; flags++) {
		char hex[256];
		enum frame_class expected = FRAME_CLASS_TCP_ODD;

		snprintf(hex, sizeof(hex),
		         ETHERNET "0800" IPV4("0029", "06") "1234 0050 00000001 00000002 "
		                                            "50 %02x 2000 0000 0000 61",
		         flags);
		if ((flags & 0x17) == 0x02) {
			expected = FRAME_CLASS_TCP_SYN;
		} else if ((flags & 0x17) == 0x12) {
			expected = FRAME_CLASS_TCP_SYNACK;
		} else if ((flags & 0x07) == 0x01) {
			expected = FRAME_CLASS_TCP_FIN;
		} else if ((flags & 0x07) == 0x04) {
			expected = FRAME_CLASS_TCP_RST;
		} else if ((flags & 0x17) == 0x10) {
			expected = FRAME_CLASS_TCP_ACK_DATA;
		}
		assert_int_equal(class_of(hex), expected);
	}
}

static void classes_of_udp_ports(void **state)
{
	static const struct {
		unsigned port;
		enum frame_class frame_class;
	} ports[] = {
		{52, FRAME_CLASS_UDP_CONTROL},   {53, FRAME_CLASS_UDP_DNS},
		{54, FRAME_CLASS_UDP_CONTROL},   {66, FRAME_CLASS_UDP_CONTROL},
		{67, FRAME_CLASS_UDP_DHCP},      {68, FRAME_CLASS_UDP_DHCP},
		{69, FRAME_CLASS_UDP_CONTROL},   {80, FRAME_CLASS_UDP},
		{443, FRAME_CLASS_UDP},          {545, FRAME_CLASS_UDP_CONTROL},
		{546, FRAME_CLASS_UDP_DHCP},     {547, FRAME_CLASS_UDP_DHCP},
		{548, FRAME_CLASS_UDP_CONTROL},  {1023, FRAME_CLASS_UDP_CONTROL},
		{1024, FRAME_CLASS_UDP},         {1900, FRAME_CLASS_UDP_CONTROL},
		{5060, FRAME_CLASS_UDP_CONTROL}, {5352, FRAME_CLASS_UDP},
		{5353, FRAME_CLASS_UDP_DNS},     {5354, FRAME_CLASS_UDP},
		{5355, FRAME_CLASS_UDP_DNS},     {5356, FRAME_CLASS_UDP},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ports); i++) {
		char hex[256];

		snprintf(hex, sizeof(hex), ETHERNET "86dd" IPV6("0008", "11") "%04x 8000 0008 0000",
		         ports[i].port);
		assert_int_equal(class_of(hex), ports[i].frame_class);
		snprintf(hex, sizeof(hex), ETHERNET "86dd" IPV6("0008", "11") "8000 %04x 0008 0000",
		         ports[i].port);
		assert_int_equal(class_of(hex), ports[i].frame_class);
	}
	/* DNS goes first where both ports have a class. */
	assert_int_equal(class_of(ETHERNET "0800" IPV4("001c", "11") "0043 0035 0008 0000"),
	                 FRAME_CLASS_UDP_DNS);
}

static void class_names_are_unique(void **state)
{
	(void)state;
	assert_string_equal(frame_class_name(FRAME_CLASS_TCP_SYNACK), "tcp-synack");
	assert_string_equal(frame_class_name(FRAME_CLASS_COUNT), "");
	for (int i = 0; i < FRAME_CLASS_COUNT; i++) {
		assert_true(frame_class_name((enum frame_class)i)[0] != '\0');
		for (int k = 0; k < i; k++) {
			assert_string_not_equal(frame_class_name((enum frame_class)i),
			                        frame_class_name((enum frame_class)k));
		}
	}
}

/* ---- quoted packets ---- */

static const struct quote_row {
	const char *name;
	const char *hex;
	const char *says; /* NULL: no IP header */
} quote_rows[] = {
	{"nothing", "", NULL},
	{"no IP", "00000000 00000000 00000000 00000000 00000000", NULL},
	{"ipv4 header broken off", "45 00 0028 0001 4000 40 06 0000 0a000001 0a0000", NULL},
	{"ipv4 header alone", IPV4("0028", "06"), V4_T " len 0/20 ip"},
	{"tcp, three bytes", IPV4("0028", "06") "1234 00", V4_T " len 3/20 ip"},
	{"tcp, ports", IPV4("0028", "06") "1234 0050",
         V4_T " len 4/20 tcp 4660>80 flags 00 seq 0 ack 0 win 0 opt 0"},
	{"tcp, eight bytes", IPV4("0028", "06") "1234 0050 00000001",
         V4_T " len 8/20 tcp 4660>80 flags 00 seq 0 ack 0 win 0 opt 0"},
	{"tcp, whole", IPV4("0028", "06") SYN,
         V4_T " len 20/20 tcp 4660>80 flags 00 seq 0 ack 0 win 0 opt 0"},
	{"udp, seven bytes", IPV4("0050", "11") "1234 0035 003c 00", V4_U " len 7/60 ip"},
	{"udp, header", IPV4("0050", "11") UDP("003c"), V4_U " len 8/60 udp 4660>53"},
	{"udp, header and more", IPV4("0050", "11") UDP("003c") "6162",
         V4_U " len 10/60 udp 4660>53"},
	{"udp, later fragment", "45 00 0050 0001 00b9 40 11 0000 0a000001 0a000002" UDP("003c"),
         V4_U " frag 1480 len 8/60 ip"},
	{"icmp", IPV4("0054", "01") "0800 0000 00010002", V4 " proto 1 len 8/64 icmp"},
	{"icmp, seven bytes", IPV4("0054", "01") "0800 0000 000100", V4 " proto 1 len 7/64 ip"},
	{"options", "46 00 0054 0001 4000 40 11 0000 0a000001 0a000002 94040000" UDP("0040"),
         V4_U " len 8/60 udp 4660>53"},
	{"gre", IPV4("0054", "2f") "0000 0800 00000000", V4 " proto 47 len 8/64 ip"},
	{"ipv6, udp", IPV6("0050", "11") UDP("0050"), V6 " proto 17 len 8/80 udp 4660>53"},
	{"ipv6, icmp6", IPV6("0050", "3a") "8000 0000", V6 " proto 58 len 4/80 icmp6"},
	{"ipv6, extensions, tcp",
         IPV6("0050", "00") "2c00 010400000000 0600 0001 00000001 1234 0050 00000001",
         V6 " proto 6 ext 2 frag 0 len 8/64 tcp 4660>80 flags 00 seq 0 ack 0 win 0 opt 0"},
	{"ipv6, extension broken off", IPV6("0050", "00") "1100 0104", V6 " proto 0 len 4/80 ip"},
};

static void quotes_decode_as_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(quote_rows); i++) {
		uint8_t bytes[FRAME_MAX];
		size_t len = unhex(quote_rows[i].hex, bytes);
		uint8_t *copy = malloc(len + (len == 0));
		char says[256];
		struct text t;
		struct pkt pkt;

		print_message("# %s\n", quote_rows[i].name);
		assert_non_null(copy);
		memcpy(copy, bytes, len);
		memset(&pkt, 0xa5, sizeof(pkt));
		assert_int_equal(pkt_decode_quoted(&pkt, span_of(copy, len)),
		                 quote_rows[i].says != NULL);
		text_init(&t, says, sizeof(says));
		say_ip(&pkt, &t);
		say_upper(&pkt, &t);
		assert_string_equal(says,
		                    quote_rows[i].says != NULL ? quote_rows[i].says : " none");
		assert_null(pkt.frame);
		assert_false(pkt.has_mac);
		assert_span_within(pkt.payload, span_of(copy, len));
		free(copy);
	}
}

/* ---- cast ---- */

static void cast_is_told_by_address_then_link(void **state)
{
	static const struct {
		const char *dst;
		enum cast link_cast, cast;
	} casts[] = {
		{"10.0.0.2", CAST_NONE, CAST_NONE},
		{"10.0.0.255", CAST_BROADCAST, CAST_BROADCAST},
		{"10.0.0.2", CAST_MULTICAST, CAST_MULTICAST},
		{"255.255.255.255", CAST_NONE, CAST_BROADCAST},
		{"255.255.255.255", CAST_MULTICAST, CAST_BROADCAST},
		{"255.255.255.254", CAST_NONE, CAST_NONE},
		{"224.0.0.251", CAST_NONE, CAST_MULTICAST},
		{"239.255.255.250", CAST_BROADCAST, CAST_MULTICAST},
		{"2001:db8::2", CAST_NONE, CAST_NONE},
		{"ff02::1", CAST_NONE, CAST_MULTICAST},
		{"ffff:ffff::", CAST_BROADCAST, CAST_MULTICAST},
	};
	struct pkt pkt = {.link_cast = CAST_BROADCAST};

	(void)state;
	assert_int_equal(pkt_cast(&pkt), CAST_BROADCAST); /* no IP at all */
	for (size_t i = 0; i < COUNT(casts); i++) {
		pkt.link_cast = casts[i].link_cast;
		assert_true(addr_parse(casts[i].dst, &pkt.dst));
		assert_int_equal(pkt_cast(&pkt), casts[i].cast);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_decode_as_they_say),
		cmocka_unit_test(rows_cut_at_every_length),
		cmocka_unit_test(rows_bent_at_every_byte),
		cmocka_unit_test(rows_under_wrong_links),
		cmocka_unit_test(headers_are_read_when_complete),
		cmocka_unit_test(macs_are_those_of_the_frame),
		cmocka_unit_test(stripped_tag_is_the_outer_type),
		cmocka_unit_test(cut_frame_keeps_its_length),
		cmocka_unit_test(rare_fields_are_kept),
		cmocka_unit_test(counters_are_added_to),
		cmocka_unit_test(classes_of_tcp_flags),
		cmocka_unit_test(classes_of_udp_ports),
		cmocka_unit_test(class_names_are_unique),
		cmocka_unit_test(quotes_decode_as_they_say),
		cmocka_unit_test(cast_is_told_by_address_then_link),
	};

	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
