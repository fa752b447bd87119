/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What each process may still do when all that needs root is done: its user, its capabilities, its
 * system calls, the files that it sees. docs/threat-model.md says who may do what and why.
 *
 * Credentials and capabilities must be had as said here, else the process does not go on. Landlock
 * and filters of system calls are as good as the kernel has them; passer --check tells.
 */
#pragma once

#include "calls.h"
#include "host_files.h"
#include "landlock.h"
#include "options.h"
#include "privileges.h"

#include <stddef.h>

/* A file that a role needs later, and the folder of it that it sees. */
struct place {
	enum role role;
	enum place_access access;
	char *folder;     /* owned; the file itself where nothing beside it is needed */
	char *file;       /* owned; NULL: none in particular */
	bool is_optional; /* seen, but nothing is missed when the user may not use it */
	int fd;           /* of the folder, opened with the rights of the start; -1: none */
	int open_error;   /* negative errno when that was tried in vain, else 0 */
};

struct confinement {
	bool is_off; /* --unconfined */
	bool has_core_dumps;
	bool is_live; /* the run listens, so files are opened anew in it */
	struct user user;
	struct place *places; /* owned array */
	size_t place_count;
	size_t place_room;
};

/*
 * Chooses the user and notes the places, while every path can still be reached; opens the capture
 * files; makes permitted capabilities effective. The folder of suspicious hosts is made, and it and
 * what is in it is given to the user. 0, or a negative errno with err set; confine_fini() is due in
 * either case.
 */
int confine_init(struct confinement *confinement, const struct options *options,
                 const struct host_files *host_files, struct err *err);
void confine_fini(struct confinement *confinement);

/*
 * Gives a folder of passer's own that root owns to the user, so that it can do there later what it
 * could as root.
 */
void confine_give(const struct confinement *confinement, const char *path);

/*
 * Makes a file that is to be given to the user, before it is opened by its path. A descriptor for
 * confine_give_new(); -1: it is there already, cannot be made, or needs not be given.
 */
int confine_make_new(const struct confinement *confinement, const char *path);

/*
 * Gives what confine_make_new() has made, whatever lies at its path by now, and closes it. Accepts
 * -1. Once it has been opened: in a folder like /tmp root may not open with O_CREAT what another
 * owns (fs.protected_regular, proc_sys_fs(5)).
 */
void confine_give_new(const struct confinement *confinement, int fd, const char *path);

/*
 * Confines this process, for good: it has no capability then. The supervisor tells which places its
 * user cannot use. `name` is for messages: "worker 2". outputs is for workers. 0, or a negative
 * errno with err set: the process must end then.
 */
int confine_process(const struct confinement *confinement, enum role role, const char *name,
                    const struct calls_outputs *outputs, struct err *err);

/*
 * The path of a file of hosts as a confined process reaches it: where the user may not enter a
 * folder above it, as /root, it begins at a descriptor in /proc/self/fd.
 */
void confine_reach(const struct confinement *confinement, char *path, size_t size);

/*
 * A capture file that was opened with the rights of the start, at its beginning, as a descriptor
 * that the caller closes. A negative errno: it could not be opened; -EAGAIN: it was not tried;
 * -EMFILE: there are more files than may be open at once, and its path may be tried as the user.
 */
int confine_take_file(const struct confinement *confinement, const char *path);

/* ---- Capabilities by name -------------------------------------------------------------------- */

struct capability {
	unsigned number; /* CAP_* of <linux/capability.h> */
	const char *name;
	const char *why;
	bool is_needed; /* nothing is heard without it */
};

/* Those that the start of listening can use; nobody keeps any. */
const struct capability *capability_rows(size_t *out_count);

/*
 * Adds "; missing: CAP_BPF" to a text that says what was refused, if `code`, a negative errno, may
 * come of that; when none is missing, who else forbids it, unless it was only too much (E2BIG).
 */
void confine_add_missing(int code, struct err *err);
