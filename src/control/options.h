/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line, understood and checked. The rows are in options.def. */
#pragma once

#include <passer/analyzers/selection.h>
#include <passer/base/err.h>
#include <passer/capture/ring.h>

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define INTERFACES_MAX 16
#define WORKERS_MAX    64

enum action {
	ACTION_RUN,
	ACTION_HELP,
	ACTION_VERSION,
	ACTION_LIST_ANALYZERS,
	ACTION_CHECK_SIGNATURES,
	ACTION_IDENTIFY,
	ACTION_EXPLAIN_FILTER,
	ACTION_CHECK,
};

/* As the user said them, NULL where he did not. */
struct selection_words {
	const char *profile, *records, *acks, *udp;
};

struct options {
	enum action action;
	const char *interfaces[INTERFACES_MAX];
	unsigned interface_count;
	const char **files; /* owned array of borrowed words */
	unsigned file_count;
	const char **signatures;    /* as files */
	const char *service_probes; /* NULL: nmap's own file */
	const char *identify;       /* text in hex, or "-" */
	unsigned signature_count;
	const char **geoip; /* as files */
	unsigned geoip_count;
	const char **p0f; /* as files */
	unsigned p0f_count;
	const char *log_path;       /* NULL: none */
	const char *expression;     /* NULL: none */
	const char *unhandled_path; /* NULL: none; as the next ones */
	const char *dump_path;      /* of packets of suspicious hosts */
	const char *trusted_path;   /* NULL: in ~/.passer; as the next one */
	const char *suspicious_path;
	const char *quarantine_path; /* NULL: QUARANTINE_DEFAULT_PATH, if it can be written */
	uint64_t dump_limit_bytes;
	uint32_t max_rate;      /* records of a type in a second; 0: any number */
	const char *stats_path; /* NULL: none */
	unsigned stats_interval_s;
	const char *name; /* of the sensor, for its control socket */
	const char *user; /* NULL: see privileges.h */
	struct selection_words selection_words;
	struct selection selection; /* what they come to */
	enum fanout_mode fanout;
	bool has_timestamp;
	bool wants_nxdomain;
	bool wants_creds;
	bool wants_mac_notes;
	bool stops_at_unhandled;
	bool is_verbose;
	bool has_core_dumps;
	bool is_unconfined;
	unsigned workers; /* 0: auto */
	cpu_set_t cpus;   /* those that workers are pinned to */

	uint64_t memory_bytes; /* of all tables and buffers, see memory.h; 0: the default */
	size_t ring_bytes;
	size_t block_bytes;
	unsigned retire_ms;
};

/*
 * Parses argv. 0, or -EINVAL with one line in err that names the argument. Words of argv are
 * borrowed (a list of interfaces is cut up in place).
 */
int options_parse(struct options *options, int argc, char **argv, struct err *err);
void options_fini(struct options *options);

void options_help(FILE *out);
