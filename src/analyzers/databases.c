/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <passer/analyzers/databases.h>
#include <passer/base/log.h>
#include <passer/fingerprint/signatures.h>

#include <errno.h>

static int load_banners(struct banners **out_banners, const char *file, struct err *err)
{
	struct rows_report report = {.tell = NULL};
	struct banners *b = banners_new();

	*out_banners = b;
	if (b == NULL) {
		return err_set(err, -ENOMEM, "out of memory for %s", file);
	}
	int ret = banners_load(b, file, signatures_text(file), &report);

	return ret < 0 ? err_set(err, ret, "%s: cannot be loaded", file) : 0;
}

static int load_policy(struct port_names **out_names, const char *file, struct err *err)
{
	struct rows_report report = {.tell = NULL};
	struct port_names *names = port_names_new();

	*out_names = names;
	if (names == NULL) {
		return err_set(err, -ENOMEM, "out of memory for %s", file);
	}
	int ret = port_names_load(names, file, signatures_text(file), &report);

	return ret < 0 ? err_set(err, ret, "%s: cannot be loaded", file) : 0;
}

int databases_init(struct databases *db, struct err *err)
{
	int ret;

	*db = (struct databases){.oui = NULL};
	if (oui_new(oui_default_paths, &db->oui, err) < 0) {
		db->oui = NULL;
		log_warn("MA records come without manufacturers: %s; apt-get install nmap-common "
		         "ieee-data",
		         err->text);
	}
	ret = load_banners(&db->tcp_servers, "tcp_server.tsv", err);
	if (ret == 0) {
		ret = load_banners(&db->tcp_clients, "tcp_client.tsv", err);
	}
	if (ret == 0) {
		ret = load_policy(&db->tcp_policy, "policy_tcp.tsv", err);
	}
	return ret;
}

void databases_fini(struct databases *db)
{
	oui_free(db->oui);
	banners_free(db->tcp_servers);
	banners_free(db->tcp_clients);
	port_names_free(db->tcp_policy);
	*db = (struct databases){.oui = NULL};
}
