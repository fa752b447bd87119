/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "questions.h"

#include <passer/analyzers/databases.h>
#include <passer/analyzers/registry.h>
#include <passer/base/log.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define TEXT_MAX 65536 /* more than any payload */

void question_analyzers(void)
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

int question_signatures(const struct options *options)
{
	struct signature_files own = {
		.paths = options->signatures,
		.count = options->signature_count,
	};
	struct rows_report report = {.tell = print_message};
	struct err err;

	if (databases_check(own, &report, &err) != 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	printf("%zu rows are good, %zu are bad\n", report.good, report.bad);
	return report.bad == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static ssize_t read_input(uint8_t *out_text)
{
	size_t used = 0;
	ssize_t n;

	while (used < TEXT_MAX && (n = read(STDIN_FILENO, out_text + used, TEXT_MAX - used)) > 0) {
		used += (size_t)n;
	}
	return (ssize_t)used;
}

/* "5353482d…"; -1 when it is none. */
static ssize_t read_hex(const char *hex, uint8_t *out_text)
{
	size_t n = strlen(hex) / 2;

	if (strlen(hex) % 2 != 0 || n > TEXT_MAX ||
	    strspn(hex, "0123456789abcdefABCDEF") != strlen(hex)) {
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		char byte[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		out_text[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return (ssize_t)n;
}

static void print_match(void *user, size_t line, const char *desc)
{
	unsigned *count = user;

	(*count)++;
	if (line > 0) {
		printf("%zu: %s\n", line, desc);
	} else {
		printf("passer: %s\n", desc);
	}
}

static unsigned print_matches(struct service_probes *probes, struct span text)
{
	struct service_matcher *matcher = service_matcher_new(probes);
	unsigned count = 0;

	if (matcher != NULL) {
		service_match_all(matcher, PROBE_TCP, text, print_match, &count);
		service_match_all(matcher, PROBE_UDP, text, print_match, &count);
	}
	service_matcher_free(matcher);
	return count;
}

int question_product(const struct options *options)
{
	static uint8_t text[TEXT_MAX];
	const char *const named[] = {options->service_probes, NULL};
	bool is_input = strcmp(options->identify, "-") == 0;
	ssize_t len = is_input ? read_input(text) : read_hex(options->identify, text);
	struct service_probes *probes;
	struct err err;

	if (len < 0) {
		log_error("--identify %s: hex digits are wanted, two a byte, or '-' for standard "
		          "input",
		          options->identify);
		return 2;
	}
	if (service_probes_new(named[0] != NULL ? named : service_probes_default_paths, &probes,
	                       &err) < 0) {
		log_error("%s; apt-get install nmap-common", err.text);
		return EXIT_FAILURE;
	}
	unsigned count = print_matches(probes, span_of(text, (size_t)len));

	service_probes_free(probes);
	return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
