/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/analyzers/databases.h>
#include <passer/base/log.h>
#include <passer/fingerprint/file.h>
#include <passer/fingerprint/signatures.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Says why a table of ours could not be loaded. */
static int told(int ret, const char *file, struct err *err)
{
	if (ret == 0) {
		return 0;
	}
	return err_set(err, ret, ret == -ENOMEM ? "out of memory for %s" : "%s: cannot be loaded",
	               file);
}

static int load_banners(struct banners **out_table, const char *file, struct err *err)
{
	struct rows_report report = {.tell = NULL};

	*out_table = banners_new();
	return told(*out_table != NULL
	                    ? banners_load(*out_table, file, signatures_text(file), &report)
	                    : -ENOMEM,
	            file, err);
}

static int load_ports(struct port_names **out_table, const char *file, struct err *err)
{
	struct rows_report report = {.tell = NULL};

	*out_table = port_names_new();
	return told(*out_table != NULL
	                    ? port_names_load(*out_table, file, signatures_text(file), &report)
	                    : -ENOMEM,
	            file, err);
}

static int load_mdns(struct mdns_services **out_table, const char *file, struct err *err)
{
	struct rows_report report = {.tell = NULL};

	*out_table = mdns_services_new();
	return told(*out_table != NULL
	                    ? mdns_services_load(*out_table, file, signatures_text(file), &report)
	                    : -ENOMEM,
	            file, err);
}

static int load_dns_any(struct dns_any **out_table, const char *file, struct err *err)
{
	struct rows_report report = {.tell = NULL};

	*out_table = dns_any_new();
	return told(*out_table != NULL
	                    ? dns_any_load(*out_table, file, signatures_text(file), &report)
	                    : -ENOMEM,
	            file, err);
}

static int load_udp_file(struct udp_rules *rules, const char *path, struct rows_report *report,
                         struct err *err)
{
	uint8_t *bytes;
	size_t len;
	int ret = file_read(path, &bytes, &len, err);

	if (ret < 0) {
		return ret;
	}
	ret = udp_rules_load(rules, path, span_of(bytes, len), report);
	free(bytes);
	/* Columns that make no sense have been told, and count as one bad row. */
	if (ret == 0 || ret == -EINVAL) {
		return 0;
	}
	return err_set(err, ret,
	               ret == -E2BIG ? "%s: its rows name too many ports" : "%s: cannot be loaded",
	               path);
}

static int load_udp_files(struct udp_rules *rules, struct signature_files own,
                          struct rows_report *report, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < own.count; i++) {
		ret = load_udp_file(rules, own.paths[i], report, err);
	}
	return ret;
}

static int load_udp(struct databases *db, struct signature_files own, struct err *err)
{
	static const char file[] = "udp.tsv";
	struct rows_report report = {.tell = NULL};
	struct udp_rules *rules = udp_rules_new();

	db->udp_rules = rules;
	if (rules == NULL) {
		return err_set(err, -ENOMEM, "out of memory for %s", file);
	}
	int ret = load_udp_files(rules, own, &report, err);

	if (ret < 0) {
		return ret;
	}
	db->bad_rows += report.bad;
	ret = udp_rules_load(rules, file, signatures_text(file), &report);
	return ret < 0 ? err_set(err, ret, "%s: cannot be loaded", file) : 0;
}

/* A row behind one that takes all of its packets would never be heard of. */
static void check_order(const struct udp_rules *rules, struct rows_report *report)
{
	for (size_t i = 0; i < udp_rules_count(rules); i++) {
		const struct udp_rule *rule = udp_rules_get(rules, i);
		const struct udp_rule *thief = udp_rules_thief(rules, i);
		char message[512];

		if (thief != NULL) {
			snprintf(message, sizeof(message),
			         "%s:%zu: example: %s:%zu, %s, takes it first", rule->file,
			         rule->line, thief->file, thief->line, thief->id);
			report->tell(report->context, message);
			report->bad++;
			report->good--;
		}
	}
}

int databases_check(struct signature_files own, struct rows_report *report, struct err *err)
{
	struct udp_rules *rules = udp_rules_new();
	int ret;

	if (rules == NULL) {
		return err_set(err, -ENOMEM, "out of memory");
	}
	ret = load_udp_files(rules, own, report, err);
	if (ret == 0) {
		check_order(rules, report);
	}
	udp_rules_free(rules);
	return ret;
}

/*
 * nmap's file is a database of the system: without it the sensor runs, and one line says what is
 * lost. A file that the user named must be there.
 */
static int load_probes(struct databases *db, const char *named, struct err *err)
{
	const char *const only[] = {named, NULL};
	struct service_probes_counts counts;
	int ret = service_probes_new(named != NULL ? only : service_probes_default_paths,
	                             &db->probes, err);

	if (ret < 0) {
		db->probes = NULL;
		if (named != NULL) {
			return ret;
		}
		log_warn("TS and US records name few products: %s; apt-get install nmap-common",
		         err->text);
		return 0;
	}
	counts = service_probes_counts(db->probes);
	db->bad_rows += named != NULL ? counts.bad : 0;
	if (counts.patterns == 0) {
		log_warn("%s: no pattern of a product in it; TS and US records name few products",
		         named != NULL ? named : "nmap-service-probes");
	}
	log_debug("service probes: %zu patterns, %zu of them always asked, %zu skipped, %zu bad",
	          counts.patterns, counts.always, counts.skipped, counts.bad);
	return 0;
}

static int add_geo(struct geo *geo, const char *name, struct err *err)
{
	if (strcmp(name, GEOIP_AUTO) != 0) {
		return geo_add(geo, name, err);
	}
	if (geo_add_found(geo, geo_default_folders) == 0) {
		log_warn("--geoip auto: there is no database in /var/lib/GeoIP, "
		         "/usr/local/share/GeoIP and /usr/share/GeoIP; see geoipupdate(1)");
	}
	return 0;
}

static int load_geo(struct geo **out_geo, struct signature_files own, struct err *err)
{
	int ret = own.geoip_count > 0 ? geo_new(out_geo, err) : 0;

	for (size_t i = 0; i < own.geoip_count && ret == 0; i++) {
		ret = add_geo(*out_geo, own.geoip[i], err);
	}
	return ret;
}

/* p0f's own signatures; a database of the system, as nmap's. */
static int load_p0f_default(struct p0f *p0f, struct rows_report *report, struct err *err)
{
	int ret = -ENOENT;

	for (const char *const *path = p0f_default_paths; *path != NULL && ret == -ENOENT; path++) {
		ret = p0f_load_file(p0f, *path, report, err);
	}
	if (ret < 0 && ret != -ENOMEM) {
		log_warn("IP records name current operating systems only: %s; apt-get install p0f",
		         err->text);
		return 0;
	}
	return ret;
}

static int load_p0f(struct databases *db, struct signature_files own, struct err *err)
{
	static const char file[] = "os.fp";
	struct rows_report report = {.tell = NULL};
	int ret = 0;

	db->p0f = p0f_new();
	if (db->p0f == NULL) {
		return told(-ENOMEM, file, err);
	}
	for (size_t i = 0; ret == 0 && i < own.p0f_count; i++) {
		ret = p0f_load_file(db->p0f, own.p0f[i], &report, err);
	}
	db->bad_rows += report.bad;
	if (ret == 0 && own.p0f_count == 0) {
		ret = load_p0f_default(db->p0f, &report, err);
	}
	if (ret == 0) {
		ret = told(p0f_load(db->p0f, file, signatures_text(file), &report), file, err);
	}
	log_debug("p0f: %zu signatures, %zu bad lines", p0f_count(db->p0f), report.bad);
	return ret;
}

int databases_init(struct databases *db, struct signature_files own, struct err *err)
{
	int ret;

	*db = (struct databases){.oui = NULL};
	if (oui_new(oui_default_paths, &db->oui, err) < 0) {
		db->oui = NULL;
		log_warn("MA records come without manufacturers: %s; apt-get install nmap-common "
		         "ieee-data",
		         err->text);
	}
	ret = load_probes(db, own.service_probes, err);
	if (ret == 0) {
		ret = load_geo(&db->geo, own, err);
	}
	if (ret == 0) {
		ret = load_p0f(db, own, err);
	}
	if (ret == 0) {
		ret = load_banners(&db->tcp_servers, "tcp_server.tsv", err);
	}
	if (ret == 0) {
		ret = load_banners(&db->tcp_clients, "tcp_client.tsv", err);
	}
	if (ret == 0) {
		ret = load_ports(&db->tcp_policy, "policy_tcp.tsv", err);
	}
	if (ret == 0) {
		ret = load_ports(&db->sip_ports, "sip_ports.tsv", err);
	}
	if (ret == 0) {
		ret = load_mdns(&db->mdns_services, "mdns.tsv", err);
	}
	if (ret == 0) {
		ret = load_dns_any(&db->dns_any, "dns_any.tsv", err);
	}
	if (ret == 0) {
		ret = load_udp(db, own, err);
	}
	return ret;
}

void databases_prepare(struct databases *db)
{
	if (db->probes != NULL) {
		service_probes_compile(db->probes);
	}
}

void databases_fini(struct databases *db)
{
	addr_set_free(db->trusted);
	oui_free(db->oui);
	geo_free(db->geo);
	service_probes_free(db->probes);
	p0f_free(db->p0f);
	banners_free(db->tcp_servers);
	banners_free(db->tcp_clients);
	port_names_free(db->tcp_policy);
	port_names_free(db->sip_ports);
	mdns_services_free(db->mdns_services);
	dns_any_free(db->dns_any);
	udp_rules_free(db->udp_rules);
	*db = (struct databases){.oui = NULL};
}
