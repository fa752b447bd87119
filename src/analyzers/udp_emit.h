/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The two records that most UDP analyzers state: the sender is a client of the port it sends to, or
 * a server on the port it sends from.
 */
#pragma once

#include <passer/analyzers/analyzer.h>

/* Starts the record with its state; the description and the warnings are the caller's. */
struct record *udp_begin_client(struct analyzer_ctx *ctx, const struct pkt *pkt);
struct record *udp_begin_server(struct analyzer_ctx *ctx, const struct pkt *pkt);

/* The whole record, with a description of our own words. */
void udp_emit_client(struct analyzer_ctx *ctx, const struct pkt *pkt, const char *desc,
                     struct warnings warnings);
void udp_emit_server(struct analyzer_ctx *ctx, const struct pkt *pkt, const char *desc,
                     struct warnings warnings);

/* "broadcast", "multicast" or the empty text: a part of many descriptions. */
const char *udp_cast_word(const struct pkt *pkt);
