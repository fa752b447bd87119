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

static void hash_proto(struct hash *h, const struct record *rec)
{
	hash_add_u64(h, (uint64_t)(int64_t)rec->proto_number);
	hash_add(h, rec->proto, strlen(rec->proto) + 1);
}

static void hash_text(struct hash *h, const struct text *t)
{
	hash_add(h, t->buf, t->len + 1); /* the NUL parts it from what follows */
}

uint64_t record_hash(const struct record *rec, const struct hash_key *key)
{
	struct hash h;
	bool is_all = rows[rec->type].same != RECORD_SAME_ADDR_AND_TEXT;
	uint64_t words[2];

	hash_init(&h, key);
	memcpy(words, rec->addr.bytes, sizeof(words));
	hash_add_u64(&h, words[0]);
	hash_add_u64(&h, words[1]);
	hash_add_u64(&h, (uint64_t)rec->type << 8 | rec->addr.family);
	if (is_all || rec->desc.len == 0) {
		hash_proto(&h, rec);
	}
	if (is_all) {
		hash_text(&h, &rec->state);
		hash_add(&h, rec->warnings.words, sizeof(rec->warnings.words));
	}
	hash_text(&h, &rec->desc);
	return hash_final(&h);
}
