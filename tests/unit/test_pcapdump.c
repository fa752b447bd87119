/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dumped frames, read back by our own reader of capture files. */
#include <passer/base/log.h>
#include <passer/output/pcapdump.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "pcapfile_support.h"

#include "processes.h"

#define NS_PER_S UINT64_C(1000000000)
#define MIB      (UINT64_C(1) << 20)
#define START_NS (UINT64_C(1500000000) * NS_PER_S)

static char folder[] = "/tmp/passer-pcapdump-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR); /* what is told on the way is not looked at here */
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static const char *path_of(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static struct pcapdump *dump_of(const char *name, uint64_t limit_bytes)
{
	static char kept[64]; /* a dump borrows its path; there is one at a time */
	struct pcapdump_config config = {
		.path = memcpy(kept, path_of(name), sizeof(kept)),
		.limit_bytes = limit_bytes,
		.writers = PROCESSES,
	};
	struct pcapdump *dump;
	struct err err;

	assert_int_equal(pcapdump_open(&config, &dump, &err), 0);
	return dump;
}

static struct frame frame_of(enum link_type link, const char *bytes, uint64_t time_ns)
{
	return (struct frame){
		.bytes = span_str(bytes),
		.wire_bytes = (uint32_t)strlen(bytes),
		.link = link,
		.time_ns = time_ns,
	};
}

static void write_one(struct pcapdump *dump, enum link_type link, const char *bytes)
{
	struct frame f = frame_of(link, bytes, START_NS + 123456789);

	pcapdump_write(dump, 0, &f);
}

static void close_dump(struct pcapdump *dump)
{
	for (unsigned i = 0; i < PROCESSES; i++) {
		pcapdump_flush(dump, i);
	}
	pcapdump_close(dump);
}

static struct seen read_dump(const char *name)
{
	static struct seen seen;

	seen = (struct seen){0};
	read_path(path_of(name), &seen);
	assert_int_equal(seen.ret, SOURCE_END);
	return seen;
}

static void remove_dump(const char *name)
{
	assert_int_equal(unlink(path_of(name)), 0);
}

static void write_file(const char *name, const void *bytes, size_t len)
{
	FILE *file = fopen(path_of(name), "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	fclose(file);
}

static uint64_t size_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(path_of(name), &st), 0);
	return (uint64_t)st.st_size;
}

/* ---- what stands in the file ---- */

static void a_frame_comes_back_as_it_was(void **state)
{
	static const char *const names[] = {"a.pcap", "a.pcapng", "noend"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct pcapdump *dump = dump_of(names[i], MIB);
		struct frame f = frame_of(LINK_SLL, "hello", START_NS + 123456789);

		f.wire_bytes = 60;
		pcapdump_write(dump, 0, &f);
		f.bytes.len = 0;
		pcapdump_write(dump, 1, &f);
		close_dump(dump);

		struct seen seen = read_dump(names[i]);
		const struct frame *back = &seen.kept[0].frame;

		assert_int_equal(seen.count, 2);
		check_bytes(&seen, 0, "hello");
		assert_int_equal(back->wire_bytes, 60);
		assert_int_equal(back->link, LINK_SLL);
		assert_true(back->time_ns == START_NS + 123456789);
		assert_int_equal(seen.kept[1].frame.bytes.len, 0);
		remove_dump(names[i]);
	}
}

static void a_tag_that_was_taken_out_is_put_back(void **state)
{
	struct pcapdump *dump = dump_of("a.pcapng", MIB);
	struct frame f = frame_of(LINK_ETHERNET, "aaaaaabbbbbb", START_NS);

	(void)state;
	f.has_vlan = true;
	f.vlan_tci = 0x2342;
	pcapdump_write(dump, 0, &f);
	f.vlan_tpid = 0x88a8; /* the outer tag of two */
	pcapdump_write(dump, 0, &f);
	f.bytes.len = 11; /* no whole pair of MACs: as it is */
	pcapdump_write(dump, 0, &f);
	f.bytes.len = 2;
	f.link = LINK_SLL; /* nowhere to put it */
	pcapdump_write(dump, 0, &f);
	close_dump(dump);

	struct seen seen = read_dump("a.pcapng");

	assert_int_equal(seen.kept[0].frame.bytes.len, 16);
	assert_memory_equal(seen.kept[0].bytes, "aaaaaabbbbbb\x81\x00\x23\x42", 16);
	assert_int_equal(seen.kept[0].frame.wire_bytes, 16);
	assert_memory_equal(seen.kept[1].bytes, "aaaaaabbbbbb\x88\xa8\x23\x42", 16);
	assert_int_equal(seen.kept[2].frame.bytes.len, 11);
	assert_int_equal(seen.kept[3].frame.bytes.len, 2);
	remove_dump("a.pcapng");
}

static void every_link_type_has_an_interface(void **state)
{
	struct pcapdump *dump = dump_of("a.pcapng", MIB);

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int link = LINK_ETHERNET; link < LINK_TYPE_COUNT; link++) {
			char bytes[] = {'A', (char)('A' + link), '\0'};

			write_one(dump, (enum link_type)link, bytes);
		}
	}
	write_one(dump, LINK_UNKNOWN, "?");
	assert_int_equal(pcapdump_counters(dump).other_links, 1);
	close_dump(dump);

	struct seen seen = read_dump("a.pcapng");

	assert_int_equal(seen.count, 2 * (LINK_TYPE_COUNT - 1));
	for (size_t i = 0; i < KEPT_FRAMES; i++) {
		int link = LINK_ETHERNET + (int)(i % (LINK_TYPE_COUNT - 1));

		assert_int_equal(seen.kept[i].frame.link, link);
		assert_int_equal(seen.kept[i].bytes[1], 'A' + link);
	}
	remove_dump("a.pcapng");
}

static void a_pcap_file_is_of_its_first_link(void **state)
{
	struct pcapdump *dump = dump_of("a.pcap", MIB);

	(void)state;
	write_one(dump, LINK_UNKNOWN, "?");
	write_one(dump, LINK_RAW_IP, "one");
	write_one(dump, LINK_ETHERNET, "other");
	write_one(dump, LINK_RAW_IP, "two");
	assert_int_equal(pcapdump_counters(dump).frames, 2);
	assert_int_equal(pcapdump_counters(dump).other_links, 2);
	close_dump(dump);

	struct seen seen = read_dump("a.pcap");

	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.kept[1].frame.link, LINK_RAW_IP);
	check_bytes(&seen, 1, "two");
	remove_dump("a.pcap");
}

static void a_dump_without_frames_is_a_capture(void **state)
{
	static const char *const names[] = {"a.pcap", "a.pcapng"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		close_dump(dump_of(names[i], MIB));
		assert_int_equal(read_dump(names[i]).count, 0);
		uint64_t size = size_of(names[i]);

		close_dump(dump_of(names[i], MIB)); /* and a second time */
		assert_int_equal(size_of(names[i]), size);
		remove_dump(names[i]);
	}
}

static void a_frame_larger_than_readers_take_is_cut(void **state)
{
	static const size_t max = 262144;
	char *bytes = calloc(1, max + 3);
	struct pcapdump *dump = dump_of("a.pcap", 4 * MIB);

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 'x', max + 2);
	write_one(dump, LINK_RAW_IP, bytes);
	write_one(dump, LINK_RAW_IP, bytes);
	write_one(dump, LINK_RAW_IP, bytes); /* more than a buffer */
	write_one(dump, LINK_RAW_IP, "end");
	close_dump(dump);
	free(bytes);

	struct seen seen = read_dump("a.pcap");

	assert_int_equal(seen.count, 4);
	assert_int_equal(size_of("a.pcap"), 24 + 3 * (16 + max) + 16 + 3);
	remove_dump("a.pcap");
}

/* ---- files that are there ---- */

static void a_second_run_goes_on(void **state)
{
	static const char *const names[] = {"a.pcap", "a.pcapng"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		for (int run = 0; run < 3; run++) {
			struct pcapdump *dump = dump_of(names[i], MIB);

			write_one(dump, LINK_RAW_IP, "abc");
			write_one(dump, LINK_RAW_IP, "de");
			close_dump(dump);
		}
		struct seen seen = read_dump(names[i]);

		assert_int_equal(seen.count, 6);
		check_bytes(&seen, 4, "abc");
		remove_dump(names[i]);
	}
}

static void files_of_others_are_gone_on_with(void **state)
{
	struct pcapdump *dump;

	(void)state;
	write_file("a.pcap", small_pcap, sizeof(small_pcap));
	dump = dump_of("a.pcap", MIB);
	write_one(dump, LINK_ETHERNET, "new");
	close_dump(dump);
	struct seen seen = read_dump("a.pcap");

	assert_int_equal(seen.count, 4);
	check_bytes(&seen, 3, "new");
	assert_true(seen.kept[3].frame.time_ns == START_NS + 123456000); /* as its header says */
	remove_dump("a.pcap");

	write_file("a.pcapng", small_pcapng, sizeof(small_pcapng));
	dump = dump_of("a.pcapng", MIB);
	write_one(dump, LINK_SLL2, "new");
	close_dump(dump);
	seen = read_dump("a.pcapng");
	assert_int_equal(seen.count, 5);
	check_bytes(&seen, 4, "new");
	assert_int_equal(seen.kept[4].frame.link, LINK_SLL2);
	remove_dump("a.pcapng");
}

/* Wherever a file was torn, what comes behind it can be read. */
static void a_torn_end_is_cut_off(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(small_files); i++) {
		const struct small *small = &small_files[i];
		const char *name = i == 0 ? "a.pcap" : "a.pcapng";

		for (size_t len = small->ends[0].at; len < small->len; len++) {
			size_t frames = 0;

			for (size_t e = 0; e < COUNT(small->ends); e++) {
				if (small->ends[e].at != 0 && small->ends[e].at <= len) {
					frames = small->ends[e].frames;
				}
			}
			write_file(name, small->bytes, len);
			struct pcapdump *dump = dump_of(name, MIB);

			write_one(dump, LINK_ETHERNET, "new");
			close_dump(dump);
			assert_int_equal(read_dump(name).count, frames + 1);
		}
		remove_dump(name);
	}
}

static void check_refused(const char *name, int ret)
{
	struct pcapdump_config config = {.path = path_of(name), .limit_bytes = MIB, .writers = 1};
	struct pcapdump *dump = NULL;
	struct err err = {.text = ""};

	assert_int_equal(pcapdump_open(&config, &dump, &err), ret);
	assert_null(dump);
	assert_non_null(strstr(err.text, name));
}

static void other_files_are_refused(void **state)
{
	static const uint8_t big[24] = {0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4};

	(void)state;
	write_file("a.pcap", "hello, world, hello, world", 26);
	check_refused("a.pcap", -EBADMSG);
	write_file("a.pcap", "x", 1);
	check_refused("a.pcap", -EBADMSG);
	write_file("a.pcap", big, sizeof(big));
	check_refused("a.pcap", -EBADMSG);
	write_file("a.pcap", small_pcapng, sizeof(small_pcapng));
	check_refused("a.pcap", -EBADMSG);
	assert_int_equal(size_of("a.pcap"), sizeof(small_pcapng));
	remove_dump("a.pcap");
	write_file("a.pcapng", small_pcap, sizeof(small_pcap));
	check_refused("a.pcapng", -EBADMSG);
	remove_dump("a.pcapng");
	check_refused("absent/a.pcap", -ENOENT);
	assert_int_equal(mkfifo(path_of("a.pcap"), 0600), 0);
	check_refused("a.pcap", -ENOTSUP);
	remove_dump("a.pcap");
}

static void one_file_has_one_owner(void **state)
{
	struct pcapdump *dump = dump_of("a.pcap", MIB);

	(void)state;
	check_refused("a.pcap", -EWOULDBLOCK);
	close_dump(dump);
	remove_dump("a.pcap");
}

/* ---- limit and failure ---- */

static void the_limit_is_that_of_the_file(void **state)
{
	static const char *const names[] = {"a.pcap", "a.pcapng"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct pcapdump *dump = dump_of(names[i], 300);

		for (int n = 0; n < 40; n++) {
			write_one(dump, LINK_RAW_IP, "0123456789");
		}
		struct pcapdump_counters c = pcapdump_counters(dump);

		assert_int_equal(c.frames + c.over_limit, 40);
		close_dump(dump);
		assert_int_equal(read_dump(names[i]).count, c.frames);
		assert_true(size_of(names[i]) <= 300);
		assert_true(size_of(names[i]) > 300 - 44);

		dump = dump_of(names[i], 300); /* what is there counts */
		write_one(dump, LINK_RAW_IP, "01234567890123456789");
		assert_int_equal(pcapdump_counters(dump).over_limit, 1);
		close_dump(dump);
		remove_dump(names[i]);
	}
}

static struct rlimit set_size_limit(rlim_t bytes)
{
	struct rlimit limit, old;

	getrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_IGN);
	limit = (struct rlimit){.rlim_cur = bytes, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	return old;
}

/* What waited is written; what found no room beside it is lost. */
static void a_full_disk_is_tried_again(void **state)
{
	struct pcapdump *dump = dump_of("a.pcap", MIB);
	struct rlimit old = set_size_limit(30);

	(void)state;
	write_one(dump, LINK_RAW_IP, "0123456789");
	pcapdump_flush(dump, 0);
	assert_int_equal(pcapdump_counters(dump).waiting, 1);
	write_one(dump, LINK_RAW_IP, "0123456789");
	assert_int_equal(pcapdump_counters(dump).lost, 1);
	setrlimit(RLIMIT_FSIZE, &old);
	pcapdump_finish(dump);
	assert_int_equal(pcapdump_counters(dump).waiting, 0);
	write_one(dump, LINK_RAW_IP, "0123456789");
	pcapdump_flush(dump, 0);
	assert_int_equal(pcapdump_counters(dump).lost, 1);
	assert_int_equal(pcapdump_counters(dump).frames, 2);
	close_dump(dump);
	assert_int_equal(read_dump("a.pcap").count, 2);
	remove_dump("a.pcap");
}

/* A place that stays empty would end the file for its readers, and with garbage. */
static void a_disk_that_stays_full_cuts_the_file_off(void **state)
{
	struct pcapdump *dump = dump_of("a.pcap", MIB);
	struct rlimit old;

	(void)state;
	write_one(dump, LINK_RAW_IP, "0123456789");
	pcapdump_flush(dump, 0);
	old = set_size_limit(24 + 16 + 10 + 5);
	write_one(dump, LINK_RAW_IP, "0123456789");
	pcapdump_flush(dump, 0);
	pcapdump_finish(dump);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(pcapdump_counters(dump).lost, 1);
	close_dump(dump);
	assert_int_equal(read_dump("a.pcap").count, 1);
	remove_dump("a.pcap");
}

/* ---- several processes ---- */

#define FRAMES 5000

static bool dump_frames(unsigned number, void *context)
{
	static const enum link_type links[] = {LINK_ETHERNET, LINK_RAW_IP, LINK_SLL, LINK_NULL};
	struct pcapdump *dump = context;
	char bytes[16];

	for (unsigned n = 0; n < FRAMES; n++) {
		struct frame f;

		snprintf(bytes, sizeof(bytes), "%u/%u", number, n);
		f = frame_of(links[n % COUNT(links)], bytes, START_NS + n);
		pcapdump_write(dump, number, &f);
		if (n % 13 == number) {
			pcapdump_flush(dump, number);
		}
	}
	return true;
}

static void see_from(void *user, const struct frame *frame)
{
	unsigned *next = user, number, n;
	char text[16] = "";

	assert_true(frame->bytes.len < sizeof(text));
	memcpy(text, frame->bytes.data, frame->bytes.len);
	assert_int_equal(sscanf(text, "%u/%u", &number, &n), 2);
	assert_true(number < PROCESSES);
	assert_int_equal(n, next[number]++);
}

/* All frames once, those of each process in its order. */
static void processes_share_a_file(void **state)
{
	struct pcapdump *dump = dump_of("a.pcapng", 64 * MIB);
	unsigned next[PROCESSES] = {0};
	struct source *source;
	struct err err;
	int ret;

	(void)state;
	processes_run(dump_frames, dump);
	close_dump(dump); /* also what the processes left in their buffers */
	assert_int_equal(pcapfile_open(path_of("a.pcapng"), &source, &err), 0);
	while ((ret = source_read(source, see_from, next, &err)) == SOURCE_MORE) {
	}
	assert_int_equal(ret, SOURCE_END);
	source_close(source);
	for (unsigned i = 0; i < PROCESSES; i++) {
		assert_int_equal(next[i], FRAMES);
	}
	remove_dump("a.pcapng");
}

/* ---- a process dies in its write ---- */

/*
 * Writer 0 is stopped behind so many instructions and killed; another writes then. From the size of
 * the file one sees when the first had got a place: each of the instructions that follow is one
 * behind which it may die.
 */
#define STEPS_MAX   1000000
#define STEPS_AFTER 60
#define STRIDE      6 /* more would take its time; to note a place takes some dozens */

/* Where the first writer is when the instructions begin to be counted, and in what file. */
struct hole_row {
	const char *name;
	bool is_in_flush;
};

static _Noreturn void write_traced(const struct hole_row *row, struct pcapdump *dump)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
		_exit(1);
	}
	if (row->is_in_flush) {
		write_one(dump, LINK_RAW_IP, "0/0");
		raise(SIGSTOP);
	} else {
		raise(SIGSTOP);
		write_one(dump, LINK_RAW_IP, "0/0");
	}
	pcapdump_flush(dump, 0);
	_exit(0);
}

/* False when it has come to its end before. */
static bool kill_behind(const struct hole_row *row, struct pcapdump *dump, unsigned steps)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		write_traced(row, dump);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (unsigned i = 0; i < steps && WIFSTOPPED(status); i++) {
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	if (!WIFSTOPPED(status)) {
		return false;
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return true;
}

static void write_other(struct pcapdump *dump)
{
	struct frame f = frame_of(LINK_RAW_IP, "1/0", START_NS);

	pcapdump_write(dump, 1, &f);
	pcapdump_flush(dump, 1);
}

/* How long the file becomes when the first one dies there and nothing is mended. */
static uint64_t size_behind(const struct hole_row *row, unsigned steps)
{
	struct pcapdump *dump = dump_of(row->name, MIB);
	uint64_t bytes;

	(void)kill_behind(row, dump, steps);
	write_other(dump);
	bytes = size_of(row->name);
	pcapdump_close(dump);
	remove_dump(row->name);
	return bytes;
}

/* The first step behind which the file becomes longer than that; it never becomes shorter. */
static unsigned first_step(const struct hole_row *row, uint64_t bytes)
{
	unsigned first = 0, last = 64;

	while (size_behind(row, last) <= bytes) {
		first = last;
		last *= 2;
		assert_true(last < STEPS_MAX);
	}
	while (first < last) {
		unsigned middle = first + (last - first) / 2;

		if (size_behind(row, middle) > bytes) {
			last = middle;
		} else {
			first = middle + 1;
		}
	}
	return first;
}

/* The file is whole; the frame of the one who died is in it where it had got a place for it. */
static void check_mended(const struct hole_row *row, unsigned steps)
{
	struct pcapdump *dump = dump_of(row->name, MIB);

	(void)kill_behind(row, dump, steps);
	write_other(dump);
	pcapdump_mend(dump, 0);
	pcapdump_flush(dump, 0);
	pcapdump_close(dump);
	assert_in_range(read_dump(row->name).count, row->is_in_flush ? 2 : 1, 2);
	remove_dump(row->name);
}

static void no_death_leaves_a_hole(void **state)
{
	static const struct hole_row rows[] = {
		{"a.pcap", true}, {"a.pcapng", false /* for the interface */}, {"a.pcapng", true}};

	(void)state;
#if !defined(__x86_64__)
	skip(); /* elsewhere an atomic operation may be a loop that stepping never leaves */
#endif
	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned step = first_step(&rows[i], size_behind(&rows[i], 0));

		for (unsigned k = 0; k < STEPS_AFTER; k += STRIDE) {
			check_mended(&rows[i], step + k);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_comes_back_as_it_was),
		cmocka_unit_test(a_tag_that_was_taken_out_is_put_back),
		cmocka_unit_test(every_link_type_has_an_interface),
		cmocka_unit_test(a_pcap_file_is_of_its_first_link),
		cmocka_unit_test(a_dump_without_frames_is_a_capture),
		cmocka_unit_test(a_frame_larger_than_readers_take_is_cut),
		cmocka_unit_test(a_second_run_goes_on),
		cmocka_unit_test(files_of_others_are_gone_on_with),
		cmocka_unit_test(a_torn_end_is_cut_off),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(one_file_has_one_owner),
		cmocka_unit_test(the_limit_is_that_of_the_file),
		cmocka_unit_test(a_full_disk_is_tried_again),
		cmocka_unit_test(a_disk_that_stays_full_cuts_the_file_off),
		cmocka_unit_test(processes_share_a_file),
		cmocka_unit_test(no_death_leaves_a_hole),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
