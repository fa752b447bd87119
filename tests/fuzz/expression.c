/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A filter expression, a NUL, and a frame that it is asked about; then it is translated. */
#include "fuzz.h"

#include "capture/cbpf.h"

#include <passer/capture/expression.h>

#include <netdb.h>

/* In place of the C library's: names of hosts are not asked for. */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **out_list)
{
	(void)node;
	(void)service;
	(void)hints;
	*out_list = NULL;
	return EAI_NONAME;
}

static void translate(const char *text, enum link_type link)
{
	struct sock_fprog program;
	struct ebpf_code code;
	struct err err;

	if (expression_compile(text, link, &program, &err) == 0) {
		fuzz_require(ebpf_init(&code, EBPF_ROOM_MAX) == 0);
		(void)cbpf_translate(&program, link == LINK_ETHERNET, &code, &err);
		ebpf_fini(&code);
		free(program.filter);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame frame = {.link = LINK_ETHERNET, .has_vlan = size & 1, .vlan_tpid = 0x8100};
	char *text = fuzz_string(fuzz_split(span_of(data, size), &frame.bytes));
	struct expression *expression;
	struct err err;

	frame.wire_bytes = (uint32_t)frame.bytes.len;
	if (expression_new(text, &expression, &err) == 0) {
		(void)expression_matches(expression, &frame);
		expression_free(expression);
		translate(text, LINK_ETHERNET);
		translate(text, LINK_RAW_IP);
	}
	free(text);
	return 0;
}
