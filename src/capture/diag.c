/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/capture/diag.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define REQUEST_BYTES 256
#define ANSWER_BYTES  32768 /* the most that the kernel puts into one message of a list */

uint32_t diag_inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (uint32_t)st.st_ino : 0;
}

/* False for an attribute that is shorter than what is to be read of it. */
static bool take_payload(const struct nlattr *attr, void *out_value, size_t bytes)
{
	if (mnl_attr_get_payload_len(attr) < bytes) {
		return false;
	}
	memcpy(out_value, mnl_attr_get_payload(attr), bytes);
	return true;
}

static void take_info(const struct nlattr *attr, struct diag_socket *sock)
{
	struct packet_diag_info info;

	if (take_payload(attr, &info, sizeof(info))) {
		sock->ifindex = info.pdi_index;
		sock->is_running = (info.pdi_flags & PDI_RUNNING) != 0;
	}
}

static void take_ring(const struct nlattr *attr, struct diag_socket *sock)
{
	struct packet_diag_ring ring;

	if (take_payload(attr, &ring, sizeof(ring))) {
		sock->block_bytes = ring.pdr_block_size;
		sock->blocks = ring.pdr_block_nr;
		sock->retire_ms = ring.pdr_retire_tmo;
	}
}

/* The id in the lower half, the type with its flags in the upper one, as PACKET_FANOUT takes it. */
static void take_fanout(const struct nlattr *attr, struct diag_socket *sock)
{
	uint32_t fanout;

	if (take_payload(attr, &fanout, sizeof(fanout))) {
		sock->fanout_id = (int)(fanout & 0xffff);
		sock->fanout_type = (fanout >> 16) & 0xff;
	}
}

static int take_attr(const struct nlattr *attr, void *user)
{
	switch (mnl_attr_get_type(attr)) {
	case PACKET_DIAG_INFO:
		take_info(attr, user);
		break;
	case PACKET_DIAG_RX_RING:
		take_ring(attr, user);
		break;
	case PACKET_DIAG_FANOUT:
		take_fanout(attr, user);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

struct receiver {
	diag_fn *fn;
	void *user;
};

static int hand_over(const struct nlmsghdr *message, void *user)
{
	const struct receiver *receiver = user;
	const struct packet_diag_msg *head = mnl_nlmsg_get_payload(message);
	struct diag_socket sock = {.fanout_id = -1};

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*head)) {
		return MNL_CB_OK;
	}
	sock.inode = head->pdiag_ino;
	mnl_attr_parse(message, sizeof(*head), take_attr, &sock);
	receiver->fn(receiver->user, &sock);
	return MNL_CB_OK;
}

static struct nlmsghdr *put_request(char *buffer)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct packet_diag_req *body;

	request->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = 1;
	body = mnl_nlmsg_put_extra_header(request, sizeof(*body));
	body->sdiag_family = AF_PACKET;
	body->pdiag_show = PACKET_SHOW_INFO | PACKET_SHOW_RING_CFG | PACKET_SHOW_FANOUT;
	return request;
}

static int ask(struct mnl_socket *socket, struct receiver *receiver)
{
	char question[REQUEST_BYTES];
	char buffer[ANSWER_BYTES];
	const struct nlmsghdr *request = put_request(question);
	int ret = MNL_CB_OK;

	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) {
		return -errno;
	}
	while (ret == MNL_CB_OK) {
		ssize_t len = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

		ret = len < 0 ? MNL_CB_ERROR
		              : mnl_cb_run(buffer, (size_t)len, request->nlmsg_seq,
		                           mnl_socket_get_portid(socket), hand_over, receiver);
	}
	return ret == MNL_CB_ERROR ? -errno : 0;
}

int diag_list(diag_fn *fn, void *user)
{
	struct receiver receiver = {.fn = fn, .user = user};
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);

	if (socket == NULL) {
		return -errno;
	}
	int ret = ask(socket, &receiver);

	mnl_socket_close(socket);
	return ret;
}
