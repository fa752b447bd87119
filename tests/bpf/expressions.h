/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Filter expressions for the tests: each construct of pcap-filter(7) that frames of Ethernet can be
 * asked about, and others of them put together. The addresses and ports are those of frames.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

static const char *const expression_parts[] = {
	/* Link layer. */
	"ether host 02:00:00:00:00:01",
	"ether src 02:00:00:00:00:01",
	"ether dst 02:00:00:00:00:01",
	"ether broadcast",
	"ether multicast",
	"broadcast",
	"multicast",
	"ether proto 0x88cc",
	"ether proto \\ip",
	"ether proto \\arp",
	"ether proto 0x8100",
	"ether proto 0x88a8",
	"arp",
	"rarp",
	"ip",
	"ip6",
	"llc",
	"llc i",
	"llc s",
	"llc u",
	"stp",
	"ipx",
	"iso",
	"isis",
	"ether[0] & 1 = 1",
	"ether[6:4] = 0x02000000",
	"ether[7:4] = 1",
	"ether[9:4] = 0x00000108",
	"ether[10:4] = 0x00018100",
	"ether[11:2] = 0x0181",
	"ether[12:2] = 0x8100",
	"ether[12:4] = 0x81000005",
	"ether[13] = 0",
	"ether[13:2] = 0x0060",
	"ether[13:4] > 0x100",
	"ether[14:2] & 0xfff = 5",
	"ether[15:4] & 0xff00 = 0",
	"ether[16:2] = 0x0800",
	"ether[17:4] > 0",
	"ether[76:4] > 7",
	"ether[77:4] > 7",
	"ether[78:2] > 7",
	"ether[79] > 7",
	"ether[80] > 7",
	"ether[2000] = 1",
	"ether[0x7ffffff0:4] = 1",
	"ether[len - 1] > 0x40",
	"ether[len - 4:4] > 0x60000000",
	"ether[len - 3:4] > 0",
	"ether[len] = 0",
	"ether[ether[0]:2] = 0x0200",
	"ether[ether[5] + 5:4] = 0x00000000",
	"ether[ether[5] + 6:4] = 0x00000001",
	"ether[ether[5] + 7:1] = 0",
	"ether[ether[5] + 7:4] = 0x00000001",
	"ether[ether[5] + 8:2] >= 1",
	"ether[ether[5] + 8:4] >= 1",
	"ether[ether[5] + 9:4] > 0x01000000",
	"ether[ether[5] + 10:1] = 0x81",
	"ether[ether[5] + 10:2] = 0x8100",
	"ether[ether[5] + 10:4] = 0x81000005",
	"ether[ether[5] + 11:1] = 0x00",
	"ether[ether[5] + 11:2] = 0x0060",
	"ether[ether[5] + 11:4] & 0xff = 8",
	"ether[ether[5] + 12:2] & 0xfff = 5",
	"ether[ether[5] + 12:4] = 0x00050800",
	"ether[ether[5] + 13:4] = 0x05080045",
	"ether[ether[5] + 14:4] = 0x08004500",
	"ether[ether[5] - 3:1] = 1",
	"ether[(ether[5] - 3) * 4:1] = 1",
	/* Tags, labels and sessions: each moves what stands behind it. */
	"vlan",
	"vlan 5",
	"vlan 6",
	"vlan 5 and ip",
	"vlan 5 and tcp",
	"vlan and vlan",
	"vlan 5 and vlan 6",
	"vlan and vlan and ip6",
	"vlan and vlan and vlan",
	"vlan and port 22",
	"vlan and src host 10.0.0.1",
	"vlan and ip6 and icmp6",
	"vlan and arp",
	"(vlan and tcp) or tcp",
	"not vlan and udp",
	"ip or (vlan 5 and ip6)",
	"mpls",
	"mpls 16",
	"mpls and ip",
	"mpls and host 10.0.0.1",
	"vlan and mpls",
	"pppoed",
	"pppoes",
	"pppoes 1",
	"pppoes and ip",
	"pppoes and tcp port 22",
	"vlan and pppoes",
	"geneve",
	"geneve 1",
	"geneve and ip",
	/* Hosts and networks. */
	"host 10.0.0.1",
	"src host 10.0.0.1",
	"dst host 10.0.0.1",
	"src or dst host 10.0.0.2",
	"ip host 10.0.0.2",
	"arp host 10.0.0.2",
	"net 10.0.0.0/8",
	"src net 10.0.0.2/31",
	"dst net 10.0.0.0 mask 255.255.255.254",
	"net 192.0.2",
	"host 2001:db8::1",
	"ip6 src host 2001:db8::1",
	"ip6 dst host 2001:db8::1",
	"net 2001:db8::/32",
	"dst net 2001:db8::2/127",
	"ip6 net 2001:db8:0:1::/64",
	"ip broadcast",
	"ip multicast",
	"ip6 multicast",
	"gateway 10.0.0.9",
	/* Protocols. */
	"tcp",
	"udp",
	"icmp",
	"icmp6",
	"sctp",
	"igmp",
	"pim",
	"ah",
	"esp",
	"vrrp",
	"ip proto 47",
	"ip proto 4",
	"ip6 proto 6",
	"ip6 proto 0",
	"proto 17",
	"ip protochain 6",
	"ip6 protochain 17",
	"atalk",
	"aarp",
	"decnet",
	/* Ports. */
	"port 22",
	"port 53",
	"src port 12345",
	"dst port 22",
	"tcp port 22",
	"tcp src port 22",
	"udp port 53",
	"udp dst port 5353",
	"sctp port 22",
	"portrange 20-53",
	"tcp portrange 1-1023",
	"udp src portrange 5000-6000",
	"dst portrange 67-68",
	/* Bytes of headers. */
	"tcp[tcpflags] & tcp-syn != 0",
	"tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn",
	"tcp[tcpflags] == tcp-ack",
	"tcp[13] = 0x18",
	"tcp[12] >> 2 > 20",
	"tcp[0:2] = 0x3039",
	"tcp[4:4] < 2",
	"tcp[((tcp[12:1] & 0xf0) >> 2):4] > 0x61000000",
	"((ip[2:2] - ((ip[0] & 0xf) << 2)) - ((tcp[12] & 0xf0) >> 2)) != 0",
	"udp[4:2] = 12",
	"udp[8:4] = 0x61626364",
	"icmp[icmptype] = icmp-echo",
	"icmp[icmptype] != icmp-unreach and icmp[icmpcode] = 0",
	"icmp6[icmp6type] = icmp6-echo",
	"ip[0] & 0xf > 5",
	"ip[6:2] & 0x1fff != 0",
	"ip[6] & 0x20 != 0",
	"ip[8] < 65",
	"ip[2:2] > len",
	"ip6[6] = 6",
	"ip6[4:2] >= 20",
	"ip6[40] = 0x30",
	"ip[ip[3]:1] = 0",
	"ip[ip[1] - 1] = 0",
	"ip[ip[1] - 14:2] = 0x0200",
	"ip[0xffffffff:1] = 0",
	/* Length and arithmetic. */
	"len > 60",
	"len <= 58",
	"len == 54",
	"less 60",
	"greater 64",
	"len % 2 = 1",
	"len / 3 = 20",
	"len * 0x10000001 > 0x40000000",
	"len - 100 > 0x80000000",
	"len & 0x36 = 0x36",
	"len | 1 = 59",
	"len ^ 0xff > 190",
	"len << 2 = 216",
	"len >> ether[5] = 15",
	"len << ether[len - 1] != 0",
	"len >> (len - 54) = 54",
	"len / ip[1] = 3",
	"len % (len - 54) = 0",
	"len / (ip[1] + 1) > 50",
	"-len > 5",
	"-(len - 54) = 0",
	"1 = 1",
	"1 = 2",
};

#define EXPRESSION_PARTS (sizeof(expression_parts) / sizeof(expression_parts[0]))
#define EXPRESSION_FORMS 5
#define EXPRESSION_COUNT (EXPRESSION_PARTS * EXPRESSION_FORMS)
#define EXPRESSION_BYTES 512

/* The i-th expression. A part is combined with parts that stand at other distances each time. */
static inline void expression_make(size_t i, char out_text[static EXPRESSION_BYTES])
{
	size_t n = i % EXPRESSION_PARTS;
	const char *a = expression_parts[n];
	const char *b = expression_parts[(n * 7 + 3) % EXPRESSION_PARTS];
	const char *c = expression_parts[(n * 31 + 17) % EXPRESSION_PARTS];

	switch (i / EXPRESSION_PARTS) {
	case 0:
		snprintf(out_text, EXPRESSION_BYTES, "%s", a);
		break;
	case 1:
		snprintf(out_text, EXPRESSION_BYTES, "not (%s)", a);
		break;
	case 2:
		snprintf(out_text, EXPRESSION_BYTES, "(%s) or (%s)", b, a);
		break;
	case 3:
		snprintf(out_text, EXPRESSION_BYTES, "(%s) and not (%s)", b, a);
		break;
	default:
		snprintf(out_text, EXPRESSION_BYTES, "not ((%s) and (%s)) or (%s)", c, b, a);
		break;
	}
}
