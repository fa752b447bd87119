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
	bool is_optional; /* seen, but no reason to keep a capability */
};

struct confinement {
	bool is_off; /* --unconfined */
	bool has_core_dumps;
	struct user user;
	struct place *places; /* owned array */
	size_t place_count;
	size_t place_room;
};

/*
 * Chooses the user and notes the places, while every path can still be reached. The folder of
 * suspicious hosts is made, since that will not be allowed later. 0, or a negative errno with err
 * set; confine_fini() is due in either case.
 */
int confine_init(struct confinement *confinement, const struct options *options,
                 const struct host_files *host_files, struct err *err);
void confine_fini(struct confinement *confinement);

/*
 * Confines this process, for good. `name` is for messages: "worker 2". outputs is for workers. 0,
 * or a negative errno with err set: the process must end then.
 */
int confine_process(const struct confinement *confinement, enum role role, const char *name,
                    const struct calls_outputs *outputs, struct err *err);

/* What the role keeps of what this process has, with this user: for --check and messages. */
uint64_t confine_capabilities(const struct confinement *confinement, enum role role);

/* ---- Capabilities by name -------------------------------------------------------------------- */

struct capability {
	unsigned number; /* CAP_* of <linux/capability.h> */
	const char *name;
	const char *why;
	bool is_needed; /* nothing is heard without it */
};

/* Those that listening can use. */
const struct capability *capability_rows(size_t *out_count);

/* Adds "; missing: CAP_BPF" to a text that says what was refused. */
void confine_add_missing(struct err *err);
