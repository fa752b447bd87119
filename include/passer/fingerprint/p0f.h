/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a host opens a connection tells its operating system, and the order of its HTTP headers the
 * program: signatures in the format of p0f version 3, which section 5 of p0f's README defines.
 *
 * A SYN (request) or SYN/ACK (response) belongs to the first signature, in the order of loading,
 * that fits it exactly and is specific; else to the first generic one; else to the first that fits
 * it roughly: the TTL is out of range, "df" or "id+" is missing, "id-" or "ecn" is there besides.
 * Programs (class "!") are never matched roughly. Signatures are kept by the layout of the TCP
 * options, so that only those with the segment's own layout are compared.
 */
#pragma once

#include <passer/base/err.h>
#include <passer/base/span.h>
#include <passer/fingerprint/rows.h>

struct p0f;

/* Which end a signature is about: the client's request, or the server's response. */
enum p0f_side { P0F_REQUEST, P0F_RESPONSE, P0F_SIDES };

/* What is unusual about a segment, under p0f's names. */
#define P0F_QUIRKS(X)                                                                   \
	X(DF, "df")          /* IPv4: don't fragment */                                 \
	X(ID, "id+")         /* IPv4: identification not 0 with "don't fragment" */     \
	X(NO_ID, "id-")      /* IPv4: identification 0 without it */                    \
	X(ECN, "ecn")        /* explicit congestion notification, in IP or TCP */       \
	X(RESERVED, "0+")    /* IPv4: the reserved flag */                              \
	X(FLOW, "flow")      /* IPv6: flow label not 0 */                               \
	X(NO_SEQ, "seq-")    /* sequence number 0 */                                    \
	X(ACK, "ack+")       /* acknowledgment number not 0 without the flag */         \
	X(NO_ACK, "ack-")    /* and 0 with it */                                        \
	X(URGENT, "uptr+")   /* urgent pointer not 0 without the flag */                \
	X(URG, "urgf+")      /* URG flag */                                             \
	X(PSH, "pushf+")     /* PSH flag */                                             \
	X(NO_TS, "ts1-")     /* own timestamp 0 */                                      \
	X(PEER_TS, "ts2+")   /* the peer's timestamp not 0 in a SYN */                  \
	X(PADDING, "opt+")   /* something other than 0 behind the end of the options */ \
	X(BIG_SCALE, "exws") /* window scale beyond 14 (RFC 7323, section 2.3) */       \
	X(BAD, "bad")        /* options that are malformed */

enum p0f_quirk_bit {
#define X(id, name) P0F_BIT_##id,
	P0F_QUIRKS(X)
#undef X
		P0F_BIT_COUNT
};

#define P0F_QUIRK(id) (1u << P0F_BIT_##id)

/* More options than these are not looked at; 40 bytes hold up to 40. */
#define P0F_OPTIONS_MAX 24

/* The options of a SYN or SYN/ACK. */
struct p0f_options {
	uint8_t layout[P0F_OPTIONS_MAX]; /* kinds, in their order */
	uint8_t count;
	uint8_t padding_bytes; /* behind "end of options" */
	uint8_t scale;         /* 0 also when there is none; as mss */
	uint16_t mss;
	bool has_timestamp; /* own timestamp not 0 */
	uint32_t quirks;
};

/* A SYN or SYN/ACK, numbers in host byte order. */
struct p0f_segment {
	uint8_t ip_version; /* 4 or 6 */
	uint8_t ttl;
	bool has_payload;
	uint32_t ip_option_bytes; /* IPv4 options or IPv6 extension headers */
	uint32_t header_bytes;    /* IP and TCP with all options */
	uint32_t quirks;          /* of the headers; those of the options stand there */
	uint16_t window;
	uint16_t peer_mss; /* of the SYN that is answered; 0: not known, or a SYN */
	struct p0f_options options;
};

/* The signature that was found. Spans are borrowed from the signatures. */
struct p0f_match {
	struct span label;  /* "Linux 3.11 and newer"; no commas */
	bool is_app;        /* a program, not an operating system */
	bool is_generic;    /* a last resort */
	bool is_fuzzy;      /* fits roughly */
	bool is_dishonest;  /* HTTP: the program names itself otherwise */
	bool has_fixed_mss; /* TCP: this MSS is the sender's habit and tells nothing of its link */
	bool has_distance;  /* TCP, unless the TTL is chosen at random or near no initial one */
	uint8_t distance;   /* in hops */
	struct span ua_os;  /* HTTP: the system that an honest User-Agent names; may be empty */
	const char *file;   /* where the signature stands */
	uint32_t line;
};

/* The files read when the user names none; ends with NULL. */
extern const char *const p0f_default_paths[];

/* NULL when memory ran out. */
struct p0f *p0f_new(void);
/* Accepts NULL. */
void p0f_free(struct p0f *p0f);

/*
 * Adds the signatures of a file behind those that are there. `file` is its name, borrowed for as
 * long as the signatures; the text is copied. Lines that make no sense are reported as
 * "file:line: reason", skipped and counted, and so is what stands under a bad label or section. 0
 * even then, or -ENOMEM.
 */
int p0f_load(struct p0f *p0f, const char *file, struct span text, struct rows_report *report);

/* The same from a path. 0, or a negative errno with err set (-ENOENT: there is none). */
int p0f_load_file(struct p0f *p0f, const char *path, struct rows_report *report, struct err *err);

/* How many signatures of TCP and HTTP there are, MTUs not counted. */
size_t p0f_count(const struct p0f *p0f);

/* The option bytes of a TCP header, all of them; is_syn: of a SYN, not of a SYN/ACK. */
void p0f_read_options(struct span bytes, bool is_syn, struct p0f_options *out_options);

/* False when no signature fits. */
bool p0f_find_tcp(const struct p0f *p0f, enum p0f_side side, const struct p0f_segment *segment,
                  struct p0f_match *out_match);

/*
 * A payload that begins with an HTTP head: a GET or HEAD request, or a response (RFC 9112). False
 * when it does not, when the head is not complete, and when no signature fits.
 */
bool p0f_find_http(const struct p0f *p0f, enum p0f_side side, struct span payload,
                   struct p0f_match *out_match);

/* What kind of link has this MTU, "DSL"; borrowed, empty when unknown. */
struct span p0f_find_link(const struct p0f *p0f, uint32_t mtu_bytes);
