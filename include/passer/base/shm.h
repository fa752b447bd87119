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

/* Accepts NULL. */
void shm_free(void *memory, size_t bytes);
