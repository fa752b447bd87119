/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/options.h"
#include "control/supervisor.h"

#include <passer/analyzers/registry.h>
#include <passer/base/log.h>

#include <stdlib.h>

#define EXIT_USAGE 2

static void list_analyzers(void)
{
	size_t count;
	const struct analyzer_row *rows = analyzer_rows(&count);

	for (size_t i = 0; i < count; i++) {
		const struct analyzer *a = rows[i].analyzer;

		printf("%-8s %s [", a->name, rows[i].about);
		for (int r = 0; r < ANALYZER_RECORDS_MAX && a->records[r] != REC_NONE; r++) {
			printf("%s%s", r > 0 ? " " : "", record_type_name(a->records[r]));
		}
		printf("]\n");
	}
}

static void print_message(void *context, const char *message)
{
	(void)context;
	puts(message);
}

/* What is wrong goes to standard output, for tools to read. */
static int check_signatures(const struct options *o)
{
	struct signature_files own = {.paths = o->signatures, .count = o->signature_count};
	struct rows_report report = {.tell = print_message};
	struct err err;

	if (databases_check(own, &report, &err) != 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	printf("%zu rows are good, %zu are bad\n", report.good, report.bad);
	return report.bad == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct options options;
	struct err err;
	int status = EXIT_SUCCESS;

	if (options_parse(&options, argc, argv, &err) != 0) {
		log_error("%s", err.text);
		options_fini(&options);
		return EXIT_USAGE;
	}
	log_set_level(options.is_verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	switch (options.action) {
	case ACTION_HELP:
		options_help(stdout);
		break;
	case ACTION_VERSION:
		puts("passer " PASSER_VERSION);
		break;
	case ACTION_LIST_ANALYZERS:
		list_analyzers();
		break;
	case ACTION_CHECK_SIGNATURES:
		status = check_signatures(&options);
		break;
	case ACTION_RUN:
		status = supervisor_run(&options);
		break;
	}
	options_fini(&options);
	return status;
}
