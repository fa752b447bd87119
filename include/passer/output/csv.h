/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records as CSV lines on standard output and in a log file. Whole lines only: a line is formatted
 * in a buffer and leaves it in one write with its neighbours. The buffer lies in shared memory, so
 * that the supervisor can write out what a dead worker left; so does what an output that fails has
 * not taken (output/sink.h).
 */
#pragma once

#include <passer/base/err.h>
#include <passer/output/record.h>
#include <passer/output/sink.h>

/* The longest line with its LF: what a pipe takes in one piece (PIPE_BUF). */
#define CSV_LINE_SIZE   4096
#define CSV_BUFFER_SIZE (64u << 10)

/* Lines that wait to be written; one per worker, zero at first. */
struct csv_buffer {
	uint32_t used;
	char bytes[CSV_BUFFER_SIZE];
	struct sink log, standard; /* the outputs, each with what it has not taken */
};

/* Of the files that lines go to; one for all workers, zero at first. */
struct csv_files {
	struct sink_file log, standard;
};

struct csv_counters {
	uint64_t lines;       /* handed to csv_write() */
	uint64_t lost_writes; /* writes that failed: disk full, closed pipe */
	uint64_t lost_lines;  /* that an output had no room for, by output */
};

struct csv {
	struct csv_buffer *buffer;     /* borrowed, shared */
	struct csv_counters *counters; /* borrowed, shared */
	struct csv_files *files;       /* borrowed, shared; NULL: nobody else writes there */
	int stdout_fd;                 /* -1: none, or closed by its reader; borrowed */
	int stdout_back_fd;            /* to read what is in that file; -1: cannot be; borrowed */
	int log_fd;                    /* -1: none; borrowed */
	bool has_timestamp;
	bool is_patient;    /* waits for a slow reader: of capture files nothing shall be lost */
	bool has_no_reader; /* standard output was closed by its reader; set here */
};

/*
 * Standard output as a descriptor on which a slow reader stops nobody: pipes and terminals are
 * opened a second time, since others who have them may not expect that they do not block. Else
 * standard output itself: a file, or a socket, to which each write says that it does not wait.
 */
int csv_open_stdout(void);

/*
 * The file that standard output is, to be read, as "passer >FILE" lets nobody read it: what a
 * process that died had written is seen in it. -1: it is no file, or may not be read.
 */
int csv_open_stdout_back(void);

/* Opens a log file to append to. The descriptor, or a negative errno with err naming the file. */
int csv_open_log(const char *path, struct err *err);

/* Writes to another log file from now on; both descriptors are the caller's. */
void csv_set_log(struct csv *csv, int log_fd);

/* One line at most CSV_LINE_SIZE long, with its LF; returns the length. Longer ones are cut. */
size_t csv_format(const struct record *rec, bool has_timestamp,
                  char out_line[static CSV_LINE_SIZE]);

/* Puts the line of a record into the buffer, flushing first when there is no room. */
void csv_write(struct csv *csv, const struct record *rec);

/*
 * Writes out the buffer, and what was kept before; what an output does not take now is kept. 0, or
 * the negative errno of the output that failed; -EPIPE, now and from then on, says that nobody
 * reads standard output any more, which is not used again.
 */
int csv_flush(struct csv *csv);

/* Behind the death of the process that wrote, before anything else: see sink_mend(). */
void csv_mend(struct csv *csv);

/* Is anything kept that csv_flush() is to try again? */
bool csv_is_waiting(const struct csv *csv);

/* How many bytes that are, over both outputs. */
size_t csv_waiting_bytes(const struct csv *csv);

/* Do all outputs lose lines? A fact that nobody can write is better stated again later. */
bool csv_is_full(const struct csv *csv);

/* Throws away what waits, and counts it as lost. Returns how many lines that were. */
uint64_t csv_drop(struct csv *csv);
