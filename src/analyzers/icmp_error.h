/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What ICMP and ICMPv6 errors have in common: they quote the packet that they are about. */
#pragma once

#include <passer/analyzers/analyzer.h>

/* The quoted destination is dead, and the sender is a router. */
void emit_dead(const struct pkt *pkt, struct analyzer_ctx *ctx, const struct pkt *quoted,
               const char *why);

/* RO,<src>,<proto>,router,client_ip=<dst> */
void emit_router(const struct pkt *pkt, struct analyzer_ctx *ctx, const struct addr *router,
                 const char *proto, const char *prefix);

/*
 * The quoted UDP port is closed, unless the quoted packet is an answer that came too late: sent
 * from port 53 by what is known as a DNS server.
 */
void emit_closed_port(const struct pkt *pkt, struct analyzer_ctx *ctx, const struct pkt *quoted);
