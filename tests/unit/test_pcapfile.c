/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Capture files of both formats: as they should be, torn at every byte, and corrupt. */
#include "pcapfile_support.h"

#include <errno.h>

#define S UINT64_C(1000000000)

#define NOT_A_CAPTURE \
	"not a capture file (pcap or pcapng, plain or compressed with gzip, bzip2, xz or zstd)"

/* A block is put between begin_block(), whose result end_block() takes, and end_block(). */
static size_t begin_block(struct blob *b, uint32_t type, bool big)
{
	size_t start = b->len;

	put_u32(b, type, big);
	put_u32(b, 0, big);
	return start;
}

static void end_block(struct blob *b, size_t start, bool big)
{
	put_int(b, 0, -b->len & 3, big);
	uint32_t len = (uint32_t)(b->len - start + 4);
	struct blob tail = {0};

	put_u32(&tail, len, big);
	memcpy(b->data + start + 4, tail.data, 4);
	blob_add(b, tail.data, 4);
	blob_fini(&tail);
}

static void put_section(struct blob *b, bool big)
{
	size_t start = begin_block(b, 0x0a0d0d0a, big);

	put_u32(b, 0x1a2b3c4d, big);
	put_u16(b, 1, big);
	put_u16(b, 0, big);
	put_int(b, UINT64_MAX, 8, big);
	end_block(b, start, big);
}

/* tsresol and tsoffset are left out when they have their default values. */
static void put_interface(struct blob *b, uint16_t link, uint8_t tsresol, int64_t tsoffset,
                          bool big)
{
	size_t start = begin_block(b, 1, big);

	put_u16(b, link, big);
	put_u16(b, 0, big);
	put_u32(b, 0, big);
	put_u16(b, 2, big); /* if_name: an option to pass over, with padding */
	put_u16(b, 5, big);
	blob_add(b, "eth0\0\0\0", 8);
	if (tsresol != 6) {
		put_u16(b, 9, big);
		put_u16(b, 1, big);
		blob_add(b, (uint8_t[4]){tsresol}, 4);
	}
	if (tsoffset != 0) {
		put_u16(b, 14, big);
		put_u16(b, 8, big);
		put_int(b, (uint64_t)tsoffset, 8, big);
	}
	put_u32(b, 0, big); /* end of options */
	end_block(b, start, big);
}

static void put_packet(struct blob *b, uint32_t interface, uint64_t ticks, const char *bytes,
                       bool big)
{
	size_t start = begin_block(b, 6, big);

	put_u32(b, interface, big);
	put_u32(b, (uint32_t)(ticks >> 32), big);
	put_u32(b, (uint32_t)ticks, big);
	put_u32(b, (uint32_t)strlen(bytes), big);
	put_u32(b, (uint32_t)strlen(bytes), big);
	blob_add(b, bytes, strlen(bytes));
	end_block(b, start, big);
}

/* ---- pcap ---- */

static void pcap_frames_are_read(void **state)
{
	struct seen seen;

	(void)state;
	read_bytes(small_pcap, sizeof(small_pcap), &seen);
	assert_int_equal(seen.ret, SOURCE_END);
	assert_int_equal(seen.count, 3);

	const struct frame *first = &seen.kept[0].frame;

	check_bytes(&seen, 0, "abc");
	assert_int_equal(first->wire_bytes, 60);
	assert_int_equal(first->link, LINK_ETHERNET);
	assert_int_equal(first->time_ns, S + 2000);
	assert_int_equal(first->interface, 0);
	assert_false(first->has_vlan);

	check_bytes(&seen, 1, "");
	assert_int_equal(seen.kept[1].frame.time_ns, 4294967295 * S + 999999000);
	check_bytes(&seen, 2, "defg");
	assert_int_equal(seen.kept[2].frame.wire_bytes, 4);
	assert_int_equal(seen.progress.read_bytes, sizeof(small_pcap));
	assert_int_equal(seen.progress.size_bytes, sizeof(small_pcap));
}

static void pcap_magics_say_order_and_unit(void **state)
{
	static const struct {
		uint32_t magic;
		bool is_big;
		unsigned extra; /* bytes behind the usual record header */
		uint64_t time_ns;
	} rows[] = {
		{0xa1b2c3d4, false, 0, 7 * S + 5000}, {0xa1b2c3d4, true, 0, 7 * S + 5000},
		{0xa1b23c4d, false, 0, 7 * S + 5},    {0xa1b23c4d, true, 0, 7 * S + 5},
		{0xa1b2cd34, false, 8, 7 * S + 5000}, {0xa1b2cd34, true, 8, 7 * S + 5000},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct blob b = {0};
		struct seen seen;

		put_pcap_header(&b, rows[i].magic, 4, 101, rows[i].is_big);
		for (unsigned n = 0; n < 2; n++) {
			put_record_header(&b, 7, 5, 3, 0x10203, rows[i].is_big);
			put_int(&b, 0, rows[i].extra, false);
			blob_add(&b, "abc", 3);
		}
		read_blob(&b, &seen);
		assert_int_equal(seen.ret, SOURCE_END);
		assert_int_equal(seen.count, 2);
		check_bytes(&seen, 1, "abc");
		assert_int_equal(seen.kept[1].frame.link, LINK_RAW_IP);
		assert_int_equal(seen.kept[1].frame.wire_bytes, 0x10203);
		assert_int_equal(seen.kept[1].frame.time_ns, rows[i].time_ns);
	}
}

static void old_versions_swap_the_lengths(void **state)
{
	static const struct {
		uint16_t minor;
		uint32_t first, second; /* as they stand in the record */
	} rows[] = {{2, 9, 3}, {3, 9, 3}, {3, 3, 9}, {4, 3, 9}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct blob b = {0};
		struct seen seen;

		put_pcap_header(&b, 0xa1b2c3d4, rows[i].minor, 1, false);
		put_record_header(&b, 0, 0, rows[i].first, rows[i].second, false);
		blob_add(&b, "abc", 3);
		read_blob(&b, &seen);
		assert_int_equal(seen.ret, SOURCE_END);
		assert_int_equal(seen.count, 1);
		check_bytes(&seen, 0, "abc");
		assert_int_equal(seen.kept[0].frame.wire_bytes, 9);
	}
}

static void link_types_are_known(void **state)
{
	static const struct {
		uint32_t number;
		enum link_type link;
	} rows[] = {
		{0, LINK_NULL},
		{1, LINK_ETHERNET},
		{0x24000001, LINK_ETHERNET}, /* a frame check sequence of 4 bytes */
		{9, LINK_PPP},
		{50, LINK_PPP},
		{12, LINK_RAW_IP},
		{14, LINK_RAW_IP},
		{101, LINK_RAW_IP},
		{228, LINK_RAW_IP},
		{229, LINK_RAW_IP},
		{105, LINK_80211},
		{108, LINK_LOOP},
		{113, LINK_SLL},
		{127, LINK_RADIOTAP},
		{276, LINK_SLL2},
		{2, LINK_UNKNOWN},
		{195, LINK_UNKNOWN},
		{0xffff, LINK_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct blob b = {0};
		struct seen seen;

		put_pcap_header(&b, 0xa1b2c3d4, 4, rows[i].number, false);
		put_record_header(&b, 0, 0, 0, 0, false);
		read_blob(&b, &seen);
		assert_int_equal(seen.count, 1);
		assert_int_equal(seen.kept[0].frame.link, rows[i].link);
	}
}

/* ---- pcapng ---- */

static void pcapng_frames_are_read(void **state)
{
	static const struct {
		const char *bytes;
		uint32_t wire_bytes;
		uint32_t interface;
		enum link_type link;
		uint64_t time_ns;
	} rows[] = {
		{"abc", 60, 0, LINK_ETHERNET, 0x100000002 * 1000},
		{"de", 2, 1, LINK_SLL, 100 * S + 7},
		{"fghij", 9, 0, LINK_ETHERNET, 0},
		{"k", 1, 1, LINK_SLL, 100 * S + 8},
	};
	struct seen seen;

	(void)state;
	read_bytes(small_pcapng, sizeof(small_pcapng), &seen);
	assert_int_equal(seen.ret, SOURCE_END);
	assert_int_equal(seen.count, COUNT(rows));
	for (size_t i = 0; i < COUNT(rows); i++) {
		check_bytes(&seen, i, rows[i].bytes);
		assert_int_equal(seen.kept[i].frame.wire_bytes, rows[i].wire_bytes);
		assert_int_equal(seen.kept[i].frame.interface, rows[i].interface);
		assert_int_equal(seen.kept[i].frame.link, rows[i].link);
		assert_int_equal(seen.kept[i].frame.time_ns, rows[i].time_ns);
	}
}

static void each_section_has_its_order_and_interfaces(void **state)
{
	struct blob b = {0};
	struct seen seen;

	(void)state;
	put_section(&b, true);
	put_interface(&b, 1, 6, 0, true);
	put_interface(&b, 101, 9, 0, true);
	put_packet(&b, 1, 5, "ab", true);
	put_section(&b, false);
	put_interface(&b, 276, 3, 0, false);
	put_packet(&b, 0, 6, "cde", false);
	put_packet(&b, 1, 0, "", false); /* the first section's, not this one's */
	read_blob(&b, &seen);
	assert_int_equal(seen.count, 2);
	check_bytes(&seen, 0, "ab");
	assert_int_equal(seen.kept[0].frame.link, LINK_RAW_IP);
	assert_int_equal(seen.kept[0].frame.interface, 1);
	assert_int_equal(seen.kept[0].frame.time_ns, 5);
	check_bytes(&seen, 1, "cde");
	assert_int_equal(seen.kept[1].frame.link, LINK_SLL2);
	assert_int_equal(seen.kept[1].frame.time_ns, 6000000);
	check_error(&seen, "breaks off in frame 3 at byte 252: interface 1 is not described");
}

static void pcapng_times_are_nanoseconds(void **state)
{
	static const struct {
		uint8_t tsresol;
		int64_t tsoffset;
		uint64_t ticks, time_ns;
	} rows[] = {
		{0, 0, 3, 3 * S},
		{6, 0, 1700000000123456, 1700000000123456000},
		{6, 0, 0xffffffff, 4294967295000},
		{9, 0, 1700000000123456789, 1700000000123456789},
		{10, 0, 17000000001234567899u, 1700000000123456789},
		{12, 0, 1999, 1},
		{28, 0, UINT64_MAX, 1},
		{0x80, 0, 3, 3 * S},
		{0x81, 0, 3, S + S / 2},
		{0x80 | 20, 0, (1700000000ull << 20) + (1 << 19), 1700000000 * S + S / 2},
		{0x80 | 32, 0, (1700000000ull << 32) + 0xffffffff, 1700000000 * S + 999999999},
		{0x80 | 63, 0, UINT64_MAX, S + 999999999},
		{6, 1600000000, 5, 1600000000 * S + 5000},
		{6, -10, 11000000, S},
		{0x80 | 10, 7, 512, 7 * S + S / 2},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * 2; i++) {
		struct blob b = {0};
		struct seen seen;
		bool is_big = i >= COUNT(rows);
		size_t row = i % COUNT(rows);

		put_section(&b, is_big);
		put_interface(&b, 1, rows[row].tsresol, rows[row].tsoffset, is_big);
		put_packet(&b, 0, rows[row].ticks, "a", is_big);
		read_blob(&b, &seen);
		assert_int_equal(seen.ret, SOURCE_END);
		assert_int_equal(seen.count, 1);
		assert_int_equal(seen.kept[0].frame.time_ns, rows[row].time_ns);
	}
}

/* Blocks that lie, each behind a section and one good packet. */
static void corrupt_blocks_are_refused(void **state)
{
	/* clang-format off */
	static const struct {
		const char *reason;
		uint32_t words[16];
		size_t count;
	} rows[] = {
		{"block length 0 cannot be true", {5, 0, 12}, 3},
		{"block length 11 cannot be true", {5, 11, 12}, 3},
		{"block length 16777217 cannot be true", {5, 16777217, 0}, 3},
		{"block lengths 12 and 16 differ", {5, 12, 16}, 3},
		{"packet block is too short", {6, 28, 0, 0, 0, 0, 28}, 7},
		{"packet block is too short", {2, 12, 12}, 3},
		{"packet block is too short", {3, 12, 12}, 3},
		{"packet of 5 bytes does not fit its block", {6, 36, 0, 0, 0, 5, 5, 0, 36}, 9},
		{"packet of 4294967295 bytes does not fit its block",
		 {6, 32, 0, 0, 0, 0xffffffff, 0, 32}, 8},
		{"packet of 5 bytes does not fit its block", {3, 20, 5, 0, 20}, 5},
		{"interface 1 is not described", {6, 32, 1, 0, 0, 0, 0, 32}, 8},
		{"interface 65535 is not described", {2, 32, 0xffff, 0, 0, 0, 0, 32}, 8},
		{"interface description is too short", {1, 16, 1, 16}, 4},
		{"time resolution 0x1d is too fine", {1, 28, 1, 0, 0x10009, 29, 28}, 7},
		{"time resolution 0xc0 is too fine", {1, 28, 1, 0, 0x10009, 0xc0, 28}, 7},
		{"section has no byte order", {0x0a0d0d0a, 28, 0x1a2b3c4e, 1, 0, 0, 28}, 7},
		{"section header is too short", {0x0a0d0d0a, 16, 0x1a2b3c4d, 16}, 4},
		{"pcapng version 2.0 is not known",
		 {0x0a0d0d0a, 28, 0x1a2b3c4d, 2, 0, 0, 28}, 7},
		{"block header is cut", {5, 12}, 2},
		{"block is cut", {5, 16, 0}, 3},
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct blob b = {0};
		struct seen seen;
		char text[256];

		put_section(&b, false);
		put_interface(&b, 1, 9, 0, false);
		put_packet(&b, 0, 1, "good", false);
		size_t at = b.len;

		for (size_t w = 0; w < rows[i].count; w++) {
			put_u32(&b, rows[i].words[w], false);
		}
		read_blob(&b, &seen);
		assert_int_equal(seen.count, 1);
		snprintf(text, sizeof(text), "breaks off in frame 2 at byte %zu: %s", at,
		         rows[i].reason);
		check_error(&seen, text);
	}
}

static void a_simple_packet_needs_an_interface(void **state)
{
	struct blob b = {0};
	struct seen seen;

	(void)state;
	put_section(&b, false);
	size_t start = begin_block(&b, 3, false);
	put_u32(&b, 0, false);
	end_block(&b, start, false);
	read_blob(&b, &seen);
	check_error(&seen, "breaks off in frame 1 at byte 28: interface 0 is not described");
}

static void interfaces_are_bounded(void **state)
{
	struct blob b = {0};
	struct seen seen;

	(void)state;
	put_section(&b, false);
	for (unsigned i = 0; i < 65536; i++) {
		put_interface(&b, i == 65535 ? 101 : 1, 6, 0, false);
	}
	put_packet(&b, 65535, 0, "last", false);
	size_t at = b.len;
	char text[128];

	put_interface(&b, 1, 6, 0, false);
	read_blob(&b, &seen);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.kept[0].frame.link, LINK_RAW_IP);
	snprintf(text, sizeof(text),
	         "breaks off in frame 2 at byte %zu: more than 65536 interfaces", at);
	check_error(&seen, text);
}

/* ---- torn, wrong and missing files ---- */

static void check_cut(const struct small *small, size_t len, const struct seen *seen)
{
	char text[256];
	size_t at = 0, frames = 0;

	for (size_t i = 0; i < COUNT(small->ends) && small->ends[i].at != 0; i++) {
		if (small->ends[i].at <= len) {
			at = small->ends[i].at;
			frames = small->ends[i].frames;
		}
	}
	assert_int_equal(seen->count, frames);
	if (len == at) {
		assert_int_equal(seen->ret, SOURCE_END);
		return;
	}
	size_t header = small->record[0] == 'b' ? 12 : 16;

	snprintf(text, sizeof(text), "breaks off in frame %zu at byte %zu: %s%s is cut", frames + 1,
	         at, small->record, len - at < header ? " header" : "");
	check_error(seen, text);
}

static void torn_files_give_the_frames_before(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(small_files); i++) {
		const struct small *small = &small_files[i];

		for (size_t len = 0; len <= small->len; len++) {
			struct seen seen;

			read_bytes(small->bytes, len, &seen);
			if (len == 0) {
				check_error(&seen, "is empty");
			} else if (len < 4) {
				check_error(&seen, NOT_A_CAPTURE);
			} else if (len < small->min_len) {
				check_error(&seen, i == 0 ? "file header is cut"
				                          : "section header is cut");
			} else {
				check_cut(small, len, &seen);
			}
		}
	}
}

static void other_files_are_refused(void **state)
{
	static const struct {
		const char *bytes;
		const char *text;
	} rows[] = {
		{"#!/bin/sh\necho no capture\n", NOT_A_CAPTURE},
		{"\n", NOT_A_CAPTURE},
		{"\xa1\xb2\xc3\xd5 almost", NOT_A_CAPTURE},
		{"BZh is no bzip2", "bzip2 data is damaged: incorrect header"},
		{"\x1f\x8b is no gzip", "gzip data is damaged: unknown compression method"},
	};
	struct seen seen;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		read_bytes(rows[i].bytes, strlen(rows[i].bytes), &seen);
		check_error(&seen, rows[i].text);
	}
}

static void unreadable_files_are_named(void **state)
{
	static const struct {
		const char *path;
		int ret;
		const char *text;
	} rows[] = {
		{"/nonexistent/x.pcap", -ENOENT, "cannot open: No such file or directory"},
		{"/tmp", -EISDIR, "cannot read: Is a directory"},
		{"/dev/null", -ENODATA, "is empty"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct seen seen = {0};

		snprintf(seen.path, sizeof(seen.path), "%s", rows[i].path);
		read_path(rows[i].path, &seen);
		assert_int_equal(seen.ret, rows[i].ret);
		check_error(&seen, rows[i].text);
	}
	source_close(NULL);
}

static void oversized_records_are_corrupt(void **state)
{
	static const uint32_t max = 16 << 20;
	struct blob b = {0};
	struct seen seen;
	uint8_t *zeros = calloc(max, 1);

	(void)state;
	assert_non_null(zeros);
	put_pcap_header(&b, 0xa1b2c3d4, 4, 1, false);
	put_record_header(&b, 0, 0, 1, 1, false);
	blob_add(&b, "a", 1);
	put_record_header(&b, 0, 0, max, max, false);
	blob_add(&b, zeros, max);
	put_record_header(&b, 0, 0, 2, 0xffffffff, false); /* a wire length that nobody believes */
	blob_add(&b, "bc", 2);
	put_record_header(&b, 0, 0, max + 1, max + 1, false);
	blob_add(&b, zeros, max);
	read_blob(&b, &seen);
	free(zeros);
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.kept[2].frame.wire_bytes, 0xffffffff);
	check_bytes(&seen, 2, "bc");
	check_error(&seen,
	            "breaks off in frame 4 at byte 16777291: record of 16777217 bytes is too "
	            "large to be true");
}

/* A call hands out a bounded batch, so that its caller gets a word in. */
static void batches_are_bounded(void **state)
{
	struct blob b = {0};
	struct seen seen = {0};
	struct source *source = NULL;
	char path[32];

	(void)state;
	put_pcap_header(&b, 0xa1b2c3d4, 4, 1, false);
	for (unsigned i = 0; i < 300; i++) {
		put_record_header(&b, i, 0, 1, 1, false);
		blob_add(&b, "a", 1);
	}
	int fd = file_of(b.data, b.len);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(pcapfile_open(path, &source, &seen.err), 0);
	assert_int_equal(source_read(source, see, &seen, &seen.err), SOURCE_MORE);
	assert_int_equal(seen.count, 256);
	assert_int_equal(pcapfile_progress(source).read_bytes, 24 + 256 * 17);
	assert_int_equal(source_read(source, see, &seen, &seen.err), SOURCE_END);
	assert_int_equal(seen.count, 300);
	source_close(source);
	close(fd);
	blob_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_frames_are_read),
		cmocka_unit_test(pcap_magics_say_order_and_unit),
		cmocka_unit_test(old_versions_swap_the_lengths),
		cmocka_unit_test(link_types_are_known),
		cmocka_unit_test(pcapng_frames_are_read),
		cmocka_unit_test(each_section_has_its_order_and_interfaces),
		cmocka_unit_test(pcapng_times_are_nanoseconds),
		cmocka_unit_test(corrupt_blocks_are_refused),
		cmocka_unit_test(a_simple_packet_needs_an_interface),
		cmocka_unit_test(interfaces_are_bounded),
		cmocka_unit_test(torn_files_give_the_frames_before),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(unreadable_files_are_named),
		cmocka_unit_test(oversized_records_are_corrupt),
		cmocka_unit_test(batches_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
