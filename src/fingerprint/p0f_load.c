/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signature files line by line: sections, labels, and what hangs on them. */
#include "p0f_internal.h"

#include <passer/base/log.h>
#include <passer/fingerprint/file.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CLASSES_MAX 32

const char *const p0f_default_paths[] = {
	"/usr/local/etc/p0f.fp",
	"/usr/share/p0f/p0f.fp",
	"/etc/p0f/p0f.fp", /* the last one is named when there is none */
	NULL,
};

enum section { SECTION_NONE, SECTION_BAD, SECTION_MTU, SECTION_TCP, SECTION_HTTP };

enum label_state { LABEL_NONE, LABEL_BAD, LABEL_GOOD };

struct loader {
	struct p0f *p0f;
	struct rows_report *report;
	const char *file;
	uint32_t line;
	struct span classes[CLASSES_MAX];
	unsigned class_count;
	enum section section;
	enum p0f_side side;
	enum label_state label_state; /* of the last label, which is the last of p0f->labels */
};

__attribute__((format(printf, 2, 3))) static int bad(const struct loader *l, const char *format,
                                                     ...)
{
	char message[512];
	int head = snprintf(message, sizeof(message), "%s:%u: ", l->file, l->line);
	va_list args;

	va_start(args, format);
	if (head > 0 && (size_t)head < sizeof(message)) {
		vsnprintf(message + head, sizeof(message) - (size_t)head, format, args);
	}
	va_end(args);
	if (l->report->tell != NULL) {
		l->report->tell(l->report->context, message);
	} else {
		log_warn("%s", message);
	}
	return -EINVAL;
}

static struct span trim(struct span s)
{
	while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
		s = span_of(s.data + 1, s.len - 1);
	}
	while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t')) {
		s.len--;
	}
	return s;
}

/* ---- classes, sections ----------------------------------------------------------------------- */

static bool has_class(const struct loader *l, struct span name)
{
	for (unsigned i = 0; i < l->class_count; i++) {
		if (span_equal(l->classes[i], name)) {
			return true;
		}
	}
	return false;
}

static int take_classes(struct loader *l, struct span value)
{
	struct cursor c = cur_of(value);

	while (cur_left(&c) > 0) {
		struct span name = trim(p0f_cut(&c, ','));

		if (name.len == 0 || l->class_count == CLASSES_MAX) {
			return bad(l, "classes: 1 to %d names with commas between are wanted",
			           CLASSES_MAX);
		}
		l->classes[l->class_count++] = name;
	}
	return 0;
}

static int take_section(struct loader *l, struct span line)
{
	static const struct {
		const char *name;
		enum section section;
		enum p0f_side side;
	} rows[] = {
		{"[mtu]", SECTION_MTU, P0F_REQUEST},
		{"[tcp:request]", SECTION_TCP, P0F_REQUEST},
		{"[tcp:response]", SECTION_TCP, P0F_RESPONSE},
		{"[http:request]", SECTION_HTTP, P0F_REQUEST},
		{"[http:response]", SECTION_HTTP, P0F_RESPONSE},
	};

	l->label_state = LABEL_NONE;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (span_equal(line, span_str(rows[i].name))) {
			l->section = rows[i].section;
			l->side = rows[i].side;
			return 0;
		}
	}
	l->section = SECTION_BAD;
	return bad(l, "no such section; what follows up to the next one is skipped");
}

/* ---- labels ---------------------------------------------------------------------------------- */

/* The copy of the file is ours: a description cannot hold commas. */
static void replace_commas(struct span text)
{
	char *bytes = (char *)(uintptr_t)text.data;

	for (size_t i = 0; i < text.len; i++) {
		bytes[i] = bytes[i] == ',' ? ';' : bytes[i];
	}
}

/* "Linux:3.x" becomes "Linux 3.x", and "FreeBSD:" "FreeBSD". */
static struct span join_flavor(struct span name, struct span flavor)
{
	char *colon = (char *)(uintptr_t)(name.data + name.len);

	*colon = ' ';
	return flavor.len > 0 ? span_of(name.data, name.len + 1 + flavor.len) : name;
}

/* "type:class:name:flavor" */
static int parse_label(struct loader *l, struct span value, struct p0f_label *label)
{
	struct cursor c = cur_of(value);
	struct span type = p0f_cut(&c, ':');
	struct span class = p0f_cut(&c, ':');
	struct span name = p0f_cut(&c, ':');

	label->is_generic = span_equal(type, span_str("g"));
	if (!label->is_generic && !span_equal(type, span_str("s"))) {
		return bad(l, "label: the type s or g is wanted");
	}
	label->is_app = span_equal(class, span_str("!"));
	if (!label->is_app && !has_class(l, class)) {
		return bad(l, "label: the class is not among \"classes\"");
	}
	if (name.len == 0 || name.data + name.len == value.data + value.len) {
		return bad(l, "label: type:class:name:flavor is wanted");
	}
	label->text = join_flavor(name, trim(cur_rest(&c)));
	return 0;
}

static int add_label(struct loader *l, struct span value)
{
	struct p0f *p = l->p0f;
	struct p0f_label label = {.text = value, .file = l->file};
	struct p0f_label *grown;

	if (value.len == 0) {
		return bad(l, "label: empty");
	}
	if (l->section != SECTION_MTU && parse_label(l, value, &label) < 0) {
		return -EINVAL;
	}
	replace_commas(label.text);
	grown = p0f_grow(p->labels, p->label_count, sizeof(*grown));
	if (grown == NULL) {
		return -ENOMEM;
	}
	p->labels = grown;
	grown[p->label_count++] = label;
	return 0;
}

static int take_label(struct loader *l, struct span value)
{
	int ret;

	if (l->section == SECTION_NONE) {
		return bad(l, "label: before any section");
	}
	ret = add_label(l, value);
	l->label_state = ret == 0 ? LABEL_GOOD : LABEL_BAD;
	return ret;
}

/*
 * Which systems a program runs on. p0f warns of one that runs elsewhere; passer reads it to report
 * what is wrong, and does nothing with it.
 */
static int take_sys(struct loader *l, struct span value)
{
	struct cursor c = cur_of(value);

	if (l->label_state != LABEL_GOOD || !l->p0f->labels[l->p0f->label_count - 1].is_app) {
		return l->label_state == LABEL_BAD
		               ? -EINVAL
		               : bad(l, "sys: only behind the label of a program, class !");
	}
	while (cur_left(&c) > 0) {
		struct span name = trim(p0f_cut(&c, ','));
		bool is_class = span_has_prefix(name, span_str("@"));

		if (name.len == 0 ||
		    (is_class && !has_class(l, span_of(name.data + 1, name.len - 1)))) {
			return bad(l, "sys: names and @classes with commas between are wanted");
		}
	}
	return 0;
}

static int take_ua_os(struct loader *l, struct span value)
{
	p0f_fault fault;

	if (l->section != SECTION_HTTP || l->side != P0F_REQUEST) {
		return bad(l, "ua_os: only in [http:request]");
	}
	fault = p0f_parse_ua_os(l->p0f, value);
	return fault != NULL ? bad(l, "ua_os: %s", fault) : 0;
}

/* ---- signatures ------------------------------------------------------------------------------ */

static void chain(struct p0f *p, enum p0f_side side, uint32_t index)
{
	struct p0f_chain *at = &p->layouts[side][p->tcp[index].layout_hash % P0F_TCP_BUCKETS];

	if (at->first == P0F_NONE) {
		at->first = index;
	} else {
		p->tcp[at->last].next = index;
	}
	at->last = index;
}

static int add_tcp(struct loader *l, struct span value)
{
	struct p0f *p = l->p0f;
	struct p0f_tcp_sig *grown = p0f_grow(p->tcp, p->tcp_count, sizeof(*grown));
	struct p0f_tcp_sig sig = {
		.label = p->label_count - 1,
		.line = l->line,
		.next = P0F_NONE,
	};
	p0f_fault fault = p0f_parse_tcp(value, &sig);

	if (grown == NULL) {
		return -ENOMEM;
	}
	p->tcp = grown;
	if (fault != NULL) {
		return bad(l, "sig: %s", fault);
	}
	grown[p->tcp_count] = sig;
	chain(p, l->side, p->tcp_count++);
	return 0;
}

static int add_http(struct loader *l, struct span value)
{
	struct p0f *p = l->p0f;
	uint32_t *count = &p->http_count[l->side];
	struct p0f_http_sig *grown = p0f_grow(p->http[l->side], *count, sizeof(*grown));
	p0f_fault fault;

	if (grown == NULL) {
		return -ENOMEM;
	}
	p->http[l->side] = grown;
	grown[*count] = (struct p0f_http_sig){.label = p->label_count - 1, .line = l->line};
	fault = p0f_parse_http(p, value, &grown[*count]);
	if (fault != NULL) {
		return bad(l, "sig: %s", fault);
	}
	(*count)++;
	return 0;
}

static int compare_links(const void *a, const void *b)
{
	const struct p0f_link *x = a, *y = b;

	return (x->mtu_bytes > y->mtu_bytes) - (x->mtu_bytes < y->mtu_bytes);
}

/* Of two for one MTU the first counts. */
static int add_link(struct loader *l, struct span value)
{
	struct p0f *p = l->p0f;
	struct p0f_link *grown = p0f_grow(p->links, p->link_count, sizeof(*grown));
	unsigned mtu_bytes;

	if (grown == NULL) {
		return -ENOMEM;
	}
	p->links = grown;
	if (!p0f_number(value, UINT16_MAX, &mtu_bytes)) {
		return bad(l, "sig: an MTU is wanted");
	}
	if (p0f_find_link(p, mtu_bytes).len > 0) {
		return 0;
	}
	grown[p->link_count++] =
		(struct p0f_link){.mtu_bytes = mtu_bytes, .label = p->label_count - 1};
	qsort(grown, p->link_count, sizeof(*grown), compare_links);
	return 0;
}

struct span p0f_find_link(const struct p0f *p0f, uint32_t mtu_bytes)
{
	const struct p0f_link key = {.mtu_bytes = mtu_bytes};
	const struct p0f_link *found =
		p0f->link_count > 0
			? bsearch(&key, p0f->links, p0f->link_count, sizeof(key), compare_links)
			: NULL;

	return found != NULL ? p0f->labels[found->label].text : span_of(NULL, 0);
}

static int take_sig(struct loader *l, struct span value)
{
	int ret;

	if (l->label_state != LABEL_GOOD) {
		return l->label_state == LABEL_BAD ? -EINVAL : bad(l, "sig: before any label");
	}
	ret = l->section == SECTION_TCP    ? add_tcp(l, value)
	      : l->section == SECTION_HTTP ? add_http(l, value)
	                                   : add_link(l, value);
	l->report->good += ret == 0;
	return ret;
}

/* ---- lines and files ------------------------------------------------------------------------- */

/* "name = value". What stands in a bad section has been told of with it. */
static int take_line(struct loader *l, struct span line)
{
	static const struct {
		const char *name;
		int (*take)(struct loader *l, struct span value);
	} rows[] = {
		{"classes", take_classes}, {"label", take_label}, {"sys", take_sys},
		{"sig", take_sig},         {"ua_os", take_ua_os},
	};
	struct cursor c = cur_of(line);
	struct span name = trim(p0f_cut(&c, '='));

	if (line.data[0] == '[') {
		return take_section(l, line);
	}
	if (l->section == SECTION_BAD) {
		return -EINVAL;
	}
	for (size_t i = 0; name.len < line.len && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (span_equal(name, span_str(rows[i].name))) {
			return rows[i].take(l, trim(cur_rest(&c)));
		}
	}
	return bad(l, "neither a section nor classes, label, sys, sig or ua_os with =");
}

static int load_lines(struct loader *l, struct span text)
{
	struct cursor c = cur_of(text);
	struct span line;

	while (cur_line(&c, &line)) {
		int ret = 0;

		l->line++;
		line = trim(line);
		if (line.len > 0 && line.data[0] != ';') {
			ret = take_line(l, line);
		}
		if (ret == -ENOMEM) {
			return ret;
		}
		l->report->bad += ret < 0;
	}
	return 0;
}

/* A copy that lives as long as the signatures. */
static int keep_text(struct p0f *p, struct span text, struct span *out_text)
{
	char **grown = p0f_grow(p->texts, p->text_count, sizeof(*grown));
	char *copy = malloc(text.len + 1);

	p->texts = grown != NULL ? grown : p->texts;
	if (grown == NULL || copy == NULL) {
		free(copy);
		return -ENOMEM;
	}
	memcpy(copy, text.data, text.len);
	grown[p->text_count++] = copy;
	*out_text = span_of(copy, text.len);
	return 0;
}

int p0f_load(struct p0f *p0f, const char *file, struct span text, struct rows_report *report)
{
	struct loader l = {.p0f = p0f, .report = report, .file = file};
	int ret = keep_text(p0f, text, &text);

	return ret < 0 ? ret : load_lines(&l, text);
}

int p0f_load_file(struct p0f *p0f, const char *path, struct rows_report *report, struct err *err)
{
	uint8_t *bytes;
	size_t len;
	int ret = file_read(path, &bytes, &len, err);

	if (ret < 0) {
		return ret;
	}
	ret = p0f_load(p0f, path, span_of(bytes, len), report);
	free(bytes);
	return ret < 0 ? err_set(err, ret, "%s: cannot be loaded", path) : 0;
}

struct p0f *p0f_new(void)
{
	struct p0f *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		return NULL;
	}
	memset(p->layouts, 0xff, sizeof(p->layouts)); /* P0F_NONE */
	memset(p->name_heads, 0xff, sizeof(p->name_heads));
	p->user_agent = p0f_add_name(p, span_str("User-Agent"));
	p->server = p0f_add_name(p, span_str("Server"));
	if (p->user_agent == P0F_NO_NAME || p->server == P0F_NO_NAME) {
		p0f_free(p);
		return NULL;
	}
	return p;
}

void p0f_free(struct p0f *p0f)
{
	if (p0f == NULL) {
		return;
	}
	for (size_t i = 0; i < p0f->text_count; i++) {
		free(p0f->texts[i]);
	}
	for (int side = 0; side < P0F_SIDES; side++) {
		free(p0f->http[side]);
	}
	free(p0f->texts);
	free(p0f->labels);
	free(p0f->tcp);
	free(p0f->names);
	free(p0f->ua_os);
	free(p0f->links);
	free(p0f);
}

size_t p0f_count(const struct p0f *p0f)
{
	return (size_t)p0f->tcp_count + p0f->http_count[P0F_REQUEST] +
	       p0f->http_count[P0F_RESPONSE];
}
