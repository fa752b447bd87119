/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What users ask passer instead of starting it. Answers go to standard output, for tools to read.
 */
#pragma once

#include "options.h"

/* --list-analyzers */
void question_analyzers(void);

/* --check-signatures: what is wrong with the user's rows. Returns the exit status. */
int question_signatures(const struct options *options);

/* --identify: every pattern that knows a text, with its line. Returns the exit status. */
int question_product(const struct options *options);
