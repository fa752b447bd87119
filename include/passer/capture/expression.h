/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A filter expression of pcap-filter(7), compiled by libpcap for every link type that passer reads,
 * and asked in user space. Rings have it asked by the kernel where that can be done.
 *
 * An expression speaks of frames as they are on the wire, so the outermost VLAN tag, which the
 * kernel takes out of the frame, is back in its place when the expression is asked.
 */
#pragma once

#include <passer/base/err.h>
#include <passer/base/frame.h>

struct expression;
struct sock_fprog; /* <linux/filter.h>, whose instructions are those of libpcap */

/* 0, or -EINVAL with libpcap's message in err, or -ENOMEM. */
int expression_new(const char *text, struct expression **out_expression, struct err *err);
/* Accepts NULL. */
void expression_free(struct expression *expression);

/* A frame of a link type that the expression cannot be asked about does not match. */
bool expression_matches(const struct expression *expression, const struct frame *frame);

/*
 * The program for one link type; the caller frees out_program->filter. 0, or -EINVAL (libpcap's
 * message, or a link type that no expression can be asked about), -E2BIG, -ENOMEM.
 */
int expression_compile(const char *text, enum link_type link, struct sock_fprog *out_program,
                       struct err *err);
