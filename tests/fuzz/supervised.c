/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervised.h"

#include <passer/base/cursor.h>
#include <passer/base/shm.h>
#include <passer/ledger/flows.h>

#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define WORKERS    2
#define ENTRIES    1024 /* of a table of the ledger */
#define SHARED_MAX 32
#define SPOTS_MAX  64
#define HEAD_BYTES                                                                    \
	256 /* of what has no more numbers than that, or whose form is its own affair \
	     */
#define LIMIT_BYTES (1u << 20) /* of a file of packets */

/* ---- The memory ---- */

struct spot {
	uint8_t *at;
	size_t len;
	uint8_t as_new[HEAD_BYTES];
};

static struct {
	void *list[SHARED_MAX]; /* the mappings that are shared */
	unsigned count;
	struct spot spots[SPOTS_MAX];
	unsigned spot_count;
} shared;

/* In place of shm_new() and shm_free() (--wrap of ld(1)): between red zones of the sanitizer. */
void *__wrap_shm_new(size_t bytes);
void __wrap_shm_free(void *memory, size_t bytes);

void *__wrap_shm_new(size_t bytes)
{
	void *memory = calloc(1, bytes);

	fuzz_require(memory != NULL && shared.count < SHARED_MAX);
	shared.list[shared.count++] = memory;
	return memory;
}

void __wrap_shm_free(void *memory, size_t bytes)
{
	(void)bytes;
	free(memory);
}

/* In pieces of which each is as it was at first when an input begins. */
static void add_spot(void *at, size_t len)
{
	for (uint8_t *p = at; len > 0; p += HEAD_BYTES) {
		struct spot *spot = &shared.spots[shared.spot_count++];

		fuzz_require(shared.spot_count <= SPOTS_MAX);
		spot->at = p;
		spot->len = len < HEAD_BYTES ? len : HEAD_BYTES;
		memcpy(spot->as_new, p, spot->len);
		len -= spot->len;
	}
}

static void add_sink(struct sink *sink)
{
	add_spot(sink, offsetof(struct sink, spill));
	add_spot(sink->spill, HEAD_BYTES);
	add_spot(sink->spill + SINK_SPILL_BYTES - HEAD_BYTES, HEAD_BYTES);
}

static void add_worker(struct worker_shared *w)
{
	add_spot(&w->buffer, offsetof(struct csv_buffer, bytes));
	add_sink(&w->buffer.log);
	add_sink(&w->buffer.standard);
	add_spot(w->buffer.bytes, HEAD_BYTES);
	add_spot(w, offsetof(struct worker_shared, health));
	add_spot(&w->health, offsetof(struct health_counters, vlans) + HEAD_BYTES);
	add_spot(&w->progress, sizeof(w->progress));
	add_spot(&w->file, sizeof(w->file));
}

/* The head of the file, and that of the records of each writer. */
static void add_dump(uint8_t *memory, unsigned writers)
{
	size_t head = pcapdump_bytes(0), buffer = pcapdump_bytes(1) - head;

	add_spot(memory, head);
	for (unsigned i = 0; i < writers; i++) {
		add_spot(memory + head + i * buffer, HEAD_BYTES);
	}
}

void supervised_write(struct span writes)
{
	struct cursor c = cur_of(writes);

	while (cur_left(&c) > 3) {
		struct spot *spot = &shared.spots[cur_u8(&c) % shared.spot_count];
		size_t from = cur_u8(&c) % spot->len, len = cur_u8(&c);
		struct span bytes = cur_take(&c, len < cur_left(&c) ? len : cur_left(&c));

		len = spot->len - from;
		memcpy(spot->at + from, bytes.data, bytes.len < len ? bytes.len : len);
	}
}

/* ---- The supervisor ---- */

static char paths[3][32]; /* of the log, the packets that no rule knows, the quarantine */

static int open_memory(char path[static 32])
{
	int fd = memfd_create("supervised", MFD_CLOEXEC);

	fuzz_require(fd >= 0);
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static struct pcapdump *open_dump(char path[static 32], unsigned writers)
{
	struct pcapdump_config config = {
		.path = path, .limit_bytes = LIMIT_BYTES, .writers = writers};
	struct pcapdump *dump;
	struct err err;

	open_memory(path);
	fuzz_require(pcapdump_open(&config, &dump, &err) == 0);
	add_dump(shared.list[shared.count - 1], writers);
	return dump;
}

static void open_ledger(struct supervisor *s)
{
	struct ledger_sizes sizes;

	for (int i = 0; i < LEDGER_TABLE_COUNT; i++) {
		sizes.capacities[i] = ENTRIES;
	}
	fuzz_require(ledger_init_sized(&s->ledger, &sizes) == 0);
	s->dispatch = dispatch_new();
	s->selection = shm_new(sizeof(*s->selection));
}

static void open_outputs(struct supervisor *s)
{
	int ends[2];

	open_memory(paths[0]);
	s->log_fd = open(paths[0], O_RDWR | O_APPEND | O_CLOEXEC);
	fuzz_require(s->log_fd >= 0 && pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
	s->stdout_fd = ends[1];
	s->common.unhandled = open_dump(paths[1], WORKERS);
	s->quarantine = open_dump(paths[2], 1);
}

static void open_supervisor(struct supervisor *s)
{
	static struct options options = {.name = "fuzz"};

	s->options = &options;
	s->worker_count = WORKERS;
	open_ledger(s);
	for (unsigned i = 0; i < WORKERS; i++) {
		s->slots[i].control_fd = -1;
		s->slots[i].shared = shm_new(sizeof(*s->slots[i].shared));
		s->slots[i].flows = flows_new(ENTRIES, &s->ledger.key);
	}
	add_worker(s->slots[0].shared);
	open_outputs(s);
}

static void forget(struct supervisor *s)
{
	static const struct supervisor none;

	for (unsigned i = 0; i < shared.spot_count; i++) {
		memcpy(shared.spots[i].at, shared.spots[i].as_new, shared.spots[i].len);
	}
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		fuzz_require(truncate(paths[i], 0) == 0);
	}
	memcpy(s->deaths, none.deaths, sizeof(s->deaths));
	*s->selection = profile_selection(profile_find("unlimited"));
}

struct supervisor *supervised_begin(void)
{
	static struct supervisor supervisor;

	if (supervisor.options == NULL) {
		open_supervisor(&supervisor);
	}
	forget(&supervisor);
	return &supervisor;
}
