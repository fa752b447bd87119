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
#include <string.h>

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

#define ICMP(type)  type "00 0000 0001 0001 "
#define ICMP6(type) type "00 0000 0001 0001 "
#define ICMP_ECHO   ICMP("08")
#define ICMP6_ECHO  ICMP6("80")

#define ARP_REQUEST "0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002 "

/* Eight bytes of padding options, RFC 8200 section 4.2; sixteen when `more` is "01". */
#define EXTENSION(next)        next "00 010400000000 "
#define LONG_EXTENSION(next)   next "01 010400000000 010600000000 0000 "
#define FRAGMENT(next, offset) next "00" offset "00000001 "

struct frame_row {
	const char *name;
	const char *hex;
	enum frame_class expected;
	bool is_misnamed; /* as the other version of IP, which it is without an ethertype */
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
	ROW(SHORT, "ICMP without a type", ETH("0800") IPV4("0014", "01")),
	ROW(ICMP, "echo reply", ETH("0800") IPV4("001c", "01") ICMP("00")),
	ROW(ICMP, "type 2", ETH("0800") IPV4("001c", "01") ICMP("02")),
	ROW(ICMP_ERROR, "unreachable", ETH("0800") IPV4("001c", "01") ICMP("03")),
	ROW(ICMP_ERROR, "quench", ETH("0800") IPV4("001c", "01") ICMP("04")),
	ROW(ICMP_ERROR, "redirect", ETH("0800") IPV4("001c", "01") ICMP("05")),
	ROW(ICMP, "type 6", ETH("0800") IPV4("001c", "01") ICMP("06")),
	ROW(ICMP, "router solicitation", ETH("0800") IPV4("001c", "01") ICMP("0a")),
	ROW(ICMP_ERROR, "time exceeded", ETH("0800") IPV4("001c", "01") ICMP("0b")),
	ROW(ICMP_ERROR, "parameter problem", ETH("0800") IPV4("001c", "01") ICMP("0c")),
	ROW(ICMP, "time stamp", ETH("0800") IPV4("001c", "01") ICMP("0d")),
	ROW(ICMP, "type 35", ETH("0800") IPV4("001c", "01") ICMP("23")),
	ROW(ICMP6, "type 0", ETH("86dd") IPV6("0008", "3a") ICMP6("00")),
	ROW(ICMP6_ERROR, "IPv6 unreachable", ETH("86dd") IPV6("0008", "3a") ICMP6("01")),
	ROW(ICMP6_ERROR, "IPv6 parameter problem", ETH("86dd") IPV6("0008", "3a") ICMP6("04")),
	ROW(ICMP6, "type 5", ETH("86dd") IPV6("0008", "3a") ICMP6("05")),
	ROW(ICMP6, "MLD done", ETH("86dd") IPV6("0008", "3a") ICMP6("84")),
	ROW(ICMP6_ND, "IPv6 router solicitation", ETH("86dd") IPV6("0008", "3a") ICMP6("85")),
	ROW(ICMP6_ND, "IPv6 redirect", ETH("86dd") IPV6("0008", "3a") ICMP6("89")),
	ROW(ICMP6, "type 138", ETH("86dd") IPV6("0008", "3a") ICMP6("8a")),

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

	ROW(TCP_ACK_DNS, "TCP from DNS",
            ETH("0800") IPV4("002a", "06") "0035 3039 00000001 00000002 50 18 ffff 0000 0000 6162"),
	ROW(TCP_ACK_DNS, "TCP to DNS",
            ETH("86dd") IPV6("0016", "06") "3039 0035 00000001 00000002 50 10 ffff 0000 0000 6162"),
	ROW(TCP_ACK_EMPTY, "TCP to DNS, no data",
            ETH("0800") IPV4("0028", "06") "3039 0035 00000001 00000002 50 10 ffff 0000 0000"),
	ROW(TCP_SYN, "TCP to DNS, SYN",
            ETH("0800") IPV4("0028", "06") "3039 0035 00000001 00000002 50 02 ffff 0000 0000"),

	ROW(UDP_DNS, "from DNS", ETH("0800") IPV4("0020", "11") UDP("0035", "3039")),
	ROW(UDP_DNS, "to DNS", ETH("0800") IPV4("0020", "11") UDP("3039", "0035")),
	ROW(UDP_DNS, "mDNS", ETH("86dd") IPV6("000c", "11") UDP("14e9", "14e9")),
	ROW(UDP_DNS, "LLMNR", ETH("86dd") IPV6("000c", "11") UDP("3039", "14eb")),
	ROW(UDP_DNS, "DNS from a DHCP port", ETH("0800") IPV4("0020", "11") UDP("0044", "0035")),
	ROW(UDP_DHCP, "from a DHCP server", ETH("0800") IPV4("0020", "11") UDP("0043", "3039")),
	ROW(UDP_DHCP, "to a DHCP client", ETH("0800") IPV4("0020", "11") UDP("3039", "0044")),
	ROW(UDP_DHCP, "DHCPv6", ETH("86dd") IPV6("000c", "11") UDP("0222", "0223")),
	ROW(UDP, "UDP", ETH("0800") IPV4("0020", "11") UDP_OTHER),
	ROW(UDP_DHCP, "DHCP, not control", ETH("0800") IPV4("0020", "11") UDP("0043", "007b")),
	ROW(UDP_CONTROL, "NTP", ETH("0800") IPV4("0020", "11") UDP("3039", "007b")),
	ROW(UDP_CONTROL, "from a system port", ETH("0800") IPV4("0020", "11") UDP("03ff", "3039")),
	ROW(UDP, "from the first port behind", ETH("0800") IPV4("0020", "11") UDP("0400", "3039")),
	ROW(UDP_CONTROL, "SSDP", ETH("0800") IPV4("0020", "11") UDP("3039", "076c")),
	ROW(UDP_CONTROL, "SIP", ETH("86dd") IPV6("000c", "11") UDP("13c4", "13c5")),
	ROW(UDP_CONTROL, "port 0", ETH("86dd") IPV6("000c", "11") UDP("0000", "3039")),
	ROW(UDP, "QUIC", ETH("86dd") IPV6("000c", "11") UDP("01bb", "3039")),
	ROW(UDP, "QUIC on port 80", ETH("0800") IPV4("0020", "11") UDP("3039", "0050")),
	ROW(UDP, "QUIC to the port of VXLAN",
            ETH("0800") IPV4("0040", "11") "01bb 12b5 002c 0000 0800000000000100" ETH("0800")),
	ROW(UDP_DNS, "DNS to the port of L2TP", ETH("0800") IPV4("0020", "11") UDP("0035", "06a5")),
	ROW(UDP, "from the port of L2TP", ETH("0800") IPV4("0020", "11") UDP("06a5", "3039")),
	ROW(TUNNEL, "L2TP", ETH("0800") IPV4("0020", "11") UDP("06a5", "06a5")),
	ROW(UDP, "no VXLAN", ETH("0800") IPV4("0020", "11") UDP("3039", "12b5")),
	ROW(UDP, "VXLAN without network",
            ETH("0800") IPV4("0040", "11") "3039 12b5 002c 0000 f700000000000100" ETH("0800")),
	ROW(UDP, "Geneve of another version",
            ETH("0800") IPV4("0040", "11") "3039 17c1 002c 0000 4000655800000100" ETH("0800")),
	ROW(TUNNEL, "Geneve with something else",
            ETH("0800") IPV4("0040", "11") "3039 17c1 002c 0000 0000880b00000100" ETH("0800")),
	ROW(UDP, "UDP of two ports alone", ETH("0800") IPV4("0018", "11") "3039 1389"),

	ROW(TUNNEL, "PPTP", ETH("0800") IPV4("0020", "2f") "3001 880b 0000 0001 00000000"),
	ROW(TUNNEL, "GRE with routing", ETH("0800") IPV4("0020", "2f") "4000 0800 00000000"),
	ROW(TUNNEL, "GRE, keep-alive", ETH("0800") IPV4("0018", "2f") "0000 0000"),
	ROW(TUNNEL, "GRE with NHRP", ETH("86dd") IPV6("0008", "2f") "2000 2001 00000001"),
	ROW(SHORT, "GRE, broken off", ETH("0800") IPV4("0017", "2f") "000008"),
	ROW(IP_OTHER, "L2TP over IP", ETH("0800") IPV4("0018", "73") "00000001"),
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
	{.name = "version 6 as IPv4",
         .hex = ETH("0800") IPV6("0014", "06") TCP("10"),
         .expected = FRAME_CLASS_SHORT,
         .is_misnamed = true},
	{.name = "version 4 as IPv6",
         .hex = ETH("86dd") IPV4("0028", "06") TCP("10") TCP("10"),
         .expected = FRAME_CLASS_SHORT,
         .is_misnamed = true},

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
	ROW(SHORT, "seven extension headers",
            ETH("86dd") IPV6("0044", "00") EXTENSION("3c") EXTENSION("3c") EXTENSION("3c")
                    EXTENSION("3c") EXTENSION("3c") EXTENSION("3c") EXTENSION("11") UDP_OTHER),
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
	ROW(TCP_SYN, "six tags",
            ETH("8100") TAG("0005 8100") TAG("0006 8100") TAG("0007 8100") TAG("0008 8100")
                    TAG("0009 8100") TAG("000a 0800") IPV4("0028", "06") TCP("02")),
	ROW(SHORT, "nine tags",
            ETH("8100") TAG("0005 8100") TAG("0006 8100") TAG("0007 8100") TAG("0008 8100")
                    TAG("0009 8100") TAG("000a 8100") TAG("000b 8100") TAG("000c 8100")
                            TAG("000d 0800") IPV4("0028", "06") TCP("02")),
	ROW(TCP_SYN, "a tag and extension headers",
            ETH("8100") TAG("0005 86dd") IPV6("0024", "00") EXTENSION("3c") EXTENSION("06")
                    TCP("02")),

	ROW(L2_OTHER, "LLDP", ETH("88cc") "0207 04020000000001"),
	ROW(L2_OTHER, "PPPoE discovery", ETH("8863") "1109 0000 0004 0101 0000"),
	ROW(LLC, "802.3 with LLC", ETH("0026") "424203 0000000000"),
	ROW(LLC, "802.3 with SNAP", ETH("0030") "aaaa03 000000 0800" IPV4("0028", "06") TCP("02")),
	ROW(LLC, "neither length nor type", ETH("05dd") "424203 0000000000"),
	ROW(LLC, "802.3 in a tag", ETH("8100") TAG("0005 0026") "424203 0000000000"),
	ROW(LLC, "PPPoE", ETH("8864") "1100 0001 002a 0021" IPV4("0028", "06") TCP("02")),

	ROW(TCP_SYN, "MPLS", ETH("8847") "00010140" IPV4("0028", "06") TCP("02")),
	ROW(ICMP6, "MPLS, three labels",
            ETH("8848") "00010040 00020040 00030140" IPV6("0008", "3a") ICMP6_ECHO),
	ROW(TCP_ACK_DATA, "MPLS in a tag",
            ETH("8100") TAG("0005 8847") "00010140" IPV4("0029", "06") TCP("10") "61"),
	ROW(ARP, "pseudo-wire", ETH("8847") "00010140 00000000" ETH("0806") ARP_REQUEST),
	ROW(UDP_DNS, "pseudo-wire with a tag",
            ETH("8847") "00010040 00020140 00000007" ETH("8100") TAG("0005 86dd") IPV6("000c", "11")
                    UDP("0035", "3039")),
	ROW(L2_OTHER, "MPLS, something else", ETH("8847") "00010140 10000000"),
	ROW(SHORT, "MPLS, nothing below", ETH("8847") "00010140"),
	ROW(SHORT, "MPLS, second label broken off", ETH("8847") "00010040 0001"),
	ROW(SHORT, "nine labels",
            ETH("8847") "00010040 00010040 00010040 00010040 00010040 00010040 00010040 00010040 "
                        "00010140" IPV4("0028", "06") TCP("02")),
	ROW(SHORT, "MPLS, IPv4 broken off", ETH("8847") "00010140 4500"),
};

#define FRAME_ROWS (sizeof(frame_rows) / sizeof(frame_rows[0]))

/* What a wrapping has room for. */
enum wrap_kind { WRAP_ETHERNET, WRAP_IPV4, WRAP_IPV6 };

/* Headers to be put before the frame of a row, or before the IP packet in it. */
struct wrap_row {
	const char *name;
	const char *hex;
	enum wrap_kind kind;
	bool is_tunnel; /* and not only a part of the link header */
};

/* Lengths are not those of the frame: the class does not depend on them. */
#define OUTER4(proto) ETH("0800") IPV4("05dc", proto)
#define OUTER6(proto) ETH("86dd") IPV6("05b4", proto)
#define ERSPAN        "1005 0000 00000000 "

static const struct wrap_row wrap_rows[] = {
	{"MPLS", ETH("8847") "00010140", WRAP_IPV4, false},
	{"MPLS, two labels", ETH("8847") "00010040 00010140", WRAP_IPV6, false},
	{"pseudo-wire", ETH("8847") "00010140 00000000", WRAP_ETHERNET, false},
	{"tag, MPLS", ETH("8100") "0005 8847 00010140", WRAP_IPV4, false},

	{"IP in IP", OUTER4("04"), WRAP_IPV4, true},
	{"IPv6 in IPv4", OUTER4("29"), WRAP_IPV6, true},
	{"IPv4 in IPv6", OUTER6("04"), WRAP_IPV4, true},
	{"IPv6 in IPv6, options", ETH("86dd") IPV6("05b4", "3c") EXTENSION("29"), WRAP_IPV6, true},
	{"IP in IP, first fragment", ETH("0800") IPV4_WITH("5", "05dc", "2000", "04"), WRAP_IPV4,
         true},
	{"GRE, IPv4", OUTER4("2f") "0000 0800", WRAP_IPV4, true},
	{"GRE, IPv6", OUTER4("2f") "0000 86dd", WRAP_IPV6, true},
	{"GRE, key", OUTER4("2f") "2000 6558 00000007", WRAP_ETHERNET, true},
	{"GRE with all, over IPv6", OUTER6("2f") "b000 6558 00000000 00000007 00000001",
         WRAP_ETHERNET, true},
	{"GRE, MPLS", OUTER4("2f") "0000 8847 00010140", WRAP_IPV4, true},
	{"ERSPAN I", OUTER4("2f") "0000 88be", WRAP_ETHERNET, true},
	{"ERSPAN II", OUTER4("2f") "1000 88be 00000001" ERSPAN, WRAP_ETHERNET, true},
	{"ERSPAN III", OUTER4("2f") "1000 22eb 00000001 2005 0000 00000000 0000 0000",
         WRAP_ETHERNET, true},
	{"ERSPAN III, longer",
         OUTER4("2f") "1000 22eb 00000001 2005 0000 00000000 0000 0001 " ERSPAN, WRAP_ETHERNET,
         true},
	{"VXLAN", OUTER4("11") "c039 12b5 05c8 0000 08000000 00000700", WRAP_ETHERNET, true},
	{"VXLAN of Linux, over IPv6", OUTER6("11") "c039 2118 05b4 0000 08000000 00000700",
         WRAP_ETHERNET, true},
	{"VXLAN, IPv4 options",
         ETH("0800") IPV4_WITH("6", "05dc", "4000", "11") "94040000 c039 12b5 05c4 0000 08000000"
                                                          "00000700",
         WRAP_ETHERNET, true},
	{"Geneve", OUTER4("11") "c039 17c1 05c8 0000 00006558 00000700", WRAP_ETHERNET, true},
	{"Geneve, options, over IPv6",
         OUTER6("11") "c039 17c1 05b4 0000 03006558 00000700 010280 02 0000000000000000",
         WRAP_ETHERNET, true},
	{"Geneve, IPv6", OUTER4("11") "c039 17c1 05c8 0000 000086dd 00000700", WRAP_IPV6, true},
	{"two tags, VXLAN",
         ETH("88a8") "0005 8100 0006 0800" IPV4("05dc", "11") "c039 12b5 05c8 0000 08000000"
                                                              "00000700",
         WRAP_ETHERNET, true},
	{"MPLS, GRE", ETH("8847") "00010140" IPV4("05dc", "2f") "0000 6558", WRAP_ETHERNET, true},
};

#define WRAP_ROWS (sizeof(wrap_rows) / sizeof(wrap_rows[0]))

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

/* The frame of a row behind a wrapping; 0 when the wrapping has no room for it. */
static inline size_t frame_wrap(const struct wrap_row *wrap, const struct frame_row *row,
                                uint8_t out_bytes[static FRAME_MAX])
{
	static const char *const types[] = {
		[WRAP_ETHERNET] = "", [WRAP_IPV4] = ETH("0800"), [WRAP_IPV6] = ETH("86dd")};
	size_t link = strlen(types[wrap->kind]);
	uint8_t inner[FRAME_MAX];

	if (strncmp(row->hex, types[wrap->kind], link) != 0) {
		return 0;
	}
	size_t len = frame_parse(wrap->hex, out_bytes);
	size_t inner_len = frame_parse(row->hex + link, inner);

	if (len + inner_len > FRAME_MAX) {
		return 0;
	}
	memcpy(out_bytes + len, inner, inner_len);
	return len + inner_len;
}
