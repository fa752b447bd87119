/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/heap.h>

#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#define REGION_BYTES    ((size_t)16 << 20)

/* glibc's own values, which it would change with what is freed; see mallopt(3). */
#define THRESHOLD_BYTES     (128 << 10)
#define THRESHOLD_BYTES_MAX (32 << 20)

static void advise(struct heap_region region, int advice)
{
	if (region.start < region.end) {
		/* EINVAL where the kernel knows no huge pages. */
		(void)madvise((void *)region.start, region.end - region.start, advice);
	}
}

struct heap_region heap_huge_begin(void)
{
	struct heap_region region = {0};

	/* All of it from the top of the heap, and there it stays. */
	if (mallopt(M_MMAP_THRESHOLD, THRESHOLD_BYTES_MAX) == 0 ||
	    mallopt(M_TRIM_THRESHOLD, INT_MAX) == 0) {
		return region;
	}

	void *room = malloc(REGION_BYTES);
	uintptr_t start = (uintptr_t)room;

	if (room != NULL) {
		region.start = (start + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
		region.end = (start + REGION_BYTES) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
		advise(region, MADV_HUGEPAGE);
	}
	free(room);
	return region;
}

void heap_huge_end(struct heap_region region)
{
	advise(region, MADV_NOHUGEPAGE);
	mallopt(M_MMAP_THRESHOLD, THRESHOLD_BYTES);
	mallopt(M_TRIM_THRESHOLD, THRESHOLD_BYTES);
}
