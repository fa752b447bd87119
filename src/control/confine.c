/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "confine.h"

#include "control_socket.h"

#include <passer/analyzers/databases.h>
#include <passer/base/log.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- capabilities ---------------------------------------------------------------------------- */

static const struct capability capabilities[] = {
	{CAP_NET_RAW, "CAP_NET_RAW", "packet sockets", true},
	{CAP_BPF, "CAP_BPF", "eBPF filters and fanout", true},
	{CAP_PERFMON, "CAP_PERFMON",
         "eBPF without guards, which cost half the speed; Linux 6.1 and 6.12 refuse the filter "
         "with them",
         false},
};

#define CAPABILITIES (sizeof(capabilities) / sizeof(capabilities[0]))

const struct capability *capability_rows(size_t *out_count)
{
	*out_count = CAPABILITIES;
	return capabilities;
}

static void take_up_capabilities(void)
{
	uint64_t all = 0;

	for (size_t i = 0; i < CAPABILITIES; i++) {
		all |= CAP_BIT(capabilities[i].number);
	}
	privileges_take_up(all);
}

/* E2BIG: with the guards the filter has more paths than the verifier looks at. */
static bool is_want_of_rights(int code)
{
	return code == -EPERM || code == -EACCES || code == -E2BIG;
}

/* Those that are missing of the needed ones, or of the others. False: none is. */
static bool add_missing(bool is_needed, struct err *err)
{
	uint64_t permitted = privileges_permitted();
	bool is_any = false;

	for (size_t i = 0; i < CAPABILITIES; i++) {
		const struct capability *row = &capabilities[i];
		size_t len = strlen(err->text);

		if (row->is_needed == is_needed && (permitted & CAP_BIT(row->number)) == 0) {
			snprintf(err->text + len, sizeof(err->text) - len, "%s%s",
			         is_any ? ", " : "; missing: ", row->name);
			is_any = true;
		}
	}
	return is_any;
}

void confine_add_missing(int code, struct err *err)
{
	size_t len = strlen(err->text);

	if (is_want_of_rights(code) && !add_missing(true, err) && !add_missing(false, err) &&
	    code != -E2BIG) {
		snprintf(err->text + len, sizeof(err->text) - len,
		         "; none is missing here: a container or the kernel's lockdown forbids it");
	}
}

/* ---- places ---------------------------------------------------------------------------------- */

static int add_place(struct confinement *c, struct place place)
{
	place.fd = -1;
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

static int add_libraries(struct confinement *c)
{
	return add_folder(c, PLACE_READ, "/dev/urandom", true); /* libjansson */
}

/* Exactly these files, and nothing beside them. Standard input is open. */
static int add_captures(struct confinement *c, const struct options *o)
{
	int ret = 0;

	for (unsigned i = 0; i < o->file_count && ret == 0; i++) {
		if (strcmp(o->files[i], "-") == 0) {
			continue;
		}
		ret = add_place(c, (struct place){
					   .role = ROLE_READER,
					   .access = PLACE_READ,
					   .folder = strdup(o->files[i]),
				   });
	}
	return ret;
}

/* ---- what the rights of the start are still needed for --------------------------------------- */

/* The last part of a path. */
static const char *name_in(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* Nothing that has another name elsewhere. */
static void give_fd(const struct confinement *c, int fd, const char *name)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_uid == 0 &&
	    (S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_nlink == 1)) &&
	    fchown(fd, c->user.uid, (gid_t)-1) != 0) {
		log_debug("%s: cannot be given to user %s: %s", name, c->user.name,
		          strerror(errno));
	}
}

/* Not by a link. */
static void give(const struct confinement *c, int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0) {
		give_fd(c, fd, name);
		close(fd);
	}
}

static bool has_to_give(const struct confinement *c)
{
	return !c->is_off && geteuid() == 0 && c->user.uid != 0;
}

void confine_give(const struct confinement *c, const char *path)
{
	if (has_to_give(c)) {
		give(c, AT_FDCWD, path);
	}
}

int confine_make_new(const struct confinement *c, const char *path)
{
	return has_to_give(c) ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644) : -1;
}

void confine_give_new(const struct confinement *c, int fd, const char *path)
{
	if (fd >= 0) {
		give_fd(c, fd, path);
		close(fd);
	}
}

/* It is replaced as a whole, under a lock beside it; see host_files.c. */
static void give_host_file(const struct confinement *c, const struct place *place)
{
	char lock[NAME_MAX + 1];

	snprintf(lock, sizeof(lock), "%s.lock", name_in(place->file));
	give(c, place->fd, name_in(place->file));
	give(c, place->fd, lock);
}

static bool is_own_folder(const struct place *place)
{
	return strcmp(name_in(place->folder), ".passer") == 0;
}

/* A file of hosts may be in a folder that its user can use, but not reach: /root/.passer. */
static void hold_host_files(struct confinement *c, const struct host_files *host_files)
{
	for (size_t i = 0; i < c->place_count; i++) {
		struct place *place = &c->places[i];
		bool is_suspicious = place->access == PLACE_REPLACE;

		if (place->file == NULL ||
		    (!is_suspicious && strcmp(place->file, host_files->trusted) != 0)) {
			continue;
		}
		place->fd = open(place->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
		/* What a link leads to may be anything: where the link is the user may have made
		 * it. */
		if (place->fd < 0 || !has_to_give(c) ||
		    strcmp(place->file, host_files->suspicious) != 0) {
			continue;
		}
		if (is_own_folder(place)) {
			give(c, AT_FDCWD, place->folder);
		}
		give_host_file(c, place);
	}
}

/* As many files may be open at once as somebody allows who had a reason to: the hard limit. */
static rlim_t raise_descriptors_to_hard(void)
{
	struct rlimit limit = {0, 0};

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
		(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur;
}

/*
 * The reader of files may open them again when it is replaced, but not with these rights. Half of
 * the descriptors are left for all else; what is over that is opened one by one, as the user.
 */
static void hold_captures(struct confinement *c)
{
	const rlim_t fd_max = raise_descriptors_to_hard() / 2;
	bool is_full = false;

	for (size_t i = 0; i < c->place_count; i++) {
		struct place *place = &c->places[i];

		if (place->role != ROLE_READER || place->is_optional) {
			continue;
		}
		/* Named pipes do not wait for a writer then. */
		place->fd = is_full ? -1 : open(place->folder, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (place->fd < 0) {
			place->open_error = is_full ? -EMFILE : -errno;
		} else if ((rlim_t)place->fd > fd_max) {
			close(place->fd);
			place->fd = -1;
			place->open_error = -EMFILE;
			is_full = true;
		}
	}
}

int confine_take_file(const struct confinement *c, const char *path)
{
	for (size_t i = 0; i < c->place_count; i++) {
		const struct place *place = &c->places[i];

		if (place->role != ROLE_READER || strcmp(place->folder, path) != 0) {
			continue;
		}
		if (place->fd < 0) {
			return place->open_error != 0 ? place->open_error : -EAGAIN;
		}
		(void)lseek(place->fd, 0, SEEK_SET); /* a pipe has no beginning */
		int fd = fcntl(place->fd, F_DUPFD_CLOEXEC, 0);

		return fd >= 0 ? fd : -errno;
	}
	return -EAGAIN;
}

static void close_places(const struct confinement *c, enum role role)
{
	for (size_t i = 0; i < c->place_count; i++) {
		if (c->places[i].role == role && c->places[i].fd >= 0) {
			close(c->places[i].fd);
			c->places[i].fd = -1;
		}
	}
}

void confine_reach(const struct confinement *c, char *path, size_t size)
{
	for (size_t i = 0; i < c->place_count; i++) {
		const struct place *place = &c->places[i];

		if (place->fd >= 0 && place->file != NULL && strcmp(place->file, path) == 0 &&
		    access(place->folder, X_OK) != 0 && errno == EACCES) {
			snprintf(path, size, "/proc/self/fd/%d/%s", place->fd,
			         name_in(place->file));
			return;
		}
	}
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
		.is_live = options->interface_count > 0 || options->file_count == 0,
	};
	take_up_capabilities();
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
	hold_host_files(c, host_files);
	hold_captures(c);
	return 0;
}

void confine_fini(struct confinement *c)
{
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		close_places(c, (enum role)role);
	}
	for (size_t i = 0; i < c->place_count; i++) {
		free(c->places[i].folder);
		free(c->places[i].file);
	}
	free(c->places);
	calls_forget();
	*c = (struct confinement){.places = NULL};
}

/* ---- a process ------------------------------------------------------------------------------- */

/* As access(2), in the folder of a place that is held where the path does not lead there. */
static bool is_allowed(const struct place *place, const char *path, int mode)
{
	const char *at = path == place->folder ? "." : name_in(path);

	return place->fd >= 0 ? faccessat(place->fd, at, mode, 0) == 0 : access(path, mode) == 0;
}

/*
 * May the user do in a place what is to be done there, now that there are no capabilities? What is
 * not there is no trouble, but for a folder that a file is to be made in.
 */
static bool is_open_to_user(const struct place *place)
{
	const char *path = place->file != NULL ? place->file : place->folder;
	bool is_open = place->access == PLACE_READ ? is_allowed(place, path, R_OK)
	                                           : is_allowed(place, place->folder, W_OK | X_OK);
	bool is_absent = errno == ENOENT || errno == ENOTDIR;

	return is_open || (is_absent && place->access != PLACE_REPLACE);
}

/* What is missed where a place is closed; live_only: nothing in a run on files. */
static const struct {
	const char *loss;
	bool is_live_only;
} losses[] = {
	[PLACE_READ] = {"cannot read it: databases cannot be loaded anew", true},
	[PLACE_APPEND] = {"cannot make files in its folder: it cannot be opened anew", true},
	[PLACE_REPLACE] = {"cannot replace it: suspicious hosts cannot be kept", false},
	[PLACE_REMOVE] = {NULL, true}, /* a socket that is left there harms nobody */
};

static bool is_missed(const struct confinement *c, const struct place *place)
{
	return place->role == ROLE_SUPERVISOR && !place->is_optional && place->file != NULL &&
	       losses[place->access].loss != NULL &&
	       (c->is_live || !losses[place->access].is_live_only) && !is_open_to_user(place);
}

/* The file is enough where it may be reached. Its folder may be the system's: not to be given. */
static void tell_closed(const struct place *place, const char *user)
{
	const char *loss = losses[place->access].loss;

	if (place->access == PLACE_READ && access(place->folder, X_OK) == 0) {
		log_warn("%s: user %s %s; chown %s %s", place->file, user, loss, user, place->file);
	} else {
		log_warn("%s: user %s %s; keep it in a folder of that user: install -d -o %s "
		         "FOLDER",
		         place->file, user, loss, user);
	}
}

/* A path that leads over links has two places, one behind the other: one line is enough. */
static void tell_closed_places(const struct confinement *c)
{
	const char *told = "";

	for (size_t i = 0; i < c->place_count; i++) {
		const struct place *place = &c->places[i];

		if (!is_missed(c, place) || strcmp(name_in(place->file), name_in(told)) == 0) {
			continue;
		}
		tell_closed(place, c->user.name);
		told = place->file;
	}
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
 * allowed, then all capabilities go, and what is left are two nets that need no_new_privs, the one
 * that takes away the calls of the other last.
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
		ret = privileges_drop(err);
	}
	if (ret < 0) {
		close(ruleset);
		return ret;
	}
	if (role == ROLE_SUPERVISOR) {
		tell_closed_places(c);
	}
	if (role == ROLE_SUPERVISOR && c->is_live) {
		close_places(c, ROLE_READER); /* they have been read */
	}
	privileges_set_core_dumps(c->has_core_dumps);
	enter(ruleset, name);
	if (!calls_can_confine()) {
		log_debug("%s: the kernel has no filters of system calls", name);
		return 0;
	}
	return calls_confine(role, name, outputs, err);
}
