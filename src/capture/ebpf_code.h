/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to capture/: eBPF instructions in the making, one after the other, with jumps forward to
 * places that are not known yet. Instructions are those of the kernel's
 * Documentation/bpf/standardization/instruction-set.rst, none newer than what clang calls v2.
 */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

#define EBPF_ROOM_MAX 32768u /* so that each place can be reached by a jump of 16 bits */

/* Sticky when it is full: what follows is not added. */
struct ebpf_code {
	struct bpf_insn *insns;
	unsigned count;
	unsigned room; /* at most EBPF_ROOM_MAX */
	bool is_full;
};

/* A place further on. All zero: no jump leads there. */
struct ebpf_label {
	unsigned last; /* 1 + the last jump to it, whose offset says how far back the one before is
	                */
};

/* `room` instructions at most. 0 or -ENOMEM. */
int ebpf_init(struct ebpf_code *code, unsigned room);
/* Accepts one that is all zero. */
void ebpf_fini(struct ebpf_code *code);

void ebpf_add(struct ebpf_code *code, struct bpf_insn insn);

/* Of 64 bits; an immediate value is sign-extended. `op` is BPF_MOV, BPF_ADD, … */
void ebpf_alu(struct ebpf_code *code, uint8_t op, uint8_t dst, uint8_t src);
void ebpf_alu_imm(struct ebpf_code *code, uint8_t op, uint8_t dst, int32_t imm);
/* dst = value, the upper half zero. */
void ebpf_set32(struct ebpf_code *code, uint8_t dst, uint32_t value);
/* Between the byte order of the host and that of the network; bits are 16, 32 or 64. */
void ebpf_swap(struct ebpf_code *code, uint8_t dst, int bits);

/* `size` is BPF_B, BPF_H, BPF_W or BPF_DW. */
void ebpf_load(struct ebpf_code *code, uint8_t size, uint8_t dst, uint8_t base, int offset);
void ebpf_store(struct ebpf_code *code, uint8_t size, uint8_t base, int offset, uint8_t src);
void ebpf_store_imm(struct ebpf_code *code, uint8_t size, uint8_t base, int offset, int32_t imm);
void ebpf_load_map(struct ebpf_code *code, uint8_t dst, int fd);

/* `op` is BPF_JEQ, BPF_JGT, … of 64 bits. */
void ebpf_jump(struct ebpf_code *code, uint8_t op, uint8_t dst, uint8_t src, struct ebpf_label *to);
void ebpf_jump_imm(struct ebpf_code *code, uint8_t op, uint8_t dst, int32_t imm,
                   struct ebpf_label *to);
void ebpf_go(struct ebpf_code *code, struct ebpf_label *to);
/* The label is here: before the instruction that is added next. */
void ebpf_land(struct ebpf_code *code, const struct ebpf_label *label);

static inline bool ebpf_has_jump(const struct ebpf_label *label)
{
	return label->last != 0;
}

/* `helper` is BPF_FUNC_*; arguments are in R1 to R5, the result comes in R0. */
void ebpf_call(struct ebpf_code *code, int helper);
void ebpf_exit(struct ebpf_code *code);
