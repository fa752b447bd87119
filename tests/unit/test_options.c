/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line: words to fields, or to the one line that says what is wrong. */
#include "control/options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <passer/base/text.h>
#include <passer/capture/ring.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WORDS_MAX    24

/* ---- options as text: each field that is not as it is without any option ---- */

static void add_words(struct text *t, const char *name, const char *const *words, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		text_add(t, i == 0 ? name : "|");
		text_add(t, words[i]);
	}
}

static void add_word(struct text *t, const char *name, const char *word)
{
	add_words(t, name, &word, word != NULL);
}

static void add_flag(struct text *t, const char *name, bool is_set)
{
	add_word(t, name, is_set ? "" : NULL);
}

static void add_number(struct text *t, const char *name, uint64_t value, uint64_t usual)
{
	if (value != usual) {
		text_add(t, name);
		text_add_uint(t, value);
	}
}

static void add_cpus(struct text *t, const cpu_set_t *cpus)
{
	for (unsigned i = 0, n = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, cpus)) {
			text_add(t, n++ == 0 ? " cpus=" : "|");
			text_add_uint(t, i);
		}
	}
}

static void add_selection(struct text *t, const struct selection *s)
{
	if (s->records != RECORDS_ALL) {
		text_add(t, " records=");
		selection_records_text(s->records, t);
	}
	add_number(t, " acks=", s->tcp_budget, 4);
	add_number(t, " udp=", s->udp_budget, 8);
}

static void describe(const struct options *o, struct text *t)
{
	static const char *const actions[] = {
		[ACTION_RUN] = NULL,
		[ACTION_HELP] = "help",
		[ACTION_VERSION] = "version",
		[ACTION_LIST_ANALYZERS] = "list",
		[ACTION_CHECK_SIGNATURES] = "check",
		[ACTION_EXPLAIN_FILTER] = "explain",
		[ACTION_CHECK] = "machine",
		[ACTION_IDENTIFY] = "identify",
	};

	add_word(t, " action=", actions[o->action]);
	add_words(t, " interfaces=", o->interfaces, o->interface_count);
	add_words(t, " files=", o->files, o->file_count);
	add_word(t, " log=", o->log_path);
	add_word(t, " bpf=", o->expression);
	add_words(t, " signatures=", o->signatures, o->signature_count);
	add_word(t, " service-probes=", o->service_probes);
	add_words(t, " p0f=", o->p0f, o->p0f_count);
	add_word(t, " unhandled=", o->unhandled_path);
	add_word(t, " suspicious=", o->dump_path);
	add_word(t, " quarantine=", o->quarantine_path);
	add_number(t, " limit=", o->dump_limit_bytes, UINT64_C(1) << 30);
	add_number(t, " max-rate=", o->max_rate, 0);
	add_word(t, " stats=", o->stats_path);
	add_number(t, " interval=", o->stats_interval_s, 60);
	add_word(t, " name=", strcmp(o->name, "passer") != 0 ? o->name : NULL);
	add_word(t, " trusted-ips=", o->trusted_path);
	add_word(t, " suspicious-ips=", o->suspicious_path);
	add_selection(t, &o->selection);
	add_number(t, " fanout=", o->fanout, FANOUT_HOST);
	add_flag(t, " timestamp", o->has_timestamp);
	add_flag(t, " nxdomain", o->wants_nxdomain);
	add_flag(t, " creds", o->wants_creds);
	add_flag(t, " mac-notes", o->wants_mac_notes);
	add_flag(t, " quit", o->stops_at_unhandled);
	add_flag(t, " verbose", o->is_verbose);
	add_number(t, " workers=", o->workers, 0);
	add_cpus(t, &o->cpus);
	add_number(t, " memory=", o->memory_bytes, 0);
	add_number(t, " ring=", o->ring_bytes, RING_DEFAULT_BYTES);
	add_number(t, " block=", o->block_bytes, RING_DEFAULT_BLOCK_BYTES);
	add_number(t, " retire=", o->retire_ms, RING_DEFAULT_RETIRE_MS);
}

/* Blank-separated words to argv; '' is the empty word and ~ stands for a blank in a word. */
static int make_argv(char *line, char *argv[static WORDS_MAX])
{
	static char program[] = "passer", empty[] = "";
	int argc = 0;

	argv[argc++] = program;
	for (char *save, *word = strtok_r(line, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save)) {
		assert_true(argc < WORDS_MAX - 1);
		for (char *p = word; *p != '\0'; p++) {
			*p = *p == '~' ? ' ' : *p;
		}
		argv[argc++] = strcmp(word, "''") == 0 ? empty : word;
	}
	argv[argc] = NULL;
	return argc;
}

/* " files=a|b …", or "error: " and the text of it. */
static void parse(const char *words, struct text *out_text)
{
	char line[512], *argv[WORDS_MAX];
	struct err err = {.text = "untouched"};
	struct options options;

	assert_true(strlen(words) < sizeof(line));
	memcpy(line, words, strlen(words) + 1);
	int argc = make_argv(line, argv);
	int ret = options_parse(&options, argc, argv, &err);

	if (ret == 0) {
		describe(&options, out_text);
	} else {
		assert_int_equal(ret, -EINVAL);
		text_add(out_text, "error: ");
		text_add(out_text, err.text);
	}
	assert_false(out_text->cut);
	options_fini(&options);
	options_fini(&options);
}

/* ---- rows ---- */

#define SEE       "; see passer --help"
#define ALL_TYPES "DN, IP, MA, NA, PC, PS, RO, TC, TS, UC, US, WI"

static const struct word_row {
	const char *words;
	const char *result;
} rows[] = {
	{"", ""},
	{"-d -q --timestamp --nxdomain", " timestamp nxdomain quit verbose"},
	{"-dq", " quit verbose"},
	{"--devel --quit", " quit verbose"},
	{"-l out.csv", " log=out.csv"},
	{"-lout.csv --log other.csv", " log=other.csv"},
	{"--log=out.csv", " log=out.csv"},
	{"--log=", "error: --log: a file name is wanted"},
	{"-u un.pcap -s sus.pcap --creds", " unhandled=un.pcap suspicious=sus.pcap creds"},
	{"--trusted-ips t.json --suspicious-ips s.json",
         " trusted-ips=t.json suspicious-ips=s.json"},
	{"--signatures a.tsv --signatures b.tsv", " signatures=a.tsv|b.tsv"},
	{"--check-signatures a.tsv --check-signatures b.tsv",
         " action=check signatures=a.tsv|b.tsv"},
	{"--service-probes p", " service-probes=p"},
	{"--p0f a.fp --p0f b.fp", " p0f=a.fp|b.fp"},
	{"--dump-limit 1", " limit=1048576"},
	{"--quarantine q.pcapng", " quarantine=q.pcapng"},
	{"--max-rate 0", ""},
	{"--max-rate 100", " max-rate=100"},
	{"--max-rate -1", "error: --max-rate -1: a number from 0 to 1000000 is wanted"},
	{"--stats a.csv --stats-interval 5 --name span-1", " stats=a.csv interval=5 name=span-1"},
	{"--dump-limit 0", "error: --dump-limit 0: a number from 1 to 1073741824 is wanted"},
	/* interfaces */
	{"-i eth0", " interfaces=eth0"},
	{"-i eth0,eth1 -i wlan0", " interfaces=eth0|eth1|wlan0"},
	{"-i ,eth0,", " interfaces=eth0"},
	{"-i a23456789012345", " interfaces=a23456789012345"},
	{"-i a234567890123456",
         "error: -i a234567890123456: an interface name has at most 15 characters"},
	{"-i eth0 -i eth1,eth0", "error: -i eth0: named twice"},
	{"-i ,", "error: -i: an interface name is wanted"},
	{"-i ''", "error: -i: an interface name is wanted"},
	{"-i a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p", " interfaces=a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p"},
	{"-i a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q",
         "error: -i q: at most 16 interfaces; without -i all are heard"},
	/* files take every word up to the next option */
	{"-r a.pcap", " files=a.pcap"},
	{"-r a.pcap b.pcap c.pcap", " files=a.pcap|b.pcap|c.pcap"},
	{"-r a b -r c d --timestamp", " files=a|b|c|d timestamp"},
	{"-r a b -d tcp", " files=a|b bpf=tcp verbose"},
	{"-ra b", " files=a|b"},
	{"--read=a b", " files=a|b"},
	{"--read a -l out b", " files=a log=out bpf=b"},
	{"-r -", " files=-"},
	{"-r a -", " files=a|-"},
	{"-r a -- -b", " files=a|-b"},
	{"-i eth0 -r a", " interfaces=eth0 files=a"},
	/* a lone word is the filter, and there is one */
	{"tcp~port~80", " bpf=tcp port 80"},
	{"-b tcp~port~80", " bpf=tcp port 80"},
	{"-i eth0 udp", " interfaces=eth0 bpf=udp"},
	{"udp -r a", " files=a bpf=udp"},
	{"-- -i", " bpf=-i"},
	{"--", ""},
	{"-", " bpf=-"},
	{"tcp udp", "error: 'udp': a second filter; it is one word, in quotes: 'tcp and port 80'"},
	{"-b tcp udp",
         "error: 'udp': a second filter; it is one word, in quotes: 'tcp and port 80'"},
	{"-b tcp --bpf udp",
         "error: 'udp': a second filter; it is one word, in quotes: 'tcp and port 80'"},
	{"-- tcp udp",
         "error: 'udp': a second filter; it is one word, in quotes: 'tcp and port 80'"},
	/* words of a choice */
	{"--acks none", " acks=0"},
	{"--acks none --acks all", " acks=16"},
	{"--acks 15 --udp 1", " acks=15 udp=1"},
	{"--acks some", "error: --acks some: none, all or a number up to 15 is wanted"},
	{"--acks 16", "error: --acks 16: none, all or a number up to 15 is wanted"},
	{"--udp ''", "error: --udp : none, all or a number up to 15 is wanted"},
	{"--udp -1", "error: --udp -1: none, all or a number up to 15 is wanted"},
	{"--records TS,DN", " records=DN,TS"},
	{"--records ts", "error: --records: there is no type 'ts'; there are " ALL_TYPES},
	{"--records TS,", "error: --records: there is no type ''; there are " ALL_TYPES},
	{"--records TS,XX,DN", "error: --records: there is no type 'XX'; there are " ALL_TYPES},
	{"--log ''", "error: --log: a file name is wanted"},
	{"-s ''", "error: --suspicious: a file name is wanted"},
	{"-r a ''", "error: --read: a file name is wanted"},
	{"--suspicious-ips ''", "error: --suspicious-ips: a file name is wanted"},
	{"--profile macs", " records=MA acks=0 udp=0"},
	{"--acks all --records TS --profile macs", " records=TS acks=16 udp=0"},
	{"--explain-filter --acks none", " action=explain acks=0"},
	{"--fanout cpu", " fanout=2"},
	{"--fanout hash", "error: --fanout hash: host, flow, cpu or queue is wanted"},
	/* numbers */
	{"--workers 1", " workers=1"},
	{"--workers 64", " workers=64"},
	{"--workers 3 --workers auto", ""},
	{"--workers 0", "error: --workers 0: a number from 1 to 64 is wanted"},
	{"--workers 65", "error: --workers 65: a number from 1 to 64 is wanted"},
	{"--workers two", "error: --workers two: a number from 1 to 64 is wanted"},
	{"--workers ''", "error: --workers : a number from 1 to 64 is wanted"},
	{"--workers 2x", "error: --workers 2x: a number from 1 to 64 is wanted"},
	{"--workers +2", "error: --workers +2: a number from 1 to 64 is wanted"},
	{"--workers ~2", "error: --workers  2: a number from 1 to 64 is wanted"},
	{"--workers -2", "error: --workers -2: a number from 1 to 64 is wanted"},
	{"--workers -18446744073709551614",
         "error: --workers -18446744073709551614: a number from 1 to 64 is wanted"},
	{"--workers 18446744073709551617",
         "error: --workers 18446744073709551617: a number from 1 to 64 is wanted"},
	{"--memory 64", " memory=67108864"},
	{"--memory 1048576", " memory=1099511627776"},
	{"--memory 0", "error: --memory 0: a number from 1 to 1048576 is wanted"},
	{"--memory 64M", "error: --memory 64M: a number from 1 to 1048576 is wanted"},
	{"--ring-mib 4", " ring=4194304"},
	{"--ring-mib 65536", " ring=68719476736"},
	{"--ring-mib 0", "error: --ring-mib 0: a number from 1 to 65536 is wanted"},
	{"--ring-mib 65537", "error: --ring-mib 65537: a number from 1 to 65536 is wanted"},
	{"--ring-mib 1 --block-kib 256", " ring=1048576 block=262144"},
	{"--ring-mib 1 --block-kib 512", "error: --block-kib: a ring needs four blocks at least"},
	{"--ring-mib 3", "error: --block-kib: a ring needs four blocks at least"},
	{"--block-kib 64", " block=65536"},
	{"--block-kib 16384", " block=16777216"},
	{"--block-kib 63", "error: --block-kib 63: a number from 64 to 65536 is wanted"},
	{"--block-kib 96", "error: --block-kib 96: a power of two is wanted"},
	{"--retire-ms 1", " retire=1"},
	{"--retire-ms 10000", " retire=10000"},
	{"--retire-ms 0", "error: --retire-ms 0: a number from 1 to 10000 is wanted"},
	{"--retire-ms 10001", "error: --retire-ms 10001: a number from 1 to 10000 is wanted"},
	/* lists of CPUs */
	{"--cpus 0", " cpus=0"},
	{"--cpus 0,2-4,7", " cpus=0|2|3|4|7"},
	{"--cpus 3-3,1,1", " cpus=1|3"},
	{"--cpus 1 --cpus 2", " cpus=2"},
	{"--cpus 1023", " cpus=1023"},
	{"--cpus 1024", "error: --cpus 1024: a list such as 0,2-3 is wanted"},
	{"--cpus 3-1", "error: --cpus 3-1: a list such as 0,2-3 is wanted"},
	{"--cpus 1,", "error: --cpus 1,: a list such as 0,2-3 is wanted"},
	{"--cpus ,1", "error: --cpus ,1: a list such as 0,2-3 is wanted"},
	{"--cpus ''", "error: --cpus : a list such as 0,2-3 is wanted"},
	{"--cpus 1-", "error: --cpus 1-: a list such as 0,2-3 is wanted"},
	{"--cpus -1", "error: --cpus -1: a list such as 0,2-3 is wanted"},
	{"--cpus 0--1", "error: --cpus 0--1: a list such as 0,2-3 is wanted"},
	{"--cpus 0-+1", "error: --cpus 0-+1: a list such as 0,2-3 is wanted"},
	{"--cpus 0,~1", "error: --cpus 0, 1: a list such as 0,2-3 is wanted"},
	{"--cpus 0;1", "error: --cpus 0;1: a list such as 0,2-3 is wanted"},
	{"--cpus 1-2-3", "error: --cpus 1-2-3: a list such as 0,2-3 is wanted"},
	{"--cpus 18446744073709551616",
         "error: --cpus 18446744073709551616: a list such as 0,2-3 is wanted"},
	/* actions */
	{"-h", " action=help"},
	{"--help --version", " action=version"},
	{"-V -d", " action=version verbose"},
	{"--list-analyzers", " action=list"},
	/* what getopt does not take */
	{"-x", "error: -x: no such option" SEE},
	{"-xd", "error: -x: no such option" SEE},
	{"-dx", "error: -x: no such option" SEE},
	{"--unknown", "error: --unknown: no such option" SEE},
	{"--list_analyzers", "error: --list_analyzers: no such option" SEE},
	{"--re", "error: --re: no such option" SEE}, /* --read or --retire-ms? */
	{"--devel=3", "error: --devel=3: it takes no argument" SEE},
	{"-r", "error: -r: an argument is missing" SEE},
	{"-dr", "error: -dr: an argument is missing" SEE},
	{"-d --workers", "error: --workers: an argument is missing" SEE},
	/* the first fault is told */
	{"--workers 0 -x", "error: --workers 0: a number from 1 to 64 is wanted"},
};

static void words_become_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char buf[1024];
		struct text text;

		print_message("# %s\n", rows[i].words);
		text_init(&text, buf, sizeof(buf));
		parse(rows[i].words, &text);
		assert_string_equal(text.buf, rows[i].result);
	}
}

/* ---- the table ---- */

static const struct table_row {
	char letter;
	const char *name, *argument, *about;
} table[] = {
#define OPTION(letter, name, argument, about) {letter, #name, argument, about},
#include "control/options.def"
#undef OPTION
};

static void long_name(const struct table_row *row, char out_name[static 64])
{
	snprintf(out_name, 64, "--%s", row->name);
	for (char *p = out_name; *p != '\0'; p++) {
		*p = *p == '_' ? '-' : *p;
	}
}

static void names_and_letters_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		assert_true(strlen(table[i].about) > 0);
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(table[i].name, table[j].name);
			assert_true(table[i].letter == 0 || table[i].letter != table[j].letter);
		}
	}
}

/* Each option is known by its name and its letter, with an argument if it takes one. */
static void every_option_is_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char name[64], wanted[128], buf[1024];
		struct text text;

		long_name(&table[i], name);
		print_message("# %s\n", name);
		text_init(&text, buf, sizeof(buf));
		parse(name, &text);
		snprintf(wanted, sizeof(wanted), "error: %s: an argument is missing" SEE, name);
		assert_int_equal(strcmp(text.buf, wanted) == 0, table[i].argument != NULL);
		assert_int_equal(strncmp(text.buf, "error: ", 7) == 0, table[i].argument != NULL);
		if (table[i].letter == 0) {
			continue;
		}
		const char letter[] = {'-', table[i].letter, '\0'};

		text_clear(&text);
		parse(letter, &text);
		snprintf(wanted, sizeof(wanted), "error: %s: an argument is missing" SEE, letter);
		assert_int_equal(strcmp(text.buf, wanted) == 0, table[i].argument != NULL);
		assert_int_equal(strncmp(text.buf, "error: ", 7) == 0, table[i].argument != NULL);
	}
}

/* A line for each option, and no option wider than its column. */
static void help_tells_every_option(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_non_null(out);
	options_help(out);
	fclose(out);
	for (size_t i = 0; i < COUNT(table); i++) {
		char name[64], head[160], line[512];
		const char letter[] = {table[i].letter, '\0'};

		long_name(&table[i], name);
		snprintf(head, sizeof(head), "%s%s %s%s%s", letter[0] != '\0' ? "-" : "  ", letter,
		         name, table[i].argument != NULL ? " " : "",
		         table[i].argument != NULL ? table[i].argument : "");
		assert_true(strlen(head) <= 28);
		snprintf(line, sizeof(line), "\n  %-28s %s\n", head, table[i].about);
		assert_non_null(strstr(text, line));
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_fields),
		cmocka_unit_test(names_and_letters_are_unique),
		cmocka_unit_test(every_option_is_understood),
		cmocka_unit_test(help_tells_every_option),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
