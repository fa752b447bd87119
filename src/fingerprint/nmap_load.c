/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading nmap-service-probes, and choosing the gram of each pattern. */
#include "literal.h"
#include "nmap_internal.h"

#include <passer/base/cursor.h>
#include <passer/base/log.h>
#include <passer/fingerprint/file.h>
#include <passer/fingerprint/rows.h>
#include <passer/fingerprint/signatures.h>

#include <errno.h>
#include <stdlib.h>

/*
 * Steps that one pattern may take on one payload. Real texts need some hundreds; what this
 * leaves is a fraction of a millisecond for the dearest pattern on the dearest payload, since a row
 * of one repeated byte is one step to code compiled for this machine.
 */
#define MATCH_LIMIT 20000
#define DEPTH_LIMIT 1000

/*
 * The same for a pattern that is not compiled for this machine yet: what is answered within these
 * is far from what would stop the code of the machine, which counts in another way and has 32 KiB
 * for what it has to come back to; see pcre2jit(3). So the answer does not depend on who gave it.
 */
#define TRIAL_MATCH_LIMIT 1000
#define TRIAL_DEPTH_LIMIT 50

#define SKIPS_MAX 64

/* Every other gram of a literal is counted: enough to find one that is rare. */
#define GRAM_STEP 2

/* A gram that so many patterns could use is rare enough. */
#define GRAM_RARE 8
#define GRAM_DULL UINT32_MAX /* none is as frequent */

/* Bytes of a prefix that make other knowledge of a text's first bytes superfluous. */
#define PREFIX_ENOUGH 3
_Static_assert(HEAD_LEN == sizeof(((struct literal_prefix *)NULL)->mask),
               "a prefix is as long as a head");

#define OWN_FILE "service_probes.txt"

const char *const service_probes_default_paths[] = {
	"/usr/local/share/nmap/nmap-service-probes",
	"/usr/share/nmap/nmap-service-probes",
	"/opt/local/share/nmap/nmap-service-probes",
	NULL,
};

/* A pattern that says nothing, or something wrong, about what a listener hears. */
struct skip {
	struct span service, pattern, info; /* empty: any; pattern is compared from its start */
};

/* A literal that is long enough for a gram. */
struct run {
	const uint8_t *bytes;
	uint32_t pattern;
	uint16_t len;
};

struct loader {
	struct service_probes *probes;
	uint32_t pattern_cap;
	struct skip skips[SKIPS_MAX];
	size_t skip_count;
	struct span service;                      /* of the pattern before this one */
	const struct skip *of_service[SKIPS_MAX]; /* that can be about its patterns */
	size_t of_service_count;
	size_t source_bytes; /* of all patterns: at least as many as of their literals */
	struct run *runs;    /* of all patterns, in their order */
	size_t run_count, literal_bytes;
	uint32_t *gram_counts; /* by slot: how many patterns could use a gram of it */
	struct literals literals;
	uint32_t line; /* 0: of passer's own file */
	bool is_own;
};

/* ---- nmap_skip.tsv --------------------------------------------------------------------------- */

enum { SKIP_SERVICE, SKIP_PATTERN, SKIP_INFO, SKIP_REASON, SKIP_COLUMNS };

static const struct rows_column skip_columns[SKIP_COLUMNS] = {
	[SKIP_SERVICE] = {.name = "service"},
	[SKIP_PATTERN] = {.name = "pattern"},
	[SKIP_INFO] = {.name = "info"},
	[SKIP_REASON] = {.name = "reason", .is_required = true},
};

static int take_skip(void *table, const struct row *row)
{
	struct loader *l = table;

	if (l->skip_count == SKIPS_MAX) {
		return row_bad(row, SKIP_REASON, "more than %d rows", SKIPS_MAX);
	}
	l->skips[l->skip_count++] = (struct skip){
		.service = row->cells[SKIP_SERVICE],
		.pattern = row->cells[SKIP_PATTERN],
		.info = row->cells[SKIP_INFO],
	};
	return 0;
}

static void load_skips(struct loader *l)
{
	static const struct rows_format format = {
		.columns = skip_columns,
		.column_count = SKIP_COLUMNS,
		.take = take_skip,
	};
	struct rows_report report = {.tell = NULL};

	(void)rows_load(&format, "nmap_skip.tsv", signatures_text("nmap_skip.tsv"), l, &report);
}

/* The patterns of a service are neighbours. */
static void find_of_service(struct loader *l, struct span service)
{
	l->service = service;
	l->of_service_count = 0;
	for (size_t i = 0; i < l->skip_count; i++) {
		const struct skip *s = &l->skips[i];

		if (s->service.len == 0 || span_equal(s->service, service)) {
			l->of_service[l->of_service_count++] = s;
		}
	}
}

static bool is_skipped(struct loader *l, struct span service, struct span pattern, struct span info)
{
	if (!span_equal(service, l->service)) {
		find_of_service(l, service);
	}
	for (size_t i = 0; i < l->of_service_count; i++) {
		const struct skip *s = l->of_service[i];

		if (span_has_prefix(pattern, s->pattern) && span_contains(info, s->info)) {
			return true;
		}
	}
	return false;
}

/* ---- the lines of the file ------------------------------------------------------------------- */

/* The next word; the blanks behind it are read, too. */
static struct span take_word(struct cursor *c)
{
	struct span rest = cur_rest(c);
	const uint8_t *blank = memchr(rest.data, ' ', rest.len);
	struct span word = cur_take(c, blank != NULL ? (size_t)(blank - rest.data) : rest.len);

	while (cur_left(c) > 0 && cur_rest(c).data[0] == ' ') {
		cur_skip(c, 1);
	}
	return word;
}

static int add_probe(struct loader *l, struct cursor c)
{
	struct service_probes *p = l->probes;
	struct nmap_probe *grown = realloc(p->probes, (p->probe_count + 1) * sizeof(p->probes[0]));

	if (grown == NULL) {
		return -ENOMEM;
	}
	p->probes = grown;
	p->probes[p->probe_count++] = (struct nmap_probe){
		.transport = span_equal(take_word(&c), span_str("UDP")) ? PROBE_UDP : PROBE_TCP,
		.first_range = p->range_count,
		.end_range = p->range_count,
	};
	return 0;
}

static unsigned take_number(struct cursor *c)
{
	unsigned value = 0;

	while (cur_left(c) > 0) {
		uint8_t b = cur_rest(c).data[0];

		if (b < '0' || b > '9' || value > UINT16_MAX) {
			break;
		}
		value = value * 10 + (b - '0');
		cur_skip(c, 1);
	}
	return value;
}

static int add_range(struct service_probes *p, unsigned first, unsigned last)
{
	struct nmap_probe *probe = &p->probes[p->probe_count - 1];
	struct port_range *grown =
		reallocarray(p->ranges, p->range_count + (size_t)1, sizeof(*grown));

	if (grown == NULL) {
		return -ENOMEM;
	}
	p->ranges = grown;
	p->ranges[p->range_count++] =
		(struct port_range){.first = (uint16_t)first, .last = (uint16_t)last};
	probe->end_range = p->range_count;
	for (unsigned port = first; port <= last; port++) {
		nmap_ports_add(&p->listed[probe->transport], port);
	}
	return 0;
}

/* "21,43,110-113" */
static int add_ports(struct loader *l, struct cursor c)
{
	struct service_probes *p = l->probes;
	int ret = 0;

	if (p->probe_count == 0) {
		return 0;
	}
	p->probes[p->probe_count - 1].has_ports = true;
	while (ret == 0 && cur_left(&c) > 0) {
		unsigned first = take_number(&c), last = first;

		if (cur_left(&c) > 0 && cur_rest(&c).data[0] == '-') {
			cur_skip(&c, 1);
			last = take_number(&c);
		}
		last = last < UINT16_MAX ? last : UINT16_MAX;
		if (first <= last) {
			ret = add_range(p, first, last);
		}
		cur_skip(&c, 1); /* comma, or what makes no sense */
	}
	return ret;
}

/* A match line taken apart. */
struct match_line {
	struct span service, pattern, flags, info;
};

/* "service m|pattern|flags info", any character for '|'. */
static bool parse_match(struct cursor c, struct match_line *m)
{
	m->service = take_word(&c);
	if (cur_u8(&c) != 'm') {
		return false;
	}
	uint8_t separator = cur_u8(&c);
	struct span rest = cur_rest(&c);
	const uint8_t *end = rest.len > 0 ? memchr(rest.data, separator, rest.len) : NULL;

	if (end == NULL) {
		return false;
	}
	m->pattern = cur_take(&c, (size_t)(end - rest.data));
	cur_skip(&c, 1);
	m->flags = cur_left(&c) > 0 && cur_rest(&c).data[0] == ' ' ? span_of(rest.data, 0)
	                                                           : take_word(&c);
	while (cur_left(&c) > 0 && cur_rest(&c).data[0] == ' ') {
		cur_skip(&c, 1);
	}
	m->info = cur_rest(&c);
	return m->service.len > 0;
}

static bool compile_flags(struct span flags, uint32_t *out_options)
{
	*out_options = 0;
	for (size_t i = 0; i < flags.len; i++) {
		if (flags.data[i] != 'i' && flags.data[i] != 's') {
			return false;
		}
		*out_options |= flags.data[i] == 'i' ? PCRE2_CASELESS : PCRE2_DOTALL;
	}
	return true;
}

bool nmap_compile(struct service_probes *probes, struct nmap_pattern *pattern)
{
	PCRE2_SIZE where;
	int error;

	if (pattern->code != NULL || pattern->is_bad) {
		return !pattern->is_bad;
	}
	pattern->code = pcre2_compile(pattern->source.data, pattern->source.len, pattern->options,
	                              &error, &where, probes->context);
	if (pattern->code == NULL) {
		pattern->is_bad = true;
		probes->counts.bad++;
		return false;
	}
	return true;
}

void nmap_make_ready(struct nmap_pattern *pattern)
{
	if (!pattern->is_ready) {
		/* slower without, not wrong */
		(void)pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE);
		pattern->is_ready = true;
	}
}

void service_probes_compile(struct service_probes *probes)
{
	for (uint32_t i = 0; i < probes->pattern_count; i++) {
		if (nmap_compile(probes, &probes->patterns[i])) {
			nmap_make_ready(&probes->patterns[i]);
		}
	}
}

/* The text of the file is ours: a string ends where its line is cut. */
static const char *string_of(struct span s)
{
	char *text = (char *)(uintptr_t)s.data;

	text[s.len] = '\0';
	return text;
}

static int reserve_pattern(struct loader *l)
{
	struct service_probes *p = l->probes;

	if (p->pattern_count < l->pattern_cap) {
		return 0;
	}
	uint32_t cap = l->pattern_cap * 2 + 4096; /* nmap's file has 11,800 */
	struct nmap_pattern *bigger = reallocarray(p->patterns, cap, sizeof(*bigger));

	if (bigger == NULL) {
		return -ENOMEM;
	}
	p->patterns = bigger;
	l->pattern_cap = cap;
	return 0;
}

static int add_pattern(struct loader *l, struct cursor c, bool is_soft)
{
	struct service_probes *p = l->probes;
	struct match_line m;
	uint32_t options;

	if (p->probe_count == 0 || !parse_match(c, &m) || !compile_flags(m.flags, &options)) {
		p->counts.bad++;
		return 0;
	}
	if ((m.info.len == 0 && !is_soft) || is_skipped(l, m.service, m.pattern, m.info)) {
		p->counts.skipped++;
		return 0;
	}
	if (reserve_pattern(l) < 0) {
		return -ENOMEM;
	}
	l->source_bytes += m.pattern.len;
	p->patterns[p->pattern_count] = (struct nmap_pattern){
		.source = m.pattern,
		.options = options,
		.service = string_of(m.service),
		.info = is_soft ? NULL : string_of(m.info),
		.line = l->line,
		.probe = p->probe_count - 1,
	};
	p->pattern_count++;
	return 0;
}

static int take_line(struct loader *l, struct span line)
{
	struct cursor c = cur_of(line);
	struct span word = take_word(&c);

	if (span_equal(word, span_str("Probe"))) {
		return add_probe(l, c);
	}
	if (span_equal(word, span_str("ports"))) {
		return add_ports(l, c);
	}
	if (span_equal(word, span_str("match")) || span_equal(word, span_str("softmatch"))) {
		return add_pattern(l, c, word.len == strlen("softmatch"));
	}
	return 0; /* comments, and what only a prober needs */
}

/* ---- grams ----------------------------------------------------------------------------------- */

/* Keeps a literal, and counts its grams. */
static void add_run(struct loader *l, uint32_t pattern, struct span literal)
{
	uint8_t *bytes = l->probes->literals + l->literal_bytes;

	memcpy(bytes, literal.data, literal.len);
	l->literal_bytes += literal.len;
	l->runs[l->run_count++] = (struct run){bytes, pattern, (uint16_t)literal.len};
	for (size_t i = 0; i + GRAM_BYTES <= literal.len; i += GRAM_STEP) {
		l->gram_counts[gram_slot(gram_of(bytes + i))]++;
	}
}

static void add_runs(struct loader *l, uint32_t pattern)
{
	const struct literals *found = &l->literals;

	struct nmap_pattern *p = &l->probes->patterns[pattern];

	literals_of(p->source, &l->literals);
	p->prefix = found->prefix;
	for (unsigned r = 0; r < found->count; r++) {
		if (found->runs[r].len >= GRAM_RUN) {
			add_run(l, pattern,
			        span_of(found->bytes + found->runs[r].start, found->runs[r].len));
		}
	}
}

/* Texts are full of one byte four times, and of zeros but for one byte: no grams. */
static void count_dull_grams(uint32_t *gram_counts)
{
	for (uint32_t byte = 0; byte <= UINT8_MAX; byte++) {
		gram_counts[gram_slot(byte * UINT32_C(0x01010101))] = GRAM_DULL;
		for (unsigned i = 0; i < GRAM_BYTES; i++) {
			gram_counts[gram_slot(byte << 8 * i)] = GRAM_DULL;
		}
	}
}

/* How many patterns could use the more frequent one of the grams from here on. */
static uint32_t grams_count(const struct loader *l, const uint8_t *bytes)
{
	uint32_t most = 0;

	for (unsigned i = 0; i < GRAM_STRIDE; i++) {
		uint32_t count = l->gram_counts[gram_slot(gram_of(bytes + i))];

		most = count > most ? count : most;
	}
	return most;
}

/* Gives a pattern the grams of a run that are rarer than all before them. */
static void choose_grams(const struct loader *l, const struct run *run, uint32_t *rarest)
{
	struct nmap_pattern *p = &l->probes->patterns[run->pattern];

	for (unsigned i = 0; i + GRAM_RUN <= run->len && *rarest > GRAM_RARE; i += GRAM_STEP) {
		uint32_t count = grams_count(l, run->bytes + i);

		if (count < *rarest) {
			*rarest = count;
			p->literal = run->bytes;
			p->literal_len = run->len;
			p->gram_offset = (uint16_t)i;
		}
	}
}

static void add_head_set(uint64_t heads[HEAD_SYMBOLS], const struct head_set *set, uint64_t bit)
{
	for (unsigned word = 0; word < HEAD_SET_WORDS; word++) {
		for (uint64_t left = set->bytes[word]; left != 0; left &= left - 1) {
			heads[64 * word + (unsigned)__builtin_ctzll(left)] |= bit;
		}
	}
	heads[HEAD_END] |= set->has_end ? bit : 0;
}

static void add_head(struct nmap_gramless *block, const struct head *head, uint64_t bit)
{
	for (unsigned i = 0; i < HEAD_LEN; i++) {
		if (head_is_wide(&head->sets[i])) {
			block->any[i] |= bit;
		} else {
			add_head_set(block->heads[i], &head->sets[i], bit);
		}
	}
}

/* A prefix of some bytes is as good, and needs no reading. */
static bool head_of_prefix(struct literal_prefix prefix, struct head *out)
{
	if (__builtin_popcountll(prefix.mask) < 8 * PREFIX_ENOUGH) {
		return false;
	}
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < HEAD_LEN; i++) {
		unsigned byte = prefix.value >> 8 * i & 0xff;

		if ((prefix.mask >> 8 * i & 0xff) != 0) {
			out->sets[i].bytes[byte / 64] = UINT64_C(1) << byte % 64;
		} else {
			memset(out->sets[i].bytes, 0xff, sizeof(out->sets[i].bytes));
		}
	}
	return true;
}

static void add_gramless(struct service_probes *probes, uint32_t index)
{
	struct nmap_gramless *block = &probes->gramless[probes->gramless_count / GRAMLESS_PATTERNS];
	uint32_t at = probes->gramless_count++ % GRAMLESS_PATTERNS;
	struct head head;

	if (!head_of_prefix(probes->patterns[index].prefix, &head)) {
		head_of(probes->patterns[index].source, &head);
	}
	add_head(block, &head, UINT64_C(1) << at);
	block->patterns[at] = index;
}

static void hash_pattern(struct service_probes *probes, uint32_t index)
{
	struct nmap_pattern *p = &probes->patterns[index];

	for (unsigned i = 0; i < GRAM_STRIDE; i++) {
		uint32_t gram = gram_of(p->literal + p->gram_offset + i);
		uint32_t bit = gram_bloom_bit(gram);

		p->next_gram[i] = probes->slots[gram_slot(gram)];
		probes->slots[gram_slot(gram)] = GRAM_STRIDE * index + i;
		probes->bloom[bit / 64] |= UINT64_C(1) << bit % 64;
	}
}

/* Returns how many patterns have none. */
static uint32_t choose_all_grams(struct loader *l)
{
	const struct run *run = l->runs, *end = l->runs + l->run_count;
	uint32_t without = 0;

	count_dull_grams(l->gram_counts);
	for (uint32_t i = 0; i < l->probes->pattern_count; i++) {
		for (uint32_t rarest = GRAM_DULL; run < end && run->pattern == i; run++) {
			choose_grams(l, run, &rarest);
		}
		without += l->probes->patterns[i].literal == NULL;
	}
	return without;
}

static int index_patterns(struct service_probes *probes, uint32_t without_grams)
{
	probes->gramless =
		calloc(without_grams / GRAMLESS_PATTERNS + (size_t)1, sizeof(probes->gramless[0]));
	if (probes->gramless == NULL) {
		return -ENOMEM;
	}
	memset(probes->slots, 0xff, sizeof(probes->slots));
	for (uint32_t i = 0; i < probes->pattern_count; i++) {
		if (probes->patterns[i].literal != NULL) {
			hash_pattern(probes, i);
		} else {
			add_gramless(probes, i);
		}
	}
	return 0;
}

static int hash_patterns(struct loader *l)
{
	struct service_probes *probes = l->probes;

	probes->literals = malloc(l->source_bytes + 1);
	l->runs = reallocarray(NULL, l->source_bytes / GRAM_RUN + 1, sizeof(l->runs[0]));
	if (probes->literals == NULL || l->runs == NULL) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < probes->pattern_count; i++) {
		add_runs(l, i);
	}
	return index_patterns(probes, choose_all_grams(l));
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int read_text(const char *const *paths, struct service_probes *probes, size_t *out_len,
                     struct err *err)
{
	int ret = err_set(err, -ENOENT, "there is no nmap-service-probes");
	uint8_t *bytes;

	for (; *paths != NULL && ret == -ENOENT; paths++) {
		ret = file_read(*paths, &bytes, out_len, err);
	}
	probes->text = ret == 0 ? (char *)bytes : NULL;
	return ret;
}

static int load_lines(struct loader *l, struct span text)
{
	struct cursor c = cur_of(text);
	struct span line;
	int ret = 0;

	while (ret == 0 && cur_line(&c, &line)) {
		l->line += !l->is_own;
		while (line.len > 0 && line.data[line.len - 1] == ' ') {
			line.len--;
		}
		ret = take_line(l, line);
	}
	return ret;
}

/* Passer's own patterns, in a copy that can be cut into strings. */
static int load_own(struct loader *l)
{
	struct span text = signatures_text(OWN_FILE);

	l->probes->own_text = calloc(1, text.len + 1);
	if (l->probes->own_text == NULL) {
		return -ENOMEM;
	}
	memcpy(l->probes->own_text, text.data, text.len);
	l->is_own = true;
	l->line = 0;
	return load_lines(l, span_of(l->probes->own_text, text.len));
}

static pcre2_match_context *new_limits(uint32_t match, uint32_t depth)
{
	pcre2_match_context *limits = pcre2_match_context_create(NULL);

	if (limits != NULL) {
		pcre2_set_match_limit(limits, match);
		pcre2_set_depth_limit(limits, depth);
	}
	return limits;
}

int service_probes_new(const char *const *paths, struct service_probes **out_probes,
                       struct err *err)
{
	struct loader *l = calloc(1, sizeof(*l));
	size_t len = 0;
	int ret = -ENOMEM;

	if (l == NULL || (l->probes = calloc(1, sizeof(*l->probes))) == NULL) {
		goto fail;
	}
	l->gram_counts = calloc(GRAM_SLOTS, sizeof(l->gram_counts[0]));
	l->probes->context = pcre2_compile_context_create(NULL);
	l->probes->limits = new_limits(MATCH_LIMIT, DEPTH_LIMIT);
	l->probes->trial_limits = new_limits(TRIAL_MATCH_LIMIT, TRIAL_DEPTH_LIMIT);
	if (l->gram_counts == NULL || l->probes->context == NULL || l->probes->limits == NULL ||
	    l->probes->trial_limits == NULL) {
		goto fail;
	}
	pcre2_set_newline(l->probes->context, PCRE2_NEWLINE_LF);
	load_skips(l);
	ret = read_text(paths, l->probes, &len, err);
	if (ret < 0) {
		goto out;
	}
	ret = load_lines(l, span_of(l->probes->text, len));
	if (ret == 0 && paths == service_probes_default_paths) {
		ret = load_own(l);
	}
	if (ret == 0) {
		ret = hash_patterns(l);
	}
fail:
	if (ret < 0) {
		err_set(err, ret, "nmap-service-probes: out of memory");
	}
out:
	if (ret == 0) {
		l->probes->counts.patterns = l->probes->pattern_count;
		l->probes->counts.always = l->probes->gramless_count;
		*out_probes = l->probes;
	} else if (l != NULL) {
		service_probes_free(l->probes);
	}
	if (l != NULL) {
		free(l->gram_counts);
		free(l->runs);
	}
	free(l);
	return ret;
}

void service_probes_free(struct service_probes *probes)
{
	if (probes == NULL) {
		return;
	}
	for (uint32_t i = 0; i < probes->pattern_count; i++) {
		pcre2_code_free(probes->patterns[i].code);
	}
	pcre2_compile_context_free(probes->context);
	pcre2_match_context_free(probes->limits);
	pcre2_match_context_free(probes->trial_limits);
	free(probes->patterns);
	free(probes->gramless);
	free(probes->literals);
	free(probes->probes);
	free(probes->ranges);
	free(probes->text);
	free(probes->own_text);
	free(probes);
}

struct service_probes_counts service_probes_counts(const struct service_probes *probes)
{
	return probes->counts;
}
