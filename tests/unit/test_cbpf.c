/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the translator from classic BPF refuses, and that what it makes of all else is in a shape
 * that the kernel's verifier can take. What it means is tested in tests/bpf.
 */
#include "capture/cbpf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define ROW_INSNS  4

#define RETURN_ALL BPF_STMT(BPF_RET | BPF_K, 262144)

static int translate(const struct sock_filter *insns, size_t len, unsigned room, bool has_tags,
                     struct ebpf_code *out_code, struct err *err)
{
	struct sock_fprog program = {
		.len = (uint16_t)len,
		.filter = (struct sock_filter *)insns,
	};

	err->text[0] = '\0';
	assert_int_equal(ebpf_init(out_code, room), 0);
	return cbpf_translate(&program, has_tags, out_code, err);
}

/* ---- Refusals ---- */

struct bad_row {
	const char *reason; /* in the message */
	size_t len;
	struct sock_filter insns[ROW_INSNS];
};

/* The program of one instruction and a return. */
#define BAD(why, ...)                           \
	{                                       \
		why, 2,                         \
		{                               \
			__VA_ARGS__, RETURN_ALL \
		}                               \
	}

static const struct bad_row bad_rows[] = {
	BAD("instruction 0: no such instruction", BPF_STMT(0xffff, 0)),
	BAD("instruction 0: no such instruction", BPF_STMT(BPF_LD | BPF_B | BPF_LEN, 0)),
	BAD("instruction 0: no such instruction", BPF_STMT(BPF_LD | 0x18 | BPF_ABS, 0)),
	BAD("instruction 0: no such instruction", BPF_STMT(BPF_LD | BPF_W | BPF_MSH, 0)),
	BAD("instruction 0: no such instruction", BPF_STMT(BPF_LDX | BPF_W | BPF_ABS, 0)),
	BAD("instruction 0: no such instruction", BPF_STMT(BPF_ST | BPF_MEM, 0)),
	BAD("instruction 0: no such instruction", BPF_STMT(BPF_ALU | BPF_NEG | BPF_X, 0)),
	BAD("instruction 0: no such instruction", BPF_STMT(BPF_ALU | 0xb0, 0)),
	BAD("instruction 0: no such instruction", BPF_STMT(BPF_JMP | 0x50, 0)),
	BAD("instruction 0: no such instruction", BPF_STMT(BPF_JMP | BPF_JA | BPF_X, 0)),
	BAD("instruction 0: no such instruction", BPF_STMT(BPF_RET | BPF_X, 0)),
	BAD("instruction 0: no such instruction", BPF_STMT(BPF_MISC | 0x40, 0)),
	BAD("ancillary",
            BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL))),
	BAD("ancillary", BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_NET_OFF)),
	BAD("ancillary", BPF_STMT(BPF_LD | BPF_W | BPF_ABS, UINT32_MAX)),
	BAD("ancillary", BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0x80000000)),
	BAD("ancillary", BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, (uint32_t)SKF_LL_OFF)),
	BAD("word of memory", BPF_STMT(BPF_LD | BPF_MEM, 16)),
	BAD("word of memory", BPF_STMT(BPF_LDX | BPF_MEM, UINT32_MAX)),
	BAD("word of memory", BPF_STMT(BPF_ST, 16)),
	BAD("word of memory", BPF_STMT(BPF_STX, 0x40000000)),
	BAD("division by zero", BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0)),
	BAD("division by zero", BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 0)),
	BAD("more than 31 bits", BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32)),
	BAD("more than 31 bits", BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, UINT32_MAX)),
	BAD("instruction 0: jump", BPF_STMT(BPF_JMP | BPF_JA, 1)),
	BAD("instruction 0: jump backwards", BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX)),
	BAD("instruction 0: jump", BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0)),
	BAD("instruction 0: jump", BPF_JUMP(BPF_JMP | BPF_JSET | BPF_X, 0, 0, 255)),
	{"instruction 1: jump", 2, {RETURN_ALL, BPF_STMT(BPF_JMP | BPF_JA, 0)}},
	{"instruction 1: the last one", 2, {RETURN_ALL, BPF_STMT(BPF_LD | BPF_IMM, 0)}},
	{"instruction 2: division",
         4,
         {RETURN_ALL, RETURN_ALL, BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RETURN_ALL}},
	{"0 instructions", 0, {RETURN_ALL}},
};

static void test_refused(void **state)
{
	struct ebpf_code code;
	struct err err;

	(void)state;
	for (size_t i = 0; i < LEN(bad_rows); i++) {
		const struct bad_row *row = &bad_rows[i];

		assert_int_equal(translate(row->insns, row->len, 1000, i % 2, &code, &err),
		                 -EINVAL);
		if (strstr(err.text, row->reason) == NULL) {
			fail_msg("row %zu: %s", i, err.text);
		}
		assert_int_equal(code.count, 0);
		ebpf_fini(&code);
	}
}

static void test_length(void **state)
{
	struct sock_filter insns[BPF_MAXINSNS + 1];
	struct ebpf_code code;
	struct err err;

	(void)state;
	for (size_t i = 0; i < LEN(insns); i++) {
		insns[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, (uint32_t)i);
	}
	insns[BPF_MAXINSNS - 1] = insns[BPF_MAXINSNS] = (struct sock_filter)RETURN_ALL;
	assert_int_equal(translate(insns, BPF_MAXINSNS, EBPF_ROOM_MAX, true, &code, &err), 0);
	ebpf_fini(&code);
	assert_int_equal(translate(insns, BPF_MAXINSNS + 1, EBPF_ROOM_MAX, true, &code, &err),
	                 -EINVAL);
	ebpf_fini(&code);
}

/* Too little room anywhere on the way, or too long in the end. */
static void test_room(void **state)
{
	const struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 1000),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 17, 0, 2),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 14),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_X, 0, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		RETURN_ALL,
	};
	struct ebpf_code code;
	struct err err;
	unsigned needed;

	(void)state;
	assert_int_equal(translate(insns, LEN(insns), 1000, true, &code, &err), 0);
	needed = code.count;
	ebpf_fini(&code);
	for (unsigned room = 1; room <= needed; room++) {
		assert_int_equal(translate(insns, LEN(insns), room, true, &code, &err),
		                 room < needed ? -E2BIG : 0);
		assert_in_range(code.count, room, room);
		ebpf_fini(&code);
	}
}

/* ---- Shape ---- */

static bool is_jump(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_JMP && BPF_OP(insn->code) != BPF_CALL;
}

/* Every jump goes forward and no further than just behind the end, and all can be reached. */
static void expect_shape(const struct ebpf_code *code)
{
	uint8_t reached[EBPF_ROOM_MAX + 1] = {1};

	for (unsigned i = 0; i < code->count; i++) {
		const struct bpf_insn *insn = &code->insns[i];

		assert_int_equal(reached[i], 1);
		if (is_jump(insn)) {
			assert_in_range(insn->off, 0, code->count - i - 1);
			reached[i + 1 + (unsigned)insn->off] = 1;
		}
		if (!is_jump(insn) || BPF_OP(insn->code) != BPF_JA) {
			reached[i + 1] = 1;
		}
	}
	assert_int_equal(reached[code->count], 1);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Mostly instructions that there are, with operands that are mostly right. */
static struct sock_filter random_insn(uint32_t *seed)
{
	static const uint16_t codes[] = {
		0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0c, 0x14, 0x15, 0x16, 0x1d, 0x20,
		0x24, 0x25, 0x28, 0x30, 0x34, 0x35, 0x3c, 0x40, 0x45, 0x48, 0x50, 0x54, 0x60, 0x61,
		0x64, 0x6c, 0x74, 0x7c, 0x80, 0x81, 0x84, 0x87, 0x94, 0x9c, 0xa4, 0xb1,
	};

	return (struct sock_filter){
		.code = next_random(seed) % 100 != 0 ? codes[next_random(seed) % LEN(codes)]
	                                             : (uint16_t)next_random(seed),
		.jt = (uint8_t)(next_random(seed) % 4),
		.jf = (uint8_t)(next_random(seed) % 8),
		.k = next_random(seed) % (next_random(seed) % 20 != 0 ? 16 : UINT32_MAX),
	};
}

static void test_any_program(void **state)
{
	struct sock_filter insns[40];
	uint32_t seed = 2463534242;
	unsigned translated = 0;
	struct ebpf_code code;
	struct err err;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t len = next_random(&seed) % LEN(insns);

		for (size_t at = 0; at < len; at++) {
			insns[at] = random_insn(&seed);
		}
		insns[len] = (struct sock_filter)RETURN_ALL;
		if (translate(insns, len + 1, 4000, i % 2, &code, &err) == 0) {
			expect_shape(&code);
			translated++;
		} else {
			assert_string_not_equal(err.text, "");
		}
		ebpf_fini(&code);
	}
	assert_in_range(translated, 2000, 18000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_any_program),
	};

	return cmocka_run_group_tests_name("cbpf", tests, NULL, NULL);
}
