/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of lines and of their outputs share: rows of records and lines, a writer of
 * numbered lines, and files in memory.
 */
#pragma once

#include <passer/output/csv.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "processes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A literal with its length, NUL bytes inside included. */
#define BYTES(literal)                                          \
	{                                                       \
		(const uint8_t *)(literal), sizeof(literal) - 1 \
	}

#define NS_PER_S UINT64_C(1000000000)

#define MANY_LINES 500 /* many times the buffer */

static inline struct addr addr(const char *text)
{
	struct addr a = {.family = ADDR_NONE};

	assert_true(text[0] == '\0' || addr_parse(text, &a));
	return a;
}

/* ---- lines ---- */

static const struct line_row {
	enum record_type type;
	const char *addr;
	const char *proto;
	int32_t number;
	struct span state, desc; /* as from the network */
	const char *warnings;
	const char *line;
} lines[] = {
	{REC_TS, "10.0.0.1", "TCP_", 80, BYTES("listening"), BYTES(""), "",
         "TS,10.0.0.1,TCP_80,listening,\n"},
	{REC_TC, "10.0.0.1", "TCP_", 65535, BYTES("open"), BYTES("ssh/openssh"), "",
         "TC,10.0.0.1,TCP_65535,open,ssh/openssh\n"},
	{REC_US, "2001:db8::1", "UDP_", 0, BYTES("open"), BYTES("x"), "",
         "US,2001:0db8:0000:0000:0000:0000:0000:0001,UDP_0,open,x\n"},
	{REC_MA, "0.0.0.0", "Ethernet", PROTO_PLAIN, BYTES("00:0A:27:01:02:03"), BYTES("Apple"), "",
         "MA,0.0.0.0,Ethernet,00:0A:27:01:02:03,Apple\n"},
	{REC_DN, "", "PTR", PROTO_PLAIN, BYTES("host.example.com."), BYTES(""), "",
         "DN,,PTR,host.example.com.,\n"},
	{REC_WI, "0.0.0.0", "802.11 WEP", PROTO_PLAIN, BYTES(""), BYTES(""), "",
         "WI,0.0.0.0,802.11 WEP,,\n"},
	/* warnings, behind a description and without one */
	{REC_TC, "1.2.3.4", "TCP_", 23, BYTES("open"), BYTES(""), "portpolicyviolation",
         "TC,1.2.3.4,TCP_23,open,Warnings:portpolicyviolation\n"},
	{REC_TC, "1.2.3.4", "TCP_", 80, BYTES("open"), BYTES("TCP Null flag scanner"),
         "noncompliant:scan",
         "TC,1.2.3.4,TCP_80,open,TCP Null flag scanner Warnings:noncompliant:scan\n"},
	{REC_TC, "1.2.3.4", "TCP_", 80, BYTES("open"), BYTES("x"), "tunnel:scan:ddos:external",
         "TC,1.2.3.4,TCP_80,open,x Warnings:tunnel:scan:ddos:external\n"},
	/* cleaning, in both columns */
	{REC_DN, "1.2.3.4", "A", PROTO_PLAIN, BYTES("a,b\r\nTS,1.2.3.4\x1b[m\0\x7f\t"),
         BYTES("c,,d\n\r\x01"), "", "DN,1.2.3.4,A,a bTS 1.2.3.4\\x1b[m\\x00\\x7f\\x09,c  d\\x01\n"},
	{REC_DN, "1.2.3.4", "A", PROTO_PLAIN, BYTES("K\xc3\xbc\xff"), BYTES("\xc3(\xed\xa0\x80"),
         "",
         "DN,1.2.3.4,A,K\xc3\xbc\xef\xbf\xbd,"
         "\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n"},
	{REC_DN, "1.2.3.4", "A", PROTO_PLAIN, BYTES("\n"), BYTES("\r\n"), "scan",
         "DN,1.2.3.4,A,,Warnings:scan\n"},
};

static inline void fill(struct record *rec, const struct line_row *row, uint64_t time_ns)
{
	const struct addr a = addr(row->addr);

	record_begin(rec, row->type, &a, row->proto, row->number, time_ns);
	text_add_clean(&rec->state, row->state);
	text_add_clean(&rec->desc, row->desc);
	assert_true(warnings_parse(span_str(row->warnings), &rec->warnings));
}

/* ---- numbered lines ---- */

struct fixture {
	struct csv_buffer buffer;
	struct csv_counters counters;
	struct csv csv;
	struct record rec;
};

static inline struct fixture *fixture_new(int stdout_fd, int log_fd)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->csv = (struct csv){
		.buffer = &f->buffer,
		.counters = &f->counters,
		.stdout_fd = stdout_fd,
		.log_fd = log_fd,
	};
	return f;
}

/* Line n of a writer: its length, up to the longest, depends on n, and its text tells both. */
static inline size_t write_numbered(struct fixture *f, unsigned writer, unsigned n)
{
	const struct addr a = addr("10.0.0.1");
	size_t filling = (size_t)n * 811 % (RECORD_DESC_SIZE - 1);

	record_begin(&f->rec, REC_TC, &a, "TCP_", (int32_t)n, 0);
	text_add_uint(&f->rec.state, writer);
	for (size_t i = 0; i < filling; i++) {
		text_add(&f->rec.desc, "x");
	}
	csv_write(&f->csv, &f->rec);
	return filling;
}

/* The line that write_numbered() wrote, LF included, in wanted. Returns its length. */
static inline size_t numbered_line(unsigned writer, unsigned n, char wanted[static CSV_LINE_SIZE])
{
	int filling = (int)(n * 811 % (RECORD_DESC_SIZE - 1));
	int head = snprintf(wanted, CSV_LINE_SIZE, "TC,10.0.0.1,TCP_%u,%u,", n, writer);

	memset(wanted + head, 'x', (size_t)filling);
	wanted[head + filling] = '\n';
	return (size_t)(head + filling + 1);
}

/* Each line must be the next one of its writer. */
static inline void check_next_line(const char *line, unsigned next[PROCESSES])
{
	char wanted[CSV_LINE_SIZE];
	unsigned writer, n;

	assert_int_equal(sscanf(line, "TC,10.0.0.1,TCP_%u,%u,", &n, &writer), 2);
	assert_true(writer < PROCESSES);
	assert_int_equal(n, next[writer]);
	size_t len = numbered_line(writer, n, wanted);

	wanted[len - 1] = '\0';
	assert_string_equal(line, wanted);
	next[writer]++;
}

/* ---- files ---- */

/* All that is in a file, NUL-terminated; to be freed. */
static inline char *content_of(int fd, size_t *out_len)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *content = calloc(1, (size_t)len + 1);

	assert_non_null(content);
	assert_int_equal(pread(fd, content, (size_t)len, 0), len);
	*out_len = (size_t)len;
	return content;
}

static inline int memory_file(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}
