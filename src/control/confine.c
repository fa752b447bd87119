/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "confine.h"

#include "control_socket.h"

#include <passer/analyzers/databases.h>
#include <passer/base/log.h>

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- capabilities ---------------------------------------------------------------------------- */

static const struct capability capabilities[] = {
	{CAP_NET_RAW, "CAP_NET_RAW", "packet sockets, also of interfaces that come back", true},
	{CAP_BPF, "CAP_BPF", "eBPF filters and fanout, and their counters", true},
	{CAP_PERFMON, "CAP_PERFMON", "eBPF without guards that make it twice as slow", false},
};

#define CAPABILITIES (sizeof(capabilities) / sizeof(capabilities[0]))

const struct capability *capability_rows(size_t *out_count)
{
	*out_count = CAPABILITIES;
	return capabilities;
}

void confine_add_missing(struct err *err)
{
	uint64_t permitted = privileges_permitted();
	const char *before = "; missing: ";

	for (size_t i = 0; i < CAPABILITIES; i++) {
		size_t len = strlen(err->text);

		if (capabilities[i].is_needed &&
		    (permitted & CAP_BIT(capabilities[i].number)) == 0) {
			snprintf(err->text + len, sizeof(err->text) - len, "%s%s", before,
			         capabilities[i].name);
			before = ", ";
		}
	}
}

/* ---- places ---------------------------------------------------------------------------------- */

static int add_place(struct confinement *c, struct place place)
{
	if (c->place_count == c->place_room) {
		size_t room = c->place_room * 2 + 16;
		struct place *more = realloc(c->places, room * sizeof(*more));

		if (more == NULL) {
			free(place.folder);
			free(place.file);
			return -ENOMEM;
		}
		c->places = more;
		c->place_room = room;
	}
	c->places[c->place_count++] = place;
	return place.folder != NULL ? 0 : -ENOMEM;
}

static int add_folder(struct confinement *c, enum place_access access, const char *folder,
                      bool is_optional)
{
	return add_place(c, (struct place){
				    .role = ROLE_SUPERVISOR,
				    .access = access,
				    .folder = strdup(folder),
				    .is_optional = is_optional,
			    });
}

/* The folder that holds a path; a file may be replaced in it by another of its name. */
static char *folder_of(const char *path)
{
	char *copy = strdup(path);
	char *folder = copy != NULL ? strdup(dirname(copy)) : NULL;

	free(copy);
	return folder;
}

static int add_one(struct confinement *c, enum place_access access, const char *path)
{
	return add_place(c, (struct place){
				    .role = ROLE_SUPERVISOR,
				    .access = access,
				    .folder = folder_of(path),
				    .file = strdup(path),
			    });
}

/* A path may lead over links: then what lies at their end is needed, too. */
static int add_file(struct confinement *c, enum place_access access, const char *path)
{
	char real[PATH_MAX];
	int ret;

	if (path == NULL || path[0] == '\0') {
		return 0;
	}
	ret = add_one(c, access, path);
	if (ret == 0 && realpath(path, real) != NULL && strcmp(real, path) != 0) {
		ret = add_one(c, access, real);
	}
	return ret;
}

static int add_files(struct confinement *c, enum place_access access, const char *const *paths,
                     size_t count)
{
	int ret = 0;

	for (size_t i = 0; i < count && ret == 0; i++) {
		ret = add_file(c, access, paths[i]);
	}
	return ret;
}

static size_t count_of(const char *const *paths)
{
	size_t count = 0;

	while (paths[count] != NULL) {
		count++;
	}
	return count;
}

static int add_geoip(struct confinement *c, const struct options *o)
{
	int ret = 0;

	for (unsigned i = 0; i < o->geoip_count && ret == 0; i++) {
		bool is_auto = strcmp(o->geoip[i], GEOIP_AUTO) == 0;

		for (const char *const *at = geo_default_folders; is_auto && *at != NULL; at++) {
			ret = ret == 0 ? add_folder(c, PLACE_READ, *at, false) : ret;
		}
		ret = !is_auto && ret == 0 ? add_file(c, PLACE_READ, o->geoip[i]) : ret;
	}
	return ret;
}

/* A user's own files, else those of the system. */
static int add_either(struct confinement *c, const char *const *own, size_t count,
                      const char *const *usual)
{
	return count > 0 ? add_files(c, PLACE_READ, own, count)
	                 : add_files(c, PLACE_READ, usual, count_of(usual));
}

/* Read again when databases are loaded anew. */
static int add_databases(struct confinement *c, const struct options *o,
                         const struct host_files *host_files)
{
	int ret = add_files(c, PLACE_READ, oui_default_paths, count_of(oui_default_paths));

	if (ret == 0) {
		ret = add_either(c, &o->service_probes, o->service_probes != NULL,
		                 service_probes_default_paths);
	}
	if (ret == 0) {
		ret = add_either(c, o->p0f, o->p0f_count, p0f_default_paths);
	}
	if (ret == 0) {
		ret = add_files(c, PLACE_READ, o->signatures, o->signature_count);
	}
	if (ret == 0) {
		ret = add_geoip(c, o);
	}
	return ret == 0 ? add_file(c, PLACE_READ, host_files->trusted) : ret;
}

/*
 * A folder that is removed and made anew is another one: what is above it is seen too, unless that
 * is the root folder or one right in it.
 */
static int add_above(struct confinement *c, const char *path)
{
	char real[PATH_MAX];
	char *folder = folder_of(path);
	char *above = folder != NULL && realpath(folder, real) != NULL ? folder_of(real) : NULL;
	int ret = 0;

	if (above != NULL && strchr(above + 1, '/') != NULL) {
		ret = add_folder(c, PLACE_APPEND, above, true);
	}
	free(folder);
	free(above);
	return ret;
}

static int add_output(struct confinement *c, const char *path)
{
	int ret = add_file(c, PLACE_APPEND, path);

	return ret == 0 && path != NULL ? add_above(c, path) : ret;
}

/* Written anew on SIGHUP and at the end. */
static int add_outputs(struct confinement *c, const struct options *o,
                       const struct host_files *host_files)
{
	int ret = add_output(c, o->log_path);

	if (ret == 0) {
		ret = add_output(c, o->stats_path);
	}
	if (ret == 0) {
		host_files_make_folder(host_files);
		ret = add_file(c, PLACE_REPLACE, host_files->suspicious);
	}
	return ret == 0 ? add_folder(c, PLACE_REMOVE, CONTROL_FOLDER, false) : ret;
}

/* libbpf opens the root folder for the sake of its descriptor's number (bpf_map__reuse_fd). */
static int add_libraries(struct confinement *c)
{
	static const struct {
		const char *path;
		enum place_access access;
	} places[] = {
		{"/", PLACE_LIST},
		{"/sys/kernel/btf", PLACE_READ},
		{"/sys/devices/system/cpu", PLACE_READ},
		{"/dev/urandom", PLACE_READ}, /* libjansson */
	};
	int ret = 0;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && ret == 0; i++) {
		ret = add_folder(c, places[i].access, places[i].path, true);
	}
	return ret;
}

/* Exactly these files, and nothing beside them. */
static int add_captures(struct confinement *c, const struct options *o)
{
	int ret = 0;

	for (unsigned i = 0; i < o->file_count && ret == 0; i++) {
		ret = add_place(c, (struct place){
					   .role = ROLE_READER,
					   .access = PLACE_READ,
					   .folder = strdup(o->files[i]),
				   });
	}
	return ret;
}

/* Where the sanitizers' runtime finds what it tells of a fault. */
static int add_runtime(struct confinement *c)
{
	static const char *const paths[] = {"/proc", "/proc/self/exe", "/lib", "/usr/lib"};
	int ret = 0;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) && CALLS_HAVE_SANITIZERS; i++) {
		for (unsigned role = 0; role < ROLE_COUNT && ret == 0; role++) {
			ret = add_place(c, (struct place){
						   .role = (enum role)role,
						   .access = PLACE_READ,
						   .folder = strdup(paths[i]),
						   .is_optional = true,
					   });
		}
	}
	return ret;
}

int confine_init(struct confinement *c, const struct options *options,
                 const struct host_files *host_files, struct err *err)
{
	int ret;

	*c = (struct confinement){
		.is_off = options->is_unconfined,
		.has_core_dumps = options->has_core_dumps,
	};
	if (c->is_off) {
		return 0;
	}
	calls_prepare();
	ret = privileges_choose_user(options->user, &c->user, err);
	if (ret < 0) {
		return ret;
	}
	if ((ret = add_databases(c, options, host_files)) < 0 ||
	    (ret = add_outputs(c, options, host_files)) < 0 || (ret = add_libraries(c)) < 0 ||
	    (ret = add_captures(c, options)) < 0 || (ret = add_runtime(c)) < 0) {
		return err_set(err, ret, "out of memory");
	}
	return 0;
}

void confine_fini(struct confinement *c)
{
	for (size_t i = 0; i < c->place_count; i++) {
		free(c->places[i].folder);
		free(c->places[i].file);
	}
	free(c->places);
	calls_forget();
	*c = (struct confinement){.places = NULL};
}

/* ---- a process ------------------------------------------------------------------------------- */

static bool exists(const char *path)
{
	return path != NULL && access(path, F_OK) == 0;
}

/* May the user do in a place what is to be done there? access(2) asks without capabilities. */
static bool is_open_to_user(const struct place *place)
{
	bool is_read = place->access == PLACE_READ;
	const char *folder = place->folder;

	if (is_read) {
		return access(place->file != NULL ? place->file : folder, R_OK) == 0 ||
		       errno == ENOENT || errno == ENOTDIR;
	}
	if (access(folder, W_OK | X_OK) != 0) {
		return errno == ENOENT;
	}
	return !exists(place->file) || access(place->file, R_OK | W_OK) == 0;
}

/* What goes beyond the user's own permissions, where the places of the role want it. */
static uint64_t permissions(const struct confinement *c, enum role role)
{
	uint64_t wanted = 0;

	for (size_t i = 0; i < c->place_count; i++) {
		const struct place *place = &c->places[i];

		if (place->role == role && !place->is_optional &&
		    (getuid() == 0 || !is_open_to_user(place))) {
			log_debug("%s: user %s needs a capability for it",
			          place->file != NULL ? place->file : place->folder, c->user.name);
			wanted |= CAP_BIT(place->access == PLACE_READ ? CAP_DAC_READ_SEARCH
			                                              : CAP_DAC_OVERRIDE);
		}
	}
	return wanted;
}

uint64_t confine_capabilities(const struct confinement *c, enum role role)
{
	uint64_t wanted = permissions(c, role);

	for (size_t i = 0; i < CAPABILITIES && role == ROLE_SUPERVISOR; i++) {
		wanted |= CAP_BIT(capabilities[i].number);
	}
	return wanted & privileges_permitted();
}

/* The set of places of the role; a negative errno when the kernel has none. */
static int places_of(const struct confinement *c, enum role role)
{
	int ruleset = landlock_new(role != ROLE_SUPERVISOR);

	for (size_t i = 0; i < c->place_count && ruleset >= 0; i++) {
		if (c->places[i].role == role) {
			landlock_allow(ruleset, c->places[i].folder, c->places[i].access);
		}
	}
	return ruleset;
}

static void enter(int ruleset, const char *name)
{
	int ret = ruleset >= 0 ? landlock_enter(ruleset) : ruleset;

	if (ret < 0) {
		log_debug("%s: no Landlock: %s; see passer --check", name, strerror(-ret));
	}
	if (ruleset >= 0) {
		close(ruleset);
	}
}

/*
 * The order: places are found with the permissions from before, the user is changed while that is
 * allowed, and what is left are two nets that need no_new_privs, the one that takes away the calls
 * of the other last.
 */
int confine_process(const struct confinement *c, enum role role, const char *name,
                    const struct calls_outputs *outputs, struct err *err)
{
	int ruleset, ret;

	if (c->is_off) {
		return 0;
	}
	ruleset = places_of(c, role);
	ret = privileges_become(&c->user, err);
	if (ret == 0) {
		ret = privileges_keep(confine_capabilities(c, role), err);
	}
	if (ret < 0) {
		close(ruleset);
		return ret;
	}
	privileges_set_core_dumps(c->has_core_dumps);
	enter(ruleset, name);
	if (!calls_can_confine()) {
		log_debug("%s: the kernel has no filters of system calls", name);
		return 0;
	}
	return calls_confine(role, name, outputs, err);
}
