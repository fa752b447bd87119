/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "confine.h"
#include "sensor.h"

#include <passer/analyzers/databases.h>
#include <passer/bpf_abi.h>
#include <passer/capture/link.h>
#include <passer/capture/ring.h>

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#define TEXT_SIZE       512
#define TRY_BLOCK_BYTES 65536u

enum state {
	GOOD,
	NOTE, /* passer listens all the same */
	BAD,  /* it does not */
};

/* What a check found. */
struct finding {
	enum state state;
	char text[TEXT_SIZE];
	char cure[TEXT_SIZE]; /* empty: none needed */
};

struct machine {
	const struct options *options;
	struct confinement confinement;
	bool is_user_known;
	struct err user_err;
	struct memory_plan memory;
	bool is_memory_planned;
	struct err memory_err;
};

typedef void check_fn(const struct machine *m, struct finding *f);

static void say(struct finding *f, enum state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct finding *f, enum state state, const char *format, ...)
{
	va_list args;

	f->state = state;
	va_start(args, format);
	vsnprintf(f->text, sizeof(f->text), format, args);
	va_end(args);
}

static void cure(struct finding *f, const char *text)
{
	snprintf(f->cure, sizeof(f->cure), "%s", text);
}

/* Behind what is there already. */
static void add_text(struct finding *f, const char *text)
{
	size_t len = strlen(f->text);

	snprintf(f->text + len, sizeof(f->text) - len, "%s", text);
}

/* With commas. */
static void add(struct finding *f, const char *text)
{
	add_text(f, f->text[0] != '\0' ? ", " : "");
	add_text(f, text);
}

/* The first line of a small file of the kernel's; false when it cannot be read. */
static bool read_line(const char *path, char *out_line, size_t size)
{
	FILE *file = fopen(path, "re");
	bool is_read = file != NULL && fgets(out_line, (int)size, file) != NULL;

	if (is_read) {
		out_line[strcspn(out_line, "\n")] = '\0';
	}
	if (file != NULL) {
		fclose(file);
	}
	return is_read;
}

/* ---- the kernel ------------------------------------------------------------------------------ */

static void check_kernel(const struct machine *m, struct finding *f)
{
	struct utsname name = {.release = "unknown"};

	(void)m;
	(void)uname(&name);
	say(f, GOOD, "Linux %s, %s", name.release, name.machine);
}

/* A ring of the smallest size in a group of its own: all that a worker's ring needs. */
static void try_ring(const struct machine *m, struct finding *f, bool is_alone, const char *what)
{
	struct ring_progress progress;
	const struct ring_config config = {
		.name = "all interfaces",
		.ring_bytes = 4 * TRY_BLOCK_BYTES,
		.block_bytes = TRY_BLOCK_BYTES,
		.retire_ms = RING_DEFAULT_RETIRE_MS,
		.fanout = m->options->fanout,
		.fanout_id = -1,
		.is_alone = is_alone,
		.progress = &progress,
	};
	struct ring *ring = NULL;
	struct err err;
	int ret = ring_open(&config, &ring, &err);

	ring_close(ring);
	if (ret == 0) {
		say(f, GOOD, "%s", what);
		return;
	}
	confine_add_missing(ret, &err);
	say(f, BAD, "%s", err.text);
	cure(f, "run as root, or with the capabilities that are missing");
}

static void check_ring(const struct machine *m, struct finding *f)
{
	try_ring(m, f, true, "packet socket, TPACKET_V3 ring and eBPF filter can be had");
}

static void check_fanout(const struct machine *m, struct finding *f)
{
	try_ring(m, f, false, "a group for several workers can be had");
}

static void check_btf(const struct machine *m, struct finding *f)
{
	(void)m;
	if (access("/sys/kernel/btf/vmlinux", R_OK) == 0) {
		say(f, GOOD, "the kernel describes its types");
	} else {
		say(f, NOTE, "the kernel does not describe its types; passer does not need it");
	}
}

static void check_jit(const struct machine *m, struct finding *f)
{
	char line[64];

	(void)m;
	if (!read_line("/proc/sys/net/core/bpf_jit_enable", line, sizeof(line))) {
		say(f, NOTE, "not known: net.core.bpf_jit_enable cannot be read");
	} else if (strcmp(line, "0") == 0) {
		say(f, NOTE, "off: filters are interpreted, several times slower");
		cure(f, "sysctl net.core.bpf_jit_enable=1");
	} else {
		say(f, GOOD, "on");
	}
}

/* Linux 5.19 lets everybody use the maps whose descriptors he has; before, CAP_BPF was asked. */
static bool has_open_maps(void)
{
	struct utsname name;
	int major, minor;

	return uname(&name) != 0 || sscanf(name.release, "%d.%d", &major, &minor) != 2 ||
	       major > 5 || (major == 5 && minor >= 19);
}

/* Kernel doc admin-guide/sysctl/kernel.rst; the filter is loaded before CAP_BPF is given up. */
static void check_unprivileged(const struct machine *m, struct finding *f)
{
	char line[64];

	if (!read_line("/proc/sys/kernel/unprivileged_bpf_disabled", line, sizeof(line))) {
		say(f, NOTE, "not known: kernel.unprivileged_bpf_disabled cannot be read");
	} else if (strcmp(line, "0") == 0) {
		say(f, NOTE, "allowed to every user of this machine");
		cure(f, "sysctl kernel.unprivileged_bpf_disabled=1");
	} else if (!has_open_maps() && !m->options->is_unconfined) {
		say(f, NOTE,
		    "this kernel does not let passer read the filter's counters, or change "
		    "the profile, once it has given CAP_BPF up");
		cure(f, "Linux 5.19 or later");
	} else {
		say(f, GOOD, "for CAP_BPF only (kernel.unprivileged_bpf_disabled = %s)", line);
	}
}

static void check_landlock(const struct machine *m, struct finding *f)
{
	int abi = landlock_abi();

	(void)m;
	if (abi == 0) {
		say(f, NOTE, "none: workers see the files that their user may see");
		cure(f, "a kernel from 5.13 with landlock among the lsm= of its command line");
	} else {
		say(f, GOOD, "ABI %d%s", abi,
		    abi >= 6 ? "" : "; 6 would also keep workers from signalling others");
	}
}

static void check_seccomp(const struct machine *m, struct finding *f)
{
	(void)m;
	if (calls_can_confine()) {
		say(f, GOOD, "system calls can be confined");
	} else {
		say(f, NOTE, "none: workers may make every system call");
		cure(f, "a kernel with CONFIG_SECCOMP_FILTER");
	}
}

static void check_memlock(const struct machine *m, struct finding *f)
{
	struct rlimit limit = {0, 0};

	(void)m;
	(void)getrlimit(RLIMIT_MEMLOCK, &limit);
	if (limit.rlim_cur == RLIM_INFINITY) {
		say(f, GOOD, "unlimited");
	} else {
		say(f, GOOD, "%" PRIu64 " KiB; kernels before 5.11 take eBPF maps from it",
		    (uint64_t)limit.rlim_cur / 1024);
	}
}

static void check_memory(const struct machine *m, struct finding *f)
{
	const struct memory_plan *plan = &m->memory;

	if (!m->is_memory_planned) {
		say(f, BAD, "%s", m->memory_err.text);
		cure(f, "a larger --memory, or fewer --workers");
		return;
	}
	say(f, GOOD,
	    "%" PRIu64 " MiB at most; beside it %" PRIu64
	    " MiB of rings, and %zu MiB of flow cells in the kernel",
	    (plan->bytes + 0xfffff) >> 20, plan->ring_bytes >> 20,
	    FLOW_CELLS * sizeof(uint64_t) >> 20);
}

/* ---- rights ---------------------------------------------------------------------------------- */

static void check_capabilities(const struct machine *m, struct finding *f)
{
	uint64_t permitted = privileges_permitted();
	size_t count;
	const struct capability *rows = capability_rows(&count);

	(void)m;
	say(f, GOOD, "%s", "at the start only:");
	for (size_t i = 0; i < count; i++) {
		bool is_there = (permitted & CAP_BIT(rows[i].number)) != 0;
		char text[TEXT_SIZE];

		snprintf(text, sizeof(text), "%s %s%s (%s)", i > 0 ? "," : "",
		         is_there ? "" : "no ", rows[i].name, rows[i].why);
		add_text(f, text);
		if (!is_there) {
			f->state = rows[i].is_needed ? BAD : f->state == BAD ? BAD : NOTE;
			cure(f,
			     "run as root, or give the program these capabilities; see setcap(8)");
		}
	}
}

static void check_user(const struct machine *m, struct finding *f)
{
	const struct user *user = &m->confinement.user;

	if (m->options->is_unconfined) {
		say(f, NOTE, "--unconfined: all processes keep all rights of the start");
	} else if (!m->is_user_known) {
		say(f, BAD, "%s", m->user_err.text);
		cure(f, "another --user, or none");
	} else if (geteuid() != 0) {
		say(f, GOOD, "all processes run as %s", user->name);
	} else if (!privileges_may_switch()) {
		say(f, NOTE,
		    "root: cannot become another user (CAP_SETUID, CAP_SETGID, setgroups(2))");
		cure(f, "start as root with them, or as another user");
	} else if (user->uid == 0 || strcmp(user->name, "nobody") == 0) {
		say(f, NOTE, "all processes run as %s", user->name);
		cure(f, "a user of its own: useradd --system passer");
	} else {
		say(f, GOOD, "all processes run as %s", user->name);
	}
}

/* ---- what it reads and hears ----------------------------------------------------------------- */

static bool has_any(const char *const *paths)
{
	for (; *paths != NULL; paths++) {
		if (access(*paths, R_OK) == 0) {
			return true;
		}
	}
	return false;
}

static void check_databases(const struct machine *m, struct finding *f)
{
	const struct {
		const char *const *paths;
		const char *what, *package;
	} rows[] = {
		{oui_default_paths, "makers of MAC addresses", "nmap-common ieee-data"},
		{service_probes_default_paths, "products of servers", "nmap-common"},
		{p0f_default_paths, "operating systems", "p0f"},
	};
	char text[TEXT_SIZE] = "apt-get install";

	(void)m;
	say(f, GOOD, "%s", "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char what[64];
		size_t len = strlen(text);
		bool is_there = has_any(rows[i].paths);

		snprintf(what, sizeof(what), "%s%s", is_there ? "" : "no ", rows[i].what);
		add(f, what);
		if (!is_there) {
			f->state = NOTE;
			snprintf(text + len, sizeof(text) - len, " %s", rows[i].package);
			cure(f, text);
		}
	}
}

static void note_up(void *user, const struct link_info *link)
{
	if (link->is_up && !link->is_loopback && link_type_of(link->hatype) != LINK_UNKNOWN) {
		add(user, link->name);
	}
}

static void check_interfaces(const struct machine *m, struct finding *f)
{
	int ret;

	(void)m;
	say(f, GOOD, "%s", "");
	ret = link_list(note_up, f);
	if (ret < 0) {
		say(f, BAD, "cannot be listed: %s", strerror(-ret));
	} else if (f->text[0] == '\0') {
		say(f, NOTE, "none that is up, beside the loopback interface");
		cure(f, "ip link set NAME up; passer hears it from then on");
	}
}

static void check_named(const struct machine *m, struct finding *f)
{
	struct link_info link;
	struct err err;

	say(f, GOOD, "%s", m->options->interface_count == 0 ? "all" : "");
	for (unsigned i = 0; i < m->options->interface_count; i++) {
		if (link_find(m->options->interfaces[i], &link, &err) < 0) {
			say(f, BAD, "%s", err.text);
			cure(f, "ip link lists those that there are");
			return;
		}
		add(f, link.name);
	}
}

/* ---- all of it ------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	check_fn *run;
} checks[] = {
	{"kernel", check_kernel},
	{"capabilities", check_capabilities},
	{"ring", check_ring},
	{"fanout", check_fanout},
	{"eBPF JIT", check_jit},
	{"eBPF for users", check_unprivileged},
	{"BTF", check_btf},
	{"memory lock", check_memlock},
	{"memory", check_memory},
	{"user", check_user},
	{"Landlock", check_landlock},
	{"seccomp", check_seccomp},
	{"databases", check_databases},
	{"interfaces up", check_interfaces},
	{"to be heard", check_named},
};

static void print(const char *name, const struct finding *f)
{
	static const char *const words[] = {[GOOD] = "good", [NOTE] = "note", [BAD] = "bad"};

	printf("%-4s  %-14s  %s\n", words[f->state], name, f->text);
	if (f->cure[0] != '\0') {
		printf("      %-14s  > %s\n", "", f->cure);
	}
}

static void plan_memory(struct machine *m)
{
	cpu_set_t cpus;
	unsigned workers;

	m->is_memory_planned = setup_workers(m->options, &cpus, &workers, &m->memory_err) == 0 &&
	                       memory_plan(m->options, workers, &m->memory, &m->memory_err) == 0;
}

int check_machine(const struct options *options)
{
	static struct machine m;
	struct host_files none = {.trusted = ""};
	bool is_good = true;

	m.options = options;
	m.is_user_known = confine_init(&m.confinement, options, &none, &m.user_err) == 0;
	plan_memory(&m);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		struct finding f = {.state = GOOD};

		checks[i].run(&m, &f);
		print(checks[i].name, &f);
		is_good = is_good && f.state != BAD;
		if (checks[i].run == check_memory && m.is_memory_planned) {
			memory_print(&m.memory, stdout);
		}
	}
	puts(is_good ? "passer can listen here" : "passer cannot listen here");
	confine_fini(&m.confinement);
	return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
