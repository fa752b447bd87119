/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/fingerprint/addr_set.h>

#include <errno.h>
#include <stdlib.h>

enum column { COL_ADDRESS, COL_NOTE, COL_COUNT };

static const struct rows_column columns[COL_COUNT] = {
	[COL_ADDRESS] = {"address", true},
	[COL_NOTE] = {"note", false},
};

struct network {
	struct addr addr; /* the bits behind the prefix are zero */
	unsigned bits;
};

struct addr_set {
	struct network *networks;
	size_t count, cap;
	uint64_t leads[4]; /* a bit for each first byte that any address of the set has */
};

struct addr_set *addr_set_new(void)
{
	return calloc(1, sizeof(struct addr_set));
}

void addr_set_free(struct addr_set *s)
{
	if (s != NULL) {
		free(s->networks);
		free(s);
	}
}

static unsigned addr_bits(const struct addr *a)
{
	return a->family == ADDR_V4 ? 32 : 128;
}

static bool is_in(const struct network *n, const struct addr *a)
{
	size_t whole = n->bits / 8;
	unsigned rest = n->bits % 8;

	return n->addr.family == a->family && memcmp(n->addr.bytes, a->bytes, whole) == 0 &&
	       (rest == 0 || (n->addr.bytes[whole] ^ a->bytes[whole]) >> (8 - rest) == 0);
}

/* "24", "128": at most three digits and nothing else. */
static bool parse_bits(const char *text, unsigned max, unsigned *out_bits)
{
	size_t len = strspn(text, "0123456789");

	if (len == 0 || len > 3 || text[len] != '\0') {
		return false;
	}
	*out_bits = (unsigned)strtoul(text, NULL, 10);
	return *out_bits <= max;
}

static bool has_bits_behind(const struct network *n)
{
	for (unsigned bit = n->bits; bit < addr_bits(&n->addr); bit++) {
		if ((n->addr.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) {
			return true;
		}
	}
	return false;
}

static int parse_network(struct span text, struct network *out_network, struct err *err)
{
	char words[64];
	char *slash;

	if (text.len >= sizeof(words)) {
		return err_set(err, -EINVAL, "too long for an address");
	}
	memcpy(words, text.data, text.len);
	words[text.len] = '\0';
	slash = strchr(words, '/');
	if (slash != NULL) {
		*slash = '\0';
	}
	if (!addr_parse(words, &out_network->addr)) {
		return err_set(err, -EINVAL, "\"%s\" is not an address", words);
	}
	out_network->bits = addr_bits(&out_network->addr);
	if (slash != NULL &&
	    !parse_bits(slash + 1, addr_bits(&out_network->addr), &out_network->bits)) {
		return err_set(err, -EINVAL, "\"%s\" is not the length of a prefix", slash + 1);
	}
	if (has_bits_behind(out_network)) {
		return err_set(err, -EINVAL, "%s has bits behind its prefix of %u", words,
		               out_network->bits);
	}
	return 0;
}

static int reserve(struct addr_set *s)
{
	if (s->count < s->cap) {
		return 0;
	}
	size_t cap = s->cap * 2 + 4;
	struct network *bigger = reallocarray(s->networks, cap, sizeof(*bigger));

	if (bigger == NULL) {
		return -ENOMEM;
	}
	s->networks = bigger;
	s->cap = cap;
	return 0;
}

static void mark_leads(struct addr_set *s, const struct network *n)
{
	unsigned first = n->addr.bytes[0];
	unsigned count = n->bits >= 8 ? 1 : 1u << (8 - n->bits);

	for (unsigned lead = first; lead < first + count; lead++) {
		s->leads[lead / 64] |= UINT64_C(1) << lead % 64;
	}
}

int addr_set_add(struct addr_set *s, struct span text, struct err *err)
{
	struct network n;
	int ret = parse_network(text, &n, err);

	if (ret < 0) {
		return ret;
	}
	ret = reserve(s);
	if (ret < 0) {
		return err_set(err, ret, "out of memory");
	}
	s->networks[s->count++] = n;
	mark_leads(s, &n);
	return 0;
}

static int take_row(void *table, const struct row *row)
{
	struct err err;
	int ret = addr_set_add(table, row->cells[COL_ADDRESS], &err);

	return ret == -EINVAL ? row_bad(row, COL_ADDRESS, "%s", err.text) : ret;
}

int addr_set_load(struct addr_set *s, const char *file, struct span text,
                  struct rows_report *report)
{
	static const struct rows_format format = {columns, COL_COUNT, take_row};

	return rows_load(&format, file, text, s, report);
}

bool addr_set_has(const struct addr_set *s, const struct addr *a)
{
	unsigned lead = a->bytes[0];

	if ((s->leads[lead / 64] >> lead % 64 & 1) == 0) {
		return false;
	}
	for (size_t i = 0; i < s->count; i++) {
		if (is_in(&s->networks[i], a)) {
			return true;
		}
	}
	return false;
}

struct addr addr_set_first(const struct addr_set *s)
{
	return s->count > 0 ? s->networks[0].addr : (struct addr){.family = ADDR_NONE};
}
