/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a server says tells its product: the patterns of nmap-service-probes (its grammar is in
 * "Nmap Network Scanning", chapter "File Format"), which are read from the system and asked about
 * payloads that servers send by themselves or to their own clients.
 *
 * There are about 12,000 patterns. Asking each of them costs milliseconds, so every pattern that
 * can be has grams: four bytes that any text it matches must hold, chosen to be rare. A payload is
 * scanned once for grams, and only the patterns whose gram is there are asked. This loses nothing:
 * a pattern for which no such bytes can be told for certain is asked unless the first bytes of the
 * payload are none that its texts begin with.
 *
 * For a port the patterns of probes that list it come first, then those of probes without ports;
 * each in file order. "softmatch" lines count when nothing else matched, and give the service
 * alone.
 */
#pragma once

#include <passer/base/err.h>
#include <passer/base/text.h>

enum probe_transport { PROBE_TCP, PROBE_UDP, PROBE_TRANSPORT_COUNT };

struct service_probes;

struct service_probes_counts {
	size_t patterns;
	size_t always;  /* without grams */
	size_t skipped; /* without a description, or listed in nmap_skip.tsv */
	size_t bad;     /* lines that cannot be understood, patterns that do not compile */
};

/*
 * The files read when the user names none; ends with NULL. With this list passer's own patterns
 * (src/signatures/service_probes.txt) are read, too, and stand behind those of the file.
 */
extern const char *const service_probes_default_paths[];

/*
 * Loads the first file of the list that exists. 0, or a negative errno with err set (-ENOENT: there
 * is none). Patterns are compiled when they are first asked, for this machine when they are asked
 * often, which suits one small file.
 */
int service_probes_new(const char *const *paths, struct service_probes **out_probes,
                       struct err *err);

/*
 * Compiles all patterns now: before a fork, so that all processes share them and nothing is
 * compiled while packets wait. Takes some tenths of a second.
 */
void service_probes_compile(struct service_probes *probes);

/* Accepts NULL. */
void service_probes_free(struct service_probes *probes);
struct service_probes_counts service_probes_counts(const struct service_probes *probes);

/* What one process needs to ask: scratch memory, so that asking allocates nothing. */
struct service_matcher;

/* How much, beside a word for each pattern. */
size_t service_matcher_bytes(void);

/* NULL when memory ran out. The probes are borrowed. */
struct service_matcher *service_matcher_new(struct service_probes *probes);
/* Accepts NULL. */
void service_matcher_free(struct service_matcher *matcher);

/* Does a probe of the file list this port? Of UDP nothing else says that it is a server's. */
bool service_lists(const struct service_matcher *matcher, enum probe_transport transport,
                   uint16_t port);

enum service_match {
	SERVICE_MATCH_NONE,
	SERVICE_MATCH_SOFT, /* the service alone, "imap://": what it says next may tell more */
	SERVICE_MATCH_PRODUCT,
};

/*
 * Appends the description of the server that sends this from this port, "ssh://p/OpenSSH/ …", if a
 * pattern matches. Only the first bytes of a payload are looked at, and each pattern has a limit of
 * steps, so that the dearest payload takes less than a millisecond.
 */
enum service_match service_match(struct service_matcher *matcher, enum probe_transport transport,
                                 uint16_t port, struct span payload, struct text *out_desc);

/*
 * Called for each pattern that matches, in the order of the file; desc is borrowed. The line is 0
 * for passer's own patterns.
 */
typedef void service_match_fn(void *user, size_t line, const char *desc);

/* All patterns that match, whatever their ports; for people who write patterns. Slow. */
void service_match_all(struct service_matcher *matcher, enum probe_transport transport,
                       struct span payload, service_match_fn *fn, void *user);
