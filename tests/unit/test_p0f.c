/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signatures in p0f's format: every construct, every fault, and what fits what. */
#include <passer/fingerprint/p0f.h>
#include <passer/fingerprint/signatures.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD  "classes = win,unix,other\n"
#define SYN   HEAD "[tcp:request]\nlabel = s:unix:X:\n"
#define LINUX "*:64:0:*:mss*20,7:mss,sok,ts,nop,ws:df,id+:0"

/* ---- loading --------------------------------------------------------------------------------- */

/* All messages of a load, one behind the other with '|' between. */
struct messages {
	char text[1024];
	size_t len;
};

static void tell(void *context, const char *message)
{
	struct messages *m = context;

	m->len += (size_t)snprintf(m->text + m->len, sizeof(m->text) - m->len, "%s%s",
	                           m->len > 0 ? "|" : "", message);
}

static struct p0f *load_into(struct p0f *p, const char *text, struct messages *out_messages,
                             struct rows_report *out_report)
{
	out_messages->len = 0;
	out_messages->text[0] = '\0';
	*out_report = (struct rows_report){.tell = tell, .context = out_messages};
	assert_non_null(p);
	assert_int_equal(p0f_load(p, "f", span_str(text), out_report), 0);
	return p;
}

/* Of a text without faults. */
static struct p0f *load(const char *text)
{
	struct messages m;
	struct rows_report report;
	struct p0f *p = load_into(p0f_new(), text, &m, &report);

	assert_string_equal(m.text, "");
	assert_int_equal(report.bad, 0);
	return p;
}

static void expect_messages(const char *text, size_t good, size_t bad, const char *messages)
{
	struct messages m;
	struct rows_report report;
	struct p0f *p = load_into(p0f_new(), text, &m, &report);

	if (strcmp(m.text, messages) != 0 || report.good != good || report.bad != bad) {
		fail_msg("%s\n: %zu good, %zu bad: %s", text, report.good, report.bad, m.text);
	}
	p0f_free(p);
}

/* Values of "sig" in [tcp:request], and the field that they are bad in; NULL: they are good. */
static const struct {
	const char *sig, *fault;
} tcp_rows[] = {
	{LINUX, NULL},
	{"4:64:0:*:*,*:::*", NULL},
	{"6:255:255:65535:65535,255:?255:flow:+", NULL},
	{"*:57+7:0:0:%8192,0:eol+0:df,id+,id-,ecn,0+:0", NULL},
	{"*:57+?:0:*:mtu*4,*:nop,mss,ws,sok,sack,ts,?30,eol+3:seq-,ack+,ack-,uptr+,urgf+,pushf+:0",
         NULL},
	{"*:64-:0:*:mss*1000,*:mss:ts1-,ts2+,opt+,exws,bad:0", NULL},
	{"5:64:0:*:*,*:mss::0", "ver"},
	{"", "ver"},
	{"*", "ittl"},
	{"*:0:0:*:*,*:mss::0", "ittl"},
	{"*:256:0:*:*,*:mss::0", "ittl"},
	{"*:250+6:0:*:*,*:mss::0", "ittl"},
	{"*:64+:0:*:*,*:mss::0", "ittl"},
	{"*:64-1:0:*:*,*:mss::0", "ittl"},
	{"*:x:0:*:*,*:mss::0", "ittl"},
	{"*:64:256:*:*,*:mss::0", "olen"},
	{"*:64::*:*,*:mss::0", "olen"},
	{"*:64:0:65536:*,*:mss::0", "mss"},
	{"*:64:0:**:*,*:mss::0", "mss"},
	{"*:64:0:*:*:mss::0", "wsize,scale"},
	{"*:64:0:*:,1:mss::0", "wsize,scale"},
	{"*:64:0:*:%1,1:mss::0", "wsize,scale"},
	{"*:64:0:*:mss*0,1:mss::0", "wsize,scale"},
	{"*:64:0:*:mss*1001,1:mss::0", "wsize,scale"},
	{"*:64:0:*:mtu*,1:mss::0", "wsize,scale"},
	{"*:64:0:*:65536,1:mss::0", "wsize,scale"},
	{"*:64:0:*:1,256:mss::0", "wsize,scale"},
	{"*:64:0:*:99999999999999999999,1:mss::0", "wsize,scale"},
	{"*:64:0:*:*,*:foo::0", "olayout"},
	{"*:64:0:*:*,*:?256::0", "olayout"},
	{"*:64:0:*:*,*:eol::0", "olayout"},
	{"*:64:0:*:*,*:eol+1,nop::0", "olayout"},
	{"*:64:0:*:*,*:nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,"
         "nop,nop,nop,nop,nop,nop::0",
         "olayout"},
	{"*:64:0:*:*,*:mss:df,foo:0", "quirks"},
	{"*:64:0:*:*,*:mss::1", "pclass"},
	{"*:64:0:*:*,*:mss:", "pclass"},
	{"*:64:0:*:*,*:mss::0:", "pclass"},
};

static void every_part_of_a_tcp_signature(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tcp_rows) / sizeof(tcp_rows[0]); i++) {
		char text[512], head[64];
		struct messages m;
		struct rows_report report;
		const char *fault = tcp_rows[i].fault;

		snprintf(text, sizeof(text), SYN "sig = %s\n", tcp_rows[i].sig);
		struct p0f *p = load_into(p0f_new(), text, &m, &report);

		snprintf(head, sizeof(head), "f:4: sig: %s: ", fault != NULL ? fault : "");
		if (fault != NULL ? strncmp(m.text, head, strlen(head)) != 0 : m.len > 0) {
			fail_msg("%s: %s", tcp_rows[i].sig, m.text);
		}
		assert_int_equal(p0f_count(p), fault == NULL);
		p0f_free(p);
	}
}

/* The same of [http:request]. */
static const struct {
	const char *sig, *fault;
} http_rows[] = {
	{"1:::", NULL},
	{"0:Host::", NULL},
	{"*:Host,?Via=[x],User-Agent=[a:b],X_Y-1:Accept,Cookie:some thing/", NULL},
	{"2:Host::", "ver"},
	{":Host::", "ver"},
	{"11:Host::", "ver"},
	{"1:Host", "horder"},
	{"1:Host,:", "horder"},
	{"1:Host,,Via::", "horder"},
	{"1:?:", "horder"},
	{"1:A b::", "horder"},
	{"1:Host=x::", "horder"},
	{"1:Host=[]::", "horder"},
	{"1:Host=[x::", "horder"},
	{"1:Host:Via", "habsent"},
	{"1:Host:Via=[x]:", "habsent"},
	{"1:Host::a:b", "expsw"},
};

static void every_part_of_an_http_signature(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(http_rows) / sizeof(http_rows[0]); i++) {
		char text[512], head[64];
		struct messages m;
		struct rows_report report;
		const char *fault = http_rows[i].fault;

		snprintf(text, sizeof(text),
		         HEAD "[http:request]\nlabel = s:!:X:\nsys = @unix,Y\nsig = %s\n",
		         http_rows[i].sig);
		struct p0f *p = load_into(p0f_new(), text, &m, &report);

		snprintf(head, sizeof(head), "f:5: sig: %s: ", fault != NULL ? fault : "");
		if (fault != NULL ? strncmp(m.text, head, strlen(head)) != 0 : m.len > 0) {
			fail_msg("%s: %s", http_rows[i].sig, m.text);
		}
		assert_int_equal(p0f_count(p), fault == NULL);
		p0f_free(p);
	}
}

static void lists_of_headers_are_bounded(void **state)
{
	char text[2048] = HEAD "[http:request]\nlabel = s:!:X:\nsig = 1:A";
	size_t len = strlen(text);

	(void)state;
	for (int i = 0; i < 32; i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, ",A%d", i);
	}
	snprintf(text + len, sizeof(text) - len, "::\n");
	expect_messages(text, 0, 1, "f:4: sig: horder: too many headers");
}

static void bad_lines_are_told_and_the_others_loaded(void **state)
{
	(void)state;
	expect_messages("; comment\n\n \t; indented\nfoo\nfoo = 1\nsig = " LINUX "\n"
	                "label = s:unix:X:\n",
	                0, 4,
	                "f:4: neither a section nor classes, label, sys, sig or ua_os with =|"
	                "f:5: neither a section nor classes, label, sys, sig or ua_os with =|"
	                "f:6: sig: before any label|f:7: label: before any section");
	/* What stands under a bad label or section is counted and not told of again. */
	expect_messages(HEAD "[tcp:request]\nlabel = x:unix:X:\nsys = @unix\nsig = " LINUX "\n"
	                     "label = s:unix:Y:\nsig = " LINUX "\n",
	                1, 3, "f:3: label: the type s or g is wanted");
	expect_messages(HEAD "[udp]\nlabel = s:unix:X:\nsig = 1\n[tcp:response]\n"
	                     "label = s:unix:Y:\nsig = " LINUX "\n",
	                1, 3, "f:2: no such section; what follows up to the next one is skipped");
}

static void labels_and_lists_are_checked(void **state)
{
	(void)state;
	expect_messages(HEAD "[tcp:request]\nlabel =\nlabel = s:mac:X:\nlabel = s:unix::\n"
	                     "label = s:unix:X\nlabel = s:unix\n",
	                0, 5,
	                "f:3: label: empty|f:4: label: the class is not among \"classes\"|"
	                "f:5: label: type:class:name:flavor is wanted|"
	                "f:6: label: type:class:name:flavor is wanted|"
	                "f:7: label: type:class:name:flavor is wanted");
	expect_messages("classes = a,,b\n" HEAD "[tcp:request]\nlabel = s:unix:X:\nsys = @unix\n"
	                "label = s:!:X:\nsys = @mac\nsys = A,,B\nsys = @unix, Some OS\n"
	                "ua_os = X\n[http:request]\nua_os = X=y\nua_os = =[x]\n",
	                0, 7,
	                "f:1: classes: 1 to 32 names with commas between are wanted|"
	                "f:5: sys: only behind the label of a program, class !|"
	                "f:7: sys: names and @classes with commas between are wanted|"
	                "f:8: sys: names and @classes with commas between are wanted|"
	                "f:10: ua_os: only in [http:request]|"
	                "f:12: ua_os: Name or Name=[text] is wanted, with commas between|"
	                "f:13: ua_os: a name is empty");
}

static void files_are_read_whole(void **state)
{
	char path[] = "/tmp/passer-p0f-XXXXXX";
	struct rows_report report = {.tell = NULL};
	struct p0f *p = p0f_new();
	struct err err;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, SYN "sig = " LINUX, strlen(SYN "sig = " LINUX)),
	                 (ssize_t)strlen(SYN "sig = " LINUX));
	close(fd);
	assert_int_equal(p0f_load_file(p, path, &report, &err), 0);
	assert_int_equal(p0f_count(p), 1);
	unlink(path);
	assert_int_equal(p0f_load_file(p, path, &report, &err), -ENOENT);
	p0f_free(p);
	p0f_free(NULL);
}

static void own_rows_have_no_fault(void **state)
{
	struct messages m = {.len = 0};
	struct rows_report report = {.tell = tell, .context = &m};
	struct p0f *p = p0f_new();

	(void)state;
	assert_int_equal(p0f_load(p, "os.fp", signatures_text("os.fp"), &report), 0);
	assert_string_equal(m.text, "");
	assert_true(p0f_count(p) > 0);
	p0f_free(p);
}

/* ---- options --------------------------------------------------------------------------------- */

#define OPTIONS(...) span_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define QUIRK(id)    P0F_QUIRK(id)

#define NOP     1
#define MSS     2, 4, 5, 180
#define SACK_OK 4, 2
#define TS      8, 10, 0, 0, 0, 1, 0, 0, 0, 0
#define WS(n)   3, 3, n

static struct p0f_options read_options(struct span bytes, bool is_syn)
{
	struct p0f_options o;

	p0f_read_options(bytes, is_syn, &o);
	return o;
}

static void expect_layout(struct span bytes, struct span layout, uint32_t quirks)
{
	struct p0f_options o = read_options(bytes, true);

	assert_int_equal(o.count, layout.len);
	assert_memory_equal(o.layout, layout.data, layout.len);
	assert_int_equal(o.quirks, quirks);
}

static void options_are_read(void **state)
{
	struct p0f_options o = read_options(OPTIONS(MSS, SACK_OK, TS, NOP, WS(7)), true);

	(void)state;
	assert_int_equal(o.count, 5);
	assert_memory_equal(o.layout, ((const uint8_t[]){2, 4, 8, 1, 3}), 5);
	assert_int_equal(o.mss, 1460);
	assert_int_equal(o.scale, 7);
	assert_true(o.has_timestamp);
	assert_int_equal(o.quirks, 0);

	o = read_options(OPTIONS(MSS, 0, 0, 0, 0), true);
	assert_int_equal(o.padding_bytes, 3);
	assert_int_equal(o.quirks, 0);
	o = read_options(span_of(NULL, 0), true);
	assert_int_equal(o.count, 0);
	assert_int_equal(o.quirks, 0);
}

static void what_is_odd_about_options(void **state)
{
	(void)state;
	expect_layout(OPTIONS(0, 0, 1), OPTIONS(0), QUIRK(PADDING));
	expect_layout(OPTIONS(WS(15)), OPTIONS(3), QUIRK(BIG_SCALE));
	expect_layout(OPTIONS(8, 10, 0, 0, 0, 0, 0, 0, 0, 1), OPTIONS(8),
	              QUIRK(NO_TS) | QUIRK(PEER_TS));
	assert_int_equal(read_options(OPTIONS(8, 10, 0, 0, 0, 1, 0, 0, 0, 1), false).quirks, 0);
	/* A length that lies, and one that runs past the end. */
	expect_layout(OPTIONS(2, 3, 5, 180, NOP), OPTIONS(2, 1), QUIRK(BAD));
	expect_layout(OPTIONS(2, 4, 5), OPTIONS(2), QUIRK(BAD));
	expect_layout(OPTIONS(2), OPTIONS(2), QUIRK(BAD));
	expect_layout(OPTIONS(30, 1, NOP), OPTIONS(30), QUIRK(BAD));
	expect_layout(OPTIONS(30, 3, NOP), OPTIONS(30), 0);
	expect_layout(OPTIONS(30, 4, NOP), OPTIONS(30), QUIRK(BAD));
	expect_layout(OPTIONS(30, 41, NOP), OPTIONS(30), QUIRK(BAD));
	expect_layout(OPTIONS(5, 2, NOP), OPTIONS(5), QUIRK(BAD));
	expect_layout(OPTIONS(5, 10, 0, 0, 0, 1, 0, 0, 0, 2), OPTIONS(5), 0);
}

static void many_options_stay_in_bounds(void **state)
{
	uint8_t bytes[40];
	struct p0f_options o;

	(void)state;
	memset(bytes, NOP, sizeof(bytes));
	o = read_options(span_of(bytes, sizeof(bytes)), true);
	assert_int_equal(o.count, P0F_OPTIONS_MAX);
	assert_int_equal(o.quirks, QUIRK(BAD));
	o = read_options(span_of(bytes, P0F_OPTIONS_MAX), true);
	assert_int_equal(o.count, P0F_OPTIONS_MAX);
	assert_int_equal(o.quirks, 0);
}

/* ---- TCP ------------------------------------------------------------------------------------- */

/* What a current Linux sends; the tests change what they are about. */
static struct p0f_segment linux_syn(void)
{
	struct p0f_segment s = {
		.ip_version = 4,
		.ttl = 60,
		.header_bytes = 60,
		.quirks = QUIRK(DF) | QUIRK(ID),
		.window = 20 * 1460,
		.options = read_options(OPTIONS(MSS, SACK_OK, TS, NOP, WS(7)), true),
	};

	return s;
}

/* "Linux 4" or what else the request is, with "!" program, "~" rough, "@4" distance; "" nothing. */
static const char *describe(const struct p0f *p, struct p0f_segment s)
{
	static char text[128];
	struct p0f_match m;

	if (!p0f_find_tcp(p, P0F_REQUEST, &s, &m)) {
		return "";
	}
	int n = snprintf(text, sizeof(text), "%s%s%.*s", m.is_app ? "!" : "", m.is_fuzzy ? "~" : "",
	                 (int)m.label.len, (const char *)m.label.data);

	if (m.has_distance) {
		snprintf(text + n, sizeof(text) - (size_t)n, "@%u", m.distance);
	}
	assert_string_equal(m.file, "f");
	return text;
}

static void exact_then_generic_then_rough(void **state)
{
	struct p0f *p = load(HEAD "[tcp:request]\n"
	                          "label = s:!:Tool:\n"
	                          "sig = *:64:0:*:*,9:mss,sok,ts,nop,ws:df,id+:0\n"
	                          "label = s:unix:Rough:first\n"
	                          "sig = *:128:0:*:*,*:mss,sok,ts,nop,ws:df,id+:0\n"
	                          "label = g:unix:Any:Linux, old\n"
	                          "sig = *:64:0:*:*,*:mss,sok,ts,nop,ws:df,id+:0\n"
	                          "label = g:unix:Any:second\n"
	                          "sig = *:64:0:*:*,*:mss,sok,ts,nop,ws:df,id+:0\n"
	                          "label = s:unix:Linux:\n"
	                          "sig = " LINUX "\n"
	                          "label = s:unix:Linux:later\n"
	                          "sig = " LINUX "\n");
	struct p0f_segment s = linux_syn();

	(void)state;
	assert_string_equal(describe(p, s), "Linux@4");
	s.window = 5000;
	assert_string_equal(describe(p, s), "Any Linux; old@4");
	s.quirks |= QUIRK(ECN);
	assert_string_equal(describe(p, s), "~Rough first@4");
	s.quirks |= QUIRK(URG);
	assert_string_equal(describe(p, s), "");
	/* A program is not matched roughly, but leaves the way free. */
	s = linux_syn();
	s.options.scale = 9;
	assert_string_equal(describe(p, s), "!Tool@4");
	s.quirks |= QUIRK(ECN);
	assert_string_equal(describe(p, s), "~Rough first@4");
	p0f_free(p);
}

static void quirks_may_differ_a_little(void **state)
{
	static const struct {
		uint32_t quirks;
		const char *wanted;
	} rows[] = {
		{QUIRK(DF) | QUIRK(ID), "X@4"},
		{QUIRK(DF), "~X@4"},
		{0, "~X@4"},
		{QUIRK(NO_ID), "~X@4"},
		{QUIRK(DF) | QUIRK(ID) | QUIRK(ECN), "~X@4"},
		{QUIRK(DF) | QUIRK(ID) | QUIRK(RESERVED), ""},
		{QUIRK(DF) | QUIRK(ID) | QUIRK(FLOW), ""},
		{QUIRK(DF) | QUIRK(ID) | QUIRK(PSH), ""},
	};
	struct p0f *p = load(SYN "sig = " LINUX "\n");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct p0f_segment s = linux_syn();

		s.quirks = rows[i].quirks;
		assert_string_equal(describe(p, s), rows[i].wanted);
	}
	p0f_free(p);
	/* What a signature asks for beside must be there. */
	p = load(SYN "sig = *:64:0:*:*,*:mss,sok,ts,nop,ws:df,id+,ecn:0\n");
	assert_string_equal(describe(p, linux_syn()), "");
	p0f_free(p);
}

static void ttl_out_of_range_is_rough(void **state)
{
	static const struct {
		uint8_t ttl;
		const char *fixed, *random;
	} rows[] = {
		{64, "X@0", "X"},  {63, "X@1", "X"}, {29, "X@35", "X"}, {28, "~X@4", "X"},
		{120, "~X@8", ""}, {65, "~X", ""},   {1, "~X", "X"},    {0, "~X", "X"},
	};
	struct p0f *fixed = load(SYN "sig = *:60+4:0:*:*,*:mss,sok,ts,nop,ws:df,id+:0\n");
	struct p0f *random = load(SYN "sig = *:64-:0:*:*,*:mss,sok,ts,nop,ws:df,id+:0\n");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct p0f_segment s = linux_syn();

		s.ttl = rows[i].ttl;
		assert_string_equal(describe(fixed, s), rows[i].fixed);
		assert_string_equal(describe(random, s), rows[i].random);
	}
	p0f_free(fixed);
	p0f_free(random);
}

static void both_versions_of_ip(void **state)
{
	struct p0f *any = load(SYN "sig = *:64:0:*:*,*:mss,sok,ts,nop,ws:df,id+,0+,flow:0\n");
	struct p0f *four = load(SYN "sig = 4:64:0:*:*,*:mss,sok,ts,nop,ws::0\n");
	struct p0f *six = load(SYN "sig = 6:64:0:*:*,*:mss,sok,ts,nop,ws::0\n");
	struct p0f_segment v4 = linux_syn(), v6 = linux_syn();

	(void)state;
	v4.quirks |= QUIRK(RESERVED);
	v6.ip_version = 6;
	v6.quirks = QUIRK(FLOW);
	assert_string_equal(describe(any, v4), "X@4");
	assert_string_equal(describe(any, v6), "X@4");
	v4.quirks = v6.quirks = 0;
	assert_string_equal(describe(four, v4), "X@4");
	assert_string_equal(describe(four, v6), "");
	assert_string_equal(describe(six, v4), "");
	assert_string_equal(describe(six, v6), "X@4");
	p0f_free(any);
	p0f_free(four);
	p0f_free(six);
}

static void fixed_parts_must_be_equal(void **state)
{
	struct p0f *p = load(SYN "sig = *:64:4:1460:*,7:mss,eol+2:df,id+:+\n");
	struct p0f_segment right = linux_syn();

	(void)state;
	right.ip_option_bytes = 4;
	right.has_payload = true;
	right.options = read_options(OPTIONS(MSS, 0, 0, 0), true);
	right.options.scale = 7;
	assert_string_equal(describe(p, right), "X@4");
	for (int part = 0; part < 6; part++) {
		struct p0f_segment s = right;

		s.ip_option_bytes += part == 0;
		s.has_payload = part != 1;
		s.options.mss += part == 2;
		s.options.scale += part == 3;
		s.options.padding_bytes += part == 4;
		s.options.layout[0] += part == 5;
		assert_string_equal(describe(p, s), "");
	}
	p0f_free(p);
}

static void windows_in_every_notation(void **state)
{
	static const struct {
		const char *wsize;
		uint8_t ip_version;
		uint16_t window, mss, peer_mss;
		bool is_match;
	} rows[] = {
		{"*", 4, 1, 1460, 0, true},
		{"8192", 4, 8192, 1460, 0, true},
		{"8192", 4, 8193, 1460, 0, false},
		{"%8192", 4, 16384, 1460, 0, true},
		{"%8192", 4, 16385, 1460, 0, false},
		{"mss*4", 4, 4 * 1400, 1400, 0, true},
		{"mss*5", 4, 4 * 1400, 1400, 0, false},
		{"mss*4", 4, 4 * 1388, 1400, 0, true}, /* less what timestamps take */
		{"mss*4", 4, 4 * 1460, 1400, 0, true}, /* Ethernet's */
		{"mss*4", 4, 4 * 1448, 1400, 0, true},
		{"mss*4", 4, 4 * 1440, 1380, 0, false}, /* that is the MTU below, and IPv6 */
		{"mss*4", 6, 4 * 1440, 1300, 0, true},
		{"mss*4", 6, 4 * 1428, 1300, 0, true},
		{"mtu*4", 4, 4 * 1440, 1400, 0, true},
		{"mtu*4", 4, 4 * 1460, 1400, 0, false}, /* the MSS goes first */
		{"mtu*4", 6, 4 * 1380, 1320, 0, true},
		{"mtu*4", 4, 4 * 1500, 1320, 0, true},
		{"mtu*4", 4, 4 * 1380, 1320, 0, true}, /* with all headers of the segment */
		{"mss*4", 4, 4 * 1234, 1320, 1234, true},
		{"mss*4", 4, 4 * 1222, 1320, 1234, true},
		{"mss*4", 4, 4 * 1234, 1320, 0, false},
		{"mss*4", 4, 4 * 99, 99, 0, false},
		{"mss*1", 4, 7, 1320, 12, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[256];
		struct p0f_segment s = linux_syn();

		snprintf(text, sizeof(text), SYN "sig = *:64:0:*:%s,*:mss,sok,ts,nop,ws:df,id+:0\n",
		         rows[i].wsize);
		struct p0f *p = load(text);

		s.ip_version = rows[i].ip_version;
		s.quirks = s.ip_version == 4 ? s.quirks : 0;
		s.window = rows[i].window;
		s.options.mss = rows[i].mss;
		s.peer_mss = rows[i].peer_mss;
		if ((describe(p, s)[0] != '\0') != rows[i].is_match) {
			fail_msg("%s: window %u, mss %u", rows[i].wsize, rows[i].window,
			         rows[i].mss);
		}
		p0f_free(p);
	}
}

static void sections_and_files_are_kept_apart(void **state)
{
	struct messages messages;
	struct rows_report report;
	struct p0f *p = load(HEAD "[tcp:response]\nlabel = s:unix:Server:\nsig = " LINUX "\n");
	struct p0f_segment s = linux_syn();
	struct p0f_match m;

	(void)state;
	assert_false(p0f_find_tcp(p, P0F_REQUEST, &s, &m));
	assert_true(p0f_find_tcp(p, P0F_RESPONSE, &s, &m));
	assert_int_equal(m.line, 4);
	assert_false(m.has_fixed_mss);
	/* A later file does not know the classes of an earlier one, and goes behind it. */
	load_into(p, "[tcp:response]\nlabel = s:unix:X:\nlabel = s:!:Y:\nsig = " LINUX "\n",
	          &messages, &report);
	assert_int_equal(report.good, 1);
	assert_int_equal(report.bad, 1);
	assert_true(p0f_find_tcp(p, P0F_RESPONSE, &s, &m));
	assert_true(span_equal(m.label, span_str("Server")));
	p0f_free(p);
}

static void links_by_mtu(void **state)
{
	struct p0f *p =
		load("[mtu]\nlabel = A\nsig = 1500\nsig = 576\nlabel = B, or C\nsig = 1492\n"
	             "sig = 1500\n");

	(void)state;
	assert_true(span_equal(p0f_find_link(p, 1500), span_str("A")));
	assert_true(span_equal(p0f_find_link(p, 576), span_str("A")));
	assert_true(span_equal(p0f_find_link(p, 1492), span_str("B; or C")));
	assert_int_equal(p0f_find_link(p, 1493).len, 0);
	p0f_free(p);
	p = p0f_new();
	assert_int_equal(p0f_find_link(p, 1500).len, 0);
	p0f_free(p);
	expect_messages("[mtu]\nlabel = A\nsig = x\nsig = 65536\n", 0, 2,
	                "f:3: sig: an MTU is wanted|f:4: sig: an MTU is wanted");
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

#define GET "GET / HTTP/1.1\r\n"

static const char http_text[] = HEAD "[http:request]\n"
				     "ua_os = Linux,Windows,iOS=[iPad]\n"
				     "label = g:!:Generic:\n"
				     "sig = *:Host::\n"
				     "label = s:!:Fox:2, or 3\n"
				     "sig = 1:Host,User-Agent,?Accept=[*/*],Via=[x y]:Cookie:Fox/\n"
				     "label = s:win:Windows:update\n"
				     "sig = 0:Host:User-Agent:\n"
				     "[http:response]\n"
				     "label = s:!:Serve:1\n"
				     "sig = 1:Server,?Date:Etag:Serve/\n";

static const struct {
	enum p0f_side side;
	const char *payload, *wanted;
} head_rows[] = {
	{P0F_REQUEST, GET "Host: a\r\nUser-Agent: Fox/2 Linux\r\nVia: x y z\r\n\r\n",
         "Fox 2; or 3 on Linux"},
	{P0F_REQUEST, GET "Host: a\nX: b\nUser-Agent: Fox/2 iPad\nAccept: */*\nVia:x y\n\nbody",
         "Fox 2; or 3 on iOS"},
	{P0F_REQUEST, "HEAD /a?b HTTP/1.1\r\nHost: a\r\nUser-Agent: Fox/\r\nVia:\tx y\r\n\r\n",
         "Fox 2; or 3"},
	{P0F_REQUEST, GET "Host: a\r\nUser-Agent: Wolf Linux\r\nVia: x y\r\n\r\n",
         "Fox 2; or 3 (dishonest)"},
	/* An optional header is in its place or nowhere, and has its value. */
	{P0F_REQUEST, GET "Accept: */*\r\nHost: a\r\nUser-Agent: Fox/\r\nVia: x y\r\n\r\n",
         "Generic"},
	{P0F_REQUEST, GET "Host: a\r\nUser-Agent: Fox/\r\nAccept: no\r\nVia: x y\r\n\r\n",
         "Generic"},
	{P0F_REQUEST, GET "Host: a\r\nUser-Agent: Fox/\r\nVia: z\r\n\r\n", "Generic"},
	{P0F_REQUEST, GET "Host: a\r\nUser-Agent: Fox/\r\nVia: x y\r\nCookie: 1\r\n\r\n",
         "Generic"},
	{P0F_REQUEST, GET "User-Agent: Fox/\r\nHost: a\r\nVia: x y\r\n\r\n", "Generic"},
	{P0F_REQUEST, "GET / HTTP/1.0\r\nHost: a\r\n\r\n", "Windows update"},
	/* Names are spelt exactly so. */
	{P0F_REQUEST, GET "host: a\r\n\r\n", ""},
	{P0F_REQUEST, "POST / HTTP/1.1\r\nHost: a\r\n\r\n", ""},
	{P0F_REQUEST, "GET / HTTP/2.0\r\nHost: a\r\n\r\n", ""},
	{P0F_REQUEST, "GET /\r\nHost: a\r\n\r\n", ""},
	{P0F_REQUEST, "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", ""},
	{P0F_REQUEST, GET "Host: a\r\n", ""},
	{P0F_REQUEST, GET "Host: a\r\nnonsense\r\n\r\n", ""},
	{P0F_REQUEST, GET "Host: a\r\n folded: b\r\n\r\n", ""},
	{P0F_REQUEST, GET "Host: a\r\n: b\r\n\r\n", ""},
	{P0F_REQUEST, GET "\r\n", ""},
	{P0F_REQUEST, "HTTP/1.1 200 OK\r\nServer: Serve/1\r\n\r\n", ""},
	{P0F_REQUEST, "", ""},
	{P0F_RESPONSE, "HTTP/1.1 200 OK\r\nServer: Serve/1\r\n\r\n", "Serve 1"},
	{P0F_RESPONSE, "HTTP/1.1 200 OK\r\nServer: Linux\r\nDate: x\r\n\r\n",
         "Serve 1 (dishonest)"},
	{P0F_RESPONSE, "HTTP/1.1 200 OK\r\nServer: \r\n\r\n", "Serve 1"},
	{P0F_RESPONSE, "HTTP/1.1 200 OK\r\nServer: Serve/1\r\nEtag: 1\r\n\r\n", ""},
	{P0F_RESPONSE, "HTTP/1.0 200 OK\r\nServer: Serve/1\r\n\r\n", ""},
	{P0F_RESPONSE, "HTTP/1.", ""},
};

static const char *describe_head(const struct p0f *p, enum p0f_side side, struct span payload)
{
	static char text[128];
	struct p0f_match m;

	if (!p0f_find_http(p, side, payload, &m)) {
		return "";
	}
	snprintf(text, sizeof(text), "%.*s%s%.*s%s", (int)m.label.len, (const char *)m.label.data,
	         m.ua_os.len > 0 ? " on " : "", (int)m.ua_os.len, (const char *)m.ua_os.data,
	         m.is_dishonest ? " (dishonest)" : "");
	return text;
}

static void heads_by_the_order_of_headers(void **state)
{
	struct p0f *p = load(http_text);

	(void)state;
	for (size_t i = 0; i < sizeof(head_rows) / sizeof(head_rows[0]); i++) {
		const char *got =
			describe_head(p, head_rows[i].side, span_str(head_rows[i].payload));

		if (strcmp(got, head_rows[i].wanted) != 0) {
			fail_msg("%s: %s, not %s", head_rows[i].payload, got, head_rows[i].wanted);
		}
	}
	p0f_free(p);
}

/* A head is read up to its bounds, and cut anywhere it is none. */
static void long_heads_stay_in_bounds(void **state)
{
	static char payload[1 << 16];
	struct p0f *p = load(http_text);
	size_t len = strlen(GET "Host: a\r\n");

	(void)state;
	memcpy(payload, GET "Host: a\r\n", len + 1);
	for (int i = 1; i <= 64; i++) {
		const char *wanted = i < 64 ? "Generic" : "";

		len += (size_t)snprintf(payload + len, sizeof(payload) - len, "X: y\r\n");
		snprintf(payload + len, sizeof(payload) - len, "\r\n");
		assert_string_equal(describe_head(p, P0F_REQUEST, span_of(payload, len + 2)),
		                    wanted);
		assert_string_equal(describe_head(p, P0F_REQUEST, span_of(payload, len)), "");
	}
	memset(payload, 'x', sizeof(payload));
	memcpy(payload, GET "Host: ", strlen(GET "Host: "));
	memcpy(payload + sizeof(payload) - 4, "\r\n\r\n", 4);
	assert_string_equal(describe_head(p, P0F_REQUEST, span_of(payload, sizeof(payload))), "");
	p0f_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_part_of_a_tcp_signature),
		cmocka_unit_test(every_part_of_an_http_signature),
		cmocka_unit_test(lists_of_headers_are_bounded),
		cmocka_unit_test(bad_lines_are_told_and_the_others_loaded),
		cmocka_unit_test(labels_and_lists_are_checked),
		cmocka_unit_test(files_are_read_whole),
		cmocka_unit_test(own_rows_have_no_fault),
		cmocka_unit_test(options_are_read),
		cmocka_unit_test(what_is_odd_about_options),
		cmocka_unit_test(many_options_stay_in_bounds),
		cmocka_unit_test(exact_then_generic_then_rough),
		cmocka_unit_test(quirks_may_differ_a_little),
		cmocka_unit_test(ttl_out_of_range_is_rough),
		cmocka_unit_test(both_versions_of_ip),
		cmocka_unit_test(fixed_parts_must_be_equal),
		cmocka_unit_test(windows_in_every_notation),
		cmocka_unit_test(sections_and_files_are_kept_apart),
		cmocka_unit_test(links_by_mtu),
		cmocka_unit_test(heads_by_the_order_of_headers),
		cmocka_unit_test(long_heads_stay_in_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
