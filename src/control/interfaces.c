/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "interfaces.h"

#include <passer/base/clock.h>
#include <passer/base/log.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#define SPARES_MAX       64  /* of all rings: the kernel takes 12 ms to close one */
#define DESCRIPTORS_FREE 128 /* left for all that is opened later */
#define SETTLE_NS        NS_PER_S
#define CALM_NS          (10 * NS_PER_S)

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

/* Before Linux 5.19 it took CAP_BPF where kernel.unprivileged_bpf_disabled is set. */
static void tell_unread(int code)
{
	static bool is_told;

	if (!is_told) {
		is_told = true;
		log_warn("capture: counters of the filter cannot be read: %s; see passer --check",
		         strerror(-code));
	}
}

static void read_filter(const struct ring_stock *stock, struct ring_counts *counts,
                        struct filter_counters *sum)
{
	struct filter_counters filter;
	int ret = ring_stock_read_filter(stock, &filter);

	if (ret < 0) {
		tell_unread(ret);
		return;
	}
	ring_counts_set_filter(counts, &filter);
	filter_counters_add(sum, &filter);
}

/* The order is that of report.h: what is behind a stage before what comes to it. */
static struct ring_counts read_open_ring(struct interfaces *all, unsigned k, unsigned worker)
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
	return counts;
}

struct ring_counts interfaces_read_ring(struct interfaces *interfaces, unsigned k, unsigned worker,
                                        struct filter_counters *filter)
{
	const struct interface *iface = &interfaces->list[k];
	struct ring_counts sum = iface->closed[worker];

	if (iface->rings[worker] != NULL) {
		struct ring_counts open = read_open_ring(interfaces, k, worker);

		ring_counts_add(&sum, &open);
	}
	if (iface->stocks[worker] != NULL) {
		read_filter(iface->stocks[worker], &sum, filter);
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

/* One whose table of flows the others share; NULL: there is none yet. */
static const struct ring_stock *any_stock(const struct interfaces *all)
{
	for (unsigned k = 0; k < all->count; k++) {
		for (unsigned i = 0; i < all->workers; i++) {
			if (all->list[k].stocks[i] != NULL) {
				return all->list[k].stocks[i];
			}
		}
	}
	return NULL;
}

static struct ring_config config_of(const struct interfaces *all, unsigned k, unsigned worker)
{
	const struct options *o = all->options;
	const struct interface *iface = &all->list[k];

	return (struct ring_config){
		.ifindex = iface->ifindex,
		.name = iface->name,
		.ring_bytes = o->ring_bytes / all->count,
		.block_bytes = o->block_bytes,
		.retire_ms = o->retire_ms,
		.selection = {.keep_classes = all->selection->classes,
	                      .tcp_budget = all->selection->tcp_budget,
	                      .udp_budget = all->selection->udp_budget},
		.expression = o->expression,
		.sibling = any_stock(all),
		.stock = iface->stocks[worker],
		.fanout = o->fanout,
		.fanout_id = iface->rings[0] != NULL ? ring_fanout_id(iface->rings[0]) : -1,
		.is_alone = all->workers == 1,
		.progress = &all->shared[worker]->progress[k],
	};
}

/*
 * Its counts go on in those of the rings that come after it, those of its filter in the stock; what
 * it still holds is lost.
 */
static void close_ring(struct interfaces *all, unsigned k, unsigned worker)
{
	struct interface *iface = &all->list[k];

	if (iface->rings[worker] == NULL) {
		return;
	}
	(void)ring_mute(iface->rings[worker]);
	struct ring_counts last = read_open_ring(all, k, worker);

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

static int open_stocks(struct interfaces *all, unsigned k, struct err *err)
{
	int ret = 0;

	for (unsigned i = 0; i < all->workers && ret == 0; i++) {
		struct ring_config config = config_of(all, k, i);

		if (config.stock == NULL) {
			ret = ring_stock_open(&config, &all->list[k].stocks[i], err);
		}
	}
	return ret;
}

/* All rings of an interface or none. */
static int open_rings(struct interfaces *all, unsigned k, struct err *err)
{
	int ret = open_stocks(all, k, err);

	for (unsigned i = 0; i < all->workers && ret == 0; i++) {
		struct ring_config config = config_of(all, k, i);

		if (all->list[k].rings[i] == NULL) {
			ret = ring_open(&config, &all->list[k].rings[i], err);
		}
	}
	if (ret < 0) {
		close_rings(all, k);
	}
	return ret;
}

static void note_gone(struct interface *iface)
{
	if (!iface->is_gone) {
		iface->is_gone = true;
		log_warn("%s is gone; passer waits for it", iface->name);
	}
}

static bool is_forbidden(int ret)
{
	return ret == -EPERM || ret == -EACCES;
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
		int ret = iface->is_gone ? 0 : open_rings(interfaces, k, err);

		if (ret < 0 && (is_forbidden(ret) || !is_to_be_waited_for(iface))) {
			return ret;
		}
		if (ret < 0) {
			note_gone(iface);
		}
	}
	return 0;
}

/* ---- Sockets for those that come back ---- */

/* Asks for so many descriptors more, and returns how many there can be at last. */
static int raise_descriptors_by(unsigned more)
{
	struct rlimit limit, raised;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		return 0;
	}
	raised.rlim_cur = limit.rlim_cur + more;
	raised.rlim_max = limit.rlim_max > raised.rlim_cur ? limit.rlim_max : raised.rlim_cur;
	if (setrlimit(RLIMIT_NOFILE, &raised) != 0) { /* a higher end takes CAP_SYS_RESOURCE */
		raised.rlim_cur = raised.rlim_max = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &raised);
	}
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur < INT32_MAX ? (int)limit.rlim_cur : INT32_MAX;
}

/* One socket for each ring, for each ring needs one when an interface comes back. */
static int lay_in_once(struct interfaces *all, int fd_max)
{
	int ret = 0;

	for (unsigned k = 0; k < all->count; k++) {
		for (unsigned i = 0; i < all->workers && ret == 0; i++) {
			struct ring_stock *stock = all->list[k].stocks[i];

			ret = stock != NULL ? ring_stock_add_socket(stock, fd_max) : 0;
		}
	}
	return ret;
}

/* For each ring. One that is in no group gives its own back: one more, should that fail once. */
static unsigned spares_of(const struct interfaces *all)
{
	unsigned share = SPARES_MAX / (all->count * all->workers);

	if (all->workers == 1 || share == 0) {
		return 1;
	}
	return share < RING_SPARES_MAX ? share : RING_SPARES_MAX;
}

void interfaces_lay_in(struct interfaces *interfaces)
{
	unsigned rings = interfaces->count * interfaces->workers;
	unsigned wanted = spares_of(interfaces);
	int fd_max, ret = 0;
	unsigned n = 0;

	if (interfaces->options->interface_count == 0) {
		return; /* a ring on all interfaces is never opened again */
	}
	fd_max = raise_descriptors_by(wanted * rings) - DESCRIPTORS_FREE;
	while (n < wanted && (ret = lay_in_once(interfaces, fd_max)) == 0) {
		n++;
	}
	if (ret == -EMFILE) {
		log_warn("capture: the limit of open files leaves room for %u spare sockets of "
		         "each ring, not %u; each time that an interface comes back takes one "
		         "(prlimit --nofile)",
		         n, wanted);
	} else if (ret < 0) {
		log_debug("capture: %u spare sockets of each ring: %s", n, strerror(-ret));
	}
}

/* Can its rings be opened anew? Those that are in no group give their sockets back before. */
static bool has_sockets(const struct interface *iface, unsigned workers)
{
	for (unsigned i = 0; i < workers; i++) {
		const struct ring *ring = iface->rings[i];
		bool gives_back = ring != NULL && ring_fanout_id(ring) < 0;

		if (iface->stocks[i] == NULL ||
		    (ring_stock_sockets(iface->stocks[i]) == 0 && !gives_back)) {
			return false;
		}
	}
	return true;
}

/* ---- Changes ---- */

static void add_promisc(struct interface *all, const struct link_info *link)
{
	int ret;

	if (link->is_gone || link->is_loopback || link_type_of(link->hatype) == LINK_UNKNOWN) {
		return;
	}
	ret = ring_add_promisc(all->rings[0], link->ifindex);
	if (ret < 0 && ret != -ENODEV) { /* the message is older than its end */
		log_warn("%s: cannot be set promiscuous: %s", link->name, strerror(-ret));
	}
}

/* Told once: passer has no right any more to make a socket. */
static void note_lost(struct interface *iface)
{
	if (!iface->is_lost) {
		iface->is_lost = true;
		log_error("%s is back, but came and went too often: no socket is left to hear it; "
		          "restart passer",
		          iface->name);
	}
}

/*
 * One that is waited for is there, and up: from now on, if it was another until now. It is opened
 * at once unless that was done a short while ago: the first that is heard may be an address lease.
 */
static void note_back(struct interface *iface, unsigned ifindex)
{
	uint64_t now = clock_monotonic_ns();

	if (iface->back_ifindex != ifindex) {
		iface->back_ifindex = ifindex;
		iface->settled_ns = now - iface->reopened_ns >= CALM_NS ? now : now + SETTLE_NS;
	}
}

static void note_away(struct interface *iface)
{
	iface->back_ifindex = 0;
	iface->settled_ns = 0;
}

static void on_named_link(struct interface *iface, const struct link_info *link)
{
	bool is_known = link->ifindex == iface->ifindex;
	bool has_name = strcmp(iface->name, link->name) == 0;

	if (is_known || has_name) {
		note_link(iface, link);
	}
	if (link->is_gone) {
		if (is_known) {
			note_gone(iface);
		}
		if (link->ifindex == iface->back_ifindex) {
			note_away(iface);
		}
		return;
	}
	/* Its index does not tell that it is new: one that was moved away and back keeps it. */
	if (!has_name || (is_known && !iface->is_gone)) {
		return;
	}
	note_gone(iface);
	if (link->is_up) {
		note_back(iface, link->ifindex);
	} else {
		note_away(iface);
	}
}

void interfaces_on_link(struct interfaces *interfaces, const struct link_info *link)
{
	for (unsigned k = 0; k < interfaces->count; k++) {
		struct interface *iface = &interfaces->list[k];

		if (interfaces->options->interface_count == 0) {
			link_tally_note(&iface->tally, link);
			add_promisc(iface, link);
		} else {
			on_named_link(iface, link);
		}
	}
}

uint64_t interfaces_settled_ns(const struct interfaces *interfaces)
{
	uint64_t first = 0;

	for (unsigned k = 0; k < interfaces->count; k++) {
		uint64_t one = interfaces->list[k].settled_ns;

		first = one != 0 && (first == 0 || one < first) ? one : first;
	}
	return first;
}

/* News of links may be late, or lost: it is looked at once more. */
static bool is_still_back(struct interface *iface)
{
	struct link_info link;
	struct err err;

	if (link_find(iface->name, &link, &err) < 0 || !link.is_up) {
		note_away(iface);
		return false;
	}
	if (link.ifindex != iface->back_ifindex) {
		note_back(iface, link.ifindex);
		return false;
	}
	return true;
}

static bool settle(struct interface *iface, unsigned workers)
{
	if (!is_still_back(iface)) {
		return false;
	}
	if (!has_sockets(iface, workers)) {
		note_away(iface);
		note_lost(iface);
		return false;
	}
	log_info("%s is back", iface->name);
	iface->reopened_ns = clock_monotonic_ns();
	iface->ifindex = iface->back_ifindex;
	iface->is_gone = false;
	iface->is_stale = true;
	note_away(iface);
	return true;
}

bool interfaces_settle(struct interfaces *interfaces)
{
	uint64_t now = clock_monotonic_ns();
	bool must_reopen = false;

	for (unsigned k = 0; k < interfaces->count; k++) {
		struct interface *iface = &interfaces->list[k];

		if (iface->settled_ns != 0 && now >= iface->settled_ns) {
			must_reopen |= settle(iface, interfaces->workers);
		}
	}
	return must_reopen;
}

bool interfaces_are_lost(const struct interfaces *interfaces)
{
	unsigned lost = 0;

	for (unsigned k = 0; k < interfaces->count; k++) {
		lost += interfaces->list[k].is_lost;
	}
	return lost == interfaces->count;
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
		for (unsigned i = 0; i < interfaces->workers; i++) {
			ring_stock_close(interfaces->list[k].stocks[i]);
		}
	}
}
