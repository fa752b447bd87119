/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/shm.h>

#include <sys/mman.h>
#include <unistd.h>

size_t shm_whole_pages(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

void *shm_new(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory != MAP_FAILED ? memory : NULL;
}

void shm_free(void *memory, size_t bytes)
{
	if (memory != NULL) {
		munmap(memory, bytes);
	}
}
