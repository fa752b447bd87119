/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Capture files that are packed in four ways, whole, torn and damaged, or come through a pipe. */
#include "pcapfile_support.h"

#include <bzlib.h>
#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

/* ---- packed files ---- */

typedef void pack_fn(struct blob *out, const void *bytes, size_t len);

static void pack_gzip(struct blob *out, const void *bytes, size_t len)
{
	z_stream z = {.next_in = (Bytef *)bytes, .avail_in = (uInt)len};

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	size_t room = deflateBound(&z, len);
	uint8_t *packed = malloc(room);

	z.next_out = packed;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	blob_add(out, packed, room - z.avail_out);
	deflateEnd(&z);
	free(packed);
}

static void pack_bzip2(struct blob *out, const void *bytes, size_t len)
{
	unsigned room = (unsigned)(len + len / 100 + 600); /* as its manual asks for */
	char *packed = malloc(room);

	assert_int_equal(
		BZ2_bzBuffToBuffCompress(packed, &room, (char *)bytes, (unsigned)len, 1, 0, 0),
		BZ_OK);
	blob_add(out, packed, room);
	free(packed);
}

static void pack_xz(struct blob *out, const void *bytes, size_t len)
{
	size_t room = lzma_stream_buffer_bound(len), used = 0;
	uint8_t *packed = malloc(room);

	assert_int_equal(
		lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, bytes, len, packed, &used, room),
		LZMA_OK);
	blob_add(out, packed, used);
	free(packed);
}

static void pack_zstd(struct blob *out, const void *bytes, size_t len)
{
	size_t room = ZSTD_compressBound(len);
	uint8_t *packed = malloc(room);
	ZSTD_CCtx *context = ZSTD_createCCtx();

	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	size_t used = ZSTD_compress2(context, packed, room, bytes, len);

	assert_false(ZSTD_isError(used));
	blob_add(out, packed, used);
	ZSTD_freeCCtx(context);
	free(packed);
}

static const struct {
	const char *name;
	pack_fn *pack;
	size_t tail_bytes; /* at the end of a member: checksums, index, end marks */
} packers[] = {
	{"gzip", pack_gzip, 8},
	{"bzip2", pack_bzip2, 9},
	{"xz", pack_xz, 28},
	{"zstd", pack_zstd, 4},
};

#define LARGE_FRAMES     1200
#define ZSTD_BLOCK_BYTES (128u << 10)

/* Frames of all sizes up to 1999 bytes, the one in the middle of `middle`; hard to pack. */
static void put_pcap(struct blob *b, uint32_t frames, uint32_t middle)
{
	uint32_t random = 1;

	put_pcap_header(b, 0xa1b2c3d4, 4, 1, false);
	for (uint32_t i = 0; i < frames; i++) {
		uint32_t len = i == frames / 2 ? middle : i * 7 % 2000;

		put_record_header(b, i, 0, len, len, false);
		for (uint32_t n = 0; n < len; n++) {
			random = random * 1664525 + 1013904223;
			blob_add(b, &(uint8_t){random >> 24 & 0x7f}, 1);
		}
	}
}

/* With a frame that is larger than any buffer is at first. */
static void put_large_pcap(struct blob *b)
{
	put_pcap(b, LARGE_FRAMES, 600000);
}

static void put_zero_frames(struct blob *b, unsigned frames, uint32_t len)
{
	uint8_t *zeros = calloc(len, 1);

	assert_non_null(zeros);
	for (unsigned i = 0; i < frames; i++) {
		put_record_header(b, i, 0, len, len, false);
		blob_add(b, zeros, len);
	}
	free(zeros);
}

static void packed_files_give_the_same_frames(void **state)
{
	struct blob plain = {0};
	struct seen expected;

	(void)state;
	put_large_pcap(&plain);
	read_bytes(plain.data, plain.len, &expected);
	assert_int_equal(expected.ret, SOURCE_END);
	assert_int_equal(expected.count, LARGE_FRAMES);
	assert_true(expected.calls >= LARGE_FRAMES / 256);
	for (size_t i = 0; i < COUNT(packers); i++) {
		struct blob packed = {0};
		struct seen seen;

		packers[i].pack(&packed, plain.data, plain.len);
		size_t len = packed.len;

		read_blob(&packed, &seen);
		assert_int_equal(seen.ret, SOURCE_END);
		assert_int_equal(seen.count, LARGE_FRAMES);
		assert_int_equal(seen.sum, expected.sum);
		assert_int_equal(seen.progress.read_bytes, len);
		assert_int_equal(seen.progress.size_bytes, len);
	}
	blob_fini(&plain);
}

static void members_in_a_row_are_one_stream(void **state)
{
	/* A skippable frame of 3 bytes, as pzstd writes them. */
	static const uint8_t skippable[] = {0x51, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'x', 'y', 'z'};

	(void)state;
	for (size_t i = 0; i < COUNT(packers); i++) {
		for (size_t cut = 0; cut <= sizeof(small_pcap); cut++) {
			struct blob b = {0};
			struct seen seen;

			if (packers[i].pack == pack_zstd) {
				blob_add(&b, skippable, sizeof(skippable));
			}
			packers[i].pack(&b, small_pcap, cut);
			packers[i].pack(&b, small_pcap + cut, 0);
			packers[i].pack(&b, small_pcap + cut, sizeof(small_pcap) - cut);
			if (packers[i].pack == pack_xz) {
				put_u32(&b, 0, false); /* stream padding */
			}
			read_blob(&b, &seen);
			assert_int_equal(seen.ret, SOURCE_END);
			assert_int_equal(seen.count, 3);
			check_bytes(&seen, 2, "defg");
		}
	}
}

static void foreign_bytes_behind_packed_ones_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(packers); i++) {
		struct blob b = {0};
		struct seen seen;
		char text[128];

		packers[i].pack(&b, small_pcap, sizeof(small_pcap));
		blob_add(&b, "foreign bytes", 13);
		read_blob(&b, &seen);
		assert_int_equal(seen.count, 3);
		assert_true(seen.ret < 0);
		snprintf(text, sizeof(text),
		         ": breaks off in frame 4 at byte 79: %s data is damaged: ",
		         packers[i].name);
		assert_non_null(strstr(seen.err.text, text));
	}
}

static void torn_packed_files_fail(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(packers); i++) {
		struct blob b = {0};
		struct seen seen;
		char text[64];

		packers[i].pack(&b, small_pcap, sizeof(small_pcap));
		snprintf(text, sizeof(text), ": %s data is cut", packers[i].name);
		for (size_t len = 6; len < b.len; len++) {
			read_bytes(b.data, len, &seen);
			assert_true(seen.ret < 0);
			assert_non_null(strstr(seen.err.text, text));
		}
		blob_fini(&b);
	}
}

/* What was unpacked before the fault is not lost. */
static void torn_packed_files_give_the_frames_before(void **state)
{
	struct blob plain = {0};

	(void)state;
	put_large_pcap(&plain);
	for (size_t i = 0; i < COUNT(packers); i++) {
		struct blob b = {0};
		struct seen seen;

		packers[i].pack(&b, plain.data, plain.len);
		b.len -= b.len / 4;
		read_blob(&b, &seen);
		assert_true(seen.ret < 0);
		assert_non_null(strstr(seen.err.text, " data is cut"));
		assert_in_range(seen.count, LARGE_FRAMES / 2, LARGE_FRAMES - 1);
	}
	blob_fini(&plain);
}

static void damaged_packed_files_never_pass_unseen(void **state)
{
	struct seen expected;

	(void)state;
	read_bytes(small_pcapng, sizeof(small_pcapng), &expected);
	for (size_t i = 0; i < COUNT(packers); i++) {
		struct blob b = {0};

		packers[i].pack(&b, small_pcapng, sizeof(small_pcapng));
		for (size_t bit = 0; bit < b.len * 8; bit++) {
			struct seen seen;

			b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			read_bytes(b.data, b.len, &seen);
			b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (seen.ret >= 0) { /* a bit that means nothing */
				assert_int_equal(seen.ret, SOURCE_END);
				assert_int_equal(seen.sum, expected.sum);
			}
		}
		blob_fini(&b);
	}
}

/* Returns the offset of the block that begins with bytes[first]. */
static size_t pack_zstd_blocks(struct blob *out, const uint8_t *bytes, size_t first, size_t len)
{
	size_t room = ZSTD_compressBound(len) + 64;
	uint8_t *packed = malloc(room);
	ZSTD_CCtx *context = ZSTD_createCCtx();
	ZSTD_inBuffer in = {.src = bytes, .size = first};
	ZSTD_outBuffer to = {.dst = packed, .size = room};

	assert_int_equal(ZSTD_compressStream2(context, &to, &in, ZSTD_e_flush), 0);
	size_t offset = to.pos;

	in.size = len;
	assert_int_equal(ZSTD_compressStream2(context, &to, &in, ZSTD_e_end), 0);
	blob_add(out, packed, to.pos);
	ZSTD_freeCCtx(context);
	free(packed);
	return offset;
}

/* Damages the block of zstd behind the first `good` ones: all frames of these must come out. */
static void check_damaged_zstd(const struct blob *plain, size_t good)
{
	struct blob b = {0};
	struct seen expected, seen;
	size_t offset = pack_zstd_blocks(&b, plain->data, good * ZSTD_BLOCK_BYTES, plain->len);

	b.data[offset] |= 3 << 1; /* a reserved block type */
	read_bytes(plain->data, good * ZSTD_BLOCK_BYTES, &expected);
	read_blob(&b, &seen);
	assert_true(seen.ret < 0);
	assert_int_equal(seen.count, expected.count);
	assert_int_equal(seen.sum, expected.sum);
}

/* The library forgets what a failing call had written; a large frame fills the whole window. */
static void damaged_zstd_gives_the_frames_before(void **state)
{
	static const uint32_t middles[] = {40000, 150000, 250000};

	(void)state;
	for (size_t i = 0; i < COUNT(middles); i++) {
		struct blob plain = {0};

		put_pcap(&plain, 600, middles[i]);
		for (size_t good = 1; good * ZSTD_BLOCK_BYTES < plain.len; good++) {
			check_damaged_zstd(&plain, good);
		}
		blob_fini(&plain);
	}
}

static void progress_is_that_of_the_packed_file(void **state)
{
	struct blob plain = {0};

	(void)state;
	put_pcap_header(&plain, 0xa1b2c3d4, 4, 1, false);
	put_zero_frames(&plain, 300, 10000);
	for (size_t i = 0; i < COUNT(packers); i++) {
		struct blob b = {0};
		struct seen seen = {0};
		struct source *source = NULL;

		packers[i].pack(&b, plain.data, plain.len);
		int fd = file_of(b.data, b.len);

		snprintf(seen.path, sizeof(seen.path), "/proc/self/fd/%d", fd);
		assert_int_equal(pcapfile_open(seen.path, &source, &seen.err), 0);
		assert_int_equal(source_read(source, see, &seen, &seen.err), SOURCE_MORE);
		assert_in_range(pcapfile_progress(source).read_bytes, 1, b.len - 1);
		assert_int_equal(source_read(source, see, &seen, &seen.err), SOURCE_END);
		assert_int_equal(pcapfile_progress(source).read_bytes, b.len);
		source_close(source);
		close(fd);
		blob_fini(&b);
	}
	blob_fini(&plain);
}

/* ---- pipes ---- */

static struct source *open_pipe(int pipe_fds[2], const void *first, size_t len)
{
	char path[32];
	struct source *source = NULL;
	struct err err;

	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	assert_int_equal(write(pipe_fds[1], first, len), len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", pipe_fds[0]);
	assert_int_equal(pcapfile_open(path, &source, &err), 0);
	close(pipe_fds[0]);
	return source;
}

static void a_pipe_gives_frames_as_they_come(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(small_files); i++) {
		const struct small *small = &small_files[i];
		struct seen seen = {0};
		int fds[2];
		struct source *source = open_pipe(fds, small->bytes, small->min_len);
		size_t end = 0;

		for (size_t len = small->min_len; len < small->len;) {
			read_on(source, &seen);
			assert_int_equal(seen.ret, SOURCE_IDLE);
			while (small->ends[end + 1].at != 0 && small->ends[end + 1].at <= len) {
				end++;
			}
			assert_int_equal(seen.count, small->ends[end].frames);
			assert_int_equal(write(fds[1], small->bytes + len, 1), 1);
			len++;
		}
		assert_true(source_fd(source) >= 0);
		close(fds[1]);
		read_on(source, &seen);
		assert_int_equal(seen.ret, SOURCE_END);
		assert_int_equal(seen.count, i == 0 ? 3 : 4);
		assert_int_equal(pcapfile_progress(source).size_bytes, 0);
		assert_int_equal(pcapfile_progress(source).read_bytes, small->len);
		source_close(source);
	}
}

/*
 * All that can be unpacked comes out before the reader says that it is idle: first all of a member
 * but its last bytes, which hold no data, then the rest of it and a second member.
 */
static void check_packed_pipe(size_t packer, unsigned large, uint32_t len)
{
	static const unsigned small = 20;
	struct blob plain = {0}, b = {0};
	struct seen seen = {0};
	int fds[2];

	put_pcap_header(&plain, 0xa1b2c3d4, 4, 1, false);
	put_zero_frames(&plain, large, len);
	put_zero_frames(&plain, small, 2000);
	packers[packer].pack(&b, plain.data, plain.len);
	size_t part = b.len - packers[packer].tail_bytes;
	struct source *source = open_pipe(fds, b.data, part);

	for (unsigned again = 0; again < 20; again++) {
		read_on(source, &seen);
		assert_int_equal(seen.ret, SOURCE_IDLE);
		assert_int_equal(seen.count, large + small);
	}
	plain.len = 0;
	put_record_header(&plain, 2, 0, 3, 3, false);
	blob_add(&plain, "abc", 3);
	packers[packer].pack(&b, plain.data, plain.len);
	assert_int_equal(write(fds[1], b.data + part, b.len - part), b.len - part);
	read_on(source, &seen);
	assert_int_equal(seen.ret, SOURCE_IDLE);
	assert_int_equal(seen.count, large + small + 1);
	close(fds[1]);
	read_on(source, &seen);
	assert_int_equal(seen.ret, SOURCE_END);
	source_close(source);
	blob_fini(&b);
	blob_fini(&plain);
}

static void a_packed_pipe_holds_nothing_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(packers); i++) {
		for (unsigned large = 1; large <= 8; large++) {
			check_packed_pipe(i, large, 50000);
			check_packed_pipe(i, large, 250000);
		}
	}
}

static void dash_is_standard_input(void **state)
{
	struct seen seen = {0};
	int saved = dup(STDIN_FILENO);
	int fd = file_of(small_pcap, sizeof(small_pcap));
	struct source *source = NULL;

	(void)state;
	assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	assert_int_equal(pcapfile_open("-", &source, &seen.err), 0);
	read_on(source, &seen);
	assert_int_equal(seen.ret, SOURCE_END);
	assert_int_equal(seen.count, 3);
	assert_int_equal(source_fd(source), -1);
	source_close(source);
	/* Standard input stays open; all that is left of it is nothing. */
	assert_int_equal(pcapfile_open("-", &source, &seen.err), -ENODATA);
	assert_string_equal(seen.err.text, "standard input: is empty");
	if (saved >= 0) {
		dup2(saved, STDIN_FILENO);
		close(saved);
	}
	close(fd);
}

/* A named pipe that nobody writes to yet is opened, and idle until somebody does. */
static void named_pipe_is_not_waited_for(void **state)
{
	char folder[] = "/tmp/passer-pipe-XXXXXX", path[sizeof(folder) + 2];
	struct seen seen = {0};
	struct source *source = NULL;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/p", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pcapfile_open(path, &source, &seen.err), 0);
	read_on(source, &seen);
	assert_int_equal(seen.ret, SOURCE_IDLE);

	int fd = open(path, O_WRONLY | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(small_pcap); i++) {
		assert_int_equal(write(fd, small_pcap + i, 1), 1);
		read_on(source, &seen);
		assert_int_equal(seen.ret, SOURCE_IDLE);
	}
	close(fd);
	read_on(source, &seen);
	assert_int_equal(seen.ret, SOURCE_END);
	assert_int_equal(seen.count, 3);
	source_close(source);

	/* What is no capture file is told when its first bytes are there. */
	assert_int_equal(pcapfile_open(path, &source, &seen.err), 0);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "nonsense nonsense", 17), 17);
	close(fd);
	read_on(source, &seen);
	assert_int_equal(seen.ret, -EBADMSG);
	assert_non_null(strstr(seen.err.text, "/p: not a capture file"));
	source_close(source);
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packed_files_give_the_same_frames),
		cmocka_unit_test(members_in_a_row_are_one_stream),
		cmocka_unit_test(foreign_bytes_behind_packed_ones_are_told),
		cmocka_unit_test(torn_packed_files_fail),
		cmocka_unit_test(torn_packed_files_give_the_frames_before),
		cmocka_unit_test(damaged_packed_files_never_pass_unseen),
		cmocka_unit_test(damaged_zstd_gives_the_frames_before),
		cmocka_unit_test(progress_is_that_of_the_packed_file),
		cmocka_unit_test(a_pipe_gives_frames_as_they_come),
		cmocka_unit_test(a_packed_pipe_holds_nothing_back),
		cmocka_unit_test(dash_is_standard_input),
		cmocka_unit_test(named_pipe_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
