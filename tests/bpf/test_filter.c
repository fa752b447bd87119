/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The eBPF filter against expected classes and against pkt_class(), which must agree on every
 * frame, whole, cut at any length, and with random damage. The kernel runs the program on the
 * frames (BPF_PROG_TEST_RUN), so this needs CAP_BPF, else it is skipped.
 */
#include <passer/decode/pkt.h>

#include "frames.h"
#include "passer_filter.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SHORTEST        15 /* the kernel refuses to run on a bare Ethernet header, */
#define ALWAYS_RUN      54 /* newer ones on an IP header that is not complete either */
#define MAC_BYTES       14
#define DAMAGES_PER_ROW 300
#define INSNS_OF_SOCKETS \
	2000 /* 18 KiB of option memory a socket up to Linux 6.6, 8 an instruction */

/* ---- Running the program ---- */

struct kernel {
	struct passer_filter *skeleton;
	int cpus;
};

static void sum_classes(const struct kernel *k, struct class_counter sums[FRAME_CLASS_COUNT])
{
	struct class_counter per_cpu[256];
	int map = bpf_map__fd(k->skeleton->maps.class_counters);

	assert_in_range(k->cpus, 1, 256);
	memset(sums, 0, FRAME_CLASS_COUNT * sizeof(*sums));
	for (uint32_t key = 0; key < FRAME_CLASS_COUNT; key++) {
		assert_int_equal(bpf_map_lookup_elem(map, &key, per_cpu), 0);
		for (int i = 0; i < k->cpus; i++) {
			sums[key].kept += per_cpu[i].kept;
			sums[key].dropped += per_cpu[i].dropped;
			sums[key].kept_bytes += per_cpu[i].kept_bytes;
			sums[key].dropped_bytes += per_cpu[i].dropped_bytes;
		}
	}
}

/* False when the kernel does not run the program on such a frame. */
static bool run(const struct kernel *k, const uint8_t *bytes, size_t len, uint32_t *out_verdict)
{
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts),
		.data_in = bytes,
		.data_size_in = (uint32_t)len,
		.repeat = 1,
	};
	int program = bpf_program__fd(k->skeleton->progs.passer_filter);
	int ret = bpf_prog_test_run_opts(program, &opts);

	assert_true(ret == 0 || (ret == -EINVAL && len < ALWAYS_RUN));
	*out_verdict = opts.retval;
	return ret == 0;
}

static void expect_counted(const struct class_counter *before, const struct class_counter *after,
                           bool is_kept, size_t bytes)
{
	assert_int_equal(after->kept - before->kept, is_kept ? 1 : 0);
	assert_int_equal(after->dropped - before->dropped, is_kept ? 0 : 1);
	assert_int_equal(after->kept_bytes - before->kept_bytes, is_kept ? bytes : 0);
	assert_int_equal(after->dropped_bytes - before->dropped_bytes, is_kept ? 0 : bytes);
}

/*
 * The class is the one whose counter moved; FRAME_CLASS_COUNT when the program was not run. The
 * kernel takes the MAC header off before the run.
 */
static enum frame_class class_in_kernel(const struct kernel *k, const uint8_t *bytes, size_t len,
                                        bool is_kept)
{
	struct class_counter before[FRAME_CLASS_COUNT];
	struct class_counter after[FRAME_CLASS_COUNT];
	enum frame_class found = FRAME_CLASS_COUNT;
	uint32_t verdict;

	sum_classes(k, before);
	if (!run(k, bytes, len, &verdict)) {
		return FRAME_CLASS_COUNT;
	}
	assert_int_equal(verdict, is_kept ? UINT32_MAX : 0);
	sum_classes(k, after);
	for (int i = 0; i < FRAME_CLASS_COUNT; i++) {
		if (memcmp(&before[i], &after[i], sizeof(before[i])) != 0) {
			assert_int_equal(found, FRAME_CLASS_COUNT);
			found = (enum frame_class)i;
			expect_counted(&before[i], &after[i], is_kept, len - MAC_BYTES);
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

static void expect_class(const char *name, size_t len, enum frame_class found,
                         enum frame_class expected)
{
	if (found != expected) {
		fail_msg("%s, %zu bytes: the kernel says %s, not %s", name, len,
		         frame_class_name(found), frame_class_name(expected));
	}
}

/* ---- Tests ---- */

static void test_classes(void **state)
{
	const struct kernel *k = *state;
	uint8_t bytes[FRAME_MAX];

	for (size_t i = 0; i < FRAME_ROWS; i++) {
		size_t len = frame_parse(frame_rows[i].hex, bytes);

		expect_class(frame_rows[i].name, len, class_in_kernel(k, bytes, len, true),
		             frame_rows[i].expected);
		if (!frame_rows[i].is_deeper) {
			expect_class(frame_rows[i].name, len, frame_rows[i].expected,
			             class_in_user_space(bytes, len));
		}
	}
}

static void test_every_class_has_a_row(void **state)
{
	uint32_t seen = 0;

	(void)state;
	for (size_t i = 0; i < FRAME_ROWS; i++) {
		seen |= 1u << frame_rows[i].expected;
	}
	assert_int_equal(seen, (1u << FRAME_CLASS_COUNT) - 1);
}

static void test_cut_everywhere(void **state)
{
	const struct kernel *k = *state;
	uint8_t bytes[FRAME_MAX];

	for (size_t i = 0; i < FRAME_ROWS; i++) {
		size_t whole = frame_parse(frame_rows[i].hex, bytes);

		for (size_t len = SHORTEST; len < whole && !frame_rows[i].is_deeper; len++) {
			enum frame_class found = class_in_kernel(k, bytes, len, true);

			if (found != FRAME_CLASS_COUNT) {
				expect_class(frame_rows[i].name, len, found,
				             class_in_user_space(bytes, len));
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

static void test_damaged(void **state)
{
	const struct kernel *k = *state;
	uint8_t bytes[FRAME_MAX];
	uint32_t seed = 2463534242;

	for (size_t i = 0; i < FRAME_ROWS * DAMAGES_PER_ROW; i++) {
		const struct frame_row *row = &frame_rows[i % FRAME_ROWS];
		size_t len = frame_parse(row->hex, bytes);

		for (uint32_t n = next_random(&seed) % 3 + 1; n > 0; n--) {
			bytes[12 + next_random(&seed) % (len - 12)] = (uint8_t)next_random(&seed);
		}
		if (!row->is_deeper) {
			expect_class(row->name, len, class_in_kernel(k, bytes, len, true),
			             class_in_user_space(bytes, len));
		}
	}
}

static struct passer_filter *load(uint32_t keep_classes)
{
	struct passer_filter *skeleton = passer_filter__open();

	if (skeleton != NULL) {
		((struct filter_config *)&skeleton->rodata->config)->keep_classes = keep_classes;
		if (passer_filter__load(skeleton) != 0) {
			passer_filter__destroy(skeleton);
			skeleton = NULL;
		}
	}
	return skeleton;
}

/* Each class alone is dropped, all others are kept. */
static void test_mask(void **state)
{
	struct kernel k = *(const struct kernel *)*state;
	uint8_t bytes[FRAME_MAX];

	for (int dropped = 0; dropped < FRAME_CLASS_COUNT; dropped++) {
		k.skeleton = load(~(1u << dropped));
		assert_non_null(k.skeleton);
		for (size_t i = 0; i < FRAME_ROWS; i++) {
			size_t len = frame_parse(frame_rows[i].hex, bytes);
			bool is_kept = (int)frame_rows[i].expected != dropped;

			expect_class(frame_rows[i].name, len,
			             class_in_kernel(&k, bytes, len, is_kept),
			             frame_rows[i].expected);
		}
		passer_filter__destroy(k.skeleton);
	}
}

/* A socket has little memory for its filter. */
static void test_size(void **state)
{
	const struct kernel *k = *state;
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(k->skeleton->progs.passer_filter),
	                                        &info, &len),
	                 0);
	assert_in_range(info.xlated_prog_len / 8, 1, INSNS_OF_SOCKETS);
}

int main(void)
{
	struct kernel k = {.skeleton = load(UINT32_MAX), .cpus = libbpf_num_possible_cpus()};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_classes, &k),
		cmocka_unit_test(test_every_class_has_a_row),
		cmocka_unit_test_prestate(test_cut_everywhere, &k),
		cmocka_unit_test_prestate(test_damaged, &k),
		cmocka_unit_test_prestate(test_mask, &k),
		cmocka_unit_test_prestate(test_size, &k),
	};

	if (k.skeleton == NULL && errno == EPERM) {
		puts("1..0 # SKIP needs CAP_BPF");
		return 0;
	}
	int failed = cmocka_run_group_tests_name("filter", tests, NULL, NULL);

	passer_filter__destroy(k.skeleton);
	return failed;
}
