/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fanout.h"

#include "bpflog.h"
#include "syserr.h"

#include "fanout.skel.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define GROUP_MASK 0xffff

/*
 * The hash of FANOUT_FLOW is the kernel's own over addresses and ports, the same for both
 * directions; ports are in the first fragment only, hence the reassembly.
 */
static const uint32_t modes[] = {
	[FANOUT_HOST] = PACKET_FANOUT_EBPF,
	[FANOUT_FLOW] = PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_DEFRAG,
	[FANOUT_CPU] = PACKET_FANOUT_CPU,
	[FANOUT_QUEUE] = PACKET_FANOUT_QM,
};

static int join(int fd, uint32_t group, uint32_t mode, struct err *err)
{
	uint32_t arg = group | mode << 16;

	if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &arg, sizeof(arg)) == 0) {
		return 0;
	}
	int ret = -errno;

	if (ret == -EINVAL) {
		return err_set(err, ret,
		               "fanout group: the interface must be up while it is joined, "
		               "and the kernel must know PACKET_FANOUT_EBPF (4.3)");
	}
	return syserr_set(err, ret, "fanout group");
}

static int read_group(int fd, int *out_group, struct err *err)
{
	uint32_t arg;
	socklen_t len = sizeof(arg);

	if (getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &arg, &len) != 0) {
		return syserr_set(err, -errno, "id of the fanout group");
	}
	*out_group = (int)(arg & GROUP_MASK);
	return 0;
}

int fanout_load_selector(int *out_program, struct err *err)
{
	struct fanout *skeleton;
	int program, ret;

	bpflog_init();
	skeleton = fanout__open_and_load();
	if (skeleton == NULL) {
		return syserr_set(err, -errno, "the kernel does not load the eBPF fanout selector");
	}
	program = fcntl(bpf_program__fd(skeleton->progs.passer_fanout), F_DUPFD_CLOEXEC, 0);
	ret = program < 0 ? syserr_set(err, -errno, "eBPF fanout selector") : 0;
	fanout__destroy(skeleton);
	if (ret == 0) {
		*out_program = program;
	}
	return ret;
}

static int set_selector(int fd, int program, struct err *err)
{
	if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof(program)) != 0) {
		return syserr_set(err, -errno, "the group does not take the eBPF fanout selector");
	}
	return 0;
}

int fanout_join(int fd, enum fanout_mode mode, int group, int selector, int *out_group,
                struct err *err)
{
	bool is_new = group < 0;
	int ret = is_new ? join(fd, 0, modes[mode] | PACKET_FANOUT_FLAG_UNIQUEID, err)
	                 : join(fd, (uint32_t)group & GROUP_MASK, modes[mode], err);

	/* First of all, for the socket is in it from here on. */
	if (ret == 0) {
		ret = read_group(fd, out_group, err);
	}
	return ret == 0 && is_new && mode == FANOUT_HOST ? set_selector(fd, selector, err) : ret;
}
