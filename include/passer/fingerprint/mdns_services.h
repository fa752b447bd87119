/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the services that a host announces by multicast DNS tell of it: a table of rows
 *
 *   services  tells  ports  text  detail  warnings
 *
 * whose columns src/signatures/mdns.tsv describes. Names are compared without regard to case.
 */
#pragma once

#include <passer/base/warning.h>
#include <passer/fingerprint/rows.h>

struct mdns_services;

/* A row serves ports, or tells what kind of host it is, or neither: then it is only known. */
struct mdns_service {
	bool is_host;
	bool has_tcp, has_udp;
	const char *text;
	bool wants_name; /* the name of the service belongs into the record */
	struct warnings warnings;
	struct port_range ports[ROW_PORT_RANGES_MAX];
	size_t port_count;
};

#define MDNS_ROWS_MAX 16 /* of one service */

/* NULL when memory ran out. */
struct mdns_services *mdns_services_new(void);
void mdns_services_free(struct mdns_services *s);

/* Adds the rows of a table. As rows_load(). */
int mdns_services_load(struct mdns_services *s, const char *file, struct span text,
                       struct rows_report *report);

/* The rows of a service in their order, borrowed; returns how many, 0 for one that is not known. */
size_t mdns_services_find(const struct mdns_services *s, struct span name,
                          const struct mdns_service *out_rows[static MDNS_ROWS_MAX]);
