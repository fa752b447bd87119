/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The two files of hosts, JSON: trusted ones, which are only read, and suspicious ones, which a run
 * reads at its start and adds its own to at its end. Either is an object whose keys are addresses
 * or an array of addresses; in that of suspicious hosts each address has an array of warnings:
 *
 *	{"192.0.2.1": ["scan", "tunnel"], "2001:0db8:…": ["external"]}
 */
#pragma once

#include "options.h"

#include <passer/fingerprint/addr_set.h>
#include <passer/ledger/suspects.h>

#define HOST_FILE_PATH_SIZE 4096

/* Where they are, by options or in ~/.passer; an empty path: nowhere, there is no HOME. */
struct host_files {
	char trusted[HOST_FILE_PATH_SIZE];
	char suspicious[HOST_FILE_PATH_SIZE];
	bool is_trusted_named; /* by an option: then it should be there */
};

/* 0, or -ENAMETOOLONG with err set. One line when there is no HOME and it is needed. */
int host_files_init(struct host_files *files, const struct options *options, struct err *err);

/* Makes the folder of the suspicious hosts, where it is the one in HOME and absent. */
void host_files_make_folder(const struct host_files *files);

/*
 * The trusted hosts; a file that is absent, empty or useless gives those of hosts_trusted.tsv, and
 * a line says so when a user would wonder. 0 or -ENOMEM with err set.
 */
int host_files_load_trusted(const struct host_files *files, struct addr_set **out_trusted,
                            struct err *err);

/* Adds the hosts that earlier runs found and that are not trusted. Trouble is one line. */
void host_files_load_suspicious(const struct host_files *files, const struct addr_set *trusted,
                                struct suspects *suspects);

/*
 * Adds hosts of this run to the file, which may have grown meanwhile, and takes trusted ones out of
 * it. The file is replaced as a whole, under a lock of a file beside it. 0, or a negative errno
 * with err set; the old file is then as it was.
 */
int host_files_save_suspicious(const struct host_files *files, const struct addr_set *trusted,
                               const struct suspect *list, size_t count, struct err *err);
