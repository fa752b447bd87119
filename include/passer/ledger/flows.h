/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Flows in progress, as far as single packets do not tell: was a reset a refusal, how much of the
 * budget of a direction is used. Private to one worker (fanout keeps a host pair
 * together), yet in shared memory, so that it outlives a worker that dies.
 */
#pragma once

#include <passer/ledger/ledger.h>

struct flows;

/* NULL with errno on failure. */
struct flows *flows_new(size_t capacity, const struct hash_key *key);
/* Accepts NULL. */
void flows_free(struct flows *flows);

/* As ledger_prefault(). */
void flows_prefault(struct flows *flows);

struct table_counters flows_counters(const struct flows *flows);

/* A SYN from src: it asks anew, and its budget begins anew; that of dst goes on. */
void flow_open(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
               uint64_t time_ns);

/*
 * The MSS that src has offered in its SYN, before or after flow_open(); 0: it is not known, or
 * there was none.
 */
void flow_set_mss(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
                  uint16_t mss, uint64_t time_ns);
uint16_t flow_mss(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
                  uint64_t time_ns);

/* A SYN/ACK from src. */
void flow_accept(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
                 uint64_t time_ns);

/*
 * A segment with so many bytes of payload from src: how many units of its budget (bpf_abi.h) this
 * direction had used before, at most BUDGET_USED_MAX. That is also the answer for a direction whose
 * SYN or SYN/ACK was not seen.
 */
unsigned flow_spend(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
                    uint32_t payload_bytes, uint64_t time_ns);

/*
 * The same for what has no beginning, a UDP flow or a tunnel (whose endpoints have the port 0):
 * each direction begins anew when BUDGET_WINDOW_S have passed since its first unit.
 */
unsigned flow_spend_window(struct flows *flows, const struct endpoint *src,
                           const struct endpoint *dst, uint32_t payload_bytes, uint64_t time_ns);

/* Has src sent a SYN, or a SYN/ACK, for this connection? */
bool flow_has_begun(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
                    uint64_t time_ns);

/* Did dst ask src for this connection (SYN), and src neither accept it nor send data? */
bool flow_is_unanswered(struct flows *flows, const struct endpoint *src, const struct endpoint *dst,
                        uint64_t time_ns);
