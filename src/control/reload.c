/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Databases that are replaced while the sensor runs. The new ones are loaded beside the old ones.
 * Each worker then ends behind the block that it has in work, and a new process, which has the new
 * databases, goes on in its ring: what comes in between waits there.
 */
#include "sensor.h"

#include <passer/base/log.h>

#include <errno.h>

/* With bad rows a sensor starts, since a part is better than nothing; here the old ones are. */
static int load_sound(const struct supervisor *s, struct databases *db, struct err *err)
{
	int ret = setup_load_databases(s, db, err);

	if (ret == 0 && db->bad_rows > 0) {
		return err_set(err, -EINVAL, "%zu bad rows", db->bad_rows);
	}
	return ret;
}

int reload_databases(struct supervisor *s, struct err *err)
{
	struct databases fresh;
	int ret = load_sound(s, &fresh, err);

	if (ret < 0) {
		databases_fini(&fresh);
		return ret;
	}
	databases_prepare(&fresh);
	databases_fini(&s->db);
	s->db = fresh;
	crew_renew(s);
	log_info("databases loaded anew");
	return 0;
}
