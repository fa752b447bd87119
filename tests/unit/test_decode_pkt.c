/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A packet as a whole: the counters of faults, packets that errors quote, and its cast. */
#include "decode_support.h"

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
		cmocka_unit_test(counters_are_added_to),
		cmocka_unit_test(quotes_decode_as_they_say),
		cmocka_unit_test(cast_is_told_by_address_then_link),
	};

	return cmocka_run_group_tests_name("decode_pkt", tests, NULL, NULL);
}
