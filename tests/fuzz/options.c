/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A command line, a word a line. */
#include "fuzz.h"

#include "control/options.h"

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[] = "passer", *text = fuzz_string(span_of(data, size)), *rest = text;
	char *argv[WORDS_MAX + 1] = {name};
	struct options options;
	struct err err = {""};
	int argc = 1;

	while (argc < WORDS_MAX && rest != NULL) {
		argv[argc++] = strsep(&rest, "\n");
	}
	argv[argc] = NULL;
	if (options_parse(&options, argc, argv, &err) != 0) {
		fuzz_require(err.text[0] != '\0');
	}
	options_fini(&options);
	free(text);
	return 0;
}
