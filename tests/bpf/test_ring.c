/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rings on a veth pair: every frame exactly once, alone and in a group, from the first on, and
 * whatever the interface does. Needs root, else skipped.
 */
#include <passer/base/shm.h>

#include "frames.h"
#include "hear.h"
#include "net.h"

#include <linux/if_packet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <cmocka.h>

/* ---- One ring ---- */

static void test_alone(void **state)
{
	struct listener l = listen_on("veth1");
	int s = sender_open("veth0");
	struct ring_counters counters = {0};

	(void)state;
	assert_int_equal(ring_bytes(l.ring), 16u << 20);
	assert_int_equal(ring_fanout_id(l.ring), -1);
	send_numbers(s, 0, 20000);
	drain(&l);
	expect_each_once(0, 20000);
	assert_int_equal(heard->frames, 20000);
	assert_int_equal(heard->link, LINK_ETHERNET);
	assert_int_equal(heard->by_interface[if_nametoindex("veth1")], 20000);
	assert_int_equal(ring_read_counters(l.ring, &counters), 0);
	assert_int_equal(counters.packets, 20000);
	assert_int_equal(counters.drops, 0);
	assert_int_equal(sum_kept(&l), 20000);
	/* They reset on read, and are added here. */
	assert_int_equal(ring_read_counters(l.ring, &counters), 0);
	assert_int_equal(counters.packets, 20000);
	close(s);
	ring_close(l.ring);
}

static void test_refused_sizes(void **state)
{
	const size_t sizes[] = {0, 100, 2048, 3 * 4096, (size_t)1 << 31};
	struct ring_config config = config_for("veth1", 0);
	struct ring *ring;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		config.block_bytes = sizes[i];
		assert_int_equal(ring_open(&config, &ring, &err), -EINVAL);
	}
	config = config_for("veth1", 0);
	config.ifindex = 12345;
	assert_int_equal(ring_open(&config, &ring, &err), -ENODEV);
	assert_non_null(strstr(err.text, "veth1"));
}

static void test_dropped_classes(void **state)
{
	struct ring_config config = config_for("veth1", 0);
	struct class_counter udp;
	int s = sender_open("veth0");
	struct listener l;

	(void)state;
	config.selection.keep_classes = FRAME_CLASS_BIT(ARP);
	l = listen_with(&config, 0);
	send_numbers(s, 0, 100);
	send_hex(s, ETH("0806") ARP_REQUEST);
	send_hex(s, ETH("0800") "45");
	drain(&l);
	assert_int_equal(heard->frames, 2);
	assert_int_equal(heard->by_class[FRAME_CLASS_ARP], 1);
	assert_int_equal(heard->by_class[FRAME_CLASS_SHORT], 1);
	udp = counted(&l, FRAME_CLASS_UDP);
	assert_int_equal(udp.dropped, 100);
	assert_int_equal(udp.dropped_bytes, 4600);
	assert_int_equal(udp.kept, 0);
	close(s);
	ring_close(l.ring);
}

/* The selection changes in the middle of traffic: nothing is lost, nothing comes twice. */
static void test_selected_anew(void **state)
{
	volatile uint32_t *at = shm_new(sizeof(*at));
	struct ring_selection selection = {.keep_classes = 0, .udp_budget = BUDGET_ALL};
	struct listener l = listen_on("veth1");
	pid_t stream = begin_stream(at);
	uint32_t once = 0;

	(void)state;
	while (waitpid(stream, NULL, WNOHANG) == 0) {
		selection.keep_classes ^= FRAME_CLASS_BIT(UDP);
		assert_int_equal(ring_set_selection(l.ring, &selection), 0);
		drain_for(&l, 1);
	}
	drain(&l);
	const struct class_counter udp = counted(&l, FRAME_CLASS_UDP);

	for (uint32_t i = 0; i < FRAMES_MAX; i++) {
		assert_in_range(heard->times[i], 0, 1);
		once += heard->times[i];
	}
	assert_int_equal(udp.kept + udp.dropped, FRAMES_MAX);
	assert_int_equal(udp.kept, once);
	assert_int_equal(heard->frames, once);
	assert_in_range(once, 1, FRAMES_MAX - 1);
	ring_close(l.ring);
	shm_free((void *)at, sizeof(*at));
}

/* What a ring is told always passes, and budgets. */
static void test_budgets(void **state)
{
	struct ring_config config = config_for("veth1", 0);
	int s = sender_open("veth0");
	struct listener l;

	(void)state;
	config.selection = (struct ring_selection){.keep_classes = FRAME_CLASS_BIT(TCP_ACK_DATA),
	                                           .tcp_budget = 3};
	l = listen_with(&config, 0);
	send_hex(s, ETH("0800") IPV4("0028", "06") TCP("02"));
	for (int i = 0; i < 10; i++) {
		send_hex(s, ETH("0800") IPV4("002a", "06") TCP("18") "6162");
	}
	send_hex(s, ETH("0026") "424203 0000000000");
	send_hex(s, ETH("0800") IPV4("0020", "11") UDP("06a5", "06a5"));
	drain(&l);
	assert_int_equal(heard->frames, 5);
	assert_int_equal(heard->by_class[FRAME_CLASS_TCP_ACK_DATA], 3);
	assert_int_equal(heard->by_class[FRAME_CLASS_LLC], 1);
	assert_int_equal(heard->by_class[FRAME_CLASS_TUNNEL], 1);
	close(s);
	ring_close(l.ring);
}

/* Rings of one sensor have their flows in common, and no others. */
static void test_siblings(void **state)
{
	struct ring_config config = config_for("veth1", 0);
	struct listener first, sibling, stranger;
	int s = sender_open("veth0");

	(void)state;
	config.selection.tcp_budget = 4;
	first = listen_with(&config, 0);
	send_hex(s, ETH("0800") IPV4("0028", "06") TCP("02"));
	stranger = listen_with(&config, 0);
	config.sibling = ring_stock_of(first.ring);
	config.progress = &heard->progress[1];
	sibling = listen_with(&config, 1);
	for (int i = 0; i < 10; i++) {
		send_hex(s, ETH("0800") IPV4("002a", "06") TCP("18") "6162");
	}
	drain(&sibling);
	assert_int_equal(counted(&stranger, FRAME_CLASS_TCP_ACK_DATA).kept, 0);
	/* Each hears every segment, and each spends. */
	assert_int_equal(counted(&first, FRAME_CLASS_TCP_ACK_DATA).kept, 2);
	assert_int_equal(counted(&sibling, FRAME_CLASS_TCP_ACK_DATA).kept, 2);
	ring_close(first.ring);
	send_hex(s, ETH("0800") IPV4("0028", "06") TCP("02"));
	send_hex(s, ETH("0800") IPV4("002a", "06") TCP("18") "6162");
	drain(&sibling);
	assert_int_equal(counted(&sibling, FRAME_CLASS_TCP_ACK_DATA).kept, 3);
	close(s);
	ring_close(sibling.ring);
	ring_close(stranger.ring);
}

static void read_block(const struct listener *l)
{
	struct err err;

	assert_int_equal(source_read(ring_source(l->ring), hear, (void *)l, &err), SOURCE_MORE);
}

/* The last frame may be on its way still. */
static void expect_waiting(const struct listener *l, uint64_t expected)
{
	for (int i = 0; i < 1000 && ring_waiting(l->ring) < expected; i++) {
		usleep(1000);
	}
	assert_int_equal(ring_waiting(l->ring), expected);
}

/* Handed out and waiting make what came, at any time; also of a block that is being filled. */
static void test_waiting(void **state)
{
	struct listener l = listen_on("veth1");
	int s = sender_open("veth0");
	const struct ring_progress *progress = &heard->progress[0];

	(void)state;
	expect_waiting(&l, 0);
	for (uint32_t i = 0; i < 2000; i++) {
		send_numbers(s, i, 1);
		if (i % 100 == 0) {
			expect_waiting(&l, i + 1);
		}
	}
	assert_int_equal(progress->frames, 0);
	assert_int_equal(progress->blocks_waiting_max, 0);
	usleep(3000 * RETIRE_MS);
	expect_waiting(&l, 2000);
	read_block(&l);
	assert_in_range(progress->frames, 1, 1999);
	assert_int_equal(progress->frames, heard->frames);
	expect_waiting(&l, 2000 - progress->frames);
	/* 46 bytes take 128 of a block with their headers. */
	assert_in_range(progress->blocks_waiting_max, 4, 40);
	uint32_t waited = progress->blocks_waiting_max;

	send_numbers(s, 2000, 1);
	drain(&l);
	assert_int_equal(progress->frames, 2001);
	assert_int_equal(progress->blocks_waiting_max, waited);
	assert_int_equal(ring_waiting(l.ring), 0);
	close(s);
	ring_close(l.ring);
}

static void test_mute(void **state)
{
	struct listener l = listen_on("veth1");
	int s = sender_open("veth0");

	(void)state;
	send_numbers(s, 0, 500);
	assert_int_equal(ring_mute(l.ring), 0);
	send_numbers(s, 500, 500);
	drain(&l);
	expect_each_once(0, 500);
	assert_int_equal(heard->frames, 500);
	close(s);
	ring_close(l.ring);
}

/* A ring of 4 blocks of a page that nobody reads. */
static void test_full(void **state)
{
	struct ring_config config = config_for("veth1", 0);
	int s = sender_open("veth0");
	struct ring_counters counters = {0};
	struct listener l;

	(void)state;
	config.block_bytes = 4096;
	config.ring_bytes = 1;
	l = listen_with(&config, 0);
	assert_int_equal(ring_bytes(l.ring), 4 * 4096);
	send_numbers(s, 0, 2000);
	usleep(5000 * RETIRE_MS);
	assert_int_equal(ring_read_counters(l.ring, &counters), 0);
	assert_int_equal(ring_waiting(l.ring), counters.packets - counters.drops);
	drain(&l);
	assert_int_equal(ring_waiting(l.ring), 0);
	assert_int_equal(heard->progress[0].blocks_waiting_max, 4);
	assert_int_equal(heard->progress[0].frames, counters.packets - counters.drops);
	assert_int_equal(counters.packets, 2000);
	assert_in_range(counters.drops, 1, 1999);
	assert_in_range(counters.freezes, 1, 2000);
	assert_int_equal(heard->frames, counters.packets - counters.drops);
	expect_each_once(0, heard->frames);
	/* It works on as if nothing had been. */
	send_numbers(s, 3000, 20);
	drain(&l);
	expect_each_once(3000, 20);
	close(s);
	ring_close(l.ring);
}

/* Where the only ring of this process is mapped. */
static uint8_t *find_mapping(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	uintptr_t start = 0;

	assert_non_null(maps);
	while (start == 0 && fgets(line, sizeof(line), maps) != NULL) {
		if (strstr(line, "socket:") != NULL) {
			start = strtoull(line, NULL, 16);
		}
	}
	fclose(maps);
	assert_int_not_equal(start, 0);
	return (uint8_t *)start; /* NOLINT(performance-no-int-to-ptr) */
}

/*
 * A listener whose first block holds ten frames. A sender that has to wait for its turn may find
 * the block handed over in between: then the ring is opened anew, for what is tested needs all in
 * one.
 */
static struct listener listen_to_ten(int sender, struct tpacket_block_desc **out_block)
{
	for (int i = 0; i < 50; i++) {
		struct listener l = listen_on("veth1");

		*out_block = (void *)find_mapping();
		send_numbers(sender, 0, 10);
		usleep(3000 * RETIRE_MS);
		if ((*out_block)->hdr.bh1.num_pkts == 10) {
			return l;
		}
		ring_close(l.ring);
	}
	fail_msg("never ten frames in one block");
	return (struct listener){.ring = NULL};
}

/* Ten frames in a block, of which `field` of the fourth or of the block itself is overwritten. */
static void check_torn(size_t field, bool is_of_block, uint32_t value, uint32_t expected_torn)
{
	int s = sender_open("veth0");
	struct tpacket_block_desc *block;
	struct listener l = listen_to_ten(s, &block);
	uint8_t *at = (uint8_t *)block;

	heard->progress[0].frames_torn = 0;
	assert_int_equal(block->hdr.bh1.num_pkts, 10);
	if (!is_of_block) {
		at += block->hdr.bh1.offset_to_first_pkt;
		for (int i = 0; i < 3; i++) {
			at += ((struct tpacket3_hdr *)(void *)at)->tp_next_offset;
		}
	}
	memcpy(at + field, &value, sizeof(value));
	drain(&l);
	assert_int_equal(heard->progress[0].frames_torn, expected_torn);
	send_numbers(s, 100, 10);
	memset(heard->times, 0, sizeof(heard->times));
	drain(&l);
	expect_each_once(100, 10);
	close(s);
	ring_close(l.ring);
}

static void test_torn(void **state)
{
	const size_t next = offsetof(struct tpacket3_hdr, tp_next_offset);
	const size_t snaplen = offsetof(struct tpacket3_hdr, tp_snaplen);
	const size_t count = offsetof(struct tpacket_block_desc, hdr.bh1.num_pkts);
	const size_t first = offsetof(struct tpacket_block_desc, hdr.bh1.offset_to_first_pkt);

	(void)state;
	check_torn(next, false, UINT32_MAX, 6);
	check_torn(next, false, 0, 6);
	check_torn(next, false, 72, 6);
	check_torn(next, false, BLOCK_BYTES, 6);
	check_torn(snaplen, false, UINT32_MAX, 7);
	check_torn(snaplen, false, BLOCK_BYTES, 7);
	check_torn(first, true, BLOCK_BYTES - 16, 10);
	check_torn(first, true, UINT32_MAX - 15, 10);
	check_torn(count, true, 5, 0);
	check_torn(count, true, UINT32_MAX, UINT32_MAX - 10);
}

static void test_tags(void **state)
{
	struct listener l = listen_on("veth1");
	int s = sender_open("veth0");

	(void)state;
	send_hex(s, ETH("8100") TAG("6005 0800") IPV4("0028", "06") TCP("02"));
	drain(&l);
	assert_int_equal(heard->tagged, 1);
	assert_int_equal(heard->vlan_tci, 0x6005);
	assert_int_equal(heard->ethertype, 0x0800);
	send_hex(s, ETH("88a8") TAG("0007 8100") TAG("0008 0800") IPV4("0028", "06") TCP("02"));
	drain(&l);
	assert_int_equal(heard->tagged, 2);
	assert_int_equal(heard->vlan_tci, 7);
	assert_int_equal(heard->ethertype, 0x0800);
	send_hex(s, ETH("8100") TAG("0000 0800") IPV4("0028", "06") TCP("02"));
	drain(&l);
	assert_int_equal(heard->tagged, 3);
	assert_int_equal(heard->by_class[FRAME_CLASS_TCP_SYN], 3);
	close(s);
	ring_close(l.ring);
}

/* ---- Several rings ---- */

static void test_group(void **state)
{
	int s = sender_open("veth0");
	struct listener pair[2];
	uint32_t both = 0;

	(void)state;
	listen_pair("veth1", pair);
	send_numbers(s, 0, 20000);
	drain(&pair[0]);
	uint32_t first = heard->frames;

	drain(&pair[1]);
	expect_each_once(0, 20000);
	assert_int_equal(heard->frames, 20000);
	assert_in_range(first, 20000 / 4, 20000 * 3 / 4);
	for (uint32_t i = 0; i < PAIRS; i++) {
		both += heard->pair_readers[i] == 3;
	}
	assert_int_equal(both, 0);
	close(s);
	ring_close(pair[0].ring);
	ring_close(pair[1].ring);
}

/* Rings that are opened in the middle of traffic: nothing twice, and nothing lost from then on. */
static void test_opened_in_a_stream(void **state)
{
	volatile uint32_t *at = shm_new(sizeof(*at));
	struct listener pair[2];
	struct ring_counters counters = {0};
	pid_t child = begin_stream(at);

	(void)state;
	while (*at < 1000) {
		usleep(100);
	}
	listen_pair("veth1", pair);
	uint32_t first = *at + 1; /* the one on its way may have been missed */

	while (waitpid(child, NULL, WNOHANG) == 0) {
		drain_for(&pair[0], 1);
		drain_for(&pair[1], 1);
	}
	drain(&pair[0]);
	drain(&pair[1]);
	assert_int_equal(ring_read_counters(pair[0].ring, &counters), 0);
	assert_int_equal(ring_read_counters(pair[1].ring, &counters), 0);
	assert_int_equal(counters.drops, 0);
	assert_in_range(first, 1000, FRAMES_MAX - 1000); /* loading programs takes its time */
	expect_each_once(first, FRAMES_MAX - first);
	for (uint32_t i = 0; i < first; i++) {
		assert_in_range(heard->times[i], 0, 1);
	}
	ring_close(pair[0].ring);
	ring_close(pair[1].ring);
	shm_free((void *)at, sizeof(*at));
}

/* A member comes and goes while frames come. False when they had ended before it was there. */
static bool come_and_go(const struct ring_config *config, volatile uint32_t *at)
{
	*at = 0;
	pid_t stream = begin_stream(at);

	while (*at < 100) {
		usleep(100);
	}
	struct listener l = listen_with(config, 1);
	bool is_in_stream = waitpid(stream, NULL, WNOHANG) == 0;

	assert_int_equal(ring_mute(l.ring), 0);
	drain_for(&l, 2 * (int)config->retire_ms);
	ring_close(l.ring);
	if (is_in_stream) {
		kill(stream, SIGKILL);
		assert_int_equal(waitpid(stream, NULL, 0), stream);
	}
	return is_in_stream;
}

/* A member that comes hears nothing that others hear, not even in the moment in which it comes. */
static void test_coming_and_going(void **state)
{
	volatile uint32_t *at = shm_new(sizeof(*at));
	struct ring_config config = config_for("veth1", 0);
	struct err err;
	uint32_t comings = 0;

	(void)state;
	config.is_alone = false;
	struct listener first = listen_with(&config, 0);

	config.fanout_id = ring_fanout_id(first.ring);
	config.progress = &heard->progress[1];
	config.ring_bytes = 1u << 20;
	config.retire_ms = 1;
	/* What takes long is done once, so that frames come until a member is there. */
	assert_int_equal(ring_stock_open(&config, &config.stock, &err), 0);
	for (int tries = 0; tries < 100 && comings < 8; tries++) {
		comings += come_and_go(&config, at);
		assert_int_equal(ring_stock_add_socket(config.stock, INT32_MAX), 0);
		drain(&first);
		for (uint32_t i = 0; i < FRAMES_MAX; i++) {
			assert_in_range(heard->times[i], 0, 1);
		}
		memset(heard->times, 0, sizeof(heard->times));
	}
	assert_int_equal(comings, 8);
	ring_close(first.ring);
	ring_stock_close(config.stock);
	shm_free((void *)at, sizeof(*at));
}

static void test_all_interfaces(void **state)
{
	int s = sender_open("veth0");
	struct listener pair[2];

	(void)state;
	listen_pair(NULL, pair);
	assert_int_equal(ring_add_promisc(pair[0].ring, if_nametoindex("veth1")), 0);
	assert_int_equal(ring_add_promisc(pair[0].ring, 12345), -ENODEV);
	send_numbers(s, 0, 1000);
	drain(&pair[0]);
	drain(&pair[1]);
	assert_int_equal(heard->by_interface[if_nametoindex("veth0")], 1000);
	assert_int_equal(heard->by_interface[if_nametoindex("veth1")], 1000);
	assert_int_equal(heard->frames, 2000);
	close(s);
	ring_close(pair[0].ring);
	ring_close(pair[1].ring);
}

/* ---- Interfaces ---- */

/* No more than the one wake-up that tells of the error: then epoll must be silent. */
static void expect_silence(struct ring *ring)
{
	struct source *source = ring_source(ring);
	struct epoll_event event = {.events = EPOLLIN};
	struct listener l = {.ring = ring};
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int wakeups = 0;
	struct err err;

	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, source_fd(source), &event), 0);
	while (epoll_wait(epoll, &event, 1, QUIET_MS) > 0 && wakeups < 10) {
		assert_int_equal(source_read(source, hear, &l, &err), SOURCE_IDLE);
		wakeups++;
	}
	assert_in_range(wakeups, 0, 1);
	close(epoll);
}

static void test_down_and_up(void **state)
{
	int s = sender_open("veth0");
	struct listener pair[2];

	(void)state;
	listen_pair("veth1", pair);
	send_numbers(s, 0, 100);
	drain(&pair[0]);
	drain(&pair[1]);
	net_run("ip link set veth1 down");
	expect_silence(pair[0].ring);
	expect_silence(pair[1].ring);
	net_run("ip link set veth1 up");
	net_wait_running("veth0");
	send_numbers(s, 100, 1000);
	drain(&pair[0]);
	drain(&pair[1]);
	expect_each_once(0, 1100);
	assert_int_equal(heard->frames, 1100);
	close(s);
	ring_close(pair[0].ring);
	ring_close(pair[1].ring);
}

static void test_gone(void **state)
{
	struct listener l;

	(void)state;
	net_run("ip link add spare0 type veth peer name spare1 && ip link set spare0 up");
	l = listen_on("spare0");
	net_run("ip link delete spare0");
	expect_silence(l.ring);
	ring_close(l.ring);
}

#define TEST(name) cmocka_unit_test_setup(test_##name, hear_forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(alone),
		TEST(refused_sizes),
		TEST(dropped_classes),
		TEST(selected_anew),
		TEST(budgets),
		TEST(siblings),
		TEST(waiting),
		TEST(mute),
		TEST(full),
		TEST(torn),
		TEST(tags),
		TEST(group),
		TEST(opened_in_a_stream),
		TEST(coming_and_going),
		TEST(all_interfaces),
		TEST(down_and_up),
		TEST(gone),
	};

	hear_init();
	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
