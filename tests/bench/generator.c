// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Puts the frames of a capture file into an interface, as if it had received them, over and over
 * and with other hosts in each cycle; after so many CYCLES the first ones come again:
 * generator IFACE FILE COUNT CYCLES. Needs root and Linux 5.18.
 *
 * Prints what it did as JSON: frames sent, seconds, CPU seconds (its own and the network stack's,
 * which runs in its context).
 */
#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <bpf/bpf.h>

#define PCAP_DONT_INCLUDE_PCAP_BPF_H /* its struct bpf_insn is another one than the kernel's */
#include <pcap/pcap.h>

#include <generator.skel.h>

#include "generator_abi.h"

#define FILLER      'x'
#define FRAME_LIMIT 3000 /* a frame lies in one page, with its head room and skb_shared_info */
#define AT_ONCE     (1u << 18) /* frames between two looks at what is left */

#define ETHERTYPE_AT 12
#define IPV4         0x0800
#define ARP          0x0806
#define IPV6         0x86dd

/* Where the last four bytes of both addresses are, for generate.py's addresses in them. */
static const struct {
	uint16_t ethertype;
	uint8_t src_at, dst_at;
} address_places[] = {{IPV4, 26, 30}, {ARP, 28, 38}, {IPV6, 34, 50}};

static int fail(const char *what, int error)
{
	fprintf(stderr, "generator: %s: %s\n", what, strerror(error < 0 ? -error : error));
	return -1;
}

/* 10.0.0.0/8 and 11.0.0.0/8 are those that generate.py gives to hosts. */
static bool is_host(const uint8_t *address)
{
	return address[0] == 10 || address[0] == 11;
}

static void find_addresses(struct frame_template *t)
{
	uint16_t ethertype = (uint16_t)(t->head[ETHERTYPE_AT] << 8 | t->head[ETHERTYPE_AT + 1]);

	for (size_t i = 0; i < sizeof(address_places) / sizeof(address_places[0]); i++) {
		uint8_t src_at = address_places[i].src_at;
		uint8_t dst_at = address_places[i].dst_at;

		if (address_places[i].ethertype != ethertype || !is_host(t->head + src_at) ||
		    !is_host(t->head + dst_at)) {
			continue;
		}

		bool is_src_low = memcmp(t->head + src_at, t->head + dst_at, 4) < 0;

		t->low_at = is_src_low ? src_at : dst_at;
		t->high_at = is_src_low ? dst_at : src_at;
		t->is_arp = ethertype == ARP;
	}
}

static void fill_template(const struct pcap_pkthdr *head, const u_char *data,
                          struct frame_template *t)
{
	memset(t, 0, sizeof(*t));
	t->length = head->caplen < FRAME_MIN ? FRAME_MIN : head->caplen;
	t->head_bytes = t->length < HEAD_BYTES ? t->length : HEAD_BYTES;
	memcpy(t->head, data, head->caplen < HEAD_BYTES ? head->caplen : HEAD_BYTES);
	find_addresses(t);
}

/* Reads all frames. Returns how many, or -1; the caller frees *out_templates in either case. */
static int read_templates(const char *path, struct frame_template **out_templates)
{
	char text[PCAP_ERRBUF_SIZE];
	const u_char *data;
	struct pcap_pkthdr *head;
	int count = 0;

	*out_templates = calloc(TEMPLATES_MAX, sizeof(**out_templates));
	if (*out_templates == NULL) {
		return fail("templates", ENOMEM);
	}

	pcap_t *file = pcap_open_offline(path, text);

	if (file == NULL) {
		fprintf(stderr, "generator: %s\n", text);
		return -1;
	}
	while (count < TEMPLATES_MAX && pcap_next_ex(file, &head, &data) == 1) {
		if (head->caplen <= FRAME_LIMIT) {
			fill_template(head, data, &(*out_templates)[count++]);
		}
	}
	pcap_close(file);
	return count > 0 ? count : fail(path, ENODATA);
}

static uint32_t longest(const struct frame_template *templates, int count)
{
	uint32_t bytes = FRAME_MIN;

	for (int i = 0; i < count; i++) {
		bytes = templates[i].length > bytes ? templates[i].length : bytes;
	}
	return bytes;
}

static int load(struct generator *program, const struct frame_template *templates, int count,
                uint32_t cycles)
{
	program->rodata->template_count = (uint32_t)count;
	program->rodata->cycles_max = cycles;
	program->rodata->frame_bytes = longest(templates, count);

	int ret = generator__load(program);

	for (uint32_t i = 0; ret == 0 && i < (uint32_t)count; i++) {
		ret = bpf_map_update_elem(bpf_map__fd(program->maps.templates), &i, &templates[i],
		                          BPF_ANY);
	}
	return ret == 0 ? 0 : fail("cannot load the program", ret);
}

static int run(struct generator *program, unsigned int ifindex, uint64_t wanted)
{
	uint32_t bytes = program->rodata->frame_bytes;
	uint8_t data[FRAME_LIMIT];
	struct xdp_md context = {.data_end = bytes, .ingress_ifindex = ifindex};

	memset(data, FILLER, sizeof(data));
	for (uint64_t sent = 0; sent < wanted;) {
		uint64_t left = wanted - sent;
		struct bpf_test_run_opts options = {
			.sz = sizeof(options),
			.data_in = data,
			.data_size_in = bytes,
			.ctx_in = &context,
			.ctx_size_in = sizeof(context),
			.repeat = (int)(left < AT_ONCE ? left : AT_ONCE),
			.flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		};
		int ret =
			bpf_prog_test_run_opts(bpf_program__fd(program->progs.generate), &options);

		if (ret < 0) {
			return fail("the kernel takes no live frames here", ret);
		}
		sent += (uint64_t)options.repeat;
	}
	return 0;
}

static double seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int generate(struct generator *program, unsigned int ifindex, uint64_t count)
{
	double start = seconds(CLOCK_MONOTONIC);
	double cpu_start = seconds(CLOCK_PROCESS_CPUTIME_ID);
	int ret = run(program, ifindex, count);

	if (ret == 0) {
		printf("{\"sent\": %llu, \"seconds\": %.6f, \"cpu_seconds\": %.6f}\n",
		       (unsigned long long)count, seconds(CLOCK_MONOTONIC) - start,
		       seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_start);
	}
	return ret;
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fputs("usage: generator IFACE FILE COUNT CYCLES\n", stderr);
		return 2;
	}

	unsigned int ifindex = if_nametoindex(argv[1]);
	struct frame_template *templates = NULL;
	struct generator *program = generator__open();
	int ret = ifindex == 0 ? fail(argv[1], errno) : program == NULL ? fail("open", errno) : 0;
	int count = ret == 0 ? read_templates(argv[2], &templates) : -1;
	uint32_t cycles = (uint32_t)strtoul(argv[4], NULL, 10);

	if (count > 0 && load(program, templates, count, cycles) == 0) {
		ret = generate(program, ifindex, strtoull(argv[3], NULL, 10));
	} else {
		ret = -1;
	}
	free(templates);
	generator__destroy(program);
	return ret == 0 ? 0 : 1;
}
