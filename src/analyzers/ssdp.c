/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SSDP (UPnP Device Architecture 2.0, section 1): who searches for devices, and what devices
 * announce of themselves. Also spoken by Plex (ports 32412 and 32414) and an old port.
 */
#include "scan.h"
#include "udp_emit.h"

#define PORT_SSDP      1900
#define PORT_SSDP_OLD  1990
#define PORT_PLEX_1    32412
#define PORT_PLEX_2    32414
#define PORT_MEMCACHED 11211 /* shares a scanner with SSDP */

static const struct warnings no_warnings;

static const struct addr everyone = {.bytes = {255, 255, 255, 255}, .family = ADDR_V4};

/* 239.255.255.250 and, for link, site, organisation and world, ff0?::c. */
static const struct addr groups[] = {
	{.bytes = {239, 255, 255, 250}, .family = ADDR_V4},
	{.bytes = {0xff, 0x02, [15] = 0x0c}, .family = ADDR_V6},
	{.bytes = {0xff, 0x05, [15] = 0x0c}, .family = ADDR_V6},
	{.bytes = {0xff, 0x08, [15] = 0x0c}, .family = ADDR_V6},
	{.bytes = {0xff, 0x0e, [15] = 0x0c}, .family = ADDR_V6},
};

/* The lines of an announcement that are reported; empty when it lacks them. */
struct announcement {
	struct span location;
	struct span server;
};

static bool is_group(const struct addr *a)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (addr_equal(a, &groups[i])) {
			return true;
		}
	}
	return false;
}

static bool is_of_value(uint8_t b)
{
	return scan_is_name(b) || b == ':' || b == ',' || b == '/' || b == ' ';
}

/* The value of the first header of that name whose line holds nothing strange; else empty. */
static struct span header_value(struct cursor c, const char *name,
                                bool (*past)(struct cursor *c, const char *name))
{
	while (past(&c, name)) {
		struct span value = scan_while(&c, is_of_value);

		if (value.len > 0 && scan_word(&c, "\r")) {
			return scan_trim(value);
		}
	}
	return span_of(NULL, 0);
}

static void announcement_parse(struct cursor c, struct announcement *a)
{
	a->location = header_value(c, "LOCATION:", scan_past);
	a->server = header_value(c, "SERVER:", scan_past_folded);
}

static void emit_announcement(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	struct record *rec = udp_begin_client(ctx, pkt);
	struct announcement a;

	announcement_parse(cur_of(pkt->payload), &a);
	text_add(&rec->desc, "ssdp-announce/client");
	if (a.location.len > 0) {
		text_add(&rec->desc, " SSDP Location: ");
		text_add_clean(&rec->desc, a.location);
	}
	if (a.server.len > 0) {
		text_add(&rec->desc, " SSDP Server: ");
		text_add_clean(&rec->desc, a.server);
	}
	emit(ctx);
}

static bool is_search(struct span payload)
{
	return span_has_prefix(payload, span_str("M-SEARCH")) ||
	       span_has_prefix(payload, span_str("B-SEARCH"));
}

static bool is_bogus_get(const struct pkt *pkt)
{
	return (pkt->dport == PORT_SSDP || pkt->dport == PORT_MEMCACHED) &&
	       span_equal(pkt->payload, span_str("GET / HTTP/1.1\r\n\r\n"));
}

static enum verdict ssdp_run(const struct pkt *pkt, struct analyzer_ctx *ctx)
{
	static const struct warnings scan = {{WARN_SCAN}};
	static const struct warnings nonstandard = {{WARN_NONSTANDARDPORT}};
	bool to_ssdp = pkt->dport == PORT_SSDP;
	bool to_group = is_group(&pkt->dst);
	bool to_all = to_group || addr_equal(&pkt->dst, &everyone);

	if (to_all && pkt->dport != PORT_MEMCACHED && is_search(pkt->payload) &&
	    (to_ssdp || pkt->dport == PORT_SSDP_OLD || pkt->dport == PORT_PLEX_1 ||
	     pkt->dport == PORT_PLEX_2)) {
		udp_emit_client(ctx, pkt, "ssdp-discovery/broadmulticastclient",
		                to_ssdp ? no_warnings : nonstandard);
	} else if (to_ssdp && is_search(pkt->payload)) {
		udp_emit_client(ctx, pkt, "ssdp-discovery/client", no_warnings);
	} else if (to_ssdp && to_all && span_has_prefix(pkt->payload, span_str("NOTIFY"))) {
		emit_announcement(pkt, ctx);
	} else if (is_bogus_get(pkt)) {
		udp_emit_client(ctx, pkt, "ssdp-bogus-get/clientscanner", scan);
	} else {
		return to_ssdp && to_group ? VERDICT_UNHANDLED : VERDICT_PASSED;
	}
	return VERDICT_DONE;
}

const struct analyzer analyzer_ssdp = {
	.name = "ssdp",
	.match = {.layer = LAYER_UDP,
                  .ports = {PORT_SSDP, PORT_SSDP_OLD, PORT_PLEX_1, PORT_PLEX_2, PORT_MEMCACHED}},
	.records = {REC_UC},
	.run = ssdp_run,
};
