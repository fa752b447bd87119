/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/fingerprint/signatures.h>
#include <passer/fingerprint/udp_rules.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEADER                                                                             \
	"id\tstage\tsport\tdport\taddress\tlink\tpayload\trecord\tdescription\twarnings\t" \
	"unhandled\texample\n"

struct messages {
	char text[4096];
};

static void tell(void *context, const char *message)
{
	struct messages *m = context;
	size_t len = strlen(m->text);

	assert_true(len + strlen(message) + 2 < sizeof(m->text));
	snprintf(m->text + len, sizeof(m->text) - len, "%s\n", message);
}

/* All of it must be good. */
static void load_good(struct udp_rules *rules, const char *file, struct span text)
{
	struct messages messages = {.text = ""};
	struct rows_report report = {.tell = tell, .context = &messages};

	assert_int_equal(udp_rules_load(rules, file, text, &report), 0);
	assert_string_equal(messages.text, "");
	assert_int_equal(report.bad, 0);
	assert_true(report.good > 0);
}

static struct udp_rules *shipped(void)
{
	struct udp_rules *rules = udp_rules_new();

	assert_non_null(rules);
	load_good(rules, "udp.tsv", signatures_text("udp.tsv"));
	return rules;
}

/* The ids of all rules that speak of or take a packet in a stage, "hsrp-client hsrp-router". */
static const char *ids_of(const struct udp_rules *rules, enum udp_stage stage,
                          const struct udp_packet *packet)
{
	static char ids[256];
	const struct udp_rule *rule;
	struct udp_walk walk;

	ids[0] = '\0';
	udp_walk_begin(&walk, rules, stage, packet);
	while ((rule = udp_walk_next(&walk)) != NULL) {
		size_t len = strlen(ids);

		snprintf(ids + len, sizeof(ids) - len, "%s%s", len > 0 ? " " : "", rule->id);
		if (rule->ends_walk) {
			break;
		}
	}
	return ids;
}

static struct addr addr(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

/* Between two hosts that no table knows. */
static struct udp_packet packet(uint16_t sport, uint16_t dport, const char *payload)
{
	return (struct udp_packet){
		.src = addr("10.0.0.1"),
		.dst = addr("10.0.0.2"),
		.sport = sport,
		.dport = dport,
		.ttl = 64,
		.payload = span_str(payload),
	};
}

static void check_ids(const struct udp_rules *rules, enum udp_stage stage,
                      const struct udp_packet *p, const char *expected)
{
	const char *got = ids_of(rules, stage, p);

	if (strcmp(got, expected) != 0) {
		fail_msg("%u -> %u: \"%s\", not \"%s\"", p->sport, p->dport, got, expected);
	}
}

static void every_row_is_reached_by_its_example(void **state)
{
	struct udp_rules *rules = shipped();

	(void)state;
	assert_true(udp_rules_count(rules) > 100);
	for (size_t n = 0; n < udp_rules_count(rules); n++) {
		const struct udp_rule *rule = udp_rules_get(rules, n);
		const struct udp_rule *thief = udp_rules_thief(rules, n);
		struct udp_packet example = udp_rules_example(rules, n);

		if (thief != NULL) {
			fail_msg("%s:%zu: example: line %zu, %s, takes it", rule->file, rule->line,
			         thief->line, thief->id);
		}
		if (strstr(ids_of(rules, udp_rules_stage(rules, n), &example), rule->id) == NULL) {
			fail_msg("%s:%zu: the example does not reach the row", rule->file,
			         rule->line);
		}
	}
	udp_rules_free(rules);
}

/* Who reads a row a year later wants to know where it is from. */
static int has_source(void *context, const struct row *row)
{
	size_t *count = context;

	assert_true(row->cells[0].len > 0);
	(*count)++;
	return 0;
}

static void every_row_has_a_source(void **state)
{
	static const struct rows_column columns[] = {{"source", true}};
	static const struct rows_format format = {columns, 1, has_source};
	struct udp_rules *rules = shipped();
	struct messages ignored = {.text = ""}; /* the columns that are not asked for */
	struct rows_report report = {.tell = tell, .context = &ignored};
	size_t count = 0;

	(void)state;
	assert_int_equal(rows_load(&format, "udp.tsv", signatures_text("udp.tsv"), &count, &report),
	                 0);
	assert_int_equal(count, udp_rules_count(rules));
	udp_rules_free(rules);
}

struct port_case {
	uint16_t sport, dport;
	const char *payload;
	const char *ids;
};

static void check_ports(const struct udp_rules *rules, enum udp_stage stage,
                        const struct port_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct udp_packet p = packet(cases[i].sport, cases[i].dport, cases[i].payload);

		check_ids(rules, stage, &p, cases[i].ids);
	}
}

static void always(void **state)
{
	static const struct port_case cases[] = {
		{40000, 40001, "", ""},
		{40000, 443, "", "known-client"},
		{443, 40000, "", "known-server"},
		{443, 500, "", "known-client"}, /* the client first, and then no server */
		{500, 500, "", "known-client"},
		{40000, 7, "", "policy-client"},
		{19, 7, "", "policy-client policy-server"},
		{69, 88, "", "known-client policy-server"},
		{0, 0, "", "port-zero-client port-zero-server"},
		{65535, 65535, "", ""},
	};
	struct udp_rules *rules = shipped();

	(void)state;
	check_ports(rules, UDP_STAGE_ALWAYS, cases, sizeof(cases) / sizeof(cases[0]));
	udp_rules_free(rules);
}

static void land_attack(void **state)
{
	static const struct {
		const char *src, *dst;
		uint16_t sport, dport;
		const char *ids;
	} cases[] = {
		{"10.0.0.1", "10.0.0.1", 9000, 9000, "land-attack"},
		{"10.0.0.1", "10.0.0.1", 9000, 9001, ""},
		{"10.0.0.1", "10.0.0.2", 9000, 9000, ""},
		{"127.0.0.1", "127.0.0.1", 9000, 9000, ""},
		{"127.255.0.2", "127.255.0.2", 9000, 9000, ""},
		{"::1", "::1", 9000, 9000, ""},
		{"2001:db8::1", "2001:db8::1", 9000, 9000, "land-attack"},
		{"::2", "::2", 443, 443, "land-attack known-client"},
	};
	struct udp_rules *rules = shipped();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct udp_packet p = packet(cases[i].sport, cases[i].dport, "x");

		p.src = addr(cases[i].src);
		p.dst = addr(cases[i].dst);
		check_ids(rules, UDP_STAGE_ALWAYS, &p, cases[i].ids);
	}
	udp_rules_free(rules);
}

static void late_by_port(void **state)
{
	static const struct port_case cases[] = {
		{40000, 40001, "x", ""},
		{40000, 40001, "", "empty"},
		{40000, 65251, "", "empty-port"},
		{40000, 65251, "x", ""},
		/* what stands first wins */
		{40000, 80, "", "http-empty"},
		{80, 80, "", "http-empty"},
		{80, 80, "x", "http-server"},
		{80, 40000, "", "http-server"},
		{40000, 80, "x", "http-client"},
		{40000, 80, "GET / HTTP/1.1\r\nHost: www\r\n\r\n", "http-client"},
		{40000, 563, "GET / HTTP/1.1\r\nHost: www\r\n\r\n", "zmap-www"},
		/* both ports, and one of them */
		{17500, 17500, "\"host_int\"", "dropbox"},
		{17500, 17500, "host_int", "dropbox-other"},
		{17500, 17501, "\"host_int\"", ""},
		{40000, 17500, "\"host_int\"", ""},
		{1812, 1812, "x", ""},
		/* edges of ranges */
		{40000, 33433, "x", ""},
		{40000, 33434, "x", "traceroute"},
		{40000, 33524, "", "traceroute"},
		{40000, 33525, "x", ""},
		{40000, 335, "x", ""},
		{40000, 3344, "x", ""},
		{40000, 19301, "x", ""},
		{40000, 19302, "x", "meet-client-elsewhere"},
		{19309, 40000, "x", "meet-server-elsewhere"},
		{19310, 40000, "x", ""},
		/* lengths */
		{40000, 4500, "\xff", ""},
		{40000, 4500, "1234", "esp-client"},
		{40000, 4500, "1234567", ""},
		{40000, 4500, "12345678", "esp-client"},
		{4500, 4500, "12345678", "esp-client"},
		{4500, 40000, "12345678", "esp-server"},
		{40000, 69, "1", ""},
		{40000, 69, "12", "tftp-client"},
		{69, 40000, "12", "tftp-server"},
		{69, 69, "12", "tftp-client"},
		/* a game server answers only from a game port */
		{40000, 27005, "x", ""},
		{27015, 27005, "x", "halflife-server-27005"},
		{27005, 27015, "x", "halflife-client-27005"},
		{40000, 27017, "Source Engine Query", "halflife-altport"},
		{40000, 27017, "x", "halflife-altport-other"},
		/* a hash table on any port: the answer needs nodes or values */
		{40000, 40001, ":id:token", ""},
		{40000, 40001, ":id:token:nodes", "bt-dht-answer"},
		{40000, 40001, ":values:token:id", "bt-dht-answer"},
		{40000, 40001, ":id:ping", "bt-dht-query"},
		{40000, 40001, ":id:info_hash", ""},
		{40000, 40001, ":id:info_hash:get_peers", "bt-dht-query"},
		{40000, 40001, ":info_hash:get_peers", ""},
		{40000, 40001, "disconnect", ""},
		{40000, 40001, "; rm -rf /; sh x; wget x", "shellcode"},
		{40000, 40001, "; rm -rf /; sh x", ""},
		/* names of ports come after all that */
		{40000, 9987, "TS3INIT1", "teamspeak3-scan"},
		{40000, 9987, "x", "named-client"},
		{9987, 40000, "x", "named-server"},
		{9987, 8000, "x", "named-client"},
		{40000, 9987, "", "empty"},
		{53, 40000, "x", "dns-server-other"},
		{40000, 9999, "x", ""}, /* no broadcast */
		{9999, 40000, "x", "broadcast-server"},
		/* ports 0 and 65535 are ports like others */
		{0, 65535, "x", ""},
		{65535, 0, "x", ""},
	};
	struct udp_rules *rules = shipped();

	(void)state;
	check_ports(rules, UDP_STAGE_LATE, cases, sizeof(cases) / sizeof(cases[0]));
	udp_rules_free(rules);
}

static void addresses(void **state)
{
	static const struct {
		enum udp_stage stage;
		const char *src, *dst;
		uint16_t sport, dport;
		const char *payload, *ids;
	} cases[] = {
		{UDP_STAGE_EARLY, "64.39.99.152", "10.0.0.2", 4000, 7, "", "qualys"},
		{UDP_STAGE_EARLY, "64.39.99.151", "10.0.0.2", 4000, 7, "", "qualys-net"},
		{UDP_STAGE_EARLY, "64.39.100.152", "10.0.0.2", 4000, 7, "", ""},
		{UDP_STAGE_EARLY, "64.39.9.6", "10.0.0.2", 4000, 7, "", ""},
		{UDP_STAGE_LATE, "10.0.0.1", "64.233.165.127", 4000, 19305, "x", "meet-client"},
		{UDP_STAGE_LATE, "10.0.0.1", "64.233.165.126", 4000, 19305, "x",
	         "meet-client-elsewhere"},
		{UDP_STAGE_LATE, "2001:db8::1", "2607:f8b0:4002:c08::7f", 4000, 19305, "x",
	         "meet-client"},
		{UDP_STAGE_LATE, "10.0.0.1", "52.179.141.141", 4000, 21105, "x", "skype-client"},
		{UDP_STAGE_LATE, "10.0.0.1", "52.179.141.141", 4000, 21106, "x",
	         "skype-client-port"},
		{UDP_STAGE_LATE, "10.0.0.1", "10.0.0.2", 4000, 21105, "x",
	         "skype-client-elsewhere"},
		{UDP_STAGE_LATE, "137.226.113.7", "10.0.0.2", 4000, 4001, "x", "known-scanner"},
		{UDP_STAGE_LATE, "37.226.113.7", "10.0.0.2", 4000, 4001, "x", ""},
		{UDP_STAGE_LATE, "137.226.113.7", "10.0.0.2", 4000, 4001, "", "empty"},
		{UDP_STAGE_LATE, "10.0.0.2", "137.226.113.7", 4000, 4001, "x", ""},
	};
	struct udp_rules *rules = shipped();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct udp_packet p = packet(cases[i].sport, cases[i].dport, cases[i].payload);

		p.src = addr(cases[i].src);
		p.dst = addr(cases[i].dst);
		check_ids(rules, cases[i].stage, &p, cases[i].ids);
	}
	udp_rules_free(rules);
}

static void link_and_ttl(void **state)
{
	struct udp_rules *rules = shipped();
	struct udp_packet hsrp = packet(1985, 2029, "x");
	struct udp_packet canon = packet(40000, 8612, "BJNP");
	struct udp_packet epson = packet(40000, 3289, "EPSON");

	(void)state;
	hsrp.dst = addr("ff02::66");
	hsrp.ttl = 1;
	check_ids(rules, UDP_STAGE_LATE, &hsrp, "hsrp-client hsrp-router");
	hsrp.ttl = 2;
	check_ids(rules, UDP_STAGE_LATE, &hsrp, "");

	check_ids(rules, UDP_STAGE_LATE, &canon, "");
	canon.is_multicast = true;
	check_ids(rules, UDP_STAGE_LATE, &canon, "canon-bjnp");
	canon.is_multicast = false;
	canon.is_broadcast = true;
	check_ids(rules, UDP_STAGE_LATE, &canon, "canon-bjnp");

	epson.is_broadcast = true; /* by the IP address alone */
	check_ids(rules, UDP_STAGE_LATE, &epson, "");
	epson.is_mac_broadcast = true;
	check_ids(rules, UDP_STAGE_LATE, &epson, "enpc");
	epson.payload = span_str("epson");
	check_ids(rules, UDP_STAGE_LATE, &epson, "enpc-other");
	udp_rules_free(rules);
}

/* A capture that stops behind the headers says nothing about the payload, not even that it is
 * empty.
 */
static void missing_payload(void **state)
{
	struct udp_rules *rules = shipped();
	struct udp_packet p = packet(40000, 40001, "");

	(void)state;
	p.lacks_payload = true;
	check_ids(rules, UDP_STAGE_LATE, &p, "");
	p.dport = 80;
	check_ids(rules, UDP_STAGE_LATE, &p, "http-client");
	p.dport = 443;
	check_ids(rules, UDP_STAGE_ALWAYS, &p, "known-client");
	udp_rules_free(rules);
}

/* ---- what is said ---------------------------------------------------------------------------- */

static const struct udp_rule *first_rule(const struct udp_rules *rules, enum udp_stage stage,
                                         const struct udp_packet *p)
{
	struct udp_walk walk;
	const struct udp_rule *rule;

	udp_walk_begin(&walk, rules, stage, p);
	rule = udp_walk_next(&walk);
	assert_non_null(rule);
	return rule;
}

/* "description Warnings:..." of the first rule that matches */
static const char *said(const struct udp_rules *rules, enum udp_stage stage,
                        const struct udp_packet *p)
{
	static char buf[512];
	struct warnings warnings;
	struct text t;

	text_init(&t, buf, sizeof(buf));
	udp_rule_describe(first_rule(rules, stage, p), p, &t, &warnings);
	text_add(&t, "|");
	warnings_format(&warnings, &t);
	return buf;
}

static void descriptions(void **state)
{
	static const char text[] = HEADER
		"a\tlate\t\t1\t\t\t\tUC\t{cast}{cast} {sport}>{dport} {src}>{dst}\t\t\ta\"\"\n";
	struct udp_rules *rules = shipped();
	struct udp_packet p = packet(40000, 1194, "x");
	struct udp_rules *own = udp_rules_new();

	(void)state;
	assert_string_equal(said(rules, UDP_STAGE_ALWAYS, &p), "openvpn/client|tunnel");
	p = packet(443, 40000, "x");
	assert_string_equal(said(rules, UDP_STAGE_ALWAYS, &p), "udp_https/server|");
	p = packet(40000, 7, "x");
	assert_string_equal(said(rules, UDP_STAGE_ALWAYS, &p), "|portpolicyviolation");
	p = packet(40000, 57621, "SpotUdp");
	assert_string_equal(said(rules, UDP_STAGE_LATE, &p), "spotify/client|");
	p.is_broadcast = true;
	assert_string_equal(said(rules, UDP_STAGE_LATE, &p), "spotify/broadcastclient|");
	p = packet(40000, 13, "x");
	assert_string_equal(said(rules, UDP_STAGE_LATE, &p), "daytime/client|small");

	load_good(own, "own.tsv", span_str(text));
	p = packet(65535, 1, "x");
	p.is_multicast = true;
	p.dst = addr("ff02::1");
	assert_string_equal(said(own, UDP_STAGE_LATE, &p),
	                    "multicastmulticast 65535>1 "
	                    "10.0.0.1>ff02:0000:0000:0000:0000:0000:0000:0001|");
	udp_rules_free(own);
	udp_rules_free(rules);
}

static void columns_of_the_record(void **state)
{
	static const char text[] =
		HEADER "uc\tlate\t\t1\t\t\t\tUC\t\t\t\ta\"\"\n"
		       "us\tlate\t2\t\t\t\t\tUS\t\t\tyes\ta\"\"\n"
		       "at\talways\t\t1\t\t\t\tUS X_{dport} attack\t\t\t\ta\"\"\n"
		       "ro\tearly\t\t1\t\t\t\tRO HSRP router\t\t\t\ta\"\"\n"
		       "no\tlate\t\t3\t\t\t\t-\t\t\t\ta\"\"\n";
	struct udp_rules *rules = udp_rules_new();
	struct udp_packet p = packet(2, 1, "");
	const struct udp_rule *rule;

	(void)state;
	load_good(rules, "own.tsv", span_str(text));
	rule = first_rule(rules, UDP_STAGE_LATE, &p);
	assert_int_equal(rule->record, UDP_RECORD_CLIENT);
	assert_string_equal(rule->proto, "UDP_");
	assert_int_equal(rule->proto_port, UDP_SIDE_DST);
	assert_string_equal(rule->state, "open");
	assert_true(rule->ends_walk);
	assert_false(rule->is_unhandled);

	rule = first_rule(rules, UDP_STAGE_ALWAYS, &p);
	assert_int_equal(rule->record, UDP_RECORD_SERVER);
	assert_string_equal(rule->proto, "X_");
	assert_int_equal(rule->proto_port, UDP_SIDE_DST);
	assert_string_equal(rule->state, "attack");
	assert_false(rule->ends_walk);

	rule = first_rule(rules, UDP_STAGE_EARLY, &p);
	assert_int_equal(rule->record, UDP_RECORD_ROUTER);
	assert_string_equal(rule->proto, "HSRP");
	assert_int_equal(rule->proto_port, UDP_SIDE_NONE);

	p.dport = 4;
	rule = first_rule(rules, UDP_STAGE_LATE, &p);
	assert_int_equal(rule->proto_port, UDP_SIDE_SRC);
	assert_true(rule->is_unhandled);

	p.dport = 3;
	p.sport = 9;
	assert_int_equal(first_rule(rules, UDP_STAGE_LATE, &p)->record, UDP_RECORD_NONE);
	udp_rules_free(rules);
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* Earlier files go first in each stage, whichever list of the index a row stands in. */
static void order_of_rows(void **state)
{
	static const char own[] = HEADER "by-dport\t\t\t7\t\t\t\tUC\t\t\t\ta\"x\"\n"
					 "by-sport\t\t9-11\t\t\t\t\tUS\t\t\t\ta\"x\"\n"
					 "general\t\t\t\t\t\tprefix a\"G\"\tUC\t\t\t\ta\"G\"\n"
					 "first\talways\t\t8\t\t\t\tUC\t\t\t\ta\"x\"\n";
	static const char ours[] = HEADER "also\talso\t\t7\t\t\t\tUC\t\t\t\ta\"x\"\n"
					  "any\tlate\t\t\t\t\tany\tUC\t\t\t\ta\"x\"\n"
					  "never\tlate\t\t5\t\t\t\tUC\t\t\t\ta\"x\"\n"
					  "second\talways\t\t8\t\t\t\tUC\t\t\t\ta\"x\"\n";
	static const struct port_case cases[] = {
		{10, 7, "G", "by-dport"}, {10, 6, "G", "by-sport"}, {8, 6, "G", "general"},
		{8, 6, "x", "any"},       {8, 5, "x", "any"},       {11, 5, "x", "by-sport"},
		{12, 5, "", "any"},
	};
	struct udp_rules *rules = udp_rules_new();
	struct udp_packet p = packet(8, 7, "x");

	(void)state;
	check_ids(rules, UDP_STAGE_LATE, &p, "");
	load_good(rules, "ours.tsv", span_str(ours));
	check_ids(rules, UDP_STAGE_LATE, &p, "also any");
	udp_rules_free(rules);

	rules = udp_rules_new();
	load_good(rules, "own.tsv", span_str(own));
	load_good(rules, "ours.tsv", span_str(ours));
	check_ports(rules, UDP_STAGE_LATE, cases, sizeof(cases) / sizeof(cases[0]));
	p.dport = 8;
	check_ids(rules, UDP_STAGE_ALWAYS, &p, "first second");
	assert_int_equal(udp_rules_count(rules), 8);
	for (size_t n = 0; n < 8; n++) {
		const struct udp_rule *rule = udp_rules_get(rules, n);
		const struct udp_rule *thief = udp_rules_thief(rules, n);
		bool is_taken = strcmp(rule->id, "never") == 0 || strcmp(rule->id, "also") == 0;

		assert_true((thief != NULL) == is_taken);
	}
	udp_rules_free(rules);
	udp_rules_free(NULL);
}

static void bad_rows_are_told_and_skipped(void **state)
{
	static const char text[] = HEADER
		"good\t\t\t1\t\t\t\tUC\td\t\t\ta\"\"\n"
		"good\tsoon\tx\t1-\tsrc 10.0.0.1/8\tttl 256\tprefx\tXX\ta,b\tscam\tno\ta\"\n"
		"a\t\t@nothing\t@udp_pri\tdst @nothing\tmac\t\tUC a b c\t{what}\t\t\ta\"\"\n"
		"b\t\t\t1\tsrc 10.0.0.1 & src 10.0.0.2\tttl\tany\tUC {x}\t{name}\t\t\ta\"\"\n"
		"c\t\t\t1\t\t\tprefix a\"x\"\tUC\t\t\t\ta\"y\"\n"
		"d\t\t\t\t\t\t\tUC\t\t\t\ta\"y\"\n"
		"e\t\t\t1\n"
		"f\t\t\t1\tsource 10.0.0.1\tttl 1,2,3,4,5\t\tUC\tx{dport\t\t\ta\"\"\n"
		"last\t\t\t1\t\t\t\tUC\t\t\t\ta\"\"\n";
	static const char expected[] =
		"u.tsv:3: id: line 2 has this id\n"
		"u.tsv:3: stage: \"soon\": known are always, early, late, also\n"
		"u.tsv:3: sport: \"x\" is neither a port nor a range of ports\n"
		"u.tsv:3: dport: \"1-\" is neither a port nor a range of ports\n"
		"u.tsv:3: address: 10.0.0.1 has bits behind its prefix of 8\n"
		"u.tsv:3: link: ttl: at most 4 numbers up to 255\n"
		"u.tsv:3: payload: at 1: no test; there are any empty nonempty prefix suffix "
		"contains equals len byte\n"
		"u.tsv:3: record: \"XX\": known are UC, US, RO, -\n"
		"u.tsv:3: description: a comma would begin another column of the record\n"
		"u.tsv:3: warnings: \"scam\" is not a list of at most 4 known warnings\n"
		"u.tsv:3: unhandled: \"no\": known are yes, or nothing\n"
		"u.tsv:3: example: at 3: the closing quote is missing\n"
		"u.tsv:4: sport: there is no table \"@nothing\"\n"
		"u.tsv:4: address: there is no table \"@nothing\"\n"
		"u.tsv:4: link: \"mac\": known are ttl N, mac broadcast, cast broadcast, cast "
		"multicast, cast any\n"
		"u.tsv:4: record: more than type, protocol and state\n"
		"u.tsv:4: description: \"what\": known are cast sport dport src dst name\n"
		"u.tsv:5: address: one list for each side\n"
		"u.tsv:5: link: ttl: at most 4 numbers up to 255\n"
		"u.tsv:5: record: a protocol is a word that may end in {sport} or {dport}\n"
		"u.tsv:5: description: {name} is for rows whose ports are a table\n"
		"u.tsv:6: example: the row does not match its own example\n"
		"u.tsv:7: payload: no condition at all; any is one\n"
		"u.tsv:8: record: empty\n"
		"u.tsv:8: example: empty\n"
		"u.tsv:9: address: \"source 10.0.0.1\": known are src LIST, dst LIST, src is dst, "
		"ipv4, ipv6\n"
		"u.tsv:9: link: ttl: at most 4 numbers up to 255\n"
		"u.tsv:9: description: } is missing\n";
	struct udp_rules *rules = udp_rules_new();
	struct messages messages = {.text = ""};
	struct rows_report report = {.tell = tell, .context = &messages};
	struct udp_packet p = packet(2, 1, "");

	(void)state;
	assert_int_equal(udp_rules_load(rules, "u.tsv", span_str(text), &report), 0);
	assert_string_equal(messages.text, expected);
	assert_int_equal(report.good, 2);
	assert_int_equal(report.bad, 7);
	check_ids(rules, UDP_STAGE_LATE, &p, "good");
	udp_rules_free(rules);
}

static void unusable_table_keeps_what_was_there(void **state)
{
	struct udp_rules *rules = shipped();
	size_t count = udp_rules_count(rules);
	struct messages messages = {.text = ""};
	struct rows_report report = {.tell = tell, .context = &messages};
	struct udp_packet p = packet(40000, 8765, "x");

	(void)state;
	assert_int_equal(udp_rules_load(rules, "u.tsv", span_str("id\tports\n"), &report), -EINVAL);
	assert_true(report.bad > 0);
	assert_int_equal(udp_rules_count(rules), count);
	check_ids(rules, UDP_STAGE_LATE, &p, "itunes-discovery");
	udp_rules_free(rules);
}

/* The same 65,536 ports sixty-four times in each row: what a small table may not cost. */
static void too_many_ports(void **state)
{
	static char buf[8192];
	struct udp_rules *rules = udp_rules_new();
	struct rows_report report = {.tell = NULL};
	struct text text;

	(void)state;
	text_init(&text, buf, sizeof(buf));
	text_add(&text, "id\tstage\tpayload\trecord\texample\tdport\n");
	for (unsigned row = 0; row < 9; row++) {
		text_add_uint(&text, row); /* no two rows have the same id */
		text_add(&text, "\tlate\tany\tUC UDP_1 open\ta\"\"\t0-65535");
		for (int range = 1; range < ROW_PORT_RANGES_MAX; range++) {
			text_add(&text, ",0-65535");
		}
		text_add(&text, "\n");
	}
	assert_false(text.cut);
	assert_int_equal(udp_rules_load(rules, "u.tsv", text_span(&text), &report), -E2BIG);
	assert_int_equal(report.good, 9);
	udp_rules_free(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_reached_by_its_example),
		cmocka_unit_test(every_row_has_a_source),
		cmocka_unit_test(always),
		cmocka_unit_test(land_attack),
		cmocka_unit_test(late_by_port),
		cmocka_unit_test(addresses),
		cmocka_unit_test(link_and_ttl),
		cmocka_unit_test(missing_payload),
		cmocka_unit_test(descriptions),
		cmocka_unit_test(columns_of_the_record),
		cmocka_unit_test(order_of_rows),
		cmocka_unit_test(bad_rows_are_told_and_skipped),
		cmocka_unit_test(unusable_table_keeps_what_was_there),
		cmocka_unit_test(too_many_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
