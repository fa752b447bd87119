/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Countries and AS numbers of addresses: what is told of which address, by a database of one
 * network that is made here; then that database damaged at every byte, and bytes that are none.
 */
#include <passer/fingerprint/geo.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define DB_SIZE  1024
#define NET_BITS 24 /* of 8.8.8.0/24 */
#define NET      0x080808u

/* clang-format off */
/* MaxMind DB File Format Specification 2.0: each value begins with its type and size. */
#define DATA                                  \
	"\xe2" /* a map of two */             \
	"\x4c" "country_code" "\x42" "us"     \
	"\x43" "asn" "\x47" "AS15169"
#define METADATA                                       \
	"\xab\xcd\xef" "MaxMind.com"                   \
	"\xe9" /* a map of nine */                     \
	"\x5b" "binary_format_major_version" "\xa1\2"  \
	"\x5b" "binary_format_minor_version" "\xa0"    \
	"\x4b" "build_epoch" "\4\2\x59\x68\x2f\0"      \
	"\x4d" "database_type" "\x44" "Test"           \
	"\x4b" "description" "\xe1\x42" "en" "\x44" "Test" \
	"\x4a" "ip_version" "\xa1\4"                   \
	"\x49" "languages" "\1\4\x42" "en"             \
	"\x4a" "node_count" "\xc1\x18"                 \
	"\x4b" "record_size" "\xa1\x18"
/* clang-format on */

struct db {
	uint8_t bytes[DB_SIZE];
	size_t len;
};

static char folder[] = "/tmp/passer-geo-XXXXXX";
static char path[sizeof(folder) + 16];

static int open_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL) {
		return -1;
	}
	snprintf(path, sizeof(path), "%s/db.mmdb", folder);
	return 0;
}

static int close_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void put(struct db *db, const void *bytes, size_t len)
{
	assert_true(len <= sizeof(db->bytes) - db->len);
	memcpy(db->bytes + db->len, bytes, len);
	db->len += len;
}

static void put_record(struct db *db, unsigned value)
{
	const uint8_t bytes[] = {(uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};

	put(db, bytes, sizeof(bytes));
}

/* A node for each bit of the network; all other ways lead nowhere. */
static struct db good_db(void)
{
	static const uint8_t separator[16];
	struct db db = {.len = 0};

	for (unsigned i = 0; i < NET_BITS; i++) {
		const unsigned bit = NET >> (NET_BITS - 1 - i) & 1;
		const unsigned next = i + 1 < NET_BITS ? i + 1 : NET_BITS + sizeof(separator);

		put_record(&db, bit == 0 ? next : NET_BITS);
		put_record(&db, bit == 1 ? next : NET_BITS);
	}
	put(&db, separator, sizeof(separator));
	put(&db, DATA, sizeof(DATA) - 1);
	put(&db, METADATA, sizeof(METADATA) - 1);
	return db;
}

static void write_file(const char *name, const void *bytes, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static struct geo *new_geo(void)
{
	struct geo *geo;
	struct err err;

	assert_int_equal(geo_new(&geo, &err), 0);
	return geo;
}

static int add(struct geo *geo, const struct db *db)
{
	struct err err = {""};
	int ret;

	write_file(path, db->bytes, db->len);
	ret = geo_add(geo, path, &err);
	assert_true(ret == 0 || ret == -EINVAL);
	assert_int_equal(ret == 0, err.text[0] == '\0');
	assert_true(ret == 0 || strstr(err.text, path) != NULL);
	return ret;
}

static const char *place_of(const struct geo *geo, const char *address)
{
	static char buf[64];
	struct text desc;
	struct addr addr;

	assert_true(addr_parse(address, &addr));
	text_init(&desc, buf, sizeof(buf));
	geo_describe(geo, &addr, &desc);
	return buf;
}

static void known_and_unknown_addresses(void **state)
{
	static const struct {
		const char *address, *text;
	} rows[] = {
		{"8.8.8.0", "cc=US as=15169"},
		{"8.8.8.255", "cc=US as=15169"},
		{"8.8.7.255", ""},
		{"8.8.9.0", ""},
		{"136.8.8.8", ""},
		{"2001:4860::8888", ""},
		{"::8.8.8.8", ""},
		{"::ffff:8.8.8.8", ""},
	};
	const struct db db = good_db();
	struct geo *geo = new_geo();

	(void)state;
	assert_string_equal(place_of(NULL, "8.8.8.8"), "");
	assert_string_equal(place_of(geo, "8.8.8.8"), "");
	assert_int_equal(add(geo, &db), 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		print_message("# %s\n", rows[i].address);
		assert_string_equal(place_of(geo, rows[i].address), rows[i].text);
	}
	geo_free(geo);
}

/* A database that knows every address: what is told is up to the table of networks. */
static struct db everything(void)
{
	static const uint8_t separator[16];
	struct db db = good_db();
	struct db all = {.len = 0};
	const size_t tree = NET_BITS * 6;

	for (unsigned i = 0; i < 2 * NET_BITS; i++) {
		put_record(&all, NET_BITS + sizeof(separator));
	}
	put(&all, db.bytes + tree, db.len - tree);
	return all;
}

static void only_public_addresses(void **state)
{
	static const struct {
		const char *address;
		bool is_public;
	} rows[] = {
		{"0.255.255.255", false},   {"1.0.0.0", true},         {"9.255.255.255", true},
		{"10.0.0.0", false},        {"10.255.255.255", false}, {"11.0.0.0", true},
		{"100.63.255.255", true},   {"100.64.0.0", false},     {"100.127.255.255", false},
		{"100.128.0.0", true},      {"127.0.0.1", false},      {"128.0.0.0", true},
		{"169.253.255.255", true},  {"169.254.1.1", false},    {"169.255.0.0", true},
		{"172.15.255.255", true},   {"172.16.0.0", false},     {"172.31.255.255", false},
		{"172.32.0.0", true},       {"192.0.0.1", false},      {"192.0.1.0", true},
		{"192.0.2.1", false},       {"192.0.3.0", true},       {"192.167.255.255", true},
		{"192.168.0.0", false},     {"192.169.0.0", true},     {"198.17.255.255", true},
		{"198.18.0.0", false},      {"198.19.255.255", false}, {"198.20.0.0", true},
		{"198.51.100.1", false},    {"203.0.113.255", false},  {"203.0.114.0", true},
		{"223.255.255.255", true},  {"224.0.0.1", false},      {"240.0.0.1", false},
		{"255.255.255.255", false},
	};
	const struct db db = everything();
	struct geo *geo = new_geo();

	(void)state;
	assert_int_equal(add(geo, &db), 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		print_message("# %s\n", rows[i].address);
		assert_string_equal(place_of(geo, rows[i].address),
		                    rows[i].is_public ? "cc=US as=15169" : "");
	}
	geo_free(geo);
}

static void a_full_description_stays(void **state)
{
	const struct db db = good_db();
	struct geo *geo = new_geo();
	char buf[20];
	struct text desc;
	struct addr addr;

	(void)state;
	assert_int_equal(add(geo, &db), 0);
	assert_true(addr_parse("8.8.8.8", &addr));
	text_init(&desc, buf, sizeof(buf));
	text_add(&desc, "abcd");
	geo_describe(geo, &addr, &desc);
	assert_string_equal(buf, "abcd cc=US as=15169");
	text_clear(&desc);
	text_add(&desc, "abcde");
	geo_describe(geo, &addr, &desc);
	assert_string_equal(buf, "abcde"); /* not a part of it */
	geo_free(geo);
}

/* A file that is written anew while it is in use. */
static void a_file_may_change_later(void **state)
{
	const struct db db = good_db();
	struct geo *geo = new_geo();

	(void)state;
	assert_int_equal(add(geo, &db), 0);
	write_file(path, "", 0);
	assert_string_equal(place_of(geo, "8.8.8.8"), "cc=US as=15169");
	geo_free(geo);
}

static void ask_around(const struct geo *geo)
{
	static const char *const addresses[] = {"8.8.8.8", "1.1.1.1", "223.0.0.1", "2001:4860::1"};

	for (size_t i = 0; i < COUNT(addresses); i++) {
		(void)place_of(geo, addresses[i]);
	}
}

/* The library forgets a list when the description in damaged metadata makes no sense. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb";
}

/* Refused or taken: it is one of both, and asking does no harm. */
static void try_db(const struct db *db)
{
	struct geo *geo = new_geo();

	if (add(geo, db) == 0) {
		ask_around(geo);
	}
	geo_free(geo);
}

static void damaged_files(void **state)
{
	static const uint8_t flips[] = {0x01, 0x20, 0x80, 0xff};
	const struct db db = good_db();

	(void)state;
	for (size_t at = 0; at < db.len; at++) {
		struct db bad = db;

		for (size_t i = 0; i < COUNT(flips); i++) {
			bad.bytes[at] = db.bytes[at] ^ flips[i];
			try_db(&bad);
		}
		bad.len = at;
		try_db(&bad);
	}
}

/* The tree gone, a part of it, or the data: the metadata promises more than there is. */
static void missing_middles(void **state)
{
	const struct db db = good_db();
	const size_t metadata = sizeof(METADATA) - 1;

	(void)state;
	for (size_t kept = 0; kept < db.len - metadata; kept++) {
		struct db bad = {.len = 0};

		put(&bad, db.bytes, kept);
		put(&bad, db.bytes + db.len - metadata, metadata);
		try_db(&bad);
	}
}

static void random_files(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (int i = 0; i < 500; i++) {
		struct db bad = {.len = sizeof(bad.bytes) - sizeof(METADATA)};

		for (size_t at = 0; at < bad.len; at++) {
			seed = seed * 1664525u + 1013904223u;
			bad.bytes[at] = (uint8_t)(seed >> 24);
		}
		if (i % 2 == 0) {
			put(&bad, METADATA, sizeof(METADATA) - 1);
		}
		try_db(&bad);
	}
}

static void what_is_no_file(void **state)
{
	static const char *const names[] = {"/nowhere/db.mmdb", "/dev/null", "/tmp", ""};
	struct geo *geo = new_geo();
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_int_equal(geo_add(geo, names[i], &err), -EINVAL);
		assert_non_null(strstr(err.text, names[i]));
	}
	geo_free(geo);
	geo_free(NULL);
}

static void folders(void **state)
{
	const char *const searched[] = {"/nowhere", folder, NULL};
	const struct db db = good_db();
	char bad[sizeof(path) + 4], other[sizeof(path) + 4];
	struct geo *geo = new_geo();

	(void)state;
	snprintf(bad, sizeof(bad), "%s/a.mmdb", folder);
	snprintf(other, sizeof(other), "%s.bak", path);
	write_file(path, db.bytes, db.len);
	write_file(other, db.bytes, db.len);
	write_file(bad, "bad", 3); /* tells, and is left out */
	assert_int_equal(geo_add_found(geo, searched), 1);
	assert_int_equal(geo_add_found(geo, searched + 2), 0);
	assert_string_equal(place_of(geo, "8.8.8.8"), "cc=US as=15169");
	unlink(bad);
	unlink(other);
	geo_free(geo);
}

static void too_many(void **state)
{
	const struct db db = good_db();
	struct geo *geo = new_geo();
	int added = 0;

	(void)state;
	while (added < 100 && add(geo, &db) == 0) {
		added++;
	}
	assert_int_equal(added, 16);
	geo_free(geo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_and_unknown_addresses),
		cmocka_unit_test(only_public_addresses),
		cmocka_unit_test(a_full_description_stays),
		cmocka_unit_test(a_file_may_change_later),
		cmocka_unit_test(damaged_files),
		cmocka_unit_test(missing_middles),
		cmocka_unit_test(random_files),
		cmocka_unit_test(what_is_no_file),
		cmocka_unit_test(folders),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests_name("geo", tests, open_folder, close_folder);
}
