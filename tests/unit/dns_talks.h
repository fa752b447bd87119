/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages of DNS in parts, for the talks over UDP and TCP. */
#pragma once

#include "talks.h"

/* clang-format off */
/* Id, flags, counts of questions, answers, authorities, additionals. */
#define HEAD(flags, q, an, ns, ar) "\22\64" flags "\0" q "\0" an "\0" ns "\0" ar
#define QUERY    "\1\0"
#define RESPONSE "\201\200"
#define NXDOMAIN "\201\203"
#define REFUSED  "\201\205"

/* Type and class; what follows a name. */
#define T_A     "\0\1\0\1"
#define T_NS    "\0\2\0\1"
#define T_CNAME "\0\5\0\1"
#define T_PTR   "\0\14\0\1"
#define T_HINFO "\0\15\0\1"
#define T_TXT   "\0\20\0\1"
#define T_RP    "\0\21\0\1"
#define T_AAAA  "\0\34\0\1"
#define T_SRV   "\0\41\0\1"
#define T_OPT   "\0\51\4\320"
#define TTL     "\0\0\1\54"

#define WWW        "\3WWW\7example\3com\0" /* at offset 12, "example" at 16, "com" at 24 */
#define TO_WWW     "\300\14"
#define TO_EXAMPLE "\300\20"
#define A_OF(name, last) name T_A TTL "\0\4" "\300\0\2" last
/* clang-format on */
