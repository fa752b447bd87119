/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter.h"

#include "bpflog.h"
#include "syserr.h"
#include "user_filter.h"

#include "passer_filter.skel.h"

#include <passer/base/clock.h>
#include <passer/capture/link.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#define LOOPBACK_IFINDEX 1 /* in every network namespace: the kernel makes it first */

struct filter {
	struct passer_filter *skeleton;
	struct user_filter *user; /* asked before; NULL: none */
	enum link_type user_link; /* of the frames that it can be asked about */
	struct err user_fault;    /* why there is none */
	uint64_t *per_cpu;        /* room for an entry of a map of counters */
	int cpus;
};

static const uint32_t only_key; /* of maps with one entry */

/* The longest entry of a map of counters; the other ones are class_counter. */
#define ENTRY_BYTES sizeof(struct filter_events)

_Static_assert(ENTRY_BYTES >= sizeof(struct class_counter), "it is the longest");

/* ---- Loading ---- */

/* What the filter could not read is always kept: user space looks again and counts it. */
static struct filter_settings settings_of(const struct ring_selection *selection)
{
	return (struct filter_settings){
		.keep_classes = selection->keep_classes | FRAME_CLASSES_ALWAYS_KEPT,
		.tcp_budget = selection->tcp_budget,
		.udp_budget = selection->udp_budget,
		.loopback_ifindex = LOOPBACK_IFINDEX,
	};
}

/* The kernel's coarse clock moves once in a jiffy, so its resolution tells how long that is. */
static uint32_t window_ticks(void)
{
	struct timespec jiffy = {.tv_nsec = NS_PER_S / 250};

	clock_getres(CLOCK_MONOTONIC_COARSE, &jiffy);
	return (uint32_t)(BUDGET_WINDOW_S * NS_PER_S / (uint64_t)jiffy.tv_nsec >> FLOW_TICK_SHIFT);
}

static int set_constants(struct filter *f, const struct filter *sibling)
{
	/* Read-only for the programs; here it may still be written. */
	struct filter_constants *constants =
		(struct filter_constants *)&f->skeleton->rodata->constants;

	if (sibling != NULL) {
		memcpy(constants, (const void *)&sibling->skeleton->rodata->constants,
		       sizeof(*constants));
		return bpf_map__reuse_fd(f->skeleton->maps.flows,
		                         bpf_map__fd(sibling->skeleton->maps.flows));
	}
	constants->window_ticks = window_ticks();
	return getrandom(constants->hash_key, sizeof(constants->hash_key), 0) < 0 ? -errno : 0;
}

static int load(struct filter *f, const struct ring_config *config, const struct filter *sibling)
{
	int ret = set_constants(f, sibling);

	if (ret == 0) {
		ret = passer_filter__load(f->skeleton);
	}
	return ret == 0 ? filter_set_selection(f, &config->selection) : ret;
}

/* LINK_UNKNOWN: of all interfaces. */
static int find_link(const struct ring_config *config, enum link_type *out_link, struct err *err)
{
	struct link_info link = {.hatype = 0};
	int ret = config->ifindex != 0 ? link_find(config->name, &link, err) : 0;

	if (ret == 0) {
		*out_link = config->ifindex != 0 ? link_type_of(link.hatype) : LINK_UNKNOWN;
	}
	return ret;
}

/* Without it the expression is asked in user space. */
static void load_expression(struct filter *f, const char *expression)
{
	const struct user_filter_config config = {
		.expression = expression,
		.link = f->user_link,
		.loopback_ifindex = LOOPBACK_IFINDEX,
		.next = bpf_program__fd(f->skeleton->progs.passer_filter),
		.counters = bpf_map__fd(f->skeleton->maps.counters),
	};

	(void)user_filter_open(&config, &f->user, &f->user_fault);
}

int filter_open(const struct ring_config *config, const struct filter *sibling,
                struct filter **out_filter, struct err *err)
{
	int ret = -ENOMEM;
	struct filter *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		return syserr_set(err, ret, "eBPF filter");
	}
	bpflog_init();
	f->cpus = libbpf_num_possible_cpus();
	if (f->cpus < 0) {
		ret = syserr_set(err, f->cpus, "number of CPUs");
		goto fail;
	}
	f->per_cpu = calloc((size_t)f->cpus, ENTRY_BYTES);
	f->skeleton = passer_filter__open();
	if (f->per_cpu == NULL || f->skeleton == NULL) {
		ret = syserr_set(err, -ENOMEM, "eBPF filter");
		goto fail;
	}
	ret = load(f, config, sibling);
	if (ret != 0) {
		syserr_set(err, ret, "the kernel does not load the eBPF filter");
		goto fail;
	}
	if (config->expression != NULL) {
		ret = find_link(config, &f->user_link, err);
		if (ret != 0) {
			goto fail;
		}
		load_expression(f, config->expression);
	}
	*out_filter = f;
	return 0;
fail:
	filter_close(f);
	return ret;
}

void filter_close(struct filter *filter)
{
	if (filter == NULL) {
		return;
	}
	user_filter_close(filter->user);
	passer_filter__destroy(filter->skeleton);
	free(filter->per_cpu);
	free(filter);
}

bool filter_can_ask(const struct filter *filter, enum link_type link, struct err *out_reason)
{
	if (filter->user == NULL) {
		*out_reason = filter->user_fault;
	} else if (link != filter->user_link) {
		err_set(out_reason, -EINVAL, "the interface is of another link type than before");
	}
	return filter->user != NULL && link == filter->user_link;
}

/* Whatever stands before it calls passer_filter at its end. */
static int entry_program(const struct filter *filter, bool has_expression)
{
	return has_expression ? user_filter_program(filter->user)
	                      : bpf_program__fd(filter->skeleton->progs.passer_filter);
}

int filter_attach(const struct filter *filter, int fd, bool has_expression, struct err *err)
{
	int program = entry_program(filter, has_expression);

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)) != 0) {
		return syserr_set(err, -errno, "the socket does not take the eBPF filter");
	}
	return 0;
}

int filter_set_selection(const struct filter *filter, const struct ring_selection *selection)
{
	const struct filter_settings settings = settings_of(selection);
	int map = bpf_map__fd(filter->skeleton->maps.settings);

	return bpf_map_update_elem(map, &only_key, &settings, BPF_ANY) != 0 ? -errno : 0;
}

/* ---- Counters ---- */

/* An entry of a per-CPU map that is so many counters of 64 bits and nothing else. */
static int sum_entry(const struct filter *filter, const struct bpf_map *map, uint32_t key,
                     void *out_sum, size_t bytes)
{
	const size_t words = bytes / sizeof(uint64_t);
	uint64_t *sum = out_sum;

	if (bpf_map_lookup_elem(bpf_map__fd(map), &key, filter->per_cpu) != 0) {
		return -errno;
	}
	memset(sum, 0, bytes);
	for (size_t i = 0; i < (size_t)filter->cpus * words; i++) {
		sum[i % words] += filter->per_cpu[i];
	}
	return 0;
}

int filter_read(const struct filter *filter, struct filter_counters *out_counters)
{
	const struct bpf_map *classes = filter->skeleton->maps.classes;
	struct filter_counters sum = {.flows_unknown = 0};
	int ret = sum_entry(filter, filter->skeleton->maps.counters, only_key, &sum,
	                    sizeof(struct filter_events));

	for (uint32_t key = 0; key < CLASS_COUNTERS && ret == 0; key++) {
		uint32_t frame_class = key / USED_COUNTS;
		uint32_t used = key % USED_COUNTS;

		if (used == 0 || has_budget(frame_class)) {
			ret = sum_entry(filter, classes, key, &sum.classes[frame_class][used],
			                sizeof(struct class_counter));
		}
	}
	if (ret == 0) {
		*out_counters = sum;
	}
	return ret;
}
