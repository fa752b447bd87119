/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A byte that says whether frames have tags, then a classic BPF program, 8 bytes an instruction. */
#include "fuzz.h"

#include "capture/cbpf.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sock_filter insns[BPF_MAXINSNS + 1];
	struct sock_fprog program = {.filter = insns};
	struct ebpf_code code;
	struct err err = {""};
	int ret;

	if (size < 1 || size - 1 > sizeof(insns)) {
		return 0;
	}
	program.len = (unsigned short)((size - 1) / sizeof(insns[0]));
	memcpy(insns, data + 1, program.len * sizeof(insns[0]));
	fuzz_require(ebpf_init(&code, EBPF_ROOM_MAX) == 0);
	ret = cbpf_translate(&program, data[0] & 1, &code, &err);
	fuzz_require(ret == 0 ? !code.is_full : err.text[0] != '\0' || ret == -E2BIG);
	for (unsigned i = 0; ret == 0 && i < code.count; i++) {
		unsigned class = BPF_CLASS(code.insns[i].code);

		if (class == BPF_JMP && BPF_OP(code.insns[i].code) != BPF_CALL) {
			fuzz_require(code.insns[i].off >= 0 &&
			             i + 1u + (unsigned)code.insns[i].off <= code.count);
		}
	}
	ebpf_fini(&code);
	return 0;
}
