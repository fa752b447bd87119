/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The head of the frame is copied to the stack by one call, with the tag back in its place, and
 * nearly all loads read it there. What lies further on, or at an offset that is only known when the
 * program runs, is read by a call each: the verifier of older kernels knows no variable offsets
 * into the stack.
 */
#include "cbpf.h"

#include <errno.h>
#include <stddef.h>

#define MACS_BYTES 12 /* what stands before a tag */
#define TAG_BYTES  4
#define TAG_END    (MACS_BYTES + TAG_BYTES)
#define HEAD_BYTES 80 /* IPv6 behind two tags with the ports of TCP or UDP, and some */
#define WORD_BYTES 4

/* A and X are kept with the upper half zero. */
enum reg {
	REG_CONTEXT = BPF_REG_6,
	REG_A = BPF_REG_7,
	REG_X = BPF_REG_8,
	REG_LEN = BPF_REG_9, /* length on the wire, with the tag */
	REG_STACK = BPF_REG_10,
};

/* Offsets from the frame pointer. The head begins at a multiple of 8. */
enum place {
	AT_MEMORY = -(int)(BPF_MEMWORDS * WORD_BYTES),
	AT_LOADED = AT_MEMORY - 8,
	AT_SHIFT = AT_LOADED - 8, /* TAG_BYTES when the kernel has taken a tag out, else 0 */
	AT_HEAD = AT_SHIFT - HEAD_BYTES,
};

_Static_assert(AT_HEAD == -CBPF_STACK_BYTES, "told to the caller");
_Static_assert(AT_HEAD % 8 == 0, "is_aligned() asks the offset within the head only");

struct translation {
	const struct sock_fprog *program;
	bool has_tags;
	unsigned at; /* instruction in work */
	struct ebpf_code *code;
	struct ebpf_label targets[BPF_MAXINSNS]; /* of jumps to this instruction */
	struct ebpf_label none;                  /* the result is 0 */
	struct ebpf_label end;                   /* the result is in R0 */
};

/* What is wrong with an instruction; NULL: nothing. */
typedef const char *check_fn(const struct sock_fprog *program, unsigned at);
typedef void emit_fn(struct translation *t, const struct sock_filter *insn);

/* ---- Checks ---- */

/* The kernel has other things than packet bytes there; libpcap asks for them on live captures. */
static const char *check_offset(const struct sock_fprog *program, unsigned at)
{
	return program->filter[at].k > INT32_MAX ? "ancillary data or negative offset" : NULL;
}

static const char *check_memory(const struct sock_fprog *program, unsigned at)
{
	return program->filter[at].k >= BPF_MEMWORDS ? "no such word of memory" : NULL;
}

static const char *check_divisor(const struct sock_fprog *program, unsigned at)
{
	return program->filter[at].k == 0 ? "division by zero" : NULL;
}

static const char *check_shift(const struct sock_fprog *program, unsigned at)
{
	return program->filter[at].k >= 32 ? "shift by more than 31 bits" : NULL;
}

static bool is_inside(const struct sock_fprog *program, unsigned at, uint32_t distance)
{
	return distance < program->len - at - 1;
}

/* libpcap's backward jumps (protochain) are distances beyond the end when taken as unsigned. */
static const char *check_go(const struct sock_fprog *program, unsigned at)
{
	return is_inside(program, at, program->filter[at].k) ? NULL
	                                                     : "jump backwards or beyond the end";
}

static const char *check_branch(const struct sock_fprog *program, unsigned at)
{
	const struct sock_filter *insn = &program->filter[at];

	return is_inside(program, at, insn->jt) && is_inside(program, at, insn->jf)
	               ? NULL
	               : "jump beyond the end";
}

/* ---- Loads ---- */

static uint8_t size_code(unsigned bytes)
{
	return bytes == 1 ? BPF_B : bytes == 2 ? BPF_H : BPF_W;
}

static unsigned size_of(const struct sock_filter *insn)
{
	return BPF_SIZE(insn->code) == BPF_B ? 1 : BPF_SIZE(insn->code) == BPF_H ? 2 : WORD_BYTES;
}

static void emit_load_stack(struct translation *t, uint8_t dst, int offset, unsigned bytes)
{
	ebpf_load(t->code, size_code(bytes), dst, REG_STACK, offset);
	if (bytes > 1) {
		ebpf_swap(t->code, dst, (int)bytes * 8);
	}
}

/* The largest piece of a field at this offset that the verifier takes for aligned. */
static unsigned piece_at(uint32_t offset, unsigned bytes)
{
	return offset % bytes == 0 ? bytes : offset % 2 == 0 ? 2 : 1;
}

static void emit_load_head(struct translation *t, uint8_t dst, uint32_t offset, unsigned bytes)
{
	unsigned piece = piece_at(offset, bytes);

	ebpf_jump_imm(t->code, BPF_JLT, REG_LEN, (int32_t)(offset + bytes), &t->none);
	emit_load_stack(t, dst, AT_HEAD + (int)offset, piece);
	for (unsigned i = piece; i < bytes; i += piece) {
		emit_load_stack(t, BPF_REG_1, AT_HEAD + (int)(offset + i), piece);
		ebpf_alu_imm(t->code, BPF_LSH, dst, (int32_t)piece * 8);
		ebpf_alu(t->code, BPF_OR, dst, BPF_REG_1);
	}
}

/* skb_load_bytes(skb, R2, stack + to, R4): the result, 0 or not, is in R0. */
static void emit_copy(struct translation *t, int to)
{
	ebpf_alu(t->code, BPF_MOV, BPF_REG_1, REG_CONTEXT);
	ebpf_alu(t->code, BPF_MOV, BPF_REG_3, REG_STACK);
	ebpf_alu_imm(t->code, BPF_ADD, BPF_REG_3, to);
	ebpf_call(t->code, BPF_FUNC_skb_load_bytes);
}

/* From the offset in R2, which counts from skb->data; the helper looks at its lower half only. */
static void emit_load_far(struct translation *t, uint8_t dst, unsigned bytes)
{
	ebpf_alu_imm(t->code, BPF_MOV, BPF_REG_4, (int32_t)bytes);
	emit_copy(t, AT_LOADED);
	ebpf_jump_imm(t->code, BPF_JNE, BPF_REG_0, 0, &t->none);
	emit_load_stack(t, dst, AT_LOADED, bytes);
}

static void emit_load_fixed(struct translation *t, uint8_t dst, uint32_t offset, unsigned bytes)
{
	if (offset <= HEAD_BYTES - bytes) {
		emit_load_head(t, dst, offset, bytes);
		return;
	}
	ebpf_set32(t->code, BPF_REG_2, offset);
	if (t->has_tags) {
		ebpf_load(t->code, BPF_DW, BPF_REG_1, REG_STACK, AT_SHIFT);
		ebpf_alu(t->code, BPF_SUB, BPF_REG_2, BPF_REG_1);
	}
	emit_load_far(t, dst, bytes);
}

/*
 * From R2, which is between the bytes before a tag and its end: the field is cut out of the 16
 * bytes of the head in whose middle the tag stands.
 */
static void emit_load_across(struct translation *t, unsigned bytes)
{
	enum { FIRST = MACS_BYTES - WORD_BYTES };

	ebpf_alu(t->code, BPF_MOV, BPF_REG_3, BPF_REG_2);
	ebpf_alu_imm(t->code, BPF_ADD, BPF_REG_3, (int32_t)bytes);
	ebpf_jump(t->code, BPF_JGT, BPF_REG_3, REG_LEN, &t->none);
	ebpf_load(t->code, BPF_DW, REG_A, REG_STACK, AT_HEAD + FIRST);
	ebpf_swap(t->code, REG_A, 64);
	ebpf_load(t->code, BPF_DW, BPF_REG_3, REG_STACK, AT_HEAD + FIRST + 8);
	ebpf_swap(t->code, BPF_REG_3, 64);
	ebpf_alu_imm(t->code, BPF_SUB, BPF_REG_2, FIRST); /* 1 to 7 bytes, */
	ebpf_alu_imm(t->code, BPF_LSH, BPF_REG_2, 3);     /* in bits */
	ebpf_alu_imm(t->code, BPF_MOV, BPF_REG_1, 64);
	ebpf_alu(t->code, BPF_SUB, BPF_REG_1, BPF_REG_2);
	ebpf_alu(t->code, BPF_LSH, REG_A, BPF_REG_2);
	ebpf_alu(t->code, BPF_RSH, BPF_REG_3, BPF_REG_1);
	ebpf_alu(t->code, BPF_OR, REG_A, BPF_REG_3);
	ebpf_alu_imm(t->code, BPF_RSH, REG_A, 64 - (int32_t)bytes * 8);
}

/* R2 is made an offset from skb->data. Where a tag is part of the field, A is loaded instead. */
static void emit_pass_tag(struct translation *t, unsigned bytes, struct ebpf_label *loaded)
{
	struct ebpf_label far = {0}, behind = {0};

	ebpf_load(t->code, BPF_DW, BPF_REG_1, REG_STACK, AT_SHIFT);
	ebpf_jump_imm(t->code, BPF_JEQ, BPF_REG_1, 0, &far);
	ebpf_jump_imm(t->code, BPF_JGE, BPF_REG_2, TAG_END, &behind);
	ebpf_jump_imm(t->code, BPF_JLE, BPF_REG_2, MACS_BYTES - (int32_t)bytes, &far);
	emit_load_across(t, bytes);
	ebpf_go(t->code, loaded);
	ebpf_land(t->code, &behind);
	ebpf_alu_imm(t->code, BPF_SUB, BPF_REG_2, TAG_BYTES);
	ebpf_land(t->code, &far);
}

static void emit_absolute(struct translation *t, const struct sock_filter *insn)
{
	emit_load_fixed(t, REG_A, insn->k, size_of(insn));
}

static void emit_indirect(struct translation *t, const struct sock_filter *insn)
{
	struct ebpf_label loaded = {0};

	ebpf_alu(t->code, BPF_MOV, BPF_REG_2, REG_X);
	ebpf_alu_imm(t->code, BPF_ADD, BPF_REG_2, (int32_t)insn->k);
	ebpf_jump(t->code, BPF_JGT, BPF_REG_2, REG_LEN, &t->none);
	if (t->has_tags) {
		emit_pass_tag(t, size_of(insn), &loaded);
	}
	emit_load_far(t, REG_A, size_of(insn));
	ebpf_land(t->code, &loaded);
}

/* Length of an IPv4 header. */
static void emit_nibble(struct translation *t, const struct sock_filter *insn)
{
	emit_load_fixed(t, REG_X, insn->k, 1);
	ebpf_alu_imm(t->code, BPF_AND, REG_X, 15);
	ebpf_alu_imm(t->code, BPF_LSH, REG_X, 2);
}

static uint8_t register_of(const struct sock_filter *insn)
{
	return BPF_CLASS(insn->code) == BPF_LDX || BPF_CLASS(insn->code) == BPF_STX ? REG_X : REG_A;
}

static void emit_constant(struct translation *t, const struct sock_filter *insn)
{
	ebpf_set32(t->code, register_of(insn), insn->k);
}

static void emit_length(struct translation *t, const struct sock_filter *insn)
{
	ebpf_alu(t->code, BPF_MOV, register_of(insn), REG_LEN);
}

static int memory_at(const struct sock_filter *insn)
{
	return AT_MEMORY + (int)insn->k * WORD_BYTES;
}

static void emit_recall(struct translation *t, const struct sock_filter *insn)
{
	ebpf_load(t->code, BPF_W, register_of(insn), REG_STACK, memory_at(insn));
}

static void emit_store(struct translation *t, const struct sock_filter *insn)
{
	ebpf_store(t->code, BPF_W, REG_STACK, memory_at(insn), register_of(insn));
}

/* ---- Arithmetic: the codes are the same, and of 32 bits ---- */

static void emit_alu(struct translation *t, const struct sock_filter *insn)
{
	bool has_x = BPF_SRC(insn->code) == BPF_X;

	ebpf_add(t->code, (struct bpf_insn){
				  .code = (uint8_t)insn->code,
				  .dst_reg = REG_A,
				  .src_reg = has_x ? REG_X : 0,
				  .imm = has_x ? 0 : (int32_t)insn->k,
			  });
}

static void emit_negate(struct translation *t, const struct sock_filter *insn)
{
	struct sock_filter plain = {.code = insn->code};

	emit_alu(t, &plain);
}

static void emit_divide(struct translation *t, const struct sock_filter *insn)
{
	ebpf_jump_imm(t->code, BPF_JEQ, REG_X, 0, &t->none);
	emit_alu(t, insn);
}

/* eBPF would take the number of bits modulo 32. */
static void emit_shift(struct translation *t, const struct sock_filter *insn)
{
	struct ebpf_label small = {0}, done = {0};

	ebpf_jump_imm(t->code, BPF_JLT, REG_X, 32, &small);
	ebpf_set32(t->code, REG_A, 0);
	ebpf_go(t->code, &done);
	ebpf_land(t->code, &small);
	emit_alu(t, insn);
	ebpf_land(t->code, &done);
}

static void emit_a_to_x(struct translation *t, const struct sock_filter *insn)
{
	(void)insn;
	ebpf_alu(t->code, BPF_MOV, REG_X, REG_A);
}

static void emit_x_to_a(struct translation *t, const struct sock_filter *insn)
{
	(void)insn;
	ebpf_alu(t->code, BPF_MOV, REG_A, REG_X);
}

/* ---- Jumps and results ---- */

static struct ebpf_label *target(struct translation *t, uint32_t distance)
{
	return &t->targets[t->at + 1 + distance];
}

static void emit_go(struct translation *t, const struct sock_filter *insn)
{
	ebpf_go(t->code, target(t, insn->k));
}

/* eBPF compares 64 bits, to which it would extend a constant with its sign. */
static void emit_branch(struct translation *t, const struct sock_filter *insn)
{
	uint8_t with = REG_X;

	if (BPF_SRC(insn->code) == BPF_K) {
		with = BPF_REG_1;
		ebpf_set32(t->code, with, insn->k);
	}
	ebpf_jump(t->code, BPF_OP(insn->code), REG_A, with, target(t, insn->jt));
	ebpf_go(t->code, target(t, insn->jf));
}

static void emit_return(struct translation *t, const struct sock_filter *insn)
{
	if (BPF_RVAL(insn->code) == BPF_A) {
		ebpf_alu(t->code, BPF_MOV, BPF_REG_0, REG_A);
	} else {
		ebpf_set32(t->code, BPF_REG_0, insn->k);
	}
	ebpf_go(t->code, &t->end);
}

/* ---- All instructions of classic BPF ---- */

struct op {
	uint16_t code;
	emit_fn *emit;
	check_fn *check; /* NULL: nothing can be wrong */
};

static const struct op ops[] = {
	{BPF_LD | BPF_W | BPF_ABS, emit_absolute, check_offset},
	{BPF_LD | BPF_H | BPF_ABS, emit_absolute, check_offset},
	{BPF_LD | BPF_B | BPF_ABS, emit_absolute, check_offset},
	{BPF_LD | BPF_W | BPF_IND, emit_indirect, check_offset},
	{BPF_LD | BPF_H | BPF_IND, emit_indirect, check_offset},
	{BPF_LD | BPF_B | BPF_IND, emit_indirect, check_offset},
	{BPF_LDX | BPF_B | BPF_MSH, emit_nibble, check_offset},
	{BPF_LD | BPF_W | BPF_LEN, emit_length, NULL},
	{BPF_LDX | BPF_W | BPF_LEN, emit_length, NULL},
	{BPF_LD | BPF_IMM, emit_constant, NULL},
	{BPF_LDX | BPF_IMM, emit_constant, NULL},
	{BPF_LD | BPF_MEM, emit_recall, check_memory},
	{BPF_LDX | BPF_MEM, emit_recall, check_memory},
	{BPF_ST, emit_store, check_memory},
	{BPF_STX, emit_store, check_memory},
	{BPF_ALU | BPF_ADD | BPF_K, emit_alu, NULL},
	{BPF_ALU | BPF_ADD | BPF_X, emit_alu, NULL},
	{BPF_ALU | BPF_SUB | BPF_K, emit_alu, NULL},
	{BPF_ALU | BPF_SUB | BPF_X, emit_alu, NULL},
	{BPF_ALU | BPF_MUL | BPF_K, emit_alu, NULL},
	{BPF_ALU | BPF_MUL | BPF_X, emit_alu, NULL},
	{BPF_ALU | BPF_AND | BPF_K, emit_alu, NULL},
	{BPF_ALU | BPF_AND | BPF_X, emit_alu, NULL},
	{BPF_ALU | BPF_OR | BPF_K, emit_alu, NULL},
	{BPF_ALU | BPF_OR | BPF_X, emit_alu, NULL},
	{BPF_ALU | BPF_XOR | BPF_K, emit_alu, NULL},
	{BPF_ALU | BPF_XOR | BPF_X, emit_alu, NULL},
	{BPF_ALU | BPF_DIV | BPF_K, emit_alu, check_divisor},
	{BPF_ALU | BPF_DIV | BPF_X, emit_divide, NULL},
	{BPF_ALU | BPF_MOD | BPF_K, emit_alu, check_divisor},
	{BPF_ALU | BPF_MOD | BPF_X, emit_divide, NULL},
	{BPF_ALU | BPF_LSH | BPF_K, emit_alu, check_shift},
	{BPF_ALU | BPF_LSH | BPF_X, emit_shift, NULL},
	{BPF_ALU | BPF_RSH | BPF_K, emit_alu, check_shift},
	{BPF_ALU | BPF_RSH | BPF_X, emit_shift, NULL},
	{BPF_ALU | BPF_NEG, emit_negate, NULL},
	{BPF_MISC | BPF_TAX, emit_a_to_x, NULL},
	{BPF_MISC | BPF_TXA, emit_x_to_a, NULL},
	{BPF_JMP | BPF_JA, emit_go, check_go},
	{BPF_JMP | BPF_JEQ | BPF_K, emit_branch, check_branch},
	{BPF_JMP | BPF_JEQ | BPF_X, emit_branch, check_branch},
	{BPF_JMP | BPF_JGT | BPF_K, emit_branch, check_branch},
	{BPF_JMP | BPF_JGT | BPF_X, emit_branch, check_branch},
	{BPF_JMP | BPF_JGE | BPF_K, emit_branch, check_branch},
	{BPF_JMP | BPF_JGE | BPF_X, emit_branch, check_branch},
	{BPF_JMP | BPF_JSET | BPF_K, emit_branch, check_branch},
	{BPF_JMP | BPF_JSET | BPF_X, emit_branch, check_branch},
	{BPF_RET | BPF_K, emit_return, NULL},
	{BPF_RET | BPF_A, emit_return, NULL},
};

static const struct op *find_op(uint16_t code)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (ops[i].code == code) {
			return &ops[i];
		}
	}
	return NULL;
}

static int check(const struct sock_fprog *program, struct err *err)
{
	if (program->len == 0 || program->len > BPF_MAXINSNS) {
		return err_set(err, -EINVAL, "a program of %u instructions; 1 to %d are allowed",
		               program->len, BPF_MAXINSNS);
	}
	for (unsigned i = 0; i < program->len; i++) {
		const struct op *op = find_op(program->filter[i].code);
		const char *fault = op == NULL          ? "no such instruction"
		                    : op->check == NULL ? NULL
		                                        : op->check(program, i);

		if (fault != NULL) {
			return err_set(err, -EINVAL, "instruction %u: %s", i, fault);
		}
	}
	if (BPF_CLASS(program->filter[program->len - 1].code) != BPF_RET) {
		return err_set(err, -EINVAL, "instruction %u: the last one must be a return",
		               program->len - 1u);
	}
	return 0;
}

/* ---- Before the first instruction ---- */

/* The verifier refuses to read what was never written. */
static void emit_clear(struct translation *t)
{
	for (int at = AT_HEAD; at < 0; at += 8) {
		ebpf_store_imm(t->code, BPF_DW, REG_STACK, at, 0);
	}
	ebpf_set32(t->code, REG_A, 0);
	ebpf_set32(t->code, REG_X, 0);
}

/* As much as there is, `most` bytes at the most, to the head. R2: from where, R4: how much is left.
 */
static void emit_copy_rest(struct translation *t, unsigned to, unsigned most)
{
	struct ebpf_label fits = {0}, nothing = {0}, some = {0};

	ebpf_jump_imm(t->code, BPF_JLE, BPF_REG_4, (int32_t)most, &fits);
	ebpf_alu_imm(t->code, BPF_MOV, BPF_REG_4, (int32_t)most);
	ebpf_land(t->code, &fits);
	ebpf_jump_imm(t->code, BPF_JGT, BPF_REG_4, 0, &some);
	ebpf_go(t->code, &nothing);
	ebpf_land(t->code, &some);
	emit_copy(t, AT_HEAD + (int)to);
	ebpf_land(t->code, &nothing);
}

/* The frame up to the tag, the tag, and the rest. A frame that ends before it stays as it is. */
static void emit_copy_tagged(struct translation *t, struct ebpf_label *plain)
{
	ebpf_alu_imm(t->code, BPF_MOV, BPF_REG_2, 0);
	ebpf_alu_imm(t->code, BPF_MOV, BPF_REG_4, MACS_BYTES);
	emit_copy(t, AT_HEAD);
	ebpf_jump_imm(t->code, BPF_JNE, BPF_REG_0, 0, plain);

	ebpf_load(t->code, BPF_W, BPF_REG_1, REG_CONTEXT, offsetof(struct __sk_buff, vlan_proto));
	ebpf_store(t->code, BPF_H, REG_STACK, AT_HEAD + MACS_BYTES, BPF_REG_1);
	ebpf_load(t->code, BPF_W, BPF_REG_1, REG_CONTEXT, offsetof(struct __sk_buff, vlan_tci));
	ebpf_swap(t->code, BPF_REG_1, 16);
	ebpf_store(t->code, BPF_H, REG_STACK, AT_HEAD + MACS_BYTES + 2, BPF_REG_1);

	ebpf_alu(t->code, BPF_MOV, BPF_REG_4, REG_LEN);
	ebpf_alu_imm(t->code, BPF_SUB, BPF_REG_4, MACS_BYTES);
	ebpf_alu_imm(t->code, BPF_ADD, REG_LEN, TAG_BYTES);
	ebpf_store_imm(t->code, BPF_DW, REG_STACK, AT_SHIFT, TAG_BYTES);
	ebpf_alu_imm(t->code, BPF_MOV, BPF_REG_2, MACS_BYTES);
	emit_copy_rest(t, TAG_END, HEAD_BYTES - TAG_END);
}

static void emit_prologue(struct translation *t)
{
	struct ebpf_label plain = {0}, ready = {0};

	ebpf_load(t->code, BPF_W, REG_LEN, REG_CONTEXT, offsetof(struct __sk_buff, len));
	emit_clear(t);
	if (t->has_tags) {
		ebpf_load(t->code, BPF_W, BPF_REG_1, REG_CONTEXT,
		          offsetof(struct __sk_buff, vlan_present));
		ebpf_jump_imm(t->code, BPF_JEQ, BPF_REG_1, 0, &plain);
		emit_copy_tagged(t, &plain);
		ebpf_go(t->code, &ready);
		ebpf_land(t->code, &plain);
	}
	ebpf_alu_imm(t->code, BPF_MOV, BPF_REG_2, 0);
	ebpf_alu(t->code, BPF_MOV, BPF_REG_4, REG_LEN);
	emit_copy_rest(t, 0, HEAD_BYTES);
	ebpf_land(t->code, &ready);
}

/* ---- The whole ---- */

/* Without what cannot be reached, for the verifier refuses that. */
static void emit_body(struct translation *t)
{
	bool falls_through = true;

	for (t->at = 0; t->at < t->program->len; t->at++) {
		const struct sock_filter *insn = &t->program->filter[t->at];

		if (falls_through || ebpf_has_jump(&t->targets[t->at])) {
			ebpf_land(t->code, &t->targets[t->at]);
			find_op(insn->code)->emit(t, insn);
			falls_through = BPF_CLASS(insn->code) != BPF_JMP &&
			                BPF_CLASS(insn->code) != BPF_RET;
		}
	}
	if (ebpf_has_jump(&t->none)) {
		ebpf_land(t->code, &t->none);
		ebpf_set32(t->code, BPF_REG_0, 0);
	}
	ebpf_land(t->code, &t->end);
}

int cbpf_translate(const struct sock_fprog *program, bool has_tags, struct ebpf_code *code,
                   struct err *err)
{
	struct translation t = {.program = program, .has_tags = has_tags, .code = code};
	int ret = check(program, err);

	if (ret != 0) {
		return ret;
	}
	emit_prologue(&t);
	emit_body(&t);
	return code->is_full
	               ? err_set(err, -E2BIG, "a program of more than %u instructions", code->room)
	               : 0;
}
