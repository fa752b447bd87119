/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The user's expression in the kernel: what it does not want is counted and goes no further, all
 * else reaches passer_filter, and rings hear exactly what user space would have chosen. Needs root,
 * else skipped.
 */
#include "capture/user_filter.h"

#include "frames.h"
#include "hear.h"
#include "net.h"

#include <passer/capture/expression.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LEN(array)  (sizeof(array) / sizeof((array)[0]))
#define MAC_BYTES   14
#define NEXT_RESULT 7
#define CPUS_MAX    256

/* ---- The program alone ---- */

/* What stands behind it: a program that returns NEXT_RESULT, and the map of counters. */
struct behind {
	int next;
	int counters;
};

static struct behind behind_open(void)
{
	struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = NEXT_RESULT},
		{.code = BPF_JMP | BPF_EXIT},
	};
	struct behind behind = {
		.next = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "next", "GPL", insns, 2, NULL),
		.counters = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "counters", sizeof(uint32_t),
	                                   sizeof(struct filter_events), 1, NULL),
	};

	assert_true(behind.next >= 0 && behind.counters >= 0);
	return behind;
}

static void behind_close(const struct behind *behind)
{
	close(behind->next);
	close(behind->counters);
}

static struct class_counter read_unwanted(const struct behind *behind)
{
	static struct filter_events per_cpu[CPUS_MAX];
	struct class_counter sum = {0};
	const uint32_t key = 0;
	int cpus = libbpf_num_possible_cpus();

	assert_in_range(cpus, 1, CPUS_MAX);
	assert_int_equal(bpf_map_lookup_elem(behind->counters, &key, per_cpu), 0);
	for (int i = 0; i < cpus; i++) {
		sum.dropped += per_cpu[i].unwanted.dropped;
		sum.dropped_bytes += per_cpu[i].unwanted.dropped_bytes;
		sum.kept += per_cpu[i].unwanted.kept;
	}
	return sum;
}

static int try_open(const char *expression, enum link_type link, const struct behind *behind,
                    struct user_filter **out_filter, struct err *err)
{
	struct user_filter_config config = {
		.expression = expression,
		.link = link,
		.loopback_ifindex = 1,
		.next = behind->next,
		.counters = behind->counters,
	};

	return user_filter_open(&config, out_filter, err);
}

static struct user_filter *open_filter(const char *expression, enum link_type link,
                                       const struct behind *behind)
{
	struct user_filter *filter = NULL;
	struct err err = {.text = ""};

	if (try_open(expression, link, behind, &filter, &err) != 0) {
		fail_msg("%s: %s", expression, err.text);
	}
	return filter;
}

/* On a frame that came in on this interface; 0: the loopback interface. */
static uint32_t run_on(int program, unsigned ifindex, const char *hex)
{
	uint8_t bytes[MAC_BYTES + FRAME_MAX];
	struct __sk_buff context = {.ifindex = ifindex};
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts),
		.data_in = bytes,
		.data_size_in = (uint32_t)(MAC_BYTES + frame_parse(hex, bytes + MAC_BYTES)),
		.ctx_in = &context,
		.ctx_size_in = sizeof(context),
		.repeat = 1,
	};

	memset(bytes, 0xff, MAC_BYTES);
	assert_int_equal(bpf_prog_test_run_opts(program, &opts), 0);
	return opts.retval;
}

#define SYN ETH("0800") IPV4("0028", "06") TCP("02") /* 54 bytes */
#define DNS ETH("0800") IPV4("0020", "11") UDP("3039", "0035")

static void test_wanted_or_counted(void **state)
{
	struct behind behind = behind_open();
	struct user_filter *filter = open_filter("tcp port 22", LINK_ETHERNET, &behind);
	int program = user_filter_program(filter);
	struct class_counter unwanted;

	(void)state;
	assert_int_equal(run_on(program, 0, SYN), NEXT_RESULT);
	assert_int_equal(read_unwanted(&behind).dropped, 0);
	assert_int_equal(run_on(program, 0, DNS), 0);
	assert_int_equal(run_on(program, 0, ETH("0806") ARP_REQUEST), 0);
	unwanted = read_unwanted(&behind);
	assert_int_equal(unwanted.dropped, 2);
	assert_int_equal(unwanted.dropped_bytes, 46 + 42);
	assert_int_equal(unwanted.kept, 0);
	user_filter_close(filter);
	behind_close(&behind);
}

/* A socket holds the program longer than we hold the map. */
static void test_without_next(void **state)
{
	struct behind behind = behind_open();
	struct user_filter *filter = open_filter("tcp port 22", LINK_ETHERNET, &behind);
	int program = dup(user_filter_program(filter));

	(void)state;
	user_filter_close(filter);
	for (int i = 0; i < 100 && run_on(program, 0, SYN) == NEXT_RESULT; i++) {
		usleep(10000); /* it forgets some time after the last descriptor is closed */
	}
	assert_int_equal(run_on(program, 0, SYN), UINT32_MAX);
	assert_int_equal(run_on(program, 0, DNS), 0);
	close(program);
	behind_close(&behind);
}

static void test_refused(void **state)
{
	static const struct {
		const char *expression;
		enum link_type link;
		const char *reason;
	} rows[] = {
		{"host 10.0.0.1 and", LINK_ETHERNET, "syntax error"},
		{"ether host 02:00:00:00:00:01", LINK_RAW_IP, "ethernet address"},
		{"inbound", LINK_ETHERNET, "ancillary"},
		{"ip6 protochain 6", LINK_ETHERNET, "backwards"},
		{"ether[0xfffff000] = 1", LINK_ETHERNET, "ancillary"},
		{"ip6 protochain 6", LINK_UNKNOWN, "backwards"},
	};
	struct behind behind = behind_open();

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct user_filter *filter = NULL;
		struct err err;

		assert_int_equal(try_open(rows[i].expression, rows[i].link, &behind, &filter, &err),
		                 -EINVAL);
		if (strstr(err.text, rows[i].reason) == NULL) {
			fail_msg("%s: %s", rows[i].expression, err.text);
		}
		assert_null(filter);
	}
	behind_close(&behind);
}

/* An interface without Ethernet headers; the descriptor is its wire. */
static int open_tun(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	char command[64];
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0) {
		return -1;
	}
	snprintf(command, sizeof(command), "ip link set %s up", name);
	net_run(command);
	return fd;
}

#define RAW_SYN IPV4("0028", "06") TCP("02")
#define RAW_DNS IPV4("0020", "11") UDP("3039", "0035")

/* Interfaces that it knows are asked in their own way, those that are new later pass. */
static void test_all_interfaces(void **state)
{
	struct behind behind = behind_open();
	int tun = open_tun("tun0");
	struct user_filter *filter = open_filter("tcp", LINK_UNKNOWN, &behind);
	struct user_filter *of_ether = open_filter("ether[0] = 2", LINK_UNKNOWN, &behind);
	int program = user_filter_program(filter);
	unsigned veth = if_nametoindex("veth1");

	(void)state;
	assert_int_equal(run_on(program, 0, SYN), NEXT_RESULT);
	assert_int_equal(run_on(program, 0, DNS), 0);
	assert_int_equal(run_on(program, veth, SYN), NEXT_RESULT);
	assert_int_equal(run_on(program, veth, DNS), 0);
	assert_int_equal(run_on(program, veth, RAW_SYN), 0);
	assert_int_equal(run_on(user_filter_program(of_ether), veth, DNS), NEXT_RESULT);
	if (tun >= 0) {
		unsigned raw = if_nametoindex("tun0");

		assert_int_equal(run_on(program, raw, RAW_SYN), NEXT_RESULT);
		assert_int_equal(run_on(program, raw, RAW_DNS), 0);
		close(tun);
	}
	net_run("ip link add veth8 type veth peer name veth9");
	assert_int_equal(run_on(program, if_nametoindex("veth8"), DNS), NEXT_RESULT);
	net_run("ip link del veth8");
	user_filter_close(of_ether);
	user_filter_close(filter);
	behind_close(&behind);
}

/* ---- Rings ---- */

/* What a ring has heard, and what user space thinks of that. */
struct audience {
	const struct expression *expression;
	size_t frames;
	size_t matching;
	size_t marked; /* is_wanted */
};

static void listen_to(void *user, const struct frame *frame)
{
	struct audience *a = user;

	a->frames++;
	a->marked += frame->is_wanted;
	a->matching += expression_matches(a->expression, frame);
}

static struct audience hear_all(struct ring *ring, const struct expression *expression)
{
	struct audience a = {.expression = expression};
	struct source *source = ring_source(ring);
	struct pollfd ready = {.fd = source_fd(source), .events = POLLIN};
	struct err err;

	for (;;) {
		int state = source_read(source, listen_to, &a, &err);

		assert_true(state == SOURCE_MORE || state == SOURCE_IDLE);
		if (state == SOURCE_IDLE && poll(&ready, 1, QUIET_MS) == 0) {
			return a;
		}
	}
}

static struct ring *open_ring(const char *interface, const char *expression, int index)
{
	struct ring_config config = config_for(interface, index);

	config.expression = expression;
	config.ring_bytes = 1 << 20;
	return listen_with(&config, index).ring;
}

static uint64_t unwanted_of(const struct ring *ring)
{
	struct filter_counters counters;

	assert_int_equal(ring_read_filter(ring, &counters), 0);
	return counters.unwanted.dropped;
}

/* All of frames.h, many of them with tags, which the kernel takes out at the other end. */
static void send_rows(const char *interface)
{
	int s = sender_open(interface);

	for (size_t i = 0; i < FRAME_ROWS; i++) {
		send_hex(s, frame_rows[i].hex);
	}
	send_hex(s, ETH("88a8") TAG("0007 0800") IPV4("0028", "06") TCP("02"));
	send_hex(s, ETH("8100") TAG("e005 0800") IPV4("0020", "11") UDP("3039", "0035"));
	close(s);
}

static struct expression *make_expression(const char *text)
{
	struct expression *expression = NULL;
	struct err err;

	if (expression_new(text, &expression, &err) != 0) {
		fail_msg("%s", err.text);
	}
	return expression;
}

/* A ring with the expression beside one without: it hears as many as match in the other. */
static void check_on(const char *interface, const char *text, bool is_marked)
{
	struct expression *expression = make_expression(text);
	struct ring *all = open_ring(interface, NULL, 0);
	struct ring *some = open_ring(interface, text, 1);

	send_rows("veth0");

	struct audience of_all = hear_all(all, expression);
	struct audience of_some = hear_all(some, expression);

	if (of_some.frames != of_all.matching || of_some.matching != of_some.frames) {
		fail_msg("%s: %zu frames, %zu match, %zu were heard, of which %zu match", text,
		         of_all.frames, of_all.matching, of_some.frames, of_some.matching);
	}
	assert_int_equal(of_some.marked, is_marked ? of_some.frames : 0);
	assert_int_equal(of_all.marked, 0);
	assert_int_equal(unwanted_of(some), of_all.frames - of_some.frames);
	assert_int_equal(unwanted_of(all), 0);
	ring_close(some);
	ring_close(all);
	expression_free(expression);
}

static const char *const live_texts[] = {
	"tcp",
	"not tcp",
	"port 22",
	"udp port 53 or arp",
	"host 10.0.0.1 and not port 22",
	"vlan",
	"not vlan",
	"vlan 5",
	"vlan 7",
	"vlan and tcp",
	"vlan 5 and port 53",
	"vlan and vlan",
	"vlan and vlan and icmp6",
	"ether proto 0x88a8",
	"ether proto 0x8100",
	"ether[14:2] = 0xe005",
	"ether[ether[5] + 9:4] & 0xffff = 0x8100",
	"len = 58",
	"len > 60",
	"ip6",
	"mpls",
	"pppoes and tcp",
	"ether[60] >= 0",
};

static void test_one_interface(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(live_texts); i++) {
		check_on("veth1", live_texts[i], true);
	}
}

/* User space asks again, since it cannot know which of them have been asked. */
static void test_every_interface(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(live_texts); i += 3) {
		check_on(NULL, live_texts[i], false);
	}
}

/* What the kernel cannot be asked is left to user space. */
static void test_fallback(void **state)
{
	struct expression *expression = make_expression("ip6 protochain 6");
	struct ring *ring = open_ring("veth1", "ip6 protochain 6", 0);

	(void)state;
	send_rows("veth0");

	struct audience a = hear_all(ring, expression);

	assert_int_equal(a.frames, FRAME_ROWS + 2);
	assert_in_range(a.matching, 1, FRAME_ROWS);
	assert_int_equal(a.marked, 0);
	assert_int_equal(unwanted_of(ring), 0);
	ring_close(ring);
	expression_free(expression);
}

/* Some 4000 instructions, and quickly compiled. Frames that match have a 0 at one of these places.
 */
static void make_long(char *out_text, size_t size)
{
	size_t len = 0;

	for (int i = 1; i < 150; i++) {
		len += (size_t)snprintf(out_text + len, size - len, "%sether[ether[5] + %d] = 0",
		                        len > 0 ? " or " : "", i);
	}
	assert_in_range(len, 1, size - 1);
}

/* As much as Linux up to 6.6 gives a socket for its filter. */
static void test_little_memory(void **state)
{
	char text[8192];

	(void)state;
	if (system("echo 20480 2>/dev/null >/proc/sys/net/core/optmem_max") != 0) {
		skip();
	}
	make_long(text, sizeof(text));

	struct expression *expression = make_expression(text);
	struct ring *ring = open_ring("veth1", text, 0);

	send_rows("veth0");

	struct audience a = hear_all(ring, expression);

	assert_int_equal(a.frames, FRAME_ROWS + 2);
	assert_in_range(a.matching, 1, FRAME_ROWS + 2);
	assert_int_equal(a.marked, 0);
	ring_close(ring);
	expression_free(expression);
}

static void test_raw_ip(void **state)
{
	int tun = open_tun("tun0");
	uint8_t bytes[FRAME_MAX];

	(void)state;
	if (tun < 0) {
		skip();
	}
	struct ring *ring = open_ring("tun0", "tcp port 22", 0);
	struct expression *expression = make_expression("tcp port 22");
	size_t len = frame_parse(RAW_SYN, bytes);

	assert_int_equal(write(tun, bytes, len), len);
	len = frame_parse(RAW_DNS, bytes);
	assert_int_equal(write(tun, bytes, len), len);

	struct audience a = hear_all(ring, expression);

	assert_int_equal(a.frames, 1);
	assert_int_equal(a.matching, 1);
	assert_int_equal(a.marked, 1);
	assert_int_equal(unwanted_of(ring), 1);
	ring_close(ring);
	expression_free(expression);
	close(tun);
}

/* What goes over the loopback interface is there twice, and is counted once. */
static void test_loopback(void **state)
{
	struct ring *ring = open_ring("lo", "tcp", 0);
	struct expression *expression = make_expression("tcp");
	int s = sender_open("lo");

	(void)state;
	send_hex(s, SYN);
	send_hex(s, DNS);
	send_hex(s, DNS);

	struct audience a = hear_all(ring, expression);

	assert_int_equal(a.frames, 1);
	assert_int_equal(unwanted_of(ring), 2);
	close(s);
	ring_close(ring);
	expression_free(expression);
}

#define TEST(name) cmocka_unit_test_setup(test_##name, hear_forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(wanted_or_counted), TEST(without_next),  TEST(refused),
		TEST(all_interfaces),    TEST(one_interface), TEST(every_interface),
		TEST(fallback),          TEST(little_memory), TEST(raw_ip),
		TEST(loopback),
	};

	hear_init();
	return cmocka_run_group_tests_name("user filter", tests, NULL, NULL);
}
