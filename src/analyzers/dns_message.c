/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns_message.h"

#include <ctype.h>

#define LABEL_MAX     63
#define POINTERS_MAX  32 /* real messages use one or two in a name */
#define QUESTIONS_MAX 64 /* and ask one */

bool dns_header_parse(struct cursor *c, struct dns_header *out_header)
{
	uint16_t id = cur_be16(c);
	uint16_t flags = cur_be16(c);

	*out_header = (struct dns_header){
		.id = id,
		.is_response = (flags & 0x8000) != 0,
		.opcode = (uint8_t)(flags >> 11 & 15),
		.rcode = (uint8_t)(flags & 15),
		.has_reserved = (flags & 0x0040) != 0,
	};
	out_header->questions = cur_be16(c);
	out_header->answers = cur_be16(c);
	out_header->authorities = cur_be16(c);
	out_header->additionals = cur_be16(c);
	return cur_ok(c);
}

static bool add_label(struct dns_name *name, struct span label)
{
	if (label.len + 1 > sizeof(name->bytes) - name->len) {
		return false;
	}
	memcpy(name->bytes + name->len, label.data, label.len);
	name->len += label.len;
	name->bytes[name->len++] = '.';
	return true;
}

/*
 * Labels up to the end of the name or to a pointer. Returns the offset that the pointer leads to,
 * 0 at the end (offset 0 is the header, no name begins there), -1 on nonsense.
 */
static int parse_labels(struct cursor *c, struct dns_name *name)
{
	for (;;) {
		uint8_t len = cur_u8(c);

		if (!cur_ok(c)) {
			return -1;
		}
		if (len == 0) {
			return 0;
		}
		if ((len & 0xc0) == 0xc0) {
			int offset = (len & 0x3f) << 8 | cur_u8(c);

			return cur_ok(c) && offset != 0 ? offset : -1;
		}
		struct span label = cur_take(c, len);

		if (len > LABEL_MAX || !cur_ok(c) || !add_label(name, label)) {
			return -1;
		}
	}
}

bool dns_name_parse(struct cursor *c, struct dns_name *out_name)
{
	size_t before = cur_offset(c); /* each pointer must lead before this */
	struct cursor there;
	int offset;

	out_name->len = 0;
	offset = parse_labels(c, out_name);
	for (int jumps = 0; offset > 0; jumps++) {
		if (jumps == POINTERS_MAX || (size_t)offset >= before) {
			offset = -1;
			break;
		}
		before = (size_t)offset;
		there = cur_at(c, before);
		offset = parse_labels(&there, out_name);
	}
	if (offset < 0) {
		cur_fail(c);
		return false;
	}
	if (out_name->len == 0) {
		out_name->bytes[out_name->len++] = '.';
	}
	return true;
}

bool dns_question_parse(struct cursor *c, struct dns_question *out_question)
{
	if (!dns_name_parse(c, &out_question->name)) {
		return false;
	}
	out_question->type = cur_be16(c);
	out_question->class = cur_be16(c);
	return cur_ok(c);
}

unsigned dns_questions_parse(struct cursor *c, unsigned count, struct dns_question *out_last)
{
	unsigned whole = 0;

	while (whole < count && whole < QUESTIONS_MAX && dns_question_parse(c, out_last)) {
		whole++;
	}
	return whole;
}

bool dns_record_parse(struct cursor *c, struct dns_record *out_record)
{
	if (!dns_name_parse(c, &out_record->owner)) {
		return false;
	}
	out_record->type = cur_be16(c);
	out_record->class = cur_be16(c);
	out_record->ttl = cur_be32(c);
	out_record->data = cur_sub(c, cur_be16(c));
	return cur_ok(c);
}

struct span dns_string_parse(struct cursor *c)
{
	uint8_t len = cur_u8(c);

	return cur_take(c, len);
}

static bool equals_folded(const uint8_t *bytes, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (tolower(bytes[i]) != tolower((uint8_t)text[i])) {
			return false;
		}
	}
	return true;
}

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b)
{
	return a->len == b->len && equals_folded(a->bytes, (const char *)b->bytes, a->len);
}

bool dns_name_is(const struct dns_name *name, const char *text)
{
	size_t len = strlen(text);

	return name->len == len && equals_folded(name->bytes, text, len);
}

bool dns_name_ends_with(const struct dns_name *name, const char *text)
{
	size_t len = strlen(text);

	return name->len >= len && equals_folded(name->bytes + name->len - len, text, len);
}
