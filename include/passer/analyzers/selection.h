/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a run is after: which record types, from which classes of frames, within which flow budgets.
 * The eBPF filter drops what is not selected; selection_wants() says the same in user space, so
 * that a capture file gives the same lines as the wire.
 *
 * Which classes a record type is made from is computed from the rows of the analyzers. A profile is
 * a row of profiles.def: a selection with a name.
 */
#pragma once

#include <passer/base/err.h>
#include <passer/bpf_abi.h>
#include <passer/decode/pkt.h>
#include <passer/ledger/flows.h>
#include <passer/output/record.h>

#include <stdio.h>

#define RECORD_BIT(type) (UINT32_C(1) << REC_##type)
#define RECORDS_ALL      ((UINT32_C(1) << REC_COUNT) - 2) /* REC_NONE is none */

/*
 * Lies in memory that the supervisor and all workers share. The supervisor may change it at any
 * time, member by member.
 */
struct selection {
	uint32_t records;      /* bits 1 << enum record_type */
	uint32_t classes;      /* bits 1 << enum frame_class, also_classes among them */
	uint32_t also_classes; /* kept whatever the records are, for the sake of --unhandled */
	uint32_t tcp_budget, udp_budget; /* 0 … BUDGET_ALL */
};

/* A row of profiles.def. */
struct profile {
	const char *name;
	uint32_t records;
	uint32_t leaves_out; /* classes that are dropped though some of the records need them */
	uint32_t tcp_budget, udp_budget;
	const char *about;
};

/* All profiles; the first one is the default. *out_count is set to their number. */
const struct profile *profile_rows(size_t *out_count);

/* NULL when there is none of that name. */
const struct profile *profile_find(const char *name);

struct selection profile_selection(const struct profile *profile);

/* Keeps these classes, too, from now on. */
void selection_add(struct selection *selection, uint32_t classes);

/* The classes that these record types are made from, always with FRAME_CLASSES_ALWAYS_KEPT. */
uint32_t selection_classes_of(uint32_t records);

/*
 * Changes one thing: "profile" (a name), "records" (a list such as TS,DN; its classes follow),
 * "acks" and "udp" (none, all, or a number of units). 0, or -EINVAL with err set.
 */
int selection_set(struct selection *selection, const char *what, const char *value,
                  struct err *err);

/*
 * Does the selection keep this frame? `inner` is the packet in the tunnel that `outer` is, NULL
 * when there is none. Spends from the budgets in flows, so it is asked once for each frame.
 */
bool selection_wants(const struct selection *selection, struct flows *flows,
                     const struct pkt *outer, const struct pkt *inner);

/* A table for people: per class whether it is kept, how much of it, and for which records. */
void selection_explain(const struct selection *selection, FILE *out);

/* Appends "TC,TS", in the order of records.def. */
void selection_records_text(uint32_t records, struct text *out_text);
