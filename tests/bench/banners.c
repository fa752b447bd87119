/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What naming a product costs: microseconds of service_match() for payloads of capture files, and
 * for the dearest text that a search finds.
 *
 *   banners PROBES SECONDS CAPTURE…     seconds to search; "-" as PROBES: as passer by itself
 *
 * The search puts together literals of patterns, which is what the prefilter lets through, and
 * pieces of payloads; it keeps a change that makes the text dearer, and begins anew when nothing
 * has helped for long.
 */
#include "fingerprint/nmap_internal.h"
#include "support/payloads.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TEXT_BYTES     4096 /* more is not looked at */
#define TIMES_MEASURED 3    /* the least counts: the others were disturbed */
#define TIMES_SURE     40   /* before a text is called the dearest */
#define HEAD_BYTES     64   /* of a payload that a text begins with */
#define TRIES_IN_VAIN  400  /* then the search begins anew */
#define NS_PER_S       UINT64_C(1000000000)

struct bench {
	struct service_probes *probes;
	struct service_matcher *matcher;
	struct payloads payloads;
	uint64_t random;
	const char *service; /* of patterns whose literals are put together */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint64_t cost_ns(struct bench *b, const struct payload *p, int times)
{
	uint64_t least = UINT64_MAX;
	char buf[1024];
	struct text desc;

	for (int i = 0; i < times; i++) {
		uint64_t start = now_ns();

		text_init(&desc, buf, sizeof(buf));
		service_match(b->matcher, p->transport, p->port, p->bytes, &desc);
		start = now_ns() - start;
		least = start < least ? start : least;
	}
	return least;
}

/* ---- payloads as they come ------------------------------------------------------------------- */

static int compare_costs(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void print_row(const char *what, uint64_t ns)
{
	printf("%-28s %10.1f us\n", what, (double)ns / 1000);
}

static void measure_payloads(struct bench *b)
{
	size_t count = b->payloads.count;
	uint64_t *costs = calloc(count + 1, sizeof(costs[0]));

	if (costs == NULL) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		costs[i] = cost_ns(b, &b->payloads.list[i], TIMES_MEASURED);
	}
	qsort(costs, count, sizeof(costs[0]), compare_costs);
	printf("%-28s %10zu\n", "payloads", count);
	print_row("half of them within", costs[count / 2]);
	print_row("99 of 100 within", costs[count * 99 / 100]);
	print_row("dearest", costs[count - 1]);
	free(costs);
}

/* ---- the search ------------------------------------------------------------------------------ */

static const struct nmap_pattern *any_pattern(struct bench *b)
{
	return &b->probes->patterns[payloads_random(&b->random) % b->probes->pattern_count];
}

/* Of the service of this climb if one is soon found: its patterns have the same head. */
static struct span any_literal(struct bench *b)
{
	const struct nmap_pattern *p = any_pattern(b);

	for (int i = 0; i < 64 && (p->literal == NULL || strcmp(p->service, b->service) != 0);
	     i++) {
		p = any_pattern(b);
	}
	return span_of(p->literal, p->literal != NULL ? p->literal_len : 0);
}

static struct span any_piece(struct bench *b)
{
	struct span s = b->payloads.list[payloads_random(&b->random) % b->payloads.count].bytes;
	size_t at = payloads_random(&b->random) % s.len;
	size_t len = 1 + payloads_random(&b->random) % (s.len - at);

	return span_of(s.data + at, len);
}

/* What makes repetitions in patterns go back and forth. */
static struct span any_run(struct bench *b)
{
	static const char bytes[] = "\0 a0.\n\xff:";
	static uint8_t run[TEXT_BYTES];
	size_t len = 1 + payloads_random(&b->random) % (sizeof(run) / 4);

	memset(run, bytes[payloads_random(&b->random) % sizeof(bytes)], len);
	return span_of(run, len);
}

/* Puts it once, or again and again to the end. Returns where it ends. */
static size_t put(uint8_t *text, size_t at, struct span s, bool is_repeated)
{
	do {
		size_t n = s.len < TEXT_BYTES - at ? s.len : TEXT_BYTES - at;

		memcpy(text + at, s.data, n);
		at += n;
	} while (is_repeated && at < TEXT_BYTES);
	return at;
}

static void put_something(struct bench *b, uint8_t *text, size_t head)
{
	uint32_t kind = payloads_random(&b->random) % 8;
	struct span s = kind < 6 ? any_literal(b) : kind < 7 ? any_piece(b) : any_run(b);

	if (s.len > 0) {
		put(text, head + payloads_random(&b->random) % (TEXT_BYTES - head), s,
		    payloads_random(&b->random) % 64 == 0);
	}
}

/* The head of a payload, and literals behind it, joined as lines or otherwise. */
static size_t begin(struct bench *b, uint8_t *text, const struct payload *like)
{
	static const char *const joints[] = {"\r\n", "\n", " ", ": ", "\r\na: "};
	struct span joint = span_str(joints[payloads_random(&b->random) % 5]);
	size_t head = like->bytes.len < HEAD_BYTES ? like->bytes.len : HEAD_BYTES;
	size_t at = put(text, 0, span_of(like->bytes.data, head), false);

	b->service = any_pattern(b)->service;
	while (at < TEXT_BYTES) {
		struct span s = any_literal(b);

		at = s.len > 0 ? put(text, at, s, false) : at;
		at = put(text, at, joint, false);
	}
	return head;
}

/* What the dearest text of one climb costs. */
static uint64_t climb(struct bench *b, uint64_t end_ns)
{
	uint8_t best[TEXT_BYTES], text[TEXT_BYTES];
	const struct payload *like =
		&b->payloads.list[payloads_random(&b->random) % b->payloads.count];
	size_t head = begin(b, best, like);
	struct payload p = {PROBE_TCP, like->port, span_of(text, TEXT_BYTES)};
	uint64_t most = 0;

	for (int in_vain = 0; in_vain < TRIES_IN_VAIN && now_ns() < end_ns; in_vain++) {
		memcpy(text, best, TEXT_BYTES);
		for (uint32_t n = most == 0 ? 0 : 1 + payloads_random(&b->random) % 4; n > 0; n--) {
			put_something(b, text, head);
		}
		if (cost_ns(b, &p, TIMES_MEASURED) <= most) {
			continue;
		}
		uint64_t cost = cost_ns(b, &p, TIMES_SURE);

		if (cost > most) {
			most = cost;
			memcpy(best, text, TEXT_BYTES);
			in_vain = 0;
		}
	}
	return most;
}

static void search(struct bench *b, unsigned seconds)
{
	uint64_t end = now_ns() + seconds * NS_PER_S;
	uint64_t most = 0;

	while (now_ns() < end) {
		uint64_t cost = climb(b, end);

		most = cost > most ? cost : most;
	}
	print_row("dearest that was searched", most);
}

int main(int argc, char **argv)
{
	struct bench b = {.random = 0x9e3779b97f4a7c15};
	const char *only[] = {argc > 1 ? argv[1] : NULL, NULL};
	struct err err;

	if (argc < 4) {
		fputs("usage: banners PROBES SECONDS CAPTURE…\n", stderr);
		return EXIT_FAILURE;
	}
	if (service_probes_new(strcmp(argv[1], "-") != 0 ? only : service_probes_default_paths,
	                       &b.probes, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	uint64_t start = now_ns();

	service_probes_compile(b.probes);
	print_row("compiling all patterns", now_ns() - start);
	b.matcher = service_matcher_new(b.probes);
	for (int i = 3; i < argc; i++) {
		payloads_add_file(&b.payloads, argv[i]);
	}
	if (b.payloads.count == 0) {
		fputs("the captures hold no payload\n", stderr);
		return EXIT_FAILURE;
	}
	measure_payloads(&b);
	search(&b, (unsigned)strtoul(argv[2], NULL, 10));
	payloads_fini(&b.payloads);
	service_matcher_free(b.matcher);
	service_probes_free(b.probes);
	return EXIT_SUCCESS;
}
