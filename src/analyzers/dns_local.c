/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns_response.h"

struct record *dns_begin(const struct dns_response *r, enum record_type type,
                         const struct addr *addr, const char *proto)
{
	struct record *rec = &r->ctx->rec;

	record_begin(rec, type, addr, proto, PROTO_PLAIN, r->time_ns);
	return rec;
}

void dns_add_strings(struct text *t, struct cursor data)
{
	for (bool is_first = true; cur_left(&data) > 0; is_first = false) {
		struct span string = dns_string_parse(&data);

		if (!cur_ok(&data)) {
			break;
		}
		if (!is_first) {
			text_add(t, " ");
		}
		text_add_clean(t, string);
	}
}

/* As data, the root is no name. */
static struct span target_span(const struct dns_name *target)
{
	return target->len > 1 ? dns_name_span(target) : span_of(NULL, 0);
}

/* ---- services -------------------------------------------------------------------------------- */

static void emit_ports(const struct dns_response *r, const struct mdns_service *s, bool is_tcp)
{
	for (size_t i = 0; i < s->port_count; i++) {
		for (unsigned port = s->ports[i].first; port <= s->ports[i].last; port++) {
			emit_words(r->ctx, is_tcp ? REC_TS : REC_US, &r->pkt->src,
			           is_tcp ? "TCP_" : "UDP_", (int32_t)port, "listening", s->text,
			           s->warnings, r->time_ns);
		}
	}
}

static void emit_host(const struct dns_response *r, const struct mdns_service *s,
                      struct span service)
{
	struct record *rec = dns_begin(r, REC_IP, &r->pkt->src, "IP");

	text_add(&rec->state, s->text);
	if (s->wants_name) {
		text_add_clean(&rec->desc, service);
	}
	rec->warnings = s->warnings;
	emit(r->ctx);
}

/* One service of those that the host has. */
static void on_service(struct dns_response *r, const struct dns_name *target)
{
	const struct mdns_service *rows[MDNS_ROWS_MAX];
	struct span service = target_span(target);
	size_t n = mdns_services_find(r->ctx->db->mdns_services, service, rows);

	for (size_t i = 0; i < n; i++) {
		if (rows[i]->is_host) {
			emit_host(r, rows[i], service);
		}
		if (rows[i]->has_tcp) {
			emit_ports(r, rows[i], true);
		}
		if (rows[i]->has_udp) {
			emit_ports(r, rows[i], false);
		}
	}
	r->has_unknown_service = r->has_unknown_service || (n == 0 && service.len > 0);
}

/* The names of some services tell more than that there is one. */
static void on_instance(const struct dns_response *r, const struct dns_name *owner,
                        const struct dns_name *target)
{
	static const char device_info[] = "._device-info._tcp.local.";
	struct span name = dns_name_span(owner);
	struct record *rec;

	if (span_has_prefix(name, span_str("_kerberos.")) &&
	    span_has_prefix(dns_name_span(target), span_str("LKDC:"))) {
		rec = dns_begin(r, REC_DN, &r->pkt->src, "PTR");
		text_add_clean(&rec->state, name);
		text_add(&rec->desc, "Kerberos");
	} else if (dns_name_ends_with(owner, device_info)) {
		rec = dns_begin(r, REC_IP, &r->pkt->src, "IP");
		text_add_clean(&rec->state,
		               span_of(name.data, name.len - (sizeof(device_info) - 1)));
		text_add_clean(&rec->desc, target_span(target));
	} else if (dns_name_is(owner, "_presence._tcp.local.")) {
		rec = dns_begin(r, REC_IP, &r->pkt->src, "IP");
		text_add(&rec->state, "XMPP/Jabber/_presence Owner ID");
		text_add_clean(&rec->desc, target_span(target));
	} else {
		return;
	}
	emit(r->ctx);
}

void dns_local_ptr(struct dns_response *r, const struct dns_name *owner,
                   const struct dns_name *target)
{
	struct record *rec = dns_begin(r, REC_DN, &r->pkt->src, "PTR");

	text_add_clean_lower(&rec->state, dns_name_span(owner));
	text_add_clean_lower(&rec->desc, target_span(target));
	emit(r->ctx);
	if (dns_name_is(owner, "_services._dns-sd._udp.local.")) {
		on_service(r, target);
	} else {
		on_instance(r, owner, target);
	}
}

/* ---- texts ----------------------------------------------------------------------------------- */

static struct record *begin_local(const struct dns_response *r, const char *proto,
                                  const struct dns_record *record)
{
	struct span owner = dns_name_span(&record->owner);

	if (!span_has_suffix(owner, span_str(".local."))) {
		return NULL;
	}
	struct record *rec = dns_begin(r, REC_DN, &r->pkt->src, proto);

	text_add_clean(&rec->state, owner);
	return rec;
}

void dns_local_hinfo(const struct dns_response *r, struct dns_record *record)
{
	struct record *rec = begin_local(r, "HINFO", record);

	if (rec != NULL) {
		text_add(&rec->desc, "cpu=");
		text_add_clean(&rec->desc, dns_string_parse(&record->data));
		text_add(&rec->desc, " os=");
		text_add_clean(&rec->desc, dns_string_parse(&record->data));
		emit(r->ctx);
	}
}

void dns_local_txt(const struct dns_response *r, struct dns_record *record)
{
	struct record *rec = begin_local(r, "PTR", record);

	if (rec != NULL) {
		dns_add_strings(&rec->desc, record->data);
		emit(r->ctx);
	}
}

void dns_local_srv(const struct dns_response *r, struct dns_record *record)
{
	if (begin_local(r, "SRV", record) != NULL) {
		emit(r->ctx);
	}
}
