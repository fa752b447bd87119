/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host_files.h"

#include <passer/base/log.h>
#include <passer/fingerprint/signatures.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOME_FOLDER     ".passer"
#define TRUSTED_NAME    "trusted_ips.json"
#define SUSPICIOUS_NAME "suspicious_ips.json"
#define TRUSTED_TABLE   "hosts_trusted.tsv"

/* ---- where ----------------------------------------------------------------------------------- */

static bool is_too_long(int length)
{
	return length < 0 ||
	       length >= HOST_FILE_PATH_SIZE - 8; /* names with an end are made of it */
}

static bool set_path(char *out_path, const char *named, const char *home, const char *name)
{
	if (named != NULL) {
		return !is_too_long(snprintf(out_path, HOST_FILE_PATH_SIZE, "%s", named));
	}
	if (home == NULL || home[0] == '\0') {
		out_path[0] = '\0';
		return true;
	}
	return !is_too_long(
		snprintf(out_path, HOST_FILE_PATH_SIZE, "%s/" HOME_FOLDER "/%s", home, name));
}

int host_files_init(struct host_files *files, const struct options *options, struct err *err)
{
	const char *home = getenv("HOME");

	files->is_trusted_named = options->trusted_path != NULL;
	if (!set_path(files->trusted, options->trusted_path, home, TRUSTED_NAME) ||
	    !set_path(files->suspicious, options->suspicious_path, home, SUSPICIOUS_NAME)) {
		return err_set(err, -ENAMETOOLONG, "the path of a file of hosts is too long");
	}
	if (files->suspicious[0] == '\0') {
		log_warn("HOME is not set: suspicious hosts are not kept; --suspicious-ips names a "
		         "file");
	}
	return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

static json_t *parse(const char *path, FILE *file, struct err *err)
{
	json_error_t why;
	json_t *root;
	int c = getc(file);

	if (c == EOF) {
		return json_object();
	}
	ungetc(c, file);
	root = json_loadf(file, 0, &why);
	if (root == NULL) {
		err_set(err, -EINVAL, "%s: is no JSON: line %d: %s", path, why.line, why.text);
	} else if (!json_is_object(root) && !json_is_array(root)) {
		err_set(err, -EINVAL, "%s: neither an object nor an array of addresses", path);
		json_decref(root);
		root = NULL;
	}
	return root;
}

/* An object or an array; an empty file is an empty object. -ENOENT when there is none. */
static int read_json(const char *path, json_t **out_root, struct err *err)
{
	FILE *file = fopen(path, "re");

	if (file == NULL) {
		return err_set(err, -errno, "%s: cannot be read: %s", path, strerror(errno));
	}
	*out_root = parse(path, file, err);
	fclose(file);
	return *out_root != NULL ? 0 : -EINVAL;
}

/* The addresses of either form, one after another. */
struct walk {
	json_t *root;
	void *at;     /* in an object */
	size_t index; /* in an array */
};

/* The next address, as it is written; *out_words is what it has in an object, else NULL. */
static const char *next_host(struct walk *w, json_t **out_words)
{
	const char *host = NULL;

	*out_words = NULL;
	while (json_is_array(w->root) && host == NULL && w->index < json_array_size(w->root)) {
		host = json_string_value(json_array_get(w->root, w->index++));
	}
	if (json_is_object(w->root)) {
		w->at = w->index++ == 0 ? json_object_iter(w->root)
		                        : json_object_iter_next(w->root, w->at);
		host = json_object_iter_key(w->at);
		*out_words = json_object_iter_value(w->at);
	}
	return host;
}

/* ---- trusted hosts --------------------------------------------------------------------------- */

/* 1 when there was any host, else 0; or -ENOMEM. */
static int add_trusted(struct addr_set *trusted, const char *path, json_t *root)
{
	struct walk walk = {.root = root};
	size_t good = 0, bad = 0;
	json_t *words;
	struct err err, first = {.text = ""};

	for (const char *host; (host = next_host(&walk, &words)) != NULL;) {
		int ret = addr_set_add(trusted, span_str(host), &err);

		if (ret == -ENOMEM) {
			return ret;
		}
		if (ret < 0 && bad++ == 0) {
			first = err;
		}
		good += ret == 0;
	}
	if (bad > 0) {
		log_warn("%s: %zu of its hosts are left out, the first: %s", path, bad, first.text);
	}
	return good > 0;
}

/* As add_trusted(). */
static int load_trusted_file(const struct host_files *files, struct addr_set *trusted)
{
	json_t *root;
	struct err err;
	int ret;

	if (files->trusted[0] == '\0') {
		return 0;
	}
	ret = read_json(files->trusted, &root, &err);
	if (ret < 0) {
		if (ret != -ENOENT || files->is_trusted_named) {
			log_warn("%s; the root name servers are trusted instead", err.text);
		}
		return 0;
	}
	ret = add_trusted(trusted, files->trusted, root);
	json_decref(root);
	return ret;
}

int host_files_load_trusted(const struct host_files *files, struct addr_set **out_trusted,
                            struct err *err)
{
	struct rows_report report = {.tell = NULL};
	struct addr_set *trusted = addr_set_new();
	int ret = trusted != NULL ? load_trusted_file(files, trusted) : -ENOMEM;

	if (ret == 0) {
		ret = addr_set_load(trusted, TRUSTED_TABLE, signatures_text(TRUSTED_TABLE),
		                    &report);
	}
	if (ret < 0) {
		addr_set_free(trusted);
		return err_set(err, ret, "trusted hosts: %s", strerror(-ret));
	}
	*out_trusted = trusted;
	return 0;
}

/* ---- suspicious hosts ------------------------------------------------------------------------ */

void host_files_load_suspicious(const struct host_files *files, const struct addr_set *trusted,
                                struct suspects *suspects)
{
	struct walk walk = {.index = 0};
	json_t *words;
	struct addr addr;
	struct err err;
	int ret;

	if (files->suspicious[0] == '\0') {
		return;
	}
	ret = read_json(files->suspicious, &walk.root, &err);
	if (ret < 0) {
		if (ret != -ENOENT) {
			log_warn("%s; what earlier runs found is not known", err.text);
		}
		return;
	}
	for (const char *host; (host = next_host(&walk, &words)) != NULL;) {
		if (addr_parse(host, &addr) && !addr_set_has(trusted, &addr)) {
			suspects_add_earlier(suspects, &addr);
		}
	}
	json_decref(walk.root);
}

static bool has_string(const json_t *array, const char *word)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *there = json_string_value(json_array_get(array, i));

		if (there != NULL && strcmp(there, word) == 0) {
			return true;
		}
	}
	return false;
}

/* The words of a host in the object, an empty array when it was not there. Borrowed. */
static json_t *words_of(json_t *object, const char *host)
{
	json_t *words = json_object_get(object, host);

	if (!json_is_array(words)) {
		words = json_array();
		(void)json_object_set_new(object, host, words);
	}
	return json_object_get(object, host);
}

static int add_word(json_t *words, json_t *word)
{
	if (json_is_string(word) && has_string(words, json_string_value(word))) {
		return 0;
	}
	return json_array_append(words, word) == 0 ? 0 : -ENOMEM;
}

/* Of an array or of one word; NULL: none. */
static int add_words(json_t *object, const char *host, json_t *more)
{
	json_t *words = words_of(object, host);
	int ret = words != NULL ? 0 : -ENOMEM;

	if (ret == 0 && more != NULL && !json_is_array(more)) {
		ret = add_word(words, more);
	}
	for (size_t i = 0; ret == 0 && i < json_array_size(more); i++) {
		ret = add_word(words, json_array_get(more, i));
	}
	return ret;
}

/*
 * What the file held as an object without trusted hosts, addresses in the spelling of our records.
 * A key that is no address stays as it is: it is the user's.
 */
static int add_old(json_t *object, json_t *root, const struct addr_set *trusted)
{
	struct walk walk = {.root = root};
	json_t *words;
	int ret = 0;

	for (const char *host; ret == 0 && (host = next_host(&walk, &words)) != NULL;) {
		char text[ADDR_TEXT_SIZE];
		struct addr addr;

		if (!addr_parse(host, &addr)) {
			ret = json_object_set(object, host, words != NULL ? words : json_null()) < 0
			              ? -ENOMEM
			              : 0;
		} else if (!addr_set_has(trusted, &addr)) {
			addr_format(&addr, text);
			ret = add_words(object, text, words);
		}
	}
	return ret;
}

static int add_new(json_t *object, const struct suspect *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		json_t *more = json_array();
		int ret = 0;

		for (unsigned w = 0; ret == 0 && w < list[i].word_count; w++) {
			const char *name = warning_name((enum warning)list[i].words[w]);

			ret = json_array_append_new(more, json_string(name)) < 0 ? -ENOMEM : 0;
		}
		if (ret == 0) {
			ret = add_words(object, list[i].text, more);
		}
		json_decref(more);
		if (ret < 0) {
			return ret;
		}
	}
	return 0;
}

/* ---- replacing the file ---------------------------------------------------------------------- */

/* The folder of the default path is made when something is to be written into it. */
static void make_home_folder(const char *path)
{
	char folder[HOST_FILE_PATH_SIZE];
	const char *slash = strrchr(path, '/');

	if (slash == NULL) {
		return;
	}
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	if (span_has_suffix(span_str(folder), span_str("/" HOME_FOLDER))) {
		(void)mkdir(folder, 0700); /* if it fails, what follows fails and says so */
	}
}

void host_files_make_folder(const struct host_files *files)
{
	make_home_folder(files->suspicious);
}

/* Waits for the other instance that is at the same work. */
static int lock(const char *path, struct err *err)
{
	char name[HOST_FILE_PATH_SIZE];
	int fd, ret;

	snprintf(name, sizeof(name), "%s.lock", path);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		return err_set(err, -errno, "%s: cannot be written: %s", name, strerror(errno));
	}
	do {
		ret = flock(fd, LOCK_EX) == 0 ? 0 : -errno;
	} while (ret == -EINTR);
	if (ret < 0) {
		close(fd);
		return err_set(err, ret, "%s: cannot be locked: %s", name, strerror(-ret));
	}
	return fd;
}

/* The new file belongs to whom the old one did, as far as we may. */
static void copy_owner(const char *path, int fd)
{
	struct stat st;

	if (stat(path, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0) {
		(void)fchmod(fd, st.st_mode & 0777);
	}
}

static int write_object(const char *path, int fd, const json_t *object)
{
	FILE *file = fdopen(fd, "w");
	int ret = 0;

	if (file == NULL) {
		ret = -errno;
		close(fd);
		return ret;
	}
	copy_owner(path, fd);
	errno = 0;
	if (json_dumpf(object, file, JSON_ENSURE_ASCII) != 0 || fflush(file) != 0 ||
	    fsync(fd) != 0) {
		ret = errno != 0 ? -errno : -EIO;
	}
	fclose(file);
	return ret;
}

static void sync_folder(const char *path)
{
	char folder[HOST_FILE_PATH_SIZE];
	const char *slash = strrchr(path, '/');
	int fd;

	snprintf(folder, sizeof(folder), "%.*s", slash != NULL ? (int)(slash - path + 1) : 1,
	         slash != NULL ? path : ".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd); /* a new name that is lost with the power leaves the old file */
		close(fd);
	}
}

static int replace(const char *path, const json_t *object, struct err *err)
{
	char name[HOST_FILE_PATH_SIZE];
	int fd, ret;

	snprintf(name, sizeof(name), "%s.new", path);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0) {
		return err_set(err, -errno, "%s: cannot be written: %s", name, strerror(errno));
	}
	ret = write_object(path, fd, object);
	if (ret == 0 && rename(name, path) != 0) {
		ret = -errno;
	}
	if (ret < 0) {
		unlink(name);
		return err_set(err, ret, "%s: cannot be written: %s", path, strerror(-ret));
	}
	sync_folder(path);
	return 0;
}

/* Under the lock: what another instance added since the start is there, too. */
static int merge(const struct host_files *files, const struct addr_set *trusted,
                 const struct suspect *list, size_t count, struct err *err)
{
	json_t *root = NULL, *object = json_object();
	int ret = read_json(files->suspicious, &root, err);

	if (ret == -ENOENT) {
		ret = 0;
	} else if (ret == 0) {
		ret = add_old(object, root, trusted);
	}
	if (ret == 0) {
		ret = add_new(object, list, count);
	}
	if (ret == -ENOMEM) {
		err_set(err, ret, "%s: out of memory", files->suspicious);
	}
	if (ret == 0) {
		ret = replace(files->suspicious, object, err);
	}
	json_decref(root);
	json_decref(object);
	return ret;
}

int host_files_save_suspicious(const struct host_files *files, const struct addr_set *trusted,
                               const struct suspect *list, size_t count, struct err *err)
{
	int fd, ret;

	if (files->suspicious[0] == '\0') {
		return 0;
	}
	make_home_folder(files->suspicious);
	fd = lock(files->suspicious, err);
	ret = fd >= 0 ? merge(files, trusted, list, count, err) : fd;
	if (fd >= 0) {
		close(fd);
	}
	return ret;
}
