/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The eBPF filter run on single frames (BPF_PROG_TEST_RUN), for tests that need CAP_BPF. The kernel
 * takes the MAC header off before the run.
 */
#pragma once

#include <passer/bpf_abi.h>

#include "passer_filter.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

#define KERNEL_SHORTEST 15 /* the kernel refuses to run on a bare Ethernet header, */
#define KERNEL_ALWAYS   54 /* newer ones on an IP header that is not complete either */
#define KERNEL_CPUS_MAX 256
#define MAC_BYTES       14

#define WINDOW_TICKS 1000u

struct kernel {
	struct passer_filter *skeleton;
	struct filter_counters before; /* what had been counted when it was read last */
	int cpus;
};

/* False without the privilege. */
static inline bool kernel_open(struct kernel *k)
{
	struct filter_constants constants = {.window_ticks = WINDOW_TICKS};

	for (unsigned i = 0; i < sizeof(constants.hash_key) / sizeof(*constants.hash_key); i++) {
		constants.hash_key[i] = 0x9e3779b1u * (i + 1);
	}
	*k = (struct kernel){.skeleton = passer_filter__open(), .cpus = libbpf_num_possible_cpus()};
	assert_in_range(k->cpus, 1, KERNEL_CPUS_MAX);
	assert_non_null(k->skeleton);
	memcpy((void *)&k->skeleton->rodata->constants, &constants, sizeof(constants));
	return passer_filter__load(k->skeleton) == 0;
}

static inline void kernel_close(struct kernel *k)
{
	passer_filter__destroy(k->skeleton);
}

static inline void kernel_select(const struct kernel *k, uint32_t keep_classes, unsigned tcp_budget,
                                 unsigned udp_budget)
{
	const struct filter_settings settings = {
		.keep_classes = keep_classes, .tcp_budget = tcp_budget, .udp_budget = udp_budget};
	const uint32_t key = 0;

	assert_int_equal(bpf_map_update_elem(bpf_map__fd(k->skeleton->maps.settings), &key,
	                                     &settings, BPF_ANY),
	                 0);
}

static inline void kernel_sum(const struct kernel *k, const struct bpf_map *map, uint32_t key,
                              uint64_t *out_words, size_t words)
{
	uint64_t per_cpu[KERNEL_CPUS_MAX * sizeof(struct filter_events) / sizeof(uint64_t)];

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(map), &key, per_cpu), 0);
	for (size_t i = 0; i < (size_t)k->cpus * words; i++) {
		out_words[i % words] += per_cpu[i];
	}
}

static inline struct filter_counters kernel_read_counters(const struct kernel *k)
{
	struct filter_counters sum = {.flows_unknown = 0};

	kernel_sum(k, k->skeleton->maps.counters, 0, (uint64_t *)&sum,
	           sizeof(struct filter_events) / sizeof(uint64_t));
	for (uint32_t key = 0; key < CLASS_COUNTERS; key++) {
		if (key % USED_COUNTS == 0 || has_budget(key / USED_COUNTS)) {
			kernel_sum(k, k->skeleton->maps.classes, key,
			           (uint64_t *)(&sum.classes[0][0] + key),
			           sizeof(struct class_counter) / sizeof(uint64_t));
		}
	}
	return sum;
}

/* Since the last call. */
static inline struct filter_counters kernel_take_counters(struct kernel *k)
{
	const struct filter_counters now = kernel_read_counters(k);
	struct filter_counters since = now;

	for (size_t i = 0; i < sizeof(now) / sizeof(uint64_t); i++) {
		((uint64_t *)&since)[i] -= ((const uint64_t *)&k->before)[i];
	}
	k->before = now;
	return since;
}

/* False when the kernel does not run the program on such a frame. */
static inline bool kernel_run(const struct kernel *k, const uint8_t *bytes, size_t len,
                              uint32_t *out_verdict)
{
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts),
		.data_in = bytes,
		.data_size_in = (uint32_t)len,
		.repeat = 1,
	};
	int program = bpf_program__fd(k->skeleton->progs.passer_filter);
	int ret = bpf_prog_test_run_opts(program, &opts);

	assert_true(ret == 0 || (ret == -EINVAL && len < KERNEL_ALWAYS));
	*out_verdict = opts.retval;
	return ret == 0;
}
