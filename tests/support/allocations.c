/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "allocations.h"

#include <execinfo.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#define SHOWN_MAX  10
#define FRAMES_MAX 16

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define IS_ASAN 1
#endif

static bool is_counting;
static uint64_t count;

static void note(void)
{
	void *frames[FRAMES_MAX];

	if (!is_counting) {
		return;
	}
	is_counting = false; /* what shows it may allocate, too */
	if (count++ < SHOWN_MAX) {
		static const char head[] = "an allocation by:\n";

		(void)!write(STDERR_FILENO, head, sizeof(head) - 1);
		backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MAX), STDERR_FILENO);
	}
	is_counting = true;
}

#ifdef IS_ASAN

/* Of <sanitizer/allocator_interface.h>, which not every package has. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *memory, size_t bytes)
{
	(void)memory;
	(void)bytes;
	note();
}

static void on_free(const volatile void *memory)
{
	(void)memory;
}

static void prepare(void)
{
	static bool is_prepared;

	if (!is_prepared) {
		__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
		is_prepared = true;
	}
}

#else

#include <sys/syscall.h>

/* Those of the program come before those of the C library, which has its own under these names. */
#define OVERRIDE __attribute__((visibility("default")))

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

OVERRIDE void *malloc(size_t bytes);
OVERRIDE void *calloc(size_t items, size_t bytes);
OVERRIDE void *realloc(void *memory, size_t bytes);
OVERRIDE void *memalign(size_t alignment, size_t bytes);
OVERRIDE void *aligned_alloc(size_t alignment, size_t bytes);
OVERRIDE void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);

void *malloc(size_t bytes)
{
	note();
	return __libc_malloc(bytes);
}

void *calloc(size_t items, size_t bytes)
{
	note();
	return __libc_calloc(items, bytes);
}

void *realloc(void *memory, size_t bytes)
{
	note();
	return __libc_realloc(memory, bytes);
}

void *memalign(size_t alignment, size_t bytes)
{
	note();
	return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
	note();
	return __libc_memalign(alignment, bytes);
}

void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	note();
	return (void *)syscall(SYS_mmap, at, bytes, protection, flags, fd, offset); // NOLINT
}

static void prepare(void)
{
}

#endif

void allocations_begin(void)
{
	void *frames[1];

	prepare();
	(void)backtrace(frames, 1); /* loads what it needs */
	count = 0;
	is_counting = true;
}

uint64_t allocations_end(void)
{
	is_counting = false;
	return count;
}
