/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who gets what: both directions of what two hosts, or two ports, say to one another come to one
 * member of a group, also under tags, labels and one tunnel, and every frame comes to one only.
 * Needs root, else skipped.
 */
#include <passer/base/shm.h>

#include "frames.h"
#include "hear.h"
#include "net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#define CONVERSATIONS 48u
#define MARK_BYTES    4u /* payload: number of the conversation, port, direction */
#define TAIL4         (MARK_BYTES + 20 + 8) /* from the end to the addresses behind TCP */
#define TAIL6         (MARK_BYTES + 20 + 32)

static const struct frame_row segment4 = {.hex = ETH("0800") IPV4("002c", "06")
                                                  TCP("18") "00000000"};
static const struct frame_row segment6 = {.hex = ETH("86dd") IPV6("0018", "06")
                                                  TCP("18") "00000000"};

/* The frame as it is. */
static const struct wrap_row plain = {.name = "plain", .hex = "", .kind = WRAP_ETHERNET};
/* Of the two tags, the kernel takes the outer one out. */
static const struct wrap_row two_tags = {
	.name = "two tags", .hex = MACS "88a8 0005 8100 0006 0800", .kind = WRAP_IPV4};

/* Bit i is set when member i got a frame of the conversation, on either of two ports. */
static struct {
	uint8_t members[CONVERSATIONS][2];
	unsigned frames[2];
	uint32_t lengths[2]; /* of the last frame */
} got;

static void note(void *user, const struct frame *frame)
{
	const struct listener *l = user;
	const uint8_t *mark = frame->bytes.data + frame->bytes.len - MARK_BYTES;

	got.frames[l->bit - 1]++;
	got.lengths[l->bit - 1] = (uint32_t)frame->bytes.len;
	if (mark[0] < CONVERSATIONS && mark[1] < 2) {
		got.members[mark[0]][mark[1]] |= (uint8_t)l->bit;
	}
}

/* ---- Sending ---- */

static void swap_bytes(uint8_t *a, uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t kept = a[i];

		a[i] = b[i];
		b[i] = kept;
	}
}

/* A tunnel may have other ends in the other direction. */
static void change_ends(uint8_t *bytes)
{
	if (memcmp(bytes + 12, "\x08\0", 2) == 0) {
		bytes[29] = 0x21;
		bytes[33] = 0x22;
	} else if (memcmp(bytes + 12, "\x86\xdd", 2) == 0) {
		bytes[37] = 0x21;
		bytes[53] = 0x22;
	}
}

static void send_segment(int s, const struct wrap_row *wrap, uint8_t conversation, uint8_t port,
                         bool is_reply)
{
	bool is_v6 = wrap->kind == WRAP_IPV6 || (wrap->kind == WRAP_ETHERNET && conversation % 2);
	size_t size = is_v6 ? 16 : 4;
	uint8_t bytes[FRAME_MAX];
	size_t len = frame_wrap(wrap, is_v6 ? &segment6 : &segment4, bytes);
	uint8_t *end = bytes + len;
	uint8_t *addresses = end - (is_v6 ? TAIL6 : TAIL4);
	uint8_t *ports = end - MARK_BYTES - 20;

	assert_true(len > 0);
	addresses[size - 1] = conversation;
	addresses[2 * size - 1] = (uint8_t)(conversation + 100);
	ports[1] = port;
	memcpy(end - MARK_BYTES, (uint8_t[]){conversation, port, is_reply, 0}, MARK_BYTES);
	if (is_reply) {
		swap_bytes(addresses, addresses + size, size);
		swap_bytes(ports, ports + 2, 2);
		change_ends(wrap->is_tunnel ? bytes : end);
	}
	assert_true(send_bytes(s, bytes, len));
}

static unsigned send_all(int s, const struct wrap_row *wrap)
{
	for (uint8_t i = 0; i < CONVERSATIONS; i++) {
		for (uint8_t port = 0; port < 2; port++) {
			send_segment(s, wrap, i, port, false);
			send_segment(s, wrap, i, port, true);
		}
	}
	return CONVERSATIONS * 4;
}

/* ---- Hearing ---- */

static void listen_as(enum fanout_mode mode, struct listener out_pair[static 2])
{
	struct ring_config config = config_for("veth1", 0);

	config.is_alone = false;
	config.fanout = mode;
	out_pair[0] = listen_with(&config, 0);
	config.fanout_id = ring_fanout_id(out_pair[0].ring);
	config.sibling = ring_stock_of(out_pair[0].ring);
	config.progress = &heard->progress[1];
	out_pair[1] = listen_with(&config, 1);
}

static void drain_pair(const struct listener pair[static 2])
{
	memset(&got, 0, sizeof(got));
	usleep(3000 * RETIRE_MS);
	for (int i = 0; i < 2; i++) {
		struct err err;

		while (source_read(ring_source(pair[i].ring), note, (void *)&pair[i], &err) ==
		       SOURCE_MORE) {
		}
	}
}

static void close_pair(const struct listener pair[static 2])
{
	ring_close(pair[0].ring);
	ring_close(pair[1].ring);
}

static void expect_one(const char *name, unsigned conversation, uint8_t members)
{
	if (members != 1 && members != 2) {
		fail_msg("%s: conversation %u came to members %x", name, conversation, members);
	}
}

/* ---- Tests ---- */

static void check_hosts(int s, const struct listener pair[static 2], const struct wrap_row *wrap)
{
	unsigned sent = send_all(s, wrap);

	drain_pair(pair);
	assert_int_equal(got.frames[0] + got.frames[1], sent);
	assert_in_range(got.frames[0], sent / 5, sent - sent / 5);
	for (unsigned i = 0; i < CONVERSATIONS; i++) {
		expect_one(wrap->name, i, got.members[i][0] | got.members[i][1]);
	}
}

static void test_host(void **state)
{
	struct listener pair[2];
	int s = sender_open("veth0");

	(void)state;
	listen_as(FANOUT_HOST, pair);
	check_hosts(s, pair, &plain);
	check_hosts(s, pair, &two_tags);
	for (size_t i = 0; i < WRAP_ROWS; i++) {
		check_hosts(s, pair, &wrap_rows[i]);
	}
	close(s);
	close_pair(pair);
}

/* The same pair of hosts comes to the same member, in a tunnel or not. */
static void test_host_in_and_out(void **state)
{
	uint8_t outside[CONVERSATIONS];
	struct listener pair[2];
	int s = sender_open("veth0");

	(void)state;
	listen_as(FANOUT_HOST, pair);
	send_all(s, &plain);
	drain_pair(pair);
	for (unsigned i = 0; i < CONVERSATIONS; i++) {
		outside[i] = got.members[i][0];
	}
	for (size_t w = 0; w < WRAP_ROWS; w++) {
		if (wrap_rows[w].kind == WRAP_ETHERNET) {
			send_all(s, &wrap_rows[w]);
			drain_pair(pair);
			for (unsigned i = 0; i < CONVERSATIONS; i++) {
				assert_int_equal(got.members[i][0], outside[i]);
			}
		}
	}
	close(s);
	close_pair(pair);
}

static void test_host_fragments(void **state)
{
	uint8_t bytes[FRAME_MAX];
	struct listener pair[2];
	int s = sender_open("veth0");

	(void)state;
	listen_as(FANOUT_HOST, pair);
	for (uint8_t i = 0; i < CONVERSATIONS; i++) {
		size_t len = frame_parse(segment4.hex, bytes);

		bytes[29] = bytes[len - MARK_BYTES] = i;
		bytes[20] = 0x20;
		assert_true(send_bytes(s, bytes, len));
		bytes[20] = 0;
		bytes[21] = 3;
		assert_true(send_bytes(s, bytes, len));
	}
	drain_pair(pair);
	assert_int_equal(got.frames[0] + got.frames[1], 2 * CONVERSATIONS);
	for (unsigned i = 0; i < CONVERSATIONS; i++) {
		expect_one("fragments", i, got.members[i][0]);
	}
	close(s);
	close_pair(pair);
}

static void check_flows(int s, const struct listener pair[static 2], const struct wrap_row *wrap)
{
	unsigned sent = send_all(s, wrap);

	drain_pair(pair);
	assert_int_equal(got.frames[0] + got.frames[1], sent);
	assert_in_range(got.frames[0], sent / 5, sent - sent / 5);
	for (unsigned i = 0; i < CONVERSATIONS; i++) {
		expect_one(wrap->name, i, got.members[i][0]);
		expect_one(wrap->name, i, got.members[i][1]);
	}
}

static void test_flow(void **state)
{
	struct listener pair[2];
	int s = sender_open("veth0");

	(void)state;
	listen_as(FANOUT_FLOW, pair);
	check_flows(s, pair, &plain);
	check_flows(s, pair, &two_tags);
	close(s);
	close_pair(pair);
}

/* The kernel hands over the datagram, and no fragment of it. */
static void test_flow_fragments(void **state)
{
	struct listener pair[2];
	int s = sender_open("veth0");

	(void)state;
	listen_as(FANOUT_FLOW, pair);
	send_hex(s, ETH("0800") IPV4_WITH("5", "001c", "2000", "11") "3039 1389 0014 0000");
	send_hex(s, ETH("0800") IPV4_WITH("5", "0020", "0001", "11") "6162636465666768 696a6b6c");
	drain_pair(pair);
	assert_int_equal(got.frames[0] + got.frames[1], 1);
	assert_int_equal(got.lengths[0] + got.lengths[1], 14 + 20 + 20);
	close(s);
	close_pair(pair);
}

static void check_each_once(enum fanout_mode mode)
{
	struct listener pair[2];
	int s = sender_open("veth0");

	listen_as(mode, pair);
	assert_true(ring_fanout_id(pair[0].ring) >= 0);
	send_numbers(s, 0, 5000);
	drain(&pair[0]);
	drain(&pair[1]);
	expect_each_once(0, 5000);
	assert_int_equal(heard->frames, 5000);
	close(s);
	close_pair(pair);
}

static void test_all_modes_hear_once(void **state)
{
	(void)state;
	for (int mode = FANOUT_HOST; mode <= FANOUT_QUEUE; mode++) {
		hear_forget(NULL);
		check_each_once((enum fanout_mode)mode);
	}
}

/* Members that come into the middle of traffic: nothing twice, and nothing lost from then on. */
static void check_stream(enum fanout_mode mode)
{
	volatile uint32_t *at = shm_new(sizeof(*at));
	struct ring_counters counters = {0};
	pid_t stream = begin_stream(at);
	struct listener pair[2];

	while (*at < 1000) {
		usleep(100);
	}
	listen_as(mode, pair);
	uint32_t first = *at + 1; /* the one on its way may have been missed */

	while (waitpid(stream, NULL, WNOHANG) == 0) {
		drain_for(&pair[0], 1);
		drain_for(&pair[1], 1);
	}
	drain(&pair[0]);
	drain(&pair[1]);
	assert_int_equal(ring_read_counters(pair[0].ring, &counters), 0);
	assert_int_equal(ring_read_counters(pair[1].ring, &counters), 0);
	assert_int_equal(counters.drops, 0);
	assert_int_equal(counters.packets, heard->frames);
	assert_int_equal(heard->progress[0].frames + heard->progress[1].frames, heard->frames);
	assert_in_range(first, 1000, FRAMES_MAX - 1000);
	expect_each_once(first, FRAMES_MAX - first);
	for (uint32_t i = 0; i < first; i++) {
		assert_in_range(heard->times[i], 0, 1);
	}
	close_pair(pair);
	shm_free((void *)at, sizeof(*at));
}

static void test_all_modes_in_a_stream(void **state)
{
	(void)state;
	for (int mode = FANOUT_HOST; mode <= FANOUT_QUEUE; mode++) {
		hear_forget(NULL);
		check_stream((enum fanout_mode)mode);
	}
}

/* A group has one mode, and the kernel sees to it. */
static void test_other_mode_is_refused(void **state)
{
	struct ring_config config = config_for("veth1", 0);
	struct listener first;
	struct ring *second;
	struct err err;

	(void)state;
	config.is_alone = false;
	first = listen_with(&config, 0);
	config.fanout_id = ring_fanout_id(first.ring);
	config.fanout = FANOUT_FLOW;
	config.progress = &heard->progress[1];
	assert_int_equal(ring_open(&config, &second, &err), -EINVAL);
	ring_close(first.ring);
}

/* Another sensor on the interface: a group of its own, other classes, and flows of its own. */
static void test_two_sensors(void **state)
{
	struct listener ours[2], theirs[2];
	const struct ring_selection none = {.keep_classes = 0};
	int s = sender_open("veth0");

	(void)state;
	listen_as(FANOUT_HOST, ours);
	listen_as(FANOUT_FLOW, theirs);
	assert_int_not_equal(ring_fanout_id(ours[0].ring), ring_fanout_id(theirs[0].ring));
	assert_int_equal(ring_set_selection(theirs[0].ring, &none), 0);
	assert_int_equal(ring_set_selection(theirs[1].ring, &none), 0);
	send_numbers(s, 0, 2000);
	drain(&theirs[0]);
	drain(&theirs[1]);
	assert_int_equal(heard->frames, 0);
	drain(&ours[0]);
	drain(&ours[1]);
	expect_each_once(0, 2000);
	assert_int_equal(counted(&theirs[0], FRAME_CLASS_UDP).dropped +
	                         counted(&theirs[1], FRAME_CLASS_UDP).dropped,
	                 2000);
	assert_int_equal(sum_kept(&ours[0]) + sum_kept(&ours[1]), 2000);
	close(s);
	close_pair(theirs);
	/* And when it ends. */
	s = sender_open("veth0");
	send_numbers(s, 2000, 2000);
	drain(&ours[0]);
	drain(&ours[1]);
	expect_each_once(0, 4000);
	close(s);
	close_pair(ours);
}

#define TEST(name) cmocka_unit_test_setup(test_##name, hear_forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(host),
		TEST(host_in_and_out),
		TEST(host_fragments),
		TEST(flow),
		TEST(flow_fragments),
		TEST(all_modes_hear_once),
		TEST(all_modes_in_a_stream),
		TEST(other_mode_is_refused),
		TEST(two_sensors),
	};

	hear_init();
	return cmocka_run_group_tests_name("fanout", tests, NULL, NULL);
}
