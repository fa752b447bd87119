/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which capabilities a ring needs to be opened, and that it needs none from then on. Needs root,
 * else skipped.
 */
#include "hear.h"
#include "net.h"

#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

/* Leaves the process with these capabilities and no other; for a child. */
static bool keep_capabilities(uint64_t mask)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = (uint32_t)mask, .permitted = (uint32_t)mask},
		{.effective = (uint32_t)(mask >> 32), .permitted = (uint32_t)(mask >> 32)},
	};

	return prctl(PR_SET_KEEPCAPS, 1) == 0 && syscall(SYS_setresuid, 65534, 65534, 65534) == 0 &&
	       syscall(SYS_capset, &header, data) == 0;
}

/* Runs in a child: exit code 0 when all is well, else the number of what is not. */
static int try_with(uint64_t mask, bool is_enough)
{
	struct ring_config config = config_for("veth1", 0);
	struct ring *ring = NULL;
	struct err err = {.text = ""};

	if (!keep_capabilities(mask)) {
		return 1;
	}
	config.is_alone = false;
	int ret = ring_open(&config, &ring, &err);

	if (is_enough) {
		return ret == 0 ? 0 : 2;
	}
	if (ret != -EPERM && ret != -EACCES) {
		return 3;
	}
	return strstr(err.text, "CAP_NET_RAW and CAP_BPF") != NULL ? 0 : 4;
}

static void expect_in_child(uint64_t mask, bool is_enough)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		_exit(try_with(mask, is_enough));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_capabilities(void **state)
{
	const uint64_t raw = 1ull << CAP_NET_RAW;
	const uint64_t bpf = 1ull << CAP_BPF;

	(void)state;
	expect_in_child(0, false);
	expect_in_child(bpf, false);
	expect_in_child(raw | bpf, true);
}

/* What the supervisor and its workers still do when they have dropped everything. */
static void test_without_capabilities(void **state)
{
	struct listener l = listen_on("veth1");
	int s = sender_open("veth0");
	int status;

	(void)state;
	send_numbers(s, 0, 100);
	pid_t child = fork();

	if (child == 0) {
		struct filter_counters counted_there;
		struct ring_counters counters = {0};

		bool is_fine = keep_capabilities(0) && ring_mute(l.ring) == 0 &&
		               ring_read_counters(l.ring, &counters) == 0 &&
		               ring_read_filter(l.ring, &counted_there) == 0;
		drain(&l);
		_exit(is_fine && counters.packets == 100 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	expect_each_once(0, 100);
	close(s);
	ring_close(l.ring);
}

#define TEST(name) cmocka_unit_test_setup(test_##name, hear_forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(capabilities),
		TEST(without_capabilities),
	};

	hear_init();
	return cmocka_run_group_tests_name("rights", tests, NULL, NULL);
}
