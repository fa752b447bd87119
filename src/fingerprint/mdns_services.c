/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/fingerprint/mdns_services.h>

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

enum column { COL_SERVICES, COL_TELLS, COL_PORTS, COL_TEXT, COL_DETAIL, COL_WARNINGS, COL_COUNT };

static const struct rows_column columns[COL_COUNT] = {
	[COL_SERVICES] = {"services", true}, [COL_TELLS] = {"tells", true},
	[COL_PORTS] = {"ports", false},      [COL_TEXT] = {"text", false},
	[COL_DETAIL] = {"detail", false},    [COL_WARNINGS] = {"warnings", false},
};

/* One name of a row. Sorted by name, then row: the rows of a name lie side by side. */
struct key {
	const char *name;
	size_t row;
};

struct mdns_services {
	struct mdns_service *rows;
	size_t count, cap;
	struct key *keys;
	size_t key_count, key_cap;
};

struct mdns_services *mdns_services_new(void)
{
	return calloc(1, sizeof(struct mdns_services));
}

void mdns_services_free(struct mdns_services *s)
{
	if (s == NULL) {
		return;
	}
	for (size_t i = 0; i < s->count; i++) {
		free((char *)s->rows[i].text);
	}
	for (size_t i = 0; i < s->key_count; i++) {
		free((char *)s->keys[i].name);
	}
	free(s->rows);
	free(s->keys);
	free(s);
}

/* Takes a suffix off when it is there. */
static bool cut_suffix(struct span *name, const char *suffix)
{
	size_t len = strlen(suffix);

	if (name->len < len ||
	    strncasecmp((const char *)name->data + (name->len - len), suffix, len) != 0) {
		return false;
	}
	name->len -= len;
	return true;
}

static int add_key(struct mdns_services *s, struct span name)
{
	if (s->key_count == s->key_cap) {
		size_t cap = s->key_cap * 2 + 64;
		struct key *bigger = reallocarray(s->keys, cap, sizeof(*bigger));

		if (bigger == NULL) {
			return -ENOMEM;
		}
		s->keys = bigger;
		s->key_cap = cap;
	}
	char *copy = strndup((const char *)name.data, name.len);

	if (copy == NULL) {
		return -ENOMEM;
	}
	s->keys[s->key_count++] = (struct key){.name = copy, .row = s->count};
	return 0;
}

/* A name is known with and without its protocol. */
static int add_names(struct mdns_services *s, struct span names)
{
	int ret = 0;

	while (names.len > 0 && ret == 0) {
		const uint8_t *blank = memchr(names.data, ' ', names.len);
		size_t len = blank != NULL ? (size_t)(blank - names.data) : names.len;
		struct span name = span_of(names.data, len);

		names = span_of(names.data + len + (blank != NULL),
		                names.len - len - (blank != NULL));
		if (name.len == 0) {
			continue;
		}
		ret = add_key(s, name);
		if (ret == 0 && (cut_suffix(&name, "._tcp") || cut_suffix(&name, "._udp"))) {
			ret = add_key(s, name);
		}
	}
	return ret;
}

static int read_tells(const struct row *row, struct mdns_service *service)
{
	struct span word = row->cells[COL_TELLS];
	bool is_both = span_equal(word, span_str("both"));

	service->has_tcp = is_both || span_equal(word, span_str("tcp"));
	service->has_udp = is_both || span_equal(word, span_str("udp"));
	service->is_host = span_equal(word, span_str("host"));
	if (service->has_tcp || service->has_udp) {
		return row_ports(row, COL_PORTS, service->ports, &service->port_count);
	}
	return service->is_host || span_equal(word, span_str("none"))
	               ? 0
	               : row_bad(row, COL_TELLS, "it is tcp, udp, both, host or none");
}

static int read_row(const struct row *row, struct mdns_service *service)
{
	struct span text = row->cells[COL_TEXT];
	struct span detail = row->cells[COL_DETAIL];
	int ret = read_tells(row, service);

	ret |= row_warnings(row, COL_WARNINGS, &service->warnings);
	if (text.len > 0 && memchr(text.data, ',', text.len) != NULL) {
		ret = row_bad(row, COL_TEXT, "a comma would begin another column of the record");
	}
	service->wants_name = span_equal(detail, span_str("name"));
	if (detail.len > 0 && !service->wants_name) {
		ret = row_bad(row, COL_DETAIL, "it is name or nothing");
	}
	return ret;
}

static char *copy_text(struct span s)
{
	return s.len > 0 ? strndup((const char *)s.data, s.len) : strdup("");
}

static int take_row(void *table, const struct row *row)
{
	struct mdns_services *s = table;
	struct mdns_service service = {.is_host = false};
	int ret = read_row(row, &service);

	if (ret != 0) {
		return ret;
	}
	if (s->count == s->cap) {
		size_t cap = s->cap * 2 + 64;
		struct mdns_service *bigger = reallocarray(s->rows, cap, sizeof(*bigger));

		if (bigger == NULL) {
			return -ENOMEM;
		}
		s->rows = bigger;
		s->cap = cap;
	}
	ret = add_names(s, row->cells[COL_SERVICES]);
	if (ret == 0) {
		service.text = copy_text(row->cells[COL_TEXT]);
		s->rows[s->count++] = service;
		ret = service.text != NULL ? 0 : -ENOMEM;
	}
	return ret;
}

static int compare_names(struct span a, const char *b)
{
	int order = strncasecmp((const char *)a.data, b, a.len);

	return order == 0 && b[a.len] != '\0' ? -1 : order;
}

static int compare_keys(const void *a, const void *b)
{
	const struct key *left = a, *right = b;
	int order = strcasecmp(left->name, right->name);

	return order != 0 ? order : (left->row > right->row) - (left->row < right->row);
}

int mdns_services_load(struct mdns_services *s, const char *file, struct span text,
                       struct rows_report *report)
{
	static const struct rows_format format = {columns, COL_COUNT, take_row};
	int ret = rows_load(&format, file, text, s, report);

	if (s->key_count > 0) {
		qsort(s->keys, s->key_count, sizeof(s->keys[0]), compare_keys);
	}
	return ret;
}

/* The first key that is not before the name. */
static size_t lower_bound(const struct mdns_services *s, struct span name)
{
	size_t first = 0, n = s->key_count;

	while (n > 0) {
		size_t half = n / 2;

		if (compare_names(name, s->keys[first + half].name) > 0) {
			first += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return first;
}

size_t mdns_services_find(const struct mdns_services *s, struct span name,
                          const struct mdns_service *out_rows[static MDNS_ROWS_MAX])
{
	size_t n = 0;

	cut_suffix(&name, ".");
	cut_suffix(&name, ".local");
	if (name.len == 0 || memchr(name.data, '\0', name.len) != NULL) {
		return 0;
	}
	for (size_t i = lower_bound(s, name);
	     i < s->key_count && n < MDNS_ROWS_MAX && compare_names(name, s->keys[i].name) == 0;
	     i++) {
		out_rows[n++] = &s->rows[s->keys[i].row];
	}
	return n;
}
