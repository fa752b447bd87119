/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/shm.h>

#include <linux/mman.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE_BYTES ((size_t)2 << 20)

size_t shm_whole_pages(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

/* A place where huge pages fit: what is reserved is given back but for the middle. */
static void *aligned_place(size_t bytes)
{
	char *room =
		mmap(NULL, bytes + HUGE_PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED) {
		return NULL;
	}
	size_t before = -(uintptr_t)room % HUGE_PAGE_BYTES;

	munmap(room, bytes + HUGE_PAGE_BYTES);
	return room + before;
}

void *shm_new(size_t bytes)
{
	void *place = bytes >= HUGE_PAGE_BYTES ? aligned_place(bytes) : NULL;
	void *memory =
		mmap(place, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory != MAP_FAILED ? memory : NULL;
}

/* A huge page is taken where at least one small page is there already. */
static void touch_each_huge_page(char *memory, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t at = 0; at < bytes; at += HUGE_PAGE_BYTES) {
		(void)madvise(memory + at, page, MADV_POPULATE_WRITE);
	}
}

void shm_prefault(void *memory, size_t bytes)
{
	size_t whole = shm_whole_pages(bytes);

	touch_each_huge_page(memory, whole);
	(void)madvise(memory, whole, MADV_COLLAPSE);
	(void)madvise(memory, whole, MADV_POPULATE_WRITE); /* what no huge page was to be had for */
}

void shm_free(void *memory, size_t bytes)
{
	if (memory != NULL) {
		munmap(memory, bytes);
	}
}
