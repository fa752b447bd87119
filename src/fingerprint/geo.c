/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/base/log.h>
#include <passer/fingerprint/addr_set.h>
#include <passer/fingerprint/geo.h>
#include <passer/fingerprint/signatures.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define NETS_FILE "nets_not_public.tsv"

#define FILES_MAX        16
#define NODES_LOOKED_AT  65536 /* of a tree, for a record that we can read */
#define NODES_WAITING    256   /* twice the depth of a tree */
#define SENDFILE_BYTES   ((size_t)1 << 30)
#define FIELD_DEPTH      3 /* names on the way to a field, with the NULL */
#define COUNTRY_CODE_LEN 2 /* ISO 3166-1 alpha-2 */

struct geo {
	struct addr_set *not_public;
	MMDB_s files[FILES_MAX];
	size_t count;
};

/* What is known of an address; "" and 0 are nothing. */
struct place {
	char country[COUNTRY_CODE_LEN + 1];
	uint32_t as_number;
};

const char *const geo_default_folders[] = {
	"/var/lib/GeoIP",
	"/usr/local/share/GeoIP",
	"/usr/share/GeoIP",
	NULL,
};

/* ---- fields ---------------------------------------------------------------------------------- */

static bool is_letter(uint8_t b)
{
	return (b | 0x20) >= 'a' && (b | 0x20) <= 'z';
}

static void read_country(const MMDB_entry_data_s *data, struct place *place)
{
	if (data->type != MMDB_DATA_TYPE_UTF8_STRING || data->data_size != COUNTRY_CODE_LEN ||
	    place->country[0] != '\0') {
		return;
	}
	const uint8_t *code = (const uint8_t *)data->utf8_string;

	if (is_letter(code[0]) && is_letter(code[1])) {
		place->country[0] = (char)(code[0] & ~0x20);
		place->country[1] = (char)(code[1] & ~0x20);
	}
}

/* "AS15169"; 0 when it is nothing of the kind. */
static uint32_t parse_as(struct span text)
{
	uint64_t value = 0;

	if (!span_has_prefix(text, span_str("AS")) || text.len > strlen("AS4294967295")) {
		return 0;
	}
	for (size_t i = 2; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9') {
			return 0;
		}
		value = value * 10 + (text.data[i] - '0');
	}
	return value <= UINT32_MAX ? (uint32_t)value : 0;
}

static void read_as(const MMDB_entry_data_s *data, struct place *place)
{
	if (place->as_number != 0) {
		return;
	}
	switch (data->type) {
	case MMDB_DATA_TYPE_UINT16:
		place->as_number = data->uint16;
		break;
	case MMDB_DATA_TYPE_UINT32:
		place->as_number = data->uint32;
		break;
	case MMDB_DATA_TYPE_UTF8_STRING:
		place->as_number = parse_as(span_of(data->utf8_string, data->data_size));
		break;
	default:
		break;
	}
}

/* Where databases keep a field. */
static const struct field_row {
	const char *const path[FIELD_DEPTH];
	void (*read)(const MMDB_entry_data_s *data, struct place *place);
} field_rows[] = {
	{{"country", "iso_code"}, read_country},           /* MaxMind, DB-IP */
	{{"country_code"}, read_country},                  /* ip-location-db, IPinfo Lite */
	{{"country"}, read_country},                       /* IPinfo */
	{{"autonomous_system_number"}, read_as},           /* MaxMind, DB-IP, ip-location-db */
	{{"asn"}, read_as},                                /* IPinfo: "AS15169" */
	{{"traits", "autonomous_system_number"}, read_as}, /* GeoIP2 Enterprise */
};

#define FIELD_ROW_COUNT (sizeof(field_rows) / sizeof(field_rows[0]))

static void read_entry(MMDB_entry_s entry, struct place *place)
{
	for (size_t i = 0; i < FIELD_ROW_COUNT; i++) {
		MMDB_entry_data_s data;

		if (MMDB_aget_value(&entry, &data, field_rows[i].path) == MMDB_SUCCESS &&
		    data.has_data) {
			field_rows[i].read(&data, place);
		}
	}
}

static bool is_known(const struct place *place)
{
	return place->country[0] != '\0' || place->as_number != 0;
}

/* ---- loading --------------------------------------------------------------------------------- */

struct branch {
	uint64_t record;
	uint8_t type;
	MMDB_entry_s entry;
};

/* A tree in work: nodes that are still to be looked at. */
struct walk {
	uint32_t waiting[NODES_WAITING];
	size_t count;
	bool has_fields;
};

static void take_branch(struct walk *walk, const struct branch *branch)
{
	struct place place = {.as_number = 0};

	if (branch->type == MMDB_RECORD_TYPE_SEARCH_NODE && walk->count < NODES_WAITING) {
		walk->waiting[walk->count++] = (uint32_t)branch->record;
	} else if (branch->type == MMDB_RECORD_TYPE_DATA) {
		read_entry(branch->entry, &place);
		walk->has_fields = walk->has_fields || is_known(&place);
	}
}

/* Is there a record with anything in it that we read? A database of something else has none. */
static bool has_fields(const MMDB_s *db)
{
	struct walk walk = {.count = 1}; /* node 0 is the root */

	for (int i = 0; i < NODES_LOOKED_AT && walk.count > 0 && !walk.has_fields; i++) {
		MMDB_search_node_s node;

		if (MMDB_read_node(db, walk.waiting[--walk.count], &node) != MMDB_SUCCESS) {
			continue;
		}
		take_branch(&walk, &(struct branch){node.right_record, node.right_record_type,
		                                    node.right_record_entry});
		take_branch(&walk, &(struct branch){node.left_record, node.left_record_type,
		                                    node.left_record_entry});
	}
	return walk.has_fields;
}

static int copy_bytes(int from, int to)
{
	struct stat st;
	ssize_t n;

	if (fstat(from, &st) != 0) {
		return -errno;
	}
	if (!S_ISREG(st.st_mode)) {
		return -EINVAL;
	}
	while ((n = sendfile(to, from, NULL, SENDFILE_BYTES)) > 0) {
	}
	return n == 0 ? 0 : -errno;
}

/* A descriptor of a copy in memory, or a negative errno. */
static int copy_file(const char *path)
{
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int to, ret;

	if (from < 0) {
		return -errno;
	}
	to = memfd_create("geoip", MFD_CLOEXEC);
	ret = to >= 0 ? copy_bytes(from, to) : -errno;
	close(from);
	if (ret < 0 && to >= 0) {
		close(to);
	}
	return ret < 0 ? ret : to;
}

/* The library opens by name, and maps. */
static int open_copy(int fd, const char *path, MMDB_s *out_db, struct err *err)
{
	char name[32];
	int ret;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ret = MMDB_open(name, MMDB_MODE_MMAP, out_db);
	if (ret != MMDB_SUCCESS) {
		return err_set(err, -EINVAL, "--geoip %s: %s", path, MMDB_strerror(ret));
	}
	if (!has_fields(out_db)) {
		MMDB_close(out_db);
		return err_set(err, -EINVAL, "--geoip %s: neither countries nor AS numbers in it",
		               path);
	}
	return 0;
}

int geo_add(struct geo *geo, const char *path, struct err *err)
{
	int fd, ret;

	if (geo->count == FILES_MAX) {
		return err_set(err, -EINVAL, "--geoip %s: more than %d databases", path, FILES_MAX);
	}
	fd = copy_file(path);
	if (fd < 0) {
		return err_set(err, -EINVAL, "--geoip %s: %s", path, strerror(-fd));
	}
	ret = open_copy(fd, path, &geo->files[geo->count], err);
	close(fd);
	geo->count += ret == 0;
	return ret;
}

static void add_folder(struct geo *geo, const char *folder)
{
	char pattern[4096];
	glob_t found;
	struct err err;

	snprintf(pattern, sizeof(pattern), "%s/*.mmdb", folder);
	if (glob(pattern, 0, NULL, &found) != 0) {
		return;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (geo_add(geo, found.gl_pathv[i], &err) < 0) {
			log_warn("%s", err.text);
		}
	}
	globfree(&found);
}

size_t geo_add_found(struct geo *geo, const char *const *folders)
{
	size_t before = geo->count;

	for (; *folders != NULL; folders++) {
		add_folder(geo, *folders);
	}
	return geo->count - before;
}

int geo_new(struct geo **out_geo, struct err *err)
{
	struct rows_report report = {.tell = NULL};
	struct geo *geo = calloc(1, sizeof(*geo));

	if (geo == NULL || (geo->not_public = addr_set_new()) == NULL ||
	    addr_set_load(geo->not_public, NETS_FILE, signatures_text(NETS_FILE), &report) < 0) {
		geo_free(geo);
		return err_set(err, -ENOMEM, "--geoip: out of memory");
	}
	*out_geo = geo;
	return 0;
}

void geo_free(struct geo *geo)
{
	if (geo == NULL) {
		return;
	}
	for (size_t i = 0; i < geo->count; i++) {
		MMDB_close(&geo->files[i]);
	}
	addr_set_free(geo->not_public);
	free(geo);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void to_sockaddr(const struct addr *addr, struct sockaddr_storage *out_address)
{
	*out_address = (struct sockaddr_storage){.ss_family = AF_UNSPEC};
	if (addr->family == ADDR_V4) {
		struct sockaddr_in in = {.sin_family = AF_INET};

		memcpy(&in.sin_addr, addr->bytes, sizeof(in.sin_addr));
		memcpy(out_address, &in, sizeof(in));
	} else {
		struct sockaddr_in6 in = {.sin6_family = AF_INET6};

		memcpy(&in.sin6_addr, addr->bytes, sizeof(in.sin6_addr));
		memcpy(out_address, &in, sizeof(in));
	}
}

static void find(const struct geo *geo, const struct addr *addr, struct place *out_place)
{
	struct sockaddr_storage address;

	to_sockaddr(addr, &address);
	for (size_t i = 0; i < geo->count; i++) {
		int error;
		MMDB_lookup_result_s result = MMDB_lookup_sockaddr(
			&geo->files[i], (const struct sockaddr *)&address, &error);

		if (error == MMDB_SUCCESS && result.found_entry) {
			read_entry(result.entry, out_place);
		}
	}
}

void geo_describe(const struct geo *geo, const struct addr *addr, struct text *desc)
{
	struct place place = {.as_number = 0};
	char words[32];
	struct text text;

	if (geo == NULL || addr->family == ADDR_NONE || addr_set_has(geo->not_public, addr)) {
		return;
	}
	find(geo, addr, &place);
	if (!is_known(&place)) {
		return;
	}
	text_init(&text, words, sizeof(words));
	text_add(&text, desc->len > 0 ? " " : "");
	if (place.country[0] != '\0') {
		text_add(&text, "cc=");
		text_add(&text, place.country);
	}
	if (place.as_number != 0) {
		text_add(&text, place.country[0] != '\0' ? " as=" : "as=");
		text_add_uint(&text, place.as_number);
	}
	text_add(desc, words);
}
