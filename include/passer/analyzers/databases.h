/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All that is loaded once, before the fork, and only read afterwards: one copy for all workers. */
#pragma once

#include <passer/base/err.h>
#include <passer/fingerprint/banner.h>
#include <passer/fingerprint/oui.h>
#include <passer/fingerprint/port_names.h>

struct databases {
	struct oui *oui; /* NULL: no manufacturers */
	struct banners *tcp_servers;
	struct banners *tcp_clients;
	struct port_names *tcp_policy; /* services that a policy may forbid */
};

/*
 * Loads everything. A database of the system that is absent is a warning that says how to get it,
 * and the sensor runs without. 0, or a negative errno with err set for a fault in our own rows.
 */
int databases_init(struct databases *db, struct err *err);

/* Accepts a half-filled one. */
void databases_fini(struct databases *db);
