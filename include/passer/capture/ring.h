/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A TPACKET_V3 ring of one AF_PACKET socket as a source of frames (packet(7), the kernel's
 * Documentation/networking/packet_mmap.rst).
 *
 * The supervisor opens every ring and keeps it for the life of the sensor; a worker inherits it by
 * fork() and walks it in place. When a worker dies its successor goes on in the same ring behind
 * the frame that the dead one was working on: `progress` lies in memory that both share.
 */
#pragma once

#include <passer/bpf_abi.h>
#include <passer/capture/source.h>

#define RING_DEFAULT_BLOCK_BYTES (1u << 20)
#define RING_DEFAULT_BYTES       (64u << 20)
#define RING_DEFAULT_RETIRE_MS   60u

/*
 * Where a walker is; written by the worker, read by its successor and by the supervisor.
 * ring_open() zeroes it.
 */
struct ring_progress {
	uint64_t block_seq;          /* kernel's sequence number of the block in work */
	uint64_t frames;             /* handed out so far in all blocks, the one in work included */
	uint64_t frames_before;      /* of these, before that block */
	uint32_t is_in_work;         /* the last one has been handed out, and not come back */
	uint32_t frames_torn;        /* lost because a block contradicted itself; should stay 0 */
	uint32_t blocks_waiting_max; /* most blocks that waited at once, the one taken included */
};

/* How the members of a group share the frames: what is together in one worker. */
enum fanout_mode {
	FANOUT_HOST,  /* all between two hosts, both directions and fragments: eBPF, no ports */
	FANOUT_FLOW,  /* a flow, both directions; the kernel puts IPv4 fragments together before */
	FANOUT_CPU,   /* what one CPU receives: only as good as the NIC's distribution */
	FANOUT_QUEUE, /* what one queue of the NIC receives: likewise */
};

/* What passes the filter; FRAME_CLASSES_ALWAYS_KEPT of bpf_abi.h do in any case. */
struct ring_selection {
	uint32_t keep_classes;           /* bits 1 << enum frame_class */
	unsigned tcp_budget, udp_budget; /* units of a direction, 0 … BUDGET_ALL */
};

struct ring_stock;

struct ring_config {
	unsigned ifindex;   /* 0: all interfaces, present and future */
	const char *name;   /* for messages: interface name, or "all interfaces" */
	size_t ring_bytes;  /* wanted; halved down to four blocks when memory is refused */
	size_t block_bytes; /* power of two, multiple of the page size */
	unsigned retire_ms; /* a block that is not full is handed over after this time */
	struct ring_selection selection;
	const char *expression; /* of pcap-filter(7), asked by the kernel before all else; NULL */
	/* Borrowed while opening: a stock of the sensor, whose filter's table of flows is shared;
	 * NULL: has one of its own. */
	const struct ring_stock *sibling;
	struct ring_stock *stock; /* borrowed, see below; NULL: has one of its own */
	enum fanout_mode fanout;
	int fanout_id;                  /* group to join, or -1: let the kernel choose a new one */
	bool is_alone;                  /* true: one worker, no fanout group */
	struct ring_progress *progress; /* shared memory, borrowed */
};

/* What the kernel counted for this ring since it was opened (PACKET_STATISTICS, accumulated). */
struct ring_counters {
	uint64_t packets; /* passed the filter, lost ones included */
	uint64_t drops;   /* passed the filter, ring was full */
	uint64_t freezes; /* times that the ring became full */
};

/* ---- What takes capabilities ---- */

/*
 * Sockets, and the eBPF programs with their maps, are had with capabilities only: socket() of
 * AF_PACKET takes CAP_NET_RAW, BPF_PROG_LOAD and BPF_MAP_CREATE take CAP_BPF. Whoever has them
 * needs none for all the rest: bind() to another interface, PACKET_RX_RING, PACKET_ADD_MEMBERSHIP,
 * PACKET_FANOUT and PACKET_FANOUT_DATA, SO_ATTACH_BPF, and from Linux 5.19 on to read and write
 * maps, whatever kernel.unprivileged_bpf_disabled says (seen with Linux 6.18).
 *
 * So a stock is made before capabilities are given up, and outlives the rings that are made of it,
 * one at a time: each takes a socket from it, and hands the filter on with its counters. A socket
 * cannot leave its fanout group (bind(): EINVAL), so every ring in a group uses up one; one that is
 * alone gives it back.
 */

/* Sockets of a stock, beside that of the ring: some 3 KiB each, and 12 ms when it is closed. */
#define RING_SPARES_MAX 8

/*
 * Makes the stock of the rings that will be opened with this config; its filter has the selection
 * of the first one, and one socket is there. 0, or a negative errno with err set.
 */
int ring_stock_open(const struct ring_config *config, struct ring_stock **out_stock,
                    struct err *err);

/* Accepts NULL. When the ring is closed. */
void ring_stock_close(struct ring_stock *stock);

/*
 * Adds a socket. 0, -ENOBUFS when it has RING_SPARES_MAX, -EMFILE when the new descriptor would be
 * greater than fd_max, or another negative errno.
 */
int ring_stock_add_socket(struct ring_stock *stock, int fd_max);
unsigned ring_stock_sockets(const struct ring_stock *stock);

/* What the filter has counted for all its rings, the sum of all CPUs. 0 or a negative errno. */
int ring_stock_read_filter(const struct ring_stock *stock, struct filter_counters *out_counters);

/* ---- The ring ---- */

struct ring;

/*
 * Opens a ring that hears nothing before its filter is in place: deaf socket, version, ring,
 * reject-all filter, bind, promiscuous membership, fanout group, then the eBPF filter is swapped
 * in. Returns 0, or a negative errno with err set (names the missing privilege or kernel feature);
 * -ENOBUFS when no socket is left in its stock. On an interface of another link type than when the
 * stock was made the expression is asked in user space.
 */
int ring_open(const struct ring_config *config, struct ring **out_ring, struct err *err);

/*
 * Accepts NULL and a half-built ring. Its socket goes back into the stock where that can be: then
 * the processes that walk it must have ended.
 */
void ring_close(struct ring *ring);

/* The stock that it is made of: its own, borrowed, or that of its config. */
const struct ring_stock *ring_stock_of(const struct ring *ring);

/*
 * The ring as a source; borrowed, closed with the ring. Its read() hands over one block. The place
 * to go on from is found at the first read of a process, so the one that opens rings for others
 * and forks must not read.
 */
struct source *ring_source(struct ring *ring);

/* Id of the fanout group it is in, for the next worker's ring_config; -1 when alone. */
int ring_fanout_id(const struct ring *ring);

/* Ring size that the kernel granted, bytes. */
size_t ring_bytes(const struct ring *ring);

/* Adds interface ifindex to the promiscuous memberships of the socket. 0 or a negative errno. */
int ring_add_promisc(struct ring *ring, unsigned ifindex);

/*
 * Lets nothing more in (the reject-all filter again), so that what lies in the ring can be worked
 * off to the last frame. 0 or a negative errno.
 */
int ring_mute(struct ring *ring);

/*
 * Adds what the kernel counted since the last call. The kernel's counters reset on read, so there
 * is one caller: the supervisor. 0 or a negative errno.
 */
int ring_read_counters(struct ring *ring, struct ring_counters *counters);

/* Changes what passes, from the next frame on. 0 or a negative errno. */
int ring_set_selection(struct ring *ring, const struct ring_selection *selection);

/* What its stock's filter has counted, as ring_stock_read_filter(). */
int ring_read_filter(const struct ring *ring, struct filter_counters *out_counters);

/*
 * Behind the death of its walker: the frame that it was working on, borrowed until a successor
 * reads. False when there is none.
 */
bool ring_frame_in_work(const struct ring *ring, struct frame *out_frame);

/*
 * Frames that lie in the ring and have not been handed out, those of the block that the kernel is
 * filling included. Kernel and worker go on meanwhile: good for a balance once both are quiet.
 */
uint64_t ring_waiting(const struct ring *ring);
