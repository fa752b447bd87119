/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the control socket is asked, one function a word. An answer is an object of JSON; one that
 * has the key "error" says why there is none.
 */
#include "report_json.h"
#include "sensor.h"

#include <passer/base/log.h>

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 8

static json_t *error_json(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

typedef json_t *answer_fn(struct supervisor *s, char *const *words, unsigned count);

static json_t *answer_stats(struct supervisor *s, char *const *words, unsigned count)
{
	(void)words;
	(void)count;
	return report_json(gather_report(s));
}

static json_t *answer_what_if(struct supervisor *s, char *const *words, unsigned count)
{
	(void)words;
	(void)count;
	return report_json_what_if(gather_report(s));
}

static json_t *answer_reopen(struct supervisor *s, char *const *words, unsigned count)
{
	struct err err;

	(void)words;
	(void)count;
	if (s->options->log_path == NULL && s->stats == NULL) {
		return error_json("it writes no file: neither --log nor --stats");
	}
	return supervisor_reopen(s, &err) == 0 ? json_pack("{s:b}", "reopened", 1)
	                                       : error_json(err.text);
}

static json_t *answer_reload(struct supervisor *s, char *const *words, unsigned count)
{
	struct err err;

	(void)words;
	(void)count;
	return reload_databases(s, &err) == 0 ? json_pack("{s:b}", "reloaded", 1)
	                                      : error_json(err.text);
}

/* "records=TS,DN", or the name of a profile. */
static int set_word(struct selection *selection, char *word, struct err *err)
{
	char *value = strchr(word, '=');

	if (value == NULL) {
		return selection_set(selection, "profile", word, err);
	}
	*value++ = '\0';
	return selection_set(selection, word, value, err);
}

/*
 * Member by member, as workers read it; then the kernel. A frame that the old filter has let in and
 * the new selection does not want is left out by the worker, and is counted there.
 */
static int apply(struct supervisor *s, const struct selection *selection)
{
	__atomic_store_n(&s->selection->records, selection->records, __ATOMIC_RELAXED);
	__atomic_store_n(&s->selection->classes, selection->classes, __ATOMIC_RELAXED);
	__atomic_store_n(&s->selection->tcp_budget, selection->tcp_budget, __ATOMIC_RELAXED);
	__atomic_store_n(&s->selection->udp_budget, selection->udp_budget, __ATOMIC_RELAXED);
	return interfaces_select(&s->interfaces, selection);
}

static void tell_changed(const struct selection *selection)
{
	char records[128];
	struct text list;

	text_init(&list, records, sizeof(records));
	selection_records_text(selection->records, &list);
	log_info("the profile was changed to %s: records %s; see passerctl profile",
	         report_profile_name(selection), records);
}

static json_t *answer_profile(struct supervisor *s, char *const *words, unsigned count)
{
	struct selection selection = *s->selection;
	struct err err;

	for (unsigned i = 1; i < count; i++) {
		if (set_word(&selection, words[i], &err) < 0) {
			return error_json(err.text);
		}
	}
	if (count > 1) {
		int ret = apply(s, &selection);

		if (ret < 0) {
			return error_json(strerror(-ret));
		}
		tell_changed(&selection);
	}
	return report_json_selection(&selection, report_profile_name(&selection));
}

static const struct {
	const char *word;
	bool takes_more;
	answer_fn *answer;
} requests[] = {
	{"stats", false, answer_stats},     {"profile", true, answer_profile},
	{"reopen", false, answer_reopen},   {"reload", false, answer_reload},
	{"what-if", false, answer_what_if},
};

static json_t *answer(struct supervisor *s, char *const *words, unsigned count)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (count > 0 && strcmp(words[0], requests[i].word) == 0 &&
		    (count == 1 || requests[i].takes_more)) {
			return requests[i].answer(s, words, count);
		}
	}
	return error_json("stats, profile [WORD…], reopen, reload or what-if is wanted");
}

char *requests_answer(void *supervisor, const char *line)
{
	char copy[CONTROL_LINE_SIZE];
	char *words[WORDS_MAX + 1];
	unsigned count = 0;
	char *save, *text = NULL;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok_r(copy, " ", &save); word != NULL && count <= WORDS_MAX;
	     word = strtok_r(NULL, " ", &save)) {
		words[count++] = word;
	}
	json_t *json = count <= WORDS_MAX ? answer(supervisor, words, count)
	                                  : error_json("too many words");

	if (json != NULL) {
		text = json_dumps(json, JSON_COMPACT);
		json_decref(json);
	}
	size_t len = text != NULL ? strlen(text) : 0;
	char *with_end = text != NULL ? realloc(text, len + 2) : NULL;

	if (with_end == NULL) {
		free(text);
		return NULL;
	}
	memcpy(with_end + len, "\n", 2);
	return with_end;
}
