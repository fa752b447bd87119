/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of names that DNS messages are looked up in, passer's own and bad ones. */
#include <passer/base/cursor.h>
#include <passer/fingerprint/dns_any.h>
#include <passer/fingerprint/mdns_services.h>
#include <passer/fingerprint/signatures.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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

static void any_names(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		enum dns_any_kind kind;
	} rows[] = {
		{"ietf.org.", 255, DNS_ANY_AMPLIFIED},
		{"IETF.org.", 43, DNS_ANY_AMPLIFIED},
		{"ietf.org.", 1, DNS_ANY_UNKNOWN},
		{"ietf.org", 255, DNS_ANY_UNKNOWN},
		{"www.ietf.org.", 255, DNS_ANY_UNKNOWN},
		{"etf.org.", 255, DNS_ANY_UNKNOWN},
		{"org.", 48, DNS_ANY_AMPLIFIED},
		{"rose-hulman.edu.", 46, DNS_ANY_AMPLIFIED},
		{"x.paypalobjects.com.", 255, DNS_ANY_AMPLIFIED},
		{"www.COM.", 255, DNS_ANY_PLAIN},
		{"www.com.", 1, DNS_ANY_UNKNOWN},
		{".", 255, DNS_ANY_UNKNOWN},
		{"", 255, DNS_ANY_UNKNOWN},
		{"ietf.org.", 0, DNS_ANY_UNKNOWN},
	};
	struct rows_report report = {.tell = NULL};
	struct dns_any *d = dns_any_new();

	(void)state;
	assert_int_equal(dns_any_find(d, span_str("ietf.org."), 255), DNS_ANY_UNKNOWN);
	assert_int_equal(dns_any_load(d, "dns_any.tsv", signatures_text("dns_any.tsv"), &report),
	                 0);
	assert_int_equal(report.bad, 0);
	assert_true(report.good > 200);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(dns_any_find(d, span_str(rows[i].name), rows[i].type),
		                 rows[i].kind);
	}
	assert_int_equal(dns_any_find(d, span_of("ietf.org.\0", 10), 255), DNS_ANY_UNKNOWN);
	dns_any_free(d);
}

static void bad_any_names(void **state)
{
	static const char text[] = "name\ttypes\tis\n"
				   "good.\tANY\tamplified\n"
				   "no-dot\tANY\tamplified\n"
				   "type.\tA,MX\tamplified\n"
				   "kind.\tA\todd\n";
	struct messages messages = {{0}};
	struct rows_report report = {.tell = tell, .context = &messages};
	struct dns_any *d = dns_any_new();

	(void)state;
	assert_int_equal(dns_any_load(d, "t", span_str(text), &report), 0);
	assert_int_equal(report.good, 1);
	assert_int_equal(report.bad, 3);
	assert_string_equal(messages.text, "t:3: name: it ends in a dot\n"
	                                   "t:4: types: \"MX\" is no type that is looked at\n"
	                                   "t:5: is: it is amplified or plain\n");
	dns_any_free(d);
}

static size_t rows_of(const struct mdns_services *s, const char *name)
{
	const struct mdns_service *found[MDNS_ROWS_MAX];

	return mdns_services_find(s, span_str(name), found);
}

static void services(void **state)
{
	const struct mdns_service *found[MDNS_ROWS_MAX];
	struct rows_report report = {.tell = NULL};
	struct mdns_services *s = mdns_services_new();

	(void)state;
	assert_int_equal(rows_of(s, "_http._tcp.local."), 0);
	assert_int_equal(mdns_services_load(s, "mdns.tsv", signatures_text("mdns.tsv"), &report),
	                 0);
	assert_int_equal(report.bad, 0);
	assert_int_equal(rows_of(s, "_http._tcp.local."), 1);
	assert_int_equal(rows_of(s, "_HTTP._TCP.LOCAL."), 1);
	assert_int_equal(rows_of(s, "_http._tcp."), 1);
	assert_int_equal(rows_of(s, "_http."), 1);
	assert_int_equal(rows_of(s, "_http"), 1);
	assert_int_equal(rows_of(s, "_htt"), 0);
	assert_int_equal(rows_of(s, "_http-al."), 0);
	assert_int_equal(rows_of(s, "_http._udp.local."), 0);
	assert_int_equal(rows_of(s, "_sleep-proxy._udp.local."), 1);
	assert_int_equal(rows_of(s, "."), 0);
	assert_int_equal(rows_of(s, ""), 0);
	assert_int_equal(mdns_services_find(s, span_of("_http\0", 6), found), 0);

	assert_int_equal(mdns_services_find(s, span_str("_airplay._tcp.local."), found), 1);
	assert_true(found[0]->is_host && found[0]->wants_name);
	assert_false(found[0]->has_tcp || found[0]->has_udp);
	assert_string_equal(found[0]->text, "Apple TV or Apple Airport Express");

	assert_int_equal(mdns_services_find(s, span_str("_smb._tcp.local."), found), 2);
	assert_true(found[0]->has_tcp && !found[0]->has_udp);
	assert_int_equal(found[0]->port_count, 3);
	assert_true(found[1]->has_udp && !found[1]->has_tcp);

	assert_int_equal(mdns_services_find(s, span_str("_workstation._tcp.local."), found), 1);
	assert_false(found[0]->is_host || found[0]->has_tcp || found[0]->has_udp);
	mdns_services_free(s);
}

/* The row of the table's text that a line is, asked for by one of its names. */
static bool is_found(const struct mdns_services *s, const char *name, const char *text)
{
	const struct mdns_service *found[MDNS_ROWS_MAX];
	size_t count = mdns_services_find(s, span_str(name), found);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(found[i]->text, text) == 0) {
			return true;
		}
	}
	return false;
}

static void check_names(const struct mdns_services *s, char *row)
{
	char *rest = row, *names_rest;
	char *names = strsep(&rest, "\t");

	(void)strsep(&rest, "\t"); /* tells */
	(void)strsep(&rest, "\t"); /* ports */
	const char *text = rest != NULL ? strsep(&rest, "\t") : "";

	for (char *name = strtok_r(names, " ", &names_rest); name != NULL;
	     name = strtok_r(NULL, " ", &names_rest)) {
		char full[128];

		snprintf(full, sizeof(full), "%s.local.", name);
		assert_true(is_found(s, full, text));
	}
}

static void every_row_by_each_of_its_names(void **state)
{
	struct rows_report report = {.tell = NULL};
	struct mdns_services *s = mdns_services_new();
	struct cursor c = cur_of(signatures_text("mdns.tsv"));
	struct span line;
	unsigned rows = 0;

	(void)state;
	assert_int_equal(mdns_services_load(s, "mdns.tsv", signatures_text("mdns.tsv"), &report),
	                 0);
	while (cur_line(&c, &line)) {
		char row[2048];

		assert_true(line.len < sizeof(row));
		memcpy(row, line.data, line.len);
		row[line.len] = '\0';
		if (row[0] == '_') {
			check_names(s, row);
			rows++;
		}
	}
	assert_int_equal(rows, report.good);
	mdns_services_free(s);
}

static void bad_services(void **state)
{
	static const char text[] = "services\ttells\tports\ttext\tdetail\twarnings\n"
				   "_a._tcp _b\tboth\t1-2,7\ttext\t\tscan\n"
				   "_c\tports\t1\ttext\n"
				   "_d\ttcp\t0x1\ttext\n"
				   "_e\thost\t\ta,b\todd\tnews\n";
	struct messages messages = {{0}};
	struct rows_report report = {.tell = tell, .context = &messages};
	struct mdns_services *s = mdns_services_new();

	(void)state;
	assert_int_equal(mdns_services_load(s, "t", span_str(text), &report), 0);
	assert_int_equal(report.good, 1);
	assert_int_equal(report.bad, 3);
	assert_non_null(strstr(messages.text, "t:3: tells: it is tcp, udp, both, host or none\n"));
	assert_non_null(strstr(messages.text, "t:4: ports: "));
	assert_non_null(strstr(messages.text, "t:5: warnings: "));
	assert_non_null(strstr(messages.text, "t:5: text: a comma would begin another column"));
	assert_non_null(strstr(messages.text, "t:5: detail: it is name or nothing\n"));
	assert_int_equal(rows_of(s, "_a"), 1);
	assert_int_equal(rows_of(s, "_b"), 1);
	assert_int_equal(rows_of(s, "_c"), 0);
	mdns_services_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_names),    cmocka_unit_test(bad_any_names),
		cmocka_unit_test(services),     cmocka_unit_test(every_row_by_each_of_its_names),
		cmocka_unit_test(bad_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
