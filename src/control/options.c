/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"

#include "control_socket.h"

#include <passer/base/log.h>
#include <passer/capture/ring.h>

#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DUMP_DEFAULT_BYTES (UINT64_C(1024) << 20)
#define STATS_DEFAULT_S    60

enum option_id {
#define OPTION(letter, name, argument, about) OPT_##name,
#include "options.def"
#undef OPTION
	OPTION_COUNT
};

struct option_row {
	char letter;          /* 0: none */
	const char *name;     /* with '_' where users write '-' */
	const char *argument; /* NULL: takes none */
	const char *about;
};

static const struct option_row rows[OPTION_COUNT] = {
#define OPTION(letter, name, argument, about) [OPT_##name] = {letter, #name, argument, about},
#include "options.def"
#undef OPTION
};

/* What getopt_long() is given, made from the rows. */
struct getopt_tables {
	char letters[2 * OPTION_COUNT + 3];
	char names[OPTION_COUNT][32];
	struct option longs[OPTION_COUNT + 1];
};

#define LONG_VALUE 256 /* getopt's value of a row: above every letter */

/* As users write it. */
static void spell(char *out, size_t size, int id)
{
	snprintf(out, size, "%s", rows[id].name);
	for (char *p = out; *p != '\0'; p++) {
		*p = *p == '_' ? '-' : *p;
	}
}

static void make_tables(struct getopt_tables *t)
{
	char *letter = t->letters;

	memset(t, 0, sizeof(*t));
	*letter++ = '-'; /* words in their order: they belong to the option before them */
	*letter++ = ':'; /* a missing argument is told apart */
	for (int i = 0; i < OPTION_COUNT; i++) {
		spell(t->names[i], sizeof(t->names[i]), i);
		t->longs[i] = (struct option){
			.name = t->names[i],
			.has_arg = rows[i].argument != NULL ? required_argument : no_argument,
			.val = LONG_VALUE + i,
		};
		if (rows[i].letter != 0) {
			*letter++ = rows[i].letter;
			if (rows[i].argument != NULL) {
				*letter++ = ':';
			}
		}
	}
}

static int row_of(int value)
{
	if (value >= LONG_VALUE) {
		return value - LONG_VALUE;
	}
	for (int i = 0; i < OPTION_COUNT; i++) {
		if (rows[i].letter == value) {
			return i;
		}
	}
	return -1;
}

void options_help(FILE *out)
{
	struct getopt_tables t;

	make_tables(&t);
	fprintf(out, "passer " PASSER_VERSION ": tells what is on a network, by listening only.\n"
	             "\nusage: passer [options]\n\n"
	             "Prints a line for each new fact: Type,IPaddr,Proto,State,Description\n\n");
	for (int i = 0; i < OPTION_COUNT; i++) {
		char head[64];

		snprintf(head, sizeof(head), "%c%c --%s%s%s", rows[i].letter != 0 ? '-' : ' ',
		         rows[i].letter != 0 ? rows[i].letter : ' ', t.names[i],
		         rows[i].argument != NULL ? " " : "",
		         rows[i].argument != NULL ? rows[i].argument : "");
		fprintf(out, "  %-28s %s\n", head, rows[i].about);
	}
	fprintf(out, "\nSee passer(8) and docs/operating.md.\n");
}

/* Asked before strtoul(), which also takes blanks and signs. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int parse_number(const char *name, const char *text, unsigned long min, unsigned long max,
                        unsigned long *out_value, struct err *err)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno != 0 || !is_digit(*text) || *end != '\0' || value < min || value > max) {
		return err_set(err, -EINVAL, "%s %s: a number from %lu to %lu is wanted", name,
		               text, min, max);
	}
	*out_value = value;
	return 0;
}

static int add_interfaces(struct options *o, char *list, struct err *err)
{
	for (char *save, *name = strtok_r(list, ",", &save); name != NULL;
	     name = strtok_r(NULL, ",", &save)) {
		if (strlen(name) >= IFNAMSIZ) {
			return err_set(err, -EINVAL,
			               "-i %s: an interface name has at most %d characters", name,
			               IFNAMSIZ - 1);
		}
		for (unsigned i = 0; i < o->interface_count; i++) {
			if (strcmp(o->interfaces[i], name) == 0) {
				return err_set(err, -EINVAL, "-i %s: named twice", name);
			}
		}
		if (o->interface_count == INTERFACES_MAX) {
			return err_set(err, -EINVAL,
			               "-i %s: at most %d interfaces; without -i all are heard",
			               name, INTERFACES_MAX);
		}
		o->interfaces[o->interface_count++] = name;
	}
	return o->interface_count > 0 ? 0
	                              : err_set(err, -EINVAL, "-i: an interface name is wanted");
}

/* "0,2-3" */
static int parse_cpus(const char *list, cpu_set_t *out_cpus, struct err *err)
{
	const char *p = list;
	char *end;

	CPU_ZERO(out_cpus);
	do {
		unsigned long first = strtoul(p, &end, 10), last = first;
		bool is_bad = !is_digit(*p);

		if (!is_bad && *end == '-') {
			p = end + 1;
			last = strtoul(p, &end, 10);
			is_bad = !is_digit(*p);
		}
		if (is_bad || (*end != ',' && *end != '\0') || first > last ||
		    last >= CPU_SETSIZE) {
			return err_set(err, -EINVAL, "--cpus %s: a list such as 0,2-3 is wanted",
			               list);
		}
		for (; first <= last; first++) {
			CPU_SET(first, out_cpus);
		}
		p = end + 1;
	} while (*end == ',');
	return 0;
}

static int set_fanout(struct options *o, const char *word, struct err *err)
{
	static const char *const modes[] = {
		[FANOUT_HOST] = "host",
		[FANOUT_FLOW] = "flow",
		[FANOUT_CPU] = "cpu",
		[FANOUT_QUEUE] = "queue",
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(modes[i], word) == 0) {
			o->fanout = (enum fanout_mode)i;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "--fanout %s: host, flow, cpu or queue is wanted", word);
}

/* The profile first: the others say where the user wants it otherwise. */
static int select_words(struct selection *selection, const struct selection_words *words,
                        struct err *err)
{
	const char *const pairs[][2] = {
		{"profile", words->profile},
		{"records", words->records},
		{"acks", words->acks},
		{"udp", words->udp},
	};
	size_t count;
	int ret = 0;

	*selection = profile_selection(profile_rows(&count));
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]) && ret == 0; i++) {
		if (pairs[i][1] != NULL) {
			ret = selection_set(selection, pairs[i][0], pairs[i][1], err);
		}
	}
	return ret;
}

static int set_sizes(struct options *o, enum option_id id, const char *word, struct err *err)
{
	unsigned long value = 0;
	int ret;

	switch (id) {
	case OPT_memory:
		ret = parse_number("--memory", word, 1, 1ul << 20, &value, err);
		o->memory_bytes = ret == 0 ? (uint64_t)value << 20 : 0;
		return ret;
	case OPT_ring_mib:
		ret = parse_number("--ring-mib", word, 1, 65536, &value, err);
		o->ring_bytes = ret == 0 ? value << 20 : 0;
		return ret;
	case OPT_block_kib:
		ret = parse_number("--block-kib", word, 64, 65536, &value, err);
		if (ret == 0 && (value & (value - 1)) != 0) {
			return err_set(err, -EINVAL, "--block-kib %s: a power of two is wanted",
			               word);
		}
		o->block_bytes = ret == 0 ? value << 10 : 0;
		return ret;
	case OPT_retire_ms:
		ret = parse_number("--retire-ms", word, 1, 10000, &value, err);
		o->retire_ms = ret == 0 ? (unsigned)value : 0;
		return ret;
	case OPT_dump_limit:
		ret = parse_number("--dump-limit", word, 1, 1ul << 30, &value, err);
		o->dump_limit_bytes = ret == 0 ? (uint64_t)value << 20 : 0;
		return ret;
	case OPT_max_rate:
		ret = parse_number("--max-rate", word, 0, 1000000, &value, err);
		o->max_rate = ret == 0 ? (uint32_t)value : 0;
		return ret;
	case OPT_stats_interval:
		ret = parse_number("--stats-interval", word, 1, 86400, &value, err);
		o->stats_interval_s = ret == 0 ? (unsigned)value : 0;
		return ret;
	default:
		if (strcmp(word, "auto") == 0) {
			o->workers = 0;
			return 0;
		}
		ret = parse_number("--workers", word, 1, WORKERS_MAX, &value, err);
		o->workers = ret == 0 ? (unsigned)value : 0;
		return ret;
	}
}

static int set_name(struct options *o, const char *word, struct err *err)
{
	o->name = word;
	return control_name_is_good(word)
	               ? 0
	               : err_set(err, -EINVAL,
	                         "--name %s: up to 40 letters, digits, '_', '-' and "
	                         "'.' are wanted",
	                         word);
}

/* Options that set a bool, and options that keep their word: where in the struct. */
#define AT(id, member) [OPT_##id] = offsetof(struct options, member)

static const size_t flags[OPTION_COUNT] = {
	AT(timestamp, has_timestamp),   AT(nxdomain, wants_nxdomain),  AT(creds, wants_creds),
	AT(mac_notes, wants_mac_notes), AT(devel, is_verbose),         AT(quit, stops_at_unhandled),
	AT(core_dumps, has_core_dumps), AT(unconfined, is_unconfined),
};

static const size_t words[OPTION_COUNT] = {
	AT(log, log_path),
	AT(profile, selection_words.profile),
	AT(records, selection_words.records),
	AT(acks, selection_words.acks),
	AT(udp, selection_words.udp),
	AT(service_probes, service_probes),
	AT(stats, stats_path),
	AT(unhandled, unhandled_path),
	AT(suspicious, dump_path),
	AT(quarantine, quarantine_path),
	AT(trusted_ips, trusted_path),
	AT(suspicious_ips, suspicious_path),
	AT(user, user),
	AT(identify, identify),
};

/* Options that ask for something else than a run; ACTION_RUN is 0. */
static const enum action actions[OPTION_COUNT] = {
	[OPT_explain_filter] = ACTION_EXPLAIN_FILTER,
	[OPT_check_signatures] = ACTION_CHECK_SIGNATURES,
	[OPT_check] = ACTION_CHECK,
	[OPT_identify] = ACTION_IDENTIFY,
	[OPT_help] = ACTION_HELP,
	[OPT_version] = ACTION_VERSION,
	[OPT_list_analyzers] = ACTION_LIST_ANALYZERS,
};

/* `action` comes first in the struct and is neither a flag nor a word, so 0 is no place here. */
_Static_assert(offsetof(struct options, action) == 0, "0 means none in flags and words");

static void set_place(struct options *o, enum option_id id, const char *word)
{
	if (flags[id] != 0) {
		*(bool *)((char *)o + flags[id]) = true;
	}
	if (words[id] != 0) {
		*(const char **)(void *)((char *)o + words[id]) = word;
	}
	if (actions[id] != ACTION_RUN) {
		o->action = actions[id];
	}
}

static int set_expression(struct options *o, const char *word, struct err *err)
{
	if (o->expression != NULL) {
		return err_set(err, -EINVAL,
		               "'%s': a second filter; it is one word, in quotes: "
		               "'tcp and port 80'",
		               word);
	}
	o->expression = word;
	return 0;
}

/* An empty variable of a shell, most likely. */
static bool lacks_file(enum option_id id, const char *word)
{
	const char *argument = rows[id].argument;

	return argument != NULL && strncmp(argument, "FILE", 4) == 0 && *word == '\0';
}

static int apply(struct options *o, enum option_id id, char *word, struct err *err)
{
	char name[32];

	if (lacks_file(id, word)) {
		spell(name, sizeof(name), id);
		return err_set(err, -EINVAL, "--%s: a file name is wanted", name);
	}
	set_place(o, id, word);
	switch (id) {
	case OPT_interface:
		return add_interfaces(o, word, err);
	case OPT_read:
		o->files[o->file_count++] = word;
		return 0;
	case OPT_bpf:
		return set_expression(o, word, err);
	case OPT_fanout:
		return set_fanout(o, word, err);
	case OPT_p0f:
		o->p0f[o->p0f_count++] = word;
		return 0;
	case OPT_geoip:
		o->geoip[o->geoip_count++] = word;
		return 0;
	case OPT_check_signatures:
	case OPT_signatures:
		o->signatures[o->signature_count++] = word;
		return 0;
	case OPT_workers:
	case OPT_memory:
	case OPT_ring_mib:
	case OPT_block_kib:
	case OPT_retire_ms:
	case OPT_dump_limit:
	case OPT_max_rate:
	case OPT_stats_interval:
		return set_sizes(o, id, word, err);
	case OPT_name:
		return set_name(o, word, err);
	case OPT_cpus:
		return parse_cpus(word, &o->cpus, err);
	default:
		return 0; /* has its place in a table */
	}
}

/* A word without an option: another file behind -r, else the filter. */
static int apply_word(struct options *o, int last_id, char *word, struct err *err)
{
	return apply(o, last_id == OPT_read ? OPT_read : OPT_bpf, word, err);
}

/* What getopt_long() did not take: the word, or one letter of a word of several. */
static int refuse(int value, const char *word, struct err *err)
{
	if (value == ':') {
		return err_set(err, -EINVAL, "%s: an argument is missing; see passer --help", word);
	}
	if (optopt >= LONG_VALUE) {
		return err_set(err, -EINVAL, "%s: it takes no argument; see passer --help", word);
	}
	if (optopt != 0) {
		return err_set(err, -EINVAL, "-%c: no such option; see passer --help", optopt);
	}
	return err_set(err, -EINVAL, "%s: no such option; see passer --help", word);
}

int options_parse(struct options *options, int argc, char **argv, struct err *err)
{
	struct getopt_tables tables;
	int value, last_id = -1, ret = 0;

	*options = (struct options){
		.ring_bytes = RING_DEFAULT_BYTES,
		.block_bytes = RING_DEFAULT_BLOCK_BYTES,
		.retire_ms = RING_DEFAULT_RETIRE_MS,
		.dump_limit_bytes = DUMP_DEFAULT_BYTES,
		.stats_interval_s = STATS_DEFAULT_S,
		.name = "passer",
		.files = calloc((size_t)argc + 1, sizeof(options->files[0])),
		.signatures = calloc((size_t)argc + 1, sizeof(options->signatures[0])),
		.geoip = calloc((size_t)argc + 1, sizeof(options->geoip[0])),
		.p0f = calloc((size_t)argc + 1, sizeof(options->p0f[0])),
	};
	if (options->files == NULL || options->signatures == NULL || options->geoip == NULL ||
	    options->p0f == NULL) {
		return err_set(err, -ENOMEM, "out of memory");
	}
	make_tables(&tables);
	opterr = 0;
	optind = 0; /* also resets what an earlier parse left */
	while (ret == 0 &&
	       (value = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
		if (value == 1) {
			ret = apply_word(options, last_id, optarg, err);
			continue;
		}
		if (value == ':' || value == '?') {
			return refuse(value, argv[optind - 1], err);
		}
		last_id = row_of(value);
		ret = apply(options, (enum option_id)last_id, optarg, err);
	}
	while (ret == 0 && optind < argc) { /* behind "--" */
		ret = apply_word(options, last_id, argv[optind++], err);
	}
	if (ret == 0 && options->block_bytes * 4 > options->ring_bytes) {
		ret = err_set(err, -EINVAL, "--block-kib: a ring needs four blocks at least");
	}
	if (ret == 0) {
		ret = select_words(&options->selection, &options->selection_words, err);
	}
	if (ret == 0 && (options->unhandled_path != NULL || options->stops_at_unhandled)) {
		selection_add(&options->selection, FRAME_CLASS_BIT(L2_OTHER));
	}
	return ret;
}

void options_fini(struct options *options)
{
	free(options->files);
	free(options->signatures);
	free(options->geoip);
	free(options->p0f);
	options->files = options->signatures = options->geoip = options->p0f = NULL;
}
