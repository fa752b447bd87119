/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One sorted array for each block length. An item is one word: the leading bits of the block above,
 * the place of its name below. Names are appended in the order of the files, so plain sorting puts
 * the first file's item first, and the others of the same block are dropped.
 */
#include <passer/base/cursor.h>
#include <passer/base/hash.h>
#include <passer/base/log.h>
#include <passer/fingerprint/file.h>
#include <passer/fingerprint/oui.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#define PLACE_BITS     28 /* below the at most 36 bits of a block */
#define NAMES_MAX      ((size_t)1 << PLACE_BITS)
#define NAME_BYTES_MAX 256

const char *const oui_default_paths[] = {
	"/usr/local/share/nmap/nmap-mac-prefixes",
	"/usr/share/nmap/nmap-mac-prefixes",
	"/usr/share/ettercap/etter.finger.mac",
	"/usr/share/wireshark/manuf",
	"/usr/share/arp-scan/ieee-oui.txt",
	"/usr/share/ieee-data/oui.csv",
	"/usr/share/ieee-data/mam.csv",
	"/usr/share/ieee-data/oui36.csv",
	"/usr/share/ieee-data/iab.csv",
	NULL,
};

/* Longest first: the order of the search. */
static const unsigned lengths_bits[] = {36, 28, 24};

#define LENGTH_COUNT (sizeof(lengths_bits) / sizeof(lengths_bits[0]))

struct blocks {
	uint64_t *items;
	size_t count, cap;
};

struct names {
	char *bytes; /* each ends with NUL */
	size_t len, cap;
};

struct oui {
	struct blocks by_length[LENGTH_COUNT];
	struct names names;
};

/* One line of a database. */
struct line {
	unsigned bits; /* of the block: 24, 28 or 36 */
	uint64_t block;
	struct span name;
	char unquoted[NAME_BYTES_MAX]; /* name points here where the file had it in quotes */
};

static uint64_t item_block(uint64_t item)
{
	return item >> PLACE_BITS;
}

static size_t item_place(uint64_t item)
{
	return item & (NAMES_MAX - 1);
}

static struct span trim(struct span s)
{
	while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
		s = span_of(s.data + 1, s.len - 1);
	}
	while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t')) {
		s.len--;
	}
	return s;
}

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'A' && c <= 'F') {
		return c - 'A' + 10;
	}
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A block written with n digits has as many bits as the registries hand out, or 0. */
static unsigned bits_of_digits(size_t n)
{
	return n == 6 || n == 7 || n == 9 ? (unsigned)n * 4 : 0;
}

/* "000A27" or "70B3D5719" before a blank or a comma; small letters would be prose. */
static bool read_bare_block(struct cursor *c, struct line *out_line)
{
	uint64_t block = 0;
	size_t n = 0;

	for (; cur_left(c) > 0 && n < 10; n++) {
		int digit = hex_value(*c->pos);

		if (digit < 0 || islower(*c->pos)) {
			break;
		}
		block = block << 4 | (uint64_t)digit;
		cur_skip(c, 1);
	}
	out_line->bits = bits_of_digits(n);
	out_line->block = block;
	return out_line->bits != 0;
}

/* Two hex digits as they come in "00:0a:27"; -1 when they are not. */
static int read_octet(struct cursor *c)
{
	int high = hex_value(cur_u8(c));
	int low = hex_value(cur_u8(c));

	return high >= 0 && low >= 0 ? high << 4 | low : -1;
}

/* "/36" behind an address; *out_bits stays where there is no such thing. */
static void read_mask(struct cursor *c, unsigned *out_bits)
{
	unsigned bits = 0;

	if (cur_left(c) == 0 || *c->pos != '/') {
		return;
	}
	cur_skip(c, 1);
	while (cur_left(c) > 0 && isdigit(*c->pos) && bits < 100) {
		bits = bits * 10 + (unsigned)(cur_u8(c) - '0');
	}
	*out_bits = bits;
}

/* "00:0A:27  Apple" (ettercap), "00:1B:C5:00:00:00/36 <tab> short <tab> long" (wireshark) */
static bool parse_colons(struct cursor c, struct line *out_line)
{
	uint64_t address = 0;
	unsigned octets = 0;

	while (octets < 6) {
		int octet = read_octet(&c);

		if (octet < 0) {
			return false;
		}
		address = address << 8 | (unsigned)octet;
		octets++;
		if (cur_left(&c) == 0 || *c.pos != ':') {
			break;
		}
		cur_skip(&c, 1);
	}
	unsigned bits = octets * 8;

	read_mask(&c, &bits);
	if ((bits != 24 && bits != 28 && bits != 36) || bits > octets * 8) {
		return false; /* one station or a multicast group, not a block */
	}
	out_line->bits = bits;
	out_line->block = address >> (octets * 8 - bits);
	out_line->name = trim(cur_rest(&c));

	const uint8_t *tab = memrchr(out_line->name.data, '\t', out_line->name.len);

	if (tab != NULL) {
		size_t used = (size_t)(tab + 1 - out_line->name.data);

		out_line->name = span_of(tab + 1, out_line->name.len - used);
	}
	return true;
}

/* "000A27 Apple" (nmap, arp-scan) */
static bool parse_bare(struct cursor c, struct line *out_line)
{
	if (!read_bare_block(&c, out_line) || cur_left(&c) == 0 ||
	    (*c.pos != ' ' && *c.pos != '\t')) {
		return false;
	}
	out_line->name = trim(cur_rest(&c));
	return true;
}

/* A CSV field in quotes, where "" stands for one quote (RFC 4180). */
static struct span unquote(struct cursor c, char out[static NAME_BYTES_MAX])
{
	size_t n = 0;

	cur_skip(&c, 1);
	while (cur_left(&c) > 0 && n < NAME_BYTES_MAX) {
		uint8_t b = cur_u8(&c);

		if (b == '"' && (cur_left(&c) == 0 || cur_u8(&c) != '"')) {
			break;
		}
		out[n++] = (char)b;
	}
	return span_of(out, n);
}

static void skip_field(struct cursor *c)
{
	while (cur_left(c) > 0 && cur_u8(c) != ',') {
	}
}

/* "MA-L,000A27,"Apple, Inc.",address" (IEEE) */
static bool parse_csv(struct cursor c, struct line *out_line)
{
	skip_field(&c);
	if (!read_bare_block(&c, out_line) || cur_u8(&c) != ',') {
		return false;
	}
	if (cur_left(&c) > 0 && *c.pos == '"') {
		out_line->name = unquote(c, out_line->unquoted);
	} else {
		const uint8_t *comma = memchr(c.pos, ',', cur_left(&c));
		size_t n = comma != NULL ? (size_t)(comma - c.pos) : cur_left(&c);

		out_line->name = cur_take(&c, n);
	}
	out_line->name = trim(out_line->name);
	return true;
}

static bool parse_line(struct span text, struct line *out_line)
{
	struct cursor c = cur_of(text);

	if (text.len > 8 && text.data[2] == ':' && text.data[5] == ':') {
		return parse_colons(c, out_line);
	}
	return parse_bare(c, out_line) || parse_csv(c, out_line);
}

/* Does the line name anyone? */
static bool is_useful(const struct line *line)
{
	static const char hidden[] = "Private"; /* the registry's word for "does not say" */

	if (line->name.len == 0) {
		return false;
	}
	if (line->bits == 24) {
		return line->block != 0; /* 00:00:00 is what has no address, not Xerox */
	}
	/* A hidden owner of a part says less than the owner of the whole. */
	return line->name.len != strlen(hidden) ||
	       strncasecmp((const char *)line->name.data, hidden, line->name.len) != 0;
}

static int names_add(struct names *names, struct span name)
{
	if (names->cap - names->len < name.len + 1) {
		size_t cap = names->cap * 2 + name.len + 4096;
		char *bigger = realloc(names->bytes, cap);

		if (bigger == NULL) {
			return -ENOMEM;
		}
		names->bytes = bigger;
		names->cap = cap;
	}
	memcpy(names->bytes + names->len, name.data, name.len);
	names->len += name.len;
	names->bytes[names->len++] = '\0';
	return 0;
}

static int blocks_add(struct blocks *blocks, uint64_t item)
{
	if (blocks->count == blocks->cap) {
		size_t cap = blocks->cap * 2 + 1024;
		uint64_t *bigger = reallocarray(blocks->items, cap, sizeof(*bigger));

		if (bigger == NULL) {
			return -ENOMEM;
		}
		blocks->items = bigger;
		blocks->cap = cap;
	}
	blocks->items[blocks->count++] = item;
	return 0;
}

static int add_line(struct oui *oui, const struct line *line)
{
	size_t place = oui->names.len;

	if (place + line->name.len >= NAMES_MAX) {
		return -EFBIG;
	}
	for (size_t i = 0; i < LENGTH_COUNT; i++) {
		if (lengths_bits[i] == line->bits) {
			uint64_t item = line->block << PLACE_BITS | place;
			int ret = blocks_add(&oui->by_length[i], item);

			return ret < 0 ? ret : names_add(&oui->names, line->name);
		}
	}
	return 0;
}

static int add_text(struct oui *oui, struct span text)
{
	struct cursor c = cur_of(text);
	struct span one;
	int ret = 0;

	while (ret == 0 && cur_line(&c, &one)) {
		struct line line;

		if (parse_line(one, &line) && is_useful(&line)) {
			ret = add_line(oui, &line);
		}
	}
	return ret;
}

/* A file that is absent is no news; one that cannot be read is. Neither stops the others. */
static int add_file(struct oui *oui, const char *path, bool *out_is_read)
{
	struct err why;
	uint8_t *bytes;
	size_t len;
	int ret = file_read(path, &bytes, &len, &why);

	if (ret == -ENOENT || ret == -ENOTDIR) {
		return 0;
	}
	if (ret < 0) {
		log_warn("oui: %s", why.text);
		return ret == -ENOMEM ? ret : 0;
	}
	ret = add_text(oui, span_of(bytes, len));
	free(bytes);
	*out_is_read = true;
	return ret;
}

static int compare_items(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Sorts, and keeps the first item of each block. */
static void blocks_settle(struct blocks *blocks)
{
	size_t kept = 0;

	if (blocks->count == 0) {
		return;
	}
	qsort(blocks->items, blocks->count, sizeof(blocks->items[0]), compare_items);
	for (size_t i = 0; i < blocks->count; i++) {
		uint64_t item = blocks->items[i];

		if (kept == 0 || item_block(blocks->items[kept - 1]) != item_block(item)) {
			blocks->items[kept++] = item;
		}
	}
	blocks->count = kept;

	uint64_t *smaller = reallocarray(blocks->items, kept, sizeof(*smaller));

	if (smaller != NULL) {
		blocks->items = smaller;
		blocks->cap = kept;
	}
}

/* Every name once: the places of the names in a new list, found by their hash. */
struct pool {
	struct names names;
	uint32_t *slots; /* place + 1, or 0 */
	size_t mask;
};

static int pool_init(struct pool *pool, size_t names_max)
{
	size_t n = 16;

	while (n < names_max * 2) {
		n *= 2;
	}
	*pool = (struct pool){.slots = calloc(n, sizeof(uint32_t)), .mask = n - 1};
	return pool->slots != NULL ? 0 : -ENOMEM;
}

static int pool_add(struct pool *pool, const char *name, size_t *out_place)
{
	/* Our own files, and the places are not visible: the key needs no secret. */
	static const struct hash_key key;
	struct hash hash;
	size_t len = strlen(name);

	hash_init(&hash, &key);
	hash_add(&hash, name, len);

	size_t slot = hash_final(&hash) & pool->mask;

	while (pool->slots[slot] != 0) {
		size_t place = pool->slots[slot] - 1;

		if (strcmp(pool->names.bytes + place, name) == 0) {
			*out_place = place;
			return 0;
		}
		slot = (slot + 1) & pool->mask;
	}
	*out_place = pool->names.len;
	pool->slots[slot] = (uint32_t)*out_place + 1;
	return names_add(&pool->names, span_of(name, len));
}

/* Lets go of the names that nobody has any more, and of those that are there twice. */
static int share_names(struct oui *oui)
{
	struct pool pool;
	int ret = pool_init(&pool, oui_count(oui));

	for (size_t i = 0; ret == 0 && i < LENGTH_COUNT; i++) {
		struct blocks *blocks = &oui->by_length[i];

		for (size_t k = 0; ret == 0 && k < blocks->count; k++) {
			uint64_t item = blocks->items[k];
			size_t place;

			ret = pool_add(&pool, oui->names.bytes + item_place(item), &place);
			if (ret == 0) {
				blocks->items[k] = item_block(item) << PLACE_BITS | place;
			}
		}
	}
	free(pool.slots);
	free(oui->names.bytes);
	oui->names = pool.names;
	return ret;
}

static int add_files(struct oui *oui, const char *const *paths, struct err *err)
{
	bool is_read = false;

	for (size_t i = 0; paths[i] != NULL; i++) {
		int ret = add_file(oui, paths[i], &is_read);

		if (ret < 0) {
			return err_set(err, ret, "oui: %s: %s", paths[i], strerror(-ret));
		}
	}
	if (!is_read) {
		return err_set(err, -ENOENT,
		               "oui: no list of manufacturers found; the packages nmap-common and "
		               "ieee-data have one");
	}
	return 0;
}

static int settle(struct oui *oui, struct err *err)
{
	for (size_t i = 0; i < LENGTH_COUNT; i++) {
		blocks_settle(&oui->by_length[i]);
	}
	int ret = share_names(oui);

	return ret < 0 ? err_set(err, ret, "oui: %s", strerror(-ret)) : 0;
}

int oui_new(const char *const *paths, struct oui **out_oui, struct err *err)
{
	struct oui *oui = calloc(1, sizeof(*oui));

	if (oui == NULL) {
		return err_set(err, -ENOMEM, "oui: out of memory");
	}
	int ret = add_files(oui, paths, err);

	if (ret == 0) {
		ret = settle(oui, err);
	}
	if (ret < 0) {
		oui_free(oui);
		return ret;
	}
	*out_oui = oui;
	return 0;
}

void oui_free(struct oui *oui)
{
	if (oui == NULL) {
		return;
	}
	for (size_t i = 0; i < LENGTH_COUNT; i++) {
		free(oui->by_length[i].items);
	}
	free(oui->names.bytes);
	free(oui);
}

size_t oui_count(const struct oui *oui)
{
	size_t n = 0;

	for (size_t i = 0; i < LENGTH_COUNT; i++) {
		n += oui->by_length[i].count;
	}
	return n;
}

static int compare_block(const void *key, const void *item)
{
	uint64_t x = *(const uint64_t *)key;
	uint64_t y = item_block(*(const uint64_t *)item);

	return (x > y) - (x < y);
}

const char *oui_find(const struct oui *oui, const struct mac *mac)
{
	uint64_t address = 0;

	if (oui == NULL) {
		return "";
	}
	for (size_t i = 0; i < sizeof(mac->bytes); i++) {
		address = address << 8 | mac->bytes[i];
	}
	for (size_t i = 0; i < LENGTH_COUNT; i++) {
		const struct blocks *blocks = &oui->by_length[i];
		uint64_t block = address >> (48 - lengths_bits[i]);
		const uint64_t *item = NULL;

		if (blocks->count > 0) {
			item = bsearch(&block, blocks->items, blocks->count, sizeof(*item),
			               compare_block);
		}
		if (item != NULL) {
			return oui->names.bytes + item_place(*item);
		}
	}
	return "";
}
