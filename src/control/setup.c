/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sensor.h"

#include <passer/base/clock.h>
#include <passer/base/heap.h>
#include <passer/base/log.h>
#include <passer/base/shm.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define AUTO_WORKERS_MAX 4

bool setup_wants_live(const struct options *o)
{
	return o->interface_count > 0 || o->file_count == 0;
}

static unsigned count_workers(const struct options *o, const cpu_set_t *cpus)
{
	unsigned count = (unsigned)CPU_COUNT(cpus);

	if (!setup_wants_live(o)) {
		return 1;
	}
	if (o->workers != 0) {
		return o->workers;
	}
	return count < AUTO_WORKERS_MAX ? count : AUTO_WORKERS_MAX;
}

/* The n-th CPU of a set, counted round and round. */
static int nth_cpu(const cpu_set_t *cpus, unsigned n)
{
	n %= (unsigned)CPU_COUNT(cpus);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, cpus) && n-- == 0) {
			return cpu;
		}
	}
	return -1;
}

/* Named CPUs must be there; without names those that this process may run on. */
static int choose_cpus(const struct options *o, cpu_set_t *out_cpus, struct err *err)
{
	cpu_set_t allowed, both;
	int cpu = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) {
		return err_set(err, -errno, "cannot learn the CPUs: %s", strerror(errno));
	}
	if (CPU_COUNT(&o->cpus) == 0) {
		*out_cpus = allowed;
		return 0;
	}
	CPU_AND(&both, &allowed, &o->cpus);
	if (!CPU_EQUAL(&both, &o->cpus)) {
		CPU_XOR(&both, &both, &o->cpus);
		while (!CPU_ISSET(cpu, &both)) {
			cpu++;
		}
		return err_set(err, -EINVAL,
		               "--cpus: CPU %d is not there, or not for this process; "
		               "taskset -cp $$ shows those that are",
		               cpu);
	}
	*out_cpus = o->cpus;
	return 0;
}

int setup_workers(const struct options *options, cpu_set_t *out_cpus, unsigned *out_workers,
                  struct err *err)
{
	int ret = choose_cpus(options, out_cpus, err);

	if (ret == 0) {
		*out_workers = count_workers(options, out_cpus);
	}
	return ret;
}

/* The kernel would look for it for minutes, and leave the machine without memory. */
static int check_rings(const struct options *o, unsigned workers, struct err *err)
{
	const uint64_t all = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	if (!setup_wants_live(o) || (uint64_t)workers * o->ring_bytes < all) {
		return 0;
	}
	return err_set(err, -EINVAL,
	               "--ring-mib %zu: %u of them, one for each worker, do not fit into the "
	               "memory of this machine, %zu MiB",
	               o->ring_bytes >> 20, workers, (size_t)(all >> 20));
}

static int plan_memory(struct supervisor *s, struct err *err)
{
	cpu_set_t cpus;
	unsigned workers;
	int ret = setup_workers(s->options, &cpus, &workers, err);

	ret = ret == 0 ? check_rings(s->options, workers, err) : ret;
	return ret == 0 ? memory_plan(s->options, workers, &s->memory, err) : ret;
}

static int make_slots(struct supervisor *s, struct err *err)
{
	cpu_set_t cpus;
	int ret = setup_workers(s->options, &cpus, &s->worker_count, err);

	if (ret < 0) {
		return ret;
	}
	s->common.max_rate =
		(s->options->max_rate + s->worker_count - 1) / s->worker_count; /* 0 stays 0 */
	for (unsigned i = 0; i < s->worker_count; i++) {
		struct worker_slot *slot = &s->slots[i];

		slot->cpu = nth_cpu(&cpus, i);
		slot->shared = shm_new(sizeof(*slot->shared));
		slot->flows = flows_new(s->memory.sizes.capacities[LEDGER_FLOWS], &s->ledger.key);
		if (slot->shared == NULL || slot->flows == NULL) {
			return err_set(err, -ENOMEM, "out of memory for %u workers",
			               s->worker_count);
		}
	}
	return 0;
}

int setup_load_databases(const struct supervisor *s, struct databases *db, struct err *err)
{
	const struct options *o = s->options;
	const struct signature_files own = {
		.paths = o->signatures,
		.count = o->signature_count,
		.service_probes = o->service_probes,
		.p0f = o->p0f,
		.p0f_count = o->p0f_count,
		.geoip = o->geoip,
		.geoip_count = o->geoip_count,
	};
	int ret = databases_init(db, own, err);

	return ret == 0 ? host_files_load_trusted(&s->host_files, &db->trusted, err) : ret;
}

static int load_databases(struct supervisor *s, struct err *err)
{
	int ret = host_files_init(&s->host_files, s->options, err);

	if (ret == 0) {
		ret = confine_init(&s->confinement, s->options, &s->host_files, err);
	}
	if (ret == 0) {
		struct heap_region region = heap_huge_begin();

		ret = setup_load_databases(s, &s->db, err);
		heap_huge_end(region);
	}
	return ret;
}

static int open_dump(struct supervisor *s, const char *path, struct pcapdump **out_dump,
                     struct err *err)
{
	struct pcapdump_config config = {
		.path = path,
		.limit_bytes = s->options->dump_limit_bytes,
		.writers = s->worker_count,
	};

	return path != NULL ? pcapdump_open(&config, out_dump, err) : 0;
}

/*
 * Without --quarantine only where somebody has made the folder, and it is no trouble when another
 * sensor has the file. The supervisor alone writes to it.
 */
static int open_quarantine(struct supervisor *s, struct err *err)
{
	const char *named = s->options->quarantine_path;
	struct pcapdump_config config = {
		.path = named != NULL ? named : QUARANTINE_DEFAULT_PATH,
		.limit_bytes = s->options->dump_limit_bytes,
		.writers = 1,
	};
	/* A file is at hand already: reading one must not take the quarantine from a sensor. */
	bool is_wanted = named != NULL || setup_wants_live(s->options);
	int ret = is_wanted ? pcapdump_open(&config, &s->quarantine, err) : 0;

	if (ret < 0 && named == NULL) {
		log_debug("%s; packets that kill a worker are not kept", err->text);
		return 0;
	}
	return ret;
}

static int open_stats(struct supervisor *s, struct err *err)
{
	const struct options *o = s->options;

	s->stats_due_ns = s->started_ns + o->stats_interval_s * NS_PER_S;
	if (o->stats_path == NULL) {
		return 0;
	}
	int new_fd = confine_make_new(&s->confinement, o->stats_path);
	int ret = stats_file_open(o->stats_path, &s->stats, err);

	confine_give_new(&s->confinement, new_fd, o->stats_path);
	return ret;
}

static int open_dumps(struct supervisor *s, struct err *err)
{
	const struct options *o = s->options;
	int ret = open_dump(s, o->unhandled_path, &s->common.unhandled, err);

	if (ret == 0 && o->unhandled_path != NULL && o->dump_path != NULL &&
	    strcmp(o->unhandled_path, o->dump_path) == 0) {
		s->common.suspicious = s->common.unhandled;
		return 0;
	}
	return ret == 0 ? open_dump(s, o->dump_path, &s->common.suspicious, err) : ret;
}

/* Signals come through a descriptor, in the order of work, never in the middle of something. */
static int open_signals(struct supervisor *s, struct err *err)
{
	struct sigaction before;
	sigset_t wanted;

	/* nohup(1) ignores it, and so says that the run is not to end. */
	s->ends_on_hangup = sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN &&
	                    isatty(STDERR_FILENO) == 1 && s->options->log_path == NULL;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* the write over the limit fails, as with a full disk */
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGUSR1);
	sigaddset(&wanted, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &wanted, NULL) != 0) {
		return err_set(err, -errno, "signals: %s", strerror(errno));
	}
	s->signal_fd = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
	return s->signal_fd >= 0 ? 0 : err_set(err, -errno, "signals: %s", strerror(errno));
}

static int open_log(struct supervisor *s, struct err *err)
{
	const char *path = s->options->log_path;

	if (path == NULL) {
		return 0;
	}
	int new_fd = confine_make_new(&s->confinement, path);

	s->log_fd = csv_open_log(path, err);
	confine_give_new(&s->confinement, new_fd, path);
	if (s->log_fd < 0) {
		return s->log_fd;
	}
	outputs_note_log(s);
	return 0;
}

static int load(struct supervisor *s, struct err *err)
{
	const struct options *o = s->options;
	int ret;

	if (ledger_init_sized(&s->ledger, &s->memory.sizes) < 0 ||
	    (s->dispatch = dispatch_new()) == NULL) {
		return err_set(err, -ENOMEM, "out of memory for the ledger");
	}
	s->selection = shm_new(sizeof(*s->selection));
	if (s->selection == NULL) {
		return err_set(err, -ENOMEM, "out of memory for the selection");
	}
	*s->selection = o->selection;
	s->recent = shm_new(sizeof(*s->recent));
	if (s->recent == NULL) {
		return err_set(err, -ENOMEM, "out of memory for segments heard lately");
	}
	s->csv_files = shm_new(sizeof(*s->csv_files));
	if (s->csv_files == NULL) {
		return err_set(err, -ENOMEM, "out of memory for the outputs");
	}
	host_files_load_suspicious(&s->host_files, s->db.trusted, s->ledger.suspects);
	if (o->expression != NULL) {
		ret = expression_new(o->expression, &s->expression, err);
		if (ret < 0) {
			return ret;
		}
	}
	ret = open_log(s, err);
	if (ret < 0) {
		return ret;
	}
	s->analyzer_options.wants_nxdomain = o->wants_nxdomain;
	s->analyzer_options.wants_creds = o->wants_creds;
	s->analyzer_options.wants_mac_notes = o->wants_mac_notes;
	s->common = (struct worker_common){
		.db = &s->db,
		.dispatch = s->dispatch,
		.confinement = &s->confinement,
		.expression = s->expression,
		.analyzer_options = &s->analyzer_options,
		.ledger = &s->ledger,
		.selection = s->selection,
		.recent = s->recent,
		.stops_at_unhandled = o->stops_at_unhandled && o->is_verbose,
		.has_timestamp = o->has_timestamp,
		.retire_ms = o->retire_ms,
		.stdout_back_fd = s->stdout_back_fd,
		.csv_files = s->csv_files,
	};
	return 0;
}

int setup_init(struct supervisor *s, const struct options *options, struct err *err)
{
	static int (*const steps[])(struct supervisor *, struct err *) = {
		plan_memory, load_databases,  load,       make_slots,
		open_dumps,  open_quarantine, open_stats, open_signals,
	};
	int ret = 0;

	s->options = options;
	tzset(); /* now that files may be opened: gmtime_r(3) does once */
	s->started_ns = clock_monotonic_ns();
	snprintf(s->name, sizeof(s->name), "%s", options->name);
	s->stdout_fd = csv_open_stdout();
	s->stdout_back_fd = csv_open_stdout_back();
	s->log_fd = s->signal_fd = s->timer_fd = s->epoll_fd = -1;
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		s->slots[i].control_fd = -1;
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && ret == 0; i++) {
		ret = steps[i](s, err);
	}
	return ret;
}

static void close_dumps(struct supervisor *s)
{
	if (s->common.suspicious != s->common.unhandled) {
		pcapdump_close(s->common.suspicious);
	}
	pcapdump_close(s->common.unhandled);
	pcapdump_close(s->quarantine);
}

void setup_fini(struct supervisor *s)
{
	close_dumps(s);
	stats_file_close(s->stats);
	control_socket_close(s->control);
	link_monitor_close(s->links);
	interfaces_close(&s->interfaces);
	for (unsigned i = 0; i < s->worker_count; i++) {
		flows_free(s->slots[i].flows);
		shm_free(s->slots[i].shared, sizeof(*s->slots[i].shared));
	}
	int own_stdout_fd = s->stdout_fd != STDOUT_FILENO ? s->stdout_fd : -1;
	int fds[] = {s->log_fd,    own_stdout_fd, s->stdout_back_fd,
	             s->signal_fd, s->timer_fd,   s->epoll_fd};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0) {
			close(fds[i]);
		}
	}
	if (s->recent != NULL) {
		shm_free(s->recent, sizeof(*s->recent));
	}
	if (s->csv_files != NULL) {
		shm_free(s->csv_files, sizeof(*s->csv_files));
	}
	if (s->selection != NULL) {
		shm_free(s->selection, sizeof(*s->selection));
	}
	expression_free(s->expression);
	dispatch_free(s->dispatch);
	ledger_fini(&s->ledger);
	databases_fini(&s->db);
	confine_fini(&s->confinement);
}
