/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The class of a frame, as the filter in the kernel has it. */
#include "decode_support.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_of_tcp_flags),
		cmocka_unit_test(classes_of_udp_ports),
		cmocka_unit_test(class_names_are_unique),
	};

	return cmocka_run_group_tests_name("decode_class", tests, NULL, NULL);
}
