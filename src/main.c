/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/check.h"
#include "control/options.h"
#include "control/questions.h"
#include "control/supervisor.h"

#include <passer/base/log.h>

#include <stdlib.h>

#define EXIT_USAGE 2

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
		question_analyzers();
		break;
	case ACTION_CHECK_SIGNATURES:
		status = question_signatures(&options);
		break;
	case ACTION_IDENTIFY:
		status = question_product(&options);
		break;
	case ACTION_EXPLAIN_FILTER:
		selection_explain(&options.selection, stdout);
		break;
	case ACTION_CHECK:
		status = check_machine(&options);
		break;
	case ACTION_RUN:
		status = supervisor_run(&options);
		break;
	}
	options_fini(&options);
	return status;
}
