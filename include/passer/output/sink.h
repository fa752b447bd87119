/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An output of lines that may fail: a full disk, a folder that was removed, a reader that takes
 * nothing. What it does not take is kept in a spill of fixed size and tried again on the clock,
 * less and less often; when the spill is full, the lines that come then are lost, counted, and told
 * with their number and time once the output works again.
 *
 * A regular file is written under a lock (fcntl(2), which ends with its process), so the place of
 * each write is known: a torn line is cut off again, and after the death of a process mid-write the
 * file itself says what arrived. For the kernel looks for a SIGKILL at each page of a write, and
 * ends it there (generic_perform_write() of its mm/filemap.c). Another process may write to the
 * file before the supervisor looks at it: it takes such a half line back. To pipes, terminals and
 * sockets, whole lines go in pieces that a pipe takes at once (PIPE_BUF), and a line may come twice
 * when the process dies right behind a write. So does a stream socket of the local host (it sends
 * so little as one buffer); one of another kind that is nearly full may take a part of a line,
 * whose rest follows when there is room.
 *
 * All of struct sink lies in shared memory, so that a successor goes on with what was kept. It has
 * one writer at a time; that of a worker which was taken over may hold anything, and still nothing
 * but these bytes is read or written. Questions in it are numbers, since any number may be there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SINK_SPILL_BYTES (1u << 20)

/* Lines lost in a row. */
struct sink_gap {
	uint64_t lines;          /* 0: none */
	int64_t from_s, until_s; /* seconds since 1970 */
};

/* Zero at first. */
struct sink {
	uint32_t done;        /* bytes of the lines at hand that were written or kept */
	uint32_t used, taken; /* bytes kept in the spill, and of these written */
	uint64_t place;       /* where in the file the bytes of is_writing go */
	uint8_t is_writing;   /* to a file, and not counted in yet */
	uint8_t is_named;     /* the file had a name when it was written last */
	uint8_t is_torn;      /* a stream broke off within a line that was lost */
	uint8_t is_told;      /* that it fails */
	int code;             /* negative errno of the last try */
	uint64_t retry_ns;    /* monotonic time before which it is not tried again; 0: works */
	uint64_t wait_ns;     /* the last delay */
	struct sink_gap gap;
	char spill[SINK_SPILL_BYTES];
};

/* In memory that all share who write to a file, zero at first. */
struct sink_file {
	uint64_t inode; /* of the file that begun is about */
	uint64_t begun; /* where the write under way began, and 1; else 0. Changed under the lock */
};

/* Where a sink writes to. */
struct sink_target {
	int fd;
	int back_fd;            /* the same file, to read what was written; -1: cannot be read */
	struct sink_file *file; /* NULL: nobody else writes there */
	const char *name;       /* for messages */
	bool is_patient; /* waits for a slow reader rather than keep anything: capture files */
	bool is_socket;  /* found out by the sink */
};

/* What happened, to be added to counters. */
struct sink_losses {
	uint64_t writes; /* that failed */
	uint64_t lines;  /* that were lost */
};

/*
 * Writes what was kept, then lines[done … len), which end with a line end; keeps or loses what
 * cannot be written. 0, or the negative errno of the output: -EAGAIN when its reader is slow,
 * -EPIPE when there is none, and then nothing is kept. sink->done is len afterwards.
 */
int sink_push(struct sink *sink, struct sink_target target, const char *lines, uint32_t len,
              struct sink_losses *losses);

/*
 * Behind the death of the process that wrote: finds out what of its last write is in the file. To
 * be called with the lines that it had at hand, before the next sink_push().
 */
void sink_mend(struct sink *sink, struct sink_target target, const char *lines, uint32_t len);

/* Another file from now on: it is tried at once. */
void sink_renew(struct sink *sink);

/* Throws away what was kept; returns how many lines that were. */
uint64_t sink_drop(struct sink *sink);

/* Bytes that it keeps. */
size_t sink_waiting_bytes(const struct sink *sink);

/* Is it losing lines? */
bool sink_is_full(const struct sink *sink);

/* Line ends in some bytes. */
uint64_t sink_count_lines(const char *bytes, size_t len);
