/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The classes that the eBPF filter gives, against expected ones and against pkt_class(), which must
 * agree on every frame, plain and in every wrapping, whole, cut at any length, and with random
 * damage. Needs CAP_BPF, else skipped.
 */
#include <passer/decode/pkt.h>

#include "frames.h"
#include "kernel.h"

#include <stdio.h>

#define DAMAGES 20000
#define INSNS_OF_SOCKETS \
	2000 /* 20 KiB of option memory a socket up to Linux 6.6, 8 an instruction */

/* ---- What both sides say ---- */

static struct class_counter sum_used(const struct class_counter used[static USED_COUNTS])
{
	struct class_counter sum = {.kept = 0};

	for (int i = 0; i < USED_COUNTS; i++) {
		sum.kept += used[i].kept;
		sum.dropped += used[i].dropped;
		sum.kept_bytes += used[i].kept_bytes;
		sum.dropped_bytes += used[i].dropped_bytes;
	}
	return sum;
}

static void expect_counted(const struct class_counter *counted, bool is_kept, size_t bytes)
{
	assert_int_equal(counted->kept, is_kept ? 1 : 0);
	assert_int_equal(counted->dropped, is_kept ? 0 : 1);
	assert_int_equal(counted->kept_bytes, is_kept ? bytes : 0);
	assert_int_equal(counted->dropped_bytes, is_kept ? 0 : bytes);
}

/* The class whose counter has moved; FRAME_CLASS_COUNT when the program was not run. */
static enum frame_class class_in_kernel(struct kernel *k, const uint8_t *bytes, size_t len,
                                        bool is_kept)
{
	enum frame_class found = FRAME_CLASS_COUNT;
	uint32_t verdict;

	kernel_take_counters(k);
	if (!kernel_run(k, bytes, len, &verdict)) {
		return FRAME_CLASS_COUNT;
	}
	const struct filter_counters counters = kernel_take_counters(k);

	assert_int_equal(verdict, is_kept ? UINT32_MAX : 0);
	for (int i = 0; i < FRAME_CLASS_COUNT; i++) {
		struct class_counter sum = sum_used(counters.classes[i]);

		if (sum.kept + sum.dropped != 0) {
			assert_int_equal(found, FRAME_CLASS_COUNT);
			found = (enum frame_class)i;
			expect_counted(&sum, is_kept, len - MAC_BYTES);
		}
	}
	return found;
}

static enum frame_class class_in_user_space(const uint8_t *bytes, size_t len)
{
	struct frame frame = {
		.bytes = span_of(bytes, len),
		.wire_bytes = (uint32_t)len,
		.link = LINK_ETHERNET,
	};
	struct decode_counters counters = {0};
	struct pkt pkt;

	pkt_decode(&pkt, &frame, &counters);
	return pkt_class(&pkt);
}

static void expect_class(const char *wrap, const char *name, size_t len, enum frame_class found,
                         enum frame_class expected)
{
	if (found != expected) {
		fail_msg("%s, %s, %zu bytes: %s, not %s", wrap, name, len, frame_class_name(found),
		         frame_class_name(expected));
	}
}

/* Both give this class; the kernel may not want to run on a short frame. */
static void expect_agreement(struct kernel *k, const char *wrap, const char *name,
                             const uint8_t *bytes, size_t len)
{
	enum frame_class found = class_in_kernel(k, bytes, len, true);

	if (found != FRAME_CLASS_COUNT) {
		expect_class(wrap, name, len, found, class_in_user_space(bytes, len));
	}
}

/* ---- Tests ---- */

static void test_classes(void **state)
{
	struct kernel *k = *state;
	uint8_t bytes[FRAME_MAX];

	for (size_t i = 0; i < FRAME_ROWS; i++) {
		size_t len = frame_parse(frame_rows[i].hex, bytes);

		expect_class("", frame_rows[i].name, len, class_in_kernel(k, bytes, len, true),
		             frame_rows[i].expected);
		expect_class("user space", frame_rows[i].name, len, class_in_user_space(bytes, len),
		             frame_rows[i].expected);
	}
}

static void test_every_class_has_a_row(void **state)
{
	uint32_t seen = 0;

	(void)state;
	for (size_t i = 0; i < FRAME_ROWS; i++) {
		seen |= 1u << frame_rows[i].expected;
	}
	assert_int_equal(seen, FRAME_CLASSES_ALL);
}

static void test_cut_everywhere(void **state)
{
	struct kernel *k = *state;
	uint8_t bytes[FRAME_MAX];

	for (size_t i = 0; i < FRAME_ROWS; i++) {
		size_t whole = frame_parse(frame_rows[i].hex, bytes);

		for (size_t len = KERNEL_SHORTEST; len < whole; len++) {
			expect_agreement(k, "", frame_rows[i].name, bytes, len);
		}
	}
}

/* The first frames of a tunnel have a class of their own. */
static void pass_beginnings(struct kernel *k)
{
	uint8_t bytes[FRAME_MAX];
	uint32_t verdict;

	for (size_t w = 0; w < WRAP_ROWS; w++) {
		for (int i = 0; i < TUNNEL_BUDGET; i++) {
			size_t len = frame_parse(wrap_rows[w].hex, bytes);

			assert_true(len + 60 < FRAME_MAX);
			memset(bytes + len, 0, 60);
			assert_true(kernel_run(k, bytes, len + 60, &verdict));
		}
	}
}

static void test_wrapped(void **state)
{
	struct kernel *k = *state;
	uint8_t bytes[FRAME_MAX];
	unsigned tried = 0;

	pass_beginnings(k);
	for (size_t i = 0; i < WRAP_ROWS * FRAME_ROWS; i++) {
		const struct wrap_row *wrap = &wrap_rows[i / FRAME_ROWS];
		const struct frame_row *row = &frame_rows[i % FRAME_ROWS];
		size_t len = frame_wrap(wrap, row, bytes);

		if (len == 0 || (row->is_misnamed && wrap->kind != WRAP_ETHERNET)) {
			continue;
		}
		expect_class(wrap->name, row->name, len, class_in_kernel(k, bytes, len, true),
		             row->expected);
		expect_class(wrap->name, row->name, len, class_in_user_space(bytes, len),
		             row->expected);
		tried++;
	}
	assert_in_range(tried, WRAP_ROWS * 50, WRAP_ROWS * FRAME_ROWS);
}

/* One level is walked. */
static void test_wrapped_twice(void **state)
{
	struct kernel *k = *state;
	uint8_t bytes[FRAME_MAX];
	unsigned tried = 0;

	pass_beginnings(k);
	for (size_t i = 0; i < WRAP_ROWS * WRAP_ROWS; i++) {
		const struct wrap_row *outer = &wrap_rows[i / WRAP_ROWS];
		const struct wrap_row *inner = &wrap_rows[i % WRAP_ROWS];
		const struct frame_row row = {.hex = inner->hex};
		size_t len = frame_wrap(outer, &row, bytes);

		if (len != 0 && outer->is_tunnel && inner->is_tunnel) {
			expect_class(outer->name, inner->name, len,
			             class_in_kernel(k, bytes, len, true), FRAME_CLASS_TUNNEL);
			expect_class(outer->name, inner->name, len, class_in_user_space(bytes, len),
			             FRAME_CLASS_TUNNEL);
			tried++;
		}
	}
	assert_in_range(tried, WRAP_ROWS, WRAP_ROWS * WRAP_ROWS);
}

static void test_wrapped_and_cut(void **state)
{
	struct kernel *k = *state;
	uint8_t bytes[FRAME_MAX];

	pass_beginnings(k);
	for (size_t w = 0; w < WRAP_ROWS; w++) {
		for (size_t i = w % 3; i < FRAME_ROWS; i += 11) {
			size_t whole = frame_wrap(&wrap_rows[w], &frame_rows[i], bytes);

			for (size_t len = KERNEL_SHORTEST; len < whole; len++) {
				expect_agreement(k, wrap_rows[w].name, frame_rows[i].name, bytes,
				                 len);
			}
		}
	}
}

/* Reproducible: the same frames in each run. */
static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void damage(uint8_t *bytes, size_t len, uint32_t *seed)
{
	for (uint32_t n = next_random(seed) % 3 + 1; n > 0; n--) {
		bytes[12 + next_random(seed) % (len - 12)] = (uint8_t)next_random(seed);
	}
}

static void test_damaged(void **state)
{
	struct kernel *k = *state;
	uint8_t bytes[FRAME_MAX];
	uint32_t seed = 2463534242;

	for (int i = 0; i < DAMAGES; i++) {
		const struct frame_row *row = &frame_rows[next_random(&seed) % FRAME_ROWS];
		size_t len = frame_parse(row->hex, bytes);

		damage(bytes, len, &seed);
		/* Damage may make a tunnel of it, with ends that nobody has seen yet. */
		if (class_in_kernel(k, bytes, len, true) != FRAME_CLASS_TUNNEL) {
			expect_agreement(k, "", row->name, bytes, len);
		}
	}
}

static void test_wrapped_and_damaged(void **state)
{
	struct kernel *k = *state;
	uint8_t bytes[FRAME_MAX];
	uint32_t seed = 88675123;
	uint32_t verdict;

	for (int i = 0; i < DAMAGES; i++) {
		const struct wrap_row *wrap = &wrap_rows[next_random(&seed) % WRAP_ROWS];
		const struct frame_row *row = &frame_rows[next_random(&seed) % FRAME_ROWS];
		size_t len = frame_wrap(wrap, row, bytes);

		if (len != 0) {
			damage(bytes, len, &seed);
			for (int n = 0; n < TUNNEL_BUDGET; n++) {
				kernel_run(k, bytes, len, &verdict);
			}
			expect_agreement(k, wrap->name, row->name, bytes, len);
		}
	}
}

/* Each class alone is dropped, all others are kept. */
static void test_mask(void **state)
{
	struct kernel *k = *state;
	uint8_t bytes[FRAME_MAX];

	for (int dropped = 0; dropped < FRAME_CLASS_COUNT; dropped++) {
		kernel_select(k, ~(1u << dropped), BUDGET_ALL, BUDGET_ALL);
		for (size_t i = 0; i < FRAME_ROWS; i++) {
			size_t len = frame_parse(frame_rows[i].hex, bytes);
			bool is_kept = (int)frame_rows[i].expected != dropped;

			expect_class("", frame_rows[i].name, len,
			             class_in_kernel(k, bytes, len, is_kept),
			             frame_rows[i].expected);
		}
	}
}

static unsigned insns_of(const struct bpf_program *program)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len), 0);
	return info.xlated_prog_len / 8;
}

/* A socket has little memory for its filter, but programs that it calls are not charged for. */
static void test_size(void **state)
{
	struct kernel *k = *state;
	unsigned insns = insns_of(k->skeleton->progs.passer_filter);

	print_message("# passer_filter: %u instructions, passer_filter_walk: %u\n", insns,
	              insns_of(k->skeleton->progs.passer_filter_walk));
	assert_in_range(insns, 1, INSNS_OF_SOCKETS);
}

static int select_all(void **state)
{
	kernel_select(*state, UINT32_MAX, BUDGET_ALL, BUDGET_ALL);
	return 0;
}

#define TEST(name) cmocka_unit_test_prestate_setup_teardown(test_##name, select_all, NULL, &k)

int main(void)
{
	struct kernel k;
	const struct CMUnitTest tests[] = {
		TEST(classes), TEST(every_class_has_a_row), TEST(cut_everywhere),
		TEST(wrapped), TEST(wrapped_twice),         TEST(wrapped_and_cut),
		TEST(damaged), TEST(wrapped_and_damaged),   TEST(mask),
		TEST(size),
	};

	if (!kernel_open(&k) && errno == EPERM) {
		puts("1..0 # SKIP needs CAP_BPF");
		return 0;
	}
	int failed = cmocka_run_group_tests_name("filter", tests, NULL, NULL);

	kernel_close(&k);
	return failed;
}
