/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A byte of flags (1: caseless, 2: dot matches LF), a pattern, a NUL, and a text: when it matches,
 * it holds every literal that must be in it, and begins with the prefix and as the head says.
 */
#include "fuzz.h"

#include "fingerprint/head.h"
#include "fingerprint/literal.h"
#include "fingerprint/nmap_internal.h"

static bool is_match(uint8_t flags, struct span pattern, struct span text)
{
	uint32_t options = (flags & 1 ? PCRE2_CASELESS : 0) | (flags & 2 ? PCRE2_DOTALL : 0);
	pcre2_match_data *found = pcre2_match_data_create(1, NULL);
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	PCRE2_SIZE at;
	int error;
	pcre2_code *code = pcre2_compile(pattern.data, pattern.len, options, &error, &at, NULL);
	int ret = -1;

	pcre2_set_match_limit(limits, 10000);
	if (code != NULL) {
		ret = pcre2_match(code, text.data, text.len, 0, 0, found, limits);
	}
	pcre2_code_free(code);
	pcre2_match_context_free(limits);
	pcre2_match_data_free(found);
	return ret >= 0;
}

static bool has_run(struct span text, struct span run)
{
	bool has = false;

	for (size_t at = 0; !has && at + run.len <= text.len; at++) {
		size_t n = 0;

		while (n < run.len && literal_fold(text.data[at + n]) == run.data[n]) {
			n++;
		}
		has = n == run.len;
	}
	return has;
}

static bool has_head(struct span text, const struct head *head)
{
	for (size_t i = 0; i < HEAD_LEN; i++) {
		unsigned symbol = i < text.len ? literal_fold(text.data[i]) : HEAD_END;

		if (!head_set_has(&head->sets[i], symbol)) {
			return false;
		}
	}
	return true;
}

/* Without a "^", any text may be one that matches. */
static bool has_something_to_say(struct span pattern, const struct literals *literals)
{
	return literals->count > 0 || (pattern.len > 0 && pattern.data[0] == '^');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t flags = size > 0 ? data[0] : 0;
	struct span text,
		pattern = fuzz_split(span_of(data + (size > 0), size - (size > 0)), &text);
	static struct literals literals;
	struct head head;

	literals_of(pattern, &literals);
	head_of(pattern, &head);
	fuzz_require(literals.count <= LITERAL_RUNS_MAX && literals.used <= LITERAL_BYTES_MAX);
	if (!has_something_to_say(pattern, &literals) || !is_match(flags, pattern, text)) {
		return 0;
	}
	fuzz_require(literal_begins(literal_word(text), literals.prefix));
	fuzz_require(has_head(text, &head));
	for (unsigned i = 0; i < literals.count; i++) {
		fuzz_require(has_run(text, span_of(literals.bytes + literals.runs[i].start,
		                                   literals.runs[i].len)));
	}
	return 0;
}
