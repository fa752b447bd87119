/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The walk over rules. The index gives the rules of a packet's two ports and those of no port; the
 * three lists are walked as one, in the order of the rows.
 */
#include "udp_rules_internal.h"

#include <errno.h>
#include <stdlib.h>

#define PORT_COUNT ((size_t)UINT16_MAX + 1)
#define PLACES_MAX (1u << 25) /* of an index: 512 rows that name every port, 64 MiB */

struct udp_rules *udp_rules_new(void)
{
	return calloc(1, sizeof(struct udp_rules));
}

void udp_rules_free(struct udp_rules *rules)
{
	if (rules == NULL) {
		return;
	}
	for (size_t i = 0; i < rules->count; i++) {
		udp_entry_fini(&rules->entries[i]);
	}
	for (size_t i = 0; i < rules->table_count; i++) {
		udp_port_table_fini(&rules->tables[i]);
	}
	free(rules->entries);
	free(rules->by_dport.order);
	free(rules->by_sport.order);
	free(rules->general);
	free(rules);
}

/* ---- one rule -------------------------------------------------------------------------------- */

static bool ports_match(const struct udp_ports *ports, uint16_t port)
{
	for (uint32_t i = 0; i < ports->count; i++) {
		if (port >= ports->ranges[i].first && port <= ports->ranges[i].last) {
			return !ports->is_not;
		}
	}
	return ports->count == 0 || ports->is_not;
}

static bool addrs_match(const struct udp_addrs *addrs, const struct addr *a)
{
	return addrs->set == NULL || addr_set_has(addrs->set, a) != addrs->is_not;
}

static bool link_match(const struct udp_test *t, const struct udp_packet *p)
{
	bool is_any_cast = !t->is_broadcast && !t->is_multicast;

	if (t->ttl_count > 0 && memchr(t->ttls, p->ttl, t->ttl_count) == NULL) {
		return false;
	}
	return (!t->is_mac_broadcast || p->is_mac_broadcast) &&
	       (is_any_cast || (t->is_broadcast && p->is_broadcast) ||
	        (t->is_multicast && p->is_multicast));
}

static bool payload_match(const struct udp_test *t, const struct udp_packet *p)
{
	return t->payload == NULL || (!p->lacks_payload && condition_match(t->payload, p->payload));
}

static bool ends_match(const struct udp_test *t, const struct udp_packet *p)
{
	return (!t->has_same_port || p->sport == p->dport) &&
	       (t->index_side == UDP_SIDE_SRC || ports_match(&t->sport, p->sport)) &&
	       (t->index_side == UDP_SIDE_DST || ports_match(&t->dport, p->dport)) &&
	       (t->family == ADDR_NONE || t->family == p->src.family) &&
	       addrs_match(&t->src, &p->src) && addrs_match(&t->dst, &p->dst) &&
	       (!t->has_same_addr || addr_equal(&p->src, &p->dst));
}

bool udp_test_match(const struct udp_test *t, const struct udp_packet *p)
{
	return (!t->asks_ends || ends_match(t, p)) && (!t->asks_link || link_match(t, p)) &&
	       payload_match(t, p);
}

void udp_entry_fini(struct udp_entry *e)
{
	free((char *)e->rule.id);
	free((char *)e->rule.proto);
	free((char *)e->rule.state);
	free((char *)e->rule.description);
	free(e->test.sport.ranges);
	free(e->test.dport.ranges);
	addr_set_free(e->test.src.set);
	addr_set_free(e->test.dst.set);
	condition_free(e->test.payload);
	free(e->example);
}

void udp_port_table_fini(struct udp_port_table *t)
{
	free(t->name);
	port_names_free(t->names);
	free(t->ranges);
}

/* ---- the packet of an example ---------------------------------------------------------------- */

/* Ports and addresses where a row asks for none: no table of ours has them. */
#define EXAMPLE_SPORT 40000
#define EXAMPLE_DPORT 40001
#define EXAMPLE_TTL   64

static uint16_t example_port(const struct udp_ports *ports, uint16_t otherwise)
{
	return ports->count > 0 && !ports->is_not ? ports->ranges[0].first : otherwise;
}

static struct addr example_addr(const struct udp_addrs *addrs, const char *v4, const char *v6,
                                uint8_t family)
{
	struct addr a = {.family = ADDR_NONE};

	if (addrs->set != NULL && !addrs->is_not) {
		a = addr_set_first(addrs->set);
	}
	if (a.family == ADDR_NONE) {
		addr_parse(family == ADDR_V6 ? v6 : v4, &a);
	}
	return a;
}

/* The family of the addresses that a row lists, so that the other side gets the same. */
static uint8_t example_family(const struct udp_test *t)
{
	const struct udp_addrs *listed[] = {&t->src, &t->dst};

	for (int i = 0; i < 2; i++) {
		if (t->family == ADDR_NONE && listed[i]->set != NULL && !listed[i]->is_not) {
			return addr_set_first(listed[i]->set).family;
		}
	}
	return t->family;
}

struct udp_packet udp_entry_example(const struct udp_entry *e)
{
	const struct udp_test *t = &e->test;
	uint8_t family = example_family(t);
	struct udp_packet p = {
		.src = example_addr(&t->src, "192.0.2.1", "2001:db8::1", family),
		.dst = example_addr(&t->dst, "192.0.2.2", "2001:db8::2", family),
		.sport = example_port(&t->sport, EXAMPLE_SPORT),
		.dport = example_port(&t->dport, EXAMPLE_DPORT),
		.ttl = t->ttl_count > 0 ? t->ttls[0] : EXAMPLE_TTL,
		.is_broadcast = t->is_broadcast || t->is_mac_broadcast,
		.is_multicast = t->is_multicast && !t->is_broadcast,
		.is_mac_broadcast = t->is_mac_broadcast,
		.payload = span_of(e->example, e->example_len),
	};

	if (t->has_same_port) {
		p.dport = p.sport;
	}
	if (t->has_same_addr) {
		p.dst = p.src;
	}
	return p;
}

/* ---- the index ------------------------------------------------------------------------------- */

static const struct udp_ports *indexed_ports(const struct udp_test *t, enum udp_side side)
{
	return side == UDP_SIDE_SRC ? &t->sport : &t->dport;
}

/* One pass of counting, or, with order, of filling; the entries come in their order. */
static void visit_places(const struct udp_rules *rules, enum udp_side side, uint32_t *counts,
                         uint16_t *order)
{
	for (size_t e = 0; e < rules->count; e++) {
		const struct udp_test *t = &rules->entries[e].test;
		const struct udp_ports *ports = indexed_ports(t, side);

		for (uint32_t i = 0; t->index_side == side && i < ports->count; i++) {
			for (unsigned port = ports->ranges[i].first; port <= ports->ranges[i].last;
			     port++) {
				uint32_t place = counts[port]++;

				if (order != NULL) {
					order[place] = (uint16_t)e;
				}
			}
		}
	}
}

static int build_index(const struct udp_rules *rules, enum udp_side side, struct udp_index *index)
{
	uint32_t total = 0;
	uint16_t *order;

	memset(index->starts, 0, sizeof(index->starts));
	visit_places(rules, side, index->starts, NULL);
	for (size_t port = 0; port <= PORT_COUNT; port++) {
		uint32_t count = index->starts[port];

		if (count > PLACES_MAX - total) {
			return -E2BIG;
		}
		index->starts[port] = total;
		total += count;
	}
	order = reallocarray(index->order, (size_t)total + 1, sizeof(*order));
	if (order == NULL) {
		return -ENOMEM;
	}
	index->order = order;
	/* Filling moves each start to the end of its list, which is where the next one starts. */
	visit_places(rules, side, index->starts, order);
	memmove(&index->starts[1], &index->starts[0], PORT_COUNT * sizeof(index->starts[0]));
	index->starts[0] = 0;
	return 0;
}

static int build_general(struct udp_rules *rules)
{
	uint16_t *general = reallocarray(rules->general, rules->count + 1, sizeof(*general));

	if (general == NULL) {
		return -ENOMEM;
	}
	rules->general = general;
	memset(rules->general_starts, 0, sizeof(rules->general_starts));
	for (size_t e = 0; e < rules->count; e++) {
		const struct udp_entry *entry = &rules->entries[e];

		if (entry->test.index_side == UDP_SIDE_NONE) {
			*general++ = (uint16_t)e;
			rules->general_starts[entry->stage + 1]++;
		}
	}
	for (int stage = 0; stage < UDP_STAGE_COUNT; stage++) {
		rules->general_starts[stage + 1] += rules->general_starts[stage];
	}
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct udp_entry *x = a;
	const struct udp_entry *y = b;

	if (x->stage != y->stage) {
		return x->stage < y->stage ? -1 : 1;
	}
	return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

static int build(struct udp_rules *rules)
{
	int ret;

	if (rules->count > 0) {
		qsort(rules->entries, rules->count, sizeof(rules->entries[0]), compare_entries);
	}
	ret = build_index(rules, UDP_SIDE_DST, &rules->by_dport);
	if (ret == 0) {
		ret = build_index(rules, UDP_SIDE_SRC, &rules->by_sport);
	}
	return ret == 0 ? build_general(rules) : ret;
}

/* ---- loading --------------------------------------------------------------------------------- */

static int reserve(struct udp_rules *rules)
{
	if (rules->count < rules->cap) {
		return 0;
	}
	size_t cap = rules->cap * 2 + 64;
	struct udp_entry *bigger = reallocarray(rules->entries, cap, sizeof(*bigger));

	if (bigger == NULL) {
		return -ENOMEM;
	}
	rules->entries = bigger;
	rules->cap = cap;
	return 0;
}

static int take_row(void *table, const struct row *row)
{
	struct udp_rules *rules = table;
	struct udp_entry e = {.sequence = rules->count};
	int ret = udp_entry_read(rules, row, &e);

	if (ret == 0 && rules->count == UINT16_MAX) {
		ret = row_bad(row, 0, "more than %d rows", UINT16_MAX);
	}
	if (ret == 0) {
		ret = reserve(rules);
	}
	if (ret < 0) {
		udp_entry_fini(&e);
		return ret;
	}
	rules->entries[rules->count++] = e;
	return 0;
}

int udp_rules_load(struct udp_rules *rules, const char *file, struct span text,
                   struct rows_report *report)
{
	const struct rows_format format = {udp_columns, udp_column_count, take_row};
	int ret = rows_load(&format, file, text, rules, report);
	int built = build(rules);

	return ret < 0 ? ret : built;
}

size_t udp_rules_count(const struct udp_rules *rules)
{
	return rules->count;
}

const struct udp_rule *udp_rules_get(const struct udp_rules *rules, size_t n)
{
	return &rules->entries[n].rule;
}

enum udp_stage udp_rules_stage(const struct udp_rules *rules, size_t n)
{
	return rules->entries[n].stage;
}

struct udp_packet udp_rules_example(const struct udp_rules *rules, size_t n)
{
	return udp_entry_example(&rules->entries[n]);
}

const struct udp_rule *udp_rules_thief(const struct udp_rules *rules, size_t n)
{
	const struct udp_entry *e = &rules->entries[n];
	struct udp_packet packet = udp_entry_example(e);
	const struct udp_rule *rule;
	struct udp_walk walk;

	udp_walk_begin(&walk, rules, e->stage, &packet);
	do {
		rule = udp_walk_next(&walk);
	} while (rule != NULL && rule != &e->rule && !rule->ends_walk);
	return rule != &e->rule ? rule : NULL;
}

/* ---- the walk -------------------------------------------------------------------------------- */

/* Where a list that has no entries begins and ends. */
static const uint16_t no_entries[1];

/* Leaves of a port's list only the entries of a stage. */
static void add_port(struct udp_walk *walk, int list, const struct udp_index *index, uint16_t port,
                     enum udp_stage stage)
{
	const struct udp_entry *entries = walk->rules->entries;
	const uint16_t *order = index->order != NULL ? index->order : no_entries;
	const uint16_t *first = order + index->starts[port];
	const uint16_t *end = order + index->starts[port + 1];

	while (first < end && entries[*first].stage < stage) {
		first++;
	}
	while (first < end && entries[end[-1]].stage > stage) {
		end--;
	}
	walk->lists[list].next = first;
	walk->lists[list].end = end;
}

void udp_walk_begin(struct udp_walk *walk, const struct udp_rules *rules, enum udp_stage stage,
                    const struct udp_packet *packet)
{
	const uint16_t *general = rules->general != NULL ? rules->general : no_entries;

	walk->rules = rules;
	walk->packet = packet;
	add_port(walk, 0, &rules->by_dport, packet->dport, stage);
	add_port(walk, 1, &rules->by_sport, packet->sport, stage);
	walk->lists[2].next = general + rules->general_starts[stage];
	walk->lists[2].end = general + rules->general_starts[stage + 1];
}

/* Takes the earliest entry off the three lists; NULL when they are empty. */
static const struct udp_entry *next_entry(struct udp_walk *walk)
{
	int best = -1;

	/* Nearly always all that is left. */
	if (walk->lists[0].next == walk->lists[0].end &&
	    walk->lists[1].next == walk->lists[1].end) {
		return walk->lists[2].next < walk->lists[2].end
		               ? &walk->rules->entries[*walk->lists[2].next++]
		               : NULL;
	}
	for (int i = 0; i < 3; i++) {
		if (walk->lists[i].next < walk->lists[i].end &&
		    (best < 0 || *walk->lists[i].next < *walk->lists[best].next)) {
			best = i;
		}
	}
	return &walk->rules->entries[*walk->lists[best].next++];
}

const struct udp_rule *udp_walk_next(struct udp_walk *walk)
{
	const struct udp_entry *e;

	while ((e = next_entry(walk)) != NULL) {
		if (udp_test_match(&e->test, walk->packet)) {
			return &e->rule;
		}
	}
	return NULL;
}

/* ---- descriptions ---------------------------------------------------------------------------- */

static const struct port_name *name_in_table(const struct udp_rule *rule,
                                             const struct udp_packet *p)
{
	if (rule->names == NULL) {
		return NULL;
	}
	return port_names_find(rule->names, rule->names_side == UDP_SIDE_SRC ? p->sport : p->dport);
}

static void add_cast(struct text *t, const struct udp_rule *rule, const struct udp_packet *p)
{
	(void)rule;
	text_add(t, p->is_broadcast ? "broadcast" : p->is_multicast ? "multicast" : "");
}

static void add_sport(struct text *t, const struct udp_rule *rule, const struct udp_packet *p)
{
	(void)rule;
	text_add_uint(t, p->sport);
}

static void add_dport(struct text *t, const struct udp_rule *rule, const struct udp_packet *p)
{
	(void)rule;
	text_add_uint(t, p->dport);
}

static void add_addr(struct text *t, const struct addr *a)
{
	char words[ADDR_TEXT_SIZE];

	addr_format(a, words);
	text_add(t, words);
}

static void add_src(struct text *t, const struct udp_rule *rule, const struct udp_packet *p)
{
	(void)rule;
	add_addr(t, &p->src);
}

static void add_dst(struct text *t, const struct udp_rule *rule, const struct udp_packet *p)
{
	(void)rule;
	add_addr(t, &p->dst);
}

static void add_name(struct text *t, const struct udp_rule *rule, const struct udp_packet *p)
{
	const struct port_name *name = name_in_table(rule, p);

	text_add(t, name != NULL ? name->name : "");
}

struct placeholder {
	const char *name;
	void (*add)(struct text *t, const struct udp_rule *rule, const struct udp_packet *p);
};

static const struct placeholder *find_placeholder(struct span name)
{
	static const struct placeholder all[] = {
		{"cast", add_cast}, {"sport", add_sport}, {"dport", add_dport},
		{"src", add_src},   {"dst", add_dst},     {"name", add_name},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (span_equal(name, span_str(all[i].name))) {
			return &all[i];
		}
	}
	return NULL;
}

bool udp_is_placeholder(struct span name)
{
	return find_placeholder(name) != NULL;
}

static void add_words(const struct udp_rule *rule, const struct udp_packet *packet,
                      struct text *desc)
{
	const char *rest = rule->description;
	const char *open, *close;

	while ((open = strchr(rest, '{')) != NULL && (close = strchr(open, '}')) != NULL) {
		struct span name = span_of(open + 1, (size_t)(close - open) - 1);

		text_add_clean(desc, span_of(rest, (size_t)(open - rest)));
		find_placeholder(name)->add(desc, rule, packet);
		rest = close + 1;
	}
	text_add(desc, rest);
}

void udp_rule_describe(const struct udp_rule *rule, const struct udp_packet *packet,
                       struct text *desc, struct warnings *out_warnings)
{
	const struct port_name *name = name_in_table(rule, packet);

	add_words(rule, packet, desc);
	*out_warnings = rule->warnings;
	for (int i = 0; name != NULL && i < WARNINGS_MAX && name->warnings.words[i] != WARN_NONE;
	     i++) {
		warnings_add(out_warnings, (enum warning)name->warnings.words[i]);
	}
}
