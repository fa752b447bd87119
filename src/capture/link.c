/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "syserr.h"

#include <passer/base/log.h>
#include <passer/capture/link.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_BYTES 256   /* header, fixed part and a name */
#define ANSWER_BYTES  32768 /* the most that the kernel puts into one message of a list */
#define DUMPS_MAX     5     /* tries: a list that changed while it was told is asked for again */

_Static_assert(LINK_NAME_SIZE == IFNAMSIZ, "names of interfaces are the kernel's");

/*
 * A packet socket shows a link header only where the driver can make one (dev_has_header() of the
 * kernel). The tunnels cannot and begin with the inner IP header. GRE without a fixed peer can; its
 * link header is the outer IP header.
 */
enum link_type link_type_of(uint16_t hatype)
{
	switch (hatype) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
		return LINK_ETHERNET;
	case ARPHRD_NONE:
	case ARPHRD_VOID:
	case ARPHRD_RAWIP:
	case ARPHRD_PPP: /* ppp_generic takes the PPP header off before the tap */
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_IP6GRE:
		return LINK_RAW_IP;
	case ARPHRD_IEEE80211_RADIOTAP:
		return LINK_RADIOTAP;
	case ARPHRD_IEEE80211:
		return LINK_80211;
	default:
		return LINK_UNKNOWN;
	}
}

/* ---- Messages ---- */

/* The kernel's struct grows from release to release: what an older one does not tell is 0. */
static void take_stats(const struct nlattr *attr, struct link_stats *out_stats)
{
	struct rtnl_link_stats64 kernel = {0};
	size_t len = mnl_attr_get_payload_len(attr);

	memcpy(&kernel, mnl_attr_get_payload(attr), len < sizeof(kernel) ? len : sizeof(kernel));
	*out_stats = (struct link_stats){
		.rx_packets = kernel.rx_packets,
		.rx_bytes = kernel.rx_bytes,
		.tx_packets = kernel.tx_packets,
		.rx_errors = kernel.rx_errors,
		.rx_dropped = kernel.rx_dropped,
		.rx_missed = kernel.rx_missed_errors,
		.rx_fifo = kernel.rx_fifo_errors,
		.rx_nohandler = kernel.rx_nohandler,
	};
}

static void take_u32(const struct nlattr *attr, uint32_t *out_value)
{
	if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0) {
		*out_value = mnl_attr_get_u32(attr);
	}
}

static int take_attr(const struct nlattr *attr, void *user)
{
	struct link_info *link = user;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		if (mnl_attr_validate(attr, MNL_TYPE_STRING) == 0) {
			strncpy(link->name, mnl_attr_get_str(attr), sizeof(link->name) - 1);
		}
		break;
	case IFLA_MTU:
		take_u32(attr, &link->mtu);
		break;
	case IFLA_CARRIER_CHANGES:
		take_u32(attr, &link->carrier_changes);
		break;
	case IFLA_STATS64:
		take_stats(attr, &link->stats);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

/*
 * False for messages that are not about an interface as such: ports of bridges come and go under
 * the same message types with another family, and wireless events carry no name.
 */
static bool parse_link(const struct nlmsghdr *message, struct link_info *out_link)
{
	if ((message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK) ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(struct ifinfomsg)) {
		return false;
	}
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);

	if (info->ifi_family != AF_UNSPEC || info->ifi_index <= 0) {
		return false;
	}
	*out_link = (struct link_info){
		.ifindex = (unsigned)info->ifi_index,
		.hatype = info->ifi_type,
		.is_up = (info->ifi_flags & IFF_UP) != 0 && (info->ifi_flags & IFF_RUNNING) != 0,
		.is_gone = message->nlmsg_type == RTM_DELLINK,
		.is_loopback = (info->ifi_flags & IFF_LOOPBACK) != 0,
	};
	mnl_attr_parse(message, sizeof(*info), take_attr, out_link);
	return out_link->name[0] != '\0';
}

struct receiver {
	link_fn *fn;
	void *user;
};

static int hand_over(const struct nlmsghdr *message, void *user)
{
	const struct receiver *receiver = user;
	struct link_info link;

	if (parse_link(message, &link)) {
		receiver->fn(receiver->user, &link);
	}
	return MNL_CB_OK;
}

/* ---- Asking ---- */

/* For one interface, which the caller names, or with the dump flag for all of them. */
static struct nlmsghdr *put_request(char *buffer, uint16_t flags, uint32_t seq)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info;

	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_REQUEST | flags;
	request->nlmsg_seq = seq;
	info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	info->ifi_family = AF_UNSPEC;
	return request;
}

/* Sends a request on a socket of its own and hands the answers over. */
static int ask(const struct nlmsghdr *request, struct receiver *receiver)
{
	char buffer[ANSWER_BYTES];
	int ret = MNL_CB_OK;
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (socket == NULL) {
		return -errno;
	}
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) {
		ret = MNL_CB_ERROR;
	}
	while (ret == MNL_CB_OK) {
		ssize_t len = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

		ret = len < 0 ? MNL_CB_ERROR
		              : mnl_cb_run(buffer, (size_t)len, request->nlmsg_seq,
		                           mnl_socket_get_portid(socket), hand_over, receiver);
	}
	ret = ret == MNL_CB_ERROR ? -errno : 0;
	mnl_socket_close(socket);
	return ret;
}

/* EINTR is also how a list says that it changed under way. */
static int list_links(struct receiver *receiver)
{
	char buffer[REQUEST_BYTES] = {0};
	int ret = -EINTR;

	for (uint32_t i = 1; i <= DUMPS_MAX && ret == -EINTR; i++) {
		ret = ask(put_request(buffer, NLM_F_DUMP, i), receiver);
	}
	return ret;
}

int link_list(link_fn *fn, void *user)
{
	return list_links(&(struct receiver){.fn = fn, .user = user});
}

static void keep_link(void *user, const struct link_info *link)
{
	*(struct link_info *)user = *link;
}

int link_find(const char *name, struct link_info *out_link, struct err *err)
{
	char buffer[REQUEST_BYTES] = {0};
	struct link_info link = {0};
	struct receiver receiver = {.fn = keep_link, .user = &link};
	int ret = -ENODEV;

	if (name[0] != '\0' && strlen(name) < LINK_NAME_SIZE) {
		struct nlmsghdr *request = put_request(buffer, NLM_F_ACK, 1);

		mnl_attr_put_strz(request, IFLA_IFNAME, name);
		ret = ask(request, &receiver);
	}
	if (ret == -ENODEV || (ret == 0 && link.ifindex == 0)) {
		return err_set(err, -ENODEV, "no interface is named %s", name);
	}
	if (ret != 0) {
		syserr_set(err, ret, "rtnetlink");
		return err_prefix(err, ret, name);
	}
	*out_link = link;
	return 0;
}

/* ---- Watching ---- */

struct link_monitor {
	struct mnl_socket *socket;
};

int link_monitor_open(struct link_monitor **out_monitor, link_fn *fn, void *user, struct err *err)
{
	int ret = -ENOMEM;
	struct link_monitor *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		return syserr_set(err, ret, "link monitor");
	}
	m->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (m->socket == NULL || mnl_socket_bind(m->socket, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0) {
		ret = syserr_set(err, -errno, "link monitor");
		goto fail;
	}
	/* Only now: what changes from here on is told, if need be twice. */
	ret = link_list(fn, user);
	if (ret != 0) {
		syserr_set(err, ret, "list of interfaces");
		goto fail;
	}
	*out_monitor = m;
	return 0;
fail:
	link_monitor_close(m);
	return ret;
}

int link_monitor_fd(const struct link_monitor *monitor)
{
	return mnl_socket_get_fd(monitor->socket);
}

int link_monitor_read(struct link_monitor *monitor, link_fn *fn, void *user)
{
	char buffer[ANSWER_BYTES];
	struct receiver receiver = {.fn = fn, .user = user};
	bool is_lost = false;

	for (;;) {
		ssize_t len = mnl_socket_recvfrom(monitor->socket, buffer, sizeof(buffer));

		if (len >= 0) {
			mnl_cb_run(buffer, (size_t)len, 0, 0, hand_over, &receiver);
		} else if (errno == ENOBUFS || errno == ENOSPC) {
			is_lost = true;
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	if (is_lost) {
		log_debug("capture: messages about interfaces were lost, listing all anew");
		return list_links(&receiver);
	}
	return 0;
}

void link_monitor_close(struct link_monitor *monitor)
{
	if (monitor == NULL) {
		return;
	}
	if (monitor->socket != NULL) {
		mnl_socket_close(monitor->socket);
	}
	free(monitor);
}
