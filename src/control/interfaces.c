/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "interfaces.h"

#include <passer/base/log.h>

#include <string.h>

static void note_link(struct interface *iface, const struct link_info *link)
{
	link_tally_note(&iface->tally, link);
	iface->is_up = link->is_up && !link->is_gone;
	iface->mtu = link->mtu;
}

int interfaces_init(struct interfaces *interfaces, const struct options *options,
                    const struct selection *selection, unsigned workers, struct err *err)
{
	*interfaces = (struct interfaces){
		.options = options,
		.selection = selection,
		.workers = workers,
	};
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
		note_link(&interfaces->list[i], &link);
	}
	return 0;
}

/* ---- What rings have counted ---- */

static void read_filter(const struct ring *ring, struct ring_counts *counts,
                        struct filter_counters *sum)
{
	struct filter_counters filter;
	int ret = ring_read_filter(ring, &filter);

	if (ret < 0) {
		log_debug("capture: counters of the filter cannot be read: %s", strerror(-ret));
		return;
	}
	ring_counts_set_filter(counts, &filter);
	filter_counters_add(sum, &filter);
}

/* The order is that of report.h: what is behind a stage before what comes to it. */
static struct ring_counts read_open_ring(struct interfaces *all, unsigned k, unsigned worker,
                                         struct filter_counters *filter)
{
	struct interface *iface = &all->list[k];
	struct ring *ring = iface->rings[worker];
	const struct ring_progress *progress = &all->shared[worker]->progress[k];
	struct ring_counts counts = {.waiting = ring_waiting(ring)};

	counts.handed_out = __atomic_load_n(&progress->frames, __ATOMIC_ACQUIRE);
	counts.torn = progress->frames_torn;
	counts.blocks_waiting_max = progress->blocks_waiting_max;
	int ret = ring_read_counters(ring, &iface->kernel[worker]);

	if (ret < 0) {
		log_debug("%s: no packet statistics: %s", iface->name, strerror(-ret));
	}
	counts.kernel = iface->kernel[worker];
	read_filter(ring, &counts, filter);
	return counts;
}

struct ring_counts interfaces_read_ring(struct interfaces *interfaces, unsigned k, unsigned worker,
                                        struct filter_counters *filter)
{
	struct ring_counts sum = interfaces->list[k].closed[worker];

	if (interfaces->list[k].rings[worker] != NULL) {
		struct ring_counts open = read_open_ring(interfaces, k, worker, filter);

		ring_counts_add(&sum, &open);
	}
	return sum;
}

uint64_t interfaces_handed_out(const struct interfaces *interfaces, unsigned worker)
{
	uint64_t sum = 0;

	for (unsigned k = 0; k < interfaces->count; k++) {
		sum += interfaces->list[k].closed[worker].handed_out;
		if (interfaces->list[k].rings[worker] != NULL) {
			sum += interfaces->shared[worker]->progress[k].frames;
		}
	}
	return sum;
}

uint32_t interfaces_longest_frame(const struct interfaces *interfaces)
{
	enum { LINK_BYTES = 14 + 2 * 4 }; /* Ethernet and two tags */
	uint32_t longest = 0;

	for (unsigned k = 0; k < interfaces->count && interfaces->list[k].ifindex != 0; k++) {
		uint32_t bytes = interfaces->list[k].mtu + LINK_BYTES;

		longest = bytes > longest ? bytes : longest;
	}
	return longest;
}

/* ---- Opening and closing them ---- */

/* One whose table of flows the others share; NULL when this is the first one. */
static const struct ring *any_ring(const struct interfaces *all)
{
	for (unsigned k = 0; k < all->count; k++) {
		for (unsigned i = 0; i < all->workers; i++) {
			if (all->list[k].rings[i] != NULL) {
				return all->list[k].rings[i];
			}
		}
	}
	return NULL;
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
		.selection = {.keep_classes = all->selection->classes,
	                      .tcp_budget = all->selection->tcp_budget,
	                      .udp_budget = all->selection->udp_budget},
		.expression = o->expression,
		.sibling = any_ring(all),
		.fanout = o->fanout,
		.fanout_id = worker > 0 ? ring_fanout_id(iface->rings[0]) : -1,
		.is_alone = all->workers == 1,
		.progress = &shared->progress[k],
	};

	shared->progress[k] = (struct ring_progress){.block_seq = 0};
	return ring_open(&config, &iface->rings[worker], err);
}

/* Its counts go on in those of the rings that come after it; what it still holds is lost. */
static void close_ring(struct interfaces *all, unsigned k, unsigned worker)
{
	struct interface *iface = &all->list[k];

	if (iface->rings[worker] == NULL) {
		return;
	}
	(void)ring_mute(iface->rings[worker]);
	struct ring_counts last = read_open_ring(all, k, worker, &all->closed_filter);

	last.abandoned += last.waiting;
	last.waiting = 0;
	ring_counts_add(&iface->closed[worker], &last);
	ring_close(iface->rings[worker]);
	iface->rings[worker] = NULL;
	iface->kernel[worker] = (struct ring_counters){0};
	all->shared[worker]->progress[k] = (struct ring_progress){0};
}

static void close_rings(struct interfaces *interfaces, unsigned k)
{
	for (unsigned i = 0; i < interfaces->workers; i++) {
		close_ring(interfaces, k, i);
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
	memcpy(interfaces->shared, shared, interfaces->workers * sizeof(shared[0]));
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

	if (is_known || strcmp(iface->name, link->name) == 0) {
		note_link(iface, link);
	}
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
			link_tally_note(&iface->tally, link);
			add_promisc(iface, link);
		} else {
			must_reopen |= on_named_link(iface, link);
		}
	}
	return must_reopen;
}

void interfaces_close_stale(struct interfaces *interfaces)
{
	for (unsigned k = 0; k < interfaces->count; k++) {
		struct interface *iface = &interfaces->list[k];

		if (!iface->is_stale) {
			continue;
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

/* A link that is listed again: only what it has counted is of interest. */
static void note_listed(void *user, const struct link_info *link)
{
	struct interfaces *interfaces = user;

	for (unsigned k = 0; k < interfaces->count; k++) {
		struct interface *iface = &interfaces->list[k];

		if (iface->ifindex == 0) {
			link_tally_note(&iface->tally, link);
		} else if (iface->ifindex == link->ifindex && !iface->is_gone) {
			note_link(iface, link);
		}
	}
}

void interfaces_read_links(struct interfaces *interfaces)
{
	int ret = link_list(note_listed, interfaces);

	if (ret < 0) {
		log_debug("interfaces: no statistics: %s", strerror(-ret));
	}
}

int interfaces_select(struct interfaces *interfaces, const struct selection *selection)
{
	struct ring_selection wanted = {
		.keep_classes = selection->classes,
		.tcp_budget = selection->tcp_budget,
		.udp_budget = selection->udp_budget,
	};
	int ret = 0;

	for (unsigned k = 0; k < interfaces->count; k++) {
		for (unsigned i = 0; i < interfaces->workers; i++) {
			struct ring *ring = interfaces->list[k].rings[i];
			int one = ring != NULL ? ring_set_selection(ring, &wanted) : 0;

			ret = ret == 0 ? one : ret;
		}
	}
	return ret;
}

void interfaces_close(struct interfaces *interfaces)
{
	for (unsigned k = 0; k < interfaces->count; k++) {
		close_rings(interfaces, k);
	}
}
