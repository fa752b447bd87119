/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TCP connections in progress, as far as single segments do not tell: was a reset a refusal, how
 * much of a direction has been looked at. Private to one worker (fanout keeps a host pair
 * together), yet in shared memory, so that it outlives a worker that dies.
 */
#pragma once

#include <passer/ledger/ledger.h>

struct flows;

/* NULL with errno on failure. */
struct flows *flows_new(size_t capacity, const struct hash_key *key);
/* Accepts NULL. */
void flows_free(struct flows *flows);

/* A SYN from src: the connection starts anew. */
void flow_open(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
               uint64_t time_ns);

/* A SYN/ACK from src. */
void flow_accept(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
                 uint64_t time_ns);

/*
 * A segment with payload from src: how many this direction has had, this one included. Counting
 * stops at FLOW_SEGMENTS_MAX.
 */
#define FLOW_SEGMENTS_MAX 15
unsigned flow_segment(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
                      uint64_t time_ns);

/* Did dst ask src for this connection (SYN), and src neither accept it nor send data? */
bool flow_is_unanswered(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
                        uint64_t time_ns);
