/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory that the supervisor maps before the fork and all workers share. It is zero at first and
 * lives until the last process that maps it ends.
 */
#pragma once

#include <stddef.h>

/* What a mapping of so many bytes can grow to. */
size_t shm_whole_pages(size_t bytes);

/* Page-aligned; NULL with errno on failure. */
void *shm_new(size_t bytes);

/*
 * Has the kernel find all of it now, and as huge pages where it can: the first touch of a page
 * takes a microsecond, which no packet shall wait for, and few large pages are found faster than
 * many small ones. MADV_POPULATE_WRITE (Linux 5.14), MADV_COLLAPSE (6.1); see madvise(2). What
 * cannot be had so comes with the first touch, as ever.
 */
void shm_prefault(void *memory, size_t bytes);

/* Accepts NULL. */
void shm_free(void *memory, size_t bytes);
