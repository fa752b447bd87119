/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One stage of the UDP signatures, for the two analyzers that stand around those of protocols. */
#pragma once

#include <passer/analyzers/analyzer.h>

/* States what the stage's rules say of the packet; done when a rule took it. */
enum verdict udp_stage_run(const struct pkt *pkt, struct analyzer_ctx *ctx, enum udp_stage stage);
