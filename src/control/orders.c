/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "orders.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* One byte, with room for one descriptor (SCM_RIGHTS, unix(7)). The parts point to one another. */
struct message {
	char byte;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov;
	struct msghdr header;
};

static void begin(struct message *m)
{
	memset(m, 0, sizeof(*m));
	m->iov = (struct iovec){.iov_base = &m->byte, .iov_len = 1};
	m->header.msg_iov = &m->iov;
	m->header.msg_iovlen = 1;
	m->header.msg_control = m->control;
	m->header.msg_controllen = sizeof(m->control);
}

static void attach(struct message *m, int fd)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(&m->header);

	if (fd < 0) {
		m->header.msg_control = NULL;
		m->header.msg_controllen = 0;
		return;
	}
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

static int descriptor_in(const struct message *m)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(&m->header);
	int fd = -1;

	if (c != NULL && c->cmsg_type == SCM_RIGHTS) {
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	}
	return fd;
}

int order_send(int control_fd, enum worker_order what, int fd)
{
	struct message m;

	begin(&m);
	attach(&m, fd);
	m.byte = (char)what;
	return sendmsg(control_fd, &m.header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int order_hear(int control_fd, int *out_fd)
{
	struct message m;

	begin(&m);
	ssize_t n = recvmsg(control_fd, &m.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return ORDER_HEARD_NOTHING;
	}
	if (n <= 0) {
		return ORDER_HEARD_END;
	}
	*out_fd = descriptor_in(&m);
	return m.byte;
}
