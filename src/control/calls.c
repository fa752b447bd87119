/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calls.h"

#include <passer/base/log.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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

static void learn_names(void)
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

/* ---- calls by name --------------------------------------------------------------------------- */

/* Made once, by libseccomp, which takes its time: a worker that is replaced has none. */
static struct sock_fprog programs[ROLE_COUNT]; /* empty: could not be made */

static int add_rows(scmp_filter_ctx filter, enum role role)
{
	int ret = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && ret == 0; i++) {
		if ((rows[i].roles & (1u << role)) != 0) {
			ret = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rows[i].call,
			                             rows[i].has_condition, &rows[i].condition);
			ret = ret == -EEXIST ? 0 : ret; /* rows may say the same twice */
		}
	}
	return ret;
}

/* libseccomp hands its program out into a file. */
static void take_program(scmp_filter_ctx filter, struct sock_fprog *out_program)
{
	int fd = memfd_create("passer-calls", MFD_CLOEXEC);
	off_t bytes = fd >= 0 && seccomp_export_bpf(filter, fd) == 0 ? lseek(fd, 0, SEEK_CUR) : 0;
	struct sock_filter *code = bytes > 0 ? malloc((size_t)bytes) : NULL;

	if (code != NULL && pread(fd, code, (size_t)bytes, 0) == bytes) {
		out_program->len = (unsigned short)((size_t)bytes / sizeof(*code));
		out_program->filter = code;
	} else {
		free(code);
	}
	if (fd >= 0) {
		close(fd);
	}
}

void calls_prepare(void)
{
	calls_forget();
	learn_names();
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);

		if (filter != NULL && add_rows(filter, (enum role)role) == 0) {
			take_program(filter, &programs[role]);
		}
		seccomp_release(filter);
	}
}

void calls_forget(void)
{
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		free(programs[role].filter);
		programs[role] = (struct sock_fprog){.filter = NULL};
	}
}

/* ---- calls by their first argument ----------------------------------------------------------- */

#define VALUES_MAX  4
#define GUARDS_MAX  3
#define GUARD_INSNS (VALUES_MAX + 7)

/* A call that is allowed with these first arguments only; a negative one is none. */
struct guard {
	int call;
	int values[VALUES_MAX];
};

#define DATA(field) ((uint32_t)offsetof(struct seccomp_data, field))
#define LOW_HALF    (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0u : 4u)

/*
 * The upper half of the register, which the kernel does not look at, must be zero. A call that is
 * no guard's passes: the other filter has its say, and the stricter one counts (seccomp(2)).
 */
static struct sock_filter *add_guard(struct sock_filter *at, const struct guard *guard)
{
	const uint32_t n = VALUES_MAX;

	*at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA(nr));
	*at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)guard->call, 0,
	                                     n + 5);
	*at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                                     DATA(args[0]) + 4 - LOW_HALF);
	*at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, n + 1);
	*at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA(args[0]) + LOW_HALF);
	for (uint32_t i = 0; i < n; i++) {
		/* For none the first value once more. */
		int value = guard->values[i] >= 0 ? guard->values[i] : guard->values[0];

		*at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)value,
		                                     (uint8_t)(n - i), 0);
	}
	*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
	*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return at;
}

static int enter(const struct sock_fprog *program)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, program) == 0 ? 0 : -errno;
}

static int enter_guards(const struct guard *guards, size_t count)
{
	struct sock_filter code[GUARDS_MAX * GUARD_INSNS + 1];
	struct sock_filter *at = code;

	for (size_t i = 0; i < count; i++) {
		at = add_guard(at, &guards[i]);
	}
	*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return enter(&(struct sock_fprog){.len = (unsigned short)(at - code), .filter = code});
}

/* A worker has sockets on the network, and is to send nothing through them. */
static int guard_worker(const struct calls_outputs *o)
{
	const struct guard guards[GUARDS_MAX] = {
		{SYS_write, {STDERR_FILENO, o->stdout_fd, o->log_fd, o->next_log_fd}},
		{SYS_sendto, {o->control_fd, o->stdout_fd, -1, -1}},
		{SYS_tgkill, {getpid(), -1, -1, -1}}, /* abort(3) */
	};

	return enter_guards(guards, GUARDS_MAX);
}

static int guard_reader(void)
{
	const struct guard guard = {SYS_tgkill, {getpid(), -1, -1, -1}};

	return enter_guards(&guard, 1);
}

/* ---- all of it ------------------------------------------------------------------------------- */

bool calls_can_confine(void)
{
	const unsigned action = SECCOMP_RET_TRAP;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* The guards first: behind the other one there are no filters any more. */
static int enter_all(enum role role, const struct calls_outputs *outputs)
{
	int ret = programs[role].filter != NULL ? catch_forbidden() : -ENOMEM;

	if (ret == 0 && role == ROLE_WORKER) {
		ret = guard_worker(outputs);
	}
	if (ret == 0 && role == ROLE_READER) {
		ret = guard_reader();
	}
	return ret == 0 ? enter(&programs[role]) : ret;
}

int calls_confine(enum role role, const char *name, const struct calls_outputs *outputs,
                  struct err *err)
{
	int ret;

	snprintf(whose, sizeof(whose), "%s", name);
	ret = enter_all(role, outputs);
	return ret == 0 ? 0
	                : err_set(err, ret, "%s: system calls cannot be confined: %s", name,
	                          strerror(-ret));
}
