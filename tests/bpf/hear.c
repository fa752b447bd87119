/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hear.h"

#include "frames.h"
#include "net.h"

#include <passer/base/log.h>
#include <passer/base/shm.h>
#include <passer/decode/pkt.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

#define EMPTY_MAX 100u /* wake-ups without anything to read, in a row */

struct heard *heard;

void hear_init(void)
{
	log_set_level(LOG_LEVEL_ERROR); /* libbpf tells of refusals that tests provoke */
	heard = shm_new(sizeof(*heard));
	if (heard == NULL || !net_enter()) {
		puts("1..0 # SKIP needs root");
		exit(EXIT_SUCCESS);
	}
}

int hear_forget(void **state)
{
	(void)state;
	memset(heard, 0, sizeof(*heard));
	return 0;
}

/* ---- Sending ---- */

int sender_open(const char *interface)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(s >= 0);
	assert_int_equal(bind(s, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return s;
}

bool send_bytes(int s, const uint8_t *bytes, size_t len)
{
	while (send(s, bytes, len, 0) != (ssize_t)len) {
		if (errno != ENOBUFS) {
			return false;
		}
		usleep(100);
	}
	return true;
}

void send_hex(int s, const char *hex)
{
	uint8_t bytes[FRAME_MAX];
	size_t len = frame_parse(hex, bytes);

	assert_true(send_bytes(s, bytes, len));
}

/* A datagram that carries its number; the number chooses the pair of hosts and the direction. */
static void send_number(int s, uint32_t number)
{
	uint8_t bytes[FRAME_MAX];
	size_t len = frame_parse(ETH("0800") IPV4("0020", "11") UDP_OTHER, bytes);
	uint8_t pair = (uint8_t)(number % PAIRS);
	bool is_reply = number / PAIRS % 2 != 0;
	uint32_t wire = htonl(number);

	bytes[is_reply ? 33 : 29] = pair;
	bytes[is_reply ? 29 : 33] = (uint8_t)(pair + 100);
	memcpy(bytes + len - sizeof(wire), &wire, sizeof(wire));
	send_bytes(s, bytes, len);
}

void send_numbers(int s, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		send_number(s, i);
	}
}

pid_t begin_stream(volatile uint32_t *at)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		int s = sender_open("veth0");

		for (uint32_t i = 0; i < FRAMES_MAX; i++) {
			send_number(s, i);
			*at = i + 1;
			if (i % 50 == 0) {
				usleep(1000);
			}
		}
		_exit(0);
	}
	return child;
}

/* ---- Hearing ---- */

static void note_number(const struct frame *frame, uint16_t bit)
{
	const uint8_t *bytes = frame->bytes.data;
	uint32_t number;

	memcpy(&number, bytes + frame->bytes.len - sizeof(number), sizeof(number));
	number = ntohl(number);
	if (number >= FRAMES_MAX) {
		return;
	}
	heard->times[number]++;
	heard->pair_readers[number % PAIRS] |= bit;
	if (heard->lethal_every != 0 && number % heard->lethal_every == 1) {
		raise(SIGKILL);
	}
}

void hear(void *user, const struct frame *frame)
{
	const struct listener *l = user;
	struct decode_counters counters = {0};
	struct pkt pkt;

	pkt_decode(&pkt, frame, &counters);
	heard->frames++;
	heard->by_class[pkt_class(&pkt)]++;
	heard->by_interface[frame->interface % 256]++;
	heard->link = frame->link;
	heard->ethertype = pkt.ethertype;
	heard->tagged += frame->has_vlan;
	heard->vlan_tci = frame->vlan_tci;
	if (frame->bytes.len == 46 && pkt.layer == LAYER_UDP) {
		note_number(frame, l->bit);
	}
}

struct ring_config config_for(const char *interface, int index)
{
	return (struct ring_config){
		.ifindex = interface != NULL ? if_nametoindex(interface) : 0,
		.name = interface != NULL ? interface : "all interfaces",
		.ring_bytes = RING_BYTES,
		.block_bytes = BLOCK_BYTES,
		.retire_ms = RETIRE_MS,
		.selection = {.keep_classes = FRAME_CLASSES_ALL,
	                      .tcp_budget = BUDGET_ALL,
	                      .udp_budget = BUDGET_ALL},
		.fanout_id = -1,
		.is_alone = true,
		.progress = &heard->progress[index],
	};
}

struct listener listen_with(const struct ring_config *config, int index)
{
	struct listener l = {.bit = (uint16_t)(1u << index)};
	struct err err = {.text = ""};

	if (ring_open(config, &l.ring, &err) != 0) {
		fail_msg("%s", err.text);
	}
	return l;
}

struct listener listen_on(const char *interface)
{
	struct ring_config config = config_for(interface, 0);

	return listen_with(&config, 0);
}

void listen_pair(const char *interface, struct listener out_pair[static 2])
{
	struct ring_config config = config_for(interface, 0);

	config.is_alone = false;
	out_pair[0] = listen_with(&config, 0);
	config.fanout_id = ring_fanout_id(out_pair[0].ring);
	config.progress = &heard->progress[1];
	out_pair[1] = listen_with(&config, 1);
	assert_int_equal(ring_fanout_id(out_pair[1].ring), config.fanout_id);
}

void drain_for(const struct listener *l, int quiet_ms)
{
	struct source *source = ring_source(l->ring);
	struct pollfd ready = {.fd = source_fd(source), .events = POLLIN};
	uint32_t empty = 0;
	struct err err;

	for (;;) {
		int state = source_read(source, hear, (void *)l, &err);

		assert_true(state == SOURCE_MORE || state == SOURCE_IDLE);
		empty = state == SOURCE_IDLE ? empty + 1 : 0;
		assert_in_range(empty, 0, EMPTY_MAX);
		if (state == SOURCE_IDLE && poll(&ready, 1, quiet_ms) == 0) {
			return;
		}
	}
}

void drain(const struct listener *l)
{
	drain_for(l, QUIET_MS);
}

void expect_each_once(uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		if (heard->times[i] != 1) {
			fail_msg("frame %u was heard %u times", i, heard->times[i]);
		}
	}
}

struct class_counter counted(const struct listener *l, enum frame_class frame_class)
{
	struct class_counter sum = {.kept = 0};
	struct filter_counters all;

	assert_int_equal(ring_read_filter(l->ring, &all), 0);
	for (int i = 0; i < USED_COUNTS; i++) {
		sum.kept += all.classes[frame_class][i].kept;
		sum.dropped += all.classes[frame_class][i].dropped;
		sum.kept_bytes += all.classes[frame_class][i].kept_bytes;
		sum.dropped_bytes += all.classes[frame_class][i].dropped_bytes;
	}
	return sum;
}

uint64_t sum_kept(const struct listener *l)
{
	uint64_t sum = 0;

	for (int i = 0; i < FRAME_CLASS_COUNT; i++) {
		sum += counted(l, (enum frame_class)i).kept;
	}
	return sum;
}

void expect_same_classes(const struct listener *l)
{
	for (int i = 0; i < FRAME_CLASS_COUNT; i++) {
		uint64_t kept = counted(l, (enum frame_class)i).kept;

		if (kept != heard->by_class[i]) {
			fail_msg("%s: %lu in the kernel, %u in user space",
			         frame_class_name((enum frame_class)i), (unsigned long)kept,
			         heard->by_class[i]);
		}
	}
}
