/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The MA record, which ARP and neighbour discovery share. */
#pragma once

#include <passer/analyzers/analyzer.h>

/*
 * States that `mac` answers for `addr`: printed when it differs from what was printed last for this
 * address, so that a change and the change back both show. The unspecified IPv6 address is
 * nobody's.
 */
void emit_mac(struct analyzer_ctx *ctx, const struct addr *addr, const struct mac *mac,
              uint64_t time_ns);
