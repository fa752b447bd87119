/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a worker that was taken over leaves in the memory that it shares with the supervisor, who
 * reads it each second, and when the worker has died; see supervised.h for the form.
 */
#include "supervised.h"

#include "control/report_json.h"

#include <signal.h>

static const uint8_t bytes[60] = {0x33, 0x33, 0, 0, 0, 1};
static const struct frame frame = {
	.bytes = {bytes, sizeof(bytes)}, .wire_bytes = sizeof(bytes), .link = LINK_ETHERNET};

/* As live.c does it each second. */
static void tick(struct supervisor *s)
{
	gather_tick(s);
	outputs_on_clock(s);
	poison_watch(s);
	json_decref(report_json(gather_report(s)));
	supervisor_print(s);
}

/* As crew.c does it behind a death. */
static void bury(struct supervisor *s)
{
	char buf[256];
	struct text how;

	text_init(&how, buf, sizeof(buf));
	gather_death(s, 0);
	crew_flush_left(s, 0);
	poison_on_death(s, 0, SIGSEGV, &how);
	(void)poison_keep(s, &frame);
	poison_forget(s, 0);
}

/* As supervisor.c does it at the end: lines of its own, behind those of the first worker. */
static void close_down(struct supervisor *s)
{
	struct csv csv = worker_csv(&s->common, s->slots[0].shared, s->stdout_fd, s->log_fd);
	static struct record rec;

	record_begin(&rec, REC_IP, &(struct addr){.family = ADDR_V4}, "IP", PROTO_PLAIN,
	             s->slots[0].shared->last_time_ns);
	csv_write(&csv, &rec);
	(void)csv_flush(&csv);
	(void)csv_drop(&csv);
	pcapdump_finish(s->common.unhandled);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct supervisor *s = supervised_begin();

	supervised_write(span_of(data, size));
	tick(s);
	bury(s);
	supervised_write(span_of(data, size));
	close_down(s);
	return 0;
}
