/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a single UDP packet tells by its ports, addresses, link and payload: tables of rows, one
 * rule each. docs/adding-a-signature.md describes the columns:
 *
 *   id  stage  sport  dport  address  link  payload  record  description  warnings  unhandled
 *   example  source
 *
 * A rule belongs to one of three stages, and a stage is a walk over its rules in the order in which
 * they were loaded, until one ends the walk. Loading checks that each row matches the packet that
 * its own example makes, so a table can be trusted without a capture.
 */
#pragma once

#include <passer/base/addr.h>
#include <passer/fingerprint/port_names.h>
#include <passer/fingerprint/rows.h>

enum udp_stage {
	UDP_STAGE_ALWAYS, /* every rule that matches speaks */
	UDP_STAGE_EARLY,  /* the first one that matches ends the packet */
	UDP_STAGE_LATE,   /* the same, behind all analyzers of a protocol's own */
	UDP_STAGE_COUNT
};

enum udp_record {
	UDP_RECORD_NONE, /* takes the packet and says nothing */
	UDP_RECORD_CLIENT,
	UDP_RECORD_SERVER,
	UDP_RECORD_ROUTER,
};

enum udp_side { UDP_SIDE_NONE, UDP_SIDE_SRC, UDP_SIDE_DST };

/* All that a rule looks at. */
struct udp_packet {
	struct addr src, dst;
	uint16_t sport, dport;
	uint8_t ttl;
	bool is_broadcast, is_multicast; /* by the IP address, else by the link layer */
	bool is_mac_broadcast;           /* Ethernet destination ff:ff:ff:ff:ff:ff */
	bool lacks_payload;              /* captured so short that none of the payload is here */
	struct span payload;
};

/* The record is always about the source address. */
struct udp_rule {
	const char *id;
	const char *file; /* where the row stands */
	size_t line;
	enum udp_record record;
	const char *proto;        /* "UDP_" with a port behind it, or all of the column */
	enum udp_side proto_port; /* whose port */
	const char *state;
	bool ends_walk;
	bool is_unhandled; /* the packet counts as one that no rule knows */

	/* For udp_rule_describe(). */
	const char *description; /* with placeholders: {dport} ... */
	struct warnings warnings;
	const struct port_names *names; /* the table that its ports are from, or NULL */
	enum udp_side names_side;
};

struct udp_rules;

/* NULL when memory ran out. */
struct udp_rules *udp_rules_new(void);
void udp_rules_free(struct udp_rules *rules);

/*
 * Adds the rows of a table behind those that are there. `file` is its name, borrowed for as long as
 * the rules live; the text may go. As rows_load(), and -E2BIG when the rows name so many ports that
 * an index of them would be huge; after that the rules can only be freed.
 */
int udp_rules_load(struct udp_rules *rules, const char *file, struct span text,
                   struct rows_report *report);

size_t udp_rules_count(const struct udp_rules *rules);

/* Rule n of udp_rules_count(), stage by stage; borrowed until the next load. */
const struct udp_rule *udp_rules_get(const struct udp_rules *rules, size_t n);
enum udp_stage udp_rules_stage(const struct udp_rules *rules, size_t n);

/* The packet that a row's example stands for; the payload is borrowed. */
struct udp_packet udp_rules_example(const struct udp_rules *rules, size_t n);

/* The rule that takes the example of rule n before that one can; NULL when it is reached. */
const struct udp_rule *udp_rules_thief(const struct udp_rules *rules, size_t n);

/* One walk through a stage; members are private. */
struct udp_walk {
	const struct udp_rules *rules;
	const struct udp_packet *packet;
	struct {
		const uint16_t *next, *end;
	} lists[3]; /* by destination port, by source port, any port: each in order */
};

/* Both arguments are borrowed for the walk. */
void udp_walk_begin(struct udp_walk *walk, const struct udp_rules *rules, enum udp_stage stage,
                    const struct udp_packet *packet);

/* The next rule that matches; NULL at the end, which the caller makes earlier by ends_walk. */
const struct udp_rule *udp_walk_next(struct udp_walk *walk);

/* Appends the description for this packet, and gives the warnings of the row and of its table. */
void udp_rule_describe(const struct udp_rule *rule, const struct udp_packet *packet,
                       struct text *desc, struct warnings *out_warnings);
