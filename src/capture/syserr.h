/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to capture/: one wording for what the kernel refuses. */
#pragma once

#include <passer/base/err.h>

/*
 * "what: why", and the way out where a privilege or a kernel feature is missing. Returns code, a
 * negative errno.
 */
int syserr_set(struct err *err, int code, const char *what);
