/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * malloc(3) in huge pages for a while: for what is loaded once, lives as long as the process, and
 * is shared with those that it forks. A page of 4 KiB takes a microsecond at its first touch, and
 * again something at each fork(2); one of 2 MiB takes 80 of them, once.
 */
#pragma once

#include <stdint.h>

struct heap_region {
	uintptr_t start, end; /* whole huge pages; both 0: none */
};

/*
 * From here on the next 16 MiB of malloc(3) come in huge pages, where the kernel has some: see
 * transparent_hugepage/enabled, "always" or "madvise". What is not touched costs nothing.
 */
struct heap_region heap_huge_begin(void);

/* What is touched from here on comes in small pages, and large allocations in mappings, as ever. */
void heap_huge_end(struct heap_region region);
