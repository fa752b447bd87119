/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each process loses, tried in children; without root, so the user stays. */
#include "control/calls.h"
#include "control/confine.h"
#include "control/descriptors.h"
#include "control/landlock.h"
#include "control/privileges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef bool child_fn(void);

/* The wait status of a child that exits with 0 when all was as it should be. */
static int status_of(child_fn *fn)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		_exit(fn() ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* ---- Landlock -------------------------------------------------------------------------------- */

static char folder[] = "/tmp/passer-confine-XXXXXX";
static char inside[64], outside[64];

static void make(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0644);

	assert_true(fd >= 0);
	close(fd);
}

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	return fd >= 0 && close(fd) == 0;
}

static bool enter_with(enum place_access access)
{
	int ruleset = landlock_new(true);
	char place[48];

	snprintf(place, sizeof(place), "%s/in", folder);
	landlock_allow(ruleset, place, access);
	landlock_allow(ruleset, "/no/such/place", access);
	return privileges_drop(&(struct err){.text = ""}) == 0 && landlock_enter(ruleset) == 0;
}

static bool reads_only(void)
{
	return enter_with(PLACE_READ) && opens(inside, O_RDONLY) && !opens(inside, O_WRONLY) &&
	       !opens(outside, O_RDONLY) && errno == EACCES && !opens("/etc/passwd", O_RDONLY);
}

static bool appends(void)
{
	char next[80];

	snprintf(next, sizeof(next), "%s.new", inside);
	return enter_with(PLACE_APPEND) && opens(inside, O_RDWR | O_APPEND) &&
	       opens(next, O_WRONLY | O_CREAT | O_APPEND) && unlink(next) != 0 &&
	       !opens(outside, O_WRONLY);
}

static bool replaces(void)
{
	char next[80];

	snprintf(next, sizeof(next), "%s.new", inside);
	return enter_with(PLACE_REPLACE) && opens(next, O_WRONLY | O_CREAT | O_TRUNC) &&
	       rename(next, inside) == 0 && unlink(inside) == 0 && unlink(outside) != 0;
}

static bool signals_nobody(void)
{
	return landlock_abi() < 6 || (enter_with(PLACE_READ) && kill(getppid(), 0) != 0);
}

static void test_places(void **state)
{
	char place[48];

	(void)state;
	if (landlock_abi() == 0) {
		skip();
	}
	assert_non_null(mkdtemp(folder));
	snprintf(place, sizeof(place), "%s/in", folder);
	snprintf(inside, sizeof(inside), "%s/in/file", folder);
	snprintf(outside, sizeof(outside), "%s/file", folder);
	assert_int_equal(mkdir(place, 0755), 0);
	make(inside);
	make(outside);
	assert_int_equal(status_of(reads_only), 0);
	assert_int_equal(status_of(appends), 0);
	assert_int_equal(status_of(replaces), 0);
	assert_int_equal(status_of(signals_nobody), 0);
	assert_int_equal(unlink(outside), 0); /* what was inside is gone */
	assert_int_equal(rmdir(place), 0);
	assert_int_equal(rmdir(folder), 0);
}

/* ---- System calls ---------------------------------------------------------------------------- */

static bool confine_worker(int log_fd)
{
	const struct calls_outputs outputs = {
		.stdout_fd = -1, .log_fd = log_fd, .next_log_fd = -1, .control_fd = -1};

	return privileges_drop(&(struct err){.text = ""}) == 0 &&
	       calls_confine(ROLE_WORKER, "test", &outputs, &(struct err){.text = ""}) == 0;
}

/* What a worker may not call: with these arguments nothing happens, should it be let through. */
static const struct forbidden_row {
	const char *name;
	long number, args[3];
} forbidden[] = {
	{"socket", SYS_socket, {AF_INET, SOCK_DGRAM, 0}},
	{"execve", SYS_execve, {0, 0, 0}},
	{"execveat", SYS_execveat, {-1, 0, 0}},
	{"clone3", SYS_clone3, {0, 0, 0}},
	{"kill", SYS_kill, {1, 0, 0}},
	{"tgkill", SYS_tgkill, {1, 1, 0}},
	{"tkill", SYS_tkill, {1, 0, 0}},
	{"rt_sigqueueinfo", SYS_rt_sigqueueinfo, {1, 0, 0}},
	{"pidfd_send_signal", SYS_pidfd_send_signal, {-1, 0, 0}},
	{"bpf", SYS_bpf, {0, 0, 0}},
	{"process_vm_writev", SYS_process_vm_writev, {1, 0, 0}},
	{"mmap", SYS_mmap, {0, 0, PROT_READ | PROT_EXEC}},
	{"mprotect", SYS_mprotect, {0, 0, PROT_READ | PROT_EXEC}},
	{"io_uring_setup", SYS_io_uring_setup, {0, 0, 0}},
	{"setuid", SYS_setuid, {0, 0, 0}},
};

static const struct forbidden_row *tried;

static bool makes_call(void)
{
	return confine_worker(-1) &&
	       syscall(tried->number, tried->args[0], tried->args[1], tried->args[2], 0, 0, 0) != 0;
}

/* As abort(3) does it. */
static bool signals_itself(void)
{
	return confine_worker(-1) && syscall(SYS_tgkill, getpid(), gettid(), 0) == 0;
}

/* As a worker would write to one of its packet sockets: the number may have bits set above it. */
static bool writes_elsewhere(void)
{
	int pair[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && confine_worker(pair[0]) &&
	       syscall(SYS_write, (1ul << 32) | (unsigned long)pair[1], "x", 1ul) == 1;
}

static bool writes_lines(void)
{
	int pair[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && confine_worker(pair[0]) &&
	       write(pair[0], "x", 1) == 1;
}

static void test_calls(void **state)
{
	(void)state;
	if (!calls_can_confine()) {
		skip();
	}
	calls_prepare();
	assert_int_equal(status_of(writes_lines), 0);
	assert_int_equal(status_of(signals_itself), 0);
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		tried = &forbidden[i];
		print_message("# %s\n", tried->name);
		assert_int_equal(status_of(makes_call), SIGSYS);
	}
	assert_int_equal(status_of(writes_elsewhere), SIGSYS);
	calls_forget();
}

/* ---- The rest -------------------------------------------------------------------------------- */

static bool keeps_descriptors(void)
{
	int a = dup(STDERR_FILENO), b = dup(STDERR_FILENO), c = dup2(STDERR_FILENO, 40);
	int fds[] = {STDERR_FILENO, a, -1, c};
	int last = dup2(STDERR_FILENO, 50);

	return descriptors_keep(fds, 4, a) == 41 && fcntl(last, F_GETFD) < 0 &&
	       fcntl(b, F_GETFD) >= 0 && fcntl(39, F_GETFD) >= 0 && dup(a) == 41;
}

static void test_descriptors(void **state)
{
	(void)state;
	assert_int_equal(status_of(keeps_descriptors), 0);
}

static void test_users(void **state)
{
	struct user user;
	struct err err;

	(void)state;
	assert_int_equal(privileges_choose_user("no-such-user", &user, &err), -EINVAL);
	assert_non_null(strstr(err.text, "no-such-user"));
	assert_int_equal(privileges_choose_user("root", &user, &err), geteuid() == 0 ? 0 : -EPERM);
	assert_true(geteuid() == 0 ? user.uid == 0 : strstr(err.text, "--user root") != NULL);
	assert_int_equal(privileges_choose_user(NULL, &user, &err), 0);
	assert_true(geteuid() == 0 && privileges_may_switch() ? user.uid != 0
	                                                      : user.uid == geteuid());
}

static bool write_word(const char *path, const char *word)
{
	int fd = open(path, O_WRONLY);
	bool is_written = fd >= 0 && write(fd, word, strlen(word)) == (ssize_t)strlen(word);

	if (fd >= 0) {
		close(fd);
	}
	return is_written;
}

/* As "unshare --map-root-user" makes it: root there is one user of the machine, and the only one.
 */
static bool makes_own_namespace(void)
{
	char map[32];

	snprintf(map, sizeof(map), "0 %u 1", (unsigned)geteuid());
	return unshare(CLONE_NEWUSER) == 0 && write_word("/proc/self/setgroups", "deny") &&
	       write_word("/proc/self/uid_map", map);
}

static bool stays_in_own_namespace(void)
{
	struct user user;
	struct err err;

	return makes_own_namespace() && privileges_choose_user(NULL, &user, &err) == 0 &&
	       user.uid == 0 && privileges_become(&user, &err) == 0;
}

static void test_own_namespace(void **state)
{
	(void)state;
	if (status_of(makes_own_namespace) != 0) {
		skip();
	}
	assert_int_equal(status_of(stays_in_own_namespace), 0);
}

static uid_t owner_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_uid;
}

/* Given is what passer has made, not what somebody has put in its place meanwhile. */
static void test_giving(void **state)
{
	const struct confinement c = {.user = {.uid = 12345, .gid = 12345, .name = "test"}};
	char own[] = "/tmp/passer-giving-XXXXXX", path[48], made[48];

	(void)state;
	if (geteuid() != 0) {
		skip();
	}
	assert_non_null(mkdtemp(own));
	snprintf(path, sizeof(path), "%s/log", own);
	snprintf(made, sizeof(made), "%s/made", own);
	int fd = confine_make_new(&c, path);

	assert_true(fd >= 0);
	assert_int_equal(confine_make_new(&c, path), -1);
	assert_int_equal(rename(path, made), 0);
	make(path);
	confine_give_new(&c, fd, path);
	assert_int_equal(owner_of(made), 12345);
	assert_int_equal(owner_of(path), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("nowhere", path), 0);
	assert_int_equal(confine_make_new(&c, path), -1);
	confine_give_new(&c, -1, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(made), 0);
	assert_int_equal(rmdir(own), 0);
}

/* Does a refusal with this code end in these words? */
static bool says(int code, const char *words)
{
	struct err err = {.text = "no filter"};

	confine_add_missing(code, &err);
	return strstr(err.text, words) != NULL;
}

static bool says_what_is_missing(void)
{
	return privileges_drop(&(struct err){.text = ""}) == 0 &&
	       says(-EPERM, "; missing: CAP_NET_RAW, CAP_BPF") &&
	       says(-E2BIG, "; missing: CAP_NET_RAW, CAP_BPF") && !says(-ENOENT, "missing");
}

/* Whatever rights this process has. */
static void test_missing(void **state)
{
	(void)state;
	assert_true(says(-EPERM, "missing"));
	assert_true(says(-EACCES, "missing"));
	assert_false(says(-E2BIG, "forbids"));
	assert_int_equal(status_of(says_what_is_missing), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),        cmocka_unit_test(test_calls),
		cmocka_unit_test(test_descriptors),   cmocka_unit_test(test_users),
		cmocka_unit_test(test_own_namespace), cmocka_unit_test(test_giving),
		cmocka_unit_test(test_missing),
	};

	return cmocka_run_group_tests_name("confine", tests, NULL, NULL);
}
