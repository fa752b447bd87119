/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calls.h"

#include <passer/base/log.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#define NAMES_MAX 512 /* numbers of calls that can have a name; there are some 470 */
#define NAME_SIZE 24
#define NAMESPACES                                                                     \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET)

#define ANY 0xffffffffu /* an int of which all bits count */

/* The roles of a row. */
#define S (1u << ROLE_SUPERVISOR)
#define W (1u << ROLE_WORKER)
#define R (1u << ROLE_READER)
#define X (CALLS_HAVE_SANITIZERS ? S | W | R : 0)

static const struct row {
	int call;
	unsigned roles;
	bool has_condition;
	struct scmp_arg_cmp condition;
} rows[] = {
#define CALL(name, roles) {SCMP_SYS(name), roles, false, {0}},
#define CALL_IF(name, roles, argument, mask, bits) \
	{SCMP_SYS(name), roles, true, {argument, SCMP_CMP_MASKED_EQ, mask, bits}},
#include "calls.def"
#undef CALL
#undef CALL_IF
};

#undef ANY
#undef S
#undef W
#undef R
#undef X

/* ---- the line -------------------------------------------------------------------------------- */

static char names[NAMES_MAX][NAME_SIZE];
static char whose[32];

void calls_learn_names(void)
{
	for (int i = 0; i < NAMES_MAX; i++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);

		snprintf(names[i], sizeof(names[i]), "%s", name != NULL ? name : "");
		free(name);
	}
}

/*
 * One line, and then the signal again, by default. The signal comes from a call, never from the
 * middle of something, so the line may be formatted here.
 */
static void on_forbidden(int signal, siginfo_t *info, void *context)
{
	int call = info->si_syscall;
	bool has_name = call >= 0 && call < NAMES_MAX && names[call][0] != '\0';

	(void)context;
	log_error("%s: forbidden system call %d%s%s; the process ends", whose, call,
	          has_name ? ", " : "", has_name ? names[call] : "");
	raise(signal);
	_exit(EXIT_FAILURE);
}

/* NODEFER and RESETHAND: what it raises is not held back, and ends the process. */
static int catch_forbidden(void)
{
	struct sigaction action = {
		.sa_sigaction = on_forbidden,
		.sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER,
	};

	return sigaction(SIGSYS, &action, NULL) == 0 ? 0 : -errno;
}

/* ---- the filter ------------------------------------------------------------------------------ */

/* Rows may say the same twice. */
static int allow(scmp_filter_ctx filter, int call, unsigned conditions,
                 const struct scmp_arg_cmp *condition)
{
	int ret = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, conditions, condition);

	return ret == -EEXIST ? 0 : ret;
}

/*
 * All 64 bits of the register are compared, though the kernel reads the lower half of a descriptor
 * only: so each number is named, for a comparison by order could be passed with the upper half.
 */
static int allow_first(scmp_filter_ctx filter, int call, int value)
{
	struct scmp_arg_cmp condition = {0, SCMP_CMP_EQ, (scmp_datum_t)value, 0};

	return value >= 0 ? allow(filter, call, 1, &condition) : 0;
}

/* A worker has sockets on the network, and is to send nothing through them. */
static int add_outputs(scmp_filter_ctx filter, const struct calls_outputs *outputs)
{
	const struct {
		int call, fd;
	} allowed[] = {
		{SCMP_SYS(write), STDERR_FILENO},        {SCMP_SYS(write), outputs->stdout_fd},
		{SCMP_SYS(write), outputs->log_fd},      {SCMP_SYS(write), outputs->next_log_fd},
		{SCMP_SYS(sendto), outputs->control_fd}, {SCMP_SYS(sendto), outputs->stdout_fd},
	};
	int ret = 0;

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && ret == 0; i++) {
		ret = allow_first(filter, allowed[i].call, allowed[i].fd);
	}
	return ret;
}

/* Signals to itself only: abort(3). */
static int add_own_signals(scmp_filter_ctx filter, enum role role)
{
	if (role == ROLE_SUPERVISOR) { /* its workers have other pids */
		return allow(filter, SCMP_SYS(tgkill), 0, NULL);
	}
	return allow_first(filter, SCMP_SYS(tgkill), getpid());
}

static int fill(scmp_filter_ctx filter, enum role role, const struct calls_outputs *outputs)
{
	int ret = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && ret == 0; i++) {
		if ((rows[i].roles & (1u << role)) != 0) {
			ret = allow(filter, rows[i].call, rows[i].has_condition,
			            &rows[i].condition);
		}
	}
	if (ret == 0) {
		ret = add_own_signals(filter, role);
	}
	return ret == 0 && role == ROLE_WORKER ? add_outputs(filter, outputs) : ret;
}

bool calls_can_confine(void)
{
	const unsigned action = SECCOMP_RET_TRAP;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int calls_confine(enum role role, const char *name, const struct calls_outputs *outputs,
                  struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	int ret = filter != NULL ? fill(filter, role, outputs) : -ENOMEM;

	snprintf(whose, sizeof(whose), "%s", name);
	if (ret == 0) {
		ret = catch_forbidden();
	}
	if (ret == 0) {
		ret = seccomp_load(filter);
	}
	seccomp_release(filter);
	return ret == 0 ? 0
	                : err_set(err, ret, "%s: system calls cannot be confined: %s", name,
	                          strerror(-ret));
}
