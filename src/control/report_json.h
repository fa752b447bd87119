/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The report as JSON, for the control socket. docs/operating.md has the keys. */
#pragma once

#include "report.h"

#include <jansson.h>

/* The whole report; the caller's. NULL: out of memory. */
json_t *report_json(const struct report *report);

/* A selection: its name, record types, classes and budgets. The caller's; NULL: out of memory. */
json_t *report_json_selection(const struct selection *selection, const char *name);

/*
 * What each named profile, and the selection at present, would keep of what the filters have seen.
 * The caller's; NULL: out of memory.
 */
json_t *report_json_what_if(const struct report *report);
