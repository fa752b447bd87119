/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One fact about the network, before it becomes a line: Type,IPaddr,Proto,State,Description.
 *
 * A worker has one record that it fills again and again: record_begin(), then state, description
 * and warnings. Bytes from the network go in through text_add_clean() only, so that nothing can
 * break out of its column.
 */
#pragma once

#include <passer/base/addr.h>
#include <passer/base/hash.h>
#include <passer/base/text.h>
#include <passer/base/warning.h>

/* What makes two records the same fact, of which only the first is printed. */
enum record_same {
	RECORD_SAME_ALL,           /* all columns */
	RECORD_SAME_ADDR_AND_TEXT, /* address and description; the protocol where that is empty */
	RECORD_SAME_NEVER,         /* each one is printed */
};

enum record_type {
	REC_NONE,
#define RECORD(type, same, about) REC_##type,
#include <output/records.def>
#undef RECORD
	REC_COUNT
};

/* Bounds of the text columns: a DNS name of 255 bytes fits with each byte escaped. */
#define RECORD_STATE_SIZE 1056
#define RECORD_DESC_SIZE  2624

/* For protocol columns without a number. */
#define PROTO_PLAIN (-1)

struct record {
	enum record_type type;
	struct addr addr;
	const char *proto; /* "TCP_" with a number behind it, or all of the column; borrowed */
	int32_t proto_number;
	struct text state, desc;
	struct warnings warnings;
	uint64_t time_ns;
	bool is_change; /* printed even when it was before: a state that came back */
	bool has_place; /* the description says already where a public address is */
	char state_buf[RECORD_STATE_SIZE];
	char desc_buf[RECORD_DESC_SIZE];
};

/* Starts a new record; number is appended to proto unless it is PROTO_PLAIN. */
void record_begin(struct record *rec, enum record_type type, const struct addr *addr,
                  const char *proto, int32_t number, uint64_t time_ns);

enum record_same record_same(enum record_type type);

/* "TS" */
const char *record_type_name(enum record_type type);
/* The line of records.def about it. */
const char *record_type_about(enum record_type type);

/* The identity of the fact under key. */
uint64_t record_hash(const struct record *rec, const struct hash_key *key);
