/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/warning.h>

static const char *const names[WARN_COUNT] = {[WARN_NONE] = "",
#define X(id, word) [WARN_##id] = word,
                                              WARNINGS(X)
#undef X
};

const char *warning_name(enum warning warning)
{
	return names[warning];
}

void warnings_add(struct warnings *w, enum warning warning)
{
	for (int i = 0; i < WARNINGS_MAX; i++) {
		if (w->words[i] == warning) {
			return;
		}
		if (w->words[i] == WARN_NONE) {
			w->words[i] = (uint8_t)warning;
			return;
		}
	}
}

static enum warning find(struct span word)
{
	for (int i = 1; i < WARN_COUNT; i++) {
		if (span_equal(word, span_str(names[i]))) {
			return (enum warning)i;
		}
	}
	return WARN_NONE;
}

bool warnings_parse(struct span words, struct warnings *out_warnings)
{
	struct warnings list = {{0}};

	for (int n = 0; words.len > 0; n++) {
		const uint8_t *colon = memchr(words.data, ':', words.len);
		size_t len = colon != NULL ? (size_t)(colon - words.data) : words.len;
		enum warning warning = find(span_of(words.data, len));
		size_t used = len + (colon != NULL);

		if (warning == WARN_NONE || n == WARNINGS_MAX ||
		    (colon != NULL && used == words.len)) {
			return false;
		}
		warnings_add(&list, warning);
		words = span_of(words.data + used, words.len - used);
	}
	*out_warnings = list;
	return true;
}

void warnings_format(const struct warnings *w, struct text *out_text)
{
	for (int i = 0; i < WARNINGS_MAX && w->words[i] != WARN_NONE; i++) {
		if (i > 0) {
			text_add(out_text, ":");
		}
		text_add(out_text, names[w->words[i]]);
	}
}
