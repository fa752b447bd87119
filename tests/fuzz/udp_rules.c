/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A table of UDP rules; each is asked about its own example and describes it. */
#include "fuzz.h"

#include <passer/fingerprint/udp_rules.h>

static void describe_example(const struct udp_rules *rules, size_t n)
{
	struct udp_packet packet = udp_rules_example(rules, n);
	struct warnings warnings;
	char buf[300];
	struct text desc;

	text_init(&desc, buf, sizeof(buf));
	udp_rule_describe(udp_rules_get(rules, n), &packet, &desc, &warnings);
	(void)udp_rules_thief(rules, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rows_report report = fuzz_quiet_report();
	struct udp_rules *rules = udp_rules_new();

	fuzz_require(rules != NULL);
	if (udp_rules_load(rules, "fuzz", span_of(data, size), &report) == 0) {
		for (size_t i = 0; i < udp_rules_count(rules); i++) {
			describe_example(rules, i);
		}
	}
	udp_rules_free(rules);
	return 0;
}
