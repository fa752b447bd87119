/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TCP, UDP and ICMP. */
#include "decode_support.h"

static const struct row rows[] = {
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

static const struct header_row header_rows[] = {
	{"tcp over ipv4", LINK_RAW_IP, IPV4("0050", "06"), SYN, LAYER_IP, LAYER_TCP},
	{"tcp over ipv6", LINK_RAW_IP, IPV6("0050", "06"), SYN, LAYER_IP, LAYER_TCP},
	{"udp over ipv4", LINK_RAW_IP, IPV4("0050", "11"), UDP("0010"), LAYER_IP, LAYER_UDP},
	{"icmp", LINK_RAW_IP, IPV4("0050", "01"), "0800 0000 00010002", LAYER_IP, LAYER_ICMP},
	{"icmp6", LINK_RAW_IP, IPV6("0050", "3a"), "8000 0000", LAYER_IP, LAYER_ICMP6},
};

static struct table table = {rows, COUNT(rows), header_rows, COUNT(header_rows)};

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW_TESTS(&table),
	};

	return cmocka_run_group_tests_name("decode_transport", tests, NULL, NULL);
}
