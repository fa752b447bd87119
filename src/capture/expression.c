/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/capture/expression.h>

#include <errno.h>
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#define SNAP_BYTES 262144

#define MACS_BYTES 12
#define TAG_BYTES  4
#define HEAD_BYTES 2048 /* of a frame whose tag is put back: what an expression sees of it */

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
static int compile(const char *text, enum link_type link, struct bpf_program *out_program,
                   struct err *err)
{
	pcap_t *pcap;
	int ret = 0;

	if (pcap_types[link] < 0) {
		return err_set(err, -EINVAL, "-b: no expression for frames of an unknown kind");
	}
	pcap = pcap_open_dead(pcap_types[link], SNAP_BYTES);
	if (pcap == NULL) {
		return err_set(err, -ENOMEM, "-b: out of memory");
	}
	if (pcap_compile(pcap, out_program, text, 1, PCAP_NETMASK_UNKNOWN) != 0) {
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
	ret = compile(text, LINK_ETHERNET, &e->programs[LINK_ETHERNET], err);
	if (ret < 0) {
		expression_free(e);
		return ret;
	}
	for (int link = 0; link < LINK_TYPE_COUNT; link++) {
		if (link != LINK_ETHERNET) {
			(void)compile(text, (enum link_type)link, &e->programs[link], &other);
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

/* ---- For the kernel ---- */

static int copy_program(const struct bpf_program *from, struct sock_fprog *out_program,
                        struct err *err)
{
	struct sock_filter *copy;

	if (from->bf_len > UINT16_MAX) {
		return err_set(err, -E2BIG, "-b: a program of %u instructions", from->bf_len);
	}
	copy = calloc(from->bf_len, sizeof(*copy));
	if (copy == NULL) {
		return err_set(err, -ENOMEM, "-b: out of memory");
	}
	for (unsigned i = 0; i < from->bf_len; i++) {
		const struct bpf_insn *insn = &from->bf_insns[i];

		copy[i] = (struct sock_filter){insn->code, insn->jt, insn->jf, insn->k};
	}
	*out_program = (struct sock_fprog){.len = (uint16_t)from->bf_len, .filter = copy};
	return 0;
}

int expression_compile(const char *text, enum link_type link, struct sock_fprog *out_program,
                       struct err *err)
{
	struct bpf_program program;
	int ret = compile(text, link, &program, err);

	if (ret == 0) {
		ret = copy_program(&program, out_program, err);
		pcap_freecode(&program);
	}
	return ret;
}

/* ---- In user space ---- */

static bool matches(const struct bpf_program *program, struct span bytes, uint32_t wire_bytes)
{
	struct pcap_pkthdr header = {.caplen = (bpf_u_int32)bytes.len, .len = wire_bytes};

	return program->bf_insns != NULL && pcap_offline_filter(program, &header, bytes.data) != 0;
}

/* On the head of the frame, which has to be copied. */
static bool matches_with_tag(const struct bpf_program *program, const struct frame *frame)
{
	uint8_t bytes[HEAD_BYTES + TAG_BYTES];
	size_t len = frame->bytes.len < HEAD_BYTES ? frame->bytes.len : HEAD_BYTES;
	const uint8_t tag[TAG_BYTES] = {
		(uint8_t)(frame->vlan_tpid >> 8),
		(uint8_t)frame->vlan_tpid,
		(uint8_t)(frame->vlan_tci >> 8),
		(uint8_t)frame->vlan_tci,
	};

	memcpy(bytes, frame->bytes.data, MACS_BYTES);
	memcpy(bytes + MACS_BYTES, tag, TAG_BYTES);
	memcpy(bytes + MACS_BYTES + TAG_BYTES, frame->bytes.data + MACS_BYTES, len - MACS_BYTES);
	return matches(program, span_of(bytes, len + TAG_BYTES), frame->wire_bytes + TAG_BYTES);
}

bool expression_matches(const struct expression *expression, const struct frame *frame)
{
	const struct bpf_program *program = &expression->programs[frame->link];

	if (frame->has_vlan && frame->link == LINK_ETHERNET && frame->bytes.len >= MACS_BYTES) {
		return matches_with_tag(program, frame);
	}
	return matches(program, frame->bytes, frame->wire_bytes);
}
