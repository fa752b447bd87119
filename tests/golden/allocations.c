/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The whole way of a packet, from worker_frame() to the files that are written, over all frames of
 * capture files and over damaged copies of them, twice. A worker that has started allocates
 * nothing:
 *
 *   allocations PROBES P0F GEOIP FOLDER CAPTURE…    exit status 1 and who did, on standard error
 *
 * It writes into FOLDER. All patterns of products are compiled before, as for interfaces; a run
 * over files compiles each when it is first asked.
 */
#include "control/worker.h"
#include "support/allocations.h"
#include "support/payloads.h"

#include <passer/base/clock.h>
#include <passer/capture/pcapfile.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CUTS         8
#define DAMAGES      8
#define FRAME_MAX    65536
#define FLUSH_FRAMES 64 /* as often as a block ends, say */

struct stored {
	struct frame *frames;
	size_t count, cap;
};

static struct {
	struct databases db;
	struct ledger ledger;
	struct health_recent recent;
	struct selection selection;
	struct worker_common common;
	struct worker_shared shared;
	struct worker worker;
	size_t frames; /* walked in this round */
} sensor;

static void require(bool is_so, const char *what, const struct err *err)
{
	if (!is_so) {
		fprintf(stderr, "%s: %s\n", what, err != NULL ? err->text : "failed");
		exit(EXIT_FAILURE);
	}
}

static void store(void *user, const struct frame *frame)
{
	struct stored *s = user;
	uint8_t *copy = malloc(frame->bytes.len + 1);

	if (s->count == s->cap) {
		s->cap = s->cap == 0 ? 1024 : 2 * s->cap;
		s->frames = realloc(s->frames, s->cap * sizeof(s->frames[0]));
	}
	require(copy != NULL && s->frames != NULL, "memory", NULL);
	memcpy(copy, frame->bytes.data, frame->bytes.len);
	s->frames[s->count] = *frame;
	s->frames[s->count++].bytes = span_of(copy, frame->bytes.len);
}

/* What is no capture file, or is torn, is another test's. */
static void store_file(struct stored *s, const char *path)
{
	struct source *source;
	struct err err;
	int state = pcapfile_open(path, &source, &err);

	if (state < 0) {
		return;
	}
	do {
		state = source_read(source, store, s, &err);
	} while (state == SOURCE_MORE);
	source_close(source);
}

static struct pcapdump *open_dump(const char *folder, const char *name)
{
	static char paths[2][4096];
	static unsigned next;
	char *path = paths[next++];
	struct pcapdump_config config = {.path = path, .limit_bytes = UINT64_C(1) << 30};
	struct pcapdump *dump = NULL;
	struct err err;

	config.writers = 1;
	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	require(pcapdump_open(&config, &dump, &err) == 0, path, &err);
	return dump;
}

static void open_sensor(char **words)
{
	static const struct analyzer_options options = {true, true, true};
	const char *folder = words[3];
	const struct signature_files files = {
		.service_probes = words[0],
		.p0f = (const char *const *)&words[1],
		.p0f_count = 1,
		.geoip = (const char *const *)&words[2],
		.geoip_count = 1,
	};
	struct expression *expression;
	char log[4096];
	struct err err;

	tzset();
	require(databases_init(&sensor.db, files, &err) == 0, "databases", &err);
	databases_prepare(&sensor.db);
	require(ledger_init(&sensor.ledger) == 0, "ledger", NULL);
	require(expression_new("not host 192.0.2.250", &expression, &err) == 0, "-b", &err);
	sensor.selection = profile_selection(profile_find("unlimited"));
	sensor.common = (struct worker_common){
		.db = &sensor.db,
		.dispatch = dispatch_new(),
		.expression = expression,
		.analyzer_options = &options,
		.ledger = &sensor.ledger,
		.unhandled = open_dump(folder, "unhandled.pcapng"),
		.suspicious = open_dump(folder, "suspicious.pcapng"),
		.selection = &sensor.selection,
		.recent = &sensor.recent,
		.has_timestamp = true,
	};
	require(sensor.common.dispatch != NULL, "dispatch", NULL);
	snprintf(log, sizeof(log), "%s/lines.csv", folder);
	int fd = csv_open_log(log, &err);

	require(fd >= 0, log, &err);
	worker_init(&sensor.worker, 0, &sensor.common, &sensor.shared,
	            flows_new(1024, &sensor.ledger.key), -1, fd);
	require(sensor.worker.flows != NULL, "flows", NULL);
}

static void walk(const struct frame *frame)
{
	worker_frame(&sensor.worker, frame);
	if (++sensor.frames % FLUSH_FRAMES == 0) {
		(void)worker_flush(&sensor.worker);
	}
}

static void walk_damaged(const struct frame *frame, uint64_t *random)
{
	static uint8_t bytes[FRAME_MAX];
	struct frame damaged = *frame;
	size_t len = frame->bytes.len;

	for (size_t i = 1; i < CUTS; i++) {
		damaged.bytes = span_of(frame->bytes.data, len * i / CUTS);
		walk(&damaged);
	}
	for (int i = 0; i < DAMAGES && len > 0 && len <= sizeof(bytes); i++) {
		memcpy(bytes, frame->bytes.data, len);
		bytes[payloads_random(random) % len] = (uint8_t)payloads_random(random);
		damaged.bytes = span_of(bytes, len);
		walk(&damaged);
	}
}

static void walk_all(const struct stored *s)
{
	uint64_t random = 0x9e3779b97f4a7c15;

	sensor.frames = 0;
	for (size_t i = 0; i < s->count; i++) {
		walk(&s->frames[i]);
		walk_damaged(&s->frames[i], &random);
	}
	(void)worker_flush(&sensor.worker);
}

/* Of no use when it does not count. */
static void check_count(void)
{
	allocations_begin();
	void *volatile memory = malloc(1);
	bool is_counted = allocations_end() == 1;

	free(memory);
	require(is_counted, "allocations are not counted", NULL);
}

int main(int argc, char **argv)
{
	static struct stored stored;
	uint64_t found = 0;

	check_count();
	require(argc > 5, "allocations PROBES P0F GEOIP FOLDER CAPTURE…", NULL);
	open_sensor(argv + 1);
	for (int i = 5; i < argc; i++) {
		store_file(&stored, argv[i]);
	}
	for (int round = 0; round < 2; round++) {
		allocations_begin();
		walk_all(&stored);
		uint64_t count = allocations_end();

		printf("# round %d: %zu frames, %llu lines, %llu allocations\n", round + 1,
		       sensor.frames, (unsigned long long)sensor.shared.csv.lines,
		       (unsigned long long)count);
		found += count;
	}
	require(sensor.shared.csv.lines > 0, "no line was written", NULL);
	return found == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
