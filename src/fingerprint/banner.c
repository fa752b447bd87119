/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/fingerprint/banner.h>
#include <passer/fingerprint/condition.h>

#include <errno.h>
#include <stdlib.h>

#define ROWS_MAX          UINT16_MAX /* the index has 16 bits for a row */
#define EXAMPLE_BYTES_MAX 2048

enum column {
	COL_ID,
	COL_PORTS,
	COL_MATCH,
	COL_DESCRIPTION,
	COL_WARNINGS,
	COL_EXAMPLE,
	COL_SOURCE,
	COL_COUNT
};

static const struct rows_column columns[COL_COUNT] = {
	[COL_ID] = {"id", true},
	[COL_PORTS] = {"ports", true},
	[COL_MATCH] = {"match", true},
	[COL_DESCRIPTION] = {"description", true},
	[COL_WARNINGS] = {"warnings", false},
	[COL_EXAMPLE] = {"example", true},
	[COL_SOURCE] = {"source", false}, /* where it was seen: for people only */
};

struct entry {
	struct banner banner;
	struct condition *condition;
};

/* One row at one port. Sorted by port, then row: a port's rows lie side by side in their order. */
struct place {
	uint16_t port;
	uint16_t row;
	bool has_lead_of_previous; /* of the place before, at the same port */
};

struct banners {
	struct entry *entries;
	size_t count, cap;
	struct place *places;
	size_t place_count, place_cap;
};

struct banners *banners_new(void)
{
	return calloc(1, sizeof(struct banners));
}

static void entry_fini(struct entry *e)
{
	free((char *)e->banner.id);
	free((char *)e->banner.description);
	condition_free(e->condition);
}

void banners_free(struct banners *b)
{
	if (b == NULL) {
		return;
	}
	for (size_t i = 0; i < b->count; i++) {
		entry_fini(&b->entries[i]);
	}
	free(b->entries);
	free(b->places);
	free(b);
}

static int reserve_entry(struct banners *b)
{
	if (b->count < b->cap) {
		return 0;
	}
	size_t cap = b->cap * 2 + 32;
	struct entry *bigger = reallocarray(b->entries, cap, sizeof(*bigger));

	if (bigger == NULL) {
		return -ENOMEM;
	}
	b->entries = bigger;
	b->cap = cap;
	return 0;
}

static int reserve_places(struct banners *b, const struct port_range *ranges, size_t n)
{
	size_t needed = b->place_count;

	for (size_t i = 0; i < n; i++) {
		needed += (size_t)(ranges[i].last - ranges[i].first) + 1;
	}
	if (needed <= b->place_cap) {
		return 0;
	}
	struct place *bigger = reallocarray(b->places, needed * 2, sizeof(*bigger));

	if (bigger == NULL) {
		return -ENOMEM;
	}
	b->places = bigger;
	b->place_cap = needed * 2;
	return 0;
}

static void add_places(struct banners *b, const struct port_range *ranges, size_t n, size_t row)
{
	for (size_t i = 0; i < n; i++) {
		for (unsigned port = ranges[i].first; port <= ranges[i].last; port++) {
			b->places[b->place_count++] =
				(struct place){.port = (uint16_t)port, .row = (uint16_t)row};
		}
	}
}

/* An id is how a user finds the row that made a record. */
static int check_id(const struct banners *b, const struct row *row)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct banner *other = &b->entries[i].banner;

		if (other->file == row->file &&
		    span_equal(row->cells[COL_ID], span_str(other->id))) {
			return row_bad(row, COL_ID, "line %zu has this id", other->line);
		}
	}
	return 0;
}

static int check_description(const struct row *row)
{
	struct span words = row->cells[COL_DESCRIPTION];

	if (memchr(words.data, ',', words.len) != NULL) {
		return row_bad(row, COL_DESCRIPTION,
		               "a comma would begin another column of the record");
	}
	return 0;
}

/* Each row carries its own proof. */
static int check_example(const struct row *row, const struct condition *c)
{
	uint8_t bytes[EXAMPLE_BYTES_MAX];
	size_t len;
	struct err err;

	if (literal_parse(row->cells[COL_EXAMPLE], bytes, sizeof(bytes), &len, &err) < 0) {
		return row_bad(row, COL_EXAMPLE, "%s", err.text);
	}
	if (c != NULL && !condition_match(c, span_of(bytes, len))) {
		return row_bad(row, COL_EXAMPLE, "the row does not match its own example");
	}
	return 0;
}

static int compile_match(const struct row *row, struct condition **out_condition)
{
	struct err err;
	int ret = condition_new(row->cells[COL_MATCH], out_condition, &err);

	return ret == -EINVAL ? row_bad(row, COL_MATCH, "%s", err.text) : ret;
}

static char *copy_text(struct span s)
{
	return strndup((const char *)s.data, s.len);
}

static int copy_words(const struct row *row, struct entry *e)
{
	struct span words = row->cells[COL_DESCRIPTION];
	bool is_silent = span_equal(words, span_str("-"));

	e->banner.id = copy_text(row->cells[COL_ID]);
	e->banner.description = copy_text(is_silent ? span_str("") : words);
	return e->banner.id != NULL && e->banner.description != NULL ? 0 : -ENOMEM;
}

/* Looks at every cell, so that all that is wrong with a row is told at once. */
static int read_entry(const struct banners *b, const struct row *row, struct entry *e)
{
	int wrong = check_id(b, row);

	wrong |= check_description(row);
	wrong |= row_warnings(row, COL_WARNINGS, &e->banner.warnings);

	int ret = compile_match(row, &e->condition);

	if (ret == 0 || ret == -EINVAL) {
		wrong |= check_example(row, e->condition);
	}
	return ret == 0 && wrong != 0 ? -EINVAL : ret;
}

static int take_row(void *table, const struct row *row)
{
	struct banners *b = table;
	struct entry e = {.banner = {.file = row->file, .line = row->line}};
	struct port_range ranges[ROW_PORT_RANGES_MAX];
	size_t range_count = 0;
	int ret = read_entry(b, row, &e);

	if (ret == 0 || ret == -EINVAL) {
		int wrong = row_ports(row, COL_PORTS, ranges, &range_count);

		ret = ret == 0 ? wrong : ret;
	}
	if (ret == 0 && b->count == ROWS_MAX) {
		ret = row_bad(row, COL_ID, "more than %d rows", ROWS_MAX);
	}
	if (ret == 0) {
		ret = copy_words(row, &e);
	}
	if (ret == 0) {
		ret = reserve_entry(b);
	}
	if (ret == 0) {
		ret = reserve_places(b, ranges, range_count);
	}
	if (ret < 0) {
		entry_fini(&e);
		return ret;
	}
	add_places(b, ranges, range_count, b->count);
	b->entries[b->count++] = e;
	return 0;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a;
	const struct place *y = b;
	int by_port = (x->port > y->port) - (x->port < y->port);

	return by_port != 0 ? by_port : (x->row > y->row) - (x->row < y->row);
}

/* Marks the places where the question of the place before need not be asked again. */
static void mark_leads(struct banners *b)
{
	for (size_t i = 1; i < b->place_count; i++) {
		const struct place *before = &b->places[i - 1];
		struct place *p = &b->places[i];

		p->has_lead_of_previous = before->port == p->port &&
		                          condition_same_lead(b->entries[before->row].condition,
		                                              b->entries[p->row].condition);
	}
}

int banners_load(struct banners *b, const char *file, struct span text, struct rows_report *report)
{
	static const struct rows_format format = {columns, COL_COUNT, take_row};
	int ret = rows_load(&format, file, text, b, report);

	if (b->place_count > 0) {
		qsort(b->places, b->place_count, sizeof(b->places[0]), compare_places);
		mark_leads(b);
	}
	return ret;
}

size_t banners_count(const struct banners *b)
{
	return b->count;
}

/* The first place of a port or of the next one that has any; the count when there is none. */
static size_t first_place(const struct banners *b, uint16_t port)
{
	size_t low = 0, high = b->place_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (b->places[middle].port < port) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

bool banners_has_port(const struct banners *b, uint16_t port)
{
	size_t i = first_place(b, port);

	return i < b->place_count && b->places[i].port == port;
}

const struct banner *banners_find(const struct banners *b, uint16_t port, struct span payload)
{
	bool has_lead = false;

	for (size_t i = first_place(b, port); i < b->place_count && b->places[i].port == port;
	     i++) {
		const struct entry *e = &b->entries[b->places[i].row];

		if (!b->places[i].has_lead_of_previous) {
			has_lead = condition_lead_match(e->condition, payload);
		}
		if (has_lead && condition_rest_match(e->condition, payload)) {
			return &e->banner;
		}
	}
	return NULL;
}
