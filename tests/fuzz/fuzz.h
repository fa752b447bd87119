/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the fuzz targets share. A target is one file with one function, which gets bytes that
 * anybody may have sent or written, and returns 0; a fault is what a sanitizer finds, an abort, or
 * too long a time. The function's name and type are libFuzzer's
 * (https://llvm.org/docs/LibFuzzer.html); replay.c calls it for files.
 */
#pragma once

#include <passer/base/span.h>
#include <passer/fingerprint/rows.h>

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Once before the first input; in support.c. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* What must hold whatever the bytes. */
#define fuzz_require(condition)                                                                 \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                \
		}                                                                               \
	} while (0)

/* The bytes before the first NUL; *out_rest are those behind it. For texts with something beside.
 */
struct span fuzz_split(struct span input, struct span *out_rest);

/* The bytes as a file in memory, for what reads a path; the next call overwrites it. */
const char *fuzz_file(struct span bytes);

/* A NUL-terminated copy, up to the first NUL; the caller frees it. */
char *fuzz_string(struct span bytes);

/* A report of rows that says nothing. */
struct rows_report fuzz_quiet_report(void);
