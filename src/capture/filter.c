/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter.h"

#include "bpflog.h"
#include "syserr.h"

#include "passer_filter.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define LOOPBACK_IFINDEX 1 /* in every network namespace: the kernel makes it first */

struct filter {
	struct passer_filter *skeleton;
	struct class_counter *per_cpu; /* room for one entry of the map */
	int cpus;
};

/* What the filter could not read is always kept: user space looks again and counts it. */
static void configure(struct filter_config *config, uint32_t keep_classes)
{
	config->keep_classes = keep_classes | 1u << FRAME_CLASS_SHORT;
	config->loopback_ifindex = LOOPBACK_IFINDEX;
}

int filter_open(uint32_t keep_classes, struct filter **out_filter, struct err *err)
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
	f->per_cpu = calloc((size_t)f->cpus, sizeof(*f->per_cpu));
	f->skeleton = passer_filter__open();
	if (f->per_cpu == NULL || f->skeleton == NULL) {
		ret = syserr_set(err, -ENOMEM, "eBPF filter");
		goto fail;
	}
	/* Read-only for the program; here it may still be written. */
	configure((struct filter_config *)&f->skeleton->rodata->config, keep_classes);
	ret = passer_filter__load(f->skeleton);
	if (ret != 0) {
		syserr_set(err, ret, "the kernel does not load the eBPF filter");
		goto fail;
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
	passer_filter__destroy(filter->skeleton);
	free(filter->per_cpu);
	free(filter);
}

int filter_attach(const struct filter *filter, int fd, struct err *err)
{
	int program = bpf_program__fd(filter->skeleton->progs.passer_filter);

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)) != 0) {
		return syserr_set(err, -errno, "the socket does not take the eBPF filter");
	}
	return 0;
}

static void add_counter(struct class_counter *sum, const struct class_counter *part)
{
	sum->kept += part->kept;
	sum->dropped += part->dropped;
	sum->kept_bytes += part->kept_bytes;
	sum->dropped_bytes += part->dropped_bytes;
}

int filter_read_classes(const struct filter *filter,
                        struct class_counter out_classes[FRAME_CLASS_COUNT])
{
	int map = bpf_map__fd(filter->skeleton->maps.class_counters);
	struct class_counter classes[FRAME_CLASS_COUNT] = {{0}};

	for (uint32_t key = 0; key < FRAME_CLASS_COUNT; key++) {
		int ret = bpf_map_lookup_elem(map, &key, filter->per_cpu);

		if (ret != 0) {
			return ret;
		}
		for (int cpu = 0; cpu < filter->cpus; cpu++) {
			add_counter(&classes[key], &filter->per_cpu[cpu]);
		}
	}
	memcpy(out_classes, classes, sizeof(classes));
	return 0;
}
