/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All that is loaded once, before the fork, and only read afterwards: one copy for all workers. */
#pragma once

#include <passer/base/err.h>
#include <passer/fingerprint/addr_set.h>
#include <passer/fingerprint/banner.h>
#include <passer/fingerprint/dns_any.h>
#include <passer/fingerprint/geo.h>
#include <passer/fingerprint/mdns_services.h>
#include <passer/fingerprint/oui.h>
#include <passer/fingerprint/p0f.h>
#include <passer/fingerprint/port_names.h>
#include <passer/fingerprint/service_probes.h>
#include <passer/fingerprint/udp_rules.h>

struct databases {
	struct addr_set *trusted;      /* hosts that warnings do not make suspicious; NULL: none */
	struct oui *oui;               /* NULL: no manufacturers */
	struct service_probes *probes; /* NULL: no product names */
	struct geo *geo;               /* NULL: no countries and AS numbers */
	struct p0f *p0f;               /* operating systems */
	struct banners *tcp_servers;
	struct banners *tcp_clients;
	struct port_names *tcp_policy; /* services that a policy may forbid */
	struct port_names *sip_ports;
	struct mdns_services *mdns_services;
	struct dns_any *dns_any;
	struct udp_rules *udp_rules;
	size_t bad_rows; /* of the user's own files, all told and left out */
};

/* In place of a database: all that are in the usual folders. */
#define GEOIP_AUTO "auto"

/* A user's own files; all borrowed for as long as the databases. */
struct signature_files {
	const char *const *paths; /* rows of UDP signatures, in the order of loading */
	size_t count;
	const char *service_probes; /* in nmap's format; NULL: nmap's own, where it is installed */
	const char *const *p0f;     /* in p0f's format; none: p0f's own, where it is installed */
	size_t p0f_count;
	const char *const *geoip; /* databases of countries and AS numbers, or GEOIP_AUTO */
	size_t geoip_count;
};

/*
 * Loads everything, the user's own rows before ours. A database of the system that is absent is a
 * warning that says how to get it, and the sensor runs without; a bad row is a warning, and the
 * others are loaded. 0, or a negative errno with err set: a file of the user's cannot be read, or a
 * table of ours has a fault.
 */
int databases_init(struct databases *db, struct signature_files own, struct err *err);

/*
 * Only reads the user's rows, and also asks that none takes the example of a later one. Bad rows
 * are reported and counted. 0 even then, or a negative errno with err set.
 */
int databases_check(struct signature_files own, struct rows_report *report, struct err *err);

/* Does now what is otherwise done when it is first needed; before the workers are forked. */
void databases_prepare(struct databases *db);

/* Accepts a half-filled one. */
void databases_fini(struct databases *db);
