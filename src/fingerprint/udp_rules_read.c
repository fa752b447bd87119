/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of UDP signatures into rules: one function for each cell. */
#include "udp_rules_internal.h"

#include <passer/fingerprint/signatures.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define EXAMPLE_BYTES_MAX 2048

enum column {
	COL_ID,
	COL_STAGE,
	COL_SPORT,
	COL_DPORT,
	COL_ADDRESS,
	COL_LINK,
	COL_PAYLOAD,
	COL_RECORD,
	COL_DESCRIPTION,
	COL_WARNINGS,
	COL_UNHANDLED,
	COL_EXAMPLE,
	COL_SOURCE,
	COL_COUNT
};

const struct rows_column udp_columns[COL_COUNT] = {
	[COL_ID] = {"id", true},
	[COL_STAGE] = {"stage", false},
	[COL_SPORT] = {"sport", false},
	[COL_DPORT] = {"dport", false},
	[COL_ADDRESS] = {"address", false},
	[COL_LINK] = {"link", false},
	[COL_PAYLOAD] = {"payload", false},
	[COL_RECORD] = {"record", true},
	[COL_DESCRIPTION] = {"description", false},
	[COL_WARNINGS] = {"warnings", false},
	[COL_UNHANDLED] = {"unhandled", false},
	[COL_EXAMPLE] = {"example", true},
	[COL_SOURCE] = {"source", false}, /* where the fact is from: for people */
};
const size_t udp_column_count = COL_COUNT;

/* A row in work. The readers of cells return 0 or a negative errno; -EINVAL has been told. */
struct reader {
	struct udp_rules *rules;
	const struct row *row;
	struct udp_entry *entry;
};

/* Cuts the part before the separator off rest, without the blanks around it. */
static struct span cut(struct span *rest, char separator)
{
	const uint8_t *end = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
	size_t n = end != NULL ? (size_t)(end - rest->data) : rest->len;
	struct span part = span_of(rest->data, n);
	size_t used = n + (end != NULL);

	*rest = span_of(rest->data + used, rest->len - used);
	while (part.len > 0 && part.data[0] == ' ') {
		part = span_of(part.data + 1, part.len - 1);
	}
	while (part.len > 0 && part.data[part.len - 1] == ' ') {
		part.len--;
	}
	return part;
}

/* Takes a word and the blanks behind it off the text if it comes first. */
static bool take_word(struct span *text, const char *word)
{
	struct span rest = *text;

	if (!span_equal(cut(&rest, ' '), span_str(word))) {
		return false;
	}
	while (rest.len > 0 && rest.data[0] == ' ') {
		rest = span_of(rest.data + 1, rest.len - 1);
	}
	*text = rest;
	return true;
}

static bool is_word(struct span text, const char *word)
{
	return span_equal(text, span_str(word));
}

static char *copy_text(struct span s)
{
	return strndup(s.len > 0 ? (const char *)s.data : "", s.len);
}

/* For messages: what a cell says, cut to a length that nobody needs. */
static int print_len(struct span s)
{
	return s.len < 40 ? (int)s.len : 40;
}

static int bad_word(const struct reader *r, enum column column, struct span word, const char *known)
{
	return row_bad(r->row, column, "\"%.*s\": known are %s", print_len(word),
	               word.len > 0 ? (const char *)word.data : "", known);
}

/* ---- tables that a row names ----------------------------------------------------------------- */

/* "@udp_pri" is the table udp_pri.tsv of ours. */
static struct span table_text(struct span reference, char *name, size_t size)
{
	snprintf(name, size, "%.*s.tsv", (int)reference.len - 1, (const char *)reference.data + 1);
	return signatures_text(name);
}

static bool is_reference(struct span text)
{
	return text.len > 1 && text.data[0] == '@' && text.len < 64;
}

static int bad_reference(const struct reader *r, enum column column, struct span reference)
{
	return row_bad(r->row, column, "there is no table \"%.*s\"", print_len(reference),
	               (const char *)reference.data);
}

/* The ports of a table as ranges; with NULL only their number. */
static uint32_t table_ranges(const struct port_names *names, struct port_range *ranges)
{
	struct port_range range;
	uint32_t count = 0;

	for (unsigned from = 0; port_names_next(names, from, &range); from = range.last + 1u) {
		if (ranges != NULL) {
			ranges[count] = range;
		}
		count++;
	}
	return count;
}

static int fill_port_table(struct udp_port_table *table, struct span text)
{
	struct rows_report report = {.tell = NULL};
	int ret = -ENOMEM;

	if (table->name != NULL && table->names != NULL) {
		ret = port_names_load(table->names, table->name, text, &report);
	}
	if (ret < 0) {
		return ret;
	}
	table->range_count = table_ranges(table->names, NULL);
	table->ranges = calloc(table->range_count + 1, sizeof(table->ranges[0]));
	if (table->ranges == NULL) {
		return -ENOMEM;
	}
	table_ranges(table->names, table->ranges);
	return 0;
}

static int load_port_table(const struct reader *r, enum column column, struct span reference,
                           const struct udp_port_table **out_table)
{
	struct udp_port_table *table = &r->rules->tables[r->rules->table_count];
	char name[80];
	struct span text = table_text(reference, name, sizeof(name));

	if (text.len == 0) {
		return bad_reference(r, column, reference);
	}
	if (r->rules->table_count == UDP_PORT_TABLES_MAX) {
		return row_bad(r->row, column, "more than %d tables of ports", UDP_PORT_TABLES_MAX);
	}
	*table = (struct udp_port_table){.name = copy_text(reference), .names = port_names_new()};

	int ret = fill_port_table(table, text);

	if (ret < 0) {
		udp_port_table_fini(table);
		/* A table of something else: no row shall find it. */
		return ret == -EINVAL ? bad_reference(r, column, reference) : ret;
	}
	r->rules->table_count++;
	*out_table = table;
	return 0;
}

static int find_port_table(const struct reader *r, enum column column, struct span reference,
                           const struct udp_port_table **out_table)
{
	for (size_t i = 0; i < r->rules->table_count; i++) {
		if (is_word(reference, r->rules->tables[i].name)) {
			*out_table = &r->rules->tables[i];
			return 0;
		}
	}
	return load_port_table(r, column, reference, out_table);
}

/* ---- ports ----------------------------------------------------------------------------------- */

static int copy_ranges(struct udp_ports *ports, const struct port_range *ranges, size_t count)
{
	ports->ranges = calloc(count + 1, sizeof(ports->ranges[0]));
	if (ports->ranges == NULL) {
		return -ENOMEM;
	}
	memcpy(ports->ranges, ranges, count * sizeof(ranges[0]));
	ports->count = (uint32_t)count;
	return 0;
}

static int read_port_table(const struct reader *r, enum column column, struct span reference,
                           struct udp_ports *ports)
{
	struct udp_rule *rule = &r->entry->rule;
	const struct udp_port_table *table = NULL;
	int ret = find_port_table(r, column, reference, &table);

	if (ret < 0) {
		return ret;
	}
	if (!ports->is_not) {
		rule->names = table->names;
		rule->names_side = column == COL_SPORT ? UDP_SIDE_SRC : UDP_SIDE_DST;
	}
	return copy_ranges(ports, table->ranges, table->range_count);
}

static int read_port_list(const struct reader *r, enum column column, struct span list,
                          struct udp_ports *ports)
{
	struct port_range ranges[ROW_PORT_RANGES_MAX];
	struct row row = *r->row;
	size_t count;

	row.cells[column] = list;

	int ret = row_ports(&row, column, ranges, &count);

	return ret < 0 ? ret : copy_ranges(ports, ranges, count);
}

/* "80, 3128"   "not 53"   "@udp_pri"   and of destination ports "same" */
static int read_ports(const struct reader *r, enum column column, struct udp_ports *ports)
{
	struct span cell = r->row->cells[column];

	if (cell.len == 0) {
		return 0;
	}
	if (column == COL_DPORT && is_word(cell, "same")) {
		r->entry->test.has_same_port = true;
		return 0;
	}
	ports->is_not = take_word(&cell, "not");
	return is_reference(cell) ? read_port_table(r, column, cell, ports)
	                          : read_port_list(r, column, cell, ports);
}

/* ---- addresses and the link ------------------------------------------------------------------ */

static int add_address(const struct reader *r, struct span one, struct addr_set *set)
{
	struct rows_report report = {.tell = NULL};
	struct err err;
	char name[80];
	int ret;

	if (is_reference(one)) {
		struct span text = table_text(one, name, sizeof(name));

		ret = text.len > 0 ? addr_set_load(set, name, text, &report) : -EINVAL;
		return ret == -EINVAL ? bad_reference(r, COL_ADDRESS, one) : ret;
	}
	ret = addr_set_add(set, one, &err);
	return ret == -EINVAL ? row_bad(r->row, COL_ADDRESS, "%s", err.text) : ret;
}

/* "not 192.0.2.1, 198.51.100.0/24, @table" */
static int read_addresses(const struct reader *r, struct span list, struct udp_addrs *addrs)
{
	int ret = 0;

	if (addrs->set != NULL) {
		return row_bad(r->row, COL_ADDRESS, "one list for each side");
	}
	addrs->is_not = take_word(&list, "not");
	addrs->set = addr_set_new();
	if (addrs->set == NULL) {
		return -ENOMEM;
	}
	do {
		ret = add_address(r, cut(&list, ','), addrs->set);
	} while (ret == 0 && list.len > 0);
	return ret;
}

static int read_address_term(const struct reader *r, struct span term)
{
	struct udp_test *t = &r->entry->test;

	if (is_word(term, "src is dst")) {
		t->has_same_addr = true;
	} else if (is_word(term, "ipv4")) {
		t->family = ADDR_V4;
	} else if (is_word(term, "ipv6")) {
		t->family = ADDR_V6;
	} else if (take_word(&term, "src")) {
		return read_addresses(r, term, &t->src);
	} else if (take_word(&term, "dst")) {
		return read_addresses(r, term, &t->dst);
	} else {
		return bad_word(r, COL_ADDRESS, term, "src LIST, dst LIST, src is dst, ipv4, ipv6");
	}
	return 0;
}

static int read_ttls(const struct reader *r, struct span list)
{
	struct udp_test *t = &r->entry->test;

	do {
		struct span one = cut(&list, ',');
		unsigned ttl = 0;
		size_t i = 0;

		for (; i < one.len && one.data[i] >= '0' && one.data[i] <= '9' && ttl <= 255; i++) {
			ttl = ttl * 10 + (unsigned)(one.data[i] - '0');
		}
		if (one.len == 0 || i < one.len || ttl > 255 || t->ttl_count == UDP_TTLS_MAX) {
			return row_bad(r->row, COL_LINK, "ttl: at most %d numbers up to 255",
			               UDP_TTLS_MAX);
		}
		t->ttls[t->ttl_count++] = (uint8_t)ttl;
	} while (list.len > 0);
	return 0;
}

static int read_link_term(const struct reader *r, struct span term)
{
	struct udp_test *t = &r->entry->test;

	if (take_word(&term, "ttl")) {
		return read_ttls(r, term);
	}
	if (is_word(term, "mac broadcast")) {
		t->is_mac_broadcast = true;
	} else if (is_word(term, "cast broadcast")) {
		t->is_broadcast = true;
	} else if (is_word(term, "cast multicast")) {
		t->is_multicast = true;
	} else if (is_word(term, "cast any")) {
		t->is_broadcast = t->is_multicast = true;
	} else {
		return bad_word(r, COL_LINK, term,
		                "ttl N, mac broadcast, cast broadcast, cast multicast, cast any");
	}
	return 0;
}

/* Terms joined by & */
static int read_terms(const struct reader *r, enum column column,
                      int (*read)(const struct reader *r, struct span term))
{
	struct span rest = r->row->cells[column];
	int ret = 0;

	while (ret == 0 && rest.len > 0) {
		ret = read(r, cut(&rest, '&'));
	}
	return ret;
}

/* ---- what is said ---------------------------------------------------------------------------- */

static int read_stage(const struct reader *r)
{
	static const struct {
		const char *word;
		enum udp_stage stage;
		bool ends_walk;
	} stages[] = {
		{"", UDP_STAGE_LATE, true},       {"always", UDP_STAGE_ALWAYS, false},
		{"early", UDP_STAGE_EARLY, true}, {"late", UDP_STAGE_LATE, true},
		{"also", UDP_STAGE_LATE, false},
	};
	struct span word = r->row->cells[COL_STAGE];

	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		if (is_word(word, stages[i].word)) {
			r->entry->stage = stages[i].stage;
			r->entry->rule.ends_walk = stages[i].ends_walk;
			return 0;
		}
	}
	return bad_word(r, COL_STAGE, word, "always, early, late, also");
}

/* "UDP_{dport}", or a whole column */
static int read_proto(const struct reader *r, struct span proto)
{
	struct udp_rule *rule = &r->entry->rule;
	struct span sport = span_str("{sport}");
	struct span dport = span_str("{dport}");

	if (span_has_suffix(proto, sport)) {
		rule->proto_port = UDP_SIDE_SRC;
	} else if (span_has_suffix(proto, dport)) {
		rule->proto_port = UDP_SIDE_DST;
	}
	if (rule->proto_port != UDP_SIDE_NONE) {
		proto.len -= sport.len;
	}
	if (proto.len > 0 && (memchr(proto.data, '{', proto.len) != NULL ||
	                      memchr(proto.data, ',', proto.len) != NULL)) {
		return row_bad(r->row, COL_RECORD,
		               "a protocol is a word that may end in {sport} or {dport}");
	}
	rule->proto = copy_text(proto);
	return rule->proto != NULL ? 0 : -ENOMEM;
}

/* "UC", "US UDP_{sport} attack", "RO HSRP router", "-" */
static int read_record(const struct reader *r)
{
	static const struct {
		const char *word;
		enum udp_record record;
		const char *proto, *state; /* where the row names none */
	} records[] = {
		{"-", UDP_RECORD_NONE, "-", "-"},
		{"UC", UDP_RECORD_CLIENT, "UDP_{dport}", "open"},
		{"US", UDP_RECORD_SERVER, "UDP_{sport}", "open"},
		{"RO", UDP_RECORD_ROUTER, "", "router"},
	};
	struct udp_rule *rule = &r->entry->rule;
	struct span rest = r->row->cells[COL_RECORD];

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		if (!take_word(&rest, records[i].word)) {
			continue;
		}
		struct span proto = cut(&rest, ' ');
		struct span state = cut(&rest, ' ');

		if (rest.len > 0) {
			return row_bad(r->row, COL_RECORD, "more than type, protocol and state");
		}
		rule->record = records[i].record;
		rule->state = copy_text(state.len > 0 ? state : span_str(records[i].state));
		if (rule->state == NULL) {
			return -ENOMEM;
		}
		return read_proto(r, proto.len > 0 ? proto : span_str(records[i].proto));
	}
	return bad_word(r, COL_RECORD, rest, "UC, US, RO, -");
}

static int check_placeholders(const struct reader *r, struct span words)
{
	const uint8_t *open;

	while (words.len > 0 && (open = memchr(words.data, '{', words.len)) != NULL) {
		struct span rest = span_of(open + 1, words.len - (size_t)(open - words.data) - 1);
		bool is_closed = rest.len > 0 && memchr(rest.data, '}', rest.len) != NULL;
		struct span name = cut(&rest, '}');

		if (!is_closed) {
			return row_bad(r->row, COL_DESCRIPTION, "} is missing");
		}
		if (!udp_is_placeholder(name)) {
			return bad_word(r, COL_DESCRIPTION, name, "cast sport dport src dst name");
		}
		if (is_word(name, "name") && r->entry->rule.names == NULL) {
			return row_bad(r->row, COL_DESCRIPTION,
			               "{name} is for rows whose ports are a table");
		}
		words = rest;
	}
	return 0;
}

static int read_description(const struct reader *r)
{
	struct udp_rule *rule = &r->entry->rule;
	struct span words = r->row->cells[COL_DESCRIPTION];

	if (words.len > 0 && memchr(words.data, ',', words.len) != NULL) {
		return row_bad(r->row, COL_DESCRIPTION,
		               "a comma would begin another column of the record");
	}
	rule->description = copy_text(words);
	return rule->description != NULL ? check_placeholders(r, words) : -ENOMEM;
}

static int read_unhandled(const struct reader *r)
{
	struct span word = r->row->cells[COL_UNHANDLED];

	r->entry->rule.is_unhandled = is_word(word, "yes");
	return word.len == 0 || r->entry->rule.is_unhandled
	               ? 0
	               : bad_word(r, COL_UNHANDLED, word, "yes, or nothing");
}

/* ---- the rest of a row ----------------------------------------------------------------------- */

/* An id is how a user finds the row that made a record. */
static int read_id(const struct reader *r)
{
	struct span id = r->row->cells[COL_ID];

	for (size_t i = 0; i < r->rules->count; i++) {
		const struct udp_rule *other = &r->rules->entries[i].rule;

		if (other->file == r->row->file && is_word(id, other->id)) {
			return row_bad(r->row, COL_ID, "line %zu has this id", other->line);
		}
	}
	r->entry->rule.id = copy_text(id);
	return r->entry->rule.id != NULL ? 0 : -ENOMEM;
}

static int read_payload(const struct reader *r)
{
	struct err err;
	int ret;

	if (r->row->cells[COL_PAYLOAD].len == 0) {
		return 0;
	}
	ret = condition_new(r->row->cells[COL_PAYLOAD], &r->entry->test.payload, &err);
	return ret == -EINVAL ? row_bad(r->row, COL_PAYLOAD, "%s", err.text) : ret;
}

static int read_example(const struct reader *r)
{
	struct udp_entry *e = r->entry;
	struct err err;

	e->example = malloc(EXAMPLE_BYTES_MAX);
	if (e->example == NULL) {
		return -ENOMEM;
	}
	if (literal_parse(r->row->cells[COL_EXAMPLE], e->example, EXAMPLE_BYTES_MAX,
	                  &e->example_len, &err) < 0) {
		return row_bad(r->row, COL_EXAMPLE, "%s", err.text);
	}
	uint8_t *fitting = realloc(e->example, e->example_len + 1);

	e->example = fitting != NULL ? fitting : e->example;
	return 0;
}

/* All that needs more than one cell. */
static int check_whole(const struct reader *r)
{
	struct udp_test *t = &r->entry->test;
	struct udp_packet example = udp_entry_example(r->entry);
	bool has_dport = t->dport.count > 0 && !t->dport.is_not;
	bool has_sport = t->sport.count > 0 && !t->sport.is_not;

	const struct span *cells = r->row->cells;
	bool is_empty = true;

	for (enum column c = COL_SPORT; c <= COL_PAYLOAD; c++) {
		is_empty = is_empty && cells[c].len == 0;
	}
	if (is_empty) {
		return row_bad(r->row, COL_PAYLOAD, "no condition at all; any is one");
	}
	/* All of it, since no index has tested anything yet. */
	t->asks_ends = true;
	t->asks_link = cells[COL_LINK].len > 0;
	if (!udp_test_match(t, &example)) {
		return row_bad(r->row, COL_EXAMPLE, "the row does not match its own example");
	}
	t->index_side = has_dport ? UDP_SIDE_DST : has_sport ? UDP_SIDE_SRC : UDP_SIDE_NONE;
	t->asks_ends = (t->sport.count > 0 && t->index_side != UDP_SIDE_SRC) ||
	               (t->dport.count > 0 && t->index_side != UDP_SIDE_DST) ||
	               cells[COL_ADDRESS].len > 0 || t->has_same_port;
	return 0;
}

/* What is one cell's is read by one function. Ports come before the description, which names them.
 */
static int read_sport(const struct reader *r)
{
	return read_ports(r, COL_SPORT, &r->entry->test.sport);
}

static int read_dport(const struct reader *r)
{
	return read_ports(r, COL_DPORT, &r->entry->test.dport);
}

static int read_address(const struct reader *r)
{
	return read_terms(r, COL_ADDRESS, read_address_term);
}

static int read_link(const struct reader *r)
{
	return read_terms(r, COL_LINK, read_link_term);
}

static int read_warnings(const struct reader *r)
{
	return row_warnings(r->row, COL_WARNINGS, &r->entry->rule.warnings);
}

/* Looks at every cell, so that all that is wrong with a row is told at once. */
int udp_entry_read(struct udp_rules *rules, const struct row *row, struct udp_entry *out_entry)
{
	static int (*const readers[])(const struct reader *r) = {
		read_id,          read_stage,    read_sport,     read_dport,
		read_address,     read_link,     read_payload,   read_record,
		read_description, read_warnings, read_unhandled, read_example,
	};
	const struct reader r = {.rules = rules, .row = row, .entry = out_entry};
	int ret = 0;

	out_entry->rule.file = row->file;
	out_entry->rule.line = row->line;
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		int wrong = readers[i](&r);

		if (wrong < 0 && wrong != -EINVAL) {
			return wrong;
		}
		ret = ret < 0 ? ret : wrong;
	}
	return ret < 0 ? ret : check_whole(&r);
}
