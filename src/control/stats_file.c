/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats_file.h"

#include "counters.h"

#include <passer/base/clock.h>
#include <passer/base/log.h>
#include <passer/base/opening.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct stats_file {
	const char *path;
	int fd;
	bool is_torn;    /* the last write broke off, and could not be taken back */
	bool is_told;    /* that writes fail */
	uint64_t missed; /* times that could not be written since then */
};

/* ---- Lines ---- */

static void add_names(FILE *out, const char *const *names, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		fprintf(out, ",%s", names[i]);
	}
}

static void add_header(FILE *out)
{
	unsigned count;
	const char *const *names;

	fputs("time,uptime,scope,interface,worker", out);
	names = counters_link_names(&count);
	add_names(out, names, count);
	names = counters_ring_names(&count);
	add_names(out, names, count);
	names = counters_worker_names(&count);
	add_names(out, names, count);
	names = counters_sensor_names(&count);
	add_names(out, names, count);
	fputs(",unaccounted\n", out);
}

/* One line; what a scope does not have is NULL, and its columns are empty. */
struct line {
	const char *scope;
	const char *interface;
	int worker; /* -1: none */
	const struct counters *of_link, *of_ring, *of_worker, *of_sensor;
	const struct balance *balance;
};

static void add_part(FILE *out, const struct counters *counters, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		fputc(',', out);
		if (counters != NULL) {
			fprintf(out, "%" PRIu64, counters->values[i]);
		}
	}
}

static void add_line(FILE *out, const struct report *report, const struct line *line)
{
	char when[CLOCK_UTC_SIZE];
	unsigned links, rings, workers, sensors;

	(void)counters_link_names(&links);
	(void)counters_ring_names(&rings);
	(void)counters_worker_names(&workers);
	(void)counters_sensor_names(&sensors);
	clock_format_utc((int64_t)report->time_s, 'T', when);
	fprintf(out, "%sZ,%" PRIu64 ",%s,%s,", when, report->uptime_ns / NS_PER_S, line->scope,
	        line->interface);
	if (line->worker >= 0) {
		fprintf(out, "%d", line->worker);
	}
	add_part(out, line->of_link, links);
	add_part(out, line->of_ring, rings);
	add_part(out, line->of_worker, workers);
	add_part(out, line->of_sensor, sensors);
	fputc(',', out);
	if (line->balance != NULL) {
		fprintf(out, "%" PRIu64, balance_sum(line->balance));
	}
	fputc('\n', out);
}

static void add_interfaces(FILE *out, const struct report *report)
{
	for (unsigned k = 0; k < report->interface_count; k++) {
		struct counters counters = counters_of_link(&report->interfaces[k].stats);

		add_line(out, report,
		         &(struct line){.scope = "interface",
		                        .interface = report->interfaces[k].name,
		                        .worker = -1,
		                        .of_link = &counters});
	}
}

static void add_rings(FILE *out, const struct report *report)
{
	for (unsigned k = 0; k < report->interface_count; k++) {
		for (unsigned i = 0; i < report->worker_count; i++) {
			struct balance balance = report_balance_ring(report, k, i);
			struct counters counters = counters_of_ring(&report->rings[k][i].counts);

			add_line(out, report,
			         &(struct line){.scope = "ring",
			                        .interface = report->interfaces[k].name,
			                        .worker = (int)i,
			                        .of_ring = &counters,
			                        .balance = &balance});
		}
	}
}

static void add_workers(FILE *out, const struct report *report)
{
	for (unsigned i = 0; i < report->worker_count; i++) {
		struct balance balance = report_balance_worker(report, i);
		struct counters counters = counters_of_worker(&report->workers[i].counts);

		add_line(out, report,
		         &(struct line){.scope = "worker",
		                        .interface = "",
		                        .worker = (int)i,
		                        .of_worker = &counters,
		                        .balance = &balance});
	}
}

static void add_sum(FILE *out, const struct report *report)
{
	struct link_stats links = report_links(report);
	struct ring_counts rings = report_rings(report);
	struct worker_counts workers = report_workers(report);
	struct balance balance = report_balance(report);
	struct counters of_links = counters_of_link(&links);
	struct counters of_rings = counters_of_ring(&rings);
	struct counters of_workers = counters_of_worker(&workers);
	struct counters of_sensor = counters_of_sensor(report);

	add_line(out, report,
	         &(struct line){.scope = "sum",
	                        .interface = "",
	                        .worker = -1,
	                        .of_link = &of_links,
	                        .of_ring = &of_rings,
	                        .of_worker = &of_workers,
	                        .of_sensor = &of_sensor,
	                        .balance = &balance});
}

/* ---- The file ---- */

static void tell(struct stats_file *file, int code)
{
	file->missed++;
	if (!file->is_told) {
		file->is_told = true;
		log_warn("%s: statistics cannot be written: %s", file->path, strerror(-code));
	}
}

static void tell_it_works(struct stats_file *file)
{
	if (file->is_told) {
		log_info("%s: statistics are written again; %" PRIu64 " times are missing",
		         file->path, file->missed);
	}
	file->is_told = false;
	file->missed = 0;
}

/*
 * In one piece, so that lines stay whole; what breaks off is taken back, and where that cannot be
 * done the line is ended before the next ones.
 */
static void put(struct stats_file *file, const char *text, size_t len)
{
	struct stat st;
	bool is_file = fstat(file->fd, &st) == 0 && S_ISREG(st.st_mode);
	ssize_t n = write(file->fd, text, len);

	if (n == (ssize_t)len) {
		file->is_torn = false;
		tell_it_works(file);
		return;
	}
	tell(file, n < 0 ? -errno : -ENOSPC);
	if (n > 0) {
		file->is_torn = !is_file || ftruncate(file->fd, st.st_size) != 0;
	}
}

typedef void add_fn(FILE *out, const struct report *report);

static void write_lines(struct stats_file *file, const struct report *report, add_fn *const *parts,
                        size_t count)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL) {
		tell(file, -errno);
		return;
	}
	if (file->is_torn) {
		fputc('\n', out);
	}
	for (size_t i = 0; i < count; i++) {
		parts[i](out, report);
	}
	if (fclose(out) == 0) {
		put(file, text, len);
	} else {
		tell(file, -ENOMEM);
	}
	free(text);
}

/* With its folder, perhaps; then it is made anew as soon as that can be done. */
static bool is_removed(const struct stats_file *file)
{
	struct stat st;

	return fstat(file->fd, &st) == 0 && st.st_nlink == 0;
}

void stats_file_write(struct stats_file *file, const struct report *report)
{
	static add_fn *const parts[] = {add_interfaces, add_rings, add_workers, add_sum};
	struct err err;

	if (is_removed(file)) {
		int ret = stats_file_reopen(file, &err);

		if (ret < 0) {
			tell(file, ret);
			return;
		}
	}
	write_lines(file, report, parts, sizeof(parts) / sizeof(parts[0]));
}

static void header_part(FILE *out, const struct report *report)
{
	(void)report;
	add_header(out);
}

int stats_file_reopen(struct stats_file *file, struct err *err)
{
	static add_fn *const parts[] = {header_part};
	int fd = open_or_make(file->path, O_WRONLY | O_APPEND, 0644);
	struct stat st;

	if (fd < 0) {
		return err_set(err, -errno, "%s: cannot append to it: %s", file->path,
		               strerror(errno));
	}
	if (file->fd >= 0) {
		close(file->fd);
	}
	file->fd = fd;
	file->is_torn = false;
	if (fstat(fd, &st) == 0 && st.st_size == 0) {
		write_lines(file, NULL, parts, 1);
	}
	return 0;
}

int stats_file_open(const char *path, struct stats_file **out_file, struct err *err)
{
	struct stats_file *file = calloc(1, sizeof(*file));
	int ret;

	if (file == NULL) {
		return err_set(err, -ENOMEM, "%s: out of memory", path);
	}
	file->path = path;
	file->fd = -1;
	ret = stats_file_reopen(file, err);
	if (ret < 0) {
		stats_file_close(file);
		return ret;
	}
	*out_file = file;
	return 0;
}

void stats_file_close(struct stats_file *file)
{
	if (file == NULL) {
		return;
	}
	if (file->fd >= 0) {
		close(file->fd);
	}
	free(file);
}
