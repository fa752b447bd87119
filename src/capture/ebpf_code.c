/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ebpf_code.h"

#include <errno.h>
#include <stdlib.h>

int ebpf_init(struct ebpf_code *code, unsigned room)
{
	*code = (struct ebpf_code){.room = room < EBPF_ROOM_MAX ? room : EBPF_ROOM_MAX};
	code->insns = calloc(code->room, sizeof(*code->insns));
	return code->insns != NULL ? 0 : -ENOMEM;
}

void ebpf_fini(struct ebpf_code *code)
{
	free(code->insns);
	*code = (struct ebpf_code){.insns = NULL};
}

void ebpf_add(struct ebpf_code *code, struct bpf_insn insn)
{
	if (code->count >= code->room) {
		code->is_full = true;
		return;
	}
	code->insns[code->count++] = insn;
}

/* ---- Arithmetic ---- */

void ebpf_alu(struct ebpf_code *code, uint8_t op, uint8_t dst, uint8_t src)
{
	ebpf_add(code,
	         (struct bpf_insn){.code = BPF_ALU64 | op | BPF_X, .dst_reg = dst, .src_reg = src});
}

void ebpf_alu_imm(struct ebpf_code *code, uint8_t op, uint8_t dst, int32_t imm)
{
	ebpf_add(code,
	         (struct bpf_insn){.code = BPF_ALU64 | op | BPF_K, .dst_reg = dst, .imm = imm});
}

void ebpf_set32(struct ebpf_code *code, uint8_t dst, uint32_t value)
{
	ebpf_add(code, (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_K,
	                                 .dst_reg = dst,
	                                 .imm = (int32_t)value});
}

void ebpf_swap(struct ebpf_code *code, uint8_t dst, int bits)
{
	ebpf_add(code, (struct bpf_insn){
			       .code = BPF_ALU | BPF_END | BPF_TO_BE, .dst_reg = dst, .imm = bits});
}

/* ---- Memory ---- */

void ebpf_load(struct ebpf_code *code, uint8_t size, uint8_t dst, uint8_t base, int offset)
{
	ebpf_add(code, (struct bpf_insn){.code = BPF_LDX | size | BPF_MEM,
	                                 .dst_reg = dst,
	                                 .src_reg = base,
	                                 .off = (int16_t)offset});
}

void ebpf_store(struct ebpf_code *code, uint8_t size, uint8_t base, int offset, uint8_t src)
{
	ebpf_add(code, (struct bpf_insn){.code = BPF_STX | size | BPF_MEM,
	                                 .dst_reg = base,
	                                 .src_reg = src,
	                                 .off = (int16_t)offset});
}

void ebpf_store_imm(struct ebpf_code *code, uint8_t size, uint8_t base, int offset, int32_t imm)
{
	ebpf_add(code, (struct bpf_insn){.code = BPF_ST | size | BPF_MEM,
	                                 .dst_reg = base,
	                                 .off = (int16_t)offset,
	                                 .imm = imm});
}

/* The one instruction that takes the room of two. */
void ebpf_load_map(struct ebpf_code *code, uint8_t dst, int fd)
{
	ebpf_add(code, (struct bpf_insn){.code = BPF_LD | BPF_DW | BPF_IMM,
	                                 .dst_reg = dst,
	                                 .src_reg = BPF_PSEUDO_MAP_FD,
	                                 .imm = fd});
	ebpf_add(code, (struct bpf_insn){.code = 0});
}

/* ---- Jumps ---- */

static void jump(struct ebpf_code *code, struct bpf_insn insn, struct ebpf_label *to)
{
	unsigned at = code->count;

	insn.off = (int16_t)(ebpf_has_jump(to) ? at - (to->last - 1) : 0);
	ebpf_add(code, insn);
	to->last = at + 1;
}

void ebpf_jump(struct ebpf_code *code, uint8_t op, uint8_t dst, uint8_t src, struct ebpf_label *to)
{
	jump(code, (struct bpf_insn){.code = BPF_JMP | op | BPF_X, .dst_reg = dst, .src_reg = src},
	     to);
}

void ebpf_jump_imm(struct ebpf_code *code, uint8_t op, uint8_t dst, int32_t imm,
                   struct ebpf_label *to)
{
	jump(code, (struct bpf_insn){.code = BPF_JMP | op | BPF_K, .dst_reg = dst, .imm = imm}, to);
}

void ebpf_go(struct ebpf_code *code, struct ebpf_label *to)
{
	jump(code, (struct bpf_insn){.code = BPF_JMP | BPF_JA}, to);
}

void ebpf_land(struct ebpf_code *code, const struct ebpf_label *label)
{
	unsigned at = label->last - 1;
	unsigned back = 1;

	if (!ebpf_has_jump(label) || code->is_full) {
		return;
	}
	for (; back != 0; at -= back) {
		back = (uint16_t)code->insns[at].off;
		code->insns[at].off = (int16_t)(code->count - at - 1);
	}
}

void ebpf_call(struct ebpf_code *code, int helper)
{
	ebpf_add(code, (struct bpf_insn){.code = BPF_JMP | BPF_CALL, .imm = helper});
}

void ebpf_exit(struct ebpf_code *code)
{
	ebpf_add(code, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}
