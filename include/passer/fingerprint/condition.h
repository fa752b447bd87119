/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a payload must look like, written as text, compiled once, tested fast:
 *
 *   any    empty    nonempty    len>=N    len<=N    len=N
 *   prefix L    suffix L    contains L    equals L    byte[N]=L       (L from offset N on)
 *   prefix L or L or L     the same as     prefix one of {L, L, L}    (also "any of", any keyword)
 *   test & test    test or test    ( ... )
 *
 * A literal L is a"text" with the escapes \r \n \t \\ \" or h"hex digits"; several of them with
 * blanks between are one: a"CMD" h"00ff". Where & and `or` between tests meet, brackets say which
 * comes first. Everything but any, empty and equals is false for an empty payload.
 */
#pragma once

#include <passer/base/err.h>
#include <passer/base/span.h>

struct condition;

/*
 * 0, or a negative errno with err set: -EINVAL where the text makes no sense, as
 * "at 12: reason" with the offset counted from 1.
 */
int condition_new(struct span text, struct condition **out_condition, struct err *err);
void condition_free(struct condition *c);

bool condition_match(const struct condition *c, struct span payload);

/*
 * The same in two halves, condition_match() being both: the lead is the first test of a chain of
 * &, or the whole condition when it is no such chain. Neighbours in a list often share theirs
 * (contains a"Server: " & ...), and then it need be asked once only.
 */
bool condition_lead_match(const struct condition *c, struct span payload);
bool condition_rest_match(const struct condition *c, struct span payload);
bool condition_same_lead(const struct condition *a, const struct condition *b);

/*
 * One literal by itself, such as the example of a row. Writes at most cap bytes. 0, or -EINVAL with
 * err set as above.
 */
int literal_parse(struct span text, uint8_t *out, size_t cap, size_t *out_len, struct err *err);
