/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Required literals and heads of patterns, and products by patterns: tests/golden/products.py has
 * the lines.
 */
#include "fingerprint/head.h"
#include "fingerprint/literal.h"

#include <passer/fingerprint/service_probes.h>
#include <passer/fingerprint/signatures.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- literals -------------------------------------------------------------------------------- */

/* The runs of a pattern, one behind the other with '/' between them; "" when there are none. */
static const struct {
	const char *pattern, *runs;
} literal_rows[] = {
	{"abcd", "abcd"},
	{"ABcd", "abcd"},
	{"^abcd$", "abcd"},
	{"ab.cd", "ab/cd"},
	{"ab\\.cd", "ab.cd"},
	{"ab\\x41\\r\\n\\0c", "aba\r\n"}, /* a NUL ends the text of this row, not the run */
	{"ab\\dcd", "ab/cd"},
	{"ab[cd]ef", "ab/ef"},
	{"ab[]]ef[^]x]gh", "ab/ef/gh"},
	{"ab[\\]]ef", "ab/ef"},
	{"ab[[:alpha:]]ef", "ab/ef"},
	{"abc*de", "ab/de"},
	{"abc?de", "ab/de"},
	{"abc+de", "abc/de"},
	{"abc{2}de", "abc/de"},
	{"abc{0,2}de", "ab/de"},
	{"abc{,2}de", ""}, /* text to one release of PCRE2, a repetition to another */
	{"abc{de", "abc{de"},
	{"abc*?de", "ab/de"},
	{"ab(cd)ef", "abcdef"},
	{"ab(?:cd)ef", "abcdef"},
	{"ab(?<n>cd)ef", "abcdef"},
	{"ab(cd)?ef", "ab/ef"},
	{"ab(c.d)*ef", "ab/ef"},
	{"ab(cd)+ef", "abcd/ef"},
	{"ab(cd|gh)ef", "ab/ef"},
	{"ab(c(d|e)f)gh", "abc/fgh"},
	{"abcd|efgh", ""},
	{"ab(?=cd)ef", "abef"},
	{"ab(?!cd)ef", "abef"},
	{"ab(?<!cd)ef", "abef"},
	{"ab\\bcd", "abcd"},
	{"ab(c)\\1de", "abc/de"},
	{"ab(?i)cd", ""},
	{"ab\\Qcd", ""},
	{"ab\\p{L}cd", ""},
	{"ab\\12cd", ""},
	{"ab(cd", "abcd"}, /* not a pattern at all: the library refuses it */
	{"ab)cd", ""},
	{"ab[cd", ""},
	{"ab\\", ""},
	{"", ""},
};

static void format_runs(const struct literals *l, char out[static 256])
{
	size_t used = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < l->count; i++) {
		if (l->runs[i].len > 0) {
			used += (size_t)snprintf(out + used, 256 - used, "%s%.*s",
			                         used > 0 ? "/" : "", (int)l->runs[i].len,
			                         (const char *)l->bytes + l->runs[i].start);
		}
	}
}

static void literals_are_what_every_match_holds(void **state)
{
	struct literals l;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(literal_rows) / sizeof(literal_rows[0]); i++) {
		literals_of(span_str(literal_rows[i].pattern), &l);
		format_runs(&l, text);
		if (strcmp(text, literal_rows[i].runs) != 0) {
			fail_msg("%s: %s, not %s", literal_rows[i].pattern, text,
			         literal_rows[i].runs);
		}
	}
}

/* A dot for each byte that may be any. */
static const struct {
	const char *pattern, *prefix;
} prefix_rows[] = {
	{"^SSH-2", "ssh-2..."},       {"^\\x01\\x02..\\x03", "\1\2..\3..."},
	{"^a[bc]\\dd", "a..d...."},   {"^abcdefghijk", "abcdefgh"},
	{"^a\\.b", "a.b....."}, /* the dot is one */
	{"^ab+c", "ab......"},        {"^ab*c", "a......."},
	{"^ab{2}c", "ab......"},      {"^a.?c", "a......."},
	{"^a(?:bc)d", "a......."},    {"^a(b|c)", "a......."},
	{"^(?=x)a", "........"},      {"^a\\bc", "a......."},
	{"^a\\Rc", "a......."},       {"^(a)\\1b", "........"},
	{"^a$", "a......."},          {"^a|b", "........"},
	{"^*a", "........"},          {"abc", "........"},
	{"a^bc", "........"},         {"^ab(?i)c", "........"}, /* not sure of anything: */
	{"^a[\\E]b]", "........"},    {"^a[\\Qb]c\\E]", "........"},
	{"^a[b[:]c", "........"},     {"^ab{,3}c", "........"},
	{"^ab{ 1, 3 }c", "........"}, {"^a[[:alpha:]]b", "a.b....."},
	{"^a{}b", "a{}b...."},        {"^", "........"},
};

static void each_text_begins_with_the_prefix(void **state)
{
	struct literals l;
	char text[9] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(prefix_rows) / sizeof(prefix_rows[0]); i++) {
		literals_of(span_str(prefix_rows[i].pattern), &l);
		for (unsigned at = 0; at < 8; at++) {
			bool is_set = (l.prefix.mask >> 8 * at & 0xff) != 0;

			text[at] = is_set ? (char)(l.prefix.value >> 8 * at & 0xff) : '.';
		}
		if (strcmp(text, prefix_rows[i].prefix) != 0) {
			fail_msg("%s: %s, not %s", prefix_rows[i].pattern, text,
			         prefix_rows[i].prefix);
		}
	}
	assert_true(
		literal_begins(literal_word(span_str("SSH")), (struct literal_prefix){0xff, 's'}));
	assert_false(
		literal_begins(literal_word(span_str("")), (struct literal_prefix){0xff, 's'}));
}

/* Texts, folded, that may be of a pattern or not; what is not behind them has ended. */
static const struct {
	const char *pattern, *may_be, *may_not;
} head_rows[] = {
	{"^abc", "abcd", "ab"},
	{"^ABc", "abc", "abd"},
	{"^a.c", "axc", "a"},
	{"^a|b", "x", NULL},
	{"abc", "x", NULL},
	{"^*a", "x", NULL},
	{"^", "", NULL},
	{"^$", "", NULL},
	{"^a?bc", "bc", "c"},
	{"^a?bc", "abc", "aac"},
	{"^a*b", "aab", "c"},
	{"^a+b", "ab", "b"},
	{"^a+?b", "aab", "b"},
	{"^a{2}b", "aab", "abb"},
	{"^a{2,3}b", "aaab", "aac"},
	{"^a{2,}b", "aaab", "ab"},
	{"^a{,2}b", "x", NULL}, /* text, to this library; not worth knowing */
	{"^(?:ab|cd)e", "cde", "axe"},
	{"^(?:ab|cd)e", "abe", "xbe"},
	{"^(?:ab)?c", "c", "b"},
	{"^(?:ab)+c", "abab", "ba"},
	{"^(?:ab)*c", "x", NULL},
	{"^(?<n>ab)c", "abc", "abd"},
	{"^(?:a|b?)c", "bc", "d"},
	{"^(?=x)ab", "ab", "x"},
	{"^(?!x)ab", "ab", "x"},
	{"^(?<!x|y)ab", "ab", "x"},
	{"^a\\bc", "ac", "ab"},
	{"^a\\Rb", "a\r\nb", "b"},
	{"^(a)\\1b", "x", NULL},
	{"^\\d\\w\\s", "1_ ", "a_ "},
	{"^\\D", "1", ""},
	{"^\\x41\\.\\x0a", "a.\n", "ax\n"},
	{"^\\012\\r\\t", "\n\r\t", "\r\n\t"},
	{"^[a-cX]", "x", "d"},
	{"^[^0-9]", "d", "1"},
	{"^[^A]", "a", ""}, /* either may be meant */
	{"^[^\\S]", " ", NULL},
	{"^[^\\Wa]", "b", NULL},
	{"^[^\\D]a", "2a", "2b"},
	{"^[^\\h]", "[", NULL},
	{"^[^\\d]", "d", "1"},
	{"^[]a]", "]", "b"},
	{"^[\\]-a]", "^", "b"},
	{"^[\\w-]", "-", "+"},
	{"^[[:alpha:]]", "1", NULL},
	{"^[a", "x", NULL},
	{"^a(b", "x", NULL},
	{"^a)b", "x", NULL},
	{"^a\\", "x", NULL},
	{"^(?i)a", "x", NULL},
	{"^a\\x{41}", "x", NULL},
	{"^a\\Qb", "x", NULL},
};

static bool may_be(const struct head *head, const char *text)
{
	size_t len = strlen(text);
	bool may = true;

	for (size_t i = 0; i < HEAD_LEN; i++) {
		may &= head_set_has(&head->sets[i], i < len ? (uint8_t)text[i] : HEAD_END);
	}
	return may;
}

static void a_head_says_what_a_text_begins_with(void **state)
{
	struct head head;

	(void)state;
	for (size_t i = 0; i < sizeof(head_rows) / sizeof(head_rows[0]); i++) {
		head_of(span_str(head_rows[i].pattern), &head);
		if (!may_be(&head, head_rows[i].may_be)) {
			fail_msg("%s: not %s", head_rows[i].pattern, head_rows[i].may_be);
		}
		if (head_rows[i].may_not != NULL && may_be(&head, head_rows[i].may_not)) {
			fail_msg("%s: %s", head_rows[i].pattern, head_rows[i].may_not);
		}
	}
}

static void long_patterns_stay_in_bounds(void **state)
{
	static char pattern[4 * LITERAL_BYTES_MAX];
	struct literals l;
	struct head head;

	(void)state;
	memset(pattern, 'a', sizeof(pattern));
	literals_of(span_of(pattern, sizeof(pattern)), &l);
	assert_int_equal(l.used, LITERAL_BYTES_MAX);
	for (size_t i = 1; i < sizeof(pattern); i += 2) {
		pattern[i] = '.';
	}
	literals_of(span_of(pattern, sizeof(pattern)), &l);
	assert_int_equal(l.count, LITERAL_RUNS_MAX);
	for (unsigned i = 0; i < l.count; i++) {
		assert_int_equal(l.runs[i].len,
		                 1); /* behind the last run nothing is joined to it */
	}
	head_of(span_of(pattern, sizeof(pattern)), &head);
	memset(pattern, '(', sizeof(pattern));
	pattern[0] = '^';
	head_of(span_of(pattern, sizeof(pattern)), &head);
	assert_true(may_be(&head, ""));
	literals_of(span_of(pattern, sizeof(pattern)), &l);
	assert_int_equal(l.count, 0);
}

/* ---- products -------------------------------------------------------------------------------- */

static struct service_probes *load_span(struct span text)
{
	char path[] = "/tmp/passer-probes-XXXXXX";
	const char *const paths[] = {path, NULL};
	struct service_probes *probes = NULL;
	int fd = mkstemp(path);
	struct err err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.data, text.len), (ssize_t)text.len);
	close(fd);
	int ret = service_probes_new(paths, &probes, &err);

	unlink(path);
	assert_int_equal(ret, 0);
	return probes;
}

static struct service_probes *load(const char *text)
{
	return load_span(span_str(text));
}

/* What a server that sends this from this port is; "" when no pattern knows it. */
static const char *product(struct service_probes *probes, uint16_t port, struct span payload)
{
	static char buf[512];
	struct service_matcher *m = service_matcher_new(probes);
	struct text desc;

	assert_non_null(m);
	text_init(&desc, buf, sizeof(buf));
	enum service_match match = service_match(m, PROBE_TCP, port, payload, &desc);
	const char *info = strstr(buf, "://");
	bool has_product = info != NULL && info[3] != '\0';

	assert_int_equal(match, has_product    ? SERVICE_MATCH_PRODUCT
	                        : desc.len > 0 ? SERVICE_MATCH_SOFT
	                                       : SERVICE_MATCH_NONE);
	service_matcher_free(m);
	return buf;
}

static void first_of_the_port_then_of_the_file(void **state)
{
	struct service_probes *p = load("match early m|^x| p/before any probe/\n"
	                                "Probe TCP NULL q||\n"
	                                "match a m|^text| p/any port/\n"
	                                "softmatch s m|^soft|\n"
	                                "match c m|^soft here| p/hard/\n"
	                                "Probe TCP Get q|x|\n"
	                                "ports 80,90-91\n"
	                                "match b m|^text| p/listed/\n"
	                                "match b m|^text| p/listed later/\n"
	                                "match b m|(| p/bad/\n"
	                                "match b m|never ends p/bad/\n"
	                                "match b m|^text|x p/unknown flag/\n");

	(void)state;
	assert_string_equal(product(p, 80, span_str("text")), "b://p/listed/");
	assert_string_equal(product(p, 91, span_str("text")), "b://p/listed/");
	assert_string_equal(product(p, 92, span_str("text")), "a://p/any port/");
	assert_string_equal(product(p, 92, span_str("soft")), "s://");
	assert_string_equal(product(p, 92, span_str("soft here")), "c://p/hard/");
	assert_string_equal(product(p, 92, span_str("x")), "");
	assert_string_equal(product(p, 92, span_str("")), "");
	service_probes_compile(p);
	assert_int_equal(service_probes_counts(p).patterns, 6);
	assert_int_equal(service_probes_counts(p).bad, 4);
	service_probes_free(p);
}

static void listed_ports(void **state)
{
	struct service_probes *p = load("Probe TCP NULL q||\n"
	                                "match a m|^text| p/any port/\n"
	                                "Probe UDP Ask q|x|\n"
	                                "ports 7,65534-65535\n"
	                                "Probe UDP Other q|x|\n"
	                                "ports 0,9-8,70000\n");
	struct service_matcher *m = service_matcher_new(p);
	const uint16_t not_listed[] = {1, 6, 8, 9, 70000 - 65536, 65533};

	(void)state;
	assert_non_null(m);
	assert_true(service_lists(m, PROBE_UDP, 0));
	assert_true(service_lists(m, PROBE_UDP, 7));
	assert_true(service_lists(m, PROBE_UDP, 65534));
	assert_true(service_lists(m, PROBE_UDP, 65535));
	assert_false(service_lists(m, PROBE_TCP, 7));
	for (size_t i = 0; i < sizeof(not_listed) / sizeof(not_listed[0]); i++) {
		assert_false(service_lists(m, PROBE_UDP, not_listed[i]));
	}
	service_matcher_free(m);
	service_probes_free(p);
}

static void a_pattern_that_explodes_is_no_match(void **state)
{
	static char text[1500];
	struct service_probes *p = load("Probe TCP NULL q||\n"
	                                "match x m|^(a+)+$| p/x/\n"
	                                "match y m|aaab$| p/y/\n");

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = 'b';
	assert_string_equal(product(p, 1, span_of(text, sizeof(text))), "y://p/y/");
	service_probes_free(p);
}

static void only_the_head_of_a_payload_is_read(void **state)
{
	static char text[65536];
	struct service_probes *p = load("Probe TCP NULL q||\nmatch x m|needle| p/x/\n");

	(void)state;
	memcpy(text + 1494, "needle", 6);
	assert_string_equal(product(p, 1, span_of(text, sizeof(text))), "x://p/x/");
	memset(text, 0, sizeof(text));
	memcpy(text + 1495, "needle", 6);
	assert_string_equal(product(p, 1, span_of(text, sizeof(text))), "");
	service_probes_free(p);
}

struct own_row {
	uint16_t port;
	struct span text;
	const char *desc;
};

/* Passer's own patterns: an example of each, in the order of the file. */
static const struct own_row own_rows[] = {
#define TEXT(text)                                        \
	{                                                 \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}
	{5432,
         TEXT("R\0\0\0\x08\0\0\0\0S\0\0\0\x32server_version\0"
              "15.18 (Debian 15.18-0+deb12u1)\0S"),
         "postgresql://p/PostgreSQL DB/ v/15.18/ cpe:/a:postgresql:postgresql:15.18/"},
	{6379,
         TEXT("%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$"
              "5\r\nproto\r\n:3\r\n"),
         "redis://p/Redis key-value store/ v/7.0.15/ cpe:/a:redislabs:redis:7.0.15/"},
	{6379,
         TEXT("*14\r\n$6\r\nserver\r\n$6\r\nvalkey\r\n$7\r\nversion\r\n$5\r\n8.1.0\r\n$"
              "5\r\nproto\r\n:2\r\n"),
         "redis://p/Valkey key-value store/ v/8.1.0/"},
	{11211, TEXT("VERSION 1.6.18\r\n"),
         "memcached://p/Memcached/ v/1.6.18/ cpe:/a:memcached:memcached:1.6.18/"},
	{143,
         TEXT("* OK [CAPABILITY IMAP4rev1 SASL-IR ID ENABLE IDLE LITERAL+ LOGINDISABLED] Dovecot "
              "(Debian) ready.\r\n"),
         "imap://p/Dovecot imapd/ i/Debian/ cpe:/a:dovecot:dovecot/"},
	{110, TEXT("+OK Dovecot (Debian) ready.\r\n"),
         "pop3://p/Dovecot pop3d/ i/Debian/ cpe:/a:dovecot:dovecot/"},
	{1080, TEXT("\x05\0"), "socks5://i/No authentication/"},
};

/* What many servers say to their clients, and nmap knows of one as the answer to a probe. */
static const struct own_row common_rows[] = {
	{21, TEXT(" \r\n"), ""},
	{139, TEXT("\x82\0\0\0"), ""},
	{443, TEXT("\x16\x03\x01\0J\x02\0\0F\x03\x01"), "ssl://p/TLSv1.0/"},
	{443, TEXT("\x16\3\0\0J\2\0\0F\3\0"), "ssl://p/SSLv3/"},
	{9100, TEXT(" "), ""},
	{9100, TEXT("0123456789AB"), ""},
	{5432, TEXT("R\0\0\0\x08\0\0\0\x03"), ""},
	{6379, TEXT("+OK\r\n"), ""},
	{1720, TEXT("\x03\0\0\x0c\x08\2\0\1\x05@\0\0"), ""},
	{389, TEXT("0\x0c\2\1\1a\x07\n\1\0\4\0\4\0"), "ldap://"},
	{88,
         TEXT("\0\0\0\x88~\x81\x85"
              "0\x81\x82\xa0\3\2\1\5\xa1\3\2\1\x1e\xa4\x11\x18\x0f"),
         ""},
#undef TEXT
};

static void own_patterns(void **state)
{
	const size_t count = sizeof(own_rows) / sizeof(own_rows[0]);
	struct span text = signatures_text("service_probes.txt");
	struct service_probes *p = load_span(text);

	(void)state;
	assert_int_equal(service_probes_counts(p).patterns, count);
	assert_int_equal(service_probes_counts(p).bad, 0);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(product(p, own_rows[i].port, own_rows[i].text),
		                    own_rows[i].desc);
	}
	service_probes_free(p);
}

static void own_patterns_behind_those_of_the_system(void **state)
{
	struct service_probes *p;
	struct err err;

	(void)state;
	if (service_probes_new(service_probes_default_paths, &p, &err) < 0) {
		skip();
	}
	assert_string_equal(product(p, own_rows[0].port, own_rows[0].text), own_rows[0].desc);
	service_probes_free(p);
}

static void what_many_servers_say(void **state)
{
	struct service_probes *p;
	struct err err;

	(void)state;
	if (service_probes_new(service_probes_default_paths, &p, &err) < 0) {
		skip();
	}
	for (size_t i = 0; i < sizeof(common_rows) / sizeof(common_rows[0]); i++) {
		assert_string_equal(product(p, common_rows[i].port, common_rows[i].text),
		                    common_rows[i].desc);
	}
	service_probes_free(p);
}

static void absent_file(void **state)
{
	const char *const paths[] = {"/nonexistent/probes", NULL};
	struct service_probes *probes;
	struct err err;

	(void)state;
	assert_int_equal(service_probes_new(paths, &probes, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/probes"));
}

struct found {
	size_t lines[4];
	size_t count;
};

static void note(void *user, size_t line, const char *desc)
{
	struct found *f = user;

	assert_true(f->count < 4 && desc[0] != '\0');
	f->lines[f->count++] = line;
}

static void all_that_match(void **state)
{
	struct service_probes *p = load("Probe TCP NULL q||\n"
	                                "match a m|text| p/a/\n"
	                                "Probe TCP Get q|x|\n"
	                                "ports 80\n"
	                                "match b m|^text| p/b/\n"
	                                "match c m|other| p/c/\n");
	struct service_matcher *m = service_matcher_new(p);
	struct found f = {.count = 0};

	(void)state;
	service_match_all(m, PROBE_TCP, span_str("text"), note, &f);
	assert_int_equal(f.count, 2);
	assert_int_equal(f.lines[0], 2);
	assert_int_equal(f.lines[1], 5);
	service_matcher_free(m);
	service_probes_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_are_what_every_match_holds),
		cmocka_unit_test(each_text_begins_with_the_prefix),
		cmocka_unit_test(a_head_says_what_a_text_begins_with),
		cmocka_unit_test(long_patterns_stay_in_bounds),
		cmocka_unit_test(first_of_the_port_then_of_the_file),
		cmocka_unit_test(listed_ports),
		cmocka_unit_test(a_pattern_that_explodes_is_no_match),
		cmocka_unit_test(only_the_head_of_a_payload_is_read),
		cmocka_unit_test(own_patterns),
		cmocka_unit_test(own_patterns_behind_those_of_the_system),
		cmocka_unit_test(what_many_servers_say),
		cmocka_unit_test(absent_file),
		cmocka_unit_test(all_that_match),
	};

	return cmocka_run_group_tests_name("service_probes", tests, NULL, NULL);
}
