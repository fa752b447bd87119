/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A capture file as a source of frames: pcap (either byte order, microseconds or nanoseconds,
 * draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng: several sections and interfaces,
 * each with its own link type and time resolution), plain or compressed with gzip, bzip2, xz or
 * zstd. Everything is told from the content, never from the name, and streamed: pipes work.
 */
#pragma once

#include <passer/capture/source.h>

/*
 * Opens a file; "-" is standard input. Returns 0, or a negative errno with err naming the file.
 * A file that breaks off later gives its readable frames first, then source_read() fails with one
 * line that says where (frame number, and the offset in the unpacked stream at which its record
 * begins) and why.
 *
 * A pipe is never waited for, not even for its first bytes: it may say SOURCE_IDLE, and source_fd()
 * gives its descriptor; that it is no capture file is then told by source_read(). A file does
 * neither.
 *
 * Frames are handed out with all bytes that are in the file, even beyond its snap length (libpcap
 * cuts them there). A simple packet block of pcapng has no time: 0.
 */
int pcapfile_open(const char *path, struct source **out_source, struct err *err);

/* The same for a file that is open already; fd is closed with the source, or when this fails. */
int pcapfile_open_fd(const char *name, int fd, struct source **out_source, struct err *err);

/* How far reading is, for a progress line; in bytes of the file as it lies on disk. */
struct pcapfile_progress {
	uint64_t read_bytes;
	uint64_t size_bytes; /* 0 when unknown, as for a pipe */
};
struct pcapfile_progress pcapfile_progress(const struct source *pcapfile);
