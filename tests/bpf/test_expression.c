/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Expressions, and classic BPF programs of any content, translated to eBPF and run by the kernel
 * (BPF_PROG_TEST_RUN), against libpcap's own interpreter over the same frame: whole, damaged, with
 * the tag in place and with the tag taken out. Needs CAP_BPF, else skipped.
 */
#include "capture/cbpf.h"

#include "expressions.h"
#include "frames.h"

#include <passer/capture/expression.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LEN(array)      (sizeof(array) / sizeof((array)[0]))
#define SHORTEST        15 /* the kernel refuses to run on a bare Ethernet header, */
#define ALWAYS_RUN      54 /* newer ones on an IP header that is not complete either */
#define MAC_BYTES       14
#define MACS_BYTES      12
#define TAG_BYTES       4
#define FRAMES_MAX      1200
#define DAMAGES_PER_ROW 1
#define RANDOM_PROGRAMS 3000
#define RANDOM_FRAMES   12

/* libpcap's, whose header cannot stand beside <linux/bpf.h>. The instructions are the same. */
unsigned bpf_filter(const struct sock_filter *insns, const uint8_t *packet, unsigned wire_bytes,
                    unsigned captured_bytes);

struct test_frame {
	size_t len;
	uint8_t bytes[FRAME_MAX];
};

struct frame_set {
	size_t count;
	struct test_frame frames[FRAMES_MAX];
};

static struct frame_set all; /* what frames.h has, whole and damaged */

/* ---- Frames ---- */

/* Reproducible: the same in each run. */
static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void add_frame(struct frame_set *set, const uint8_t *bytes, size_t len)
{
	assert_in_range(set->count, 0, FRAMES_MAX - 1);
	set->frames[set->count].len = len;
	memcpy(set->frames[set->count].bytes, bytes, len);
	set->count++;
}

static void add_damaged(const uint8_t *bytes, size_t len, uint32_t *seed)
{
	uint8_t damaged[FRAME_MAX];

	memcpy(damaged, bytes, len);
	for (uint32_t n = next_random(seed) % 4 + 1; n > 0; n--) {
		damaged[next_random(seed) % len] = (uint8_t)next_random(seed);
	}
	add_frame(&all, damaged, len - next_random(seed) % (len - SHORTEST));
}

static void make_frames(void)
{
	uint32_t seed = 2463534242;
	uint8_t bytes[FRAME_MAX];

	for (size_t i = 0; i < FRAME_ROWS; i++) {
		size_t len = frame_parse(frame_rows[i].hex, bytes);

		add_frame(&all, bytes, len);
		for (int n = 0; n < DAMAGES_PER_ROW; n++) {
			add_damaged(bytes, len, &seed);
		}
	}
}

/* The frame with a tag behind the addresses. */
static size_t put_tag(const struct test_frame *frame, uint16_t type, uint16_t tci,
                      uint8_t out_bytes[static FRAME_MAX + TAG_BYTES])
{
	const uint16_t tag[] = {htons(type), htons(tci)};

	memcpy(out_bytes, frame->bytes, MACS_BYTES);
	memcpy(out_bytes + MACS_BYTES, tag, TAG_BYTES);
	memcpy(out_bytes + MACS_BYTES + TAG_BYTES, frame->bytes + MACS_BYTES,
	       frame->len - MACS_BYTES);
	return frame->len + TAG_BYTES;
}

/* ---- Programs ---- */

/*
 * As a classifier the program may put a tag into the metadata of the packet first: type and value
 * come in skb->mark. Everything else is the same for both types.
 */
static void emit_tag(struct ebpf_code *code)
{
	ebpf_load(code, BPF_W, BPF_REG_2, BPF_REG_6, offsetof(struct __sk_buff, mark));
	ebpf_alu(code, BPF_MOV, BPF_REG_3, BPF_REG_2);
	ebpf_alu_imm(code, BPF_AND, BPF_REG_3, 0xffff);
	ebpf_alu_imm(code, BPF_RSH, BPF_REG_2, 16);
	ebpf_swap(code, BPF_REG_2, 16);
	ebpf_call(code, BPF_FUNC_skb_vlan_push);
	ebpf_alu(code, BPF_MOV, BPF_REG_1, BPF_REG_6);
}

/* The descriptor, or a negative errno with err set. */
static int load(const struct sock_fprog *program, enum bpf_prog_type type, bool has_tags,
                struct err *err)
{
	struct ebpf_code code;
	int ret;

	assert_int_equal(ebpf_init(&code, EBPF_ROOM_MAX), 0);
	ebpf_alu(&code, BPF_MOV, BPF_REG_6, BPF_REG_1);
	if (type == BPF_PROG_TYPE_SCHED_CLS) {
		emit_tag(&code);
	}
	ret = cbpf_translate(program, has_tags, &code, err);
	ebpf_exit(&code);
	if (ret == 0) {
		ret = bpf_prog_load(type, "test", "GPL", code.insns, code.count, NULL);
		ret = ret < 0 ? err_set(err, -errno, "not loaded: %s", strerror(errno)) : ret;
	}
	ebpf_fini(&code);
	return ret;
}

/* False when the kernel does not run the program on such a frame. */
static bool run(int program, const uint8_t *bytes, size_t len, uint32_t mark, uint32_t *out_result)
{
	struct __sk_buff context = {.mark = mark};
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts),
		.data_in = bytes,
		.data_size_in = (uint32_t)len,
		.ctx_in = &context,
		.ctx_size_in = sizeof(context),
		.repeat = 1,
	};
	int ret = bpf_prog_test_run_opts(program, &opts);

	assert_true(ret == 0 || (ret == -EINVAL && len < ALWAYS_RUN));
	*out_result = opts.retval;
	return ret == 0;
}

/* The kernel takes a MAC header off before it runs a socket filter: one is put before the frame. */
static uint32_t run_on(int program, const uint8_t *bytes, size_t len)
{
	uint8_t with_mac[MAC_BYTES + FRAME_MAX + TAG_BYTES];
	uint32_t result;

	memset(with_mac, 0xff, MAC_BYTES);
	memcpy(with_mac + MAC_BYTES, bytes, len);
	assert_true(run(program, with_mac, MAC_BYTES + len, 0, &result));
	return result;
}

static void expect_same(const char *what, const struct sock_fprog *program, const uint8_t *bytes,
                        size_t len, uint32_t result)
{
	uint32_t expected = bpf_filter(program->filter, bytes, (unsigned)len, (unsigned)len);

	if (result != expected) {
		fprintf(stderr, "frame:");
		for (size_t i = 0; i < len; i++) {
			fprintf(stderr, " %02x", bytes[i]);
		}
		fprintf(stderr, "\nprogram:\n");
		for (unsigned i = 0; i < program->len; i++) {
			const struct sock_filter *insn = &program->filter[i];

			fprintf(stderr, "%3u: %02x %u %u %u\n", i, insn->code, insn->jt, insn->jf,
			        insn->k);
		}
		fail_msg("%s, %zu bytes: the kernel says %u, libpcap %u", what, len, result,
		         expected);
	}
}

/* ---- Comparing ---- */

/* Returns on how many frames the result is not 0. */
static size_t compare_plain(const char *what, const struct sock_fprog *program, bool has_tags,
                            const struct frame_set *set)
{
	struct err err;
	int fd = load(program, BPF_PROG_TYPE_SOCKET_FILTER, has_tags, &err);
	size_t matches = 0;

	if (fd < 0) {
		fail_msg("%s: %s", what, err.text);
	}
	for (size_t i = 0; i < set->count; i++) {
		const struct test_frame *f = &set->frames[i];
		uint32_t result = run_on(fd, f->bytes, f->len);

		expect_same(what, program, f->bytes, f->len, result);
		matches += result != 0;
	}
	close(fd);
	return matches;
}

/* Returns how many frames the kernel ran it on. */
static size_t compare_tagged(const char *what, const struct sock_fprog *program,
                             const struct frame_set *set)
{
	static const uint16_t types[] = {0x8100, 0x88a8};
	static const uint16_t values[] = {5, 6, 0, 0xe000, 0xffff, 0x0800, 7};
	struct err err;
	int fd = load(program, BPF_PROG_TYPE_SCHED_CLS, true, &err);
	size_t count = 0;

	if (fd < 0) {
		fail_msg("%s: %s", what, err.text);
	}
	for (size_t i = 0; i < set->count; i++) {
		const struct test_frame *f = &set->frames[i];
		uint16_t type = types[i % LEN(types)], tci = values[i % LEN(values)];
		uint8_t tagged[FRAME_MAX + TAG_BYTES];
		size_t len = put_tag(f, type, tci, tagged);
		uint32_t result;

		if (run(fd, f->bytes, f->len, (uint32_t)type << 16 | tci, &result)) {
			expect_same(what, program, tagged, len, result);
			count++;
		}
	}
	close(fd);
	return count;
}

/* What libpcap refuses to compile, or what needs backward jumps, is left out. */
static bool compile(const char *text, enum link_type link, struct sock_fprog *out_program)
{
	struct ebpf_code code;
	struct err err;
	bool is_good;

	if (expression_compile(text, link, out_program, &err) != 0) {
		return false;
	}
	assert_int_equal(ebpf_init(&code, EBPF_ROOM_MAX), 0);
	is_good = cbpf_translate(out_program, true, &code, &err) == 0;
	ebpf_fini(&code);
	if (!is_good) {
		free(out_program->filter);
	}
	return is_good;
}

/* ---- Tests ---- */

static void test_expressions(void **state)
{
	size_t expressions = 0, tell_apart = 0, runs = 0;
	struct sock_fprog program;
	char text[EXPRESSION_BYTES];

	(void)state;
	for (size_t i = 0; i < EXPRESSION_COUNT; i++) {
		expression_make(i, text);
		if (compile(text, LINK_ETHERNET, &program)) {
			size_t matches = compare_plain(text, &program, true, &all);

			runs += compare_tagged(text, &program, &all);
			free(program.filter);
			expressions++;
			tell_apart += matches > 0 && matches < all.count;
		}
	}
	print_message(
		"# %zu expressions, %zu of them match some of %zu frames; %zu runs with a tag "
		"beside the frame\n",
		expressions, tell_apart, all.count, runs);
	assert_in_range(expressions, 700, EXPRESSION_COUNT);
	assert_in_range(tell_apart, expressions / 2, expressions);
	assert_in_range(runs, expressions * all.count / 2, expressions * all.count);
}

/* Without a MAC header: what the expression is compiled for is all that differs. */
static void test_other_links(void **state)
{
	static const enum link_type links[] = {LINK_RAW_IP, LINK_RADIOTAP, LINK_80211};
	struct sock_fprog program;
	char text[EXPRESSION_BYTES];
	size_t expressions = 0;

	(void)state;
	for (size_t i = 0; i < EXPRESSION_PARTS * LEN(links); i++) {
		expression_make(i / LEN(links), text);
		if (compile(text, links[i % LEN(links)], &program)) {
			compare_plain(text, &program, false, &all);
			free(program.filter);
			expressions++;
		}
	}
	assert_in_range(expressions, 150, EXPRESSION_PARTS * LEN(links));
}

/* ---- Programs of any content ---- */

static uint32_t random_operand(uint16_t code, uint32_t *seed)
{
	static const uint32_t edges[] = {
		0,  1,  2,  8,  9,  10, 11, 12, 13,  14,  15,   16,     76,        77,
		78, 79, 80, 81, 31, 32, 33, 64, 127, 255, 1500, 0xffff, INT32_MAX, 0x80000000};
	uint32_t k = next_random(seed) % 3 == 0   ? edges[next_random(seed) % LEN(edges)]
	             : next_random(seed) % 2 == 0 ? next_random(seed) % 100
	                                          : next_random(seed);

	switch (BPF_CLASS(code)) {
	case BPF_ST:
	case BPF_STX:
		return k % BPF_MEMWORDS;
	case BPF_LD:
	case BPF_LDX:
		return BPF_MODE(code) == BPF_MEM   ? k % BPF_MEMWORDS
		       : BPF_MODE(code) == BPF_IMM ? k
		                                   : k % 100;
	case BPF_ALU:
		return BPF_OP(code) == BPF_LSH || BPF_OP(code) == BPF_RSH ? k % 32 : k | 1;
	default:
		return k;
	}
}

/* All instructions that there are; loads that end the program most of the time are rarer. */
static struct sock_filter random_insn(uint32_t *seed, unsigned left)
{
	static const uint16_t codes[] = {
		0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0c, 0x14, 0x15, 0x16, 0x1c, 0x1d,
		0x20, 0x24, 0x25, 0x28, 0x2c, 0x2d, 0x30, 0x34, 0x35, 0x3c, 0x3d, 0x40, 0x44, 0x45,
		0x48, 0x4c, 0x4d, 0x50, 0x54, 0x5c, 0x60, 0x61, 0x64, 0x6c, 0x74, 0x7c, 0x80, 0x81,
		0x84, 0x87, 0x94, 0x9c, 0xa4, 0xac, 0xb1, 0x28, 0x30, 0x20, 0x50, 0x48, 0x30, 0x50,
	};
	uint16_t code = codes[next_random(seed) % LEN(codes)];
	struct sock_filter insn = {.code = code, .k = random_operand(code, seed)};

	if (BPF_CLASS(code) == BPF_JMP) {
		insn.jt = (uint8_t)(next_random(seed) % left % 16);
		insn.jf = (uint8_t)(next_random(seed) % left % 16);
		insn.k = BPF_OP(code) == BPF_JA ? next_random(seed) % left % 8 : insn.k;
	}
	return insn;
}

/*
 * Begins with memory that has been written, since libpcap 1.10.3 does not clear it, and with an X
 * of a value that is worth adding to; ends with A.
 */
static void make_random(struct sock_filter *insns, unsigned len, uint32_t *seed)
{
	for (unsigned at = 0; at < BPF_MEMWORDS; at++) {
		insns[at] = (struct sock_filter)BPF_STMT(BPF_ST, at);
	}
	insns[BPF_MEMWORDS] =
		(struct sock_filter)BPF_STMT(BPF_LDX | BPF_IMM, next_random(seed) % 20);
	for (unsigned at = BPF_MEMWORDS + 1; at + 1 < len; at++) {
		insns[at] = random_insn(seed, len - at - 1);
	}
	insns[len - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
}

static void test_any_program(void **state)
{
	struct sock_filter insns[80];
	static struct frame_set some = {.count = RANDOM_FRAMES};
	uint32_t seed = 88675123;
	size_t tagged = 0;

	(void)state;
	for (int i = 0; i < RANDOM_PROGRAMS; i++) {
		unsigned len = 18 + next_random(&seed) % (LEN(insns) - 18);
		struct sock_fprog program = {.len = (uint16_t)len, .filter = insns};

		make_random(insns, len, &seed);
		for (size_t n = 0; n < some.count; n++) {
			some.frames[n] = all.frames[next_random(&seed) % all.count];
		}
		compare_plain("random program", &program, i % 2, &some);
		tagged += compare_tagged("random program", &program, &some);
	}
	assert_in_range(tagged, RANDOM_PROGRAMS * RANDOM_FRAMES / 2, SIZE_MAX);
}

/* Frames of all lengths around those that matter, down to one byte. */
static void test_lengths(void **state)
{
	static const char *const texts[] = {
		"len = 16",
		"ether[0:4] > 0",
		"ether[12] > 0",
		"ether[15] > 0",
		"ether[14:4] >= 0",
		"ether[79] >= 0",
		"ether[76:4] >= 0",
		"ether[80] >= 0",
		"ether[77:4] >= 0",
		"ip",
		"ether[ether[0] + 8:4] >= 0",
		"port 22",
	};
	uint8_t bytes[FRAME_MAX] = {2, 0, 0, 0, 0, 1, 2};
	static struct frame_set set;
	struct sock_fprog program;

	(void)state;
	memset(bytes + 14, 0x45, sizeof(bytes) - 14);
	bytes[12] = 8;
	for (size_t len = 1; len <= 90; len++) {
		add_frame(&set, bytes, len);
	}
	for (size_t i = 0; i < LEN(texts); i++) {
		assert_true(compile(texts[i], LINK_ETHERNET, &program));
		compare_plain(texts[i], &program, true, &set);
		free(program.filter);
	}
}

/* The longest that the kernel would take as classic BPF, with every kind of load in it. */
static void test_long_program(void **state)
{
	static struct sock_filter insns[1200];
	struct sock_fprog program = {.len = LEN(insns), .filter = insns};

	(void)state;
	for (size_t i = 0; i < LEN(insns); i++) {
		insns[i] = i % 3 == 0 ? (struct sock_filter)BPF_STMT(BPF_LDX | BPF_IMM, i % 50)
		           : i % 3 == 1
		                   ? (struct sock_filter)BPF_STMT(BPF_LD | BPF_H | BPF_IND, i % 10)
		                   : (struct sock_filter)BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0);
	}
	insns[LEN(insns) - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
	compare_plain("long program", &program, true, &all);
	compare_tagged("long program", &program, &all);
}

static bool is_permitted(void)
{
	struct sock_filter insn = BPF_STMT(BPF_RET | BPF_K, 1);
	struct sock_fprog program = {.len = 1, .filter = &insn};
	struct err err;
	int fd = load(&program, BPF_PROG_TYPE_SCHED_CLS, true, &err);

	if (fd >= 0) {
		close(fd);
	}
	return fd != -EPERM;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expressions),  cmocka_unit_test(test_other_links),
		cmocka_unit_test(test_any_program),  cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_long_program),
	};

	if (!is_permitted()) {
		puts("1..0 # SKIP needs CAP_BPF and CAP_NET_ADMIN");
		return 0;
	}
	make_frames();
	return cmocka_run_group_tests_name("expression", tests, NULL, NULL);
}
