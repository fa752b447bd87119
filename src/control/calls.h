/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * System calls that a process may still make, by role: seccomp(2) through libseccomp, from the
 * table calls.def. Any other ends the process with SIGSYS, and a line on standard error names the
 * role and the call.
 */
#pragma once

#include "role.h"

#include <passer/base/err.h>

#include <stdbool.h>

/* Their runtime calls what passer itself does not. */
#if defined(__SANITIZE_ADDRESS__)
#define CALLS_HAVE_SANITIZERS 1
#elif defined(__has_feature)
#define CALLS_HAVE_SANITIZERS __has_feature(address_sanitizer)
#else
#define CALLS_HAVE_SANITIZERS 0
#endif

/* What a worker may write to; -1: none. Others of its descriptors are sockets on the network. */
struct calls_outputs {
	int stdout_fd, log_fd;
	int next_log_fd; /* the number that a new log file gets, before the old one is closed */
	int control_fd;  /* to the supervisor */
};

/* Makes the filters of all roles and learns the names of the calls; once, at the start. */
void calls_prepare(void);

/* Frees them. */
void calls_forget(void);

/* Does the kernel have filters of system calls, and does it tell of those that are refused? */
bool calls_can_confine(void);

/*
 * From now on this process makes the calls of its role only. `name` is for the line: "worker 2".
 * outputs is for ROLE_WORKER. 0, or a negative errno with err set.
 */
int calls_confine(enum role role, const char *name, const struct calls_outputs *outputs,
                  struct err *err);
