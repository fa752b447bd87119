/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The patterns of products asked one by one, without grams or ranks, about every payload of capture
 * files and about damaged copies of it: the winner and its description must be those of
 * service_match().
 *
 *   one_by_one PROBES COPIES CAPTURE…     exit status 1 and a line for each difference;
 *                                         "-" as PROBES: the patterns that passer finds by itself
 */
#include "fingerprint/nmap_internal.h"
#include "support/payloads.h"

#include <stdio.h>
#include <stdlib.h>

#define SUBJECT_MAX     4096 /* of a payload, as the header promises */
#define DESC_BYTES      2048
#define DAMAGES_A_COPY  3
#define LINES_SHOWN_MAX 20

/* The four classes of patterns in the order in which they are asked, each in file order. */
enum tier { TIER_LISTED, TIER_ANY_PORT, TIER_LISTED_SOFT, TIER_ANY_PORT_SOFT, TIER_COUNT };

struct comparison {
	struct service_probes *probes;
	struct service_matcher *matcher;
	pcre2_match_data *match;
	size_t asked, named, different;
};

static enum tier tier_of(const struct service_probes *probes, const struct nmap_pattern *p,
                         const struct payload *payload)
{
	const struct nmap_probe *probe = &probes->probes[p->probe];

	if (probe->transport != payload->transport ||
	    (probe->has_ports && !nmap_probe_lists(probes, probe, payload->port))) {
		return TIER_COUNT;
	}
	return (p->info == NULL ? TIER_LISTED_SOFT : TIER_LISTED) + !probe->has_ports;
}

static const struct nmap_pattern *winner(struct comparison *c, const struct payload *payload,
                                         struct span subject)
{
	for (int tier = 0; tier < TIER_COUNT; tier++) {
		for (uint32_t i = 0; i < c->probes->pattern_count; i++) {
			struct nmap_pattern *p = &c->probes->patterns[i];

			if ((int)tier_of(c->probes, p, payload) == tier && p->code != NULL &&
			    pcre2_match(p->code, subject.data, subject.len, 0, 0, c->match,
			                c->probes->limits) >= 0) {
				return p;
			}
		}
	}
	return NULL;
}

static void show(const struct comparison *c, const struct payload *payload,
                 const struct nmap_pattern *p, const char *desc, const char *wanted)
{
	if (c->different > LINES_SHOWN_MAX) {
		return;
	}
	printf("# port %u: \"%s\", not \"%s\" of line %u, for ", payload->port, desc, wanted,
	       p != NULL ? p->line : 0);
	for (size_t i = 0; i < payload->bytes.len && i < 64; i++) {
		printf("%02x", payload->bytes.data[i]);
	}
	putchar('\n');
}

static void compare(struct comparison *c, const struct payload *payload)
{
	size_t len = payload->bytes.len < SUBJECT_MAX ? payload->bytes.len : SUBJECT_MAX;
	struct span subject = span_of(payload->bytes.data, len);
	char buf[DESC_BYTES], wanted_buf[DESC_BYTES];
	struct text desc, wanted;
	const struct nmap_pattern *p;

	text_init(&desc, buf, sizeof(buf));
	text_init(&wanted, wanted_buf, sizeof(wanted_buf));
	service_match(c->matcher, payload->transport, payload->port, payload->bytes, &desc);
	p = winner(c, payload, subject);
	if (p != NULL) {
		nmap_describe(p, subject, c->match, &wanted);
		c->named++;
	}
	c->asked++;
	if (strcmp(buf, wanted_buf) != 0) {
		c->different++;
		show(c, payload, p, buf, wanted_buf);
	}
}

/* One damage: a byte changed, letters' case changed, or a piece moved over another. */
static void damage(uint8_t *bytes, size_t len, uint64_t *random)
{
	size_t at = payloads_random(random) % len;
	size_t from = payloads_random(random) % len;
	size_t n = 1 + payloads_random(random) % (len - (at > from ? at : from));

	switch (payloads_random(random) % 4) {
	case 0:
		bytes[at] = (uint8_t)payloads_random(random);
		break;
	case 1:
		bytes[at] ^= 0x20;
		break;
	case 2:
		memmove(bytes + at, bytes + from, n);
		break;
	default:
		memset(bytes + at, "\0 9a\r\n\xff."[payloads_random(random) % 8], n / 4);
		break;
	}
}

/* The same text damaged, cut, and from any port. */
static void compare_copy(struct comparison *c, const struct payload *original, uint64_t *random)
{
	struct payload copy = *original;
	uint8_t bytes[PAYLOAD_BYTES_MAX];

	memcpy(bytes, original->bytes.data, original->bytes.len);
	for (int i = 0; i < DAMAGES_A_COPY; i++) {
		damage(bytes, original->bytes.len, random);
	}
	copy.bytes = span_of(bytes, original->bytes.len);
	if (payloads_random(random) % 4 == 0) {
		copy.bytes.len = 1 + payloads_random(random) % original->bytes.len;
	}
	if (payloads_random(random) % 4 == 0) {
		copy.port = (uint16_t)payloads_random(random);
	}
	compare(c, &copy);
}

static void compare_all(struct comparison *c, const struct payloads *payloads, unsigned copies)
{
	uint64_t random = 0x9e3779b97f4a7c15;

	for (size_t i = 0; i < payloads->count; i++) {
		compare(c, &payloads->list[i]);
		for (unsigned k = 0; k < copies; k++) {
			compare_copy(c, &payloads->list[i], &random);
		}
	}
}

int main(int argc, char **argv)
{
	const char *only[] = {argc > 1 ? argv[1] : NULL, NULL};
	struct payloads payloads = {.count = 0};
	struct comparison c = {.asked = 0};
	struct err err;

	if (argc < 4) {
		fputs("usage: one_by_one PROBES COPIES CAPTURE…\n", stderr);
		return EXIT_FAILURE;
	}
	if (service_probes_new(strcmp(argv[1], "-") != 0 ? only : service_probes_default_paths,
	                       &c.probes, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	service_probes_compile(c.probes);
	c.matcher = service_matcher_new(c.probes);
	c.match = pcre2_match_data_create(32, NULL);
	for (int i = 3; i < argc; i++) {
		payloads_add_file(&payloads, argv[i]);
	}
	compare_all(&c, &payloads, (unsigned)strtoul(argv[2], NULL, 10));
	printf("# %u patterns, %zu payloads of captures, %zu asked, %zu with a winner, "
	       "%zu different\n",
	       c.probes->pattern_count, payloads.count, c.asked, c.named, c.different);
	payloads_fini(&payloads);
	pcre2_match_data_free(c.match);
	service_matcher_free(c.matcher);
	service_probes_free(c.probes);
	return c.asked == 0 || c.different > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
