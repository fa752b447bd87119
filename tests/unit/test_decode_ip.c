/* SPDX-License-Identifier: GPL-3.0-or-later */
/* IPv4 and IPv6, their fragments and extensions. */
#include "decode_support.h"

static const struct row rows[] = {
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
};

static const struct header_row header_rows[] = {
	{"ipv4", LINK_RAW_IP, "", IPV4("0028", "2f"), LAYER_NONE, LAYER_IP},
	{"ipv6", LINK_RAW_IP, "", IPV6("0028", "2f"), LAYER_NONE, LAYER_IP},
	{"extension and icmp6", LINK_RAW_IP, IPV6("0050", "00"), "3a00 010400000000 8000 0000",
         LAYER_IP, LAYER_ICMP6},
	{"fragment header and udp", LINK_RAW_IP, IPV6("0050", "2c"),
         "1100 0001 00000001" UDP("0010"), LAYER_IP, LAYER_UDP},
};

static struct table table = {rows, COUNT(rows), header_rows, COUNT(header_rows)};

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW_TESTS(&table),
		cmocka_unit_test(cut_frame_keeps_its_length),
		cmocka_unit_test(rare_fields_are_kept),
	};

	return cmocka_run_group_tests_name("decode_ip", tests, NULL, NULL);
}
