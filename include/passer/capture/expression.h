/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A filter expression of pcap-filter(7), compiled by libpcap for every link type that passer reads,
 * and asked in user space.
 */
#pragma once

#include <passer/base/err.h>
#include <passer/base/frame.h>

struct expression;

/* 0, or -EINVAL with libpcap's message in err, or -ENOMEM. */
int expression_new(const char *text, struct expression **out_expression, struct err *err);
/* Accepts NULL. */
void expression_free(struct expression *expression);

/* A frame of a link type that the expression cannot be asked about does not match. */
bool expression_matches(const struct expression *expression, const struct frame *frame);
