/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interfaces as rtnetlink tells them, in a namespace of the test's own. Needs root, else skipped.
 */
#include <passer/capture/link.h>

#include "net.h"

#include <linux/if_arp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <cmocka.h>

#define SEEN_MAX 64

struct seen {
	struct link_info links[SEEN_MAX];
	size_t count;
};

static void see(void *user, const struct link_info *link)
{
	struct seen *seen = user;

	assert_in_range(seen->count, 0, SEEN_MAX - 1);
	seen->links[seen->count++] = *link;
}

/* The last that was told about it. */
static const struct link_info *find(const struct seen *seen, const char *name)
{
	for (size_t i = seen->count; i > 0; i--) {
		if (strcmp(seen->links[i - 1].name, name) == 0) {
			return &seen->links[i - 1];
		}
	}
	return NULL;
}

static void read_news(struct link_monitor *monitor, struct seen *out_seen)
{
	struct pollfd ready = {.fd = link_monitor_fd(monitor), .events = POLLIN};

	*out_seen = (struct seen){.count = 0};
	poll(&ready, 1, 1000);
	assert_int_equal(link_monitor_read(monitor, see, out_seen), 0);
}

/* A link comes up in several steps, each of which is told. */
static void expect_up(struct link_monitor *monitor, const char *name, bool is_up)
{
	const struct link_info *link = NULL;
	struct seen seen;

	for (int i = 0; i < 10 && (link == NULL || link->is_up != is_up); i++) {
		read_news(monitor, &seen);
		link = find(&seen, name);
	}
	assert_non_null(link);
	assert_int_equal(link->is_up, is_up);
}

static struct link_monitor *open_monitor(struct seen *out_seen)
{
	struct link_monitor *monitor = NULL;
	struct err err;

	*out_seen = (struct seen){.count = 0};
	assert_int_equal(link_monitor_open(&monitor, see, out_seen, &err), 0);
	return monitor;
}

static void test_type(void **state)
{
	(void)state;
	assert_int_equal(link_type_of(ARPHRD_ETHER), LINK_ETHERNET);
	assert_int_equal(link_type_of(ARPHRD_LOOPBACK), LINK_ETHERNET);
	assert_int_equal(link_type_of(ARPHRD_NONE), LINK_RAW_IP);
	assert_int_equal(link_type_of(ARPHRD_SIT), LINK_RAW_IP);
	assert_int_equal(link_type_of(ARPHRD_IP6GRE), LINK_RAW_IP);
	assert_int_equal(link_type_of(ARPHRD_IEEE80211), LINK_80211);
	assert_int_equal(link_type_of(ARPHRD_IEEE80211_RADIOTAP), LINK_RADIOTAP);
	assert_int_equal(link_type_of(ARPHRD_NETLINK), LINK_UNKNOWN);
}

static void test_find(void **state)
{
	struct link_info link;
	struct err err;

	(void)state;
	assert_int_equal(link_find("lo", &link, &err), 0);
	assert_int_equal(link.ifindex, 1);
	assert_true(link.is_loopback);
	assert_true(link.is_up);
	assert_int_equal(link.hatype, ARPHRD_LOOPBACK);
	assert_int_equal(link_find("veth0", &link, &err), 0);
	assert_string_equal(link.name, "veth0");
	assert_false(link.is_loopback);
	assert_int_equal(link.hatype, ARPHRD_ETHER);
}

static void test_find_nothing(void **state)
{
	const char *const names[] = {"", "nowhere", "a name far too long for an interface"};
	struct link_info link;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(link_find(names[i], &link, &err), -ENODEV);
		assert_non_null(strstr(err.text, names[i]));
	}
}

static void test_list_and_news(void **state)
{
	struct seen seen;
	struct link_monitor *monitor = open_monitor(&seen);

	(void)state;
	assert_non_null(find(&seen, "lo"));
	assert_true(find(&seen, "veth0")->is_up);
	assert_true(find(&seen, "veth1")->is_up);

	net_run("ip link set veth1 down");
	expect_up(monitor, "veth1", false);
	net_run("ip link set veth1 up");
	expect_up(monitor, "veth1", true);

	net_run("ip link add spare0 type veth peer name spare1");
	read_news(monitor, &seen);
	assert_false(find(&seen, "spare0")->is_up);
	assert_false(find(&seen, "spare0")->is_gone);
	net_run("ip link delete spare0");
	read_news(monitor, &seen);
	assert_true(find(&seen, "spare0")->is_gone);
	assert_true(find(&seen, "spare1")->is_gone);
	link_monitor_close(monitor);
}

/* A bridge tells of its ports with the same messages; leaving it is not going away. */
static void test_bridge_port(void **state)
{
	struct seen seen;
	struct link_monitor *monitor = open_monitor(&seen);

	(void)state;
	if (system("ip link add bridge0 type bridge 2>/dev/null") != 0) {
		link_monitor_close(monitor);
		skip();
	}
	net_run("ip link set veth1 master bridge0 && ip link set veth1 nomaster");
	read_news(monitor, &seen);
	for (size_t i = 0; i < seen.count; i++) {
		assert_false(seen.links[i].is_gone);
	}
	net_run("ip link delete bridge0");
	link_monitor_close(monitor);
}

static void test_lost_news(void **state)
{
	struct seen seen;
	struct link_monitor *monitor = open_monitor(&seen);
	int bytes = 1;

	(void)state;
	assert_int_equal(
		setsockopt(link_monitor_fd(monitor), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)),
		0);
	net_run("for i in 1 2 3 4 5; do ip link set veth1 mtu 140$i; done; ip link set veth1 down");
	read_news(monitor, &seen);
	assert_non_null(find(&seen, "lo")); /* nothing happened to it: so all were listed */
	assert_false(find(&seen, "veth1")->is_up);
	net_run("ip link set veth1 up");
	link_monitor_close(monitor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_type),         cmocka_unit_test(test_find),
		cmocka_unit_test(test_find_nothing), cmocka_unit_test(test_list_and_news),
		cmocka_unit_test(test_bridge_port),  cmocka_unit_test(test_lost_news),
	};

	if (!net_enter()) {
		puts("1..0 # SKIP needs root");
		return 0;
	}
	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
