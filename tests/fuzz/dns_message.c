/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A DNS message; and all that may stand in the data of a record, whatever its type. */
#include "fuzz.h"

#include "analyzers/dns_message.h"

#define RECORDS_MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_of(span_of(data, size));
	struct dns_header header;
	struct dns_question question;
	struct dns_record record;
	struct dns_name name;

	if (!dns_header_parse(&c, &header)) {
		return 0;
	}
	dns_questions_parse(&c, header.questions, &question);
	for (int i = 0; i < RECORDS_MAX && dns_record_parse(&c, &record); i++) {
		struct cursor strings = record.data;

		fuzz_require(record.owner.len > 0 && record.owner.len <= DNS_NAME_MAX);
		if (dns_name_parse(&record.data, &name)) {
			fuzz_require(name.bytes[name.len - 1] == '.');
			(void)dns_name_equal(&name, &record.owner);
			(void)dns_name_ends_with(&name, ".local.");
		}
		while (cur_left(&strings) > 0) {
			(void)dns_string_parse(&strings);
		}
	}
	return 0;
}
