/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words that a record may carry after its description, "Warnings:scan:tunnel", in the order in
 * which they were added.
 */
#pragma once

#include <passer/base/text.h>

#define WARNINGS(X)                                   \
	X(AMPLIFICATION, "amplification")             \
	X(DDOS, "ddos")                               \
	X(DOS, "dos")                                 \
	X(EXTERNAL, "external")                       \
	X(MALICIOUS, "malicious")                     \
	X(NONCOMPLIANT, "noncompliant")               \
	X(NONSTANDARDPORT, "nonstandardport")         \
	X(PLAINTEXT, "plaintext")                     \
	X(PORTPOLICYVIOLATION, "portpolicyviolation") \
	X(SCAN, "scan")                               \
	X(SMALL, "small")                             \
	X(SPOOFED, "spoofed")                         \
	X(TUNNEL, "tunnel")

enum warning {
	WARN_NONE,
#define X(id, word) WARN_##id,
	WARNINGS(X)
#undef X
		WARN_COUNT
};

#define WARNINGS_MAX 4 /* the most that any rule gives */

/* An ordered list; zero is the empty one. */
struct warnings {
	uint8_t words[WARNINGS_MAX]; /* enum warning, WARN_NONE behind the last */
};

/* "scan"; empty for WARN_NONE. */
const char *warning_name(enum warning warning);

/* Adds a word unless it is there; a full list stays as it is. */
void warnings_add(struct warnings *w, enum warning warning);

/* From "scan:tunnel"; the empty text gives the empty list. False on an unknown word or too many. */
bool warnings_parse(struct span words, struct warnings *out_warnings);

/* Appends "scan:tunnel". */
void warnings_format(const struct warnings *w, struct text *out_text);
