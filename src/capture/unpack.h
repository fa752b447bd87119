/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Unpacks gzip (RFC 1952), bzip2, xz and zstd (RFC 8878) step by step, in bounded memory.
 *
 * Our word "member": one complete packed unit. All four formats may hold several in a row (as cat,
 * pigz, pbzip2 and pzstd make them), and the unpacked bytes are those of all members.
 */
#pragma once

#include <passer/base/err.h>
#include <passer/base/span.h>

#define UNPACK_MAGIC_BYTES 6 /* so many bytes tell every format */

struct unpack_format;
struct unpacker;

/* What a step works on. Each step moves `in` and `out` on by what it has used. */
struct unpack_io {
	struct span in;
	uint8_t *out;
	size_t room;  /* bytes free at out */
	bool is_last; /* nothing follows behind `in` */
};

/* The format of a file that begins with these bytes; NULL when they are not packed. */
const struct unpack_format *unpack_format_of(struct span head);

/* Returns 0 or -ENOMEM with err set. */
int unpack_new(const struct unpack_format *format, struct unpacker **out_unpacker, struct err *err);

/* Accepts NULL. */
void unpack_free(struct unpacker *unpacker);

/*
 * One bounded step. It may use input, give output, both or (when it needs more input) neither.
 * Returns 0, or a negative errno with the reason in err; output given before the fault is good.
 */
int unpack_step(struct unpacker *unpacker, struct unpack_io *io, struct err *err);

/* May output still come without further input? */
bool unpack_has_more(const struct unpacker *unpacker);

/* Did the input so far end with a whole member? If not so at its end: fills err, negative errno. */
int unpack_finish(const struct unpacker *unpacker, struct err *err);
