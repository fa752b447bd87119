/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/fingerprint/dns_any.h>

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

enum column { COL_NAME, COL_TYPES, COL_IS, COL_COUNT };

static const struct rows_column columns[COL_COUNT] = {
	[COL_NAME] = {"name", true},
	[COL_TYPES] = {"types", true},
	[COL_IS] = {"is", true},
};

/* The types of questions that rows speak of; a set of them is bits by place. */
static const struct type {
	const char *word;
	uint16_t number;
} types[] = {
	{"A", 1},   {"NS", 2},     {"TXT", 16},    {"AAAA", 28},
	{"DS", 43}, {"RRSIG", 46}, {"DNSKEY", 48}, {"ANY", 255},
};

#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

struct entry {
	char *name;
	uint8_t types;
	enum dns_any_kind kind;
};

struct entries {
	struct entry *list;
	size_t count, cap;
};

struct dns_any {
	struct entries names; /* sorted */
	struct entries tails; /* of names; in the order of the file */
};

_Static_assert(TYPE_COUNT <= 8, "a set of types has 8 bits");

struct dns_any *dns_any_new(void)
{
	return calloc(1, sizeof(struct dns_any));
}

static void entries_fini(struct entries *e)
{
	for (size_t i = 0; i < e->count; i++) {
		free(e->list[i].name);
	}
	free(e->list);
}

void dns_any_free(struct dns_any *d)
{
	if (d != NULL) {
		entries_fini(&d->names);
		entries_fini(&d->tails);
		free(d);
	}
}

/* "A,ANY" */
static int read_types(const struct row *row, uint8_t *out_types)
{
	struct span rest = row->cells[COL_TYPES];

	*out_types = 0;
	while (rest.len > 0) {
		const uint8_t *comma = memchr(rest.data, ',', rest.len);
		size_t len = comma != NULL ? (size_t)(comma - rest.data) : rest.len;
		uint8_t found = 0;

		for (size_t i = 0; i < TYPE_COUNT; i++) {
			if (span_equal(span_of(rest.data, len), span_str(types[i].word))) {
				found = (uint8_t)(1u << i);
			}
		}
		if (found == 0) {
			return row_bad(row, COL_TYPES, "\"%.*s\" is no type that is looked at",
			               (int)len, (const char *)rest.data);
		}
		*out_types |= found;
		rest = span_of(rest.data + len + (comma != NULL), rest.len - len - (comma != NULL));
	}
	return 0;
}

static int read_kind(const struct row *row, enum dns_any_kind *out_kind)
{
	if (span_equal(row->cells[COL_IS], span_str("amplified"))) {
		*out_kind = DNS_ANY_AMPLIFIED;
		return 0;
	}
	*out_kind = DNS_ANY_PLAIN;
	return span_equal(row->cells[COL_IS], span_str("plain"))
	               ? 0
	               : row_bad(row, COL_IS, "it is amplified or plain");
}

static int add_entry(struct entries *e, struct entry entry, struct span name)
{
	if (e->count == e->cap) {
		size_t cap = e->cap * 2 + 64;
		struct entry *bigger = reallocarray(e->list, cap, sizeof(*bigger));

		if (bigger == NULL) {
			return -ENOMEM;
		}
		e->list = bigger;
		e->cap = cap;
	}
	entry.name = strndup((const char *)name.data, name.len);
	if (entry.name == NULL) {
		return -ENOMEM;
	}
	e->list[e->count++] = entry;
	return 0;
}

static int take_row(void *table, const struct row *row)
{
	struct dns_any *d = table;
	struct span name = row->cells[COL_NAME];
	struct entry entry = {.name = NULL};
	int ret = read_types(row, &entry.types);

	ret |= read_kind(row, &entry.kind);
	if (!span_has_suffix(name, span_str("."))) {
		ret = row_bad(row, COL_NAME, "it ends in a dot");
	}
	if (ret != 0) {
		return ret;
	}
	if (name.data[0] == '*') {
		return add_entry(&d->tails, entry, span_of(name.data + 1, name.len - 1));
	}
	return add_entry(&d->names, entry, name);
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	return strcasecmp(left->name, right->name);
}

int dns_any_load(struct dns_any *d, const char *file, struct span text, struct rows_report *report)
{
	static const struct rows_format format = {columns, COL_COUNT, take_row};
	int ret = rows_load(&format, file, text, d, report);

	if (d->names.count > 0) {
		qsort(d->names.list, d->names.count, sizeof(d->names.list[0]), compare_entries);
	}
	return ret;
}

static int compare_name(const void *key, const void *element)
{
	const struct span *name = key;
	const struct entry *entry = element;
	int order = strncasecmp((const char *)name->data, entry->name, name->len);

	return order == 0 && entry->name[name->len] != '\0' ? -1 : order;
}

static bool has_tail(struct span name, const char *tail)
{
	size_t len = strlen(tail);

	return name.len >= len &&
	       strncasecmp((const char *)name.data + (name.len - len), tail, len) == 0;
}

static uint8_t type_bit(uint16_t type)
{
	for (size_t i = 0; i < TYPE_COUNT; i++) {
		if (types[i].number == type) {
			return (uint8_t)(1u << i);
		}
	}
	return 0;
}

enum dns_any_kind dns_any_find(const struct dns_any *d, struct span name, uint16_t type)
{
	uint8_t bit = type_bit(type);
	const struct entry *e;

	if (bit == 0 || d->names.count == 0 || name.len == 0 ||
	    memchr(name.data, '\0', name.len) != NULL) {
		return DNS_ANY_UNKNOWN;
	}
	e = bsearch(&name, d->names.list, d->names.count, sizeof(d->names.list[0]), compare_name);
	if (e != NULL && (e->types & bit) != 0) {
		return e->kind;
	}
	for (size_t i = 0; i < d->tails.count; i++) {
		e = &d->tails.list[i];
		if ((e->types & bit) != 0 && has_tail(name, e->name)) {
			return e->kind;
		}
	}
	return DNS_ANY_UNKNOWN;
}
