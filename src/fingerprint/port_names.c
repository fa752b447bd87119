/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/fingerprint/port_names.h>

#include <errno.h>
#include <stdlib.h>

#define PORT_COUNT  65536
#define BLOCK_PORTS 64

enum column { COL_PORTS, COL_NAME, COL_WARNINGS, COL_COUNT };

static const struct rows_column columns[COL_COUNT] = {
	[COL_PORTS] = {"ports", true},
	[COL_NAME] = {"name", true},
	[COL_WARNINGS] = {"warnings", false},
};

struct port_names {
	struct port_name *names;
	size_t count, cap;
	bool has_ports[PORT_COUNT / BLOCK_PORTS];
	uint16_t of_port[PORT_COUNT]; /* the place of its name + 1, or 0 */
};

struct port_names *port_names_new(void)
{
	return calloc(1, sizeof(struct port_names));
}

void port_names_free(struct port_names *p)
{
	if (p == NULL) {
		return;
	}
	for (size_t i = 0; i < p->count; i++) {
		free((char *)p->names[i].name);
	}
	free(p->names);
	free(p);
}

static int check_ports(const struct port_names *p, const struct row *row,
                       const struct port_range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (unsigned port = ranges[i].first; port <= ranges[i].last; port++) {
			const struct port_name *other = port_names_find(p, (uint16_t)port);

			if (other != NULL && other->file == row->file) {
				return row_bad(row, COL_PORTS, "line %zu has port %u", other->line,
				               port);
			}
		}
	}
	return 0;
}

static int reserve(struct port_names *p)
{
	if (p->count < p->cap) {
		return 0;
	}
	size_t cap = p->cap * 2 + 32;
	struct port_name *bigger = reallocarray(p->names, cap, sizeof(*bigger));

	if (bigger == NULL) {
		return -ENOMEM;
	}
	p->names = bigger;
	p->cap = cap;
	return 0;
}

static void claim(struct port_names *p, const struct port_range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (unsigned port = ranges[i].first; port <= ranges[i].last; port++) {
			if (p->of_port[port] == 0) {
				p->of_port[port] = (uint16_t)p->count;
				p->has_ports[port / BLOCK_PORTS] = true;
			}
		}
	}
}

static int take_row(void *table, const struct row *row)
{
	struct port_names *p = table;
	struct port_name name = {.file = row->file, .line = row->line};
	struct port_range ranges[ROW_PORT_RANGES_MAX];
	size_t range_count;
	struct span words = row->cells[COL_NAME];
	int ret = row_ports(row, COL_PORTS, ranges, &range_count);

	if (ret == 0) {
		ret = check_ports(p, row, ranges, range_count);
	}
	ret |= row_warnings(row, COL_WARNINGS, &name.warnings);
	if (memchr(words.data, ',', words.len) != NULL) {
		ret = row_bad(row, COL_NAME, "a comma would begin another column of the record");
	}
	if (ret == 0 && p->count == UINT16_MAX) {
		ret = row_bad(row, COL_PORTS, "more than %d rows", UINT16_MAX);
	}
	if (ret != 0) {
		return ret;
	}
	ret = reserve(p);
	if (ret < 0) {
		return ret;
	}
	name.name = strndup((const char *)words.data, words.len);
	if (name.name == NULL) {
		return -ENOMEM;
	}
	p->names[p->count++] = name;
	claim(p, ranges, range_count);
	return 0;
}

int port_names_load(struct port_names *p, const char *file, struct span text,
                    struct rows_report *report)
{
	static const struct rows_format format = {columns, COL_COUNT, take_row};

	return rows_load(&format, file, text, p, report);
}

const struct port_name *port_names_find(const struct port_names *p, uint16_t port)
{
	return p->of_port[port] != 0 ? &p->names[p->of_port[port] - 1] : NULL;
}

static bool has_name(const struct port_names *p, unsigned port)
{
	return p->has_ports[port / BLOCK_PORTS] && p->of_port[port] != 0;
}

bool port_names_next(const struct port_names *p, unsigned from, struct port_range *out_range)
{
	unsigned last;

	while (from < PORT_COUNT && !has_name(p, from)) {
		from += p->has_ports[from / BLOCK_PORTS] ? 1 : BLOCK_PORTS - from % BLOCK_PORTS;
	}
	for (last = from; last < PORT_COUNT && has_name(p, last); last++) {
	}
	*out_range = (struct port_range){(uint16_t)from, (uint16_t)(last - 1)};
	return from < PORT_COUNT;
}
