/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITIES_MAX 64

/* ---- the user -------------------------------------------------------------------------------- */

static void set_user(struct user *user, const struct passwd *found)
{
	user->uid = found->pw_uid;
	user->gid = found->pw_gid;
	snprintf(user->name, sizeof(user->name), "%s", found->pw_name);
}

static void stay(struct user *user)
{
	const struct passwd *self = getpwuid(geteuid());

	if (self != NULL) {
		set_user(user, self);
	} else {
		snprintf(user->name, sizeof(user->name), "%u", (unsigned)geteuid());
	}
	user->uid = geteuid();
	user->gid = getegid();
}

/* In a user namespace of one user, as unshare(1) makes it: user_namespaces(7). No file: may. */
static bool may_set_groups(void)
{
	FILE *file = fopen("/proc/self/setgroups", "re");
	char word[8] = "";

	if (file != NULL) {
		(void)!fgets(word, sizeof(word), file);
		fclose(file);
	}
	return strncmp(word, "deny", 4) != 0;
}

bool privileges_may_switch(void)
{
	const uint64_t needed = CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID);

	return (privileges_permitted() & needed) == needed && may_set_groups();
}

int privileges_choose_user(const char *named, struct user *out_user, struct err *err)
{
	static const char *const usual[] = {"passer", "nobody"};
	const struct passwd *found = named != NULL ? getpwnam(named) : NULL;
	struct user user;

	if (named != NULL && found == NULL) {
		return err_set(err, -EINVAL, "--user %s: there is no such user", named);
	}
	bool may_switch = privileges_may_switch();
	bool must_switch = geteuid() == 0 && may_switch;

	if (named != NULL && found->pw_uid != geteuid() && !may_switch) {
		return err_set(err, -EPERM,
		               "--user %s: only root, or CAP_SETUID and CAP_SETGID, can become "
		               "another user",
		               named);
	}

	for (size_t i = 0; i < 2 && found == NULL && must_switch; i++) {
		found = getpwnam(usual[i]);
	}
	if (found != NULL) {
		set_user(&user, found);
	} else {
		stay(&user);
	}
	*out_user = user;
	return 0;
}

static bool is_user(const struct user *user)
{
	return getuid() == user->uid && geteuid() == user->uid && getgid() == user->gid &&
	       getegid() == user->gid;
}

/* KEEPCAPS: else the permitted capabilities of root would go with its user id. */
static int switch_to(const struct user *user)
{
	if (setgroups(0, NULL) != 0 || setresgid(user->gid, user->gid, user->gid) != 0 ||
	    prctl(PR_SET_KEEPCAPS, 1) != 0 || setresuid(user->uid, user->uid, user->uid) != 0) {
		return -errno;
	}
	return 0;
}

int privileges_become(const struct user *user, struct err *err)
{
	int ret;

	if (geteuid() == user->uid && !privileges_may_switch()) {
		return 0;
	}
	if (is_user(user) && getgroups(0, NULL) == 0) {
		return 0;
	}
	ret = switch_to(user);
	return ret == 0 ? 0
	                : err_set(err, ret, "cannot become user %s: %s; that needs root",
	                          user->name, strerror(-ret));
}

/* ---- capabilities ---------------------------------------------------------------------------- */

uint64_t privileges_permitted(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) != 0) {
		return 0;
	}
	return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

void privileges_take_up(uint64_t capabilities)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) != 0) {
		return;
	}
	data[0].effective |= data[0].permitted & (uint32_t)capabilities;
	data[1].effective |= data[1].permitted & (uint32_t)(capabilities >> 32);
	(void)syscall(SYS_capset, &header, data);
}

/* What is not permitted yet, ever. Without CAP_SETPCAP no_new_privs alone does it. */
static void drop_bounding(void)
{
	for (unsigned long i = 0; i < CAPABILITIES_MAX; i++) {
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0) {
			return;
		}
	}
}

static int set_capabilities(uint64_t permitted, uint64_t effective)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{.effective = (uint32_t)effective, .permitted = (uint32_t)permitted},
		{.effective = (uint32_t)(effective >> 32),
	         .permitted = (uint32_t)(permitted >> 32)},
	};

	return syscall(SYS_capset, &header, data) == 0 ? 0 : -errno;
}

int privileges_drop(struct err *err)
{
	uint64_t permitted = privileges_permitted();
	int ret = set_capabilities(permitted, permitted & CAP_BIT(CAP_SETPCAP));

	if (ret == 0) {
		drop_bounding();
		ret = set_capabilities(0, 0);
	}
	if (ret == 0 && (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ||
	                 prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)) {
		ret = -errno;
	}
	return ret == 0 ? 0 : err_set(err, ret, "cannot drop capabilities: %s", strerror(-ret));
}

void privileges_set_core_dumps(bool has_core_dumps)
{
	struct rlimit limit = {0, 0};

	if (has_core_dumps && getrlimit(RLIMIT_CORE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
	}
	(void)setrlimit(RLIMIT_CORE, &limit); /* a limit of nothing is always to be had */
	(void)prctl(PR_SET_DUMPABLE, has_core_dumps ? 1 : 0, 0, 0, 0);
}
