/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What analyzers work with: a ledger, databases, and lines that stay in their buffer. */
#pragma once

#include <passer/analyzers/registry.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct {
	struct ledger ledger;
	struct databases databases;
	struct analyzer_options options;
	struct selection selection;
	struct csv_buffer buffer;
	struct csv_counters csv_counters;
	struct csv csv;
	struct emit_counters counters;
	struct analyzer_ctx ctx;
} sensor;

/* All of it but the databases, which are empty. close_ledger() frees what it took. */
static inline void open_ledger(void)
{
	memset(&sensor, 0, sizeof(sensor));
	assert_int_equal(ledger_init(&sensor.ledger), 0);
	sensor.selection.records = RECORDS_ALL;
	sensor.csv = (struct csv){
		.buffer = &sensor.buffer,
		.counters = &sensor.csv_counters,
		.stdout_fd = -1,
		.log_fd = -1,
	};
	sensor.ctx = (struct analyzer_ctx){
		.ledger = &sensor.ledger,
		.db = &sensor.databases,
		.options = &sensor.options,
		.selection = &sensor.selection,
		.csv = &sensor.csv,
		.counters = &sensor.counters,
	};
}

static inline void close_ledger(void)
{
	ledger_fini(&sensor.ledger);
}

/* What was printed so far; the buffer is not written out, as it is never full here. */
static inline const char *printed(void)
{
	assert_true(sensor.buffer.used < sizeof(sensor.buffer.bytes));
	sensor.buffer.bytes[sensor.buffer.used] = '\0';
	return sensor.buffer.bytes;
}
