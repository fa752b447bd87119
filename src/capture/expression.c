/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/capture/expression.h>

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>

#define SNAP_BYTES 262144

/* libpcap's number of each link type. */
static const int pcap_types[LINK_TYPE_COUNT] = {
	[LINK_UNKNOWN] = -1,
	[LINK_ETHERNET] = DLT_EN10MB,
	[LINK_RAW_IP] = DLT_RAW,
	[LINK_NULL] = DLT_NULL,
	[LINK_LOOP] = DLT_LOOP,
	[LINK_SLL] = DLT_LINUX_SLL,
	[LINK_SLL2] = DLT_LINUX_SLL2,
	[LINK_PPP] = DLT_PPP,
	[LINK_RADIOTAP] = DLT_IEEE802_11_RADIO,
	[LINK_80211] = DLT_IEEE802_11,
};

struct expression {
	struct bpf_program programs[LINK_TYPE_COUNT]; /* bf_insns NULL: cannot be asked */
};

/* An expression may make no sense on one link type ("ether host" on raw IP) and sense on others. */
static int compile(struct expression *e, enum link_type link, const char *text, struct err *err)
{
	pcap_t *pcap;
	int ret = 0;

	if (pcap_types[link] < 0) {
		return -EINVAL;
	}
	pcap = pcap_open_dead(pcap_types[link], SNAP_BYTES);
	if (pcap == NULL) {
		return err_set(err, -ENOMEM, "-b: out of memory");
	}
	if (pcap_compile(pcap, &e->programs[link], text, 1, PCAP_NETMASK_UNKNOWN) != 0) {
		ret = err_set(err, -EINVAL, "-b '%s': %s", text, pcap_geterr(pcap));
	}
	pcap_close(pcap);
	return ret;
}

int expression_new(const char *text, struct expression **out_expression, struct err *err)
{
	struct expression *e = calloc(1, sizeof(*e));
	struct err other;
	int ret;

	if (e == NULL) {
		return err_set(err, -ENOMEM, "-b: out of memory");
	}
	ret = compile(e, LINK_ETHERNET, text, err);
	if (ret < 0) {
		expression_free(e);
		return ret;
	}
	for (int link = 0; link < LINK_TYPE_COUNT; link++) {
		if (link != LINK_ETHERNET) {
			(void)compile(e, (enum link_type)link, text, &other);
		}
	}
	*out_expression = e;
	return 0;
}

void expression_free(struct expression *expression)
{
	if (expression == NULL) {
		return;
	}
	for (int link = 0; link < LINK_TYPE_COUNT; link++) {
		pcap_freecode(&expression->programs[link]);
	}
	free(expression);
}

bool expression_matches(const struct expression *expression, const struct frame *frame)
{
	const struct bpf_program *program = &expression->programs[frame->link];
	struct pcap_pkthdr header = {
		.caplen = (bpf_u_int32)frame->bytes.len,
		.len = frame->wire_bytes,
	};

	return program->bf_insns != NULL &&
	       pcap_offline_filter(program, &header, frame->bytes.data) != 0;
}
