/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/output/record.h>

struct record_row {
	const char *name;
	const char *about;
	enum record_same same;
};

static const struct record_row rows[REC_COUNT] = {
	[REC_NONE] = {.name = ""},
#define RECORD(type, same_, about_) [REC_##type] = {#type, about_, same_},
#include <output/records.def>
#undef RECORD
};

void record_begin(struct record *rec, enum record_type type, const struct addr *addr,
                  const char *proto, int32_t number, uint64_t time_ns)
{
	rec->type = type;
	rec->addr = *addr;
	rec->proto = proto;
	rec->proto_number = number;
	text_init(&rec->state, rec->state_buf, sizeof(rec->state_buf));
	text_init(&rec->desc, rec->desc_buf, sizeof(rec->desc_buf));
	rec->warnings = (struct warnings){{0}};
	rec->time_ns = time_ns;
	rec->is_change = false;
	rec->has_place = false;
}

enum record_same record_same(enum record_type type)
{
	return rows[type].same;
}

const char *record_type_name(enum record_type type)
{
	return rows[type].name;
}

const char *record_type_about(enum record_type type)
{
	return rows[type].about;
}

/* What is no part of the identity is left out: of a text, its length is then 0. */
uint64_t record_hash(const struct record *rec, const struct hash_key *key)
{
	const bool is_all = rows[rec->type].same != RECORD_SAME_ADDR_AND_TEXT;
	const bool has_proto = is_all || rec->desc.len == 0;
	const size_t proto_len = has_proto ? strlen(rec->proto) : 0;
	const size_t state_len = is_all ? rec->state.len : 0;
	const uint32_t number = has_proto ? (uint32_t)rec->proto_number : 0;
	uint32_t warnings = 0;
	uint64_t words[2];
	struct hash h;

	_Static_assert(sizeof(rec->warnings.words) == sizeof(warnings), "all of them are hashed");
	if (is_all) {
		memcpy(&warnings, rec->warnings.words, sizeof(warnings));
	}
	memcpy(words, rec->addr.bytes, sizeof(words));
	hash_init(&h, key);
	hash_add_u64(&h, words[0]);
	hash_add_u64(&h, words[1]);
	hash_add_u64(&h, (uint64_t)number << 32 | (uint64_t)proto_len << 16 |
	                         (uint64_t)rec->type << 8 | rec->addr.family);
	hash_add_u64(&h, (uint64_t)warnings << 32 | (uint64_t)state_len << 16 | rec->desc.len);
	hash_add_padded(&h, rec->proto, proto_len);
	hash_add_padded(&h, rec->state.buf, state_len);
	hash_add_padded(&h, rec->desc.buf, rec->desc.len);
	return hash_final(&h);
}
