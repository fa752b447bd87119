/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A hash table of blocks with open addressing. A block that is there already is passed over: the
 * first file and line win.
 */
#include <passer/base/cursor.h>
#include <passer/base/log.h>
#include <passer/fingerprint/file.h>
#include <passer/fingerprint/oui.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#define PLACE_BITS     27 /* below the at most 37 bits of a key */
#define NAMES_MAX      ((size_t)1 << PLACE_BITS)
#define NAME_BYTES_MAX 256
#define SLOT_BITS_MIN  17 /* all lists together have some 52,000 blocks: less than half of that */
#define RECENT_BITS    13
#define AHEAD_LINES    32 /* read before the first of them is looked for */
#define GOLDEN_RATIO   UINT64_C(0x9e3779b97f4a7c15) /* of 2^64: multiplicative hashing */

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

struct names {
	char *bytes; /* each ends with NUL */
	size_t len, cap;
};

struct oui {
	/*
	 * A slot is one word: the key of a block above, which is its leading bits behind a 1, so
	 * that blocks of all lengths are numbers of their own; the place of its name below. 0:
	 * empty.
	 */
	uint64_t *slots;
	size_t count; /* at most half of the slots */
	unsigned slot_bits;
	struct names names;
};

struct loader {
	struct oui *oui;
	struct {
		uint32_t hash, place;
	} recent[1 << RECENT_BITS]; /* names, by their hash; the last one stays */
	bool is_read;               /* any of the files */
};

/* The name in what stands behind a block; buffer is for one that the file has in quotes. */
typedef struct span name_fn(struct span rest, char buffer[static NAME_BYTES_MAX]);

/* One line of a database. Most name a block that is known, so the name is read when it is asked. */
struct line {
	unsigned bits; /* of the block: 24, 28 or 36 */
	uint64_t block;
	struct span rest;
	name_fn *name;
};

static uint64_t slot_key(uint64_t slot)
{
	return slot >> PLACE_BITS;
}

static size_t slot_place(uint64_t slot)
{
	return slot & (NAMES_MAX - 1);
}

static uint64_t key_of(uint64_t block, unsigned bits)
{
	return UINT64_C(1) << bits | block;
}

/*
 * Where to look for a block first. Eight that are neighbours share a line of the cache: registries
 * hand them out, and lists name them, one behind the other.
 */
static uint64_t *home_of(const struct oui *oui, uint64_t key)
{
	size_t line = (key >> 3) * GOLDEN_RATIO >> (64 - oui->slot_bits + 3);

	return &oui->slots[line << 3 | (key & 7)];
}

/* Where it is, or would be. */
static uint64_t *slot_of(const struct oui *oui, uint64_t key)
{
	const uint64_t *end = oui->slots + ((size_t)1 << oui->slot_bits);
	uint64_t *slot = home_of(oui, key);

	while (*slot != 0 && slot_key(*slot) != key) {
		slot = slot + 1 < end ? slot + 1 : oui->slots;
	}
	return slot;
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

/* The value of a digit and 1, or 0. A table, since which digit comes next is nothing to be guessed.
 */
static const uint8_t hex_plus_one[UINT8_MAX + 1] = {
	['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['A'] = 11, ['B'] = 12,
	['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

/* A block written with n digits has as many bits as the registries hand out, or 0. */
static unsigned bits_of_digits(size_t n)
{
	return n == 6 || n == 7 || n == 9 ? (unsigned)n * 4 : 0;
}

/* "000A27" or "70B3D5719" at the start of text; small letters would be prose. */
static bool read_bare_block(struct span text, struct line *out_line)
{
	size_t max = text.len < 10 ? text.len : 10;
	uint64_t block = 0;
	size_t n = 0;

	for (; n < max && text.data[n] < 'a' && hex_plus_one[text.data[n]] != 0; n++) {
		block = block << 4 | (hex_plus_one[text.data[n]] - 1u);
	}
	out_line->bits = bits_of_digits(n);
	out_line->block = block;
	out_line->rest = span_of(text.data + n, text.len - n);
	return out_line->bits != 0;
}

/* Two hex digits as they come in "00:0a:27"; -1 when they are not. */
static int read_octet(const uint8_t digits[static 2])
{
	int high = hex_plus_one[digits[0]], low = hex_plus_one[digits[1]];

	return high != 0 && low != 0 ? (high - 1) << 4 | (low - 1) : -1;
}

/* "/36" at the start of text; *out_bits stays where there is no such thing. The rest of text. */
static struct span read_mask(struct span text, unsigned *out_bits)
{
	unsigned bits = 0;
	size_t n = 1;

	if (text.len == 0 || text.data[0] != '/') {
		return text;
	}
	for (; n < text.len && isdigit(text.data[n]) && bits < 100; n++) {
		bits = bits * 10 + (unsigned)(text.data[n] - '0');
	}
	*out_bits = bits;
	return span_of(text.data + n, text.len - n);
}

static struct span only_cell(struct span rest, char buffer[static NAME_BYTES_MAX])
{
	(void)buffer;
	return trim(rest);
}

/* Behind the names, a cell of its own (wireshark). */
static struct span without_comment(struct span cells)
{
	const uint8_t *comment = cells.len > 0 ? memmem(cells.data, cells.len, "\t#", 2) : NULL;

	return comment != NULL ? span_of(cells.data, (size_t)(comment - cells.data)) : cells;
}

static struct span last_cell(struct span rest, char buffer[static NAME_BYTES_MAX])
{
	struct span cells = trim(without_comment(rest));
	const uint8_t *tab = memrchr(cells.data, '\t', cells.len);
	size_t used = tab != NULL ? (size_t)(tab + 1 - cells.data) : 0;

	(void)buffer;
	return span_of(cells.data + used, cells.len - used);
}

/* A field in quotes, where "" stands for one quote (RFC 4180). */
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

static struct span csv_field(struct span rest, char buffer[static NAME_BYTES_MAX])
{
	if (rest.len > 0 && rest.data[0] == '"') {
		return trim(unquote(cur_of(rest), buffer));
	}
	const uint8_t *comma = memchr(rest.data, ',', rest.len);

	return trim(span_of(rest.data, comma != NULL ? (size_t)(comma - rest.data) : rest.len));
}

/* "00:0A:27  Apple" (ettercap), "00:1B:C5:00:00:00/36 <tab> short <tab> long" (wireshark) */
static bool parse_colons(struct span text, struct line *out_line)
{
	uint64_t address = 0;
	unsigned octets = 0;
	size_t n = 0;

	do {
		int octet = text.len - n >= 2 ? read_octet(text.data + n) : -1;

		if (octet < 0) {
			return false;
		}
		address = address << 8 | (unsigned)octet;
		n += 2;
	} while (++octets < 6 && n < text.len && text.data[n] == ':' && n++);
	unsigned bits = octets * 8;

	out_line->rest = read_mask(span_of(text.data + n, text.len - n), &bits);
	if ((bits != 24 && bits != 28 && bits != 36) || bits > octets * 8) {
		return false; /* one station or a multicast group, not a block */
	}
	out_line->bits = bits;
	out_line->block = address >> (octets * 8 - bits);
	out_line->name = last_cell;
	return true;
}

/* "000A27 Apple" (nmap, arp-scan) */
static bool parse_bare(struct span text, struct line *out_line)
{
	out_line->name = only_cell;
	return read_bare_block(text, out_line) && out_line->rest.len > 0 &&
	       (out_line->rest.data[0] == ' ' || out_line->rest.data[0] == '\t');
}

/* "MA-L,000A27,"Apple, Inc.",address" (IEEE) */
static bool parse_csv(struct span text, struct line *out_line)
{
	const uint8_t *comma = memchr(text.data, ',', text.len);
	size_t used = comma != NULL ? (size_t)(comma - text.data) + 1 : text.len;

	if (!read_bare_block(span_of(text.data + used, text.len - used), out_line) ||
	    out_line->rest.len == 0 || out_line->rest.data[0] != ',') {
		return false;
	}
	out_line->rest = span_of(out_line->rest.data + 1, out_line->rest.len - 1);
	out_line->name = csv_field;
	return true;
}

static bool parse_line(struct span text, struct line *out_line)
{
	if (text.len > 8 && text.data[2] == ':' && text.data[5] == ':') {
		return parse_colons(text, out_line);
	}
	return parse_bare(text, out_line) || parse_csv(text, out_line);
}

/* Does the line name anyone? */
static bool is_useful(const struct line *line, struct span name)
{
	static const char hidden[] = "Private"; /* the registry's word for "does not say" */

	if (name.len == 0) {
		return false;
	}
	if (line->bits == 24) {
		return line->block != 0; /* 00:00:00 is what has no address, not Xerox */
	}
	/* A hidden owner of a part says less than the owner of the whole. */
	return name.len != strlen(hidden) ||
	       strncasecmp((const char *)name.data, hidden, name.len) != 0;
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

static bool is_name_at(const struct names *names, size_t place, struct span name)
{
	return names->len - place > name.len && names->bytes[place + name.len] == '\0' &&
	       memcmp(names->bytes + place, name.data, name.len) == 0;
}

static uint32_t hash_of(struct span name)
{
	uint64_t head = 0, tail = 0;
	size_t n = name.len < sizeof(head) ? name.len : sizeof(head);

	memcpy(&head, name.data, n);
	memcpy(&tail, name.data + name.len - n, n);
	return (uint32_t)(((head ^ name.len) * GOLDEN_RATIO + tail) * GOLDEN_RATIO >> 32);
}

/* A name that was met lately is not kept once more: who has many blocks has most of them together.
 */
static int add_name(struct loader *l, struct span name, size_t *out_place)
{
	struct names *names = &l->oui->names;
	uint32_t hash = hash_of(name);
	size_t at = hash >> (32 - RECENT_BITS);

	if (l->recent[at].hash == hash && is_name_at(names, l->recent[at].place, name)) {
		*out_place = l->recent[at].place;
		return 0;
	}
	if (names->len + name.len >= NAMES_MAX) {
		return -EFBIG;
	}
	*out_place = names->len;
	l->recent[at].hash = hash;
	l->recent[at].place = (uint32_t)names->len;
	return names_add(names, name);
}

static int resize(struct oui *oui, unsigned slot_bits)
{
	struct oui old = *oui;
	size_t bytes = sizeof(old.slots[0]) << slot_bits;
	uint64_t *slots = malloc(bytes);

	if (slots == NULL) {
		return -ENOMEM;
	}
	memset(slots, 0,
	       bytes); /* not calloc(3): each page would be faulted in to read, then to write */
	oui->slots = slots;
	oui->slot_bits = slot_bits;
	for (size_t i = 0; old.slots != NULL && i < (size_t)1 << old.slot_bits; i++) {
		if (old.slots[i] != 0) {
			*slot_of(oui, slot_key(old.slots[i])) = old.slots[i];
		}
	}
	free(old.slots);
	return 0;
}

static int add_block(struct loader *l, uint64_t *slot, uint64_t key, struct span name)
{
	struct oui *oui = l->oui;
	size_t place;
	int ret = add_name(l, name, &place);

	if (ret < 0) {
		return ret;
	}
	*slot = key << PLACE_BITS | place;
	return ++oui->count * 2 == (size_t)1 << oui->slot_bits ? resize(oui, oui->slot_bits + 1)
	                                                       : 0;
}

static int take_line(struct loader *l, const struct line *line)
{
	uint64_t key = key_of(line->block, line->bits);
	uint64_t *slot = slot_of(l->oui, key);
	char buffer[NAME_BYTES_MAX];

	if (*slot != 0) {
		return 0;
	}
	struct span name = line->name(line->rest, buffer);

	return is_useful(line, name) ? add_block(l, slot, key, name) : 0;
}

/* Some lines ahead, since most of the time here is the memory's. */
static size_t read_ahead(const struct oui *oui, struct cursor *c,
                         struct line out_lines[static AHEAD_LINES])
{
	struct span text;
	size_t n = 0;

	while (n < AHEAD_LINES && cur_line(c, &text)) {
		if (parse_line(text, &out_lines[n])) {
			__builtin_prefetch(
				home_of(oui, key_of(out_lines[n].block, out_lines[n].bits)));
			n++;
		}
	}
	return n;
}

static int take_lines(void *loader, struct span text)
{
	struct loader *l = loader;
	struct line lines[AHEAD_LINES];
	struct cursor c = cur_of(text);
	int ret = 0;

	while (ret == 0 && cur_left(&c) > 0) {
		size_t count = read_ahead(l->oui, &c, lines);

		for (size_t i = 0; ret == 0 && i < count; i++) {
			ret = take_line(l, &lines[i]);
		}
	}
	return ret;
}

/* A file that is absent is no news; one that cannot be read is. Neither stops the others. */
static int add_file(struct loader *l, const char *path)
{
	struct err why;
	int ret = file_each_lines(path, take_lines, l, &why);

	l->is_read = l->is_read || ret == 0;
	if (ret < 0 && ret != -ENOENT && ret != -ENOTDIR) {
		log_warn("oui: %s", why.text);
	}
	return ret == -ENOMEM ? ret : 0;
}

static int add_files(struct loader *l, const char *const *paths, struct err *err)
{
	int ret = resize(l->oui, SLOT_BITS_MIN);

	for (size_t i = 0; ret == 0 && paths[i] != NULL; i++) {
		ret = add_file(l, paths[i]);
	}
	if (ret < 0) {
		return err_set(err, ret, "oui: %s", strerror(-ret));
	}
	if (!l->is_read) {
		return err_set(err, -ENOENT,
		               "oui: no list of manufacturers found; the packages nmap-common and "
		               "ieee-data have one");
	}
	return 0;
}

int oui_new(const char *const *paths, struct oui **out_oui, struct err *err)
{
	struct loader l = {.oui = calloc(1, sizeof(*l.oui))};

	if (l.oui == NULL) {
		return err_set(err, -ENOMEM, "oui: out of memory");
	}
	int ret = add_files(&l, paths, err);

	if (ret < 0) {
		oui_free(l.oui);
		return ret;
	}
	*out_oui = l.oui;
	return 0;
}

void oui_free(struct oui *oui)
{
	if (oui == NULL) {
		return;
	}
	free(oui->slots);
	free(oui->names.bytes);
	free(oui);
}

size_t oui_count(const struct oui *oui)
{
	return oui->count;
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
		unsigned bits = lengths_bits[i];
		uint64_t slot = *slot_of(oui, key_of(address >> (48 - bits), bits));

		if (slot != 0) {
			return oui->names.bytes + slot_place(slot);
		}
	}
	return "";
}
