/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rings on real interfaces of a namespace of the test's own: what is sent into veth0 is heard on
 * veth1, every frame exactly once, whatever happens to the one who reads. Needs root, else skipped.
 */
#include <passer/base/log.h>
#include <passer/base/shm.h>
#include <passer/capture/link.h>
#include <passer/capture/ring.h>
#include <passer/decode/pkt.h>

#include "frames.h"
#include "net.h"

#include <arpa/inet.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define RETIRE_MS   10u
#define QUIET_MS    (5 * (int)RETIRE_MS) /* nothing for so long: the ring is empty */
#define EMPTY_MAX   100u
#define DEATHS_MAX  1000u
#define BLOCK_BYTES (64u << 10)
#define FRAMES_MAX  50000u
#define PAIRS       64u
#define ALL_CLASSES UINT32_MAX

/* What was heard. It lies in shared memory, since it must survive the readers. */
struct heard {
	uint32_t frames;
	uint32_t other; /* not one of ours */
	uint32_t by_class[FRAME_CLASS_COUNT];
	uint32_t by_interface[256];
	enum link_type link;
	uint32_t tagged;
	uint16_t vlan_tci;
	uint16_t ethertype;
	uint32_t lethal_every; /* kills the reader in the middle of each n-th frame; 0: never */
	uint16_t pair_readers[PAIRS];
	uint8_t times[FRAMES_MAX];
	struct ring_progress progress[2];
};

static struct heard *heard; /* one per process is enough for cmocka */

struct listener {
	struct ring *ring;
	uint16_t bit; /* in heard->pair_readers */
};

/* ---- Sending ---- */

struct sender {
	int fd;
};

static struct sender sender_open(const char *interface)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	struct sender s = {.fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)};

	assert_true(s.fd >= 0);
	assert_int_equal(bind(s.fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return s;
}

static bool send_bytes(const struct sender *s, const uint8_t *bytes, size_t len)
{
	while (send(s->fd, bytes, len, 0) != (ssize_t)len) {
		if (errno != ENOBUFS) {
			return false;
		}
		usleep(100);
	}
	return true;
}

static void send_hex(const struct sender *s, const char *hex)
{
	uint8_t bytes[FRAME_MAX];
	size_t len = frame_parse(hex, bytes);

	assert_true(send_bytes(s, bytes, len));
}

/* A datagram that carries its number; the number chooses the pair of hosts and the direction. */
static void send_number(const struct sender *s, uint32_t number)
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

static void send_numbers(const struct sender *s, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		send_number(s, i);
	}
}

/* ---- Hearing ---- */

static void note_number(const struct frame *frame, uint16_t bit)
{
	const uint8_t *bytes = frame->bytes.data;
	uint32_t number;

	memcpy(&number, bytes + frame->bytes.len - sizeof(number), sizeof(number));
	number = ntohl(number);
	if (number >= FRAMES_MAX) {
		heard->other++;
		return;
	}
	heard->times[number]++;
	heard->pair_readers[number % PAIRS] |= bit;
	if (heard->lethal_every != 0 && number % heard->lethal_every == 1) {
		raise(SIGKILL);
	}
}

static void hear(void *user, const struct frame *frame)
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
	} else {
		heard->other++;
	}
}

static struct ring_config config_for(const char *interface, int index)
{
	return (struct ring_config){
		.ifindex = interface != NULL ? if_nametoindex(interface) : 0,
		.name = interface != NULL ? interface : "all interfaces",
		.ring_bytes = 16u << 20,
		.block_bytes = BLOCK_BYTES,
		.retire_ms = RETIRE_MS,
		.keep_classes = ALL_CLASSES,
		.fanout_id = -1,
		.is_alone = true,
		.progress = &heard->progress[index],
	};
}

static struct listener listen_with(const struct ring_config *config, int index)
{
	struct listener l = {.bit = (uint16_t)(1u << index)};
	struct err err = {.text = ""};

	if (ring_open(config, &l.ring, &err) != 0) {
		fail_msg("%s", err.text);
	}
	return l;
}

static struct listener listen_on(const char *interface)
{
	struct ring_config config = config_for(interface, 0);

	return listen_with(&config, 0);
}

static void listen_pair(const char *interface, struct listener out_pair[static 2])
{
	struct ring_config config = config_for(interface, 0);

	config.is_alone = false;
	out_pair[0] = listen_with(&config, 0);
	config.fanout_id = ring_fanout_id(out_pair[0].ring);
	config.progress = &heard->progress[1];
	out_pair[1] = listen_with(&config, 1);
	assert_int_equal(ring_fanout_id(out_pair[1].ring), config.fanout_id);
}

/* Reads until nothing has come for so long. */
static void drain_for(const struct listener *l, int quiet_ms)
{
	struct source *source = ring_source(l->ring);
	struct pollfd ready = {.fd = source_fd(source), .events = POLLIN};
	uint32_t empty = 0; /* wake-ups without anything to read */
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

static void drain(const struct listener *l)
{
	drain_for(l, QUIET_MS);
}

static void expect_each_once(uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		if (heard->times[i] != 1) {
			fail_msg("frame %u was heard %u times", i, heard->times[i]);
		}
	}
}

static uint64_t sum_kept(const struct listener *l)
{
	struct class_counter classes[FRAME_CLASS_COUNT];
	uint64_t sum = 0;

	assert_int_equal(ring_read_classes(l->ring, classes), 0);
	for (int i = 0; i < FRAME_CLASS_COUNT; i++) {
		sum += classes[i].kept;
	}
	return sum;
}

static int forget(void **state)
{
	(void)state;
	memset(heard, 0, sizeof(*heard));
	return 0;
}

/* ---- One ring ---- */

static void test_alone(void **state)
{
	struct listener l = listen_on("veth1");
	struct sender s = sender_open("veth0");
	struct ring_counters counters = {0};

	(void)state;
	assert_int_equal(ring_bytes(l.ring), 16u << 20);
	assert_int_equal(ring_fanout_id(l.ring), -1);
	send_numbers(&s, 0, 20000);
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
	close(s.fd);
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
	struct class_counter classes[FRAME_CLASS_COUNT];
	struct sender s = sender_open("veth0");
	struct listener l;

	(void)state;
	config.keep_classes = 1u << FRAME_CLASS_ARP;
	l = listen_with(&config, 0);
	send_numbers(&s, 0, 100);
	send_hex(&s, ETH("0806") ARP_REQUEST);
	send_hex(&s, ETH("0800") "45");
	drain(&l);
	assert_int_equal(heard->frames, 2);
	assert_int_equal(heard->by_class[FRAME_CLASS_ARP], 1);
	assert_int_equal(heard->by_class[FRAME_CLASS_SHORT], 1);
	assert_int_equal(ring_read_classes(l.ring, classes), 0);
	assert_int_equal(classes[FRAME_CLASS_UDP].dropped, 100);
	assert_int_equal(classes[FRAME_CLASS_UDP].dropped_bytes, 4600);
	assert_int_equal(classes[FRAME_CLASS_UDP].kept, 0);
	close(s.fd);
	ring_close(l.ring);
}

static void test_mute(void **state)
{
	struct listener l = listen_on("veth1");
	struct sender s = sender_open("veth0");

	(void)state;
	send_numbers(&s, 0, 500);
	assert_int_equal(ring_mute(l.ring), 0);
	send_numbers(&s, 500, 500);
	drain(&l);
	expect_each_once(0, 500);
	assert_int_equal(heard->frames, 500);
	close(s.fd);
	ring_close(l.ring);
}

/* A ring of 4 blocks of a page that nobody reads. */
static void test_full(void **state)
{
	struct ring_config config = config_for("veth1", 0);
	struct sender s = sender_open("veth0");
	struct ring_counters counters = {0};
	struct listener l;

	(void)state;
	config.block_bytes = 4096;
	config.ring_bytes = 1;
	l = listen_with(&config, 0);
	assert_int_equal(ring_bytes(l.ring), 4 * 4096);
	send_numbers(&s, 0, 2000);
	usleep(5000 * RETIRE_MS);
	assert_int_equal(ring_read_counters(l.ring, &counters), 0);
	drain(&l);
	assert_int_equal(counters.packets, 2000);
	assert_in_range(counters.drops, 1, 1999);
	assert_in_range(counters.freezes, 1, 2000);
	assert_int_equal(heard->frames, counters.packets - counters.drops);
	expect_each_once(0, heard->frames);
	/* It works on as if nothing had been. */
	send_numbers(&s, 3000, 20);
	drain(&l);
	expect_each_once(3000, 20);
	close(s.fd);
	ring_close(l.ring);
}

static void test_tags(void **state)
{
	struct listener l = listen_on("veth1");
	struct sender s = sender_open("veth0");

	(void)state;
	send_hex(&s, ETH("8100") TAG("6005 0800") IPV4("0028", "06") TCP("02"));
	drain(&l);
	assert_int_equal(heard->tagged, 1);
	assert_int_equal(heard->vlan_tci, 0x6005);
	assert_int_equal(heard->ethertype, 0x0800);
	send_hex(&s, ETH("88a8") TAG("0007 8100") TAG("0008 0800") IPV4("0028", "06") TCP("02"));
	drain(&l);
	assert_int_equal(heard->tagged, 2);
	assert_int_equal(heard->vlan_tci, 7);
	assert_int_equal(heard->ethertype, 0x0800);
	send_hex(&s, ETH("8100") TAG("0000 0800") IPV4("0028", "06") TCP("02"));
	drain(&l);
	assert_int_equal(heard->tagged, 3);
	assert_int_equal(heard->by_class[FRAME_CLASS_TCP_SYN], 3);
	close(s.fd);
	ring_close(l.ring);
}

/* ---- The filter on real frames ---- */

/* Through a transmit ring, the kernel leaves all but the MAC header in pages of their own. */
struct far_sender {
	int fd;
	uint8_t *slot;
	size_t slot_bytes;
};

static struct far_sender far_sender_open(const char *interface)
{
	struct far_sender f = {.fd = sender_open(interface).fd, .slot_bytes = 4096};
	struct tpacket_req req = {
		.tp_block_size = 4096, .tp_block_nr = 1, .tp_frame_size = 4096, .tp_frame_nr = 1};
	int version = TPACKET_V2;

	assert_int_equal(setsockopt(f.fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)),
	                 0);
	assert_int_equal(setsockopt(f.fd, SOL_PACKET, PACKET_TX_RING, &req, sizeof(req)), 0);
	f.slot = mmap(NULL, f.slot_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, f.fd, 0);
	assert_ptr_not_equal(f.slot, MAP_FAILED);
	return f;
}

static void send_far(const struct far_sender *f, const uint8_t *bytes, size_t len)
{
	struct tpacket2_hdr *header = (struct tpacket2_hdr *)(void *)f->slot;

	memcpy(f->slot + TPACKET2_HDRLEN - sizeof(struct sockaddr_ll), bytes, len);
	header->tp_len = (uint32_t)len;
	__atomic_store_n(&header->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
	assert_int_equal(send(f->fd, NULL, 0, 0), len);
	while (__atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE) != TP_STATUS_AVAILABLE) {
		usleep(10);
	}
}

/* What the kernel counted of each class is what user space makes of the frames. */
static void expect_same_classes(const struct listener *l)
{
	struct class_counter classes[FRAME_CLASS_COUNT];

	assert_int_equal(ring_read_classes(l->ring, classes), 0);
	for (int i = 0; i < FRAME_CLASS_COUNT; i++) {
		if (classes[i].kept != heard->by_class[i]) {
			fail_msg("%s: %lu in the kernel, %u in user space",
			         frame_class_name((enum frame_class)i),
			         (unsigned long)classes[i].kept, heard->by_class[i]);
		}
	}
}

static uint32_t send_rows(const struct sender *near, const struct far_sender *far)
{
	uint8_t bytes[FRAME_MAX];
	uint32_t sent = 0;

	for (size_t i = 0; i < FRAME_ROWS; i++) {
		size_t whole = frame_parse(frame_rows[i].hex, bytes);

		for (size_t len = 15; len <= whole && !frame_rows[i].is_deeper; len++) {
			if (far != NULL) {
				send_far(far, bytes, len);
			} else {
				assert_true(send_bytes(near, bytes, len));
			}
			sent++;
		}
	}
	return sent;
}

/* All rows cut at all lengths, heard on `interface`. */
static void check_rows(const char *interface, bool is_far)
{
	struct listener l = listen_on(interface);
	uint32_t sent;

	if (is_far) {
		struct far_sender far = far_sender_open("veth0");

		sent = send_rows(NULL, &far);
		munmap(far.slot, far.slot_bytes);
		close(far.fd);
	} else {
		struct sender near = sender_open("veth0");

		sent = send_rows(&near, NULL);
		close(near.fd);
	}
	drain(&l);
	expect_same_classes(&l);
	/* The kernel throws frames away that end within a tag. */
	assert_in_range(heard->frames, sent - sent / 10, sent);
	for (int i = 0; i < FRAME_CLASS_COUNT; i++) {
		assert_in_range(heard->by_class[i], 1, sent);
	}
	ring_close(l.ring);
}

static void test_rows_received(void **state)
{
	(void)state;
	check_rows("veth1", false);
}

static void test_rows_sent(void **state)
{
	(void)state;
	check_rows("veth0", false);
}

static void test_rows_received_in_pages(void **state)
{
	(void)state;
	check_rows("veth1", true);
}

static void test_rows_sent_in_pages(void **state)
{
	(void)state;
	check_rows("veth0", true);
}

/* ---- Several rings ---- */

static void test_group(void **state)
{
	struct sender s = sender_open("veth0");
	struct listener pair[2];
	uint32_t both = 0;

	(void)state;
	listen_pair("veth1", pair);
	send_numbers(&s, 0, 20000);
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
	close(s.fd);
	ring_close(pair[0].ring);
	ring_close(pair[1].ring);
}

/* The numbers 0 … FRAMES_MAX - 1 at about 50 a millisecond; where it is stands in *at. */
static pid_t begin_stream(volatile uint32_t *at)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		struct sender s = sender_open("veth0");

		for (uint32_t i = 0; i < FRAMES_MAX; i++) {
			send_number(&s, i);
			*at = i + 1;
			if (i % 50 == 0) {
				usleep(1000);
			}
		}
		_exit(0);
	}
	return child;
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

	waitpid(child, NULL, 0);
	drain(&pair[0]);
	drain(&pair[1]);
	assert_int_equal(ring_read_counters(pair[0].ring, &counters), 0);
	assert_int_equal(ring_read_counters(pair[1].ring, &counters), 0);
	assert_int_equal(counters.drops, 0);
	assert_in_range(first, 1000, FRAMES_MAX / 2);
	expect_each_once(first, FRAMES_MAX - first);
	for (uint32_t i = 0; i < first; i++) {
		assert_in_range(heard->times[i], 0, 1);
	}
	ring_close(pair[0].ring);
	ring_close(pair[1].ring);
	shm_free((void *)at, sizeof(*at));
}

/* A member that comes hears nothing that others hear, not even in the moment in which it comes. */
static void test_coming_and_going(void **state)
{
	volatile uint32_t *at = shm_new(sizeof(*at));
	struct ring_config config = config_for("veth1", 0);
	uint32_t comings = 0;

	(void)state;
	config.is_alone = false;
	struct listener first = listen_with(&config, 0);
	pid_t stream = begin_stream(at);

	config.fanout_id = ring_fanout_id(first.ring);
	config.progress = &heard->progress[1];
	config.ring_bytes = 1u << 20;
	config.retire_ms = 1;
	while (waitpid(stream, NULL, WNOHANG) == 0) {
		struct listener second = listen_with(&config, 1);

		assert_int_equal(ring_mute(second.ring), 0);
		drain_for(&second, 2 * (int)config.retire_ms);
		ring_close(second.ring);
		comings++;
	}
	drain(&first);
	assert_in_range(comings, 5, FRAMES_MAX);
	for (uint32_t i = 0; i < FRAMES_MAX; i++) {
		assert_in_range(heard->times[i], 0, 1);
	}
	ring_close(first.ring);
	shm_free((void *)at, sizeof(*at));
}

static void test_all_interfaces(void **state)
{
	struct sender s = sender_open("veth0");
	struct listener pair[2];

	(void)state;
	listen_pair(NULL, pair);
	assert_int_equal(ring_add_promisc(pair[0].ring, if_nametoindex("veth1")), 0);
	assert_int_equal(ring_add_promisc(pair[0].ring, 12345), -ENODEV);
	send_numbers(&s, 0, 1000);
	drain(&pair[0]);
	drain(&pair[1]);
	assert_int_equal(heard->by_interface[if_nametoindex("veth0")], 1000);
	assert_int_equal(heard->by_interface[if_nametoindex("veth1")], 1000);
	assert_int_equal(heard->frames, 2000);
	close(s.fd);
	ring_close(pair[0].ring);
	ring_close(pair[1].ring);
}

/* ---- Readers that die ---- */

static pid_t begin_reader(const struct listener *l)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		drain(l);
		_exit(0);
	}
	return child;
}

/* Runs readers until one ends by itself. Returns how many died. */
static uint32_t run_readers(const struct listener *l)
{
	uint32_t died = 0;

	for (;;) {
		int status;
		pid_t child = begin_reader(l);

		assert_int_equal(waitpid(child, &status, 0), child);
		if (!WIFSIGNALED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return died;
		}
		died++;
		assert_in_range(died, 1, DEATHS_MAX);
	}
}

/* Small blocks, so that death strikes in all parts of them and the ring goes round. */
static struct listener listen_small(size_t ring_bytes_wanted)
{
	struct ring_config config = config_for("veth1", 0);

	config.block_bytes = 4096;
	config.ring_bytes = ring_bytes_wanted;
	return listen_with(&config, 0);
}

static void test_lethal_frames(void **state)
{
	struct listener l = listen_small(4u << 20);
	struct sender s = sender_open("veth0");

	(void)state;
	send_numbers(&s, 0, 3000);
	heard->lethal_every = 7;
	assert_int_equal(run_readers(&l), (3000 + 5) / 7);
	expect_each_once(0, 3000);
	assert_int_equal(heard->frames, 3000);
	close(s.fd);
	ring_close(l.ring);
}

/* The ring goes round several times while its readers die and frames come in. */
static void test_lethal_stream(void **state)
{
	volatile uint32_t *at = shm_new(sizeof(*at));
	struct listener l = listen_small(1u << 20);
	struct ring_counters counters = {0};
	pid_t stream = begin_stream(at);
	uint32_t died = 0;

	(void)state;
	heard->lethal_every = 500;
	while (waitpid(stream, NULL, WNOHANG) == 0) {
		died += run_readers(&l);
	}
	died += run_readers(&l);
	assert_int_equal(ring_read_counters(l.ring, &counters), 0);
	assert_int_equal(counters.drops, 0);
	assert_int_equal(died, FRAMES_MAX / 500);
	expect_each_once(0, FRAMES_MAX);
	ring_close(l.ring);
	shm_free((void *)at, sizeof(*at));
}

/*
 * Killed from outside, at any instruction: at most the frame in work is lost, none comes twice. The
 * parent kills whenever it likes, and once lets the ring fill up behind the dead.
 */
static void test_killed_anywhere(void **state)
{
	volatile uint32_t *at = shm_new(sizeof(*at));
	struct listener l = listen_small(8u << 20);
	struct ring_counters counters = {0};
	pid_t stream = begin_stream(at);
	uint32_t lost = 0, kills = 0;

	(void)state;
	while (waitpid(stream, NULL, WNOHANG) == 0) {
		pid_t reader = begin_reader(&l);

		usleep(3000 + kills % 7 * 1111);
		kill(reader, SIGKILL);
		waitpid(reader, NULL, 0);
		kills++;
	}
	run_readers(&l);
	assert_int_equal(ring_read_counters(l.ring, &counters), 0);
	assert_int_equal(counters.drops, 0);
	for (uint32_t i = 0; i < FRAMES_MAX; i++) {
		assert_in_range(heard->times[i], 0, 1);
		lost += heard->times[i] == 0;
	}
	assert_in_range(kills, 20, 10000);
	assert_in_range(lost, 0, kills);
	ring_close(l.ring);
	shm_free((void *)at, sizeof(*at));
}

/* The reader dies, the ring runs full, the successor finds the oldest block that waits. */
static void test_killed_then_full(void **state)
{
	struct listener l = listen_small(16 * 4096);
	struct sender s = sender_open("veth0");
	struct ring_counters counters = {0};

	(void)state;
	send_numbers(&s, 0, 100);
	run_readers(&l);
	send_numbers(&s, 100, 2000);
	usleep(5000 * RETIRE_MS);
	assert_int_equal(ring_read_counters(l.ring, &counters), 0);
	run_readers(&l);
	assert_in_range(counters.drops, 1, 1999);
	expect_each_once(0, (uint32_t)(counters.packets - counters.drops));
	send_numbers(&s, 3000, 20);
	run_readers(&l);
	expect_each_once(3000, 20);
	close(s.fd);
	ring_close(l.ring);
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
	struct sender s = sender_open("veth0");
	struct listener pair[2];

	(void)state;
	listen_pair("veth1", pair);
	send_numbers(&s, 0, 100);
	drain(&pair[0]);
	drain(&pair[1]);
	net_run("ip link set veth1 down");
	expect_silence(pair[0].ring);
	expect_silence(pair[1].ring);
	net_run("ip link set veth1 up");
	send_numbers(&s, 100, 1000);
	drain(&pair[0]);
	drain(&pair[1]);
	expect_each_once(0, 1100);
	assert_int_equal(heard->frames, 1100);
	close(s.fd);
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

/* Whatever goes over lo passes a packet socket twice. */
static void test_loopback(void **state)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct listener l = listen_on("lo");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	for (uint32_t i = 0; i < 10; i++) {
		uint32_t wire = htonl(i);

		sendto(fd, &wire, sizeof(wire), 0, (struct sockaddr *)&to, sizeof(to));
	}
	drain(&l);
	expect_each_once(0, 10);
	assert_int_equal(heard->by_class[FRAME_CLASS_UDP], 10);
	assert_int_equal(heard->link, LINK_ETHERNET);
	assert_int_equal(sum_kept(&l), heard->frames);
	close(fd);
	ring_close(l.ring);
}

static int open_tun(void)
{
	struct ifreq request = {.ifr_name = "tun0", .ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd >= 0 && ioctl(fd, TUNSETIFF, &request) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* An interface without link header, in both directions. */
static void test_tunnel(void **state)
{
	uint8_t bytes[FRAME_MAX];
	int tun = open_tun();

	(void)state;
	if (tun < 0) {
		skip();
	}
	net_run("ip link set tun0 up");
	struct listener l = listen_on("tun0");

	for (size_t i = 0; i < FRAME_ROWS; i++) {
		size_t len = frame_parse(frame_rows[i].hex, bytes);
		bool is_ip = memcmp(bytes + 12, "\x08\0", 2) == 0 ||
		             memcmp(bytes + 12, "\x86\xdd", 2) == 0;

		/* The driver takes the version from the first byte and refuses others. */
		if (is_ip && !frame_rows[i].is_deeper && write(tun, bytes + 14, len - 14) < 0) {
			assert_int_equal(errno, EINVAL);
		}
	}
	drain(&l);
	assert_int_equal(heard->link, LINK_RAW_IP);
	assert_in_range(heard->frames, 40, FRAME_ROWS);
	uint32_t received = heard->frames;
	struct sender s = sender_open("tun0");
	size_t len = frame_parse(IPV4("0028", "06") TCP("02"), bytes);
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = (int)if_nametoindex("tun0"),
	};

	assert_int_equal(sendto(s.fd, bytes, len, 0, (struct sockaddr *)&to, sizeof(to)), len);
	drain(&l);
	assert_int_equal(heard->frames, received + 1);
	expect_same_classes(&l);
	close(s.fd);
	ring_close(l.ring);
	close(tun);
}

/* ---- Privileges ---- */

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
	struct sender s = sender_open("veth0");
	int status;

	(void)state;
	send_numbers(&s, 0, 100);
	pid_t child = fork();

	if (child == 0) {
		struct class_counter classes[FRAME_CLASS_COUNT];
		struct ring_counters counters = {0};

		bool is_fine = keep_capabilities(0) && ring_mute(l.ring) == 0 &&
		               ring_read_counters(l.ring, &counters) == 0 &&
		               ring_read_classes(l.ring, classes) == 0;
		drain(&l);
		_exit(is_fine && counters.packets == 100 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	expect_each_once(0, 100);
	close(s.fd);
	ring_close(l.ring);
}

#define TEST(name) cmocka_unit_test_setup(test_##name, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(alone),
		TEST(refused_sizes),
		TEST(dropped_classes),
		TEST(mute),
		TEST(full),
		TEST(tags),
		TEST(rows_received),
		TEST(rows_sent),
		TEST(rows_received_in_pages),
		TEST(rows_sent_in_pages),
		TEST(group),
		TEST(opened_in_a_stream),
		TEST(coming_and_going),
		TEST(all_interfaces),
		TEST(lethal_frames),
		TEST(lethal_stream),
		TEST(killed_anywhere),
		TEST(killed_then_full),
		TEST(down_and_up),
		TEST(gone),
		TEST(loopback),
		TEST(tunnel),
		TEST(capabilities),
		TEST(without_capabilities),
	};

	log_set_level(LOG_LEVEL_ERROR); /* libbpf tells of what test_capabilities() provokes */
	heard = shm_new(sizeof(*heard));
	if (heard == NULL || !net_enter()) {
		puts("1..0 # SKIP needs root");
		return 0;
	}
	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
