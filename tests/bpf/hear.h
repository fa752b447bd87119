/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sending frames into one end of a veth pair and noting what rings hear, for tests in a namespace
 * of their own (net.h). What was heard lies in shared memory, since it must survive the readers.
 */
#pragma once

#include <passer/capture/ring.h>

#include <sys/types.h>

#define RETIRE_MS   10u
#define QUIET_MS    (5 * (int)RETIRE_MS) /* nothing for so long: the ring is empty */
#define BLOCK_BYTES (64u << 10)
#define RING_BYTES  (16u << 20) /* holds FRAMES_MAX frames that nobody reads */
#define FRAMES_MAX  50000u
#define PAIRS       64u

struct heard {
	uint32_t frames;
	uint32_t by_class[FRAME_CLASS_COUNT];
	uint32_t by_interface[256];
	uint32_t tagged;
	uint32_t lethal_every; /* kills the reader in the middle of each n-th frame; 0: never */
	enum link_type link;   /* of the last frame, like the next two */
	uint16_t vlan_tci;
	uint16_t ethertype;
	uint16_t pair_readers[PAIRS];
	uint8_t times[FRAMES_MAX];
	struct ring_progress progress[2];
};

extern struct heard *heard;

struct listener {
	struct ring *ring;
	uint16_t bit; /* in heard->pair_readers */
};

/* Namespace and shared memory; when it is not permitted, says that the test is skipped and exits.
 */
void hear_init(void);
/* The set-up function of each test. */
int hear_forget(void **state);

/* A socket to send whole frames through an interface. */
int sender_open(const char *interface);
/* False when the kernel does not take it. */
bool send_bytes(int sender, const uint8_t *bytes, size_t len);
void send_hex(int sender, const char *hex);
/* Datagrams that carry their numbers; the number chooses the pair of hosts and the direction. */
void send_numbers(int sender, uint32_t first, uint32_t count);
/* A child that sends all numbers at about 50 a millisecond; where it is stands in *at. */
pid_t begin_stream(volatile uint32_t *at);

/* NULL: all interfaces. `index` is that of the progress. */
struct ring_config config_for(const char *interface, int index);
struct listener listen_with(const struct ring_config *config, int index);
struct listener listen_on(const char *interface);
/* Two members of a group. */
void listen_pair(const char *interface, struct listener out_pair[static 2]);
/* Notes everything until nothing has come for QUIET_MS, or for so long. */
void drain(const struct listener *l);
void drain_for(const struct listener *l, int quiet_ms);
/* The callback of drain(); its user is a listener. */
void hear(void *user, const struct frame *frame);

void expect_each_once(uint32_t first, uint32_t count);
/* What the kernel counted of each class is what user space makes of the frames. */
void expect_same_classes(const struct listener *l);
/* By the filter of the ring, whatever units had been used before. */
struct class_counter counted(const struct listener *l, enum frame_class frame_class);
uint64_t sum_kept(const struct listener *l);
