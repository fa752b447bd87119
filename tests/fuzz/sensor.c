/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sensor.h"

#include "control/worker.h"

#include <ctype.h>

#define START_NS UINT64_C(1500000000000000000)
#define MS_NS    UINT64_C(1000000)
#define FLOWS    1024

static struct {
	struct databases databases;
	struct ledger ledger;
	struct health_recent recent;
	struct worker_common common;
	struct worker_shared shared;
	struct flows *flows;
	struct worker worker;
	uint64_t time_ns;
} sensor;

/* Databases of our own where those of the system change. */
static void open_sensor(void)
{
	static const struct analyzer_options options = {.wants_nxdomain = true,
	                                                .wants_creds = true};
	static const char *const systems[] = {GOLDEN "/p0f.fp"};
	static struct selection selection;
	const struct signature_files files = {
		.service_probes = GOLDEN "/service-probes",
		.p0f = systems,
		.p0f_count = 1,
	};
	struct err err;

	fuzz_require(databases_init(&sensor.databases, files, &err) == 0);
	selection = profile_selection(profile_find("unlimited"));
	sensor.common = (struct worker_common){
		.db = &sensor.databases,
		.dispatch = dispatch_new(),
		.analyzer_options = &options,
		.ledger = &sensor.ledger,
		.selection = &selection,
		.recent = &sensor.recent,
	};
	fuzz_require(sensor.common.dispatch != NULL);
}

void sensor_begin(void)
{
	if (sensor.common.dispatch == NULL) {
		open_sensor();
	}
	memset(&sensor.shared, 0, sizeof(sensor.shared));
	memset(&sensor.recent, 0, sizeof(sensor.recent));
	fuzz_require(ledger_init(&sensor.ledger) == 0);
	sensor.flows = flows_new(FLOWS, &sensor.ledger.key);
	fuzz_require(sensor.flows != NULL);
	worker_init(&sensor.worker, 0, &sensor.common, &sensor.shared, sensor.flows, -1, -1);
	sensor.time_ns = START_NS;
}

/* "TS,192.0.2.1,TCP_80,listening,http": five columns, a valid address, no control characters. */
static void check_line(const char *line, const char *end)
{
	char text[ADDR_TEXT_SIZE];
	struct addr addr;
	unsigned commas = 0;

	for (const char *p = line; p < end; p++) {
		fuzz_require(!iscntrl((unsigned char)*p));
		commas += *p == ',';
	}
	fuzz_require(commas == 4 && line[2] == ',');
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(line + 3, ","), line + 3);
	fuzz_require(addr_parse(text, &addr));
}

static void check_lines(void)
{
	const char *line = sensor.shared.buffer.bytes, *end = line + sensor.shared.buffer.used;

	while (line < end) {
		const char *lf = memchr(line, '\n', (size_t)(end - line));

		fuzz_require(lf != NULL && lf < line + CSV_LINE_SIZE);
		check_line(line, lf);
		line = lf + 1;
	}
	sensor.shared.buffer.used = 0;
}

void sensor_frame(struct frame *frame, uint64_t step_ms)
{
	sensor.time_ns += step_ms * MS_NS;
	frame->time_ns = sensor.time_ns;
	worker_frame(&sensor.worker, frame);
	check_lines();
}

/* What was counted balances. */
void sensor_end(void)
{
	const struct worker_shared *s = &sensor.shared;
	const struct emit_counters *c = &s->emit;

	fuzz_require(s->frames == s->analysed + s->unselected);
	fuzz_require(c->offered ==
	             c->suppressed + c->known + c->invalid + c->unwritten + c->printed);
	fuzz_require(c->printed == s->csv.lines);
	worker_fini(&sensor.worker);
	flows_free(sensor.flows);
	ledger_fini(&sensor.ledger);
}

/* ---- envelopes ---- */

#define PROTO_UDP 17

static const uint8_t ethernet[][14] = {
	{0, 10, 39, 0, 0, 2, 0, 10, 39, 0, 0, 1, 0x08, 0x00},
	{0, 10, 39, 0, 0, 1, 0, 10, 39, 0, 0, 2, 0x08, 0x00},
};

static uint8_t *put(uint8_t *p, const void *bytes, size_t len)
{
	if (len > 0) {
		memcpy(p, bytes, len);
	}
	return p + len;
}

static uint8_t *put16(uint8_t *p, size_t value)
{
	*p++ = (uint8_t)(value >> 8);
	*p++ = (uint8_t)value;
	return p;
}

/* 10.0.0.1 and 10.0.0.2, fe80::1 and fe80::2. */
static uint8_t *put_host(uint8_t *p, bool is_v6, uint8_t number)
{
	static const uint8_t v4[] = {10, 0, 0}, v6[15] = {0xfe, 0x80};

	p = is_v6 ? put(p, v6, sizeof(v6)) : put(p, v4, sizeof(v4));
	*p++ = number;
	return p;
}

static uint8_t *put_ip(uint8_t *p, const struct envelope *e, size_t len)
{
	const uint8_t v6[] = {0x60, 0, 0, 0, (uint8_t)(len >> 8), (uint8_t)len, e->ip_proto, 255};
	const uint8_t v4[] = {0x45,
	                      0,
	                      (uint8_t)((len + 20) >> 8),
	                      (uint8_t)(len + 20),
	                      0,
	                      0,
	                      0,
	                      0,
	                      64,
	                      e->ip_proto,
	                      0,
	                      0};

	p = e->is_v6 ? put(p, v6, sizeof(v6)) : put(p, v4, sizeof(v4));
	p = put_host(p, e->is_v6, e->is_back ? 2 : 1);
	return put_host(p, e->is_v6, e->is_back ? 1 : 2);
}

size_t envelope_put(const struct envelope *envelope, struct span message, uint8_t *out_frame)
{
	bool has_ports = envelope->ip_proto == PROTO_UDP && message.len >= 4;
	uint8_t *p = put(out_frame, ethernet[envelope->is_back], sizeof(ethernet[0]));

	if (envelope->is_v6) {
		put16(p - 2, 0x86dd);
	}
	p = put_ip(p, envelope, message.len + (has_ports ? 4 : 0));
	if (has_ports) {
		p = put(p, message.data, 4);
		p = put16(p, message.len + 4);
		p = put16(p, 0); /* no checksum */
		message = span_of(message.data + 4, message.len - 4);
	}
	return (size_t)(put(p, message.data, message.len) - out_frame);
}
