/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A DNS response in work, over UDP or TCP; and its records about the sender itself: names in
 * .local. */
#pragma once

#include "dns_message.h"

#include <passer/analyzers/analyzer.h>

#define DNS_CNAMES_MAX 32

struct dns_response {
	const struct pkt *pkt;
	struct analyzer_ctx *ctx;
	uint64_t time_ns;
	struct cursor cnames[DNS_CNAMES_MAX]; /* each at the start of its record */
	unsigned cname_count;
	bool has_unknown_service;
};

/*
 * States what the records of a response tell, all sections; `c` is behind its questions. Whole
 * records before a tear stand. With --nxdomain also the name that does not exist.
 */
void dns_response_read(struct dns_response *r, const struct dns_header *header,
                       const struct dns_question *last_question, struct cursor c);

/* Starts a record about an address. */
struct record *dns_begin(const struct dns_response *r, enum record_type type,
                         const struct addr *addr, const char *proto);

/* Adds all <character-string>s of the data, with a blank in between. */
void dns_add_strings(struct text *t, struct cursor data);

/* A PTR record whose owner is in .local: an instance of a service, or the list of services. */
void dns_local_ptr(struct dns_response *r, const struct dns_name *owner,
                   const struct dns_name *target);

/* HINFO, TXT and SRV records; those of other domains say nothing about the sender. */
void dns_local_hinfo(const struct dns_response *r, struct dns_record *record);
void dns_local_txt(const struct dns_response *r, struct dns_record *record);
void dns_local_srv(const struct dns_response *r, struct dns_record *record);
