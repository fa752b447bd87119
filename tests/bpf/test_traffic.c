/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The filter on frames as the kernel has them: received, sent, in pages, on loopback and in a
 * tunnel. The classes that it counts must be those that pkt_class() gives to what the ring hands
 * over. Needs root, else skipped.
 */
#include <passer/capture/link.h>

#include "frames.h"
#include "hear.h"
#include "net.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>

#include <cmocka.h>

/* Through a transmit ring, the kernel leaves all but the MAC header in pages of their own. */
struct far_sender {
	int fd;
	uint8_t *slot;
	size_t slot_bytes;
};

static struct far_sender far_sender_open(const char *interface)
{
	struct far_sender f = {.fd = sender_open(interface), .slot_bytes = 4096};
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

static uint32_t send_rows(int near, const struct far_sender *far)
{
	uint8_t bytes[FRAME_MAX];
	uint32_t sent = 0;

	for (size_t i = 0; i < FRAME_ROWS; i++) {
		size_t whole = frame_parse(frame_rows[i].hex, bytes);

		for (size_t len = 15; len <= whole; len++) {
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

		sent = send_rows(-1, &far);
		munmap(far.slot, far.slot_bytes);
		close(far.fd);
	} else {
		int near = sender_open("veth0");

		sent = send_rows(near, NULL);
		close(near);
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

/* Segments of which the IP header does not tell the length: the frame does. */
static void test_without_length(void **state)
{
	struct ring_config config = config_for("veth1", 0);
	uint8_t bytes[9000] = {0};
	int s = sender_open("veth0");

	(void)state;
	net_run("ip link set veth0 mtu 9000 && ip link set veth1 mtu 9000");
	config.selection.tcp_budget = 4;
	struct listener l = listen_with(&config, 0);

	send_hex(s, ETH("0800") IPV4("0028", "06") TCP("02"));
	frame_parse(ETH("0800") IPV4("0000", "06") TCP("18"), bytes);
	for (int i = 0; i < 5; i++) {
		assert_true(send_bytes(s, bytes, 8000)); /* two units */
	}
	drain(&l);
	assert_int_equal(counted(&l, FRAME_CLASS_TCP_ACK_DATA).kept, 2);
	assert_int_equal(counted(&l, FRAME_CLASS_TCP_ACK_DATA).dropped, 3);
	close(s);
	ring_close(l.ring);
}

static void send_wrapped(int near, const struct far_sender *far, const struct wrap_row *wrap)
{
	uint8_t bytes[FRAME_MAX];

	for (size_t i = 0; i < FRAME_ROWS; i += 3) {
		size_t len = frame_wrap(wrap, &frame_rows[i], bytes);

		if (len != 0 && far != NULL) {
			send_far(far, bytes, len);
		} else if (len != 0) {
			assert_true(send_bytes(near, bytes, len));
		}
	}
}

/* The first frames of the tunnels are of a class of their own, so all is sent twice. */
static void check_wrapped(const char *interface, bool is_far)
{
	struct listener l = listen_on(interface);
	struct class_counter before[FRAME_CLASS_COUNT];
	struct far_sender far = far_sender_open("veth0");
	int near = sender_open("veth0");

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < FRAME_CLASS_COUNT; i++) {
			before[i] = counted(&l, (enum frame_class)i);
		}
		memset(heard->by_class, 0, sizeof(heard->by_class));
		heard->frames = 0;
		for (size_t w = 0; w < WRAP_ROWS; w++) {
			send_wrapped(near, is_far ? &far : NULL, &wrap_rows[w]);
		}
		drain(&l);
	}
	for (int i = 0; i < FRAME_CLASS_COUNT; i++) {
		assert_int_equal(counted(&l, (enum frame_class)i).kept - before[i].kept,
		                 heard->by_class[i]);
	}
	assert_in_range(heard->frames, WRAP_ROWS * FRAME_ROWS / 6, WRAP_ROWS * FRAME_ROWS);
	munmap(far.slot, far.slot_bytes);
	close(far.fd);
	close(near);
	ring_close(l.ring);
}

static void test_wrapped_received(void **state)
{
	(void)state;
	check_wrapped("veth1", false);
}

static void test_wrapped_sent(void **state)
{
	(void)state;
	check_wrapped("veth0", false);
}

static void test_wrapped_received_in_pages(void **state)
{
	(void)state;
	check_wrapped("veth1", true);
}

static void test_wrapped_sent_in_pages(void **state)
{
	(void)state;
	check_wrapped("veth0", true);
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
	assert_int_equal(heard->by_class[FRAME_CLASS_UDP_CONTROL], 10);
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
		if (is_ip && write(tun, bytes + 14, len - 14) < 0) {
			assert_int_equal(errno, EINVAL);
		}
	}
	drain(&l);
	assert_int_equal(heard->link, LINK_RAW_IP);
	assert_in_range(heard->frames, 40, FRAME_ROWS);
	uint32_t received = heard->frames;
	int s = sender_open("tun0");
	size_t len = frame_parse(IPV4("0028", "06") TCP("02"), bytes);
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = (int)if_nametoindex("tun0"),
	};

	assert_int_equal(sendto(s, bytes, len, 0, (struct sockaddr *)&to, sizeof(to)), len);
	drain(&l);
	assert_int_equal(heard->frames, received + 1);
	expect_same_classes(&l);
	close(s);
	ring_close(l.ring);
	close(tun);
}

#define TEST(name) cmocka_unit_test_setup(test_##name, hear_forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_received),
		TEST(rows_sent),
		TEST(rows_received_in_pages),
		TEST(rows_sent_in_pages),
		TEST(wrapped_received),
		TEST(wrapped_sent),
		TEST(wrapped_received_in_pages),
		TEST(wrapped_sent_in_pages),
		TEST(loopback),
		TEST(tunnel),
		TEST(without_length),
	};

	hear_init();
	return cmocka_run_group_tests_name("traffic", tests, NULL, NULL);
}
