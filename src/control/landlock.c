/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of later versions than the headers of Debian 12 know; userspace-api/landlock.rst. */
#define FS_TRUNCATE   (UINT64_C(1) << 14) /* ABI 3 */
#define FS_IOCTL_DEV  (UINT64_C(1) << 15) /* ABI 5 */
#define NET_BIND_TCP  (UINT64_C(1) << 0)  /* ABI 4 */
#define NET_CONNECT   (UINT64_C(1) << 1)
#define SCOPE_SOCKETS (UINT64_C(1) << 0) /* ABI 6: abstract UNIX sockets */
#define SCOPE_SIGNALS (UINT64_C(1) << 1)

#define FS_ABI_1 ((UINT64_C(1) << 13) - 1)

#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITING (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | FS_TRUNCATE)

/* struct landlock_ruleset_attr as of ABI 6; an older kernel is given less of it. */
struct ruleset_attr {
	uint64_t fs, net, scoped;
};

static const struct {
	int abi;
	uint64_t fs, net, scoped;
} versions[] = {
	{1, FS_ABI_1, 0, 0},     {2, LANDLOCK_ACCESS_FS_REFER, 0, 0},
	{3, FS_TRUNCATE, 0, 0},  {4, 0, NET_BIND_TCP | NET_CONNECT, 0},
	{5, FS_IOCTL_DEV, 0, 0}, {6, 0, 0, SCOPE_SOCKETS | SCOPE_SIGNALS},
};

static const uint64_t rights[] = {
	[PLACE_READ] = READING,
	[PLACE_APPEND] = LANDLOCK_ACCESS_FS_READ_FILE | WRITING,
	[PLACE_REPLACE] = READING | WRITING | LANDLOCK_ACCESS_FS_REMOVE_FILE,
	[PLACE_REMOVE] = LANDLOCK_ACCESS_FS_REMOVE_FILE,
};

/* Rights that a rule about a single file may name. */
#define OF_FILES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)

int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

/* All that this kernel can deny. */
static struct ruleset_attr handled(int abi)
{
	struct ruleset_attr attr = {0};

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		if (versions[i].abi <= abi) {
			attr.fs |= versions[i].fs;
			attr.net |= versions[i].net;
			attr.scoped |= versions[i].scoped;
		}
	}
	return attr;
}

static size_t attr_bytes(int abi)
{
	return abi >= 6   ? sizeof(struct ruleset_attr)
	       : abi >= 4 ? offsetof(struct ruleset_attr, scoped)
	                  : offsetof(struct ruleset_attr, net);
}

int landlock_new(bool is_cut_off)
{
	int abi = landlock_abi();
	struct ruleset_attr attr = handled(abi);

	if (abi == 0) {
		return -EOPNOTSUPP;
	}
	if (!is_cut_off) {
		attr.scoped = 0;
	}
	long fd = syscall(SYS_landlock_create_ruleset, &attr, attr_bytes(abi), 0);

	return fd >= 0 ? (int)fd : -errno;
}

void landlock_allow(int ruleset, const char *path, enum place_access access)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights[access] & handled(landlock_abi()).fs,
		.parent_fd = open(path, O_PATH | O_CLOEXEC),
	};
	struct stat st;

	if (rule.parent_fd < 0) {
		return;
	}
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode)) {
		rule.allowed_access &= OF_FILES;
	}
	/* Refused only for what no rule can be about, such as a pipe: that is open to all. */
	(void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
}

int landlock_enter(int ruleset)
{
	return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 ? 0 : -errno;
}
