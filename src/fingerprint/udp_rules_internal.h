/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between udp_rules.c, which walks over rules, and udp_rules_read.c, which makes them from rows. */
#pragma once

#include <passer/fingerprint/addr_set.h>
#include <passer/fingerprint/condition.h>
#include <passer/fingerprint/udp_rules.h>

#define UDP_TTLS_MAX        4
#define UDP_PORT_TABLES_MAX 16

/* No ranges: any port. */
struct udp_ports {
	struct port_range *ranges;
	uint32_t count;
	bool is_not; /* any port but these */
};

/* No set: any address. */
struct udp_addrs {
	struct addr_set *set;
	bool is_not;
};

/* The conditions of a row; all must hold. */
struct udp_test {
	bool asks_ends; /* any of ports and addresses, beside what the index has tested */
	bool asks_link; /* ttl or cast */
	struct udp_ports sport, dport;
	struct udp_addrs src, dst;
	struct condition *payload; /* NULL: whatever */
	uint8_t ttls[UDP_TTLS_MAX];
	uint8_t ttl_count;  /* 0: whatever */
	uint8_t family;     /* ADDR_NONE: whatever */
	bool has_same_port; /* the same on both sides */
	bool has_same_addr;
	bool is_mac_broadcast;
	bool is_broadcast, is_multicast; /* one of those set; none set: whatever */
	uint8_t index_side;              /* enum udp_side: whose port the index has tested */
};

struct udp_entry {
	struct udp_test test;
	struct udp_rule rule;
	enum udp_stage stage;
	size_t sequence; /* order of loading */
	uint8_t *example;
	size_t example_len;
};

struct udp_port_table {
	char *name;
	struct port_names *names;
	struct port_range *ranges; /* all its ports, ascending */
	uint32_t range_count;
};

struct udp_rules {
	struct udp_entry *entries; /* by stage, then in the order of loading */
	size_t count, cap;
	struct udp_port_table tables[UDP_PORT_TABLES_MAX];
	size_t table_count;
	/*
	 * For each port the entries whose index_side has it: order[starts[port]] up to
	 * order[starts[port + 1]], ascending.
	 */
	struct udp_index {
		uint32_t starts[UINT16_MAX + 2];
		uint16_t *order;
	} by_dport, by_sport;
	uint16_t *general;                          /* entries of no port, ascending */
	size_t general_starts[UDP_STAGE_COUNT + 1]; /* of the stages in it */
};

bool udp_test_match(const struct udp_test *t, const struct udp_packet *p);
struct udp_packet udp_entry_example(const struct udp_entry *e);
void udp_entry_fini(struct udp_entry *e);
void udp_port_table_fini(struct udp_port_table *t);

/* Is this the text between the braces of a placeholder? */
bool udp_is_placeholder(struct span name);

/* A row into an entry. 0, -EINVAL when the row is bad and that was told, or -ENOMEM. */
int udp_entry_read(struct udp_rules *rules, const struct row *row, struct udp_entry *out_entry);

/* The format of rows; `take` gets the rules. */
extern const struct rows_column udp_columns[];
extern const size_t udp_column_count;
