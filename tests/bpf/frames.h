/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames of the tests as text: hex digits, one macro a header, blanks where they help the eye.
 * Length fields are arguments, since most tests are about them.
 */
#pragma once

#include <passer/bpf_abi.h>

#include <ctype.h>
#include <stdint.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#define FRAME_MAX 512

#define MACS      "020000000002 020000000001 "
#define ETH(type) MACS type " "

/* Tag type, value, and the type that follows is the next macro's: "8100 0005". */
#define TAG(value) value " "

#define IPV4_ADDRESSES "0a000001 0a000002 "
#define IPV4_WITH(ihl, total, fragment, proto) \
	"4" ihl "00" total "0001" fragment "40" proto "0000 " IPV4_ADDRESSES
#define IPV4(total, proto) IPV4_WITH("5", total, "4000", proto)

#define IPV6_ADDRESSES      "20010db8000000000000000000000001 20010db8000000000000000000000002 "
#define IPV6(payload, next) "60000000" payload next "40 " IPV6_ADDRESSES

#define TCP_WITH(offset, flags) "3039 0016 00000001 00000002 " offset "0" flags "ffff 0000 0000 "
#define TCP(flags)              TCP_WITH("5", flags)
#define UDP(sport, dport)       sport dport "000c 0000 61626364 " /* four bytes of payload */
#define UDP_OTHER               UDP("3039", "1389")

#define ICMP_ECHO  "0800 0000 0001 0001 "
#define ICMP6_ECHO "8000 0000 0001 0001 "

#define ARP_REQUEST "0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002 "

/* Eight bytes of padding options, RFC 8200 section 4.2; sixteen when `more` is "01". */
#define EXTENSION(next)        next "00 010400000000 "
#define LONG_EXTENSION(next)   next "01 010400000000 010600000000 0000 "
#define FRAGMENT(next, offset) next "00" offset "00000001 "

struct frame_row {
	const char *name;
	const char *hex;
	enum frame_class expected;
	bool is_deeper; /* the decoder walks farther than the filter: no comparison */
};

/* Rows without the prefix of the class. */
#define ROW(id, title, text)                                             \
	{                                                                \
		.name = title, .hex = text, .expected = FRAME_CLASS_##id \
	}

static const struct frame_row frame_rows[] = {
	ROW(ARP, "ARP", ETH("0806") ARP_REQUEST),
	ROW(ARP, "ARP in a tag", ETH("8100") TAG("0005 0806") ARP_REQUEST),

	ROW(ICMP, "ICMP", ETH("0800") IPV4("001c", "01") ICMP_ECHO),
	ROW(IP_OTHER, "ICMPv6 in IPv4", ETH("0800") IPV4("001c", "3a") ICMP6_ECHO),
	ROW(ICMP6, "ICMPv6", ETH("86dd") IPV6("0008", "3a") ICMP6_ECHO),
	ROW(IP_OTHER, "ICMP in IPv6", ETH("86dd") IPV6("0008", "01") ICMP_ECHO),

	/* Every combination of the four flags that count, and what others do not change. */
	ROW(TCP_ODD, "null", ETH("0800") IPV4("0028", "06") TCP("00")),
	ROW(TCP_ODD, "PSH URG", ETH("0800") IPV4("0028", "06") TCP("28")),
	ROW(TCP_FIN, "FIN", ETH("0800") IPV4("0028", "06") TCP("01")),
	ROW(TCP_FIN, "xmas", ETH("0800") IPV4("0028", "06") TCP("29")),
	ROW(TCP_FIN, "FIN ACK", ETH("0800") IPV4("0028", "06") TCP("11")),
	ROW(TCP_SYN, "SYN", ETH("0800") IPV4("0028", "06") TCP("02")),
	ROW(TCP_SYN, "SYN ECE CWR", ETH("0800") IPV4("0028", "06") TCP("c2")),
	ROW(TCP_SYNACK, "SYN ACK", ETH("0800") IPV4("0028", "06") TCP("12")),
	ROW(TCP_ODD, "SYN FIN", ETH("0800") IPV4("0028", "06") TCP("03")),
	ROW(TCP_ODD, "SYN FIN ACK", ETH("0800") IPV4("0028", "06") TCP("13")),
	ROW(TCP_RST, "RST", ETH("0800") IPV4("0028", "06") TCP("04")),
	ROW(TCP_RST, "RST ACK", ETH("0800") IPV4("0028", "06") TCP("14")),
	ROW(TCP_ODD, "RST FIN", ETH("0800") IPV4("0028", "06") TCP("05")),
	ROW(TCP_ODD, "RST SYN", ETH("0800") IPV4("0028", "06") TCP("06")),
	ROW(TCP_ODD, "all flags", ETH("0800") IPV4("0028", "06") TCP("ff")),
	ROW(TCP_ACK_EMPTY, "ACK", ETH("0800") IPV4("0028", "06") TCP("10")),
	ROW(TCP_ACK_EMPTY, "ACK PSH, no data", ETH("0800") IPV4("0028", "06") TCP("18")),
	ROW(TCP_ACK_EMPTY, "ACK, padded", ETH("0800") IPV4("0028", "06") TCP("10") "000000000000"),
	ROW(TCP_ACK_DATA, "ACK, data", ETH("0800") IPV4("002a", "06") TCP("10") "6162"),
	ROW(TCP_ACK_DATA, "ACK PSH, data", ETH("0800") IPV4("002a", "06") TCP("18") "6162"),
	ROW(TCP_ACK_DATA, "ACK, data that is not there", ETH("0800") IPV4("ffff", "06") TCP("10")),
	ROW(TCP_ACK_EMPTY, "ACK, options",
            ETH("0800") IPV4("0034", "06") TCP_WITH("8", "10") "0101080a 00000001 00000002"),
	ROW(TCP_ACK_DATA, "ACK, options, data",
            ETH("0800") IPV4("0036", "06") TCP_WITH("8", "10") "0101080a 00000001 00000002 6162"),
	ROW(TCP_ACK_EMPTY, "ACK, header longer than the packet",
            ETH("0800") IPV4("0028", "06") TCP_WITH("f", "10")),
	ROW(SHORT, "TCP header below 20 bytes",
            ETH("0800") IPV4("002a", "06") TCP_WITH("4", "10") "6162"),
	ROW(TCP_ACK_EMPTY, "total length 0, no data", ETH("0800") IPV4("0000", "06") TCP("10")),
	ROW(TCP_ACK_DATA, "total length 0, data", ETH("0800") IPV4("0000", "06") TCP("10") "61"),
	ROW(TCP_ACK_DATA, "total length within the header",
            ETH("0800") IPV4("0013", "06") TCP("10") "61"),
	ROW(TCP_ACK_EMPTY, "TCP behind the total length", ETH("0800") IPV4("0014", "06") TCP("10")),

	ROW(UDP_DNS, "from DNS", ETH("0800") IPV4("0020", "11") UDP("0035", "3039")),
	ROW(UDP_DNS, "to DNS", ETH("0800") IPV4("0020", "11") UDP("3039", "0035")),
	ROW(UDP_DNS, "mDNS", ETH("86dd") IPV6("000c", "11") UDP("14e9", "14e9")),
	ROW(UDP_DNS, "LLMNR", ETH("86dd") IPV6("000c", "11") UDP("3039", "14eb")),
	ROW(UDP_DNS, "DNS from a DHCP port", ETH("0800") IPV4("0020", "11") UDP("0044", "0035")),
	ROW(UDP_DHCP, "from a DHCP server", ETH("0800") IPV4("0020", "11") UDP("0043", "3039")),
	ROW(UDP_DHCP, "to a DHCP client", ETH("0800") IPV4("0020", "11") UDP("3039", "0044")),
	ROW(UDP_DHCP, "DHCPv6", ETH("86dd") IPV6("000c", "11") UDP("0222", "0223")),
	ROW(UDP, "UDP", ETH("0800") IPV4("0020", "11") UDP_OTHER),
	ROW(UDP, "UDP of two ports alone", ETH("0800") IPV4("0018", "11") "3039 1389"),

	ROW(IP_OTHER, "GRE", ETH("0800") IPV4("0018", "2f") "0000 0800"),
	ROW(IP_OTHER, "IP in IP", ETH("0800") IPV4("003c", "04") IPV4("0028", "06") TCP("02")),
	ROW(IP_OTHER, "AH",
            ETH("0800") IPV4("0034", "33") "06040000 00000001 00000001 000000000000"),
	ROW(IP_OTHER, "AH in IPv6",
            ETH("86dd") IPV6("0020", "33") "06010000 00000001 00000001" TCP("10")),
	ROW(IP_OTHER, "no next header", ETH("86dd") IPV6("0000", "3b")),
	ROW(IP_OTHER, "IPv4 without payload", ETH("0800") IPV4("0014", "ff")),

	ROW(FRAGMENT, "later fragment", ETH("0800") IPV4_WITH("5", "0028", "2001", "06") TCP("10")),
	ROW(FRAGMENT, "last fragment", ETH("0800") IPV4_WITH("5", "0028", "1fff", "11") TCP("10")),
	ROW(TCP_SYN, "first fragment", ETH("0800") IPV4_WITH("5", "0028", "2000", "06") TCP("02")),
	ROW(SHORT, "first fragment of 8 bytes",
            ETH("0800") IPV4_WITH("5", "001c", "2000", "06") "3039 0016 00000001"),
	ROW(UDP, "reserved bit", ETH("0800") IPV4_WITH("5", "0020", "8000", "11") UDP_OTHER),
	ROW(FRAGMENT, "IPv6 fragment",
            ETH("86dd") IPV6("0010", "2c") FRAGMENT("06", "0008") "6162636465666768"),
	ROW(FRAGMENT, "IPv6 last fragment behind options",
            ETH("86dd") IPV6("0018", "00") EXTENSION("2c")
                    FRAGMENT("06", "fff8") "6162636465666768"),
	ROW(TCP_SYN, "IPv6 first fragment",
            ETH("86dd") IPV6("001c", "2c") FRAGMENT("06", "0001") TCP("02")),
	ROW(TCP_SYN, "IPv6 atomic fragment",
            ETH("86dd") IPV6("001c", "2c") FRAGMENT("06", "0000") TCP("02")),
	ROW(UDP_DNS, "IPv6 fragment, reserved bits",
            ETH("86dd") IPV6("0014", "2c") FRAGMENT("11", "0006") UDP("0035", "3039")),

	ROW(TCP_ACK_EMPTY, "IPv4 options",
            ETH("0800") IPV4_WITH("6", "002c", "4000", "06") "94040000" TCP("10")),
	ROW(TCP_ACK_DATA, "IPv4 options, data",
            ETH("0800") IPV4_WITH("6", "002d", "4000", "06") "94040000" TCP("10") "61"),
	ROW(UDP_DNS, "IPv4, most options",
            ETH("0800") IPV4_WITH("f", "0048", "4000",
                                  "11") "0101010101010101 0101010101010101 0101010101010101 "
                                        "0101010101010101 0101010101010101" UDP("0035", "3039")),
	ROW(ICMP, "IPv4 options, ICMP",
            ETH("0800") IPV4_WITH("6", "0020", "4000", "01") "94040000" ICMP_ECHO),
	ROW(FRAGMENT, "IPv4 options, fragment",
            ETH("0800") IPV4_WITH("6", "0020", "0001", "01") "94040000" ICMP_ECHO),
	ROW(SHORT, "IPv4 header below 20 bytes",
            ETH("0800") IPV4_WITH("4", "0028", "4000", "06") TCP("10")),
	ROW(SHORT, "version 6 as IPv4", ETH("0800") IPV6("0014", "06") TCP("10")),
	ROW(SHORT, "version 4 as IPv6", ETH("86dd") IPV4("0028", "06") TCP("10") TCP("10")),

	ROW(TCP_ACK_EMPTY, "IPv6", ETH("86dd") IPV6("0014", "06") TCP("10")),
	ROW(TCP_ACK_DATA, "IPv6, data", ETH("86dd") IPV6("0016", "06") TCP("10") "6162"),
	ROW(TCP_ACK_DATA, "IPv6, payload length 0", ETH("86dd") IPV6("0000", "06") TCP("10") "61"),
	ROW(TCP_ACK_EMPTY, "IPv6, payload length 0, no data",
            ETH("86dd") IPV6("0000", "06") TCP("10")),
	ROW(TCP_ACK_DATA, "jumbogram",
            ETH("86dd") IPV6("0000", "00") "0600 c20400010000" TCP("10") "6162"),
	ROW(TCP_ACK_EMPTY, "hop-by-hop", ETH("86dd") IPV6("001c", "00") EXTENSION("06") TCP("10")),
	ROW(ICMP6, "hop-by-hop, MLD",
            ETH("86dd") IPV6("0010", "00") EXTENSION("3a") "8f000000 00000000"),
	ROW(TCP_ACK_DATA, "hop-by-hop, data",
            ETH("86dd") IPV6("001d", "00") EXTENSION("06") TCP("10") "61"),
	ROW(TCP_SYN, "routing", ETH("86dd") IPV6("001c", "2b") EXTENSION("06") TCP("02")),
	ROW(TCP_SYN, "destination options",
            ETH("86dd") IPV6("001c", "3c") EXTENSION("06") TCP("02")),
	ROW(IP_OTHER, "mobility", ETH("86dd") IPV6("0008", "87") EXTENSION("3b")),
	ROW(UDP_DNS, "16 bytes of options",
            ETH("86dd") IPV6("001c", "00") LONG_EXTENSION("11") UDP("0035", "3039")),
	ROW(UDP, "four kinds of extension header",
            ETH("86dd") IPV6("0034", "00") EXTENSION("2b") LONG_EXTENSION("3c")
                    FRAGMENT("3c", "0000") EXTENSION("11") UDP_OTHER),
	ROW(UDP, "six extension headers",
            ETH("86dd") IPV6("003c", "00") EXTENSION("3c") EXTENSION("3c") EXTENSION("3c")
                    EXTENSION("3c") EXTENSION("3c") EXTENSION("11") UDP_OTHER),
	{
		.name = "seven extension headers",
		.hex = ETH("86dd") IPV6("0044", "00") EXTENSION("3c") EXTENSION("3c")
			EXTENSION("3c") EXTENSION("3c") EXTENSION("3c") EXTENSION("3c")
				EXTENSION("11") UDP_OTHER,
		.expected = FRAME_CLASS_SHORT,
		.is_deeper = true,
	},
	ROW(SHORT, "extension header longer than the packet",
            ETH("86dd") IPV6("0010", "00") "06ff 010400000000"
                                           "0102030405060708"),
	ROW(SHORT, "extension header longer than the payload length",
            ETH("86dd") IPV6("0004", "00") EXTENSION("3a") ICMP6_ECHO),

	ROW(TCP_SYN, "one tag", ETH("8100") TAG("0005 0800") IPV4("0028", "06") TCP("02")),
	ROW(TCP_ACK_DATA, "priority tag",
            ETH("8100") TAG("e000 0800") IPV4("0029", "06") TCP("10") "61"),
	ROW(ICMP6, "802.1ad",
            ETH("88a8") TAG("0005 8100") TAG("0006 86dd") IPV6("0008", "3a") ICMP6_ECHO),
	ROW(UDP_DHCP, "old QinQ",
            ETH("9100") TAG("0005 8100") TAG("0006 0800") IPV4("0020", "11") UDP("0044", "0043")),
	ROW(TCP_ACK_EMPTY, "three tags",
            ETH("88a8") TAG("0005 8100") TAG("0006 8100") TAG("0007 0800") IPV4("0028", "06")
                    TCP("10")),
	ROW(L2_OTHER, "four tags",
            ETH("8100") TAG("0005 8100") TAG("0006 8100") TAG("0007 8100") TAG("0008 0800")
                    IPV4("0028", "06") TCP("10")),
	ROW(TCP_SYN, "a tag and extension headers",
            ETH("8100") TAG("0005 86dd") IPV6("0024", "00") EXTENSION("3c") EXTENSION("06")
                    TCP("02")),

	ROW(L2_OTHER, "LLDP", ETH("88cc") "0207 04020000000001"),
	ROW(L2_OTHER, "802.3 with LLC", ETH("0026") "424203 0000000000"),
	ROW(L2_OTHER, "802.3 with SNAP",
            ETH("0030") "aaaa03 000000 0800" IPV4("0028", "06") TCP("02")),
	ROW(L2_OTHER, "802.3 in a tag", ETH("8100") TAG("0005 0026") "424203 0000000000"),
	ROW(L2_OTHER, "PPPoE", ETH("8864") "1100 0001 002a 0021" IPV4("0028", "06") TCP("02")),
	ROW(L2_OTHER, "MPLS", ETH("8847") "00010140" IPV4("0028", "06") TCP("02")),
};

#define FRAME_ROWS (sizeof(frame_rows) / sizeof(frame_rows[0]))

/* Blanks are skipped. Returns the number of bytes. */
static inline size_t frame_parse(const char *hex, uint8_t out_bytes[static FRAME_MAX])
{
	size_t digits = 0;

	for (; *hex != '\0'; hex++) {
		if (*hex == ' ') {
			continue;
		}
		if (!isxdigit((unsigned char)*hex) || digits / 2 >= FRAME_MAX) {
			abort();
		}
		uint8_t value = (uint8_t)(*hex <= '9' ? *hex - '0' : (*hex | 0x20) - 'a' + 10);
		uint8_t *byte = &out_bytes[digits / 2];

		*byte = (uint8_t)(digits % 2 == 0 ? value << 4 : *byte | value);
		digits++;
	}
	if (digits % 2 != 0) {
		abort();
	}
	return digits / 2;
}
