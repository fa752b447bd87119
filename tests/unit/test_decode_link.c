/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Link layers, tags and labels, as far as the network layer. */
#include "decode_support.h"

static const struct row rows[] = {
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
};

static const struct header_row header_rows[] = {
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
};

static struct table table = {rows, COUNT(rows), header_rows, COUNT(header_rows)};

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW_TESTS(&table),
		cmocka_unit_test(macs_are_those_of_the_frame),
		cmocka_unit_test(stripped_tag_is_the_outer_type),
	};

	return cmocka_run_group_tests_name("decode_link", tests, NULL, NULL);
}
