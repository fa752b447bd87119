/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames as they were captured, appended to a file that all workers share: pcapng when its name
 * ends in .pcapng, else pcap (draft-ietf-opsawg-pcapng, draft-ietf-opsawg-pcap), both in
 * nanoseconds and little-endian. A pcap file has one link type, that of its first frame.
 *
 * A worker collects whole records in a buffer of its own in shared memory and writes them to a
 * place in the file that it has reserved for them. So records of two workers never mix, and the
 * supervisor can write what a dead worker left, again if need be.
 */
#pragma once

#include <passer/base/err.h>
#include <passer/base/frame.h>

#define PCAPDUMP_WRITERS_MAX 64 /* of one file */

struct pcapdump;

struct pcapdump_config {
	const char *path;     /* borrowed for as long as the dump */
	uint64_t limit_bytes; /* of the whole file; behind it no frame is taken any more */
	unsigned writers; /* who may write: 0 … writers - 1, each from one process at a time */
};

struct pcapdump_counters {
	uint64_t frames;      /* taken */
	uint64_t waiting;     /* of these, not in the file yet, nor given up */
	uint64_t other_links; /* left out: not of the one link type, or of one without a number */
	uint64_t over_limit;  /* left out */
	uint64_t lost; /* left out since writes failed for too long, or given up at the end */
};

/* The memory that a dump takes at most. */
size_t pcapdump_bytes(unsigned writers);

/*
 * Makes the file, or goes on behind what it holds; a record that is torn at its end is cut off, and
 * a line says so. It is locked against other writers. To be called before the fork. 0, or a
 * negative errno with err set: it cannot be written, or is no capture file of this format.
 */
int pcapdump_open(const struct pcapdump_config *config, struct pcapdump **out_dump,
                  struct err *err);

/* Takes one frame, with the VLAN tag that the kernel took out of it. */
void pcapdump_write(struct pcapdump *dump, unsigned writer, const struct frame *frame);

/*
 * Writes out what a writer has collected. When that fails it is told, and tried again later, less
 * and less often; meanwhile these frames wait, since they have their place in the file, and those
 * that come are lost.
 */
void pcapdump_flush(struct pcapdump *dump, unsigned writer);

/*
 * Behind the death of the process that was this writer, before the next pcapdump_flush() for it:
 * takes up the place in the file that it had got and not yet noted, else a hole would stay there.
 */
void pcapdump_mend(struct pcapdump *dump, unsigned writer);

/*
 * When nobody writes any more: tries all once more, and cuts the file off before the first place
 * that cannot be written, so that what is in it can be read.
 */
void pcapdump_finish(struct pcapdump *dump);

/* Borrowed: the file, for who closes all other descriptors. */
int pcapdump_fd(const struct pcapdump *dump);

/* Over all writers. */
struct pcapdump_counters pcapdump_counters(const struct pcapdump *dump);

/* Does not flush. Accepts NULL. */
void pcapdump_close(struct pcapdump *dump);
