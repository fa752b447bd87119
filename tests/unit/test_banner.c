/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/fingerprint/banner.h>
#include <passer/fingerprint/condition.h>
#include <passer/fingerprint/signatures.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEADER "id\tports\tmatch\tdescription\twarnings\texample\n"

struct messages {
	char text[2048];
};

static void tell(void *context, const char *message)
{
	struct messages *m = context;
	size_t len = strlen(m->text);

	assert_true(len + strlen(message) + 2 < sizeof(m->text));
	snprintf(m->text + len, sizeof(m->text) - len, "%s\n", message);
}

/* All of it must be good. */
static void load_good(struct banners *b, const char *file, struct span text)
{
	struct messages messages = {.text = ""};
	struct rows_report report = {.tell = tell, .context = &messages};

	assert_int_equal(banners_load(b, file, text, &report), 0);
	assert_string_equal(messages.text, "");
	assert_int_equal(report.bad, 0);
	assert_true(report.good > 0);
}

static struct banners *shipped(const char *file)
{
	struct banners *b = banners_new();

	assert_non_null(b);
	load_good(b, file, signatures_text(file));
	return b;
}

/* "id" of the row that is found, or "none" */
static const char *id_of(const struct banners *b, uint16_t port, const char *payload)
{
	const struct banner *found = banners_find(b, port, span_str(payload));

	return found != NULL ? found->id : "none";
}

/* A second reading of a table: each row's example must lead to that row at each of its ports. */
enum column { COL_ID, COL_PORTS, COL_EXAMPLE, COL_COUNT };

struct examples {
	const struct banners *table;
	size_t tried;
};

static int try_example(void *context, const struct row *row)
{
	struct examples *e = context;
	struct port_range ranges[ROW_PORT_RANGES_MAX];
	size_t count, len;
	uint8_t bytes[2048];
	struct err err;

	assert_int_equal(row_ports(row, COL_PORTS, ranges, &count), 0);
	assert_int_equal(literal_parse(row->cells[COL_EXAMPLE], bytes, sizeof(bytes), &len, &err),
	                 0);
	for (size_t i = 0; i < count; i++) {
		for (unsigned port = ranges[i].first; port <= ranges[i].last; port++) {
			const struct banner *found =
				banners_find(e->table, (uint16_t)port, span_of(bytes, len));

			if (found == NULL || found->line != row->line) {
				fail_msg("%s:%zu: example: %s takes it at port %u", row->file,
				         row->line, found != NULL ? found->id : "nobody", port);
			}
			e->tried++;
		}
	}
	return 0;
}

static void try_examples(const char *file, size_t expected)
{
	static const struct rows_column columns[COL_COUNT] = {
		[COL_ID] = {"id", true},
		[COL_PORTS] = {"ports", true},
		[COL_EXAMPLE] = {"example", true},
	};
	static const struct rows_format format = {columns, COL_COUNT, try_example};
	struct banners *b = shipped(file);
	struct examples e = {.table = b};
	struct messages ignored = {.text = ""}; /* the columns that are not asked for */
	struct rows_report report = {.tell = tell, .context = &ignored};

	assert_int_equal(rows_load(&format, file, signatures_text(file), &e, &report), 0);
	assert_int_equal(report.good, banners_count(b));
	assert_int_equal(e.tried, expected);
	banners_free(b);
}

static void server_rows_match_their_examples(void **state)
{
	(void)state;
	try_examples("tcp_server.tsv", 29); /* 28 rows, one of them at two ports */
}

static void client_rows_match_their_examples(void **state)
{
	(void)state;
	try_examples("tcp_client.tsv", 13); /* 9 rows, four of them at two ports */
}

struct find_case {
	uint16_t port;
	const char *payload;
	const char *id;
};

static void check_all(const struct banners *b, const struct find_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(id_of(b, cases[i].port, cases[i].payload), cases[i].id);
	}
}

static void servers(void **state)
{
	static const struct find_case cases[] = {
		{22, "SSH-1.99-OpenSSH_3.9p1", "ssh-openssh"},
		{22, "SSH-2.0-OpenSSH", "ssh-generic"},
		{22, "SSH-", "ssh-generic"},
		{22, "SSH", "none"},
		{22, " SSH-2.0-OpenSSH_9", "none"},
		{22, "", "none"},
		{23, "SSH-2.0-OpenSSH_9", "none"},
		{21, "SSH-2.0-OpenSSH_9", "none"},
		{0, "SSH-2.0-OpenSSH_9", "none"},
		{65535, "SSH-2.0-OpenSSH_9", "none"},
		/* case 5: the Server header takes all, whatever follows */
		{80, "Server: ", "http-server-other"},
		{80, "Server:", "none"},
		{80, "server: Apache", "none"},
		{80, "Server: nginx", "http-server-other"},
		{80, "Server: Apache nginx/1 Server: nginx/1", "http-apache"},
		{80, "Server: x\r\nVia: 1.1 p (squid/5)", "http-server-other"},
		{80, "HTTP/1.0 404 Not Found\r\nServer: x", "http-generic"},
		{80, "HTTP/1.1 200 OK\r\nServer: x", "http-generic"},
		{80, "HTTP/1.1 200 OK\r\nServer: gws", "http-gws"},
		{80, "HTTP/1.1 200 OK\r\n", "none"},
		{80, "Via: 1.1 p (squid/5)", "proxy-squid"},
		{3128, "Server: x\r\nVia: 1.1 p (squid/5)", "proxy-squid"},
		{3128, "Via: 1.1 p", "none"},
		{3128, "Server: Apache", "none"},
		{143, "* OK dovecot ready. IMAP4rev1 ", "imap-dovecot"},
	};
	struct banners *b = shipped("tcp_server.tsv");

	(void)state;
	check_all(b, cases, sizeof(cases) / sizeof(cases[0]));

	const struct banner *silent = banners_find(b, 80, span_str("Server: x"));

	assert_string_equal(silent->description, "");
	assert_string_equal(banners_find(b, 22, span_str("SSH-2"))->description, "ssh/generic");
	banners_free(b);
}

static void clients(void **state)
{
	static const struct find_case cases[] = {
		{22, "SSH-1.5-OpenSSH_2", "ssh-openssh"},
		{22, "SSH-1.99-OpenSSH_2", "none"},
		{22, "SSH-2.-check_ssh_1.5", "ssh-nagios"},
		{80, "User-Agent: Mozilla/5.0 Chrome/1", "none"},
		{80, "User-Agent: Mozilla/5.0 (Firefox/1", "none"},
		{80, "User-Agent: Mozilla/5.0 x Firefox/1", "http-firefox"},
		{3128, "User-Agent: Wget/1", "http-wget"},
		{8080, "User-Agent: Wget/1", "none"},
	};
	struct banners *b = shipped("tcp_client.tsv");
	struct text words;
	char buf[64];

	(void)state;
	check_all(b, cases, sizeof(cases) / sizeof(cases[0]));
	text_init(&words, buf, sizeof(buf));
	warnings_format(&banners_find(b, 22, span_str("SSH-Latency-Measurement"))->warnings,
	                &words);
	assert_string_equal(buf, "scan");
	banners_free(b);
}

/* Every wrong cell of every row is told, and the good rows are there. */
static void bad_rows_are_told_and_skipped(void **state)
{
	static const char text[] = HEADER "good\t1\tprefix a\"x\"\tgood\t\ta\"xy\"\n"
					  "\n"
					  "a\t99999\tprefx a\"x\"\ta,b\tscam\ta\"x\n"
					  "b\t1\tprefix a\"x\"\td\t\ta\"y\"\n"
					  "good\t1\tany\td\t\ta\"y\"\n"
					  "c\t1\tany\td\n"
					  "last\t1\tany\td\tscan\ta\"\"\n";
	static const char expected[] =
		"u.tsv:4: description: a comma would begin another column of the record\n"
		"u.tsv:4: warnings: \"scam\" is not a list of at most 4 known warnings\n"
		"u.tsv:4: match: at 1: no test; there are any empty nonempty prefix suffix "
		"contains "
		"equals len byte\n"
		"u.tsv:4: example: at 4: the closing quote is missing\n"
		"u.tsv:4: ports: \"99999\" is neither a port nor a range of ports\n"
		"u.tsv:5: example: the row does not match its own example\n"
		"u.tsv:6: id: line 2 has this id\n"
		"u.tsv:7: example: empty\n";
	struct banners *b = banners_new();
	struct messages messages = {.text = ""};
	struct rows_report report = {.tell = tell, .context = &messages};

	(void)state;
	assert_int_equal(banners_load(b, "u.tsv", span_str(text), &report), 0);
	assert_string_equal(messages.text, expected);
	assert_int_equal(report.good, 2);
	assert_int_equal(report.bad, 4);
	assert_int_equal(banners_count(b), 2);
	assert_string_equal(id_of(b, 1, "xx"), "good");
	assert_string_equal(id_of(b, 1, "yy"), "last");
	banners_free(b);
}

/* What is loaded first goes first, across files; ranges and lists of ports; shared leads. */
static void order_of_rows(void **state)
{
	static const char first[] =
		HEADER "own\t5-7,9\tprefix a\"S\" & suffix a\"1\"\to\t\ta\"S1\"\n";
	static const char second[] =
		HEADER "two\t7\tprefix a\"S\" & suffix a\"2\"\tt\t\ta\"S2\"\n"
		       "own\t7,10\tprefix a\"S\" & suffix a\"1\"\to\t\ta\"S1\"\n"
		       "rest\t0-65535\tany\tr\t\ta\"\"\n";
	static const struct find_case cases[] = {
		{4, "S1", "rest"}, {5, "S1", "own"},  {6, "S1", "own"},    {7, "S1", "own"},
		{7, "S2", "two"},  {7, "S3", "rest"}, {7, "X2", "rest"},   {8, "S1", "rest"},
		{9, "S1", "own"},  {0, "S1", "rest"}, {65535, "", "rest"}, {10, "S1", "own"},
	};
	struct banners *b = banners_new();

	(void)state;
	assert_false(banners_has_port(b, 5));
	assert_string_equal(id_of(b, 5, "S1"), "none");
	load_good(b, "first.tsv", span_str(first));
	assert_true(banners_has_port(b, 5));
	assert_true(banners_has_port(b, 7));
	assert_true(banners_has_port(b, 9));
	assert_false(banners_has_port(b, 4));
	assert_false(banners_has_port(b, 8));
	assert_false(banners_has_port(b, 65535));
	load_good(b, "second.tsv", span_str(second));
	check_all(b, cases, sizeof(cases) / sizeof(cases[0]));
	assert_string_equal(banners_find(b, 7, span_str("S1"))->file, "first.tsv");
	assert_int_equal(banners_find(b, 7, span_str("S1"))->line, 2);
	assert_string_equal(banners_find(b, 10, span_str("S1"))->file, "second.tsv");
	banners_free(b);
	banners_free(NULL);
}

/* The lead of a place is that of the place before it at the same port only. */
static void leads_do_not_cross_ports(void **state)
{
	static const char text[] = HEADER "a\t1\tprefix a\"S\" & suffix a\"1\"\ta\t\ta\"S1\"\n"
					  "b\t2\tprefix a\"S\" & suffix a\"2\"\tb\t\ta\"S2\"\n"
					  "c\t1\tprefix a\"T\" & suffix a\"2\"\tc\t\ta\"T2\"\n"
					  "d\t1\tprefix a\"S\" & suffix a\"3\"\td\t\ta\"S3\"\n";
	struct banners *b = banners_new();

	(void)state;
	load_good(b, "u.tsv", span_str(text));
	assert_string_equal(id_of(b, 1, "S1"), "a");
	assert_string_equal(id_of(b, 1, "S2"), "none");
	assert_string_equal(id_of(b, 1, "S3"), "d");
	assert_string_equal(id_of(b, 1, "T2"), "c");
	assert_string_equal(id_of(b, 2, "S2"), "b");
	banners_free(b);
}

static void unusable_table_keeps_what_was_there(void **state)
{
	struct banners *b = shipped("tcp_client.tsv");
	size_t count = banners_count(b);
	struct messages messages = {.text = ""};
	struct rows_report report = {.tell = tell, .context = &messages};

	(void)state;
	assert_int_equal(banners_load(b, "u.tsv", span_str("id\tports\nx\t1\n"), &report), -EINVAL);
	assert_string_equal(messages.text, "u.tsv:1: match: this column is missing\n");
	assert_int_equal(banners_count(b), count);
	assert_string_equal(id_of(b, 143, "A0001 CAPABILITY"), "imap-generic");
	banners_free(b);
}

static void embedded_files(void **state)
{
	size_t n = 0;

	(void)state;
	for (; signatures_file(n) != NULL; n++) {
		assert_true(signatures_text(signatures_file(n)).len > 0);
	}
	assert_int_equal(signatures_text("none.tsv").len, 0);
	assert_true(n >= 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_rows_match_their_examples),
		cmocka_unit_test(client_rows_match_their_examples),
		cmocka_unit_test(servers),
		cmocka_unit_test(clients),
		cmocka_unit_test(bad_rows_are_told_and_skipped),
		cmocka_unit_test(order_of_rows),
		cmocka_unit_test(leads_do_not_cross_ports),
		cmocka_unit_test(unusable_table_keeps_what_was_there),
		cmocka_unit_test(embedded_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
