/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A condition is a tree, kept as an array in the order of the text: a group stands before its
 * members, and each node knows how many nodes its subtree has.
 */
#include <passer/fingerprint/condition.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define NODES_MAX 128
#define DEPTH_MAX 8 /* of brackets; bounds the stack in both parsing and matching */
#define LEN_MAX   65535

#define ANCHOR_STOPS_MAX 16

enum kind {
	KIND_ALL, /* groups */
	KIND_ONE,
	KIND_ANY, /* tests */
	KIND_EMPTY,
	KIND_NONEMPTY,
	KIND_PREFIX,
	KIND_SUFFIX,
	KIND_CONTAINS,
	KIND_EQUALS,
	KIND_AT,
	KIND_LEN_MIN,
	KIND_LEN_MAX,
	KIND_LEN_IS,
};

struct node {
	uint8_t kind;    /* enum kind */
	uint16_t size;   /* nodes of this subtree, with this one */
	uint32_t number; /* offset of KIND_AT, length of the KIND_LEN_, anchor of KIND_CONTAINS */
	uint32_t start, len; /* the literal, in the bytes of the condition */
};

struct condition {
	uint8_t *bytes; /* of all literals; behind the nodes, in the same allocation */
	struct node nodes[];
};

/* The parser. All its steps return false when err is set. */
struct parser {
	struct span text;
	size_t pos;
	struct node nodes[NODES_MAX];
	size_t node_count;
	uint8_t *bytes;
	size_t byte_count, byte_cap;
	struct err *err;
};

__attribute__((format(printf, 3, 4))) static bool fail_at(struct parser *p, size_t pos,
                                                          const char *format, ...)
{
	char reason[256];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	err_set(p->err, -EINVAL, "at %zu: %s", pos + 1, reason);
	return false;
}

/* The next byte, or NUL, which no text of ours holds. */
static char peek(const struct parser *p, size_t ahead)
{
	return p->pos + ahead < p->text.len ? (char)p->text.data[p->pos + ahead] : '\0';
}

static void skip_blanks(struct parser *p)
{
	while (peek(p, 0) == ' ' || peek(p, 0) == '\t') {
		p->pos++;
	}
}

/* Takes a sign such as "&", and the blanks behind it, if it comes next. */
static bool take_sign(struct parser *p, char sign)
{
	if (peek(p, 0) != sign) {
		return false;
	}
	p->pos++;
	skip_blanks(p);
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct span peek_word(const struct parser *p)
{
	size_t n = 0;

	while (is_letter(peek(p, n))) {
		n++;
	}
	return span_of(p->text.data + p->pos, n);
}

static bool take_word(struct parser *p, const char *word)
{
	if (!span_equal(peek_word(p), span_str(word))) {
		return false;
	}
	p->pos += strlen(word);
	skip_blanks(p);
	return true;
}

static bool is_literal_next(const struct parser *p)
{
	return (peek(p, 0) == 'a' || peek(p, 0) == 'h') && peek(p, 1) == '"';
}

static bool put_byte(struct parser *p, unsigned byte)
{
	if (p->byte_count == p->byte_cap) {
		return fail_at(p, p->pos, "longer than %zu bytes", p->byte_cap);
	}
	p->bytes[p->byte_count++] = (uint8_t)byte;
	return true;
}

static bool parse_escape(struct parser *p)
{
	static const char letters[] = "rnt\\\"";
	static const char meanings[] = "\r\n\t\\\"";
	const char *found = peek(p, 1) != '\0' ? strchr(letters, peek(p, 1)) : NULL;

	if (found == NULL) {
		return fail_at(p, p->pos, "unknown escape; there are \\r \\n \\t \\\\ \\\"");
	}
	p->pos += 2;
	return put_byte(p, (uint8_t)meanings[found - letters]);
}

/* Between the quotes of a"..." */
static bool parse_ascii(struct parser *p)
{
	while (peek(p, 0) != '"') {
		char c = peek(p, 0);

		if (c == '\\') {
			if (!parse_escape(p)) {
				return false;
			}
			continue;
		}
		if (c < 0x20 || c > 0x7e) {
			return fail_at(p, p->pos,
			               p->pos < p->text.len ? "not ASCII; write it as h\"..\""
			                                    : "the closing quote is missing");
		}
		if (!put_byte(p, (uint8_t)c)) {
			return false;
		}
		p->pos++;
	}
	return true;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Between the quotes of h"..." */
static bool parse_hex(struct parser *p)
{
	while (peek(p, 0) != '"') {
		int high = hex_value(peek(p, 0));
		int low = hex_value(peek(p, 1));

		if (p->pos == p->text.len) {
			return fail_at(p, p->pos, "the closing quote is missing");
		}
		if (high < 0) {
			return fail_at(p, p->pos, "not a hex digit");
		}
		if (low < 0) {
			return fail_at(p, p->pos, "half a byte; hex digits come in pairs");
		}
		if (!put_byte(p, (unsigned)(high << 4 | low))) {
			return false;
		}
		p->pos += 2;
	}
	return true;
}

/* All parts of one literal, and the blanks behind it. */
static bool parse_literal(struct parser *p)
{
	if (!is_literal_next(p)) {
		return fail_at(p, p->pos, "a literal such as a\"text\" or h\"00ff\" is missing");
	}
	while (is_literal_next(p)) {
		bool is_hex = peek(p, 0) == 'h';

		p->pos += 2;
		if (!(is_hex ? parse_hex(p) : parse_ascii(p))) {
			return false;
		}
		p->pos++;
		skip_blanks(p);
	}
	return true;
}

static bool add_node(struct parser *p, enum kind kind, uint32_t number)
{
	if (p->node_count == NODES_MAX) {
		return fail_at(p, p->pos, "more than %d tests", NODES_MAX);
	}
	p->nodes[p->node_count++] =
		(struct node){.kind = (uint8_t)kind, .size = 1, .number = number};
	return true;
}

/* The group that began at `first` is complete. A group of one is that one. */
static void close_group(struct parser *p, size_t first, enum kind kind)
{
	struct node *group = &p->nodes[first];
	size_t members = p->node_count - first - 1;

	if (members > 0 && group[1].size == members) {
		memmove(group, group + 1, members * sizeof(*group));
		p->node_count--;
		return;
	}
	group->kind = (uint8_t)kind;
	group->size = (uint16_t)(members + 1);
}

/* How often a byte is met in payloads, roughly: text, numbers and zeros are everywhere. */
static unsigned commonness(uint8_t b)
{
	if (b == 0x00 || b == 0xff || b == ' ' || (b >= 'a' && b <= 'z')) {
		return 2;
	}
	return (b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || b == '.' || b == '/';
}

/* The offset of the byte of a literal by which contains() looks for it. */
static uint32_t find_anchor(struct span literal)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < literal.len; i++) {
		if (commonness(literal.data[i]) < commonness(literal.data[best])) {
			best = i;
		}
	}
	return best;
}

static bool add_literal(struct parser *p, enum kind kind, uint32_t number)
{
	size_t pos = p->pos;
	size_t start = p->byte_count;

	if (!parse_literal(p) || !add_node(p, kind, number)) {
		return false;
	}
	struct node *node = &p->nodes[p->node_count - 1];

	node->start = (uint32_t)start;
	node->len = (uint32_t)(p->byte_count - start);
	if (node->len == 0 && kind != KIND_EQUALS) {
		return fail_at(p, pos, "an empty literal is everywhere; only equals may have it");
	}
	if (kind == KIND_CONTAINS) {
		node->number = find_anchor(span_of(p->bytes + start, node->len));
	}
	return true;
}

/* "{L, L}" */
static bool parse_set(struct parser *p, enum kind kind, uint32_t number)
{
	if (!take_sign(p, '{')) {
		return fail_at(p, p->pos, "{ is missing");
	}
	do {
		if (!add_literal(p, kind, number)) {
			return false;
		}
	} while (take_sign(p, ','));
	return take_sign(p, '}') || fail_at(p, p->pos, ", or } is missing");
}

/* Takes `or` only where a literal follows: otherwise it stands between two tests. */
static bool take_or_literal(struct parser *p)
{
	size_t pos = p->pos;

	if (take_word(p, "or") && is_literal_next(p)) {
		return true;
	}
	p->pos = pos;
	return false;
}

/* What stands behind a keyword: one literal or several of which one must do. */
static bool parse_literals(struct parser *p, enum kind kind, uint32_t number)
{
	size_t first = p->node_count;

	if (!add_node(p, KIND_ONE, 0)) {
		return false;
	}
	/* Not take_word(): a"..." begins with a letter too. */
	if (!is_literal_next(p) && (take_word(p, "one") || take_word(p, "any"))) {
		if (!take_word(p, "of")) {
			return fail_at(p, p->pos, "\"of\" is missing");
		}
		if (!parse_set(p, kind, number)) {
			return false;
		}
	} else {
		do {
			if (!add_literal(p, kind, number)) {
				return false;
			}
		} while (take_or_literal(p));
	}
	close_group(p, first, KIND_ONE);
	return true;
}

static bool parse_number(struct parser *p, uint32_t *out_number)
{
	uint32_t n = 0;
	size_t first = p->pos;

	for (; peek(p, 0) >= '0' && peek(p, 0) <= '9'; p->pos++) {
		n = n * 10 + (uint32_t)(peek(p, 0) - '0');
		if (n > LEN_MAX) {
			return fail_at(p, first, "a number above %d", LEN_MAX);
		}
	}
	if (p->pos == first) {
		return fail_at(p, p->pos, "a number is missing");
	}
	skip_blanks(p);
	*out_number = n;
	return true;
}

/* Behind "len" */
static bool parse_len(struct parser *p)
{
	uint32_t n;
	enum kind kind = KIND_LEN_IS;

	if (peek(p, 0) == '>' || peek(p, 0) == '<') {
		kind = peek(p, 0) == '>' ? KIND_LEN_MIN : KIND_LEN_MAX;
		p->pos++;
	}
	if (!take_sign(p, '=')) {
		return fail_at(p, p->pos, "len is compared by >= <= or =");
	}
	return parse_number(p, &n) && add_node(p, kind, n);
}

/* Behind "byte" */
static bool parse_byte(struct parser *p)
{
	uint32_t offset;

	if (!take_sign(p, '[')) {
		return fail_at(p, p->pos, "[ is missing: byte[2]=a\">\"");
	}
	if (!parse_number(p, &offset)) {
		return false;
	}
	if (!take_sign(p, ']') || !take_sign(p, '=')) {
		return fail_at(p, p->pos, "]= is missing: byte[2]=a\">\"");
	}
	return parse_literals(p, KIND_AT, offset);
}

static bool parse_test(struct parser *p)
{
	static const struct {
		const char *word;
		enum kind kind;
		bool has_literal;
	} keywords[] = {
		{"any", KIND_ANY, false},           {"empty", KIND_EMPTY, false},
		{"nonempty", KIND_NONEMPTY, false}, {"prefix", KIND_PREFIX, true},
		{"suffix", KIND_SUFFIX, true},      {"contains", KIND_CONTAINS, true},
		{"equals", KIND_EQUALS, true},
	};

	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (take_word(p, keywords[i].word)) {
			return keywords[i].has_literal ? parse_literals(p, keywords[i].kind, 0)
			                               : add_node(p, keywords[i].kind, 0);
		}
	}
	if (take_word(p, "len")) {
		return parse_len(p);
	}
	if (take_word(p, "byte")) {
		return parse_byte(p);
	}
	return fail_at(
		p, p->pos,
		"no test; there are any empty nonempty prefix suffix contains equals len byte");
}

static bool parse_chain(struct parser *p, unsigned depth);

static bool parse_member(struct parser *p, unsigned depth)
{
	size_t pos = p->pos;

	if (!take_sign(p, '(')) {
		return parse_test(p);
	}
	if (depth == DEPTH_MAX) {
		return fail_at(p, pos, "brackets deeper than %d", DEPTH_MAX);
	}
	if (!parse_chain(p, depth + 1)) {
		return false;
	}
	return take_sign(p, ')') || fail_at(p, p->pos, "& or ) is missing");
}

/* Members joined by & or by `or`, not by both. */
static bool parse_chain(struct parser *p, unsigned depth)
{
	size_t first = p->node_count;
	bool has_and = false, has_or = false;

	if (!add_node(p, KIND_ALL, 0)) {
		return false;
	}
	for (;;) {
		if (!parse_member(p, depth)) {
			return false;
		}
		size_t pos = p->pos;

		if (take_sign(p, '&')) {
			has_and = true;
		} else if (take_word(p, "or")) {
			has_or = true;
		} else {
			break;
		}
		if (has_and && has_or) {
			return fail_at(p, pos,
			               "& and \"or\" are mixed; brackets must say which is first");
		}
	}
	close_group(p, first, has_or ? KIND_ONE : KIND_ALL);
	return true;
}

static bool parse_all(struct parser *p)
{
	skip_blanks(p);
	if (!parse_chain(p, 0)) {
		return false;
	}
	return p->pos == p->text.len || fail_at(p, p->pos, "& is missing, or this is too much");
}

static int copy_parsed(const struct parser *p, struct condition **out_condition)
{
	size_t nodes_size = p->node_count * sizeof(p->nodes[0]);
	struct condition *c = malloc(sizeof(*c) + nodes_size + p->byte_count);

	if (c == NULL) {
		return err_set(p->err, -ENOMEM, "out of memory");
	}
	c->bytes = (uint8_t *)&c->nodes[p->node_count];
	memcpy(c->nodes, p->nodes, nodes_size);
	memcpy(c->bytes, p->bytes, p->byte_count);
	*out_condition = c;
	return 0;
}

int condition_new(struct span text, struct condition **out_condition, struct err *err)
{
	/* A literal is never longer than its text. */
	struct parser p = {.text = text, .err = err, .byte_cap = text.len};

	if (text.len == 0) {
		return err_set(err, -EINVAL, "at 1: no test");
	}

	p.bytes = malloc(text.len);
	if (p.bytes == NULL) {
		return err_set(err, -ENOMEM, "out of memory");
	}
	int ret = parse_all(&p) ? copy_parsed(&p, out_condition) : -EINVAL;

	free(p.bytes);
	return ret;
}

void condition_free(struct condition *c)
{
	free(c);
}

static bool is_at(struct span payload, size_t offset, struct span literal)
{
	return payload.len > offset &&
	       span_has_prefix(span_of(payload.data + offset, payload.len - offset), literal);
}

/*
 * A search by one rare byte takes long strides over packets that do not have it. Where it is all
 * over the payload, memmem() goes on, whose worst case is linear.
 */
static bool contains(struct span payload, struct span literal, size_t anchor)
{
	size_t at = 0; /* where the literal may stand */

	for (int stops = 0; stops < ANCHOR_STOPS_MAX; stops++) {
		if (payload.len < at + literal.len) {
			return false;
		}
		const uint8_t *window = payload.data + at;
		size_t places = payload.len - at - literal.len + 1;
		const uint8_t *found = memchr(window + anchor, literal.data[anchor], places);

		if (found == NULL) {
			return false;
		}
		at += (size_t)(found - window) - anchor;
		if (span_has_prefix(span_of(payload.data + at, payload.len - at), literal)) {
			return true;
		}
		at++;
	}
	return span_contains(span_of(payload.data + at, payload.len - at), literal);
}

static bool test_match(const struct condition *c, const struct node *n, struct span payload)
{
	struct span literal = span_of(c->bytes + n->start, n->len);

	switch ((enum kind)n->kind) {
	case KIND_EMPTY:
		return payload.len == 0;
	case KIND_NONEMPTY:
		return payload.len > 0;
	case KIND_PREFIX:
		return span_has_prefix(payload, literal);
	case KIND_SUFFIX:
		return span_has_suffix(payload, literal);
	case KIND_CONTAINS:
		return contains(payload, literal, n->number);
	case KIND_EQUALS:
		return span_equal(payload, literal);
	case KIND_AT:
		return is_at(payload, n->number, literal);
	case KIND_LEN_MIN:
		return payload.len > 0 && payload.len >= n->number;
	case KIND_LEN_MAX:
		return payload.len > 0 && payload.len <= n->number;
	case KIND_LEN_IS:
		return payload.len > 0 && payload.len == n->number;
	case KIND_ANY:
	case KIND_ALL:
	case KIND_ONE:
		break;
	}
	return true;
}

static bool node_match(const struct condition *c, const struct node *n, struct span payload)
{
	if (n->kind != KIND_ALL && n->kind != KIND_ONE) {
		return test_match(c, n, payload);
	}
	for (const struct node *m = n + 1; m < n + n->size; m += m->size) {
		bool is_match = node_match(c, m, payload);

		if (is_match != (n->kind == KIND_ALL)) {
			return is_match;
		}
	}
	return n->kind == KIND_ALL;
}

bool condition_match(const struct condition *c, struct span payload)
{
	return node_match(c, &c->nodes[0], payload);
}

static const struct node *lead(const struct condition *c)
{
	return c->nodes[0].kind == KIND_ALL ? &c->nodes[1] : &c->nodes[0];
}

bool condition_lead_match(const struct condition *c, struct span payload)
{
	return node_match(c, lead(c), payload);
}

bool condition_rest_match(const struct condition *c, struct span payload)
{
	const struct node *first = lead(c);

	for (const struct node *m = first + first->size; m < c->nodes + c->nodes[0].size;
	     m += m->size) {
		if (!node_match(c, m, payload)) {
			return false;
		}
	}
	return true;
}

bool condition_same_lead(const struct condition *a, const struct condition *b)
{
	const struct node *x = lead(a);
	const struct node *y = lead(b);

	if (x->size != y->size) {
		return false;
	}
	for (size_t i = 0; i < x->size; i++) {
		if (x[i].kind != y[i].kind || x[i].size != y[i].size ||
		    x[i].number != y[i].number ||
		    !span_equal(span_of(a->bytes + x[i].start, x[i].len),
		                span_of(b->bytes + y[i].start, y[i].len))) {
			return false;
		}
	}
	return true;
}

int literal_parse(struct span text, uint8_t *out, size_t cap, size_t *out_len, struct err *err)
{
	struct parser p = {.text = text, .err = err, .bytes = out, .byte_cap = cap};

	skip_blanks(&p);
	if (!parse_literal(&p)) {
		return -EINVAL;
	}
	if (p.pos != p.text.len) {
		fail_at(&p, p.pos, "something stands behind the literal");
		return -EINVAL;
	}
	*out_len = p.byte_count;
	return 0;
}
