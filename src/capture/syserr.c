/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "syserr.h"

#include <errno.h>
#include <string.h>

static const char *way_out(int code)
{
	switch (code) {
	case -EPERM:
	case -EACCES:
		return "; run as root, or with the capabilities CAP_NET_RAW and CAP_BPF";
	case -ENOSYS:
	case -EPROTONOSUPPORT:
	case -EAFNOSUPPORT:
		return "; the kernel needs CONFIG_PACKET and CONFIG_BPF_SYSCALL";
	default:
		return "";
	}
}

int syserr_set(struct err *err, int code, const char *what)
{
	return err_set(err, code, "%s: %s%s", what, strerror(-code), way_out(code));
}
