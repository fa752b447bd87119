/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "interfaces.h"

#include <passer/base/log.h>

#include <string.h>

#define ALL_CLASSES ((1u << FRAME_CLASS_COUNT) - 1)
#define ACK_CLASSES (1u << FRAME_CLASS_TCP_ACK_EMPTY | 1u << FRAME_CLASS_TCP_ACK_DATA)

int interfaces_init(struct interfaces *interfaces, const struct options *options, unsigned workers,
                    struct err *err)
{
	*interfaces = (struct interfaces){.options = options, .workers = workers};
	if (options->interface_count == 0) {
		interfaces->list[0] = (struct interface){.name = "all interfaces"};
		interfaces->count = 1;
		return 0;
	}
	for (unsigned i = 0; i < options->interface_count; i++) {
		struct link_info link;
		int ret = link_find(options->interfaces[i], &link, err);

		if (ret < 0) {
			return ret;
		}
		if (!link.is_up) {
			log_warn("%s is down or has no carrier; nothing is heard until that ends "
			         "(ip link set %s up)",
			         link.name, link.name);
		}
		interfaces->list[interfaces->count++] = (struct interface){
			.name = options->interfaces[i],
			.ifindex = link.ifindex,
		};
	}
	return 0;
}

static int open_one(struct interfaces *all, unsigned k, unsigned worker,
                    struct worker_shared *shared, struct err *err)
{
	const struct options *o = all->options;
	struct interface *iface = &all->list[k];
	struct ring_config config = {
		.ifindex = iface->ifindex,
		.name = iface->name,
		.ring_bytes = o->ring_bytes / all->count,
		.block_bytes = o->block_bytes,
		.retire_ms = o->retire_ms,
		.keep_classes = o->drops_acks ? ALL_CLASSES & ~ACK_CLASSES : ALL_CLASSES,
		.fanout_id = worker > 0 ? ring_fanout_id(iface->rings[0]) : -1,
		.is_alone = all->workers == 1,
		.progress = &shared->progress[k],
	};

	shared->progress[k] = (struct ring_progress){.block_seq = 0};
	return ring_open(&config, &iface->rings[worker], err);
}

static void close_rings(struct interfaces *interfaces, unsigned k)
{
	for (unsigned i = 0; i < interfaces->workers; i++) {
		ring_close(interfaces->list[k].rings[i]);
		interfaces->list[k].rings[i] = NULL;
	}
}

/* All rings of an interface or none. */
static int open_rings(struct interfaces *interfaces, unsigned k,
                      struct worker_shared *const *shared, struct err *err)
{
	for (unsigned i = 0; i < interfaces->workers; i++) {
		if (interfaces->list[k].rings[i] != NULL) {
			continue;
		}
		int ret = open_one(interfaces, k, i, shared[i], err);

		if (ret < 0) {
			close_rings(interfaces, k);
			return ret;
		}
	}
	return 0;
}

/* Is it plain why an interface could not be opened: it is not there any more, or not up? */
static bool is_to_be_waited_for(const struct interface *iface)
{
	struct link_info link;
	struct err err;

	return iface->ifindex != 0 && (link_find(iface->name, &link, &err) < 0 ||
	                               link.ifindex != iface->ifindex || !link.is_up);
}

int interfaces_open(struct interfaces *interfaces, struct worker_shared *const *shared,
                    struct err *err)
{
	for (unsigned k = 0; k < interfaces->count; k++) {
		struct interface *iface = &interfaces->list[k];
		int ret = iface->is_gone ? 0 : open_rings(interfaces, k, shared, err);

		if (ret < 0 && !is_to_be_waited_for(iface)) {
			return ret;
		}
		iface->is_gone |= ret < 0;
	}
	return 0;
}

static void add_promisc(struct interface *all, const struct link_info *link)
{
	int ret;

	if (link->is_gone || link->is_loopback || link_type_of(link->hatype) == LINK_UNKNOWN) {
		return;
	}
	ret = ring_add_promisc(all->rings[0], link->ifindex);
	if (ret < 0) {
		log_warn("%s: cannot be set promiscuous: %s", link->name, strerror(-ret));
	}
}

static void note_gone(struct interface *iface)
{
	if (!iface->is_gone) {
		iface->is_gone = true;
		log_warn("%s is gone; passer waits for it", iface->name);
	}
}

static bool on_named_link(struct interface *iface, const struct link_info *link)
{
	bool is_known = link->ifindex == iface->ifindex;

	if (link->is_gone) {
		if (is_known) {
			note_gone(iface);
		}
		return false;
	}
	/* Its index does not tell that it is new: one that was moved away and back keeps it. */
	if (strcmp(iface->name, link->name) != 0 || (is_known && !iface->is_gone)) {
		return false;
	}
	note_gone(iface);
	if (!link->is_up) {
		return false;
	}
	log_info("%s is back", iface->name);
	iface->ifindex = link->ifindex;
	iface->is_gone = false;
	iface->is_stale = true;
	return true;
}

bool interfaces_on_link(struct interfaces *interfaces, const struct link_info *link)
{
	bool must_reopen = false;

	for (unsigned k = 0; k < interfaces->count; k++) {
		struct interface *iface = &interfaces->list[k];

		if (interfaces->options->interface_count == 0) {
			add_promisc(iface, link);
		} else {
			must_reopen |= on_named_link(iface, link);
		}
	}
	return must_reopen;
}

static void add_classes(struct class_counter sum[FRAME_CLASS_COUNT], const struct ring *ring)
{
	struct class_counter classes[FRAME_CLASS_COUNT];

	if (ring == NULL || ring_read_classes(ring, classes) < 0) {
		return;
	}
	for (int c = 0; c < FRAME_CLASS_COUNT; c++) {
		sum[c].kept += classes[c].kept;
		sum[c].dropped += classes[c].dropped;
		sum[c].kept_bytes += classes[c].kept_bytes;
		sum[c].dropped_bytes += classes[c].dropped_bytes;
	}
}

void interfaces_close_stale(struct interfaces *interfaces)
{
	for (unsigned k = 0; k < interfaces->count; k++) {
		struct interface *iface = &interfaces->list[k];

		if (!iface->is_stale) {
			continue;
		}
		for (unsigned i = 0; i < interfaces->workers; i++) {
			add_classes(interfaces->closed[i], iface->rings[i]);
		}
		close_rings(interfaces, k);
		iface->is_stale = false;
	}
}

void interfaces_mute(struct interfaces *interfaces)
{
	for (unsigned k = 0; k < interfaces->count; k++) {
		for (unsigned i = 0; i < interfaces->workers; i++) {
			struct ring *ring = interfaces->list[k].rings[i];
			int ret = ring != NULL ? ring_mute(ring) : 0;

			if (ret < 0) {
				log_warn("%s: cannot be muted: %s", interfaces->list[k].name,
				         strerror(-ret));
			}
		}
	}
}

void interfaces_read_drops(struct interfaces *interfaces, unsigned worker,
                           struct ring_counters *counters)
{
	for (unsigned k = 0; k < interfaces->count; k++) {
		struct ring *ring = interfaces->list[k].rings[worker];
		int ret = ring != NULL ? ring_read_counters(ring, counters) : 0;

		if (ret < 0) {
			log_debug("%s: no packet statistics: %s", interfaces->list[k].name,
			          strerror(-ret));
		}
	}
}

void interfaces_read_classes(const struct interfaces *interfaces, unsigned worker,
                             struct class_counter out_classes[FRAME_CLASS_COUNT])
{
	memcpy(out_classes, interfaces->closed[worker], sizeof(interfaces->closed[worker]));
	for (unsigned k = 0; k < interfaces->count; k++) {
		add_classes(out_classes, interfaces->list[k].rings[worker]);
	}
}

void interfaces_close(struct interfaces *interfaces)
{
	for (unsigned k = 0; k < interfaces->count; k++) {
		close_rings(interfaces, k);
	}
}
