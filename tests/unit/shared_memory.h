/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds the shared memory of what is tested, which its own functions do not hand out. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The only memory that this process has mapped to share it; cmocka.h is included before. */
static inline uint8_t *shared_memory(size_t *out_bytes)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	uint8_t *memory = NULL;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		void *from, *to;
		char rights[8];

		if (sscanf(line, "%p-%p %7s", &from, &to, rights) == 3 &&
		    strcmp(rights, "rw-s") == 0) {
			assert_null(memory);
			memory = from;
			*out_bytes = (size_t)((uint8_t *)to - memory);
		}
	}
	fclose(maps);
	assert_non_null(memory);
	return memory;
}
